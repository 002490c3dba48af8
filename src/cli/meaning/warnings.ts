/** What is no fault, and still not what somebody would want: told, and the configuration is good all the same. */
import type { Pool, RouterConfig } from '../../domain/config.ts';
import type { Deployment } from '../../domain/deployment.ts';
import { shortRegion } from '../../domain/region.ts';

export interface Warning {
  readonly path: string;
  readonly problem: string;
}

export async function warningsOf(
  config: RouterConfig,
  isPriced: (model: string) => Promise<boolean>,
): Promise<Warning[]> {
  const pools = [...config.pools.values()];
  return [
    ...pools.flatMap((pool) => poolWarnings(pool, config)),
    ...unpooled(config),
    ...homeless(config),
    ...idleTiers(config),
    ...(await unpriced(config, isPriced)),
  ];
}

function poolWarnings({ name, members, failoverOn }: Pool, { endpoints, deployments }: RouterConfig): Warning[] {
  const path = `pools.${name}`;
  if (members.length === 1) return [{ path, problem: 'has one member: when that is out, nobody serves.' }];
  const reached = members.map(({ deployment }) => deployments.get(deployment)?.endpoint ?? '');
  const only = [...new Set(reached)];
  const warnings: Warning[] = [];
  const regions = new Set(only.map((endpoint) => shortRegion(endpoints.get(endpoint)?.region ?? '')));
  const [region = ''] = regions;
  if (only.length === 1)
    warnings.push({ path, problem: `lies on one endpoint, ${only[0] ?? ''}: when that is out, nobody serves.` });
  else if (regions.size === 1 && region !== '')
    warnings.push({ path, problem: `lies in one region, ${region}: when that is out, nobody serves.` });
  if (failoverOn.size === 0)
    warnings.push({
      path: `${path}.failoverOn`,
      problem: 'is empty: no request goes to another member when one fails.',
    });
  return warnings;
}

function unpooled({ deployments, pools }: RouterConfig): Warning[] {
  const members = new Set([...pools.values()].flatMap((pool) => pool.members.map(({ deployment }) => deployment)));
  return [...deployments.values()]
    .filter(({ id }) => !members.has(id))
    .map((one) => ({ path: pathOf(one), problem: `is in no pool: only requests that name ${one.id} reach it.` }));
}

/** A home outside the pool that is asked for does not apply there. */
function homeless({ agents, pools }: RouterConfig): Warning[] {
  const members = new Set<string>(
    [...pools.values()].flatMap((pool) => pool.members.map(({ deployment }) => deployment)),
  );
  const homes = [...agents.homes].map(([agent, home]): [string, string] => [`agents.homes.${agent}`, home]);
  if (agents.defaultHome !== null) homes.push(['agents.defaultHome', agents.defaultHome]);
  return homes
    .filter(([, home]) => !members.has(home))
    .map(([path, home]) => ({
      path,
      problem: `is ${home}, which is in no pool: it never applies where a pool is asked for.`,
    }));
}

function idleTiers({ plans, tiers }: RouterConfig): Warning[] {
  return [...plans.values()].flatMap((plan) =>
    plan.tiers
      .filter((tier) => !tiers.has(tier))
      .map((tier) => ({ path: `plans.${plan.name}.tiers`, problem: `names ${tier}, which no chain serves.` })),
  );
}

async function unpriced(
  { deployments }: RouterConfig,
  isPriced: (model: string) => Promise<boolean>,
): Promise<Warning[]> {
  const unknown = await Promise.all(
    [...deployments.values()].map(async (one) => ((await hasPrice(one, isPriced)) ? null : one)),
  );
  return unknown
    .filter((one) => one !== null)
    .map((one) => ({
      path: pathOf(one),
      problem:
        one.model === null
          ? 'says no "model" and is called like none: its price is known only if its answers name the model; quotas in dollars do not see it until then.'
          : `is of the model ${one.model}, whose price is not known: it counts as $0. Give it a "price".`,
    }));
}

async function hasPrice(
  { kind, price, model, name }: Deployment,
  isPriced: (model: string) => Promise<boolean>,
): Promise<boolean> {
  return kind === 'ptu' || price !== null || (await isPriced(model ?? name));
}

function pathOf({ endpoint, name }: Deployment): string {
  return `endpoints.${endpoint}.deployments.${name}`;
}
