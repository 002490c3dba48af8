import type { Clock } from '../domain/clock.ts';
import type { Reservation } from './port.ts';
import type { Wish } from './quotaWindows.ts';

export interface Waiting {
  readonly wish: Wish;
  /** Until then it waits for what others hold and may not need. */
  readonly hopesUntil: number;
  readonly resolve: (reservation: Reservation) => void;
  readonly reject: (error: unknown) => void;
}

/** Beyond it requests are refused at once: they would only wait for each other. */
const MOST_WAITING = 5_000;

/** Of its patience. The rest is for being told. */
const HOPE = 0.75;

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

  all(): readonly Waiting[] {
    return [...this.#waiting];
  }

  has(waiting: Waiting): boolean {
    return this.#waiting.has(waiting);
  }

  /** `tooLate` is told of a request that has waited long enough; it waits no more then. */
  add(wish: Wish, tooLate: (waiting: Waiting) => void): Promise<Reservation> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        cancel();
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        wish,
        hopesUntil: this.#clock.now() + this.#patienceMs * HOPE,
        resolve: (reservation) => {
          leave();
          resolve(reservation);
        },
        reject: (error) => {
          leave();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      };
      const cancel = this.#clock.after(this.#patienceMs, () => tooLate(waiting));
      this.#waiting.add(waiting);
    });
  }
}
