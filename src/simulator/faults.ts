/** Faults on demand: the kinds, the small language they are written in, and what each means to a router. */
import type { Outcome } from '../domain/outcome.ts';

/** Where in the answer something breaks: after that many content chunks, or after that many body bytes. */
export type Mark =
  | { readonly unit: 'chunks'; readonly count: number }
  | { readonly unit: 'bytes'; readonly count: number };

export type ErrorBody = 'usual' | 'flat' | 'nested' | 'html' | 'insufficient-quota' | 'high-demand';

export type Fault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly retryAfterMs: string | null;
      readonly retryAfter: string | null;
      readonly body: ErrorBody;
    }
  | { readonly kind: 'hang' }
  | { readonly kind: 'down' }
  | { readonly kind: 'reset-before' }
  | { readonly kind: 'reset-after-headers' }
  | { readonly kind: 'reset'; readonly after: Mark }
  | { readonly kind: 'cut'; readonly after: Mark }
  | { readonly kind: 'stall'; readonly after: Mark }
  | { readonly kind: 'slow-head'; readonly ms: number }
  | { readonly kind: 'slow-first-token'; readonly ms: number }
  | { readonly kind: 'slow-chunks'; readonly ms: number }
  | { readonly kind: 'slow-body'; readonly ms: number; readonly pieces: number }
  | { readonly kind: 'error-event'; readonly chunks: number; readonly code: string; readonly form: 'error' | 'failed' }
  | { readonly kind: 'empty-stream' }
  | { readonly kind: 'truncated-json' }
  | { readonly kind: 'nonsense' };

/** Narrows a fault down to some calls; `null` matches everything. */
export interface FaultScope {
  readonly endpoint: string | null;
  readonly deployment: string | null;
  readonly percent: number;
}

export interface FaultSpec {
  readonly fault: Fault;
  readonly scope: FaultScope;
}

export class FaultSyntaxError extends Error {
  override readonly name = 'FaultSyntaxError';
}

const KINDS =
  'a status from 400 to 599, html-503, hang, down, reset-before, reset-after-headers, reset, cut, stall, slow-head, slow-first-token, slow-chunks, slow-body, error-event, error-event-after, empty-stream, truncated-json, nonsense';

type Words = ReadonlyMap<string, string>;

/** Reads `kind;name=value;flag`, as in `429;retry-after-ms=1500;retry-after=2` or `stall;chunks=2;endpoint=A`. */
export function parseFault(spec: string): FaultSpec {
  const [kind = '', ...rest] = spec.split(';').map((word) => word.trim());
  const words = new Map<string, string>();
  for (const word of rest.filter((part) => part !== '')) {
    const at = word.indexOf('=');
    words.set(at < 0 ? word : word.slice(0, at).trim(), at < 0 ? '' : word.slice(at + 1).trim());
  }
  const used = new Set(['endpoint', 'deployment', 'percent']);
  const fault = readFault(kind, words, used);
  const unknown = [...words.keys()].find((word) => !used.has(word));
  if (unknown !== undefined)
    throw new FaultSyntaxError(`Fault "${kind}" knows no "${unknown}"; it takes ${[...used].join(', ')}.`);
  return {
    fault,
    scope: {
      endpoint: words.get('endpoint') ?? null,
      deployment: words.get('deployment') ?? null,
      percent: countIn(words, 'percent', 100),
    },
  };
}

function readFault(kind: string, words: Words, used: Set<string>): Fault {
  const count = (name: string, otherwise: number) => {
    used.add(name);
    return countIn(words, name, otherwise);
  };
  const mark = (): Mark => {
    const bytes = count('bytes', -1);
    const chunks = count('chunks', 1);
    return bytes >= 0 ? { unit: 'bytes', count: bytes } : { unit: 'chunks', count: chunks };
  };
  if (/^[45]\d\d$/.test(kind)) return readStatus(Number(kind), words, used);
  switch (kind) {
    case 'html-503':
      return { kind: 'status', status: 503, retryAfterMs: null, retryAfter: null, body: 'html' };
    case 'hang':
    case 'down':
    case 'reset-before':
    case 'reset-after-headers':
    case 'empty-stream':
    case 'truncated-json':
    case 'nonsense':
      return { kind };
    case 'reset':
    case 'cut':
    case 'stall':
      return { kind, after: mark() };
    case 'slow-head':
    case 'slow-first-token':
    case 'slow-chunks':
      return { kind, ms: count('ms', 1_000) };
    case 'slow-body':
      return { kind, ms: count('ms', 1_000), pieces: Math.max(1, count('pieces', 4)) };
    case 'error-event':
    case 'error-event-after':
      return readErrorEvent(kind === 'error-event' ? 0 : count('chunks', 1), words, used);
    default:
      throw new FaultSyntaxError(`There is no fault "${kind}"; there are ${KINDS}.`);
  }
}

/** A bare `429` carries both headers; naming one sends that one alone, `bare` none. */
function readStatus(status: number, words: Words, used: Set<string>): Fault {
  const bodies = ['flat', 'nested', 'html', 'insufficient-quota', 'high-demand'] as const;
  for (const name of ['retry-after-ms', 'retry-after', 'bare', ...bodies]) used.add(name);
  const named = words.has('retry-after-ms') || words.has('retry-after');
  const both = status === 429 && !named && !words.has('bare') && !words.has('insufficient-quota');
  return {
    kind: 'status',
    status,
    retryAfterMs: words.get('retry-after-ms') ?? (both ? '1000' : null),
    retryAfter: words.get('retry-after') ?? (both ? '1' : null),
    body: bodies.find((body) => words.has(body)) ?? 'usual',
  };
}

function readErrorEvent(chunks: number, words: Words, used: Set<string>): Fault {
  used.add('code').add('form');
  const form = words.get('form') ?? 'error';
  if (form !== 'error' && form !== 'failed') throw new FaultSyntaxError(`"form" is error or failed, not "${form}".`);
  return { kind: 'error-event', chunks, code: words.get('code') ?? 'server_error', form };
}

function countIn(words: Words, name: string, otherwise: number): number {
  const text = words.get(name);
  if (text === undefined) return otherwise;
  if (!/^\d+$/.test(text)) throw new FaultSyntaxError(`"${name}" takes a whole number, not "${text}".`);
  return Number(text);
}

/** What a router should make of the attempt; `null` where the answer still arrives, only late. */
export function outcomeOfFault(fault: Fault): Outcome | null {
  switch (fault.kind) {
    case 'slow-head':
    case 'slow-first-token':
    case 'slow-chunks':
    case 'slow-body':
    case 'status':
      return null;
    case 'error-event':
      return fault.code === '429' || fault.code === 'rate_limit_exceeded' ? 'throttled' : 'failing';
    case 'hang':
    case 'down':
    case 'reset-before':
    case 'reset-after-headers':
    case 'reset':
    case 'cut':
    case 'stall':
    case 'empty-stream':
    case 'truncated-json':
    case 'nonsense':
      return 'failing';
    default:
      return fault satisfies never;
  }
}
