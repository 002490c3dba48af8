/** Who asks the store for what, and who waits for it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Answer } from '../../src/domain/message.ts';
import type { App } from '../../src/http/app.ts';
import { type Asked, StoreLayer } from '../../src/simulation/storeLayer.ts';
import type { Store } from '../../src/store/port.ts';

/** Nobody is kept waiting for so long by anything but a call that is held: a healthy answer takes some milliseconds here. */
const STUCK_MS = 2_000;

export interface Course<T> {
  readonly result: T;
  /** Calls that were begun on the request's behalf: `put affinity`. */
  readonly begun: readonly string[];
  /** Calls, whoever began them, that had to be answered before the request was. */
  readonly waitedFor: readonly string[];
}

interface Held {
  readonly name: string;
  /** Begun by the request that is watched. */
  readonly isItsOwn: boolean;
  readonly letGo: () => void;
}

/**
 * Holds the store's answers back on demand. A request that ends all the same has waited for none of them, whoever asked; one that
 * does not is given its own, then everybody's, and what it took is counted.
 */
export class StoreTrace {
  readonly #requests = new AsyncLocalStorage<readonly string[]>();
  readonly #held: Held[] = [];
  readonly #calls: string[] = [];
  #isHolding = false;
  /** What the requests begin that are watched now. */
  #begun: string[] | null = null;

  /** Every call so far: `replace quota`, … */
  get calls(): readonly string[] {
    return this.#calls;
  }

  /** Calls that came while answers were held back, and have had none. */
  get held(): readonly string[] {
    return this.#held.map(({ name }) => name);
  }

  around(store: Store): Store {
    return new TracedStore(store, (asked) => this.#pass(asked));
  }

  /** The app, each of whose requests is known by what it begins, to the end of its stream. */
  heard(app: App): App {
    return {
      handle: (request) => {
        const course = this.#begun ?? [];
        return this.#requests.run(course, async () => this.#followed(await app.handle(request), course));
      },
    };
  }

  /** From now on nothing is answered, until that is disposed of. */
  hold(): Disposable {
    this.#isHolding = true;
    return {
      [Symbol.dispose]: () => {
        this.#isHolding = false;
        for (const { letGo } of this.#held.splice(0)) letGo();
      },
    };
  }

  /** Requests that are made while no call of the store is answered. */
  async watch<T>(task: () => Promise<T>): Promise<Course<T>> {
    const begun: string[] = [];
    const waitedFor: string[] = [];
    this.#begun = begun;
    using _held = this.hold();
    const ending = task();
    while (!(await isOver(ending))) {
      for (const { name, letGo } of this.#takeHeld()) {
        waitedFor.push(name);
        letGo();
      }
    }
    this.#begun = null;
    return { result: await ending, begun, waitedFor };
  }

  async #pass({ operation, table }: Asked): Promise<void> {
    const name = `${operation} ${table}`;
    this.#calls.push(name);
    const course = this.#requests.getStore();
    const isItsOwn = course !== undefined && course === this.#begun;
    if (isItsOwn) this.#begun?.push(name);
    if (!this.#isHolding) return;
    await new Promise<void>((letGo) => void this.#held.push({ name, isItsOwn, letGo }));
  }

  /** What a request that does not get on may wait for: its own calls, or else those of others. */
  #takeHeld(): Held[] {
    const held = this.#held.splice(0);
    const own = held.filter(({ isItsOwn }) => isItsOwn);
    if (own.length === 0) return held;
    this.#held.push(...held.filter(({ isItsOwn }) => !isItsOwn));
    return own;
  }

  #followed(answer: Answer, course: readonly string[]): Answer {
    const { body } = answer;
    if (body === null || Buffer.isBuffer(body)) return answer;
    const inner = body[Symbol.asyncIterator]();
    const within = <T>(step: () => T): T => this.#requests.run(course, step);
    const followed = {
      next: () => within(() => inner.next()),
      return: () => within(() => inner.return?.() ?? Promise.resolve({ done: true as const, value: undefined })),
    };
    return { ...answer, body: { [Symbol.asyncIterator]: () => followed } };
  }
}

async function isOver(ending: Promise<unknown>): Promise<boolean> {
  let stop: NodeJS.Timeout | undefined;
  const stuck = new Promise<false>((resolve) => {
    stop = setTimeout(() => resolve(false), STUCK_MS);
  });
  const over = ending.then(
    () => true,
    () => true,
  );
  return await Promise.race([over, stuck]).finally(() => clearTimeout(stop));
}

class TracedStore extends StoreLayer {
  readonly #passed: (asked: Asked) => Promise<void>;

  constructor(beneath: Store, passed: (asked: Asked) => Promise<void>) {
    super(beneath);
    this.#passed = passed;
  }

  protected override async around<T>(asked: Asked, perform: () => Promise<T>): Promise<T> {
    await this.#passed(asked);
    return await perform();
  }
}
