import type { Draw } from '../domain/clock.ts';
import type { Pool, RouterConfig, Tier } from '../domain/config.ts';
import { TIERS } from '../domain/config.ts';
import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import type { Snapshot } from '../domain/health.ts';
import { FAILOVER_OUTCOMES, type FailoverOutcome } from '../domain/outcome.ts';
import { availability, type OutReason } from './availability.ts';
import { orderMembers } from './strategies.ts';

export interface RouteRequest {
  /** A pool, a tier, a deployment id or `auto`; `null` means the default pool. */
  readonly name: string | null;
  readonly agent: string;
  readonly tier: Tier | null;
  /** False: only the current deployment is tried. */
  readonly failover: boolean;
  readonly spreadKey: string | null;
  /** The deployment that holds what the request refers to. */
  readonly boundTo: DeploymentId | null;
}

export interface DecideFacts {
  readonly snapshot: Snapshot;
  readonly now: number;
  readonly draw: Draw;
  readonly turn: (pool: string) => number;
}

export interface Candidate {
  readonly deployment: Deployment;
  /** The request goes there to find out whether the deployment has recovered. */
  readonly probe: boolean;
  readonly why: Why;
}

export type Why = 'bound' | 'named' | 'home' | 'defaultHome' | 'strategy';

export interface Skipped {
  readonly deployment: DeploymentId;
  readonly reason: OutReason | 'failoverOff';
  /** When it is expected back. */
  readonly until: number | null;
}

export interface Route {
  readonly pool: string | null;
  readonly tier: Tier | null;
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly Skipped[];
  readonly failoverOn: ReadonlySet<FailoverOutcome>;
}

/** `null`: nothing of that name exists. */
export type Decision = Route | null;

const ALL_OUTCOMES: ReadonlySet<FailoverOutcome> = new Set(FAILOVER_OUTCOMES);
const NO_OUTCOMES: ReadonlySet<FailoverOutcome> = new Set();

/** The permitted deployments in the order in which they will be tried, and why the others are left out. */
export function decide(config: RouterConfig, request: RouteRequest, facts: DecideFacts): Decision {
  const plan = planFor(config, request, facts);
  if (plan === null) return null;
  const candidates: Candidate[] = [];
  const skipped: Skipped[] = [];
  for (const { id, why } of plan.order) {
    const available = availability(facts.snapshot.health(id), facts.now);
    const deployment = config.deployments.get(id);
    if (deployment === undefined) continue;
    if (available.kind === 'out') skipped.push({ deployment: id, reason: available.reason, until: available.until });
    else if (!request.failover && candidates.length > 0)
      skipped.push({ deployment: id, reason: 'failoverOff', until: null });
    else candidates.push({ deployment, probe: available.kind === 'probe', why });
  }
  const failoverOn = request.failover ? plan.failoverOn : NO_OUTCOMES;
  return { pool: plan.pool, tier: plan.tier, candidates, skipped, failoverOn };
}

interface Plan {
  readonly pool: string | null;
  readonly tier: Tier | null;
  readonly order: readonly Place[];
  readonly failoverOn: ReadonlySet<FailoverOutcome>;
}

interface Place {
  readonly id: DeploymentId;
  readonly why: Why;
}

function planFor(config: RouterConfig, request: RouteRequest, facts: DecideFacts): Plan | null {
  const { name, boundTo } = request;
  if (boundTo !== null) return single(boundTo, 'bound');
  if (name !== null && isDeployment(config, name)) return single(name, 'named');
  const tier = request.tier ?? tierNamed(name);
  const chain = tier === null ? null : config.tiers.get(tier);
  if (chain !== undefined && chain !== null) return chained(config, { pools: chain, tier, request, facts });
  if (request.tier === null && tier !== null) return null;
  if (name === 'auto') return chained(config, { pools: [autoPool(config, request.agent)], tier: null, request, facts });
  const pool = name ?? config.defaultPool;
  return config.pools.has(pool) ? chained(config, { pools: [pool], tier: null, request, facts }) : null;
}

function single(id: DeploymentId, why: Why): Plan {
  return { pool: null, tier: null, order: [{ id, why }], failoverOn: ALL_OUTCOMES };
}

interface ChainFacts {
  readonly pools: readonly string[];
  readonly tier: Tier | null;
  readonly request: RouteRequest;
  readonly facts: DecideFacts;
}

function chained(config: RouterConfig, { pools, tier, request, facts }: ChainFacts): Plan {
  const order: Place[] = [];
  const placed = new Set<DeploymentId>();
  const put = (id: DeploymentId, why: Why): void => {
    if (!placed.has(id)) order.push({ id, why });
    placed.add(id);
  };
  let failoverOn = ALL_OUTCOMES;
  for (const [position, poolName] of pools.entries()) {
    const pool = config.pools.get(poolName);
    if (pool === undefined) continue;
    if (position === 0) {
      failoverOn = pool.failoverOn;
      const home = homeIn(config, pool, { ...request, name: tier === null ? request.name : pool.name });
      if (home !== null) put(home.id, home.why);
    }
    for (const id of orderMembers(pool, orderingFacts(pool, request, facts))) put(id, 'strategy');
  }
  return { pool: pools[0] ?? null, tier, order, failoverOn };
}

function orderingFacts(pool: Pool, request: RouteRequest, { draw, snapshot, turn }: DecideFacts) {
  const key = request.spreadKey ?? request.agent;
  return { draw, snapshot, key, turn: pool.strategy === 'roundRobin' ? turn(pool.name) : 0 };
}

/**
 * Where the agent belongs within this pool. A home of its own counts under every strategy; the default home only where
 * the pool itself does not share the traffic out, and both wherever the caller left the choice to the router.
 */
function homeIn(config: RouterConfig, pool: Pool, { name, agent }: RouteRequest): Place | null {
  const own = config.agents.homes.get(agent);
  if (own !== undefined && (name === 'auto' || has(pool, own))) return { id: own, why: 'home' };
  const { defaultHome } = config.agents;
  if (own !== undefined || defaultHome === null) return null;
  const applies = name === 'auto' || (pool.strategy === 'priority' && has(pool, defaultHome));
  return applies ? { id: defaultHome, why: 'defaultHome' } : null;
}

/** The pool whose other members stand in for the agent's home. */
function autoPool(config: RouterConfig, agent: string): string {
  const home = config.agents.homes.get(agent) ?? config.agents.defaultHome;
  const fallback = config.pools.get(config.defaultPool);
  if (home === null || (fallback !== undefined && has(fallback, home))) return config.defaultPool;
  for (const pool of config.pools.values()) if (has(pool, home)) return pool.name;
  return config.defaultPool;
}

function has(pool: Pool, id: DeploymentId): boolean {
  return pool.members.some(({ deployment }) => deployment === id);
}

function isDeployment(config: RouterConfig, name: string): name is DeploymentId {
  return config.deployments.has(name as DeploymentId);
}

function tierNamed(name: string | null): Tier | null {
  return TIERS.find((tier) => tier === name) ?? null;
}
