import type { Pool, RouterConfig, Tier } from '../domain/config.ts';
import { hasMember } from './plans.ts';

/**
 * The configuration as somebody sees it who is confined to some of the pools: nothing else exists. Decisions are then made on
 * it as on any other, so that no strategy, tier, home or assignment leads out.
 */
export function confined(config: RouterConfig, allowed: ReadonlySet<string>): RouterConfig {
  const pools = new Map([...config.pools].filter(([name]) => allowed.has(name)));
  const isReached = (id: Parameters<typeof hasMember>[1]): boolean =>
    [...pools.values()].some((pool: Pool) => hasMember(pool, id));
  const tiers = new Map<Tier, readonly string[]>();
  for (const [tier, chain] of config.tiers) {
    const left = chain.filter((name) => allowed.has(name));
    if (left.length > 0) tiers.set(tier, left);
  }
  const { agents, defaultTier } = config;
  return {
    ...config,
    pools,
    tiers,
    deployments: new Map([...config.deployments].filter(([id]) => isReached(id))),
    defaultPool: pools.has(config.defaultPool) ? config.defaultPool : (pools.keys().next().value ?? ''),
    defaultTier: defaultTier !== null && tiers.has(defaultTier) ? defaultTier : null,
    agents: {
      ...agents,
      homes: new Map([...agents.homes].filter(([, home]) => isReached(home))),
      defaultHome: agents.defaultHome !== null && isReached(agents.defaultHome) ? agents.defaultHome : null,
    },
  };
}

/** The same, made once for each set of pools; whoever keeps the sets keeps the views. */
export class ConfinedViews {
  readonly #config: RouterConfig;
  readonly #views = new WeakMap<ReadonlySet<string>, RouterConfig>();

  constructor(config: RouterConfig) {
    this.#config = config;
  }

  for(pools: ReadonlySet<string> | null): RouterConfig {
    if (pools === null) return this.#config;
    const known = this.#views.get(pools);
    if (known !== undefined) return known;
    const view = confined(this.#config, pools);
    this.#views.set(pools, view);
    return view;
  }
}
