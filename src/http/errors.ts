/** The one place that turns an error into an answer, in OpenAI's error shape. */
import type { ErrorCode, RouterError } from '../domain/errors.ts';
import type { Answer } from '../domain/message.ts';

const TYPES: Record<ErrorCode, string> = {
  invalid_request: 'invalid_request_error',
  unknown_model: 'invalid_request_error',
  unauthorized: 'authentication_error',
  forbidden: 'permission_error',
  request_too_large: 'invalid_request_error',
  quota_exceeded: 'rate_limit_error',
  no_deployment_available: 'server_error',
  deadline_exceeded: 'server_error',
  upstream_failed: 'server_error',
  internal: 'server_error',
};

/** Stock clients wait this long at most before they try again by themselves. */
const LONGEST_CLIENT_WAIT_MS = 60_000;

/** `beside`: what else stands in the error. */
export function errorAnswer(error: RouterError, requestId: string, beside: object = {}): Answer {
  const type = typeOf(error);
  const body = { error: { message: error.message, type, code: error.code, param: error.param, ...beside } };
  const headers = [...error.headers, ...retryHeaders(error), 'x-router-request-id', requestId];
  return jsonAnswer(error.status, body, headers);
}

/** The status goes first: throttled by all deployments is a rate limit too, and quotas that cannot be checked are none. */
function typeOf({ status, code }: RouterError): string {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : TYPES[code];
}

/** Trying again helps where a deployment is expected back soon, and nowhere else. */
function retryHeaders({ status, retryAfterMs }: RouterError): string[] {
  if (retryAfterMs === null) return status >= 500 || status === 429 ? ['x-should-retry', 'false'] : [];
  return [
    'retry-after-ms',
    String(retryAfterMs),
    'retry-after',
    String(Math.ceil(retryAfterMs / 1000)),
    'x-should-retry',
    String(retryAfterMs <= LONGEST_CLIENT_WAIT_MS),
  ];
}

export function jsonAnswer(status: number, value: unknown, headers: readonly string[] = []): Answer {
  const body = Buffer.from(JSON.stringify(value));
  return { status, headers: ['content-type', 'application/json', ...headers], body };
}
