import { DEPLOYMENT_OPERATIONS } from '../../domain/target.ts';
import { inHeader, inPath, inQuery, operation, type Parameter, type PathItem } from './operation.ts';
import { oneOf } from './schema.ts';

const NAME = inPath('name', 'a pool, a tier, a deployment with its slash as %2F, or auto');
const VERSION = inQuery('api-version', 'any: each deployment is asked in its own');
const ID = inPath('id', 'of a stored response');

const HEADERS: readonly Parameter[] = [
  inHeader('x-agent-name', 'the agent', { type: 'string', maxLength: 128 }),
  inHeader('x-creator', 'a label that usage is summed by', { type: 'string', maxLength: 128 }),
  inHeader('x-operation', 'a label that usage is summed by', { type: 'string', maxLength: 128 }),
  inHeader('x-router-tier', 'the tier wanted', oneOf(['premium', 'standard', 'economy'])),
  inHeader('x-router-failover', 'off: only the current deployment is tried', oneOf(['on', 'off'])),
  inHeader('x-router-on-break', 'what a stream does when its deployment breaks', oneOf(['error', 'restart'])),
  inHeader('x-router-cache', 'the response cache: use it, do without, or fetch anew', oneOf(['on', 'off', 'refresh'])),
  inHeader('x-router-deadline-ms', 'total deadline', { type: 'integer', minimum: 1 }),
];

/** By the header's name. */
export const LABEL_PARAMETERS = Object.fromEntries(HEADERS.map((header) => [String(header['name']), header]));
export const LABEL_REFERENCES: readonly Parameter[] = Object.keys(LABEL_PARAMETERS).map((name) => ({
  $ref: `#/components/parameters/${name}`,
}));

/** What serving may come to beyond the deployment's own answer. */
export const DATA_ERRORS = [404, 408, 413, 415, 502, 504];
const AS_AZURE = "As Azure OpenAI's reference has it, byte for byte; a stream where the body asks for one.";

function served(id: string, summary: string, parameters: readonly Parameter[]) {
  return operation({
    id,
    tag: 'data plane',
    summary,
    description: AS_AZURE,
    parameters: [...parameters, ...LABEL_REFERENCES],
    answer: 'Anything',
    errors: DATA_ERRORS,
  });
}

function posted(id: string, what: string, parameters: readonly Parameter[]): PathItem {
  const body = { required: true, content: { 'application/json': {}, 'multipart/form-data': {} } };
  return { post: { ...served(id, what, parameters), requestBody: body } };
}

function camel(name: string): string {
  return name.replace(/[/_-](\w)/g, (_, letter: string) => letter.toUpperCase());
}

function operations(): Readonly<Record<string, PathItem>> {
  const each = [...DEPLOYMENT_OPERATIONS].flatMap((name): [string, PathItem][] => {
    const id = camel(name);
    const isResponse = name.startsWith('responses');
    const dated = isResponse ? `/openai/${name}` : `/openai/deployments/{name}/${name}`;
    return [
      [dated, posted(`${id}Dated`, `${name}, dated dialect`, isResponse ? [VERSION] : [NAME, VERSION])],
      [`/openai/v1/${name}`, posted(`${id}V1`, `${name}, v1 dialect`, [])],
      [`/v1/${name}`, posted(`${id}Short`, `${name}, v1 dialect`, [])],
    ];
  });
  return Object.fromEntries(each);
}

interface Root {
  readonly prefix: string;
  readonly suffix: string;
  readonly parameters: readonly Parameter[];
}

const ROOTS: readonly Root[] = [
  { prefix: '/openai', suffix: 'Dated', parameters: [VERSION] },
  { prefix: '/openai/v1', suffix: 'V1', parameters: [] },
  { prefix: '/v1', suffix: 'Short', parameters: [] },
];

function lookups({ prefix, suffix, parameters }: Root): Readonly<Record<string, PathItem>> {
  const facts = { tag: 'data plane', errors: [404] };
  const stored = (id: string, summary: string) => served(`${id}${suffix}`, summary, [ID, ...parameters]);
  return {
    [`${prefix}/models`]: {
      get: operation({
        ...facts,
        id: `listModels${suffix}`,
        summary: 'What a caller may ask for',
        answer: 'Models',
        parameters,
      }),
    },
    [`${prefix}/models/{model}`]: {
      get: operation({
        ...facts,
        id: `getModel${suffix}`,
        summary: 'One of them',
        parameters: [inPath('model', 'a name that may stand as model'), ...parameters],
        answer: 'Model',
      }),
    },
    [`${prefix}/responses/{id}`]: {
      get: stored('getResponse', 'A stored response, from the deployment that holds it'),
      delete: stored('deleteResponse', 'Deletes a stored response'),
    },
  };
}

/** In short: what is passed on is described by those who answer it. */
export const DATA_PATHS: Readonly<Record<string, PathItem>> = {
  ...operations(),
  ...Object.fromEntries(ROOTS.flatMap((root) => Object.entries(lookups(root)))),
};
