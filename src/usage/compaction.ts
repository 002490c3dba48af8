/**
 * Days gone by have a row for each process that ever counted on them; here they become one row for each set of labels. Any number
 * of timers may do so at once, and each may die at any point: nothing is lost, and nothing counts twice. Why:
 *
 * 1. A day that is touched is over for good (days.ts): no instance writes its rows any more. Only compactions change them.
 * 2. The merged row of a set of labels holds the sum of all instances' rows for it. Once it is there it counts alone, and whatever
 *    instances' rows are left are remnants; reports go by that too. So it does not matter when, or whether, these are removed.
 * 3. It is put before the first of them is removed, it is never removed before its day's time is over, and it stands behind them.
 *    Whoever lists the rows in order and finds no merged row at the end has therefore listed them before any was removed, all of
 *    them: every timer that puts a merged row puts the same one, as of the same rows. That it is put again does no harm.
 */
import { type Change, LARGEST_BATCH, type Page, type Row, type Store, type Table } from '../store/port.ts';
import { DAY_MS, dayAfter, dayOf, firstUnsettled } from './days.ts';
import { groupsIn } from './report.ts';
import { addSums, fromValues, groupOf, isMerged, mergedRow, toValues } from './sums.ts';

export interface CompactionFacts {
  readonly store: Store;
  readonly keepDays: number;
}

export interface Compacted {
  /** Sets of labels that have become one row. */
  readonly merged: number;
  readonly removed: number;
}

const TABLE: Table = 'usage';
const LONGEST_CALL_MS = 5_000;
const PAGE = 1_000;

/** How far others have come; no more than a hint, for all of it bears repeating. Sorts above all days. */
const PROGRESS = { table: TABLE, partition: 'merged', row: 'days' } as const;

export async function compactUsage({ store, keepDays }: CompactionFacts, now: number): Promise<Compacted> {
  const oldestKept = dayOf(now - (keepDays - 1) * DAY_MS);
  const end = firstUnsettled(now);
  const progress = (await store.get(PROGRESS, LONGEST_CALL_MS))?.values['below'];
  const mergedBelow = typeof progress === 'string' ? progress : '';
  const expired = await removeDays(store, oldestKept);
  let [merged, removed] = [0, expired];
  let day = mergedBelow > oldestKept ? mergedBelow : oldestKept;
  while (day < end) {
    const done = await mergeDay(store, day);
    merged += done.merged;
    removed += done.removed;
    day = dayAfter(day);
    if (done.merged + done.removed > 0 || day === end) await store.put(PROGRESS, { below: day }, LONGEST_CALL_MS);
  }
  return { merged, removed };
}

/** What is to be put, and what may be removed after that. */
interface Work {
  readonly puts: Change[];
  readonly removals: Change[];
}

async function mergeDay(store: Store, day: string): Promise<Compacted> {
  let [merged, removed] = [0, 0];
  let work: Work = { puts: [], removals: [] };
  const perform = async (): Promise<void> => {
    await send(store, day, work.puts);
    await send(store, day, work.removals);
    merged += work.puts.length;
    removed += work.removals.length;
    work = { puts: [], removals: [] };
  };
  for await (const rows of groupsIn(store, { from: day, to: dayAfter(day) })) {
    plan(rows, work);
    if (work.puts.length >= LARGEST_BATCH || work.removals.length >= PAGE) await perform();
  }
  await perform();
  return { merged, removed };
}

function plan(rows: readonly Row[], work: Work): void {
  const own = rows.filter(({ row }) => !isMerged(row));
  const isDone = own.length < rows.length;
  if (!isDone && own.length < 2) return;
  if (!isDone) {
    const put = mergedOf(own);
    // Rows of a newer form, whose meaning is not known here, stay as they are, and those beside them.
    if (put === null) return;
    work.puts.push(put);
  }
  work.removals.push(...own.map(({ row }): Change => ({ kind: 'remove', row })));
}

function mergedOf(rows: readonly Row[]): Change | null {
  const counted = rows.map(fromValues);
  const known = counted.filter((one) => one !== null);
  const [first] = known;
  if (first === undefined || known.length < counted.length) return null;
  const sums = known.slice(1).reduce((sum, one) => addSums(sum, one.sums), first.sums);
  return { kind: 'put', row: mergedRow(groupOf(rows[0]?.row ?? '')), values: toValues(first.labels, sums) };
}

async function removeDays(store: Store, below: string): Promise<number> {
  let removed = 0;
  let after: string | null = null;
  do {
    const range = { table: TABLE, partitions: { to: below }, limit: PAGE, after };
    const { rows, next }: Page = await store.list(range, LONGEST_CALL_MS);
    const days = new Set(rows.map(({ partition }) => partition));
    for (const day of days) {
      const removals = rows
        .filter(({ partition }) => partition === day)
        .map(({ row }): Change => ({ kind: 'remove', row }));
      await send(store, day, removals);
    }
    removed += rows.length;
    after = next;
  } while (after !== null);
  return removed;
}

async function send(store: Store, day: string, changes: readonly Change[]): Promise<void> {
  for (let at = 0; at < changes.length; at += LARGEST_BATCH) {
    await store.batch(TABLE, day, changes.slice(at, at + LARGEST_BATCH), LONGEST_CALL_MS);
  }
}
