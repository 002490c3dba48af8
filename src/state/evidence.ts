/** What an instance has to tell the fleet of one deployment, gathered finding by finding. */
import type { Finding, Health } from '../domain/health.ts';
import type { FleetHealth } from '../fleet/deployments.ts';
import { type Evidence, NO_EVIDENCE } from '../fleet/fold.ts';
import { servedWithin } from '../routing/transitions.ts';

/** What this instance makes of one deployment. */
export interface Standing {
  view: Health;
  /** The fleet's word, as last read. */
  fleet: FleetHealth;
  evidence: Evidence | null;
  /** The probe that this instance may make, or is making. */
  claim: Claim | null;
}

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
  const isAnswerToNews = before.misconfigured !== null || probe || hasFailures(fleet, evidence);
  if (!isNews && !isAnswerToNews) return evidence;
  const known = evidence ?? NO_EVIDENCE;
  const told = {
    ...known,
    probe: probe && claim !== null ? { ...probeOutcome(view, outcome), claim: claim.id, at, cause } : known.probe,
    mendedAt:
      before.misconfigured !== null && outcome !== 'failing' && outcome !== 'misconfigured' ? at : known.mendedAt,
  };
  // What was answered late, of the time before the window opened, clears nothing.
  const isNow = probe || before.breaker.kind === 'closed';
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

export function isUrgent({ failures, rest, misconfigured, mendedAt, probe }: Evidence): boolean {
  return failures?.decisive === true || rest !== null || misconfigured !== null || mendedAt !== null || probe !== null;
}

/** With others' failures it was enough to open the breaker here: it stays open, though some of theirs be cleared before this is told. */
export function insisted({ evidence, fleet, view }: Standing): Evidence | null {
  const failures = evidence?.failures ?? null;
  if (evidence === null || failures === null || failures.decisive) return evidence;
  if (view.breaker.kind !== 'open' || fleet.breaker.kind !== 'closed') return evidence;
  return { ...evidence, failures: { ...failures, decisive: true } };
}

/** What was seen after an operator restored the deployment; `null`: nothing. */
export function evidenceSince({ failures, rest, misconfigured }: Evidence, restoredAt: number): Evidence | null {
  const at = failures?.at.filter((one) => one > restoredAt) ?? [];
  const kept = {
    ...NO_EVIDENCE,
    failures: failures === null || at.length === 0 ? null : { ...failures, at },
    rest: rest !== null && rest.at > restoredAt ? rest : null,
    misconfigured: misconfigured !== null && misconfigured.at > restoredAt ? misconfigured : null,
  };
  return kept.failures === null && kept.rest === null && kept.misconfigured === null ? null : kept;
}
