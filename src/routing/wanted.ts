/** What the name in a request stands for, within what the caller's plan permits. */
import { type Plan, type Pool, type RouterConfig, TIERS, type Tier } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { hasMember, isBelow, lowestTierWith, permitsDeployment, permitsPool, tierFor, tiersOf } from './plans.ts';
import type { KnownFacts, RouteRequest } from './request.ts';
import { autoPool } from './sticky.ts';

export type Wanted =
  | { readonly kind: 'deployment'; readonly id: DeploymentId; readonly why: 'bound' | 'named' }
  /** Pools in the order in which they are tried. */
  | { readonly kind: 'chain'; readonly links: readonly Link[]; readonly auto: boolean }
  | Unknown
  | Forbidden;

export interface Link {
  readonly pool: Pool;
  readonly tier: UsedTier | null;
}

/** The tier that serves a request, and from which one the request was lowered to it. */
export interface UsedTier {
  readonly tier: Tier;
  readonly lowered: { readonly from: Tier; readonly reason: 'plan' | 'unavailable' } | null;
}

/** Nothing of that name exists. */
export interface Unknown {
  readonly kind: 'unknown';
}

export interface Forbidden {
  readonly kind: 'forbidden';
  readonly plan: string;
  readonly asked: { readonly kind: 'tier' | 'pool' | 'deployment'; readonly name: string };
  /** The lowest tier that has what was asked for. */
  readonly tier: Tier;
  /** The tiers of the plan, best first. */
  readonly allowed: readonly Tier[];
}

type Asked = Forbidden['asked'];

const UNKNOWN: Unknown = { kind: 'unknown' };

export function wantedBy(config: RouterConfig, request: RouteRequest, known: KnownFacts): Wanted {
  return namedBy(config, request) ?? automatic(config, request, known);
}

/** The same from the request's words alone. `null`: `auto`, which is another pool for each agent and from time to time. */
export function namedBy(
  config: RouterConfig,
  request: Pick<RouteRequest, 'name' | 'tier' | 'plan' | 'boundTo'>,
): Wanted | null {
  const { name, boundTo, plan } = request;
  if (boundTo !== null) return single(config, boundTo, 'bound', plan);
  if (name !== null && isDeployment(config, name)) return single(config, name, 'named', plan);
  const tier = request.tier ?? tierNamed(name) ?? (name === null ? config.defaultTier : null);
  if (tier !== null && config.tiers.has(tier)) {
    // Whoever names nothing has not asked for too much.
    const asked = name === null && request.tier === null ? null : { kind: 'tier' as const, name: tier };
    return inTier(config, tier, { plan, asked, auto: false });
  }
  // A tier that is not there for this caller is never exchanged for something else unsaid.
  if (tier !== null) return UNKNOWN;
  return name === 'auto' ? null : inPool(config, name, plan);
}

function single(config: RouterConfig, id: DeploymentId, why: 'bound' | 'named', plan: Plan | null): Wanted {
  if (plan === null || permitsDeployment(config, plan, id)) return { kind: 'deployment', id, why };
  const tiers = [...config.pools.values()]
    .filter((pool) => hasMember(pool, id))
    .flatMap(({ name }) => lowestTierWith(config, name) ?? []);
  const tier = TIERS.findLast((one) => tiers.includes(one));
  if (tier === undefined) return { kind: 'deployment', id, why };
  return forbidden(config, plan, { kind: 'deployment', name: id }, tier);
}

function automatic(config: RouterConfig, { agent, plan }: RouteRequest, known: KnownFacts): Wanted {
  const pool = autoPool(config, agent, known);
  if (pool === null) return UNKNOWN;
  if (permitsPool(config, plan, pool.name)) return { kind: 'chain', links: [{ pool, tier: null }], auto: true };
  return inTier(config, lowestTierWith(config, pool.name) as Tier, { plan, asked: null, auto: true });
}

function inPool(config: RouterConfig, name: string | null, plan: Plan | null): Wanted {
  const pool = config.pools.get(name ?? config.defaultPool);
  if (pool === undefined) return UNKNOWN;
  if (permitsPool(config, plan, pool.name)) return { kind: 'chain', links: [{ pool, tier: null }], auto: false };
  const asked = name === null ? null : { kind: 'pool' as const, name };
  return inTier(config, lowestTierWith(config, pool.name) as Tier, { plan, asked, auto: false });
}

interface TierQuestion {
  readonly plan: Plan | null;
  /** `null`: the router chose it itself, and is never told no. */
  readonly asked: Asked | null;
  readonly auto: boolean;
}

function inTier(config: RouterConfig, wanted: Tier, { plan, asked, auto }: TierQuestion): Wanted {
  const tier = tierFor(config, plan, wanted);
  const refused = tier === null || (tier !== wanted && asked !== null && plan?.onHigherTier === 'refuse');
  if (plan !== null && refused) return forbidden(config, plan, asked ?? { kind: 'tier', name: wanted }, wanted);
  if (tier === null) return UNKNOWN;
  const links = linksOf(config, { tier, lowered: tier === wanted ? null : { from: wanted, reason: 'plan' } });
  if (plan?.downgradeWhenUnavailable === true) {
    for (const lower of tiersOf(config, plan).filter((one) => isBelow(one, tier)))
      links.push(...linksOf(config, { tier: lower, lowered: { from: wanted, reason: 'unavailable' } }));
  }
  return links.length === 0 ? UNKNOWN : { kind: 'chain', links, auto };
}

function linksOf({ tiers, pools }: RouterConfig, tier: UsedTier): Link[] {
  const links: Link[] = [];
  for (const name of tiers.get(tier.tier) ?? []) {
    const pool = pools.get(name);
    if (pool !== undefined) links.push({ pool, tier });
  }
  return links;
}

function forbidden(config: RouterConfig, plan: Plan, asked: Asked, tier: Tier): Forbidden {
  return { kind: 'forbidden', plan: plan.name, asked, tier, allowed: tiersOf(config, plan) };
}

function isDeployment(config: RouterConfig, name: string): name is DeploymentId {
  return config.deployments.has(name as DeploymentId);
}

function tierNamed(name: string | null): Tier | null {
  if (name === null) return null;
  return TIERS.find((tier) => tier === name) ?? null;
}
