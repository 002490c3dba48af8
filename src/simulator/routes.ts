/** Which operation a path means, in both dialects. */
import type { Ability } from './catalog.ts';

export type OperationName =
  | 'chat/completions'
  | 'completions'
  | 'embeddings'
  | 'images/generations'
  | 'images/edits'
  | 'audio/transcriptions'
  | 'audio/translations'
  | 'audio/speech'
  | 'responses'
  | 'responses/get'
  | 'responses/delete'
  | 'responses/cancel'
  | 'responses/input_items'
  | 'models'
  | 'models/get'
  | 'files'
  | 'files/create'
  | 'files/get'
  | 'files/delete'
  | 'files/content';

/** What a deployment must be able to do, and what Azure calls it in its errors. */
export const NEEDS = {
  'chat/completions': { ability: 'chat', azureName: 'chatCompletion' },
  completions: { ability: 'completion', azureName: 'completion' },
  embeddings: { ability: 'embedding', azureName: 'embeddings' },
  'images/generations': { ability: 'image', azureName: 'imageGenerations' },
  'images/edits': { ability: 'image', azureName: 'imageEdits' },
  'audio/transcriptions': { ability: 'transcription', azureName: 'audioTranscription' },
  'audio/translations': { ability: 'transcription', azureName: 'audioTranslation' },
  'audio/speech': { ability: 'speech', azureName: 'textToSpeech' },
  responses: { ability: 'chat', azureName: 'responses' },
} as const satisfies Partial<Record<OperationName, { ability: Ability; azureName: string }>>;

export type ModelOperation = keyof typeof NEEDS;

export function isModelOperation(operation: OperationName): operation is ModelOperation {
  return operation in NEEDS;
}

export interface Route {
  readonly dialect: 'dated' | 'v1';
  readonly operation: OperationName;
  /** From a dated path; elsewhere the body names it. */
  readonly deployment: string | null;
  readonly ids: readonly string[];
}

const DEPLOYMENT_PATHS: ReadonlySet<string> = new Set(
  Object.keys(NEEDS).filter((operation) => operation !== 'responses'),
);

interface Resource {
  readonly method: string;
  readonly pattern: RegExp;
  readonly operation: OperationName;
}

const RESOURCES: readonly Resource[] = [
  { method: 'POST', pattern: /^responses$/, operation: 'responses' },
  { method: 'GET', pattern: /^responses\/([^/]+)$/, operation: 'responses/get' },
  { method: 'DELETE', pattern: /^responses\/([^/]+)$/, operation: 'responses/delete' },
  { method: 'POST', pattern: /^responses\/([^/]+)\/cancel$/, operation: 'responses/cancel' },
  { method: 'GET', pattern: /^responses\/([^/]+)\/input_items$/, operation: 'responses/input_items' },
  { method: 'GET', pattern: /^models$/, operation: 'models' },
  { method: 'GET', pattern: /^models\/([^/]+)$/, operation: 'models/get' },
  { method: 'GET', pattern: /^files$/, operation: 'files' },
  { method: 'POST', pattern: /^files$/, operation: 'files/create' },
  { method: 'GET', pattern: /^files\/([^/]+)$/, operation: 'files/get' },
  { method: 'DELETE', pattern: /^files\/([^/]+)$/, operation: 'files/delete' },
  { method: 'GET', pattern: /^files\/([^/]+)\/content$/, operation: 'files/content' },
];

export function findRoute(method: string, path: string): Route | null {
  const under = /^\/openai\/(.*?)\/?$/.exec(path)?.[1];
  if (under === undefined) return null;
  const v1 = /^v1\/(.*)$/.exec(under)?.[1];
  if (v1 !== undefined) {
    if (method === 'POST' && DEPLOYMENT_PATHS.has(v1))
      return { dialect: 'v1', operation: v1 as OperationName, deployment: null, ids: [] };
    return findResource(method, v1, 'v1');
  }
  const dated = /^deployments\/([^/]+)\/(.+)$/.exec(under);
  if (!dated) return findResource(method, under, 'dated');
  const [, deployment = '', operation = ''] = dated;
  if (method !== 'POST' || !DEPLOYMENT_PATHS.has(operation)) return null;
  return { dialect: 'dated', operation: operation as OperationName, deployment: decoded(deployment), ids: [] };
}

function findResource(method: string, path: string, dialect: Route['dialect']): Route | null {
  for (const resource of RESOURCES) {
    const found = resource.method === method ? resource.pattern.exec(path) : null;
    if (found) return { dialect, operation: resource.operation, deployment: null, ids: found.slice(1).map(decoded) };
  }
  return null;
}

/** As it stands, where the escapes are broken. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
