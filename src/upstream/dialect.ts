import type { Fields } from '../body/fields.ts';
import { type Form, formModelEdits } from '../body/multipart.ts';
import { type Edit, modelEdits, pieces, splice } from '../body/splice.ts';
import { usageEdits } from '../body/streamOptions.ts';
import type { Deployment, Dialect, Endpoint } from '../domain/deployment.ts';
import { namedInBody, type Target } from '../domain/target.ts';
import type { RequestBody } from './port.ts';

/** A request's body and what is known of it. `opaque`: it goes as it came. */
export type Payload =
  | { readonly kind: 'json'; readonly bytes: Buffer; readonly fields: Fields }
  | { readonly kind: 'form'; readonly bytes: Buffer; readonly form: Form }
  | { readonly kind: 'opaque'; readonly bytes: Buffer }
  | { readonly kind: 'none' };

/** Query parameters that mean something to the front door alone: the version, and the caller's key, and keys of the Functions host or API Management. */
const OWN_QUERY = new Set(['api-version', 'api-key', 'code', 'subscription-key']);

/** Path and query under which this deployment's endpoint offers the target, in the endpoint's own dialect. */
export function renderPath(target: Target, endpoint: Endpoint, deployment: Deployment, query: string): string {
  const { basePath, dialect } = endpoint;
  const path = basePath + ROOTS[dialect.kind] + resource(target, dialect, deployment);
  const kept = query === '' ? '' : keptQuery(query, dialect);
  const version = dialect.kind === 'dated' ? `api-version=${dialect.apiVersion}` : '';
  const whole = version !== '' && kept !== '' ? `${version}&${kept}` : version + kept;
  return whole === '' ? path : `${path}?${whole}`;
}

const ROOTS: Readonly<Record<Dialect['kind'], string>> = { dated: '/openai/', v1: '/openai/v1/', openai: '/' };

function resource(target: Target, dialect: Dialect, deployment: Deployment): string {
  switch (target.kind) {
    case 'deployment':
      if (dialect.kind !== 'dated' || namedInBody(target.operation)) return target.operation;
      return `deployments/${encodeURIComponent(deployment.name)}/${target.operation}`;
    case 'response':
      return `responses/${target.id}${target.rest}`;
    case 'models':
      return target.id === null ? 'models' : `models/${encodeURIComponent(target.id)}`;
    case 'other':
      if (target.name === null || dialect.kind !== 'dated') return target.path;
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

/** Versions of the dated dialect from before streams could tell their usage refuse to be asked for it. */
const TELLS_USAGE_SINCE = '2024-09';

/** What is put into a body that asks for the usage of its stream. Empty: its caller asked already. `null`: it is not asked for. */
export function usageAsked(target: Target, payload: Payload, { dialect }: Endpoint): readonly Edit[] | null {
  if (payload.kind !== 'json' || target.kind !== 'deployment') return null;
  if (target.operation !== 'chat/completions' && target.operation !== 'completions') return null;
  if (dialect.kind === 'dated' && dialect.apiVersion < TELLS_USAGE_SINCE) return null;
  return usageEdits(payload.bytes, payload.fields);
}

export interface Rendering {
  readonly target: Target;
  readonly payload: Payload;
  readonly dialect: Dialect;
  readonly deployment: Deployment;
  /** Put in beside the deployment's name. */
  readonly asking: readonly Edit[];
}

/** The caller's very bytes, but for the name of the deployment where its dialect wants that in the body, and for what is asked. */
export function renderBody({ target, payload, dialect, deployment, asking }: Rendering): RequestBody {
  if (payload.kind === 'none') return null;
  if (payload.kind === 'opaque') return payload.bytes;
  const edits = wantsModel(target, dialect) ? namingEdits(payload, deployment) : [];
  return edited(payload.bytes, asking.length === 0 ? edits : inOrder([...edits, ...asking]));
}

function edited(bytes: Buffer, edits: readonly Edit[]): RequestBody {
  if (edits.length === 0) return bytes;
  return bytes.length < LARGE_BODY ? splice(bytes, edits) : pieces(bytes, edits);
}

/** Of two that stand at one place the first stays the first. */
function inOrder(edits: readonly Edit[]): Edit[] {
  return edits.toSorted((one, other) => one.start - other.start);
}

/** What makes the body name this deployment; nothing where it does already. */
function namingEdits(payload: Payload & { kind: 'json' | 'form' }, { name }: Deployment): readonly Edit[] {
  const { model, modelSpans } = payload.kind === 'form' ? payload.form : payload.fields;
  if (model === name && modelSpans.length === 1) return [];
  return payload.kind === 'form' ? formModelEdits(payload.form, name) : modelEdits(payload.fields, name);
}

function wantsModel(target: Target, dialect: Dialect): boolean {
  if (target.kind === 'deployment') return dialect.kind !== 'dated' || namedInBody(target.operation);
  // Whoever stands in its path is named there under the dated dialect; else the body that could be read names somebody known.
  return target.kind === 'other' && (target.name === null || dialect.kind !== 'dated');
}
