/** What a plan permits: tiers by name, and with them the pools and deployments that stand behind these. */
import { type Plan, type Pool, type RouterConfig, TIERS, type Tier } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';

export type Tiers = Pick<RouterConfig, 'tiers'>;
export type Pools = Pick<RouterConfig, 'tiers' | 'pools'>;

/** The plan's tiers that are configured, best first. */
export function tiersOf({ tiers }: Tiers, plan: Plan): readonly Tier[] {
  return TIERS.filter((tier) => plan.tiers.includes(tier) && tiers.has(tier));
}

/** The tier that serves a request for this one: where the plan lacks it the best below it, else the best there is. */
export function tierFor(config: Tiers, plan: Plan | null, wanted: Tier): Tier | null {
  if (plan === null || plan.tiers.includes(wanted)) return wanted;
  const permitted = tiersOf(config, plan);
  return permitted.find((tier) => isBelow(tier, wanted)) ?? permitted[0] ?? null;
}

export function isBelow(tier: Tier, other: Tier): boolean {
  return TIERS.indexOf(tier) > TIERS.indexOf(other);
}

/** The lowest tier in whose chain the pool stands; `null`: it is in none, and everybody's. */
export function lowestTierWith({ tiers }: Tiers, pool: string): Tier | null {
  return TIERS.findLast((tier) => tiers.get(tier)?.includes(pool) === true) ?? null;
}

export function permitsPool(config: Tiers, plan: Plan | null, pool: string): boolean {
  if (plan === null || lowestTierWith(config, pool) === null) return true;
  return plan.tiers.some((tier) => config.tiers.get(tier)?.includes(pool) === true);
}

/** A deployment is permitted with any permitted pool that it is in, and where it is in none. */
export function permitsDeployment(config: Pools, plan: Plan | null, id: DeploymentId): boolean {
  if (plan === null) return true;
  const pools = [...config.pools.values()].filter((pool) => hasMember(pool, id));
  return pools.length === 0 || pools.some(({ name }) => permitsPool(config, plan, name));
}

export function hasMember(pool: Pool, id: DeploymentId): boolean {
  for (const { deployment } of pool.members) if (deployment === id) return true;
  return false;
}
