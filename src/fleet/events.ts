/** What a change of the fleet's word means to people: told once, by the instance whose write brought it about. */
import type { Assignment } from '../domain/assignment.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { DeploymentEventKind, FleetEvent } from '../domain/event.ts';
import type { AgentRecord } from './agents.ts';
import type { FleetBreaker, FleetHealth } from './deployments.ts';

export interface EventFacts {
  readonly at: number;
  readonly instance: string;
}

export function deploymentEvents(
  deployment: DeploymentId,
  before: FleetHealth,
  after: FleetHealth,
  facts: EventFacts,
): FleetEvent[] {
  const told: FleetEvent[] = [];
  const tell = (kind: DeploymentEventKind, until: number | null, cause: string): void => {
    told.push({ kind, deployment, until, cause, ...facts });
  };
  if (after.restoredAt > before.restoredAt) {
    tell('restored', null, 'by an operator');
    return told;
  }
  if (before.drainedSince === null && after.drainedSince !== null) tell('drained', null, 'by an operator');
  breakerEvent(before.breaker, after.breaker, tell);
  if (after.restUntil > before.restUntil && before.restUntil <= facts.at) tell('rested', after.restUntil, 'throttled');
  if (before.misconfigured === null && after.misconfigured !== null)
    tell('misconfigured', after.misconfigured.probeAt, after.misconfigured.cause);
  if (before.misconfigured !== null && after.misconfigured === null) tell('mended', null, before.misconfigured.cause);
  return told;
}

function breakerEvent(
  before: FleetBreaker,
  after: FleetBreaker,
  tell: (kind: DeploymentEventKind, until: number | null, cause: string) => void,
): void {
  switch (after.kind) {
    case 'open':
      if (before.kind !== 'open') tell('opened', after.openUntil, after.cause);
      return;
    case 'halfOpen':
      // One write may tell of a probe that failed and claim the next one, where the window between them is short.
      if (before.kind === 'closed' || before.openings < after.openings) tell('opened', null, after.cause);
      if (before.kind !== 'halfOpen' || before.claim !== after.claim) tell('probed', after.leaseUntil, after.cause);
      return;
    case 'closed':
      if (before.kind !== 'closed') tell('closed', null, before.cause);
      return;
    default:
      after satisfies never;
  }
}

export function agentEvents(agent: string, before: AgentRecord, after: AgentRecord, facts: EventFacts): FleetEvent[] {
  if (after.assignment === null) {
    if (before.assignment === null) return [];
    const { deployment: from, cause } = before.assignment;
    return [{ kind: 'agentReturned', agent, from, cause, ...facts }];
  }
  if (isSame(before.assignment, after.assignment)) return [];
  const { from, deployment: to, cause } = after.assignment;
  return [{ kind: 'agentMoved', agent, from, to, cause, ...facts }];
}

function isSame(before: Assignment | null, after: Assignment): boolean {
  return before !== null && before.deployment === after.deployment && before.since === after.since;
}
