import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import { classify, classifyStreamError } from '../../src/routing/classify.ts';

interface Row {
  readonly what: string;
  readonly status: number;
  readonly code?: string;
  readonly is: Outcome;
  /** What it is where no model deployment was addressed; the same where absent. */
  readonly elsewhere?: Outcome;
}

const TABLE: readonly Row[] = [
  { what: 'an answer', status: 200, is: 'ok' },
  { what: 'an answer without content', status: 204, is: 'ok' },
  { what: 'a redirect', status: 302, is: 'ok' },
  { what: 'not modified', status: 304, is: 'ok' },
  { what: 'a rate limit with its code', status: 429, code: '429', is: 'throttled' },
  { what: 'a rate limit without any code', status: 429, is: 'throttled' },
  { what: 'high demand far under the quota', status: 429, code: 'NoCapacity', is: 'throttled' },
  { what: 'an exhausted quota', status: 429, code: 'insufficient_quota', is: 'throttled' },
  { what: 'a timeout of the deployment', status: 408, is: 'failing' },
  { what: 'a timeout with its code', status: 408, code: 'Timeout', is: 'failing' },
  { what: 'an inner error', status: 500, code: 'InternalServerError', is: 'failing' },
  { what: 'not implemented', status: 501, is: 'failing' },
  { what: 'a bad gateway', status: 502, is: 'failing' },
  { what: 'an overload', status: 503, code: 'ServiceUnavailable', is: 'failing' },
  { what: 'a gateway timeout', status: 504, code: 'GatewayTimeout', is: 'failing' },
  { what: "a front end's own status", status: 520, is: 'failing' },
  { what: 'a wrong key, flat', status: 401, code: '401', is: 'misconfigured' },
  { what: 'a wrong key without a code', status: 401, is: 'misconfigured' },
  { what: 'a missing role', status: 401, code: 'PermissionDenied', is: 'misconfigured' },
  { what: 'the firewall', status: 403, code: '403', is: 'misconfigured' },
  { what: 'a missing deployment', status: 404, code: 'DeploymentNotFound', is: 'misconfigured', elsewhere: 'refused' },
  { what: 'an operation that the version does not know', status: 404, code: '404', is: 'refused' },
  { what: 'a missing resource', status: 404, code: 'ResourceNotFound', is: 'refused' },
  { what: 'a model nobody knows', status: 404, code: 'model_not_found', is: 'misconfigured', elsewhere: 'refused' },
  { what: 'a 404 without a code', status: 404, is: 'refused' },
  { what: 'a stored response that is not there', status: 404, code: 'previous_response_not_found', is: 'refused' },
  { what: 'a file that is not there', status: 404, code: 'file_not_found', is: 'refused' },
  { what: 'a retired deployment', status: 410, is: 'misconfigured', elsewhere: 'refused' },
  { what: 'filtered content', status: 400, code: 'content_filter', is: 'filtered' },
  { what: 'filtered content by its inner name', status: 400, code: 'ResponsibleAIPolicyViolation', is: 'filtered' },
  { what: 'a picture against the policy', status: 400, code: 'content_policy_violation', is: 'filtered' },
  { what: 'filtered content with another status', status: 403, code: 'content_filter', is: 'filtered' },
  { what: 'too long a context', status: 400, code: 'context_length_exceeded', is: 'refused' },
  { what: 'too long a context without its code', status: 400, is: 'refused' },
  { what: 'a bad request', status: 400, code: 'invalid_request_error', is: 'refused' },
  { what: 'a wrong method', status: 405, is: 'refused' },
  { what: 'a conflict', status: 409, is: 'refused' },
  { what: 'too large a body', status: 413, is: 'refused' },
  { what: 'a body of the wrong type', status: 415, is: 'refused' },
  { what: 'a field of the wrong kind', status: 422, is: 'refused' },
  { what: 'a status nobody has heard of', status: 499, is: 'refused' },
];

describe('classify', () => {
  test.each(TABLE)('$what ($status $code) is $is', ({ status, code = null, is, elsewhere = is }) => {
    expect(classify({ status, code, addressesDeployment: true })).toBe(is);
    expect(classify({ status, code, addressesDeployment: false })).toBe(elsewhere);
  });

  test('lets no code turn a throttled or failing deployment into the fault of its caller', () => {
    for (const status of [408, 429, 500, 502, 503, 504]) {
      for (const code of ['content_filter', 'invalid_request_error', 'DeploymentNotFound']) {
        expect(['throttled', 'failing']).toContain(classify({ status, code, addressesDeployment: true }));
      }
    }
  });
});

describe('classifyStreamError', () => {
  test.each<{ what: string; code: string | null; is: Outcome }>([
    { what: 'an error without a code', code: null, is: 'failing' },
    { what: 'an overload', code: 'server_error', is: 'failing' },
    { what: 'an overload as a status', code: '503', is: 'failing' },
    { what: 'a code nobody has heard of', code: 'flux', is: 'failing' },
    { what: 'a rate limit', code: 'rate_limit_exceeded', is: 'throttled' },
    { what: 'a rate limit as a status', code: '429', is: 'throttled' },
    { what: 'no capacity', code: 'NoCapacity', is: 'throttled' },
    { what: 'filtered content', code: 'content_filter', is: 'filtered' },
    { what: 'too long a context', code: 'context_length_exceeded', is: 'refused' },
    { what: 'a bad prompt', code: 'invalid_prompt', is: 'refused' },
  ])('$what ($code) is $is', ({ code, is }) => {
    expect(classifyStreamError(code)).toBe(is);
  });
});
