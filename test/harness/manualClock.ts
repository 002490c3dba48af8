/** Time that stands still until the test lets it pass. */
import { setImmediate as afterInput } from 'node:timers/promises';
import type { Clock } from '../../src/domain/clock.ts';

interface Timer {
  readonly at: number;
  readonly fn: () => void;
}

/** The monotonic clock began elsewhere: code that mixes the two is found out. */
const BEHIND_MS = 1_000_000;

export class ManualClock implements Clock {
  #now: number;
  #timers: Timer[] = [];

  constructor(now = Date.UTC(2026, 10, 21)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonicMs(): number {
    return this.#now - Date.UTC(2026, 10, 21) + BEHIND_MS;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer = { at: this.#now + delayMs, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Timers that would still fire. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets `ms` pass at once; what falls due runs in order, also what is set up on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#runNext(end));
    this.#now = end;
  }

  /** The same, and between any two instants everything that waits on promises gets on. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    while (this.#runNext(end)) await settled();
    this.#now = end;
    await settled();
  }

  #runNext(until: number): boolean {
    const due = this.#timers.filter(({ at }) => at <= until).sort((left, right) => left.at - right.at)[0];
    if (due === undefined) return false;
    this.#timers = this.#timers.filter((one) => one !== due);
    this.#now = Math.max(this.#now, due.at);
    due.fn();
    return true;
  }
}

/** Everything that needs no time has happened. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 3; round++) await afterInput();
}
