import type { RouterConfig } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import { canServe, type Use, useOf } from '../models/capabilities.ts';
import type { Route } from '../routing/decide.ts';
import type { Call } from './call.ts';

/** Names listed in the error; a fleet may have hundreds. */
const LISTED_NAMES = 10;

const WORDS: Readonly<Record<Use, string>> = {
  chat: 'chat completions',
  responses: 'the Responses API',
  completions: 'completions of the old kind',
  embeddings: 'embeddings',
  images: 'images',
  transcription: 'transcriptions',
  translation: 'translations',
  speech: 'speech',
  realtime: 'the Realtime API',
  video: 'videos',
};

/**
 * Throws where nobody on the route can do what is asked, by what is known of their models, and somebody else here can: then the
 * name is the wrong one, and the caller is told a right one. Where nobody here is known to, the catalogue may be wrong, and the
 * deployment has the last word. Where the first one can, or may, no more than that is looked at.
 */
export function refuseUnfit(config: RouterConfig, { target, name }: Call, { candidates, skipped }: Route): void {
  const use = target.kind === 'deployment' ? useOf(target.operation) : null;
  if (use === null) return;
  const [first] = candidates;
  if (first !== undefined && canServe(first.deployment.model, use) !== false) return;
  const models = [
    ...candidates.map(({ deployment }) => deployment.model),
    ...skipped.map(({ deployment }) => config.deployments.get(deployment)?.model ?? null),
  ];
  if (models.length === 0 || !models.every((model) => canServe(model, use) === false)) return;
  const able = ableTo(use, config);
  if (able.length === 0) return;
  const asked = name === null || name === 'auto' ? [...new Set(models)].join(', ') : name;
  throw new RouterError('invalid_request', `${asked} cannot serve ${WORDS[use]}; these here can: ${listed(able)}.`, {
    param: 'model',
  });
}

/** Pools all of whose members are known to serve it, and deployments in none of these. */
function ableTo(use: Use, config: RouterConfig): string[] {
  const can = (id: Parameters<typeof config.deployments.get>[0]): boolean =>
    canServe(config.deployments.get(id)?.model ?? null, use) === true;
  const pools = [...config.pools.values()].filter(({ members }) => members.every(({ deployment }) => can(deployment)));
  const pooled = new Set(pools.flatMap(({ members }) => members.map(({ deployment }) => deployment)));
  const alone = [...config.deployments.keys()].filter((id) => can(id) && !pooled.has(id));
  return [...pools.map((pool) => pool.name), ...alone];
}

function listed(names: readonly string[]): string {
  const more = names.length > LISTED_NAMES ? `, and ${names.length - LISTED_NAMES} more` : '';
  return names.slice(0, LISTED_NAMES).join(', ') + more;
}
