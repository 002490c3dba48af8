import type { Clock } from '../domain/clock.ts';
import type { App } from './app.ts';

/** A short while, in which that answer leaves. */
const AFTER_MS = 250;
/** Where nobody asks anything, such as on the timer's own instances. */
const AT_LATEST_MS = 10_000;

/** Tells when the first answer is out: what is heavy waits for that, so that no start is the slower for it. */
export class FirstAnswer {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #isAwaited = false;
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(app: App): App {
    if (!this.#isAwaited) return app;
    return {
      handle: async (request) => {
        const answer = await app.handle(request);
        if (!this.#isOver) this.#clock.after(AFTER_MS, () => this.#tell());
        return answer;
      },
    };
  }

  whenOut(fn: () => void): void {
    this.#isAwaited = true;
    this.#waiting.push(fn);
    this.#clock.after(AT_LATEST_MS, () => this.#tell());
  }

  #tell(): void {
    this.#isOver = true;
    for (const fn of this.#waiting.splice(0)) fn();
  }
}
