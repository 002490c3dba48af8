import { NANO_USD, type RequestRecord } from '../domain/usage.ts';

export type Level = 'info' | 'warn' | 'error';

/** How a request's end reads in the log. */
export interface Verdict {
  readonly level: Level;
  readonly message: string;
}

const REFUSED: Verdict = { level: 'info', message: 'Request refused' };
const FAILED: Verdict = { level: 'error', message: 'Request failed' };

const SERVER_ERROR = 500;

export function verdictOf({ end, status, errorCode }: Pick<RequestRecord, 'end' | 'status' | 'errorCode'>): Verdict {
  switch (end) {
    case 'ok':
      return { level: 'info', message: 'Request successful' };
    case 'filtered':
      return { level: 'info', message: 'Filtered' };
    case 'refused':
      return REFUSED;
    case 'aborted':
      return { level: 'info', message: 'Caller left' };
    case 'throttled':
      return { level: 'warn', message: 'Request failed' };
    case 'failing':
    case 'misconfigured':
      return FAILED;
    case 'broken':
      return { level: 'warn', message: 'Stream broke' };
    case 'error':
      // That all deployments are throttled is a 429 too, and yet nothing the caller did.
      return status >= SERVER_ERROR || errorCode === 'no_deployment_available' ? FAILED : REFUSED;
    default:
      return end satisfies never;
  }
}

/** Whether the request's story is to be told to its end even where untroubled requests have no lines. */
export function wasTroubled(record: RequestRecord): boolean {
  return record.attempts.length > 1 || verdictOf(record).level !== 'info';
}

/**
 * The members of a request's line, in a fixed order; what is not known is `null`, what does not apply is absent. Written by hand, as
 * it is for every request: labels, which are few, are quoted once.
 */
export function requestMembers(record: RequestRecord, quoted: (label: string) => string): string {
  const { labels, tokens, retryAfterMs, errorCode, costNanoUsd, deployment, endpoint } = record;
  const { prompt, cached, completion, reasoning } = tokens;
  const known =
    `"requestId":${JSON.stringify(record.requestId)},"agentName":${quoted(labels.agent)},` +
    `"account":${quoted(labels.account)},"creator":${quoted(labels.creator)},"operation":${quoted(labels.operation)},` +
    `"model":${quoted(labels.model)},"endpoint":${endpoint === null ? null : quoted(endpoint)},` +
    `"deployment":${deployment === null ? null : quoted(deployment)},"responseTime":${Math.round(record.durationMs)},` +
    `"attempts":${record.attempts.length},"status":${record.status},` +
    `"tokens":{"prompt":${prompt},"cached":${cached},"completion":${completion},"reasoning":${reasoning}},` +
    `"costUsd":${costNanoUsd === null ? null : Number((costNanoUsd * NANO_USD).toFixed(9))},"estimated":${record.estimated}`;
  const retry = retryAfterMs === null ? '' : `,"retryAfter":${seconds(retryAfterMs)}`;
  return errorCode === null ? known + retry : `${known}${retry},"code":${JSON.stringify(errorCode)}`;
}

/** Callers choose their labels: no more of them are remembered than there are in any sane fleet. */
const MOST_QUOTED = 2_000;

export function createQuoted(): (label: string) => string {
  const known = new Map<string, string>();
  return (label) => {
    const found = known.get(label);
    if (found !== undefined) return found;
    const made = JSON.stringify(label);
    if (known.size >= MOST_QUOTED) known.clear();
    known.set(label, made);
    return made;
  };
}

/** As Retry-After has it, to the millisecond. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
