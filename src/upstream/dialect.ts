import type { Fields } from '../body/fields.ts';
import { type Form, formModelEdits } from '../body/multipart.ts';
import { type Edit, modelEdits, pieces, splice } from '../body/splice.ts';
import type { Deployment, Dialect, Endpoint } from '../domain/deployment.ts';
import { namedInBody, type Target } from '../domain/target.ts';
import type { RequestBody } from './port.ts';

/** A request's body and what is known of it. */
export type Payload =
  | { readonly kind: 'json'; readonly bytes: Buffer; readonly fields: Fields }
  | { readonly kind: 'form'; readonly bytes: Buffer; readonly form: Form }
  | { readonly kind: 'opaque'; readonly bytes: Buffer }
  | { readonly kind: 'none' };

/** Query parameters that mean something to the front door alone: the version, and keys of the Functions host or API Management. */
const OWN_QUERY = new Set(['api-version', 'code', 'subscription-key']);

/** Path and query under which this deployment's endpoint offers the target, in the endpoint's own dialect. */
export function renderPath(target: Target, endpoint: Endpoint, deployment: Deployment, query: string): string {
  const { basePath, dialect } = endpoint;
  const root = dialect.kind === 'v1' ? `${basePath}/openai/v1/` : `${basePath}/openai/`;
  const path = root + resource(target, dialect, deployment);
  const kept = query === '' ? '' : keptQuery(query, dialect);
  const version = dialect.kind === 'dated' ? `api-version=${dialect.apiVersion}` : '';
  const whole = version !== '' && kept !== '' ? `${version}&${kept}` : version + kept;
  return whole === '' ? path : `${path}?${whole}`;
}

function resource(target: Target, dialect: Dialect, deployment: Deployment): string {
  switch (target.kind) {
    case 'deployment':
      if (dialect.kind === 'v1' || namedInBody(target.operation)) return target.operation;
      return `deployments/${encodeURIComponent(deployment.name)}/${target.operation}`;
    case 'response':
      return `responses/${target.id}${target.rest}`;
    case 'models':
      return target.id === null ? 'models' : `models/${encodeURIComponent(target.id)}`;
    case 'other':
      if (target.name === null || dialect.kind === 'v1') return target.path;
      return `deployments/${encodeURIComponent(deployment.name)}/${target.path}`;
    default:
      return target satisfies never;
  }
}

function keptQuery(query: string, dialect: Dialect): string {
  return query
    .split('&')
    .filter((pair) => {
      if (pair === '') return false;
      // Under v1 these two are no dates but opt into features.
      if (dialect.kind === 'v1' && (pair === 'api-version=preview' || pair === 'api-version=latest')) return true;
      return !OWN_QUERY.has(decoded(pair.split('=', 1)[0] ?? '').toLowerCase());
    })
    .join('&');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** From here on a body is written in pieces: copying it would cost more than the additional writes. */
const LARGE_BODY = 64 * 1024;

/** The caller's very bytes, but for the name of the deployment where its dialect wants that in the body. */
export function renderBody(target: Target, payload: Payload, dialect: Dialect, deployment: Deployment): RequestBody {
  if (payload.kind === 'none') return null;
  if (payload.kind === 'opaque' || !wantsModel(target, dialect)) return payload.bytes;
  const { bytes } = payload;
  const [named, edits] =
    payload.kind === 'form' ? inForm(payload.form, deployment) : inJson(payload.fields, deployment);
  if (named) return bytes;
  return bytes.length < LARGE_BODY ? splice(bytes, edits) : pieces(bytes, edits);
}

/** Whether the deployment is named already, and what would name it. */
type Naming = readonly [named: boolean, edits: readonly Edit[]];

function inForm(form: Form, { name }: Deployment): Naming {
  return [form.model === name && form.modelSpans.length === 1, formModelEdits(form, name)];
}

function inJson(fields: Fields, { name }: Deployment): Naming {
  return [fields.model === name && fields.modelSpans.length === 1, modelEdits(fields, name)];
}

function wantsModel(target: Target, dialect: Dialect): boolean {
  if (target.kind === 'deployment') return dialect.kind === 'v1' || namedInBody(target.operation);
  return target.kind === 'other' && target.name !== null && dialect.kind === 'v1';
}
