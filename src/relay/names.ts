import { type RouterConfig, TIERS, type Tier } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import { closest } from '../domain/nearest.ts';
import type { Forbidden } from '../routing/wanted.ts';

/** Names listed in an error; a fleet may have hundreds. */
const LISTED_NAMES = 40;

/** Every name a caller may put where a model's name stands. */
export function knownNames(config: RouterConfig): string[] {
  return [
    ...config.pools.keys(),
    ...TIERS.filter((tier) => config.tiers.has(tier)),
    ...config.deployments.keys(),
    'auto',
  ];
}

export function isKnownName({ pools, tiers, deployments }: RouterConfig, name: string): boolean {
  return pools.has(name) || tiers.has(name as Tier) || deployments.has(name as DeploymentId) || name === 'auto';
}

export function unknownModel(config: RouterConfig, name: string): RouterError {
  const names = closest(name, knownNames(config));
  const more = names.length > LISTED_NAMES ? `, and ${names.length - LISTED_NAMES} more` : '';
  const listed = names.slice(0, LISTED_NAMES).join(', ') + more;
  const message = `There is no model, pool, tier or deployment named ${JSON.stringify(name.slice(0, 100))}. These exist: ${listed}.`;
  return new RouterError('unknown_model', message, { param: 'model' });
}

export function forbiddenByPlan({ plan, asked, tier, allowed }: Forbidden): RouterError {
  const what =
    asked.kind === 'tier' ? `the tier ${tier}` : `the ${asked.kind} ${asked.name}, which is of the tier ${tier}`;
  const has = allowed.length === 0 ? 'none of the tiers here' : allowed.join(', ');
  return new RouterError('forbidden', `The plan ${JSON.stringify(plan)} does not include ${what}. It has ${has}.`);
}

/** It exists, but not for this key. */
export function forbiddenByKey(config: RouterConfig, name: string): RouterError {
  const listed = [...config.pools.keys()].slice(0, LISTED_NAMES).join(', ');
  const may = listed === '' ? 'none that is configured' : listed;
  return new RouterError(
    'forbidden',
    `The key does not permit ${JSON.stringify(name)}. It permits these pools: ${may}.`,
  );
}
