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

export function verdictOf({ end, status, errorCode }: RequestRecord): Verdict {
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

/** Flat and in a fixed order; what is not known is `null`, what does not apply is absent. */
export function requestFacts(record: RequestRecord): object {
  const { labels, tokens, retryAfterMs, errorCode, costNanoUsd } = record;
  return {
    requestId: record.requestId,
    agentName: labels.agent,
    account: labels.account,
    creator: labels.creator,
    operation: labels.operation,
    model: labels.model,
    endpoint: record.endpoint,
    deployment: record.deployment,
    responseTime: Math.round(record.durationMs),
    attempts: record.attempts.length,
    status: record.status,
    tokens: {
      prompt: tokens.prompt,
      cached: tokens.cached,
      completion: tokens.completion,
      reasoning: tokens.reasoning,
    },
    costUsd: costNanoUsd === null ? null : Number((costNanoUsd * NANO_USD).toFixed(9)),
    estimated: record.estimated,
    retryAfter: retryAfterMs === null ? undefined : seconds(retryAfterMs),
    code: errorCode ?? undefined,
  };
}

/** As Retry-After has it, to the millisecond. */
export function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
