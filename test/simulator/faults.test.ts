import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { FaultSyntaxError, parseFault } from '../../src/simulator/faults.ts';
import { call, chatRaw, contentEventsIn, eventsIn, QUESTION, STREAMED, simulate } from './fixture.ts';

describe('faults that answer with a status', () => {
  const BOTH = { 'retry-after-ms': '1000', 'retry-after': '1' };
  it.each([
    { spec: '401', body: { statusCode: 401 }, outcome: 'misconfigured' },
    { spec: '401;nested', body: { error: { code: '401' } }, outcome: 'misconfigured' },
    { spec: '403', body: { error: { code: '403' } }, outcome: 'misconfigured' },
    { spec: '404', body: { error: { code: 'DeploymentNotFound' } }, outcome: 'misconfigured' },
    { spec: '408', body: { error: { code: 'Timeout' } }, outcome: 'failing' },
    { spec: '409', body: { error: { code: '409' } }, outcome: 'refused' },
    { spec: '410', body: { error: { code: 'ModelDeprecated' } }, outcome: 'refused' },
    { spec: '429', body: { error: { code: '429' } }, headers: BOTH, outcome: 'throttled' },
    {
      spec: '429;retry-after-ms=1500;retry-after=2',
      body: {},
      headers: { 'retry-after-ms': '1500', 'retry-after': '2' },
      outcome: 'throttled',
    },
    {
      spec: '429;retry-after=86400',
      body: {},
      headers: { 'retry-after-ms': undefined, 'retry-after': '86400' },
      outcome: 'throttled',
    },
    {
      spec: '429;retry-after-ms=40',
      body: {},
      headers: { 'retry-after-ms': '40', 'retry-after': undefined },
      outcome: 'throttled',
    },
    {
      spec: '429;bare',
      body: {},
      headers: { 'retry-after-ms': undefined, 'retry-after': undefined },
      outcome: 'throttled',
    },
    {
      spec: '429;flat',
      body: { statusCode: 429, message: expect.any(String) as string },
      headers: BOTH,
      outcome: 'throttled',
    },
    {
      spec: '429;insufficient-quota',
      body: { error: { code: 'insufficient_quota' } },
      headers: { 'retry-after': undefined },
      outcome: 'throttled',
    },
    { spec: '429;high-demand', body: { error: { code: 'too_many_requests' } }, outcome: 'throttled' },
    { spec: '500', body: { error: { type: 'server_error' } }, outcome: 'failing' },
    { spec: '502', body: { error: { code: 'BadGateway' } }, outcome: 'failing' },
    {
      spec: '503',
      body: { error: { code: 'ServiceUnavailable' } },
      headers: { 'retry-after': undefined },
      outcome: 'failing',
    },
    { spec: '503;retry-after=3', body: {}, headers: { 'retry-after': '3' }, outcome: 'failing' },
    { spec: '504', body: { error: { code: 'GatewayTimeout' } }, outcome: 'failing' },
  ] as const)('$spec', async ({ spec, body, outcome, ...rest }) => {
    const { simulator, a } = await simulate();
    const answer = await chatRaw(a, QUESTION, { headers: { 'x-simulator-fault': spec } });
    expect(answer.status).toBe(Number(spec.slice(0, 3)));
    expect(JSON.parse(answer.body)).toMatchObject(body);
    for (const [name, value] of Object.entries('headers' in rest ? rest.headers : {}))
      expect(answer.headers[name]).toBe(value);
    expect(simulator.calls()).toMatchObject([{ outcome, promptTokens: 0, completionTokens: 0 }]);
  });

  it('html-503 is the page of a gateway', async () => {
    const { a } = await simulate();
    const answer = await chatRaw(a, QUESTION, { headers: { 'x-simulator-fault': 'html-503' } });
    expect(answer).toMatchObject({ status: 503, body: expect.stringContaining('<!DOCTYPE html>') as string });
    expect(answer.headers['content-type']).toContain('text/html');
  });

  it('nonsense is a success whose body is no JSON', async () => {
    const { a } = await simulate();
    const answer = await chatRaw(a, QUESTION, { headers: { 'x-simulator-fault': 'nonsense' } });
    expect(answer).toMatchObject({ status: 200, ended: 'complete' });
    expect(() => JSON.parse(answer.body) as unknown).toThrow(SyntaxError);
  });

  it('reach the stock client as the errors it knows', async () => {
    const { azure } = await simulate();
    await expect(
      azure.chat.completions.create(QUESTION, { headers: { 'x-simulator-fault': '429' } }),
    ).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    await expect(
      azure.chat.completions.create(QUESTION, { headers: { 'x-simulator-fault': 'reset-before' } }),
    ).rejects.toBeInstanceOf(OpenAI.APIConnectionError);
  });
});

