/**
 * What all instances hold true together, as values: how evidence of one instance changes it, and what an instance makes of it.
 * Pure, like routing/: no store, no clock. Every fold may be repeated without harm, for nobody can tell a write that failed from
 * one whose answer was lost.
 */
import type { Breaker } from '../domain/config.ts';

/** When an instance saw failures, oldest first; each instance writes under its own name, so that none is counted twice. */
export type FailureReports = Readonly<Record<string, readonly number[]>>;

export type FleetBreaker =
  /** Failures up to `since` no longer count. */
  | { readonly kind: 'closed'; readonly since: number; readonly reports: FailureReports }
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
  breaker: { kind: 'closed', since: 0, reports: NO_REPORTS },
  restUntil: 0,
  misconfigured: null,
  drainedSince: null,
  restoredAt: 0,
};

export function drained(fleet: FleetHealth, now: number): FleetHealth {
  return fleet.drainedSince === null ? { ...fleet, drainedSince: now } : fleet;
}

/** As if nothing had ever been wrong with it. */
export function restored(now: number): FleetHealth {
  return { ...UNTROUBLED, breaker: { kind: 'closed', since: now, reports: NO_REPORTS }, restoredAt: now };
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
  return (
    restUntil <= now && breaker.since <= past && restoredAt <= past && countOf(within(breaker.reports, past)) === 0
  );
}
