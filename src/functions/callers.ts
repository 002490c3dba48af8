/** Those whom the worker serves: it gives no sign when one leaves, but the host says when it is about to end. */
import type { Clock } from '../domain/clock.ts';
import type { Caller } from '../domain/message.ts';

/** The host waits 5 to 10 seconds in all, and what was counted has to be written down after this. */
const GRACE_MS = 2_000;
/** So long the last words may take on their way out of the worker. */
const LAST_WORDS_MS = 500;
const LOOK_EVERY_MS = 25;

/** One caller stands for all, as nothing is known of any that does not hold for each. */
export class HostCallers implements Caller {
  readonly gone = false;
  #dismissed = false;
  #waiting: (() => void)[] = [];
  #present = 0;

  get dismissed(): boolean {
    return this.#dismissed;
  }

  onGone(fn: () => void): () => void {
    this.#waiting.push(fn);
    return () => {
      const at = this.#waiting.indexOf(fn);
      if (at !== -1) this.#waiting.splice(at, 1);
    };
  }

  /** Somebody is here until the function that is returned is called. */
  welcome(): () => void {
    this.#present++;
    let isHere = true;
    return () => {
      if (isHere) this.#present--;
      isHere = false;
    };
  }

  /** Lets the answers under way end, and then ends them. */
  async dismiss(clock: Clock): Promise<void> {
    await this.#left(clock, GRACE_MS);
    this.#dismissed = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const fn of waiting) fn();
    await this.#left(clock, LAST_WORDS_MS);
  }

  async #left(clock: Clock, withinMs: number): Promise<void> {
    const until = clock.monotonicMs() + withinMs;
    while (this.#present > 0 && clock.monotonicMs() < until)
      await new Promise<void>((resolve) => void clock.after(LOOK_EVERY_MS, resolve));
  }
}
