/** What an instance has to tell the fleet of one deployment, gathered finding by finding. */
import { CLEAN_RECORD, type Finding, HEALTHY, type Health } from '../domain/health.ts';
import type { FleetHealth } from '../fleet/deployments.ts';
import { type Evidence, NO_EVIDENCE } from '../fleet/fold.ts';
import { servedWithin } from '../routing/transitions.ts';

/** What this instance makes of one deployment. */
export interface Standing {
  view: Health;
  /** The fleet's word, as last read. */
  fleet: FleetHealth;
  evidence: Evidence | null;
  /** What the deployment has asked of this instance: the later, the shorter. */
  asked: readonly Rest[];
  /** The probe that this instance may make, or is making. */
  claim: Claim | null;
}

type Rest = NonNullable<Evidence['rest']>;

export interface Claim {
  readonly id: string;
  readonly at: number;
  /** Made without asking anybody, as nobody could be asked. */
  readonly isAlone: boolean;
}

/** One failure among so many successes is everyday, and not worth telling the fleet. */
const EVERYDAY = 10;

/** What is to be told after one more finding; the same where there is no news in it. */
export function gathered(standing: Standing, before: Health, finding: Finding, windowMs: number): Evidence | null {
  const { evidence, fleet, claim, view } = standing;
  const { outcome, at, cause, probe } = finding;
  const isNews = outcome !== 'ok' && outcome !== 'other';
  // What was answered late, of the time before the window opened, clears nothing.
  const isNow = probe || before.breaker.kind === 'closed';
  const isAnswerToNews = before.misconfigured !== null || probe || (isNow && hasFailures(fleet, evidence));
  if (!isNews && !isAnswerToNews) return evidence;
  const known = evidence ?? NO_EVIDENCE;
  const told = {
    ...known,
    probe:
      probe && claim !== null
        ? { ...probeOutcome(view, outcome), claim: claim.id, claimedAt: claim.at, at, cause }
        : known.probe,
    mendedAt:
      before.misconfigured !== null && outcome !== 'failing' && outcome !== 'misconfigured' ? at : known.mendedAt,
  };
  const failures = probe ? null : told.failures;
  switch (outcome) {
    case 'ok':
      if (!isNow) return told;
      return { ...told, failures: null, servedAt: isAnswerToNews ? at : told.servedAt };
    case 'other':
      return { ...told, failures };
    case 'throttled':
      // What was known before may end later for this instance than the deployment said: that is its own affair.
      return view.restUntil === before.restUntil
        ? { ...told, failures }
        : { ...told, failures, rest: { until: view.restUntil, at } };
    case 'misconfigured':
      return { ...told, failures, misconfigured: { at, cause } };
    case 'failing':
      return { ...told, failures: failuresIn(view, before, finding, windowMs) ?? told.failures };
    default:
      return outcome satisfies never;
  }
}

function probeOutcome({ breaker }: Health, outcome: Finding['outcome']) {
  if (outcome !== 'failing') return { outcome: 'answered' as const, openings: 0 };
  return { outcome: 'failed' as const, openings: breaker.kind === 'open' ? breaker.openings : 0 };
}

function hasFailures({ breaker }: FleetHealth, evidence: Evidence | null): boolean {
  if (evidence !== null && evidence.failures !== null) return true;
  return breaker.kind === 'closed' && Object.keys(breaker.reports).length > 0;
}

function failuresIn(view: Health, before: Health, { at, cause }: Finding, windowMs: number): Evidence['failures'] {
  if (before.breaker.kind !== 'closed') return null;
  if (view.breaker.kind !== 'closed') {
    const { failedAt, inRow } = before.breaker;
    return { at: [...(inRow === 0 ? [] : failedAt.slice(-inRow)), at], decisive: true, cause };
  }
  const { failedAt, inRow, served } = view.breaker;
  const isEveryday = inRow < 2 && failedAt.length * EVERYDAY < servedWithin(served, at, windowMs);
  return isEveryday ? null : { at: failedAt.slice(-inRow), decisive: false, cause };
}

