/** From a request that was read to the operation that answers it: who may call, what is there, what it is charged. */
import type { Answer } from './answer.ts';
import { speech, transcription, translation } from './audio.ts';
import { authenticate } from './auth.ts';
import type { Call, Endpoint, Job, ModelCall } from './call.ts';
import { chat } from './chat.ts';
import { completion } from './completions.ts';
import { embeddings } from './embeddings.ts';
import { createFile, deleteFile, fileContent, getFile, listFiles } from './files.ts';
import { editImages, generateImages } from './images.ts';
import type { Incoming } from './incoming.ts';
import { getModel, listModels } from './models.ts';
import {
  badRequest,
  DEPLOYMENT_NOT_FOUND,
  gatewayError,
  operationNotSupported,
  RESOURCE_NOT_FOUND,
  Refusal,
  versionNotSupported,
} from './refusal.ts';
import { cancelResponse, deleteResponse, getResponse, listInputItems } from './response-store.ts';
import { createResponse } from './responses.ts';
import { isModelOperation, type ModelOperation, NEEDS, type OperationName, type Route } from './routes.ts';
import type { World } from './world.ts';

const WITH_MODEL: Readonly<Record<ModelOperation, (call: ModelCall) => Job>> = {
  'chat/completions': chat,
  completions: completion,
  embeddings,
  'images/generations': generateImages,
  'images/edits': editImages,
  'audio/transcriptions': transcription,
  'audio/translations': translation,
  'audio/speech': speech,
  responses: createResponse,
};

const WITHOUT_MODEL: Readonly<Record<Exclude<OperationName, ModelOperation>, (call: Call) => Answer>> = {
  'responses/get': getResponse,
  'responses/delete': deleteResponse,
  'responses/cancel': cancelResponse,
  'responses/input_items': listInputItems,
  models: listModels,
  'models/get': getModel,
  files: listFiles,
  'files/create': createFile,
  'files/get': getFile,
  'files/delete': deleteFile,
  'files/content': fileContent,
};

const FORMS: ReadonlySet<OperationName> = new Set([
  'images/edits',
  'audio/transcriptions',
  'audio/translations',
  'files/create',
]);
const FIRST_RESPONSES_VERSION = '2025-03-01-preview';

export function startJob(world: World, endpoint: Endpoint, incoming: Incoming): { answer: Answer; estimate: number } {
  authenticate(incoming.received.headers, endpoint.apiKey, world.acceptedTokens);
  const { route } = incoming;
  if (!route) throw new Refusal(404, RESOURCE_NOT_FOUND);
  checkVersion(route, incoming.query.get('api-version'));
  const call: Call = {
    endpoint,
    operation: route.operation,
    ids: route.ids,
    query: incoming.query,
    headers: incoming.received.headers,
    json: incoming.json ?? {},
    form: incoming.form,
    clock: world.clock,
    draw: world.draw,
  };
  const { operation } = route;
  if (!isModelOperation(operation)) return { answer: WITHOUT_MODEL[operation](call), estimate: 0 };
  if (!FORMS.has(operation) && !incoming.json)
    throw badRequest('We could not parse the JSON body of your request.', null, null);
  const deployment = findDeployment(endpoint, incoming.deployment, operation);
  const job = WITH_MODEL[operation]({ ...call, deployment });
  deployment.limits.admit({ estimate: job.estimate, what: NEEDS[operation].azureName });
  return { answer: job.run(), estimate: job.estimate };
}

function findDeployment(endpoint: Endpoint, name: string | null, operation: ModelOperation) {
  if (name === null) throw badRequest('you must provide a model parameter', null, null);
  const deployment = endpoint.deployments.get(name);
  if (!deployment) throw new Refusal(404, DEPLOYMENT_NOT_FOUND);
  const { ability, azureName } = NEEDS[operation];
  if (deployment.model.ability !== ability) throw operationNotSupported(azureName, deployment.model.name);
  return deployment;
}

function checkVersion({ dialect, operation }: Route, version: string | null): void {
  if (dialect === 'v1') {
    if (version !== null && !['preview', 'latest', 'v1'].includes(version)) throw versionNotSupported();
    return;
  }
  if (version === null || version === '') throw new Refusal(404, RESOURCE_NOT_FOUND);
  if (!/^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) throw versionNotSupported();
  if (operation.startsWith('responses') && version < FIRST_RESPONSES_VERSION) {
    throw new Refusal(
      400,
      gatewayError(
        'BadRequest',
        `Azure OpenAI Responses API is enabled only for api-version ${FIRST_RESPONSES_VERSION} and later`,
      ),
    );
  }
}
