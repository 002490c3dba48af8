import { AsyncLocalStorage } from 'node:async_hooks';
import type { DeploymentId } from '../domain/deployment.ts';

/** What is noted of a request while it is served, by whoever has to do with it. */
export interface Mark {
  /** The deployment that it is to find out about. */
  probing: DeploymentId | null;
  /** Whether it has asked to. */
  claimed: boolean;
  attempts: number;
  /** Attempts that wait for their deployment: 0 or 1. */
  underWay: number;
  /** How long its attempts took, all together. */
  upstreamMs: number;
  isOver: boolean;
  /** Its key or its quota had to be asked for: a new key, an account's first request here, or one near a limit. */
  waitedForAccount: boolean;
  /** Calls of the store that it has waited for. */
  awaitedCalls: number;
}

/** The requests under way: whatever is done on behalf of one can be traced to it. */
export class Requests {
  readonly #marks = new AsyncLocalStorage<Mark>();

  async run<T>(serve: () => Promise<T>): Promise<{ readonly mark: Mark; readonly result: PromiseSettledResult<T> }> {
    const mark: Mark = {
      probing: null,
      claimed: false,
      attempts: 0,
      underWay: 0,
      upstreamMs: 0,
      isOver: false,
      waitedForAccount: false,
      awaitedCalls: 0,
    };
    const [result] = await this.#marks.run(mark, () => Promise.allSettled([serve()]));
    mark.isOver = true;
    return { mark, result };
  }

  /** `undefined`: nobody's request, such as what is done behind them. */
  get current(): Mark | undefined {
    return this.#marks.getStore();
  }

  /** An attempt begins; the answer ends it. */
  sent(atMs: number): (atMs: number) => void {
    const mark = this.current;
    if (mark === undefined) return () => undefined;
    mark.attempts++;
    mark.underWay++;
    return (endMs) => {
      mark.underWay--;
      mark.upstreamMs += endMs - atMs;
    };
  }

  /**
   * A call of the store made on behalf of a request has ended. If the request is neither over nor waiting for a deployment it has
   * waited for this; otherwise it only set it off.
   */
  storeAnswered(): void {
    const mark = this.current;
    if (mark !== undefined && !mark.isOver && mark.underWay === 0) mark.awaitedCalls++;
  }
}
