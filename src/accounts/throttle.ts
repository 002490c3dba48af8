import type { Clock } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';

/** A credential that nobody here knows is being looked into; what comes of it is told once. */
export interface Check {
  passed(): void;
  refused(): void;
}

interface Source {
  /** Refusals it may still have. */
  left: number;
  at: number;
  /** Checks under way, each of which may end as a refusal. */
  checking: number;
  readonly waiting: (() => void)[];
}

const MINUTE_MS = 60_000;
const MOST_SOURCES = 10_000;
/** Of one source, for checks under way: beyond it more are refused than is just, rather than kept waiting without end. */
const MOST_WAITING = 100;

/** Whoever guesses is slowed down, each source by itself. */
export class Throttle {
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #sources = new Map<string, Source>();

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** A credential that needs no looking into to be refused. Throws where the source has had its refusals. */
  refuse(name: string): void {
    const source = this.#source(name);
    if (source.left - source.checking < 1) throw this.#tooMany(source);
    source.left--;
  }

  /**
   * Leave to look into a credential. Where all the refusals that are left are at stake in checks under way it waits for these: a burst
   * of new credentials that are good is no offence.
   */
  async admit(name: string): Promise<Check> {
    const source = this.#source(name);
    while (source.left - source.checking < 1) {
      if (source.checking === 0 || source.waiting.length >= MOST_WAITING) throw this.#tooMany(source);
      await new Promise<void>((resolve) => void source.waiting.push(resolve));
      this.#refill(source);
    }
    source.checking++;
    const end = (cost: 0 | 1) => () => {
      source.checking--;
      source.left -= cost;
      // All: where this one was refused, none of them may be left to begin.
      for (const wake of source.waiting.splice(0)) wake();
    };
    return { passed: end(0), refused: end(1) };
  }

  #source(name: string): Source {
    const found = this.#sources.get(name);
    const source = found ?? { left: this.#perMinute, at: this.#clock.monotonicMs(), checking: 0, waiting: [] };
    this.#refill(source);
    // Back to the end: the one that has been still for longest is the first to be forgotten.
    this.#sources.delete(name);
    this.#sources.set(name, source);
    if (this.#sources.size > MOST_SOURCES) this.#forgetOldest();
    return source;
  }

  #refill(source: Source): void {
    const now = this.#clock.monotonicMs();
    source.left = Math.min(this.#perMinute, source.left + ((now - source.at) * this.#perMinute) / MINUTE_MS);
    source.at = now;
  }

  #forgetOldest(): void {
    for (const oldest of this.#sources.keys()) {
      this.#sources.delete(oldest);
      return;
    }
  }

  #tooMany({ left, checking }: Source): RouterError {
    const message = 'Too many credentials from here were refused. Wait, and send one that is good.';
    const retryAfterMs = Math.max(1, Math.ceil(((1 + checking - left) * MINUTE_MS) / this.#perMinute));
    return new RouterError('unauthorized', message, { status: 429, retryAfterMs });
  }
}
