import { describe, expect, it } from 'vitest';
import { fleet, startRouter } from '../harness/router.ts';
import { azureError, json, raw, startUpstream, throttled } from '../harness/upstream.ts';
import { GOOD, generate, ORDER, refuses, says, sentTo, USAGE, VISIT } from './scripted.ts';

const good = JSON.stringify(GOOD);

/** One endpoint with one deployment of the model. */
function of(model: string | null, url: string, extra: object = {}): object {
  const deployments = { chat: model === null ? {} : { model } };
  return { endpoints: { A: { url, apiKey: 'k', api: 'v1', deployments } }, ...extra };
}

describe('structured generation', () => {
  it('gives the data, who made it, and what it took', async () => {
    await using a = await startUpstream(says(good));
    await using router = await startRouter(fleet([a.url]));
    const { raw: answer, status, json: told } = await generate(router.url, ORDER);
    expect(status).toBe(200);
    expect(told).toEqual({
      data: GOOD,
      model: 'gpt-4.1-2025-04-14',
      deployment: 'A/gpt-4.1',
      repaired: false,
      usage: {
        promptTokens: 100,
        cachedTokens: 10,
        completionTokens: 20,
        reasoningTokens: 5,
        totalTokens: 120,
        costUsd: 0.000345,
      },
      requestId: answer.headers['x-router-request-id'],
    });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-router-deployment': 'A/gpt-4.1',
      'x-router-attempts': '1',
      'x-router-route': 'A/gpt-4.1:ok',
      'x-router-tokens': '120',
      'x-router-cost-usd': '0.000345',
    });
  });

  it.each([
    ['gpt-4.1', { temperature: 0.1 }],
    ['gpt-5-mini-2025-08-07', { reasoning_effort: 'low' }],
    ['o4-mini', { reasoning_effort: 'low' }],
    ['gpt-5.1-chat', {}],
    ['gpt-5-pro', {}],
    ['medical-llm', { temperature: 0.1 }],
    [null, { temperature: 0.1 }],
  ])('sends %s the parameters it takes', async (model, own) => {
    await using a = await startUpstream(says(good));
    await using router = await startRouter(of(model, a.url));
    expect((await generate(router.url, { ...ORDER, maxTokens: 500 })).status).toBe(200);
    const { response_format, ...rest } = sentTo(a.received)[0] ?? {};
    const messages = [{ role: 'user', content: 'Which code?' }];
    expect(rest).toEqual({ model: 'chat', messages, max_completion_tokens: 500, ...own });
    expect(response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema: VISIT, strict: false },
    });
  });

  it('sends what all that may answer take, where they are not alike', async () => {
    await using a = await startUpstream(says(good));
    const deployments = { old: { model: 'gpt-4.1' }, thinks: { model: 'gpt-5' } };
    const endpoints = { A: { url: a.url, apiKey: 'k', api: 'v1', deployments } };
    await using router = await startRouter({ endpoints, pools: { both: { members: ['A/old', 'A/thinks'] } } });
    expect((await generate(router.url, { ...ORDER, model: 'both' })).status).toBe(200);
    expect(Object.keys(sentTo(a.received)[0] ?? {}).sort()).toEqual(['messages', 'model', 'response_format']);
  });

  it('sends what the caller asks for by name, whatever is known of the model', async () => {
    await using a = await startUpstream(says(good));
    await using router = await startRouter(of('gpt-5', a.url));
    const wishes = { temperature: 0, reasoningEffort: 'high', strict: true, name: 'visit', system: 'Be brief.' };
    await generate(router.url, { ...ORDER, ...wishes });
    expect(sentTo(a.received)[0]).toMatchObject({
      temperature: 0,
      reasoning_effort: 'high',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Which code?' },
      ],
      response_format: { json_schema: { name: 'visit', strict: true } },
    });
  });

  it('asks by instruction where the model knows no json_schema', async () => {
    await using a = await startUpstream(says(`Sure!\n\`\`\`json\n${good}\n\`\`\``));
    await using router = await startRouter(of('gpt-35-turbo', a.url));
    const { json: told } = await generate(router.url, ORDER);
    expect(told).toMatchObject({ data: GOOD, repaired: false });
    const [sent] = sentTo(a.received);
    expect(sent).not.toHaveProperty('response_format');
    expect(sent?.['messages']).toEqual([
      { role: 'system', content: `Generate JSON output matching the schema.\n\n${JSON.stringify(VISIT)}` },
      { role: 'user', content: 'Which code?' },
    ]);
  });

  it('asks by instruction for what json_schema cannot say', async () => {
    await using a = await startUpstream(says('[1,2]'));
    await using router = await startRouter(fleet([a.url]));
    const { json: told } = await generate(router.url, {
      prompt: 'x',
      schema: { type: 'array', items: { type: 'integer' } },
    });
    expect(told).toMatchObject({ data: [1, 2] });
    expect(sentTo(a.received)[0]).not.toHaveProperty('response_format');
  });

  it.each([
    { what: 'by name', refusal: refuses('response_format') },
    {
      what: 'in words alone',
      refusal: azureError(400, 'BadRequest', 'response_format value as json_schema is not enabled'),
    },
  ])('learns from an unknown model that refuses response_format $what, once', async ({ refusal }) => {
    await using a = await startUpstream(refusal, says(good));
    await using router = await startRouter(of('medical-llm', a.url));
    for (const prompt of ['one', 'two'])
      expect(await generate(router.url, { ...ORDER, prompt })).toMatchObject({ status: 200 });
    expect(sentTo(a.received).map((sent) => 'response_format' in sent)).toEqual([true, false, false]);
  });

  it('leaves out one thing after another that an unknown model refuses', async () => {
    await using a = await startUpstream(refuses('temperature'), refuses('max_completion_tokens'), says(good));
    await using router = await startRouter(of('medical-llm', a.url));
    const { status, json: told } = await generate(router.url, { ...ORDER, maxTokens: 100 });
    expect([status, told['data']]).toEqual([200, GOOD]);
    const last = sentTo(a.received).at(-1) ?? {};
    expect(last).toMatchObject({ max_tokens: 100 });
    expect(last).not.toHaveProperty('temperature');
    expect(last).not.toHaveProperty('max_completion_tokens');
  });

  it('passes on that a parameter is refused which the caller asked for', async () => {
    await using a = await startUpstream(refuses('temperature'));
    await using router = await startRouter(of('gpt-5', a.url));
    const { status, error } = await generate(router.url, { ...ORDER, temperature: 0.5 });
    expect([status, error['param']]).toEqual([400, 'temperature']);
    expect(a.received).toHaveLength(1);
  });

  it('falls back where a schema is refused, and does not hold that against a model known to take formats', async () => {
    const refusal = refuses('response_format', "Invalid schema for response_format 'answer'.");
    await using a = await startUpstream(refusal, says(good));
    await using router = await startRouter(fleet([a.url]));
    for (const prompt of ['one', 'two']) await generate(router.url, { ...ORDER, prompt });
    expect(sentTo(a.received).map((sent) => 'response_format' in sent)).toEqual([true, false, true]);
  });

  it('keeps numbers that JavaScript cannot', async () => {
    await using a = await startUpstream(says('{"id": 9007199254740993, "rate": 1.10}'));
    await using router = await startRouter(fleet([a.url]));
    const schema = { type: 'object', properties: { id: { type: 'integer' }, rate: { type: 'number' } } };
    expect((await generate(router.url, { prompt: 'x', schema })).raw.text).toContain(
      '"data":{"id": 9007199254740993, "rate": 1.10}',
    );
  });
});