describe('faults of the connection', () => {
  it.each([
    { spec: 'hang', body: QUESTION, status: 0, ended: 'silent', content: 0 },
    { spec: 'down', body: QUESTION, status: 0, ended: 'ECONNRESET', content: 0 },
    { spec: 'reset-before', body: QUESTION, status: 0, ended: 'ECONNRESET', content: 0 },
    { spec: 'reset-after-headers', body: QUESTION, status: 200, ended: 'cut', content: 0 },
    { spec: 'reset-after-headers', body: STREAMED, status: 200, ended: 'cut', content: 0 },
    { spec: 'reset;chunks=0', body: STREAMED, status: 200, ended: 'cut', content: 0 },
    { spec: 'reset;chunks=3', body: STREAMED, status: 200, ended: 'cut', content: 3 },
    { spec: 'cut;chunks=2', body: STREAMED, status: 200, ended: 'cut', content: 2 },
    { spec: 'stall;chunks=0', body: STREAMED, status: 200, ended: 'silent', content: 0 },
    { spec: 'stall;chunks=2', body: STREAMED, status: 200, ended: 'silent', content: 2 },
    { spec: 'truncated-json', body: STREAMED, status: 200, ended: 'cut', content: 1 },
    { spec: 'empty-stream', body: STREAMED, status: 200, ended: 'complete', content: 0 },
    { spec: 'empty-stream', body: QUESTION, status: 200, ended: 'complete', content: 0 },
  ])('$spec, stream: $body.stream', async ({ spec, body, status, ended, content }) => {
    const { simulator, a } = await simulate();
    const patience = {
      headPatienceMs: status === 0 && ended === 'silent' ? 60 : 5_000,
      patienceMs: ended === 'silent' ? 60 : 5_000,
    };
    const answer = await chatRaw(a, body, { headers: { 'x-simulator-fault': spec }, ...patience });
    expect({
      status: answer.status,
      ended: answer.ended === 'ECONNRESET' && status === 200 ? 'cut' : answer.ended,
    }).toEqual({ status, ended });
    expect(contentEventsIn(answer.body)).toBe(content);
    await expect.poll(() => simulator.calls().map(({ outcome }) => outcome)).toEqual(['failing']);
  });

  it('an empty stream is empty to the byte', async () => {
    const { a } = await simulate();
    expect((await chatRaw(a, STREAMED, { headers: { 'x-simulator-fault': 'empty-stream' } })).bytes).toHaveLength(0);
  });

  it.each(['cut', 'reset', 'stall'])('%s counts bytes of the body where it is told to', async (kind) => {
    const { a } = await simulate();
    const whole = await chatRaw(a, STREAMED);
    const answer = await chatRaw(a, STREAMED, {
      headers: { 'x-simulator-fault': `${kind};bytes=123` },
      patienceMs: 60,
    });
    expect(answer.bytes).toHaveLength(123);
    expect(answer.body).toBe(whole.body.slice(0, 123));
  });

  it.each(['cut', 'reset', 'stall', 'truncated-json'])(
    '%s breaks an answer that is not streamed in its middle',
    async (spec) => {
      const { a } = await simulate();
      const answer = await chatRaw(a, QUESTION, { headers: { 'x-simulator-fault': spec }, patienceMs: 60 });
      expect(answer.status).toBe(200);
      expect(answer.bytes.length).toBe(Math.floor(Number(answer.headers['content-length']) / 2));
      expect(answer.ended).not.toBe('complete');
    },
  );

  it('a stopped endpoint refuses connections until it is started', async () => {
    const { simulator, a, b } = await simulate();
    await simulator.stop('A');
    expect(await chatRaw(a)).toMatchObject({ status: 0, ended: 'ECONNREFUSED' });
    expect((await chatRaw(b)).status).toBe(200);
    await simulator.start('A');
    expect((await chatRaw(a)).status).toBe(200);
  });
});

