/** `models`: as on Azure, the base models of the resource, not its deployments. */
import { type Answer, jsonAnswer } from './answer.ts';
import type { Call } from './call.ts';
import type { Model } from './catalog.ts';
import type { JsonObject } from './json.ts';
import { gatewayError, Refusal } from './refusal.ts';

const CREATED_AT = 1_744_588_800;

export function listModels(call: Call): Answer {
  return jsonAnswer({ data: modelsOf(call).map(modelBody), object: 'list' });
}

export function getModel(call: Call): Answer {
  const [id = ''] = call.ids;
  const model = modelsOf(call).find(({ version, name }) => version === id || name === id);
  if (!model) throw new Refusal(404, gatewayError('ModelNotFound', `The specified model '${id}' does not exist.`));
  return jsonAnswer(modelBody(model));
}

function modelsOf({ endpoint }: Call): Model[] {
  const byVersion = new Map([...endpoint.deployments.values()].map(({ model }) => [model.version, model]));
  return [...byVersion.values()];
}

function modelBody({ version, ability }: Model): JsonObject {
  return {
    status: 'succeeded',
    capabilities: {
      fine_tune: false,
      inference: true,
      completion: ability === 'completion',
      chat_completion: ability === 'chat',
      embeddings: ability === 'embedding',
    },
    lifecycle_status: 'generally-available',
    deprecation: { inference: CREATED_AT + 94_608_000 },
    id: version,
    created: CREATED_AT,
    created_at: CREATED_AT,
    object: 'model',
    owned_by: 'openai',
  };
}
