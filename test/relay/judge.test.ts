import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/domain/outcome.ts';
import type { AttemptEnd } from '../../src/relay/attempt.ts';
import { decoded, errorCodeOf, findingOf, headroomOf, judge, remainingOf } from '../../src/relay/judge.ts';
import type { UpstreamHeaders } from '../../src/upstream/port.ts';
import { NOW } from '../routing/facts.ts';
import { FakeLive } from './fakes.ts';

function whole(status: number, body: unknown, headers: UpstreamHeaders = {}): AttemptEnd {
  return {
    kind: 'whole',
    head: { status, headers, headMs: 120 },
    body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
  };
}

describe('errorCodeOf', () => {
  test.each<{ what: string; body: unknown; code: string | null }>([
    {
      what: "OpenAI's shape",
      body: { error: { code: 'context_length_exceeded', message: 'm', type: 't', param: null } },
      code: 'context_length_exceeded',
    },
    { what: 'a number as a text', body: { error: { code: '429', message: 'm' } }, code: '429' },
    { what: 'a number', body: { error: { code: 429 } }, code: '429' },
    { what: "the gateway's flat shape", body: { statusCode: 429, message: 'Rate limit is exceeded.' }, code: '429' },
    { what: 'a flat code', body: { code: 'NotFound', message: 'm' }, code: 'NotFound' },
    { what: 'an error that is a text, and a flat code', body: { error: 'no', code: 'x' }, code: 'x' },
    { what: 'no code', body: { error: { message: 'm', code: null } }, code: null },
    { what: 'a code with a sentence in it', body: { error: { code: 'my secret is 123' } }, code: null },
    { what: 'a code without end', body: { error: { code: 'x'.repeat(65) } }, code: null },
    { what: 'a code that is an object', body: { error: { code: {} } }, code: null },
    { what: 'a list', body: [{ code: 'x' }], code: null },
    { what: 'no JSON', body: Buffer.from('<html>502</html>'), code: null },
    { what: 'no bytes', body: Buffer.alloc(0), code: null },
    { what: 'more bytes than an error has', body: { error: { code: 'x' }, filler: 'y'.repeat(300_000) }, code: null },
  ])('reads $code from $what', ({ body, code }) => {
    expect(errorCodeOf(Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)))).toBe(code);
  });

  test('answers any bytes at all', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (body) => {
          expect(errorCodeOf(body)).toSatisfy((code) => code === null || /^[\w.-]{1,64}$/.test(String(code)));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('judge', () => {
  test.each<{ what: string; end: AttemptEnd; outcome: Outcome; cause: string; retryAfterMs: number | null }>([
    { what: 'an answer', end: whole(200, {}), outcome: 'ok', cause: 'status 200', retryAfterMs: null },
    {
      what: 'an answer that speaks of an error',
      end: whole(200, { error: { code: '429' } }),
      outcome: 'ok',
      cause: 'status 200',
      retryAfterMs: null,
    },
    {
      what: 'a 429 with its hint',
      end: whole(429, { error: { code: '429' } }, { 'retry-after-ms': '700' }),
      outcome: 'throttled',
      cause: 'status 429 429',
      retryAfterMs: 700,
    },
    {
      what: 'a flat 429',
      end: whole(429, { statusCode: 429 }, { 'retry-after': ['3', '9'] }),
      outcome: 'throttled',
      cause: 'status 429 429',
      retryAfterMs: 3_000,
    },
    {
      what: 'a used-up quota, which does not come back soon',
      end: whole(429, { error: { code: 'insufficient_quota' } }),
      outcome: 'throttled',
      cause: 'status 429 insufficient_quota',
      retryAfterMs: 86_400_000,
    },
    {
      what: 'a used-up quota with a hint of its own',
      end: whole(429, { error: { code: 'insufficient_quota' } }, { 'retry-after': '60' }),
      outcome: 'throttled',
      cause: 'status 429 insufficient_quota',
      retryAfterMs: 60_000,
    },
    {
      what: 'a time-out',
      end: { kind: 'broken', how: 'late', cause: 'no answer within 9 ms' },
      outcome: 'failing',
      cause: 'no answer within 9 ms',
      retryAfterMs: null,
    },
    {
      what: 'a 503 with a hint, which is no throttling',
      end: whole(503, {}, { 'retry-after': '3' }),
      outcome: 'failing',
      cause: 'status 503',
      retryAfterMs: null,
    },
    {
      what: 'filtered content',
      end: whole(400, { error: { code: 'content_filter' } }),
      outcome: 'filtered',
      cause: 'status 400 content_filter',
      retryAfterMs: null,
    },
    {
      what: 'a flat 401',
      end: whole(401, { statusCode: 401, message: 'm' }),
      outcome: 'misconfigured',
      cause: 'status 401 401',
      retryAfterMs: null,
    },
    {
      what: 'a missing deployment',
      end: whole(404, { error: { code: 'DeploymentNotFound' } }),
      outcome: 'misconfigured',
      cause: 'status 404 DeploymentNotFound',
      retryAfterMs: null,
    },
    {
      what: 'a broken connection',
      end: { kind: 'broken', how: 'lost', cause: 'connection lost' },
      outcome: 'failing',
      cause: 'connection lost',
      retryAfterMs: null,
    },
    {
      what: 'a token that could not be had',
      end: { kind: 'broken', how: 'credential', cause: 'no token' },
      outcome: 'misconfigured',
      cause: 'no token',
      retryAfterMs: null,
    },
    {
      what: 'a caller who left',
      end: { kind: 'gone' },
      outcome: 'aborted',
      cause: 'the caller left',
      retryAfterMs: null,
    },
    {
      what: 'a stream',
      end: { kind: 'live', head: { status: 200, headers: {}, headMs: 1 }, live: new FakeLive() },
      outcome: 'ok',
      cause: 'status 200',
      retryAfterMs: null,
    },
    {
      what: 'an overload behind a 200',
      end: {
        kind: 'streamError',
        head: { status: 200, headers: {}, headMs: 1 },
        live: new FakeLive(),
        code: 'server_error',
      },
      outcome: 'failing',
      cause: 'error in the stream (server_error)',
      retryAfterMs: null,
    },
    {
      what: 'throttling behind a 200',
      end: {
        kind: 'streamError',
        head: { status: 200, headers: { 'retry-after-ms': '9' }, headMs: 1 },
        live: new FakeLive(),
        code: '429',
      },
      outcome: 'throttled',
      cause: 'error in the stream (429)',
      retryAfterMs: 9,
    },
  ])('takes $what for $outcome', ({ end, outcome, cause, retryAfterMs }) => {
    expect(judge(end, true, NOW)).toEqual({ outcome, cause, retryAfterMs });
  });

  test.each([
    { encoding: 'gzip', compress: gzipSync },
    { encoding: 'x-gzip', compress: gzipSync },
    { encoding: 'deflate', compress: deflateSync },
    { encoding: 'br', compress: brotliCompressSync },
  ])('reads the code of an error under $encoding', ({ encoding, compress }) => {
    const body = compress(Buffer.from(JSON.stringify({ error: { code: 'content_filter' } })));
    expect(judge(whole(400, body, { 'content-encoding': encoding }), true, NOW).outcome).toBe('filtered');
  });
});

describe('decoded', () => {
  test('opens no more than an error may have: a small body that unfolds without end teaches nothing', () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(decoded(bomb, { 'content-encoding': 'gzip' }).length).toBe(0);
  });

  test.each([
    { what: 'is not what its header says', headers: { 'content-encoding': 'gzip' }, length: 0 },
    { what: 'has an encoding nobody knows', headers: { 'content-encoding': 'zstd' }, length: 5 },
    { what: 'has no encoding', headers: {}, length: 5 },
    { what: 'has an encoding that every object has', headers: { 'content-encoding': 'constructor' }, length: 5 },
  ])('takes a body that $what', ({ headers, length }) => {
    expect(decoded(Buffer.from('plain'), headers).length).toBe(length);
  });
});

describe('headroomOf', () => {
  const limits = { 'x-ratelimit-limit-requests': '100', 'x-ratelimit-limit-tokens': '1000' };
  test.each<{ what: string; headers: UpstreamHeaders; is: number | null }>([
    { what: 'nothing', headers: {}, is: null },
    { what: 'requests', headers: { ...limits, 'x-ratelimit-remaining-requests': '25' }, is: 0.25 },
    { what: 'tokens', headers: { ...limits, 'x-ratelimit-remaining-tokens': '900' }, is: 0.9 },
    {
      what: 'the scarcer of the two',
      headers: { ...limits, 'x-ratelimit-remaining-requests': '25', 'x-ratelimit-remaining-tokens': '900' },
      is: 0.25,
    },
    {
      what: '-1, which means unknown',
      headers: { ...limits, 'x-ratelimit-remaining-requests': '-1', 'x-ratelimit-remaining-tokens': '900' },
      is: 0.9,
    },
    { what: '0, which means unknown', headers: { ...limits, 'x-ratelimit-remaining-requests': '0' }, is: null },
    { what: 'what is left without the limit', headers: { 'x-ratelimit-remaining-requests': '25' }, is: null },
    {
      what: 'a limit of 0',
      headers: { 'x-ratelimit-remaining-requests': '25', 'x-ratelimit-limit-requests': '0' },
      is: null,
    },
    { what: 'more left than the limit', headers: { ...limits, 'x-ratelimit-remaining-requests': '250' }, is: 1 },
    { what: 'garbage', headers: { ...limits, 'x-ratelimit-remaining-requests': 'many' }, is: null },
    {
      what: 'the utilization of provisioned throughput',
      headers: { ...limits, 'x-ratelimit-remaining-requests': '25', 'azure-openai-deployment-utilization': '40%' },
      is: 0.6,
    },
    { what: 'a utilization beyond the whole', headers: { 'azure-openai-deployment-utilization': '130.5' }, is: 0 },
    { what: 'a utilization that is no number', headers: { 'azure-openai-deployment-utilization': 'high' }, is: null },
  ])('reads $is from $what', ({ headers, is }) => {
    const share = headroomOf(headers);
    if (is === null) expect(share).toBeNull();
    else expect(share).toBeCloseTo(is, 10);
  });
});

describe('remainingOf', () => {
  test.each([
    { what: 'nothing', headers: {}, is: null },
    { what: 'tokens alone', headers: { 'x-ratelimit-remaining-tokens': '900' }, is: { tokens: 900, requests: null } },
    {
      what: 'both, -1 being unknown',
      headers: { 'x-ratelimit-remaining-requests': '-1', 'x-ratelimit-remaining-tokens': '900' },
      is: { tokens: 900, requests: null },
    },
    { what: '0, which may mean unknown', headers: { 'x-ratelimit-remaining-requests': '0' }, is: null },
    { what: 'garbage', headers: { 'x-ratelimit-remaining-tokens': 'many' }, is: null },
  ])('reads $what', ({ headers, is }) => {
    expect(remainingOf(headers)).toEqual(is);
  });
});

describe('findingOf', () => {
  const facts = { deployment: 'A/m' as const, at: NOW, probe: true };
  test.each<{ what: string; end: AttemptEnd; finding: object | null }>([
    { what: 'the first byte of an answer', end: whole(200, {}), finding: { outcome: 'ok', latencyMs: 120 } },
    {
      what: 'no latency from an error, which may come fast',
      end: whole(503, {}),
      finding: { outcome: 'failing', latencyMs: null },
    },
    {
      what: 'no success yet from a stream that has begun, but how soon',
      end: { kind: 'live', head: { status: 200, headers: {}, headMs: 120 }, live: new FakeLive() },
      finding: { outcome: 'other', latencyMs: 120 },
    },
    { what: 'nothing from a caller who left', end: { kind: 'gone' }, finding: null },
    {
      what: 'that the deployment is there from a refusal',
      end: whole(400, {}),
      finding: { outcome: 'other', latencyMs: null },
    },
    {
      what: 'that the deployment is there from the filter',
      end: whole(400, { error: { code: 'content_filter' } }),
      finding: { outcome: 'other' },
    },
    {
      what: 'the headroom from a throttled answer',
      end: whole(429, {}, { 'azure-openai-deployment-utilization': '100' }),
      finding: { outcome: 'throttled', headroom: 0 },
    },
  ])('learns $what', ({ end, finding }) => {
    const found = findingOf(end, judge(end, true, NOW), facts);
    if (finding === null) expect(found).toBeNull();
    else expect(found).toMatchObject({ ...facts, ...finding });
  });
});
