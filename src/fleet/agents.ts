/** What the fleet holds true of an agent: where it is while it is not at home, and how it has fared where it is. */
import type { AgentFinding, Assignment } from '../domain/assignment.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { countOf, type FailureReports, NO_REPORTS, reported, within } from './deployments.ts';

export interface AgentRecord {
  readonly assignment: Assignment | null;
  readonly failures: AgentFailures | null;
}

export interface AgentFailures {
  /** The deployment that the agent was stuck to. */
  readonly on: DeploymentId;
  /** Failures up to here no longer count. */
  readonly since: number;
  readonly reports: FailureReports;
}

export const AT_HOME: AgentRecord = { assignment: null, failures: null };

/** What one instance knows of an agent and the fleet may not yet. */
export interface AgentEvidence {
  readonly on: DeploymentId;
  /** Failures since its last success there, oldest first. */
  readonly failedAt: readonly number[];
  readonly servedAt: number | null;
  /** Who serves it if it has failed too often; `null`: nobody could. */
  readonly fallback: DeploymentId | null;
  readonly cause: string;
}

export interface AgentFacts {
  readonly instance: string;
  readonly failureThreshold: number;
  readonly failureWindowMs: number;
}

/** The evidence with one more finding; `null`: the finding says nothing that anybody needs to know. */
export function gathered(
  evidence: AgentEvidence | null,
  known: AgentRecord,
  finding: AgentFinding,
  { instance, failureThreshold, failureWindowMs }: AgentFacts,
): AgentEvidence | null {
  const { on, at, failed, cause } = finding;
  if (!failed) {
    const news = known.failures?.on === on || known.assignment !== null;
    return news ? { on, failedAt: [], servedAt: at, fallback: null, cause } : null;
  }
  const before = evidence?.on === on ? evidence : null;
  const told = known.failures?.on === on ? (known.failures.reports[instance] ?? []) : [];
  const recent = (before?.failedAt ?? told).filter((one) => one > at - failureWindowMs);
  return {
    on,
    failedAt: [...recent, at].slice(-failureThreshold),
    servedAt: before?.servedAt ?? null,
    fallback: finding.fallback ?? before?.fallback ?? null,
    cause,
  };
}

/** What the fleet holds true of the agent once it knows of the evidence; the same object where that adds nothing. */
export function foldAgent(before: AgentRecord, evidence: AgentEvidence, facts: AgentFacts): AgentRecord {
  const last = evidence.failedAt.at(-1) ?? 0;
  if (isElsewhere(before.assignment, evidence.on, Math.max(last, evidence.servedAt ?? 0))) return before;
  const served = foldServed(before, evidence);
  return last === 0 ? served : foldFailures(served, evidence, facts);
}

/** Whether the agent has been moved away from there meanwhile: then what happened there is past. */
function isElsewhere(assignment: Assignment | null, on: DeploymentId, at: number): boolean {
  if (assignment === null || assignment.deployment === on) return false;
  return assignment.returnAt === null || at < assignment.returnAt;
}

function foldServed(before: AgentRecord, { on, servedAt }: AgentEvidence): AgentRecord {
  if (servedAt === null) return before;
  const { assignment, failures } = before;
  // Served where it is not assigned to: it has come home.
  const left = assignment !== null && assignment.deployment !== on ? null : assignment;
  const kept = failures?.on === on ? sinceServed(failures, servedAt) : failures;
  return left === assignment && kept === failures ? before : { assignment: left, failures: kept };
}

function sinceServed(failures: AgentFailures, servedAt: number): AgentFailures | null {
  const reports = within(failures.reports, servedAt);
  if (reports === failures.reports) return failures;
  return countOf(reports) === 0 ? null : { ...failures, since: Math.max(failures.since, servedAt), reports };
}

function foldFailures(before: AgentRecord, evidence: AgentEvidence, facts: AgentFacts): AgentRecord {
  const { instance, failureThreshold, failureWindowMs } = facts;
  const { on, fallback, cause } = evidence;
  const known =
    before.failures?.on === on ? before.failures : { on, since: evidence.servedAt ?? 0, reports: NO_REPORTS };
  // What failed there before it was moved there has been told, or is of another time.
  const movedAt = before.assignment?.deployment === on ? before.assignment.since : 0;
  const past = Math.max(known.since, movedAt, evidence.servedAt ?? 0);
  const mine = evidence.failedAt.filter((at) => at > past);
  const last = mine.at(-1);
  if (last === undefined) return before;
  const reports = reported(known.reports, instance, mine.slice(-failureThreshold));
  const count = countOf(within(reports, last - failureWindowMs));
  if (count >= failureThreshold && fallback !== null && !isPinned(before.assignment)) {
    return { assignment: moved(on, fallback, cause, { at: last, windowMs: failureWindowMs }), failures: null };
  }
  return reports === before.failures?.reports ? before : { ...before, failures: { ...known, reports } };
}

function isPinned(assignment: Assignment | null): boolean {
  return assignment !== null && assignment.returnAt === null;
}

function moved(
  from: DeploymentId,
  to: DeploymentId,
  cause: string,
  { at, windowMs }: { at: number; windowMs: number },
): Assignment {
  return { deployment: to, from, why: 'moved', cause, since: at, returnAt: at + windowMs };
}

/** Failures that count now. */
export function failuresNow({ failures }: AgentRecord, now: number, windowMs: number): readonly number[] {
  if (failures === null) return [];
  return Object.values(within(failures.reports, now - windowMs))
    .flat()
    .sort((left, right) => left - right);
}
