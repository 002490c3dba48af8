import type { Pool, RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Health, Snapshot } from '../domain/health.ts';
import { closest } from '../domain/nearest.ts';
import { type Availability, availability, type OutReason } from '../routing/availability.ts';
import type { Operations } from '../state/port.ts';

import { agentList } from './agents.ts';

export interface StatusFacts {
  readonly config: RouterConfig;
  readonly snapshot: Snapshot;
  readonly operations: Operations;
  readonly now: number;
}

export type DeploymentStateName = 'closed' | 'ramping' | 'probing' | OutReason;

export interface DeploymentStanding {
  readonly state: DeploymentStateName;
  /** `null`: not out, or nobody can tell. */
  readonly until: string | null;
  readonly since: string | null;
  readonly cause: string | null;
}

export function routerStatus(facts: StatusFacts) {
  const { config } = facts;
  return {
    at: new Date(facts.now).toISOString(),
    defaultPool: config.defaultPool,
    pools: [...config.pools.keys()].map((name) => poolStatus(facts, name)),
    deployments: [...config.deployments.keys()].map((id) => deploymentStatus(facts, id)),
    agents: agentList(facts),
    store: storeStatus(facts.operations),
  };
}

function storeStatus(operations: Operations) {
  const { since, lastReadAt, ...rest } = operations.store();
  return { ...rest, since: instant(since), lastReadAt: instant(lastReadAt) };
}

export function deploymentStatus(facts: StatusFacts, id: string) {
  const deployment = facts.config.deployments.get(id as DeploymentId);
  if (deployment === undefined) throw notFound('deployment', id, [...facts.config.deployments.keys()]);
  const health = facts.snapshot.health(deployment.id);
  const stands = standing(facts, deployment.id);
  return {
    ...identity(facts.config, deployment),
    ...stands,
    cause: stands.cause ?? facts.operations.causeOf(deployment.id),
    failures: facts.operations.failuresOf(deployment.id),
    latencyMs: health.latencyMs,
    headroom: health.headroom,
  };
}

function identity(config: RouterConfig, { id, endpoint, name, model, kind }: Deployment) {
  return { id, endpoint, region: config.endpoints.get(endpoint)?.region ?? null, name, model, kind };
}

export function standing(
  { snapshot, now }: Pick<StatusFacts, 'snapshot' | 'now'>,
  id: DeploymentId,
): DeploymentStanding {
  const health = snapshot.health(id);
  const is = availability(health, now);
  return {
    state: stateName(is),
    until: is.kind === 'out' ? instant(is.until) : null,
    since: instant(sinceWhen(is, health)),
    cause: health.misconfigured?.cause ?? null,
  };
}

function stateName(is: Availability): DeploymentStateName {
  switch (is.kind) {
    case 'out':
      return is.reason;
    case 'ready':
      return 'closed';
    case 'ramping':
      return 'ramping';
    case 'probe':
      return 'probing';
    default:
      return is satisfies never;
  }
}

/** Where that is known: breakers and rests remember their end alone. */
function sinceWhen(is: Availability, { drainedSince, misconfigured, recovery }: Health): number | null {
  if (is.kind === 'ramping') return recovery?.since ?? null;
  if (is.kind !== 'out') return null;
  if (is.reason === 'drained') return drainedSince;
  return is.reason === 'misconfigured' ? (misconfigured?.since ?? null) : null;
}

function instant(at: number | null): string | null {
  return at === null || !Number.isFinite(at) ? null : new Date(at).toISOString();
}

/** Names as operators of hand-written failover know them. */
export function poolStatus(facts: StatusFacts, name: string) {
  const pool = facts.config.pools.get(name);
  if (pool === undefined) throw notFound('pool', name, [...facts.config.pools.keys()]);
  const failed = pool.members.filter(({ deployment }) => isOut(facts, deployment)).map(({ deployment }) => deployment);
  const current = pool.members.findIndex(({ deployment }) => !failed.includes(deployment));
  return {
    name,
    strategy: pool.strategy,
    total_endpoints: pool.members.length,
    current_endpoint: pool.members[current]?.deployment ?? null,
    current_type: typeAt(current),
    current_index: current === -1 ? null : current,
    failed_endpoints: failed,
    available_backups: backupsOf(pool).filter((id) => !failed.includes(id)),
    has_backups: pool.members.length > 1,
  };
}

function typeAt(index: number): 'primary' | 'backup' | null {
  if (index === -1) return null;
  return index === 0 ? 'primary' : 'backup';
}

function backupsOf(pool: Pool): DeploymentId[] {
  return pool.members.slice(1).map(({ deployment }) => deployment);
}

function isOut({ snapshot, now }: StatusFacts, id: DeploymentId): boolean {
  return availability(snapshot.health(id), now).kind === 'out';
}

function notFound(what: string, name: string, known: readonly string[]): RouterError {
  const message = `There is no ${what} named ${JSON.stringify(name.slice(0, 100))}. These exist: ${closest(name, known).join(', ')}.`;
  return new RouterError('invalid_request', message, { status: 404 });
}
