import type { Clock } from '../domain/clock.ts';

export interface LastKnownFacts<T> {
  readonly clock: Clock;
  /** Until the first answer. */
  readonly initial: T;
  readonly read: (known: T) => Promise<T>;
  /** At most one read begins in so long, whoever asks and however it ends. */
  readonly everyMs: number;
  /** A read that takes longer is given up, so that the next one may begin. */
  readonly withinMs: number;
}

/** What has to be fetched, for those who cannot wait for it: they get what is known, and whoever finds it old has it renewed. */
export class LastKnown<T> {
  readonly #facts: LastKnownFacts<T>;
  #value: T;
  #begunAt = Number.NEGATIVE_INFINITY;
  #underWay: Promise<void> | null = null;
  #reads = 0;

  constructor(facts: LastKnownFacts<T>) {
    this.#facts = facts;
    this.#value = facts.initial;
  }

  get value(): T {
    return this.#value;
  }

  /** Ends with the read that is under way, if there is one; whatever comes of it, nothing is thrown. */
  renew(): Promise<void> {
    const { clock, everyMs } = this.#facts;
    const now = clock.monotonicMs();
    if (this.#underWay !== null) return this.#underWay;
    if (now - this.#begunAt < everyMs) return Promise.resolve();
    this.#begunAt = now;
    const read = this.#read(++this.#reads).finally(() => {
      this.#underWay = null;
    });
    this.#underWay = read;
    return read;
  }

  #read(turn: number): Promise<void> {
    const { clock, read, withinMs } = this.#facts;
    return new Promise((resolve) => {
      const stop = clock.after(withinMs, resolve);
      const over = (): void => {
        stop();
        resolve();
      };
      // One that was given up may still end, later than those that came after it.
      const take = (value: T): void => {
        if (turn === this.#reads) this.#value = value;
        over();
      };
      // Who is told of the store's failures is its watch; here the value known before goes on.
      read(this.#value).then(take, over);
    });
  }
}
