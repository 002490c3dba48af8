import type { Pool, RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Snapshot } from '../domain/health.ts';
import { closest } from '../domain/nearest.ts';
import { availability } from '../routing/availability.ts';

export interface StatusFacts {
  readonly config: RouterConfig;
  readonly snapshot: Snapshot;
  readonly now: number;
}

export type DeploymentStateName = 'closed' | 'probing' | 'throttled' | 'open' | 'halfOpen' | 'misconfigured';

export function routerStatus(facts: StatusFacts) {
  const { config } = facts;
  return {
    at: new Date(facts.now).toISOString(),
    defaultPool: config.defaultPool,
    pools: [...config.pools.keys()].map((name) => poolStatus(facts, name)),
    deployments: [...config.deployments.keys()].map((id) => deploymentStatus(facts, id)),
    store: { kind: 'memory', shared: false },
  };
}

export function deploymentStatus(facts: StatusFacts, id: string) {
  const deployment = facts.config.deployments.get(id as DeploymentId);
  if (deployment === undefined) throw notFound('deployment', id, [...facts.config.deployments.keys()]);
  const health = facts.snapshot.health(deployment.id);
  return {
    ...identity(facts.config, deployment),
    ...standing(facts, deployment.id),
    latencyMs: health.latencyMs,
    headroom: health.headroom,
  };
}

function identity(config: RouterConfig, { id, endpoint, name, model, kind }: Deployment) {
  return { id, endpoint, region: config.endpoints.get(endpoint)?.region ?? null, name, model, kind };
}

function standing(
  { snapshot, now }: StatusFacts,
  id: DeploymentId,
): { state: DeploymentStateName; until: string | null; cause: string | null } {
  const health = snapshot.health(id);
  const state = availability(health, now);
  const cause = health.misconfigured?.cause ?? null;
  if (state.kind === 'out') return { state: state.reason, until: new Date(state.until).toISOString(), cause };
  return { state: state.kind === 'probe' ? 'probing' : 'closed', until: null, cause };
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
    current_endpoint: current === -1 ? null : pool.members[current]?.deployment,
    current_type: current === -1 ? null : current === 0 ? 'primary' : 'backup',
    current_index: current === -1 ? null : current,
    failed_endpoints: failed,
    available_backups: backupsOf(pool).filter((id) => !failed.includes(id)),
    has_backups: pool.members.length > 1,
  };
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
