/**
 * Fleet simulation: many instances of the real router over a store and deployments that are made up, in a time that is made up too.
 * (`simulator/` is something else: a fake Azure OpenAI that answers real requests.)
 */
import { setImmediate as afterPromises } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';

interface Timer {
  readonly at: number;
  /** Timers of the same instant run in the order in which they were set. */
  readonly order: number;
  fn: (() => void) | null;
}

/** Time that jumps from one timer to the next; in between, all that waits on promises gets on as it does in reality. */
export class VirtualTime implements Clock {
  readonly startedAt: number;
  readonly #heap: Timer[] = [];
  #now: number;
  #orders = 0;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
    this.#now = startedAt;
  }

  /** Whole milliseconds, like a machine's clock. */
  now(): number {
    return Math.floor(this.#now);
  }

  /** Since the run began. */
  monotonicMs(): number {
    return this.#now - this.startedAt;
  }

  after(delayMs: number, fn: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#orders++, fn };
    this.#push(timer);
    return () => {
      // It stays in the heap: to look for it would cost more than to pass it over when its time comes.
      timer.fn = null;
    };
  }

  /** Until so long after the beginning. */
  async runUntil(ms: number): Promise<void> {
    const end = this.startedAt + ms;
    await afterPromises();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#now = next.at;
      if (this.#runInstant(next.at)) await afterPromises();
    }
    this.#now = end;
  }

  #runInstant(at: number): boolean {
    let ran = false;
    for (let next = this.#heap[0]; next?.at === at; next = this.#heap[0]) {
      this.#pop();
      ran ||= next.fn !== null;
      next.fn?.();
    }
    return ran;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Timer;
      if (isBefore(above, timer)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      const least = right !== undefined && isBefore(right, heap[child] as Timer) ? child + 1 : child;
      if (isBefore(last, heap[least] as Timer)) break;
      heap[at] = heap[least] as Timer;
      at = least;
    }
    heap[at] = last;
  }
}

function isBefore(left: Timer, right: Timer): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}

/** The clock of a machine that is ahead of the others, or behind them. */
export function clockAhead(time: VirtualTime, aheadMs: number): Clock {
  return {
    now: () => time.now() + aheadMs,
    monotonicMs: () => time.monotonicMs(),
    after: (delayMs, fn) => time.after(delayMs, fn),
  };
}

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
