import type { Clock, Draw } from '../domain/clock.ts';

export interface TellingFacts {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly refreshMs: number;
  /** About how many instances tell. */
  readonly instances: () => number;
  readonly isLarge: () => boolean;
  readonly drawsLot: () => boolean;
  /** Whether something is at hand that others should not have to find out themselves. */
  readonly isUrgent: () => boolean;
  /** Writes what the fleet does not know; it never throws. */
  readonly tell: () => Promise<void>;
}

/** News waits no longer than such a share of a refresh period, so that all know of it within one. */
const TELL_WITHIN = 0.1;
/** What can wait is told again after such a share of a period at the earliest, and after one period if there are so many instances. */
const SHORTEST_GAP = 0.2;
const CROWD = 40;

/**
 * Tells the fleet, between an instance's exchanges, what it has found out: soon, and one telling at a time. Were each piece of news to
 * be told by itself, a store that is a little slow would have more of them waiting every second, and reading would wait behind them.
 */
export class Telling {
  readonly #facts: TellingFacts;
  #cancel: (() => void) | null = null;
  #dueAt = 0;
  #isUnderWay = false;
  /** There was news while a telling was under way. */
  #isAgain = false;
  #toldAt = -Infinity;
  #isClosed = false;

  constructor(facts: TellingFacts) {
    this.#facts = facts;
  }

  /** There is something new. What is not told now is told with the next exchange, if it still is news. */
  news(): void {
    if (this.#isClosed) return;
    if (this.#isUnderWay) {
      this.#isAgain = true;
      return;
    }
    const { clock, draw, refreshMs } = this.#facts;
    const now = clock.monotonicMs();
    if (!this.#isHeard(now)) return;
    const dueAt = Math.max(now, this.#toldAt + this.#gapMs()) + draw() * TELL_WITHIN * refreshMs;
    if (this.#cancel !== null && this.#dueAt <= dueAt) return;
    this.#cancel?.();
    this.#dueAt = dueAt;
    this.#cancel = clock.after(dueAt - now, () => void this.#run());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** In a large fleet each tells out of turn at most once in a period, by lot: a storm of news must not become one of writes. */
  #isHeard(now: number): boolean {
    const { isLarge, drawsLot, refreshMs } = this.#facts;
    if (!isLarge()) return true;
    if (now - this.#toldAt < refreshMs) return false;
    this.#toldAt = now;
    return drawsLot();
  }

  #gapMs(): number {
    const { isLarge, isUrgent, instances, refreshMs } = this.#facts;
    if (isLarge() || isUrgent()) return 0;
    return refreshMs * Math.min(1, SHORTEST_GAP + instances() / CROWD);
  }

  async #run(): Promise<void> {
    this.#cancel = null;
    this.#isUnderWay = true;
    await this.#facts.tell();
    this.#toldAt = this.#facts.clock.monotonicMs();
    this.#isUnderWay = false;
    if (!this.#isAgain) return;
    this.#isAgain = false;
    this.news();
  }
}