describe('an answer that does not match', () => {
  it('is repaired with what was wrong, and both calls are counted', async () => {
    const broken = '{"code":"9921","urgent":"no","more":1}';
    await using a = await startUpstream(says(broken), says(good));
    await using router = await startRouter(fleet([a.url]));
    const { raw: answer, json: told } = await generate(router.url, ORDER);
    expect(told).toMatchObject({
      data: GOOD,
      repaired: true,
      usage: { promptTokens: 200, completionTokens: 40, costUsd: 0.00069 },
    });
    expect(answer.headers).toMatchObject({ 'x-router-tokens': '240', 'x-router-cost-usd': '0.00069' });
    const messages = sentTo(a.received)[1]?.['messages'] as { role: string; content: string }[];
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(messages[1]?.content).toBe(broken);
    const lines = messages[2]?.content.split('\n').slice(1, -1).sort();
    expect(lines).toEqual([
      '- at /code: found "9921"; allowed: pattern "^\\\\d{5}$"',
      '- at /more: found 1; allowed: nothing: there is no place for it',
      '- at /urgent: found "no"; allowed: boolean',
    ]);
    expect(sentTo(a.received)[1]).toHaveProperty('response_format');
  });

  it('is refused with its text and its faults where the repair fails too', async () => {
    await using a = await startUpstream(says('I cannot say.'), says('{"code":"99213"}'));
    await using router = await startRouter(fleet([a.url]));
    const { raw: answer, status, error } = await generate(router.url, ORDER);
    expect(status).toBe(422);
    expect(error).toMatchObject({
      type: 'server_error',
      code: 'upstream_failed',
      param: null,
      raw: '{"code":"99213"}',
      faults: [{ path: '/urgent', found: 'nothing', allowed: 'a value: it is required' }],
      deployment: 'A/gpt-4.1',
      usage: { totalTokens: 240 },
    });
    expect(answer.headers['x-router-tokens']).toBe('240');
    expect(answer.rawHeaders.filter((name) => name === 'x-router-request-id')).toHaveLength(1);
    expect(a.received).toHaveLength(2);
  });

  it('is not chosen among several that match', async () => {
    await using a = await startUpstream(
      says(`\`\`\`json\n${good}\n\`\`\`\nor\n\`\`\`json\n${good}\n\`\`\``),
      says(good),
    );
    await using router = await startRouter(fleet([a.url]));
    expect((await generate(router.url, ORDER)).json).toMatchObject({ data: GOOD, repaired: true });
  });

  it('is the one that matches, where others beside it do not', async () => {
    await using a = await startUpstream(says(`As [1] says: ${good}`));
    await using router = await startRouter(fleet([a.url]));
    expect((await generate(router.url, ORDER)).json).toMatchObject({ data: GOOD, repaired: false });
  });
});