export function isUrgent({ failures, rest, misconfigured, mendedAt, probe }: Evidence, fleet: FleetHealth): boolean {
  const opens = failures?.decisive === true && fleet.breaker.kind === 'closed';
  return opens || rest !== null || misconfigured !== null || mendedAt !== null || probe !== null;
}

/** With others' failures it was enough to open the breaker here: it stays open, though some of theirs be cleared before this is told. */
export function insisted({ evidence, fleet, view }: Standing): Evidence | null {
  const failures = evidence?.failures ?? null;
  if (evidence === null || failures === null || failures.decisive) return evidence;
  if (view.breaker.kind !== 'open' || fleet.breaker.kind !== 'closed') return evidence;
  return { ...evidence, failures: { ...failures, decisive: true } };
}

/**
 * What is left to tell once the fleet's word contains the rest. Failures are no news of a window that is open; but it may have been
 * closed before they were seen, and whoever closed it has not told that yet.
 */
export function leftOf({ failures }: Evidence, { breaker }: FleetHealth): Evidence | null {
  return failures === null || breaker.kind === 'closed' ? null : { ...NO_EVIDENCE, failures };
}

/** Rests that would have to be remembered beyond so many are shorter than all of them. */
const MOST_ASKED = 8;

/** With one more; what an earlier one asked for is past where an operator has restored the deployment in between. */
export function askedAlso(asked: readonly Rest[], rest: Rest): readonly Rest[] {
  const longer = asked.filter(({ until }) => until > rest.until);
  return longer.length < MOST_ASKED ? [...longer, rest] : longer;
}

/** As if an operator's restoring had been heard of at once: only what was seen after it counts. */
export function restoreSeen(standing: Standing, restoredAt: number): void {
  const { view, evidence } = standing;
  const rest = standing.asked.find(({ at }) => at > restoredAt) ?? null;
  const seen = view.breaker.kind === 'closed' ? view.breaker.failedAt : (evidence?.failures?.at ?? []);
  const failedAt = seen.filter((at) => at > restoredAt);
  const inRow = view.breaker.kind === 'closed' ? Math.min(view.breaker.inRow, failedAt.length) : failedAt.length;
  const isFresh = evidence?.failures?.decisive === true && failedAt.length === evidence.failures.at.length;
  standing.view = {
    ...HEALTHY,
    latencyMs: view.latencyMs,
    restUntil: rest?.until ?? 0,
    // A window that opened after it is none that was to end with it.
    breaker:
      view.breaker.kind === 'open' && isFresh ? view.breaker : { kind: 'closed', ...CLEAN_RECORD, failedAt, inRow },
  };
  standing.evidence = evidenceSince({ ...(evidence ?? NO_EVIDENCE), rest }, restoredAt);
  standing.claim = null;
}

/** `null`: nothing. */
function evidenceSince({ failures, rest, misconfigured, servedAt, mendedAt }: Evidence, restoredAt: number) {
  const fresh = failures?.at.some((at) => at > restoredAt) === true;
  const kept = {
    ...NO_EVIDENCE,
    // Which of them are too old is seen again with each fold, and so is whether the others are enough.
    failures: fresh ? failures : null,
    rest,
    misconfigured: misconfigured !== null && misconfigured.at > restoredAt ? misconfigured : null,
    servedAt: servedAt !== null && servedAt > restoredAt ? servedAt : null,
    mendedAt: mendedAt !== null && mendedAt > restoredAt ? mendedAt : null,
  };
  return Object.values(kept).every((one) => one === null) ? null : kept;
}

/** What fails now comes after every answer that is known of by now, be it by less than a millisecond, or by a clock that is ahead. */
export function instantOf({ outcome, at }: Finding, { evidence, fleet: { breaker } }: Standing): number {
  if (outcome !== 'failing') return at;
  const told = breaker.kind === 'closed' ? breaker.servedAt : 0;
  return Math.max(at, Math.max(told, evidence?.servedAt ?? 0) + 1);
}
