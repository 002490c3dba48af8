import { scanBody } from '../body/fields.ts';
import { isMultipart, readForm } from '../body/multipart.ts';
import type { Principal } from '../domain/account.ts';
import { type RouterConfig, TIERS, type Tier } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import { type HeaderList, headerValue, type IncomingRequest } from '../domain/message.ts';
import type { Target } from '../domain/target.ts';
import type { Call, Labels, Wishes } from '../relay/call.ts';
import { isKnownName } from '../relay/names.ts';
import type { Payload } from '../upstream/dialect.ts';

export interface ReadFacts {
  readonly config: RouterConfig;
  readonly id: string;
  readonly arrivedAt: number;
  readonly target: Target;
  readonly query: string;
  readonly principal: Principal;
}

export const LONGEST_LABEL = 128;
export const UNKNOWN_AGENT = 'unknown_agent';
const UNKNOWN_CREATOR = 'unknown_creator';
const UNKNOWN_OPERATION = 'unknown_operation';

/** Reads a data-plane request: what its headers wish first, then its body. */
export async function readCall(request: IncomingRequest, facts: ReadFacts): Promise<Call> {
  const { config, id, arrivedAt, target, query, principal } = facts;
  const labels = readLabels(request.headers, principal);
  const wishes = readWishes(request.headers, config);
  const withinMs = wishes.deadlineMs;
  const body = await request.readBody({ maxBytes: config.limits.bodyMb * 1024 * 1024, withinMs });
  const payload = readPayload(body, request.headers, { target, config });
  const stream =
    payload.kind === 'json' ? payload.fields.stream : target.kind === 'response' && /(^|&)stream=true(&|$)/.test(query);
  return {
    id,
    arrivedAt,
    method: request.method,
    target,
    query,
    headers: request.headers,
    payload,
    name: nameIn(target, payload),
    stream,
    labels,
    principal,
    wishes,
    caller: request.caller,
  };
}

/** Who pays for what is the key's to say; the agent, which tells apart what one key does, is the caller's. */
function readLabels(headers: HeaderList, key: Principal): Labels {
  return {
    agent: label(headers, 'x-agent-name') ?? key.agent ?? UNKNOWN_AGENT,
    creator: key.creator ?? label(headers, 'x-creator') ?? UNKNOWN_CREATOR,
    operation: key.operation ?? label(headers, 'x-operation') ?? UNKNOWN_OPERATION,
  };
}

function label(headers: HeaderList, name: string): string | null {
  const value = headerValue(headers, name)?.trim() ?? '';
  if (value.length > LONGEST_LABEL)
    throw badHeader(name, `${value.length} characters`, `at most ${LONGEST_LABEL} characters`);
  return value === '' ? null : value;
}

function readWishes(headers: HeaderList, config: RouterConfig): Wishes {
  return {
    tier: readTier(headers, config),
    failover: oneOf(headers, 'x-router-failover', ['on', 'off']) !== 'off',
    onBreak: oneOf(headers, 'x-router-on-break', ['error', 'restart']) ?? 'error',
    cache: oneOf(headers, 'x-router-cache', ['on', 'off', 'refresh']),
    deadlineMs: readDeadline(headers, config.timeouts.deadlineMs),
  };
}

function readTier(headers: HeaderList, config: RouterConfig): Tier | null {
  const tier = oneOf(headers, 'x-router-tier', TIERS);
  if (tier === null || config.tiers.has(tier)) return tier;
  const configured = [...config.tiers.keys()];
  throw badHeader(
    'x-router-tier',
    tier,
    configured.length === 0 ? 'nothing: no tier is configured' : `one of ${configured.join(', ')}`,
  );
}

function oneOf<T extends string>(headers: HeaderList, name: string, allowed: readonly T[]): T | null {
  const value = headerValue(headers, name);
  if (value === null) return null;
  const wanted = value.trim().toLowerCase();
  const match = allowed.find((one) => one === wanted);
  if (match === undefined) throw badHeader(name, value, `one of ${allowed.join(', ')}`);
  return match;
}