describe('an answer that is none', () => {
  it.each([
    {
      what: 'cut off at maxTokens',
      script: says('{"code":', { finish: 'length' }),
      extra: { maxTokens: 7 },
      error: {
        param: 'maxTokens',
        raw: '{"code":',
        finishReason: 'length',
        message: expect.stringContaining('which is 7') as string,
      },
    },
    {
      what: "cut off at the model's limit",
      script: says(good, { finish: 'length' }),
      extra: {},
      error: { param: 'maxTokens', message: expect.stringContaining("the model's own limit") as string },
    },
    {
      what: 'a refusal',
      script: says(null, { refusal: 'No.' }),
      extra: {},
      error: { refusal: 'No.', message: 'The model refused to answer.' },
    },
    {
      what: 'filtered on its way',
      script: says(good, { finish: 'content_filter' }),
      extra: {},
      error: { finishReason: 'content_filter' },
    },
  ])('is told as what it is: $what', async ({ script, extra, error: expected }) => {
    await using a = await startUpstream(script);
    await using router = await startRouter(fleet([a.url]));
    const { status, error } = await generate(router.url, { ...ORDER, ...extra });
    expect([status, error['code']]).toEqual([422, 'upstream_failed']);
    expect(error).toMatchObject(expected);
    expect(a.received).toHaveLength(1);
  });

  it('passes byte for byte where the prompt was filtered', async () => {
    const body = Buffer.from('{"error": {"code":"content_filter", "innererror":{"n":9007199254740993}}}');
    await using a = await startUpstream(
      raw(400, body, { 'content-type': 'application/json', 'apim-request-id': 'x1' }),
    );
    await using router = await startRouter(fleet([a.url]));
    const { raw: answer } = await generate(router.url, ORDER);
    expect([answer.status, answer.body]).toEqual([400, body]);
    expect(answer.headers).toMatchObject({ 'x-router-route': 'A/gpt-4.1:filtered', 'apim-request-id': 'x1' });
  });

  it.each([
    { what: 'a page', script: raw(200, Buffer.from('<html>'), { 'content-type': 'text/html' }) },
    { what: 'JSON of another kind', script: json(200, { ok: true }) },
    { what: 'broken JSON', script: raw(200, Buffer.from('{"choices":'), { 'content-type': 'application/json' }) },
    { what: 'nothing', script: raw(200, Buffer.alloc(0), { 'content-type': 'application/json' }) },
  ])('is 502 where a deployment sends $what', async ({ script }) => {
    await using a = await startUpstream(script);
    await using router = await startRouter(fleet([a.url]));
    const { status, error } = await generate(router.url, ORDER);
    expect([status, error['code'], error['param']]).toEqual([502, 'upstream_failed', null]);
  });
});

