import { ref, type Schema } from './schema.ts';

export type Parameter = Readonly<Record<string, unknown>>;
export type Operation = Readonly<Record<string, unknown>>;
export type PathItem = Readonly<Record<string, Operation>>;

export interface OperationFacts {
  /** Stable: clients are named by it. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  /** The schema of its body; `required: false` where there may be none. */
  readonly body?: { readonly schema: string; readonly required?: boolean };
  /** The schema of its 200, as JSON. */
  readonly answer: string;
  /** Statuses beyond those that every operation may answer with; all of them are errors. */
  readonly errors?: readonly number[];
  /** Further answers, or further forms of the 200. */
  readonly also?: Readonly<Record<string, unknown>>;
  /** Needs no key. */
  readonly open?: boolean;
}

const MEANING: Readonly<Record<number, string>> = {
  400: 'the request is wrong; param says where',
  401: 'no key, or one that is not known',
  403: 'a key that may not do this',
  404: 'what the request names does not exist; the message names what does',
  408: 'the body did not arrive in time',
  413: 'the body is too large',
  415: 'the body is compressed',
  429: 'too many refused credentials from this source, or, on the data plane, a quota or all deployments are used up',
  431: 'too many headers, or too large ones',
  500: 'a fault of the router',
  502: 'no deployment could be made to answer',
  503: 'the store, or every deployment, is away; retry-after says when to ask again where that is known',
  504: 'the deadline ended first',
};

/** What any operation may answer, and what any that needs a key may. */
const OF_ALL = [400, 431, 500];
const OF_GUARDED = [401, 403, 429, 503];
const OF_BODIES = [408, 413];

export function operation(facts: OperationFacts): Operation {
  const { id, tag, summary, description, parameters, body, answer, errors = [], also = {}, open = false } = facts;
  const statuses = [...OF_ALL, ...(open ? [] : OF_GUARDED), ...(body === undefined ? [] : OF_BODIES), ...errors];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: requestBody(body.schema, body.required ?? true) }),
    responses: { 200: { description: summary, content: json(ref(answer)) }, ...failures(statuses), ...also },
    ...(open ? { security: [] } : {}),
  };
}

function requestBody(schema: string, required: boolean): object {
  return { required, content: json(ref(schema)) };
}

export function json(schema: Schema): object {
  return { 'application/json': { schema } };
}

function failures(statuses: readonly number[]): object {
  const told = [...new Set(statuses)].sort((left, right) => left - right);
  return Object.fromEntries(told.map((status) => [status, { $ref: `#/components/responses/Error${status}` }]));
}

/** Every error there is, by its status. */
export const ERROR_RESPONSES = Object.fromEntries(
  Object.entries(MEANING).map(([status, description]) => [
    `Error${status}`,
    { description, content: json(ref('Error')) },
  ]),
);

export function inPath(name: string, description: string): Parameter {
  return { name, in: 'path', required: true, description, schema: { type: 'string' } };
}

export function inQuery(name: string, description: string, schema: Schema = { type: 'string' }): Parameter {
  return { name, in: 'query', required: false, description, schema };
}

export function inHeader(name: string, description: string, schema: Schema = { type: 'string' }): Parameter {
  return { name, in: 'header', required: false, description, schema };
}
