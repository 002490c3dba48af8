import { describe, expect, test } from 'vitest';
import { configOf, fleet } from '../harness/router.ts';
import { never, ok, status } from '../relay/fakes.ts';
import { appFor, ask } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com'], {
    tiers: { premium: { chain: ['gpt-4.1'] } },
    limits: { headerCount: 20, headerKb: 4 },
  }),
);
const CHAT = { target: '/openai/deployments/gpt-4.1/chat/completions?api-version=v', body: { messages: [] } };

describe('the app', () => {
  test('says of every answer who served it, after how many attempts, and why', async () => {
    const { app, clock } = appFor(CONFIG, [status(503), ok]);
    const { status: code, headers, json } = await ask(app, CHAT);
    expect(code).toBe(200);
    expect(json).toEqual({ ok: true });
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-router-request-id': 'id-1',
      'x-router-deployment': 'B/gpt-4.1',
      'x-router-endpoint': 'B',
      'x-router-attempts': '2',
      'x-router-route': 'A/gpt-4.1:failing,B/gpt-4.1:ok',
      'server-timing': expect.stringMatching(/^router;dur=\d+\.\d\d, upstream;dur=\d+\.\d\d$/) as string,
    });
    expect(clock.pending).toBe(0);
  });

  test.each<{
    what: string;
    question: Parameters<typeof ask>[1];
    status: number;
    code: string;
    param?: string;
    says?: RegExp;
  }>([
    {
      what: 'a model nobody knows',
      question: { target: '/v1/chat/completions', body: { model: 'gpt-4.l' } },
      status: 404,
      code: 'unknown_model',
      param: 'model',
      says: /gpt-4\.l.*These exist: gpt-4\.1, /,
    },
    {
      what: 'a model nobody knows in the path',
      question: { ...CHAT, target: '/openai/deployments/nope/chat/completions' },
      status: 404,
      code: 'unknown_model',
      param: 'model',
    },
    {
      what: 'a tier that is not configured',
      question: { target: '/v1/chat/completions', body: { model: 'economy' } },
      status: 404,
      code: 'unknown_model',
      param: 'model',
    },
    {
      what: 'no model',
      question: { target: '/v1/chat/completions', body: {} },
      status: 400,
      code: 'invalid_request',
      param: 'model',
    },
    {
      what: 'a model that is no text',
      question: { target: '/v1/chat/completions', body: { model: 4 } },
      status: 400,
      code: 'invalid_request',
      param: 'model',
    },
    {
      what: 'a body that is no JSON',
      question: { ...CHAT, body: '{"a":' },
      status: 400,
      code: 'invalid_request',
      says: /at byte 5/,
    },
    {
      what: 'no body',
      question: { method: 'POST', target: CHAT.target },
      status: 400,
      code: 'invalid_request',
      says: /empty/,
    },
    {
      what: 'a body nested too deep',
      question: { ...CHAT, body: `{"a":${'['.repeat(200)}${']'.repeat(200)}}` },
      status: 400,
      code: 'invalid_request',
      says: /nested deeper/,
    },
    {
      what: 'a compressed body',
      question: { ...CHAT, headers: { 'content-encoding': 'gzip' } },
      status: 415,
      code: 'invalid_request',
      param: 'content-encoding',
    },
    {
      what: 'a form without its boundary',
      question: { ...CHAT, headers: { 'content-type': 'multipart/form-data; boundary=x' } },
      status: 400,
      code: 'invalid_request',
    },
    {
      what: 'an unknown tier',
      question: { ...CHAT, headers: { 'x-router-tier': 'gold' } },
      status: 400,
      code: 'invalid_request',
      param: 'x-router-tier',
    },
    {
      what: 'a tier that nobody configured',
      question: { ...CHAT, headers: { 'x-router-tier': 'economy' } },
      status: 400,
      code: 'invalid_request',
      param: 'x-router-tier',
      says: /premium/,
    },
    {
      what: 'an unknown value of failover',
      question: { ...CHAT, headers: { 'x-router-failover': 'maybe' } },
      status: 400,
      code: 'invalid_request',
      param: 'x-router-failover',
    },
    {
      what: 'an unknown value of on-break',
      question: { ...CHAT, headers: { 'x-router-on-break': 'cry' } },
      status: 400,
      code: 'invalid_request',
      param: 'x-router-on-break',
    },
    {
      what: 'an unknown value of cache',
      question: { ...CHAT, headers: { 'x-router-cache': 'yes' } },
      status: 400,
      code: 'invalid_request',
      param: 'x-router-cache',
    },
    {
      what: 'a deadline that is no number',
      question: { ...CHAT, headers: { 'x-router-deadline-ms': 'soon' } },
      status: 400,
      code: 'invalid_request',
      param: 'x-router-deadline-ms',
    },
    {
      what: 'a deadline of 0',
      question: { ...CHAT, headers: { 'x-router-deadline-ms': '0' } },
      status: 400,
      code: 'invalid_request',
      param: 'x-router-deadline-ms',
    },
    {
      what: 'an agent without end',
      question: { ...CHAT, headers: { 'x-agent-name': 'a'.repeat(129) } },
      status: 400,
      code: 'invalid_request',
      param: 'x-agent-name',
    },
    {
      what: 'too many headers',
      question: { ...CHAT, headers: Object.fromEntries(Array.from({ length: 21 }, (_, at) => [`x-${at}`, ''])) },
      status: 431,
      code: 'request_too_large',
    },
    {
      what: 'too large headers',
      question: { ...CHAT, headers: { 'x-a': 'x'.repeat(5_000) } },
      status: 431,
      code: 'request_too_large',
    },
    { what: 'a path nobody knows', question: { target: '/nowhere' }, status: 404, code: 'invalid_request' },
    {
      what: 'a path out of the data plane',
      question: { target: '/openai/v1/../x', body: '{}' },
      status: 400,
      code: 'invalid_request',
    },
  ])(
    'refuses $what in OpenAI’s shape, and asks no deployment',
    async ({ question, status: expected, code, param = null, says }) => {
      const { app, upstream } = appFor(CONFIG, [ok]);
      const answer = await ask(app, question);
      expect(answer.status).toBe(expected);
      expect(answer.json).toMatchObject({
        error: { message: expect.any(String) as string, type: expect.any(String) as string, code, param },
      });
      if (says !== undefined) expect(answer.text).toMatch(says);
      expect(answer.headers.get('x-router-request-id')).toBe('id-1');
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(upstream.sent).toEqual([]);
    },
  );

  test('tells nobody what a fault of its own is about', async () => {
    const faults: unknown[] = [];
    const stage = appFor(CONFIG);
    Object.assign(stage.deps.journal, { fault: (fault: unknown) => faults.push(fault) });
    Object.defineProperty(stage.upstream, 'send', {
      value: () => {
        throw new TypeError('secret inside');
      },
    });
    const { status: code, text } = await ask(stage.app, CHAT);
    expect(code).toBe(500);
    expect(text).not.toContain('secret');
    expect(faults).toMatchObject([{ requestId: 'id-1', error: { message: 'secret inside' } }]);
    Object.assign(stage.deps.journal, { fault: () => undefined });
  });

  test('sends neither the caller’s credentials nor its labels on, and its answer brings none of ours', async () => {
    const { app, upstream } = appFor(CONFIG, [ok], { callerKeys: ['caller-key'] });
    const answer = await ask(app, {
      ...CHAT,
      headers: {
        'api-key': 'caller-key',
        authorization: 'Bearer caller-key',
        'x-agent-name': 'a',
        'x-creator': 'c',
        'user-agent': 'u',
      },
    });
    expect(answer.status).toBe(200);
    expect(upstream.last.request.headers).toEqual(['user-agent', 'u']);
    expect([...answer.headers].flat().join(' ')).not.toContain('key-of');
  });

  test.each([
    { what: 'all rest for a short time', rest: 9_000, retry: ['9000', '9', 'true'] },
    { what: 'all rest for longer than a client waits', rest: 90_500, retry: ['90500', '91', 'false'] },
  ])('says when trying again makes sense where $what', async ({ rest, retry }) => {
    const { app, record } = appFor(CONFIG, [never]);
    for (const id of ['A/gpt-4.1', 'B/gpt-4.1'] as const) record(id, 'throttled', { retryAfterMs: rest });
    const { status: code, headers, json } = await ask(app, CHAT);
    expect(code).toBe(429);
    expect(['retry-after-ms', 'retry-after', 'x-should-retry'].map((name) => headers.get(name))).toEqual(retry);
    expect(json).toMatchObject({ error: { code: 'no_deployment_available', type: 'rate_limit_error' } });
  });

  test('counts a deadline that is longer than the configured one for no more than that', async () => {
    const stage = appFor(
      configOf(
        fleet(['https://a.openai.azure.com'], { timeouts: { deadlineMs: 1_000 }, retries: { sameDeployment: 0 } }),
      ),
      [never],
    );
    const answer = ask(stage.app, { ...CHAT, headers: { 'x-router-deadline-ms': '900000' } });
    await stage.clock.pass(1_000);
    expect((await answer).status).toBeGreaterThanOrEqual(500);
  });

  test('lists the names that a caller may use, and each by itself', async () => {
    const { app } = appFor(CONFIG);
    const { json } = await ask(app, { target: '/v1/models' });
    const ids = (json as { data: { id: string }[] }).data.map(({ id }) => id);
    expect(ids).toEqual(['gpt-4.1', 'premium', 'A/gpt-4.1', 'B/gpt-4.1', 'auto']);
    for (const id of ids)
      expect((await ask(app, { target: `/openai/models/${encodeURIComponent(id)}?api-version=v` })).json).toMatchObject(
        { id, object: 'model' },
      );
    expect((await ask(app, { target: '/v1/models/nope' })).status).toBe(404);
  });
});
