import type { RouterConfig } from '../domain/config.ts';
import type { Answer } from '../domain/message.ts';
import { knownNames, unknownModel } from '../relay/names.ts';
import { jsonAnswer } from './errors.ts';

/** What a caller may put where a model's name stands: pools, tiers, deployments and `auto`. */
export function modelsAnswer(config: RouterConfig, id: string | null, requestId: string): Answer {
  const names = knownNames(config);
  const headers = ['x-router-request-id', requestId];
  if (id === null)
    return jsonAnswer(200, { object: 'list', data: names.map((name) => modelOf(config, name)) }, headers);
  if (names.includes(id)) return jsonAnswer(200, modelOf(config, id), headers);
  throw unknownModel(config, id);
}

function modelOf(config: RouterConfig, id: string) {
  return {
    id,
    object: 'model',
    created: 0,
    owned_by: config.pools.has(id) ? 'pool' : id.includes('/') ? 'deployment' : 'router',
  };
}