describe('errors inside a stream', () => {
  it.each([
    { spec: 'error-event', content: 0, code: 'server_error', outcome: 'failing' },
    { spec: 'error-event;code=429', content: 0, code: '429', outcome: 'throttled' },
    { spec: 'error-event;code=rate_limit_exceeded', content: 0, code: 'rate_limit_exceeded', outcome: 'throttled' },
    { spec: 'error-event-after;chunks=2', content: 2, code: 'server_error', outcome: 'failing' },
  ])('$spec comes after $content chunks of content', async ({ spec, content, code, outcome }) => {
    const { simulator, a } = await simulate();
    const answer = await chatRaw(a, STREAMED, { headers: { 'x-simulator-fault': spec } });
    expect(answer).toMatchObject({ status: 200, ended: 'complete' });
    expect(contentEventsIn(answer.body)).toBe(content);
    expect(eventsIn(answer.body).at(-1)).toMatchObject({ error: { code } });
    expect(answer.body).not.toContain('[DONE]');
    expect(simulator.calls()).toMatchObject([{ outcome }]);
  });

  it.each([
    { spec: 'error-event', type: 'error', told: { code: 'server_error' } },
    {
      spec: 'error-event;form=failed;code=rate_limit_exceeded',
      type: 'response.failed',
      told: { response: { status: 'failed', error: { code: 'rate_limit_exceeded' } } },
    },
  ])('$spec in the responses API is the event $type', async ({ spec, type, told }) => {
    const { a } = await simulate();
    const body = { model: 'gpt-4.1', input: 'hello', stream: true };
    const answer = await call(a, '/openai/v1/responses', { body, headers: { 'x-simulator-fault': spec } });
    expect(eventsIn(answer.body).at(-1)).toMatchObject({ type, ...told });
    expect(answer.body).toContain(`event: ${type}\n`);
    expect(answer.body).not.toContain('output_text.delta');
  });

  it.each([
    { spec: 'error-event', status: 500 },
    { spec: 'error-event;code=429', status: 429 },
  ])('$spec on an answer that is not streamed is the status $status', async ({ spec, status }) => {
    const { a } = await simulate();
    expect((await chatRaw(a, QUESTION, { headers: { 'x-simulator-fault': spec } })).status).toBe(status);
  });
});

describe('slowness', () => {
  it.each([
    { spec: 'slow-head;ms=40', body: QUESTION, before: 'headers' },
    { spec: 'slow-first-token;ms=40', body: QUESTION, before: 'headers' },
    { spec: 'slow-first-token;ms=40', body: STREAMED, before: 'content' },
    { spec: 'slow-chunks;ms=20', body: { ...STREAMED, max_tokens: 5 }, before: 'content' },
    { spec: 'slow-body;ms=15;pieces=4', body: QUESTION, before: 'body' },
  ])('$spec delays the $before, stream: $body.stream', async ({ spec, body }) => {
    const { simulator, a } = await simulate();
    const startedAt = performance.now();
    const answer = await chatRaw(a, body, { headers: { 'x-simulator-fault': spec } });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(38);
    expect(answer).toMatchObject({ status: 200, ended: 'complete' });
    expect(simulator.calls()).toMatchObject([{ outcome: 'ok' }]);
  });

  it('of the first token shows headers and role long before', async () => {
    const { a } = await simulate();
    const answer = await chatRaw(a, STREAMED, {
      headers: { 'x-simulator-fault': 'slow-first-token;ms=5000' },
      patienceMs: 40,
    });
    expect(answer).toMatchObject({ status: 200, ended: 'silent' });
    expect(answer.body).toContain('"role":"assistant"');
  });
});

