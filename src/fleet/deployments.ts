/**
 * What all instances hold true together, as values: how evidence of one instance changes it, and what an instance makes of it.
 * Pure, like routing/: no store, no clock. Every fold may be repeated without harm, for nobody can tell a write that failed from
 * one whose answer was lost.
 */
import type { Breaker } from '../domain/config.ts';

/** When an instance saw failures, oldest first; each instance writes under its own name, so that none is counted twice. */
export type FailureReports = Readonly<Record<string, readonly number[]>>;

export type FleetBreaker =
  | {
      readonly kind: 'closed';
      /** When it was closed or restored, 0 if never: whatever failed before is over. */
      readonly since: number;
      /** The last answer that came after a failure: failures up to then are not in a row with later ones. */
      readonly servedAt: number;
      readonly reports: FailureReports;
    }
  | { readonly kind: 'open'; readonly openUntil: number; readonly openings: number; readonly cause: string }
  | {
      readonly kind: 'halfOpen';
      readonly leaseUntil: number;
      readonly openings: number;
      readonly cause: string;
      /** Who may probe: only this claim's outcome counts. */
      readonly claim: string;
    };

export interface FleetMisconfiguration {
  readonly since: number;
  readonly probeAt: number;
  readonly cause: string;
  /** Stands for the configuration it was seen under: another configuration may have mended it. */
  readonly config: string;
}

export interface FleetHealth {
  readonly breaker: FleetBreaker;
  readonly restUntil: number;
  readonly misconfigured: FleetMisconfiguration | null;
  readonly drainedSince: number | null;
  /** When an operator last restored it; 0: never, or long ago. What was seen before does not count. */
  readonly restoredAt: number;
}

export const NO_REPORTS: FailureReports = {};

export const UNTROUBLED: FleetHealth = {
  breaker: { kind: 'closed', since: 0, servedAt: 0, reports: NO_REPORTS },
  restUntil: 0,
  misconfigured: null,
  drainedSince: null,
  restoredAt: 0,
};

export function drained(fleet: FleetHealth, now: number): FleetHealth {
  return fleet.drainedSince === null ? { ...fleet, drainedSince: now } : fleet;
}

export function closedAt(since: number): FleetBreaker & { kind: 'closed' } {
  return { kind: 'closed', since, servedAt: 0, reports: NO_REPORTS };
}

/** As if nothing had ever been wrong with it. */
export function restored(now: number): FleetHealth {
  return { ...UNTROUBLED, breaker: closedAt(now), restoredAt: now };
}

/** Clocks differ by less. */
const LARGEST_SKEW_MS = 2_000;

/** The same object where nothing in it lies in the future: whose clock is ahead must not make all later failures look like past ones. */
export function notAhead(fleet: FleetHealth, now: number): FleetHealth {
  const { breaker, restoredAt } = fleet;
  const latest = now + LARGEST_SKEW_MS;
  const isAhead = breaker.kind === 'closed' && Math.max(breaker.since, breaker.servedAt) > latest;
  if (!isAhead && restoredAt <= latest) return fleet;
  // Before this very moment, of which there may be failures to tell.
  const past = (instant: number): number => (instant > latest ? now - 1 : instant);
  return {
    ...fleet,
    restoredAt: past(restoredAt),
    breaker: isAhead ? { ...breaker, since: past(breaker.since), servedAt: past(breaker.servedAt) } : breaker,
  };
}

/** With all that an instance has seen; the same object where that has been told. */
export function reported(reports: FailureReports, instance: string, at: readonly number[]): FailureReports {
  const told = reports[instance] ?? [];
  // Several may fall into one millisecond, so the last instant alone does not tell whether there is news.
  const isTold = told.length === at.length && told.every((one, position) => one === at[position]);
  return isTold ? reports : { ...reports, [instance]: at };
}

/** Only what is newer than `since`; the same object where all of it is. */
export function within(reports: FailureReports, since: number): FailureReports {
  const entries = Object.entries(reports);
  if (entries.every(([, at]) => (at[0] ?? Infinity) > since)) return reports;
  const kept = entries.map(([instance, at]) => [instance, at.filter((one) => one > since)] as const);
  return Object.fromEntries(kept.filter(([, at]) => at.length > 0));
}

export function countOf(reports: FailureReports): number {
  let count = 0;
  for (const at of Object.values(reports)) count += at.length;
  return count;
}

/** Whether the fleet has nothing to say of it: such a deployment needs no place in the sheet. */
export function isUntroubled(fleet: FleetHealth, now: number, { windowMs }: Breaker): boolean {
  const { breaker, restUntil, misconfigured, drainedSince, restoredAt } = fleet;
  if (breaker.kind !== 'closed' || misconfigured !== null || drainedSince !== null) return false;
  const past = now - windowMs;
  const latest = Math.max(breaker.since, breaker.servedAt, restoredAt);
  return restUntil <= now && latest <= past && countOf(within(breaker.reports, past)) === 0;
}
