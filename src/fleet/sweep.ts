/** What the timer clears away: whatever time has settled and no request has come by to notice. May be repeated at will. */
import type { Agents, Breaker } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { AgentRecord } from './agents.ts';
import { closedAt, countOf, type FleetBreaker, type FleetHealth, NO_REPORTS, within } from './deployments.ts';

/** A window that ended so long ago that nobody sends requests there: the next one need not be a probe. */
const FORGOTTEN_MS = 3_600_000;

/** The same object where there is nothing to clear away. */
export function sweptDeployment(fleet: FleetHealth, now: number, settings: Breaker): FleetHealth {
  const breaker = sweptBreaker(fleet.breaker, now, settings);
  const { misconfigured: known } = fleet;
  // It may not be in anybody's configuration any more.
  const misconfigured = known !== null && now >= known.probeAt + FORGOTTEN_MS ? null : known;
  const same = breaker === fleet.breaker && misconfigured === known;
  return same ? fleet : { ...fleet, breaker, misconfigured };
}

function sweptBreaker(breaker: FleetBreaker, now: number, { windowMs, maxOpenMs }: Breaker): FleetBreaker {
  switch (breaker.kind) {
    case 'closed': {
      const reports = within(breaker.reports, now - windowMs);
      return reports === breaker.reports ? breaker : { ...breaker, reports };
    }
    case 'open':
      return now < breaker.openUntil + maxOpenMs + FORGOTTEN_MS ? breaker : forgotten(now);
    case 'halfOpen':
      return now < breaker.leaseUntil + maxOpenMs + FORGOTTEN_MS ? breaker : forgotten(now);
    default:
      return breaker satisfies never;
  }
}

function forgotten(now: number): FleetBreaker {
  return closedAt(now);
}

export interface AgentSweepFacts {
  readonly now: number;
  readonly agents: Pick<Agents, 'failureWindowMs'>;
  /** Whether the agent's home can take it back. */
  readonly homeIsBack: (assignment: { readonly from: DeploymentId | null }) => boolean;
}

export function sweptAgent(record: AgentRecord, { now, agents, homeIsBack }: AgentSweepFacts): AgentRecord {
  const { assignment, failures } = record;
  const goesHome =
    assignment !== null && assignment.returnAt !== null && assignment.returnAt <= now && homeIsBack(assignment);
  const reports = failures === null ? NO_REPORTS : within(failures.reports, now - agents.failureWindowMs);
  const isStale = failures !== null && countOf(reports) === 0;
  if (!goesHome && !isStale && (failures === null || reports === failures.reports)) return record;
  return {
    assignment: goesHome ? null : assignment,
    failures: failures === null || isStale ? null : { ...failures, reports },
  };
}