function readDeadline(headers: HeaderList, configuredMs: number): number {
  const value = headerValue(headers, 'x-router-deadline-ms');
  if (value === null) return configuredMs;
  if (!/^\s*\d{1,9}\s*$/.test(value) || Number(value) === 0) {
    throw badHeader('x-router-deadline-ms', value, 'a whole number of milliseconds above 0');
  }
  return Math.min(Number(value), configuredMs);
}

function badHeader(name: string, found: string, allowed: string): RouterError {
  const message = `Header ${name} is ${JSON.stringify(found.slice(0, 80))}; allowed is ${allowed}.`;
  return new RouterError('invalid_request', message, { param: name });
}

type PayloadFacts = Pick<ReadFacts, 'target' | 'config'>;

function readPayload(bytes: Buffer, headers: HeaderList, { target, config }: PayloadFacts): Payload {
  if (target.kind !== 'deployment') {
    if (bytes.length === 0) return { kind: 'none' };
    return (
      (target.kind === 'other' ? namingPayload(bytes, headers, { target, config }) : null) ?? { kind: 'opaque', bytes }
    );
  }
  const contentType = headerValue(headers, 'content-type');
  refuseCompressed(headers);
  if (contentType !== null && isMultipart(contentType)) {
    const form = readForm(bytes, contentType);
    if (form === null)
      throw new RouterError('invalid_request', 'The body is not the multipart form that its content-type announces.');
    return { kind: 'form', bytes, form };
  }
  const scan = scanBody(bytes, config.limits.jsonDepth);
  if (!scan.ok)
    throw new RouterError('invalid_request', `The body is not valid JSON: at byte ${scan.at}, ${scan.problem}.`);
  return { kind: 'json', bytes, fields: scan.fields };
}

/** What curl calls a body whose type nobody told it is taken for JSON as well; of files, whatever they hold, it is not. */
const JSON_TYPE = /^\s*application\/(?:(?:[\w.-]+\+)?json|x-www-form-urlencoded)\s*(?:;|$)/i;

/**
 * The body of an operation that the router does not know, where its path names somebody, or its `model` is a name that is known here.
 * Any other model may mean something to the endpoint: `null`.
 */
function namingPayload(bytes: Buffer, headers: HeaderList, { target, config }: PayloadFacts): Payload | null {
  const payload = looseBody(bytes, headers, config.limits.jsonDepth);
  if (target.kind === 'other' && target.name !== null) return payload;
  const model = payload === null ? null : modelIn(payload);
  return model !== null && isKnownName(config, model) ? payload : null;
}

function looseBody(bytes: Buffer, headers: HeaderList, maxDepth: number): Payload | null {
  if ((headerValue(headers, 'content-encoding') ?? 'identity').trim().toLowerCase() !== 'identity') return null;
  const contentType = headerValue(headers, 'content-type');
  if (contentType !== null && isMultipart(contentType)) {
    const form = readForm(bytes, contentType);
    return form === null ? null : { kind: 'form', bytes, form };
  }
  if (contentType !== null && !JSON_TYPE.test(contentType)) return null;
  const scan = scanBody(bytes, maxDepth);
  return scan.ok ? { kind: 'json', bytes, fields: scan.fields } : null;
}

export function refuseCompressed(headers: HeaderList): void {
  const encoding = headerValue(headers, 'content-encoding');
  if (encoding === null || encoding.trim().toLowerCase() === 'identity') return;
  const message = `The body is compressed (${encoding.slice(0, 40)}); send it uncompressed.`;
  throw new RouterError('invalid_request', message, { status: 415, param: 'content-encoding' });
}

function nameIn(target: Target, payload: Payload): string | null {
  if (target.kind === 'other') return target.name ?? modelIn(payload);
  if (target.kind !== 'deployment') return null;
  const name = target.name ?? modelIn(payload);
  if (name !== null && name !== '') return name;
  const message = 'The body names no model: set "model" to a pool, a tier, a deployment or "auto".';
  throw new RouterError('invalid_request', message, { param: 'model' });
}

function modelIn(payload: Payload): string | null {
  if (payload.kind === 'json') return payload.fields.model;
  return payload.kind === 'form' ? payload.form.model : null;
}
