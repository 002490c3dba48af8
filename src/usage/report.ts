import { RouterError } from '../domain/errors.ts';
import { type Row, type Store, StoreError } from '../store/port.ts';
import { DAY_MS, dayAfter, dayStart } from './days.ts';
import type { Group, UsageQuery, UsageReport, UsageRow, UsageSum } from './port.ts';
import { addSums, type Counted, fromValues, groupOf, isMerged, NOTHING_USED, type Sums } from './sums.ts';

/** What this instance has counted on a day, and the rows that it writes it to. */
export interface HeldDay {
  readonly counted: readonly Counted[];
  readonly rows: ReadonlySet<string>;
}

export interface ReportFacts {
  readonly store: Store;
  readonly held: ReadonlyMap<string, HeldDay>;
}

export const MOST_REPORTED_DAYS = 400;
const PAGE = 1_000;
const LONGEST_READ_MS = 5_000;
const RETRY_AFTER_MS = 5_000;

/** What the fleet has used: what has been written, and what this instance has not written yet. */
export async function readUsage({ store, held }: ReportFacts, query: UsageQuery): Promise<UsageReport> {
  checkRange(query);
  const tally = new Tally(query.by);
  try {
    for await (const { day, counted } of writtenIn(store, query, held)) tally.add(day, counted);
  } catch (error) {
    if (error instanceof StoreError) throw unreadable(error);
    throw error;
  }
  for (const [day, { counted }] of held) {
    if (day >= query.from && day <= query.to) for (const one of counted) tally.add(day, one);
  }
  return tally.report();
}

function checkRange({ from, to }: UsageQuery): void {
  const days = (dayStart(to) - dayStart(from)) / DAY_MS + 1;
  if (days <= MOST_REPORTED_DAYS) return;
  const message = `${from} to ${to} is ${days} days; allowed are ${MOST_REPORTED_DAYS}.`;
  throw new RouterError('invalid_request', message, { param: 'from' });
}

function unreadable(cause: StoreError): RouterError {
  const message = 'The store does not answer, so that what the fleet has used cannot be told now.';
  return new RouterError('internal', message, { status: 503, retryAfterMs: RETRY_AFTER_MS, cause });
}

interface OnDay {
  readonly day: string;
  readonly counted: Counted;
}

/** Where rows have been merged, those that went into the merged one count no more, though they may still be there. */
async function* writtenIn(
  store: Store,
  { from, to }: UsageQuery,
  held: ReportFacts['held'],
): AsyncGenerator<OnDay, void> {
  for await (const rows of groupsIn(store, { from, to: dayAfter(to) })) {
    const merged = rows.find(({ row }) => isMerged(row));
    for (const row of merged === undefined ? rows : [merged]) {
      const counted = held.get(row.partition)?.rows.has(row.row) === true ? null : fromValues(row);
      if (counted !== null) yield { day: row.partition, counted };
    }
  }
}

/** The rows of the days, day by day, those of the same labels together, in order. */
export async function* groupsIn(
  store: Store,
  partitions: { readonly from: string; readonly to: string },
): AsyncGenerator<readonly Row[], void> {
  let group: Row[] = [];
  let after: string | null = null;
  do {
    const page = await store.list({ table: 'usage', partitions, limit: PAGE, after }, LONGEST_READ_MS);
    for (const row of page.rows) {
      const [first] = group;
      if (first !== undefined && (first.partition !== row.partition || groupOf(first.row) !== groupOf(row.row))) {
        yield group;
        group = [];
      }
      group.push(row);
    }
    after = page.next;
  } while (after !== null);
  if (group.length > 0) yield group;
}

class Tally {
  readonly #by: readonly Group[];
  readonly #rows = new Map<string, { readonly labels: readonly string[]; sums: Sums }>();
  #total = NOTHING_USED;

  constructor(by: readonly Group[]) {
    this.#by = by;
  }

  add(day: string, { labels, sums }: Counted): void {
    this.#total = addSums(this.#total, sums);
    if (this.#by.length === 0) return;
    const values = this.#by.map((group) => (group === 'day' ? day : labels[group]));
    const key = JSON.stringify(values);
    const known = this.#rows.get(key);
    if (known === undefined) this.#rows.set(key, { labels: values, sums });
    else known.sums = addSums(known.sums, sums);
  }

  report(): UsageReport {
    const rows = [...this.#rows.values()].sort(
      (one, other) =>
        compare(other.sums.costNanoUsd, one.sums.costNanoUsd) ||
        compare(tokensOf(other.sums), tokensOf(one.sums)) ||
        compareLabels(one.labels, other.labels),
    );
    return { rows: rows.map(({ labels, sums }) => this.#toRow(labels, sums)), total: toUsageSum(this.#total) };
  }

  #toRow(labels: readonly string[], sums: Sums): UsageRow {
    return { ...Object.fromEntries(this.#by.map((group, at) => [group, labels[at] ?? ''])), ...toUsageSum(sums) };
  }
}

function tokensOf({ prompt, completion }: Sums): number {
  return prompt + completion;
}

function compare<T extends number | bigint | string>(one: T, other: T): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

function compareLabels(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((label, index) => label !== other[index]);
  return at === -1 ? 0 : compare(one[at] ?? '', other[at] ?? '');
}

function toUsageSum(sums: Sums): UsageSum {
  return {
    requests: sums.requests,
    promptTokens: sums.prompt,
    cachedTokens: sums.cached,
    completionTokens: sums.completion,
    reasoningTokens: sums.reasoning,
    totalTokens: tokensOf(sums),
    costUsd: toUsd(sums.costNanoUsd),
    estimatedRequests: sums.estimatedRequests,
    unpricedRequests: sums.unpricedRequests,
  };
}

/** By way of its digits: dividing would not always meet the nearest double. */
function toUsd(nanoUsd: bigint): number {
  const digits = nanoUsd.toString().padStart(10, '0');
  return Number(`${digits.slice(0, -9)}.${digits.slice(-9)}`);
}