describe('where a fault strikes', () => {
  it('the prompt can ask for it', async () => {
    const { azure } = await simulate();
    const content = 'hello [[fault:503;retry-after=7]]';
    await expect(
      azure.chat.completions.create({ model: 'gpt-4.1', messages: [{ role: 'user', content }] }),
    ).rejects.toMatchObject({ status: 503 });
  });

  it.each([
    { scope: 'endpoint=A', a: 500, b: 200 },
    { scope: 'endpoint=B', a: 200, b: 500 },
    { scope: 'deployment=gpt-4.1', a: 500, b: 500 },
    { scope: 'deployment=gpt-4o', a: 200, b: 200 },
    { scope: 'percent=0', a: 200, b: 200 },
  ])('a marker with $scope', async ({ scope, a: onA, b: onB }) => {
    const { a, b } = await simulate();
    const headers = { 'x-simulator-fault': `500;${scope}` };
    expect((await chatRaw(a, QUESTION, { headers })).status).toBe(onA);
    expect((await chatRaw(b, QUESTION, { headers })).status).toBe(onB);
  });

  it.each([
    { request: { fault: '500' }, strikes: true },
    { request: '500;endpoint=A', strikes: true },
    { request: { fault: '500', endpoint: 'A' }, strikes: true },
    { request: { fault: '500', endpoint: 'B' }, strikes: false },
    { request: { fault: '500', deployment: 'gpt-4.1' }, strikes: true },
    { request: { fault: '500', deployment: 'gpt-4o' }, strikes: false },
    { request: { fault: '500', operations: ['chat/completions'] }, strikes: true },
    { request: { fault: '500', operations: ['embeddings'] }, strikes: false },
    { request: { fault: '500', percent: 0 }, strikes: false },
    { request: { fault: '500', count: 0 }, strikes: false },
  ])('armed as $request: $strikes', async ({ request, strikes }) => {
    const { simulator, a } = await simulate();
    simulator.faults.add(request);
    expect((await chatRaw(a)).status).toBe(strikes ? 500 : 200);
  });

  it('only as many calls as were counted', async () => {
    const { simulator, a } = await simulate();
    simulator.faults.add({ fault: '500', count: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await chatRaw(a)).status);
    expect(statuses).toEqual([500, 500, 200]);
    expect(simulator.faults.list()).toEqual([]);
  });

  it('only the drawn share of calls', async () => {
    const draws = [0.1, 0.9];
    const { simulator, a } = await simulate({ draw: () => draws[0] ?? 0 });
    simulator.faults.add({ fault: '500', percent: 50 });
    expect((await chatRaw(a)).status).toBe(500);
    draws.shift();
    expect((await chatRaw(a)).status).toBe(200);
  });

  it('only for as long as was said', async () => {
    let now = 1_800_000_000_000;
    const { simulator, a } = await simulate({
      clock: { now: () => now, monotonicMs: () => now, after: () => () => undefined },
    });
    simulator.faults.add({ fault: '500', forMs: 1_000 });
    expect((await chatRaw(a)).status).toBe(500);
    now += 1_000;
    expect((await chatRaw(a)).status).toBe(200);
  });

  it('the first that was armed goes first, and can be taken back', async () => {
    const { simulator, a } = await simulate();
    const first = simulator.faults.add('500');
    simulator.faults.add('503');
    expect((await chatRaw(a)).status).toBe(500);
    expect(simulator.faults.clear(first)).toBe(1);
    expect((await chatRaw(a)).status).toBe(503);
    expect(simulator.faults.clear()).toBe(1);
    expect((await chatRaw(a)).status).toBe(200);
  });
});

describe('the language of faults', () => {
  it.each([
    { spec: 'explode', says: 'There is no fault "explode"' },
    { spec: '', says: 'There is no fault ""' },
    { spec: '200', says: 'There is no fault "200"' },
    { spec: 'stall;chunk=2', says: 'Fault "stall" knows no "chunk"' },
    { spec: 'stall;chunks=two', says: '"chunks" takes a whole number, not "two"' },
    { spec: 'error-event;form=odd', says: '"form" is error or failed' },
  ])('"$spec" is refused with a reason', async ({ spec, says }) => {
    expect(() => parseFault(spec)).toThrow(FaultSyntaxError);
    expect(() => parseFault(spec)).toThrow(says);
    const { a } = await simulate();
    const answer = await chatRaw(a, QUESTION, { headers: { 'x-simulator-fault': spec } });
    expect(answer.status).toBe(400);
    expect((JSON.parse(answer.body) as { error: { message: string } }).error.message).toContain(says);
  });
});
