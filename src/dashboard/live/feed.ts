/**
 * Asks for the overview once a second for as long as somebody looks. An answer that has not changed redraws nothing; a router that
 * does not answer is asked less and less often, and found again by itself. Clock, timers and the asking itself are handed in.
 */
import type { Overview } from '../../domain/overview.ts';

export type Reply =
  | { readonly kind: 'fresh'; readonly overview: Overview; readonly etag: string | null }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'locked' };

export type FeedState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'live' }
  /** No answer since `since`; asked again at `retryAt`. */
  | { readonly kind: 'away'; readonly since: number; readonly retryAt: number; readonly problem: string }
  /** A key is needed before it makes sense to ask again. */
  | { readonly kind: 'locked' };

export interface FeedDeps {
  /** Rejects where there is no answer; the error's message is for people. */
  readonly ask: (etag: string | null) => Promise<Reply>;
  readonly now: () => number;
  /** Calls `fn` after that long; the answer takes that back. */
  readonly after: (lengthMs: number, fn: () => void) => () => void;
  readonly onOverview: (overview: Overview) => void;
  readonly onState: (state: FeedState) => void;
}

const EVERY_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** 1 s, 2 s, 4 s, … up to half a minute. */
export function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, EVERY_MS * 2 ** Math.min(failures - 1, 10));
}

export class Feed {
  readonly #deps: FeedDeps;
  #state: FeedState = { kind: 'starting' };
  #etag: string | null = null;
  #failures = 0;
  #isWatched = false;
  #isAsking = false;
  #askAgain = false;
  #cancel: () => void = () => undefined;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
  }

  /** Somebody looks, or nobody does any more. */
  watch(isWatched: boolean): void {
    if (this.#isWatched === isWatched) return;
    this.#isWatched = isWatched;
    if (isWatched) this.now();
    else this.#cancel();
  }

  /** Asks at once: after an action, with another key, or because somebody would not wait. */
  now(): void {
    this.#cancel();
    if (this.#isAsking) this.#askAgain = true;
    else if (this.#isWatched) void this.#ask();
  }

  /** What is shown may be another's: the next answer is drawn whatever it is. */
  restart(): void {
    this.#etag = null;
    this.now();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#askAgain = false;
    try {
      this.#take(await this.#deps.ask(this.#etag));
    } catch (error) {
      this.#miss(error instanceof Error ? error.message : 'The router cannot be reached.');
    }
    this.#isAsking = false;
    if (this.#isWatched) this.#askLater();
  }

  #askLater(): void {
    if (this.#askAgain) void this.#ask();
    else if (this.#state.kind !== 'locked') this.#cancel = this.#deps.after(this.#waitMs(), () => void this.#ask());
  }

  #waitMs(): number {
    return this.#failures === 0 ? EVERY_MS : waitAfter(this.#failures);
  }

  #take(reply: Reply): void {
    this.#failures = 0;
    switch (reply.kind) {
      case 'fresh':
        this.#etag = reply.etag;
        this.#become({ kind: 'live' });
        this.#deps.onOverview(reply.overview);
        return;
      case 'unchanged':
        this.#become({ kind: 'live' });
        return;
      case 'locked':
        this.#etag = null;
        this.#become({ kind: 'locked' });
        return;
      default:
        reply satisfies never;
    }
  }

  #miss(problem: string): void {
    this.#failures++;
    const now = this.#deps.now();
    const since = this.#state.kind === 'away' ? this.#state.since : now;
    this.#become({ kind: 'away', since, retryAt: now + this.#waitMs(), problem });
  }

  #become(state: FeedState): void {
    if (state.kind === this.#state.kind && state.kind !== 'away') return;
    this.#state = state;
    this.#deps.onState(state);
  }
}
