/** What a run with accounts came to: keys, quotas and the ledger. */
import type { Table } from '../store/port.ts';
import type { Run } from './run.ts';
import { type Spread, spreadOf, sum } from './spread.ts';

export interface AccountFigures {
  readonly keys: number;
  /** Keys that were revoked, and as many made. */
  readonly changes: number;
  /** From a key's revocation until it last let somebody in. */
  readonly outlivedMs: number;
  /** Requests with a new key that were not let in. */
  readonly shutOut: number;
  /** Requests that waited for their account: its first on an instance, or near a limit. */
  readonly waits: number;
  readonly waitedMs: Spread | null;
  /** Refused for a revoked key or a limit that was used up, as it should be. */
  readonly refused: number;
  /** Of the day's tokens of the account whose limit is used up, in percent: the most that was granted, and at the first refusal. */
  readonly cap: { readonly most: number; readonly atFirstRefusal: number | null } | null;
  /** Of the requests told of, those that the store does not have in the end; its tokens too many or too few. */
  readonly missing: { readonly requests: number; readonly tokens: number };
}

export function accountFigures({ scenario, measures, quotaWatch, reckoning }: Run): AccountFigures | null {
  const { accounts } = scenario;
  if (accounts === null || reckoning === null) return null;
  const capped = quotaWatch.granted.get(accounts.capped) ?? null;
  const percent = (tokens: number, limit: number) => Math.round((tokens / limit) * 10_000) / 100;
  return {
    keys: accounts.keys,
    changes: accounts.changesAtMs.length,
    outlivedMs: Math.round(Math.max(0, ...measures.outlivedMs)),
    shutOut: measures.shutOut,
    waits: quotaWatch.waitedMs.length,
    waitedMs: spreadOf(quotaWatch.waitedMs),
    refused: sum(measures.series.unadmitted),
    cap: capped && {
      most: percent(capped.most, capped.limit),
      atFirstRefusal: capped.atFirstRefusal === null ? null : percent(capped.atFirstRefusal, capped.limit),
    },
    missing: {
      requests: measures.told.requests - reckoning.requests,
      tokens: measures.told.tokens - reckoning.tokens,
    },
  };
}

/** Tables that grow with accounts rather than with trouble. */
const TABLES = ['keys', 'quota', 'usage'] as const satisfies readonly Table[];

/** The busiest second of the busiest partition of each. */
export type TablePeaks = Readonly<Record<(typeof TABLES)[number], number>>;

export function tablePeaks({ ledger, scenario: { lastsMs } }: Pick<Run, 'ledger' | 'scenario'>): TablePeaks {
  const peaks = TABLES.map((table) => {
    const partitions = ledger.partitions().filter((name) => name.startsWith(`${table}/`));
    return [table, Math.max(0, ...partitions.map((partition) => ledger.peak('entities', lastsMs, { partition })))];
  });
  return Object.fromEntries(peaks) as TablePeaks;
}
