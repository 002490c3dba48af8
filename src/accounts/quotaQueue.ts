import type { Clock } from '../domain/clock.ts';
import type { QuotaAsk, Reservation } from './port.ts';

export interface Waiting {
  /** What it wishes for is made of this with every plan anew: meanwhile others may have taught something. */
  readonly ask: QuotaAsk;
  /** There was no room for it at first: until then it waits for what others hold, or requests under way, and may not need. */
  hopesUntil: number | null;
  readonly resolve: (reservation: Reservation) => void;
  readonly reject: (error: unknown) => void;
}

/** Beyond it requests are refused at once: they would only wait for each other. */
const MOST_WAITING = 5_000;

/** Of the patience of a request, for which it hopes once it was told that there is no room. */
const HOPE = 0.5;

/** Requests of one account that wait for the next write, in the order they came. */
export class QuotaQueue {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  readonly #waiting = new Set<Waiting>();

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  get isFull(): boolean {
    return this.#waiting.size >= MOST_WAITING;
  }

  /** Who has waited for longest. */
  get first(): Waiting | null {
    for (const waiting of this.#waiting) return waiting;
    return null;
  }

  all(): readonly Waiting[] {
    return [...this.#waiting];
  }

  has(waiting: Waiting): boolean {
    return this.#waiting.has(waiting);
  }

  /** Whether there is still hope of room for it. */
  hopes(waiting: Waiting): boolean {
    const now = this.#clock.now();
    waiting.hopesUntil ??= now + this.#patienceMs * HOPE;
    return now < waiting.hopesUntil;
  }

  /** `tooLate` is told of a request that has waited long enough and has been told nothing. */
  add(ask: QuotaAsk, tooLate: (waiting: Waiting) => void): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        cancel();
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        ask,
        hopesUntil: null,
        resolve: (reservation) => {
          leave();
          resolve(reservation);
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      const cancel = this.#clock.after(this.#patienceMs, () => waiting.hopesUntil === null && tooLate(waiting));
      this.#waiting.add(waiting);
    });
  }
}
