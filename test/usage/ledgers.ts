/** Instances that count into one store, time that the test owns, and what the plain sum is. */
import type { RequestRecord } from '../../src/domain/usage.ts';
import { StoreWatch } from '../../src/state/storeWatch.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import {
  type Batched,
  type Change,
  type Page,
  type Range,
  type Store,
  StoreError,
  type Table,
} from '../../src/store/port.ts';
import { StoredLedger } from '../../src/usage/ledger.ts';
import type { Group, UsageReport, UsageRow, UsageSum } from '../../src/usage/port.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { SILENT } from '../harness/silent.ts';
import { BrittleStore } from '../state/brittleStore.ts';

export const DAY_MS = 86_400_000;
export const FLUSH_MS = 5_000;

export class BrittleBatches extends BrittleStore {
  readonly sizes: number[] = [];

  override async batch(
    table: Table,
    partition: string,
    changes: readonly Change[],
    withinMs: number,
  ): Promise<Batched> {
    const batched = await super.batch(table, partition, changes, withinMs);
    this.sizes.push(changes.length);
    if (this.trouble === 'answersLost') throw new StoreError('late', 'the answer was lost');
    return batched;
  }
}

/** Its pages are so short that rows of the same labels lie on several. */
export class ShortPages extends MemoryStore {
  override list(range: Range): Promise<Page> {
    return super.list({ ...range, limit: Math.min(range.limit, 3) });
  }
}

export interface LedgerStage {
  readonly clock: ManualClock;
  readonly lost: number[];
  readonly episodes: string[];
  readonly open: (instance: string, draw?: number, instances?: number) => StoredLedger;
}

export function stageOn(store: Store, keepDays = 400): LedgerStage {
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 12));
  const lost: number[] = [];
  const episodes: string[] = [];
  const journal = {
    ...SILENT,
    usageLost: ({ requests }: { requests: number }) => void lost.push(requests),
    storeLost: () => void episodes.push('lost'),
    fault: ({ error }: { error: unknown }) => {
      throw error;
    },
  };
  const watch = new StoreWatch(clock, journal);
  watch.open();
  const config = { usage: { flushMs: FLUSH_MS, keepDays, askForUsage: true } };
  const open = (instance: string, draw = 0.5, instances = 1): StoredLedger =>
    new StoredLedger({
      config,
      store,
      instance,
      clock,
      draw: () => draw,
      journal,
      watch,
      withinMs: 1_000,
      instances: () => instances,
    });
  return { clock, lost, episodes, open };
}

export function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

export const EVER = { from: '2026-11-01', to: '2026-12-31' };

const NONE: UsageSum = {
  requests: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  totalTokens: 0,
  costUsd: 0,
  estimatedRequests: 0,
  unpricedRequests: 0,
};

/** The same, without any store; costs below nine million dollars are exact. */
export function plainSum(records: readonly RequestRecord[]): UsageSum {
  let nano = 0;
  const sum: Record<string, number> = { ...NONE };
  const count = (name: keyof UsageSum, by: number): void => {
    sum[name] = (sum[name] ?? 0) + by;
  };
  for (const { tokens, costNanoUsd, estimated } of records) {
    nano += costNanoUsd ?? 0;
    count('requests', 1);
    count('promptTokens', tokens.prompt);
    count('cachedTokens', tokens.cached);
    count('completionTokens', tokens.completion);
    count('reasoningTokens', tokens.reasoning);
    count('totalTokens', tokens.prompt + tokens.completion);
    count('estimatedRequests', estimated ? 1 : 0);
    count('unpricedRequests', costNanoUsd === null ? 1 : 0);
  }
  return { ...(sum as unknown as UsageSum), costUsd: Number((nano / 1e9).toFixed(9)) };
}

export function plainReport(records: readonly RequestRecord[], by: readonly Group[]): UsageReport {
  const groups = new Map<string, RequestRecord[]>();
  for (const one of by.length === 0 ? [] : records) {
    const key = JSON.stringify(by.map((group) => (group === 'day' ? dayOf(one.at) : one.labels[group])));
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const rows = [...groups].map(([key, members]) => {
    const values = JSON.parse(key) as string[];
    const labels = Object.fromEntries(by.map((group, at) => [group, values[at] ?? '']));
    return { ...labels, ...plainSum(members) };
  });
  return { rows, total: plainSum(records) };
}

/** For comparing what is in no order of its own. */
export function unordered({ rows, total }: UsageReport): { rows: string[]; total: UsageSum } {
  const byName = ([one]: [string, unknown], [other]: [string, unknown]): number => (one < other ? -1 : 1);
  return { rows: rows.map((row: UsageRow) => JSON.stringify(Object.entries(row).sort(byName))).sort(), total };
}

/** Rows of usage; how far merging has come is told in another. */
export async function rowsIn(store: MemoryStore): Promise<number> {
  let rows = 0;
  let after: string | null = null;
  do {
    const page = await store.list({ table: 'usage', limit: 100, after });
    rows += page.rows.filter(({ partition }) => partition < 'a').length;
    after = page.next;
  } while (after !== null);
  return rows;
}
