/** What one request may still try once every candidate was tried or rests: how long it waits for that, and who pays. */

import type { DeploymentId } from '../domain/deployment.ts';
import type { Route } from '../routing/decide.ts';
import { type Next, type Soonest, soonestAgain } from './again.ts';
import type { AttemptsDeps } from './attempts.ts';
import type { Call } from './call.ts';
import type { Trail } from './trail.ts';

/** The attempts that a request may make without asking the budget: the first and two more. */
const FREE_ATTEMPTS = 3;
/** How often whoever waits for another request's probe looks whether its outcome is known. */
const LOOK_EVERY_MS = 50;
/** What is left of a wait below this is over: a fraction of a millisecond might never pass. */
const SHORTEST_WAIT_MS = 1;
/** Those who wait for the same rest come back spread over this share of it. */
const SPREAD = 0.1;

export interface PatienceFacts {
  readonly call: Call;
  readonly route: Route;
  readonly trail: Trail;
  readonly othersLeft: boolean;
}

/**
 * A wait for a deployment that this request has not asked yet costs nothing: nobody's load grows by it. Only asking the same one
 * again is a repeat, and is paid for.
 */
export class Patience {
  readonly #deps: AttemptsDeps;
  readonly #facts: PatienceFacts;
  #repeats = 0;
  #made = 0;
  /** The next attempt has been paid for. */
  #isPaid = false;
  /** When the present wait has to be over, on the monotonic clock; `null`: there is none. */
  #endsAt: number | null = null;

  constructor(deps: AttemptsDeps, facts: PatienceFacts) {
    this.#deps = deps;
    this.#facts = facts;
  }

  /** Waits for whoever may serve soonest, within `withinMs`; `null`: it is not worth it, or was in vain. */
  async next(withinMs: number): Promise<Next | null> {
    const { config, clock, state, budget } = this.#deps;
    const { sameDeployment, maxMs } = config.retries;
    if (this.#repeats >= sameDeployment) return null;
    const { route, trail, othersLeft } = this.#facts;
    const soonest = soonestAgain({ config, route, trail, snapshot: state.snapshot(), now: clock.now() });
    if (soonest === null) return null;
    const isRepeat = this.#wasTried(soonest.next.deployment.id);
    if (othersLeft && !isRepeat && soonest.pending !== null) return null;
    const now = clock.monotonicMs();
    const isNew = this.#endsAt === null;
    this.#endsAt ??= now + maxMs;
    const leftMs = this.#endsAt - now;
    if (leftMs < SHORTEST_WAIT_MS && !isNew) return soonest.pending === 'ramping' ? soonest.next : null;
    if (soonest.inMs > leftMs) return null;
    const pauseMs = isRepeat && isNew ? this.#backoffMs(soonest) : this.#waitMs(soonest, leftMs, withinMs);
    if (pauseMs > withinMs) return null;
    if (isRepeat && !this.#isPaid && !budget.withdraw()) return null;
    this.#isPaid = isRepeat;
    await this.#pause(pauseMs);
    return soonest.next;
  }

  /** Whether a request that waited for its turn should wait on, as the deployment takes its requests a few at a time. */
  get isWaiting(): boolean {
    return this.#endsAt !== null && !this.#isPaid && this.#deps.clock.monotonicMs() < this.#endsAt;
  }

  /** An attempt is about to be made; false: it would be one too many. */
  mayTry(deployment: DeploymentId): boolean {
    if (this.#wasTried(deployment)) this.#repeats++;
    const isPaid = this.#isPaid;
    this.#isPaid = false;
    this.#endsAt = null;
    return this.#made++ < FREE_ATTEMPTS || isPaid || this.#deps.budget.withdraw();
  }

  #wasTried(id: DeploymentId): boolean {
    return this.#facts.trail.some(({ deployment }) => deployment === id);
  }

  #backoffMs({ inMs }: Soonest): number {
    const { config, draw } = this.#deps;
    const { baseMs, maxMs } = config.retries;
    return Math.max(inMs, draw() * Math.min(maxMs, baseMs * 2 ** this.#repeats));
  }

  #waitMs({ inMs, pending }: Soonest, leftMs: number, withinMs: number): number {
    const { config, draw } = this.#deps;
    if (pending !== null) return Math.min(LOOK_EVERY_MS * (1 + draw()) * 0.5, leftMs);
    const spreadMs = draw() * Math.min(inMs * SPREAD, config.retries.baseMs);
    return Math.max(inMs, Math.min(inMs + spreadMs, leftMs, withinMs));
  }

  #pause(ms: number): Promise<void> {
    const { caller } = this.#facts.call;
    return new Promise((resolve) => {
      const forget = caller.onGone(() => {
        stop();
        resolve();
      });
      const stop = this.#deps.clock.after(ms, () => {
        forget();
        resolve();
      });
    });
  }
}