describe('the relay beneath', () => {
  it('fails over', async () => {
    await using a = await startUpstream(azureError(503, 'x'));
    await using b = await startUpstream(says(good));
    await using router = await startRouter(fleet([a.url, b.url]));
    const { raw: answer, json: told } = await generate(router.url, ORDER);
    expect(told).toMatchObject({ data: GOOD, deployment: 'B/gpt-4.1' });
    expect(answer.headers['x-router-route']).toBe('A/gpt-4.1:failing,B/gpt-4.1:ok');
  });

  it('refuses truthfully when nobody is left', async () => {
    await using a = await startUpstream(throttled({ 'retry-after-ms': '30000' }));
    await using router = await startRouter(fleet([a.url]));
    const { raw: answer, status, error } = await generate(router.url, ORDER);
    expect([status, error['code']]).toEqual([429, 'no_deployment_available']);
    expect(Number(answer.headers['retry-after-ms'])).toBeGreaterThan(20_000);
    expect(answer.headers['x-should-retry']).toBe('true');
    expect(a.received).toHaveLength(1);
  });

  it('tells of a repair that could not be had, as it was told', async () => {
    await using a = await startUpstream(says('no'), throttled({ 'retry-after-ms': '30000' }));
    await using router = await startRouter(fleet([a.url]));
    const { status, error } = await generate(router.url, ORDER);
    expect([status, error['code']]).toEqual([429, 'no_deployment_available']);
  });

  it('keeps an agent at its home, and sends its name to nobody', async () => {
    await using a = await startUpstream(says(good));
    await using b = await startUpstream(says(good));
    const agents = { homes: { cpt_agent: 'B/gpt-4.1' } };
    await using router = await startRouter(fleet([a.url, b.url], { agents }));
    const headers = [
      ['x-agent-name', 'cpt_agent'],
      ['x-custom', 'kept'],
      ['api-key', 'mine'],
    ] as const;
    for (const kind of ['structured', 'text'] as const) {
      const order = kind === 'text' ? { prompt: 'Which code?' } : ORDER;
      const { json: told } = await generate(router.url, order, { kind, headers });
      expect(told['deployment']).toBe('B/gpt-4.1');
    }
    expect(a.received).toHaveLength(0);
    expect(b.received[0]?.headers).toMatchObject({ 'x-custom': 'kept', 'api-key': 'key-of-B' });
    expect(b.received[0]?.headers).not.toHaveProperty('x-agent-name');
    expect(JSON.stringify(b.received[0]?.headers)).not.toMatch(/mine|Bearer|stainless|router/);
  });

  it('goes by the headers of the request', async () => {
    await using a = await startUpstream(azureError(503, 'x'));
    await using b = await startUpstream(says(good));
    await using router = await startRouter(fleet([a.url, b.url]));
    const off = await generate(router.url, ORDER, { headers: [['x-router-failover', 'off']] });
    expect([off.status, off.raw.headers['x-router-route']]).toEqual([503, 'A/gpt-4.1:failing']);
    expect(a.received).toHaveLength(1);
    const bad = await generate(router.url, ORDER, { headers: [['x-router-deadline-ms', 'soon']] });
    expect([bad.status, bad.error['param']]).toEqual([400, 'x-router-deadline-ms']);
  });

  it('has one deadline for all calls', async () => {
    await using a = await startUpstream((request, response) => setTimeout(() => says('no')(request, response), 300));
    await using router = await startRouter(fleet([a.url]));
    const { status, error } = await generate(router.url, ORDER, { headers: [['x-router-deadline-ms', '500']] });
    expect([status, error['code']]).toEqual([504, 'deadline_exceeded']);
    expect(a.received).toHaveLength(2);
  });

  it('reads an answer that came packed', async () => {
    const { gzipSync } = await import('node:zlib');
    const message = { role: 'assistant', content: good };
    const body = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, finish_reason: 'stop', message }],
      usage: USAGE,
    };
    const packed = gzipSync(JSON.stringify(body));
    await using a = await startUpstream(
      raw(200, packed, { 'content-type': 'application/json', 'content-encoding': 'gzip' }),
    );
    await using router = await startRouter(fleet([a.url]));
    const headers = [
      ['accept-encoding', 'gzip'],
      ['x-router-cache', 'off'],
    ] as const;
    expect((await generate(router.url, ORDER, { headers })).json).toMatchObject({ data: GOOD });
    expect(a.received[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('gives the same again from its cache, at no cost, unless the caller wants it otherwise', async () => {
    await using a = await startUpstream(says(good));
    await using router = await startRouter(fleet([a.url]));
    await generate(router.url, ORDER);
    const again = await generate(router.url, ORDER);
    expect(again.json).toMatchObject({ data: GOOD, cached: true, usage: { totalTokens: 0, costUsd: 0 } });
    expect(again.raw.headers).toMatchObject({ 'x-router-cache': 'hit', 'x-router-tokens': '0' });
    expect(a.received).toHaveLength(1);
    const fresh = await generate(router.url, ORDER, { headers: [['x-router-cache', 'off']] });
    expect(fresh.json).not.toHaveProperty('cached');
    expect(a.received).toHaveLength(2);
  });

  it('does not take a repair from its cache: that would be the same again', async () => {
    await using a = await startUpstream(says('no'), says('nor now'), says(good));
    await using router = await startRouter(fleet([a.url]));
    expect((await generate(router.url, ORDER)).status).toBe(422);
    expect((await generate(router.url, ORDER)).json).toMatchObject({ data: GOOD, repaired: true });
  });
});

describe('text generation', () => {
  it('gives the text, who made it, and what it took', async () => {
    await using a = await startUpstream(says('Hello.', { finish: 'length' }));
    await using router = await startRouter(fleet([a.url]));
    const { json: told, raw: answer } = await generate(router.url, { prompt: 'x', maxTokens: 3 }, { kind: 'text' });
    expect(told).toEqual({
      text: 'Hello.',
      model: 'gpt-4.1-2025-04-14',
      deployment: 'A/gpt-4.1',
      finishReason: 'length',
      usage: expect.objectContaining({ totalTokens: 120 }) as object,
      requestId: answer.headers['x-router-request-id'],
    });
    expect(sentTo(a.received)[0]).toEqual({
      model: 'auto',
      messages: [{ role: 'user', content: 'x' }],
      temperature: 0.1,
      max_completion_tokens: 3,
    });
  });

  it('says a refusal, and that no usage is known', async () => {
    await using a = await startUpstream(says(null, { refusal: 'No.', usage: null }));
    await using router = await startRouter(fleet([a.url]));
    const { json: told } = await generate(router.url, { messages: [{ role: 'user', content: 'x' }] }, { kind: 'text' });
    expect(told).toMatchObject({ text: '', refusal: 'No.', usage: null });
  });

  it.each([
    { what: 'an unknown model', model: 'nope', status: 404, code: 'unknown_model' },
    { what: 'a model that cannot chat', model: 'small', status: 400, code: 'invalid_request' },
  ])('refuses $what before anything is sent', async ({ model, status, code }) => {
    await using a = await startUpstream(says('x'));
    const deployments = { small: { model: 'text-embedding-3-small' }, talk: { model: 'gpt-4.1' } };
    await using router = await startRouter({ endpoints: { A: { url: a.url, apiKey: 'k', api: 'v1', deployments } } });
    const { error, ...told } = await generate(router.url, { prompt: 'x', model }, { kind: 'text' });
    expect([told.status, error['code'], error['param']]).toEqual([status, code, 'model']);
    expect(a.received).toHaveLength(0);
  });
});
