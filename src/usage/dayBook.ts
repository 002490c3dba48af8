import type { UsageLabels } from '../domain/usage.ts';
import { addSums, type Counted, cutLabels, instanceRow, keyOf, NOTHING_USED, type Sums } from './sums.ts';

/** Sets of labels that a day has room for; whoever comes later is counted as `other`, and at last without account. */
export const MOST_LABELS = 5_000;
const MOST_ACCOUNTS = 1_000;

const OTHER = 'other';

/** A write whose answer was lost may arrive so much later, over a newer one: it is then written once more. */
const LATE_MS = 60_000;

interface Entry extends Counted {
  readonly row: string;
  sums: Sums;
  /** As the store has it for certain. */
  written: Sums;
  /** Until then the store may yet be made to hold an older figure. */
  doubtedUntil: number;
}

export interface Unwritten {
  readonly row: string;
  readonly labels: UsageLabels;
  readonly sums: Sums;
}

/** What this instance has counted on one day, and how much of it has been written. */
export class DayBook {
  readonly #writer: string;
  readonly #entries = new Map<string, Entry>();
  readonly #byRow = new Map<string, Entry>();

  /** `writer`: nobody else's, ever; its rows begin at nothing. */
  constructor(writer: string) {
    this.#writer = writer;
  }

  add(labels: UsageLabels, sums: Sums): void {
    const entry = this.#entryFor(cutLabels(labels));
    entry.sums = addSums(entry.sums, sums);
  }

  has(row: string): boolean {
    return this.#byRow.has(row);
  }

  counted(): Unwritten[] {
    return [...this.#entries.values()].map(({ row, labels, sums }) => ({ row, labels, sums }));
  }

  /** What is to be written now. */
  unwritten(now: number): Unwritten[] {
    const entries = [...this.#entries.values()];
    return entries
      .filter(({ sums, written, doubtedUntil }) => sums !== written || (doubtedUntil > 0 && now >= doubtedUntil))
      .map(({ row, labels, sums }) => ({ row, labels, sums }));
  }

  /** The store has it all, and keeps it. */
  get isWritten(): boolean {
    return [...this.#entries.values()].every(
      ({ sums, written, doubtedUntil }) => sums === written && doubtedUntil === 0,
    );
  }

  /** Requests that the store may know nothing of. */
  get unwrittenRequests(): number {
    return [...this.#entries.values()].reduce((sum, { sums, written }) => sum + sums.requests - written.requests, 0);
  }

  wrote({ row, sums }: Unwritten, askedAt: number): void {
    const entry = this.#byRow.get(row);
    if (entry === undefined) return;
    entry.written = sums;
    if (askedAt >= entry.doubtedUntil) entry.doubtedUntil = 0;
  }

  doubted({ row }: Unwritten, failedAt: number): void {
    const entry = this.#byRow.get(row);
    if (entry !== undefined) entry.doubtedUntil = failedAt + LATE_MS;
  }

  #entryFor(labels: UsageLabels): Entry {
    const known = this.#entries.get(keyOf(labels));
    if (known !== undefined) return known;
    const kept = this.#folded(labels);
    const key = keyOf(kept);
    const folded = this.#entries.get(key);
    if (folded !== undefined) return folded;
    const row = instanceRow(key, this.#writer);
    const entry = { row, labels: kept, sums: NOTHING_USED, written: NOTHING_USED, doubtedUntil: 0 };
    this.#entries.set(key, entry);
    this.#byRow.set(row, entry);
    return entry;
  }

  #folded(labels: UsageLabels): UsageLabels {
    const { size } = this.#entries;
    if (size < MOST_LABELS) return labels;
    const account = size < MOST_LABELS + MOST_ACCOUNTS ? labels.account : OTHER;
    return { account, agent: OTHER, creator: OTHER, operation: OTHER, model: OTHER };
  }
}
