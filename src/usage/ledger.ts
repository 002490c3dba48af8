import type { Clock, Draw } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { RequestRecord } from '../domain/usage.ts';
import type { StoreWatch } from '../state/storeWatch.ts';
import { type Change, LARGEST_BATCH, type Store } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { type Compacted, compactUsage } from './compaction.ts';
import { DayBook, type Unwritten } from './dayBook.ts';
import { dayOf, mayBeWritten } from './days.ts';
import type { Ledger, UsageQuery, UsageReport } from './port.ts';
import { type HeldDay, readUsage } from './report.ts';
import { sumsOf, toValues } from './sums.ts';

export interface LedgerFacts {
  readonly config: Pick<RouterConfig, 'usage'>;
  readonly store: Store;
  /** Short, and nobody else's: not even this process's before it was started anew. */
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly journal: Pick<Journal, 'usageLost' | 'fault'>;
  readonly watch: Pick<StoreWatch, 'asking' | 'failed'>;
  /** Longest wait for one call of the store. */
  readonly withinMs: number;
  /** About how many write into the same day. */
  readonly instances: () => number;
}

/** Flushes lie so far apart, as shares of the configured time, that instances started together do not write together. */
const SHORTEST_CYCLE = 0.8;
const LONGEST_CYCLE = 1;
/** A day is one partition, which bears twice as many: of a large fleet that counts much, each writes less often. */
const MOST_ROWS_PER_SECOND = 1_000;

/**
 * Sums what requests used, by day and labels, and writes the sums behind the requests. Each instance has rows of its own and puts
 * into them all it has counted so far, not what came since: writing them twice, or again because an answer was lost, changes nothing.
 */
export class StoredLedger implements Ledger {
  readonly #facts: LedgerFacts;
  readonly #books = new Map<string, DayBook>();
  #opened = 0;
  #flushedAt = 0;
  #flushing: Promise<void> = Promise.resolve();
  #stopTimer: () => void = () => undefined;
  #isClosed = false;

  constructor(facts: LedgerFacts) {
    this.#facts = facts;
  }

  enter(record: RequestRecord): void {
    const day = dayOf(record.at);
    let book = this.#books.get(day);
    if (book === undefined) {
      // A day that was let go and comes back begins at nothing, in rows of its own.
      book = new DayBook(`${this.#facts.instance}.${this.#opened++}`);
      this.#books.set(day, book);
    }
    book.add(record.labels, sumsOf(record));
  }

  start(): void {
    this.#flushedAt = this.#facts.clock.now();
    this.#schedule();
  }

  /** Writes what has changed; what cannot be written is kept for the next time. */
  flush(): Promise<void> {
    // One after the other: an older figure must not be written over a newer one.
    this.#flushing = this.#flushing.catch(() => undefined).then(() => this.#flush());
    return this.#flushing;
  }

  /** Writes what is left; what cannot be written now is lost, and told. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    await this.flush();
    this.#tellLost([...this.#books.values()]);
    this.#books.clear();
  }

  report(query: UsageQuery): Promise<UsageReport> {
    const { store } = this.#facts;
    // As it is now: rows that are written while the others are read must count once.
    const held = new Map<string, HeldDay>();
    for (const [day, book] of this.#books) {
      const counted = book.counted();
      held.set(day, { counted, rows: new Set(counted.map(({ row }) => row)) });
    }
    return readUsage({ store, held }, query);
  }

  /** For the timer: rows of days gone by are merged, and those beyond their time removed. */
  async compact(now: number): Promise<Compacted & { readonly done: boolean }> {
    const { store, watch, config } = this.#facts;
    const asked = watch.asking();
    try {
      return { done: true, ...(await compactUsage({ store, keepDays: config.usage.keepDays }, now)) };
    } catch (error) {
      watch.failed(error, asked);
      return { done: false, merged: 0, removed: 0 };
    }
  }

  #schedule(): void {
    const { clock, draw, config } = this.#facts;
    const share = SHORTEST_CYCLE + draw() * (LONGEST_CYCLE - SHORTEST_CYCLE);
    this.#stopTimer = clock.after(config.usage.flushMs * share, () => void this.#cycle());
  }

  async #cycle(): Promise<void> {
    if (this.#isDue) await this.flush().catch((error: unknown) => this.#facts.journal.fault({ requestId: '-', error }));
    if (!this.#isClosed) this.#schedule();
  }

  /** Were all to write as much as this one, and as often. */
  get #isDue(): boolean {
    const { clock, instances } = this.#facts;
    const now = clock.now();
    let rows = 0;
    for (const book of this.#books.values()) rows += book.unwritten(now).length;
    return now - this.#flushedAt >= ((rows * instances()) / MOST_ROWS_PER_SECOND) * 1_000;
  }

  async #flush(): Promise<void> {
    const { clock } = this.#facts;
    this.#giveUpOldDays();
    this.#flushedAt = clock.now();
    for (const [day, book] of this.#books) {
      const unwritten = book.unwritten(clock.now());
      for (let at = 0; at < unwritten.length; at += LARGEST_BATCH) {
        if (!(await this.#write(day, book, unwritten.slice(at, at + LARGEST_BATCH)))) return;
      }
      if (day < dayOf(clock.now()) && book.isWritten) this.#books.delete(day);
    }
  }

  /** False: the store does not take it now. */
  async #write(day: string, book: DayBook, rows: readonly Unwritten[]): Promise<boolean> {
    const { store, clock, watch, withinMs } = this.#facts;
    // Its rows may have been merged by now, and would count anew.
    if (!mayBeWritten(day, clock.now())) return true;
    const changes = rows.map(({ row, labels, sums }): Change => ({ kind: 'put', row, values: toValues(labels, sums) }));
    const asked = watch.asking();
    const askedAt = clock.now();
    try {
      await store.batch('usage', day, changes, withinMs);
    } catch (error) {
      for (const row of rows) book.doubted(row, clock.now());
      watch.failed(error, asked);
      return false;
    }
    for (const row of rows) book.wrote(row, askedAt);
    return true;
  }

  #giveUpOldDays(): void {
    const now = this.#facts.clock.now();
    const old = [...this.#books].filter(([day]) => !mayBeWritten(day, now));
    for (const [day] of old) this.#books.delete(day);
    this.#tellLost(old.map(([, book]) => book));
  }

  #tellLost(books: readonly DayBook[]): void {
    const requests = books.reduce((sum, book) => sum + book.unwrittenRequests, 0);
    if (requests > 0) this.#facts.journal.usageLost({ requests });
  }
}
