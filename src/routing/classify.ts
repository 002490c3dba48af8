import type { Outcome } from '../domain/outcome.ts';

export interface AnswerFacts {
  readonly status: number;
  /** `error.code` of the answer's body, or its flat `code`; `null` where there is none. */
  readonly code: string | null;
  /** Whether a model deployment was addressed; elsewhere a 404 says only that the thing asked for is not there. */
  readonly addressesDeployment: boolean;
}

const FILTER_CODES = new Set(['content_filter', 'ResponsibleAIPolicyViolation', 'content_policy_violation']);

/**
 * A 404 with one of these codes speaks of the deployment that the router named. Any other may speak of what the caller asked
 * for, such as an operation that the endpoint's version does not know, and must not take the deployment from everybody.
 */
const MISSING_DEPLOYMENT_CODES = new Set(['DeploymentNotFound', 'model_not_found']);

const THROTTLE_CODES = new Set([
  '429',
  'rate_limit_exceeded',
  'too_many_requests',
  'insufficient_quota',
  'NoCapacity',
  'RateLimitReached',
]);
const REFUSAL_CODES = new Set([
  'invalid_prompt',
  'invalid_request_error',
  'context_length_exceeded',
  'invalid_image',
  'bad_request',
  '400',
]);

/** Status -> outcome. What is not named here is the caller's fault: unknown is not retried. */
export function classify({ status, code, addressesDeployment }: AnswerFacts): Outcome {
  if (status < 400) return 'ok';
  if (status === 429) return 'throttled';
  if (status === 408 || status >= 500) return 'failing';
  if (code !== null && FILTER_CODES.has(code)) return 'filtered';
  if (status === 401 || status === 403) return 'misconfigured';
  if (!addressesDeployment) return 'refused';
  // A retired deployment answers 410 for good.
  if (status === 410) return 'misconfigured';
  if (status === 404 && code !== null && MISSING_DEPLOYMENT_CODES.has(code)) return 'misconfigured';
  return 'refused';
}

/** The same for an error that came inside a stream, behind a 200. */
export function classifyStreamError(code: string | null): Outcome {
  if (code === null) return 'failing';
  if (FILTER_CODES.has(code)) return 'filtered';
  if (THROTTLE_CODES.has(code)) return 'throttled';
  return REFUSAL_CODES.has(code) ? 'refused' : 'failing';
}
