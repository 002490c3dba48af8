import type { Clock } from '../domain/clock.ts';
import { StoreError } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { Contended } from './cell.ts';

/** A role that may read and not write answers every other call: for so long after a refusal the store counts as lost. */
const DENIED_MS = 60_000;

/** What is told of each call of the store. */
export type StoreUse = Pick<StoreWatch, 'asking' | 'answered' | 'failed'>;

/**
 * Whether the store answers. Told once when it stops and once when it is back, however many requests there are meanwhile. Calls end
 * in any order, and of two the one that began later says more: what was asked before the store came back may yet fail.
 */
export class StoreWatch {
  readonly #clock: Clock;
  readonly #journal: Pick<Journal, 'storeLost' | 'storeFound'>;
  #isOpen = false;
  #problem: string | null = null;
  #since: number | null = null;
  #lastReadAt: number | null = null;
  #deniedUntil = 0;
  #asked = 0;
  #answered = 0;
  #failed = 0;

  constructor(clock: Clock, journal: Pick<Journal, 'storeLost' | 'storeFound'>) {
    this.#clock = clock;
    this.#journal = journal;
  }

  /** Until it is open everybody goes on without it, as nothing is known of it yet. */
  get isHealthy(): boolean {
    return this.#isOpen && this.#problem === null;
  }

  open(): void {
    this.#isOpen = true;
  }

  get problem(): string | null {
    return this.#problem;
  }

  get since(): number | null {
    return this.#since;
  }

  get lastReadAt(): number | null {
    return this.#lastReadAt;
  }

  /** A call begins: its number, to be named with what becomes of it. */
  asking(): number {
    return ++this.#asked;
  }

  answered(asked: number): void {
    if (asked < this.#failed) return;
    this.#answered = Math.max(this.#answered, asked);
    const now = this.#clock.now();
    this.#lastReadAt = now;
    if (now < this.#deniedUntil) return;
    if (this.#problem !== null) this.#journal.storeFound({ lostForMs: now - (this.#since ?? now) });
    if (this.#problem !== null || this.#since === null) this.#since = now;
    this.#problem = null;
  }

  /** Errors that are not the store's are faults of ours, and thrown on; that others were first is no failure of the store's. */
  failed(error: unknown, asked: number): void {
    if (!(error instanceof StoreError)) throw error;
    if (error instanceof Contended || asked < this.#answered) return;
    this.#failed = Math.max(this.#failed, asked);
    if (error.failure === 'denied') this.#deniedUntil = this.#clock.now() + DENIED_MS;
    const problem = `${error.failure}: ${error.message}`;
    if (this.#problem === null) {
      this.#since = this.#clock.now();
      this.#journal.storeLost({ problem });
    }
    this.#problem = problem;
  }

  /**
   * For those who use the store beside the exchange with the fleet: their calls overlap with it, so that each would call the store
   * lost or found by turns where it goes or comes. A credential that may not write is news all the same.
   */
  get aside(): StoreUse {
    return {
      asking: () => this.asking(),
      answered: () => undefined,
      failed: (error, asked) => {
        if (!(error instanceof StoreError) || error.failure === 'denied') this.failed(error, asked);
      },
    };
  }
}
