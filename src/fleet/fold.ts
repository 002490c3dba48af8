import type { Breaker } from '../domain/config.ts';
import { halfOpened, opened, probeLeaseMs } from '../routing/transitions.ts';
import {
  closedAt,
  countOf,
  type FleetBreaker,
  type FleetHealth,
  type FleetMisconfiguration,
  reported,
  within,
} from './deployments.ts';

/** What one instance knows of a deployment and the fleet may not yet. */
export interface Evidence {
  readonly failures: FailureEvidence | null;
  /** It served a request, which clears the failures reported before. */
  readonly servedAt: number | null;
  readonly rest: { readonly until: number; readonly at: number } | null;
  readonly misconfigured: { readonly at: number; readonly cause: string } | null;
  readonly mendedAt: number | null;
  readonly probe: ProbeEvidence | null;
}

export interface FailureEvidence {
  /** Since this instance's last success there, oldest first. */
  readonly at: readonly number[];
  /** Enough of them to open the breaker without anybody else's. */
  readonly decisive: boolean;
  readonly cause: string;
}

export interface ProbeEvidence {
  readonly claim: string;
  readonly claimedAt: number;
  readonly outcome: 'answered' | 'failed' | 'dropped' | 'pending';
  /** Failed: how often the window has opened by then, as far as is known here. Without the store others do not count. */
  readonly openings: number;
  readonly at: number;
  readonly cause: string;
}

export const NO_EVIDENCE: Evidence = {
  failures: null,
  servedAt: null,
  rest: null,
  misconfigured: null,
  mendedAt: null,
  probe: null,
};

export interface FoldFacts {
  readonly instance: string;
  readonly breaker: Breaker;
  /** Stands for the deployment's configuration here. */
  readonly config: string;
}

/** What the fleet holds true once it knows of the evidence; the same object where that adds nothing. */
export function fold(fleet: FleetHealth, evidence: Evidence, facts: FoldFacts): FleetHealth {
  const breaker = foldBreaker(fleet.breaker, evidence, facts);
  const restUntil = foldRest(fleet, evidence.rest, facts.breaker);
  const misconfigured = foldMisconfigured(fleet, evidence, facts);
  const same = breaker === fleet.breaker && restUntil === fleet.restUntil && misconfigured === fleet.misconfigured;
  return same ? fleet : { ...fleet, breaker, restUntil, misconfigured };
}

function foldBreaker(before: FleetBreaker, evidence: Evidence, facts: FoldFacts): FleetBreaker {
  switch (before.kind) {
    case 'closed': {
      const after = foldFailures(foldServed(before, evidence.servedAt), evidence, facts);
      return after.kind === 'open' ? foldLapsed(after, evidence, facts) : after;
    }
    case 'open':
      return foldLapsed(before, evidence, facts);
    case 'halfOpen': {
      if (evidence.probe?.claim !== before.claim) return foldLapsed(before, evidence, facts);
      const after = foldProbe(before, evidence.probe, facts.breaker);
      return after.kind === 'closed' ? foldFailures(after, evidence, facts) : after;
    }
    default:
      return before satisfies never;
  }
}

/**
 * Whatever was sent before the window opened teaches nothing about its end. A probe after its end does, even if the claim could not be
 * written when it was made, as the store was down; and one after the lease of a claim does that nothing more was heard of. A claim
 * that others have followed is older than what they left.
 */
function foldLapsed(before: Open | HalfOpen, evidence: Evidence, facts: FoldFacts): FleetBreaker {
  const { probe } = evidence;
  if (probe === null || probe.outcome === 'dropped') return before;
  if (probe.claimedAt < (before.kind === 'open' ? before.openUntil : before.leaseUntil)) return before;
  const claimed = halfOpened(before.openings, probe.at, facts.breaker);
  return foldBreaker({ ...claimed, cause: before.cause, claim: probe.claim }, evidence, facts);
}

type Open = FleetBreaker & { kind: 'open' };
type Closed = FleetBreaker & { kind: 'closed' };
type HalfOpen = FleetBreaker & { kind: 'halfOpen' };

function foldServed(before: Closed, servedAt: number | null): Closed {
  if (servedAt === null) return before;
  const reports = within(before.reports, servedAt);
  return reports === before.reports ? before : { ...before, servedAt: Math.max(before.servedAt, servedAt), reports };
}

function foldFailures(before: Closed, { failures, servedAt }: Evidence, facts: FoldFacts): FleetBreaker {
  const past = Math.max(before.since, before.servedAt, servedAt ?? 0);
  const mine = failures === null ? [] : failures.at.filter((at) => at > past);
  const last = mine.at(-1);
  if (failures === null || last === undefined) return before;
  const { windowMs, failures: threshold } = facts.breaker;
  const reports = reported(before.reports, facts.instance, mine.slice(-threshold));
  // Of those that were enough, some are from before it was closed or restored: what is left has to be enough by itself.
  const fresh = failures.at.filter((at) => at > before.since);
  const isDecisive = failures.decisive && (fresh.length === failures.at.length || fresh.length >= threshold);
  if (isDecisive || countOf(within(reports, last - windowMs)) >= threshold)
    return { ...opened(1, last, facts.breaker), cause: failures.cause };
  return reports === before.reports ? before : { ...before, reports };
}

function foldProbe(before: HalfOpen, probe: ProbeEvidence, settings: Breaker): FleetBreaker {
  const { openings, cause } = before;
  switch (probe.outcome) {
    case 'answered':
      return closedAt(probe.at);
    case 'failed':
      return { ...opened(Math.max(openings + 1, probe.openings), probe.at, settings), cause: probe.cause };
    case 'dropped':
      return { kind: 'open', openUntil: probe.at, openings, cause };
    case 'pending': {
      // Renewed at half its length: the request takes longer than a lease, and nobody else is to try meanwhile.
      const lease = probeLeaseMs(settings);
      return before.leaseUntil - probe.at > lease / 2 ? before : { ...before, leaseUntil: probe.at + lease };
    }
    default:
      return probe.outcome satisfies never;
  }
}

/** Rests that end about when the fleet's does are not worth a write: each instance keeps to what it was told itself. */
const NEARLY_MS = 1_000;

function foldRest(fleet: FleetHealth, rest: Evidence['rest'], { refreshMs }: Breaker): number {
  if (rest === null || rest.at <= fleet.restoredAt) return fleet.restUntil;
  const tolerance = Math.min(NEARLY_MS, refreshMs, (rest.until - rest.at) / 4);
  return rest.until > fleet.restUntil + tolerance ? rest.until : fleet.restUntil;
}

function foldMisconfigured(
  { misconfigured: told, restoredAt }: FleetHealth,
  { misconfigured, mendedAt }: Evidence,
  { breaker, config }: FoldFacts,
): FleetMisconfiguration | null {
  const before = told !== null && mendedAt !== null && mendedAt > told.since ? null : told;
  if (misconfigured === null || misconfigured.at <= Math.max(restoredAt, mendedAt ?? 0)) return before;
  const probeAt = misconfigured.at + breaker.maxOpenMs;
  const known = before !== null && before.config === config;
  if (known && probeAt <= before.probeAt + NEARLY_MS) return before;
  return { since: known ? before.since : misconfigured.at, probeAt, cause: misconfigured.cause, config };
}
