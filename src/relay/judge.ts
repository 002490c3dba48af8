import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { Finding, Remaining } from '../domain/health.ts';
import type { Outcome } from '../domain/outcome.ts';
import { classify, classifyStreamError } from '../routing/classify.ts';
import { retryAfterMs } from '../routing/retryAfter.ts';
import type { UpstreamHeaders } from '../upstream/port.ts';
import type { AttemptEnd } from './attempt.ts';
import { parseData } from './events.ts';
import { firstValue } from './headers.ts';

export interface Judgement {
  readonly outcome: Outcome;
  /** For people, without content: `status 503`, `no answer within 60000 ms`. */
  readonly cause: string;
  readonly retryAfterMs: number | null;
}

/** An error body is read up to here to learn its code. */
const LARGEST_ERROR = 256 * 1024;
/** A compressed answer is opened up to here. */
const LARGEST_OPENED = 8 * 1024 * 1024;

export function judge(end: AttemptEnd, addressesDeployment: boolean, now: number): Judgement {
  switch (end.kind) {
    case 'live':
      return judgeStatus(end.head.status, end.head.headers, null, { addressesDeployment, now });
    case 'whole': {
      const code = end.head.status < 400 ? null : errorCodeOf(decoded(end.body, end.head.headers));
      return judgeStatus(end.head.status, end.head.headers, code, { addressesDeployment, now });
    }
    case 'streamError':
      return judgeStreamError(end.code, end.head.headers, now);
    case 'broken':
      return { outcome: end.how === 'credential' ? 'misconfigured' : 'failing', cause: end.cause, retryAfterMs: null };
    case 'gone':
      return { outcome: 'aborted', cause: 'the caller left', retryAfterMs: null };
    default:
      return end satisfies never;
  }
}

/** An error that came inside a stream, before its first content or behind it. */
export function judgeStreamError(code: string | null, headers: UpstreamHeaders, now: number): Judgement {
  const outcome = classifyStreamError(code);
  const wait = outcome === 'throttled' ? askedWaitMs(headers, code, now) : null;
  return { outcome, cause: `error in the stream${code === null ? '' : ` (${code})`}`, retryAfterMs: wait };
}

interface Circumstances {
  readonly addressesDeployment: boolean;
  readonly now: number;
}

function judgeStatus(status: number, headers: UpstreamHeaders, code: string | null, at: Circumstances): Judgement {
  const outcome = classify({ status, code, addressesDeployment: at.addressesDeployment });
  const cause = code === null ? `status ${status}` : `status ${status} ${code}`;
  return { outcome, cause, retryAfterMs: outcome === 'throttled' ? askedWaitMs(headers, code, at.now) : null };
}

/** Quota that is used up does not come back by itself soon. */
const USED_UP_MS = 24 * 3_600_000;

function askedWaitMs(headers: UpstreamHeaders, code: string | null, now: number): number | null {
  return retryAfterMs((name) => firstValue(headers, name), now) ?? (code === 'insufficient_quota' ? USED_UP_MS : null);
}

/** `error.code`, or the flat `code` or `statusCode` of the gateways in front; shortened, as it comes from outside. */
export function errorCodeOf(body: Buffer): string | null {
  if (body.length > LARGEST_ERROR) return null;
  const json = parseData(body.toString('utf8'));
  if (json === null) return null;
  const error = json['error'];
  const inner = typeof error === 'object' && error !== null ? (error as Readonly<Record<string, unknown>>) : json;
  const code = inner['code'] ?? json['statusCode'];
  if (typeof code !== 'string' && typeof code !== 'number') return null;
  return /^[\w.-]{1,64}$/.test(String(code)) ? String(code) : null;
}

const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** A compressed answer opened for reading only: what the caller gets stays compressed. */
export function decoded(body: Buffer, headers: UpstreamHeaders): Buffer {
  const decoder = DECODERS[firstValue(headers, 'content-encoding') ?? ''];
  if (decoder === undefined) return body;
  try {
    return decoder(body, { maxOutputLength: LARGEST_OPENED });
  } catch {
    // Longer than anyone needs to read, or not what its header says: then nothing can be learnt from it.
    return Buffer.alloc(0);
  }
}

/** The share of its rate limit that a deployment says is left. Values such as -1 mean that it does not know. */
export function headroomOf(headers: UpstreamHeaders): number | null {
  const utilization = firstValue(headers, 'azure-openai-deployment-utilization');
  if (utilization !== null) {
    const used = Number.parseFloat(utilization);
    return Number.isFinite(used) ? Math.max(0, 1 - used / 100) : null;
  }
  const requests = share(headers['x-ratelimit-remaining-requests'], headers['x-ratelimit-limit-requests']);
  const tokens = share(headers['x-ratelimit-remaining-tokens'], headers['x-ratelimit-limit-tokens']);
  if (requests === null) return tokens;
  return tokens === null ? requests : Math.min(requests, tokens);
}

function share(remaining: string | string[] | undefined, limit: string | string[] | undefined): number | null {
  const left = Number(remaining);
  const whole = Number(limit);
  return left > 0 && whole > 0 ? Math.min(1, left / whole) : null;
}

/** The same in numbers: -1 and 0 may mean that it does not know. `null`: it knows neither. */
export function remainingOf(headers: UpstreamHeaders): Remaining | null {
  const tokens = known(headers['x-ratelimit-remaining-tokens']);
  const requests = known(headers['x-ratelimit-remaining-requests']);
  return tokens === null && requests === null ? null : { tokens, requests };
}

function known(remaining: string | string[] | undefined): number | null {
  const left = Number(remaining);
  return left > 0 && Number.isFinite(left) ? left : null;
}

const LEARNT: Readonly<Record<Outcome, Finding['outcome'] | null>> = {
  ok: 'ok',
  throttled: 'throttled',
  failing: 'failing',
  misconfigured: 'misconfigured',
  // Whatever the deployment refused, it was there to do so.
  filtered: 'other',
  refused: 'other',
  aborted: null,
};

/** What an attempt taught about its deployment; a caller that left taught nothing. */
export function findingOf(
  end: AttemptEnd,
  judgement: Judgement,
  facts: Pick<Finding, 'deployment' | 'at' | 'probe'>,
): Finding | null {
  const learnt = LEARNT[judgement.outcome];
  if (learnt === null) return null;
  const head = 'head' in end ? end.head : null;
  const remaining = head === null ? null : remainingOf(head.headers);
  return {
    ...facts,
    // A stream has only begun well: whether it is a success its end will tell.
    outcome: learnt === 'ok' && end.kind === 'live' ? 'other' : learnt,
    retryAfterMs: judgement.retryAfterMs,
    latencyMs: head === null || learnt !== 'ok' ? null : head.headMs,
    headroom: head === null ? null : headroomOf(head.headers),
    ...(remaining === null ? {} : { remaining }),
    cause: judgement.cause,
  };
}

/** What the end of a stream taught about its deployment, whose beginning was told when it came. */
export function streamFinding(
  { outcome, cause, retryAfterMs }: Judgement,
  facts: Pick<Finding, 'deployment' | 'at'>,
): Finding | null {
  const learnt = LEARNT[outcome];
  // That it was there to refuse something its beginning has told.
  if (learnt === null || learnt === 'other') return null;
  return {
    ...facts,
    outcome: learnt,
    probe: false,
    retryAfterMs,
    latencyMs: null,
    headroom: null,
    cause,
    sequel: true,
  };
}
