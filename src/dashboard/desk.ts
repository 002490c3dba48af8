/// <reference lib="dom" />
/** What every section is handed: the router to ask, the voice to tell with, and the one way in which something is changed. */
import type { Overview } from '../domain/overview.ts';
import { type Question, question } from './dialogs.ts';
import type { Announcer } from './live/announcer.ts';
import { problemText, type Router } from './live/router.ts';
import type { RouterTime } from './live/routerTime.ts';

export interface Section {
  /** Draws what has changed. */
  show(overview: Overview, now: number): void;
  /** Once a second: what moves with time alone. */
  tick?(now: number): void;
}

export interface DeskDeps {
  readonly router: Router;
  readonly announcer: Announcer;
  readonly time: RouterTime;
  /** Shows at once what an action has changed. */
  readonly refresh: () => void;
}

export interface Change extends Omit<Question, 'act' | 'problemOf'> {
  /** Makes the change; the answer is what is told of it. */
  readonly change: () => Promise<string>;
}

export class Desk {
  readonly router: Router;
  readonly announcer: Announcer;
  readonly time: RouterTime;
  readonly #refresh: () => void;

  constructor({ router, announcer, time, refresh }: DeskDeps) {
    this.router = router;
    this.announcer = announcer;
    this.time = time;
    this.#refresh = refresh;
  }

  /** Asks, changes, tells, and draws the outcome; resolves once the question is gone, whatever the answer. */
  change({ change, ...about }: Change): Promise<void> {
    const act = async (): Promise<void> => {
      const told = await change();
      this.announcer.say(told);
      this.#refresh();
    };
    return question({ ...about, act, problemOf: problemText });
  }
}
