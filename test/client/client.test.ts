import OpenAI, { APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  createRouterClient,
  type RouterClientOptions,
  restartIn,
  routeOf,
  routerHeaders,
} from '../../src/client/index.ts';
import { startRouter } from '../harness/router.ts';
import { type SimulatedRouter, startSimulated } from '../harness/simulated.ts';
import { json, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

const MODEL = 'gpt-4.1';
const QUESTION = { model: MODEL, messages: [{ role: 'user' as const, content: 'How tall is the house?' }] };
const ROUTER_ANSWER = json(200, { text: 'fine' }, { 'x-router-request-id': 'r1' });

describe("the router's own client", () => {
  let fleet: SimulatedRouter;
  beforeAll(async () => {
    fleet = await startSimulated({ config: { tiers: { premium: { chain: [MODEL] } } } });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const connect = (options: Partial<RouterClientOptions> = {}) =>
    createRouterClient({ baseUrl: fleet.url, apiKey: 'any', maxRetries: 0, ...options });

  it('is a stock client: chat, streams and embeddings work as ever', async () => {
    const client = connect();
    expect(client).toBeInstanceOf(OpenAI);
    const whole = await client.chat.completions.create(QUESTION);
    let streamed = '';
    for await (const chunk of await client.chat.completions.create({ ...QUESTION, stream: true }))
      streamed += chunk.choices[0]?.delta.content ?? '';
    expect(streamed).toBe(whole.choices[0]?.message.content);
    const { data } = await client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] });
    expect(data).toHaveLength(2);
  });

  it('reads from a response where it came from', async () => {
    fleet.simulator.faults.add({ fault: '503', endpoint: 'A', count: 1 });
    const { data, response } = await connect({ agent: 'cpt_agent', tier: 'premium' })
      .chat.completions.create(QUESTION)
      .withResponse();
    expect(routeOf(response)).toEqual({
      requestId: expect.stringMatching(/^[\w-]{36}$/) as string,
      deployment: 'B/gpt-4.1',
      endpoint: 'B',
      attempts: 2,
      steps: [
        { deployment: 'A/gpt-4.1', outcome: 'failing' },
        { deployment: 'B/gpt-4.1', outcome: 'ok' },
      ],
      tier: 'premium',
      downgrade: null,
      cache: 'off',
      tokens: data.usage?.total_tokens,
      costUsd: expect.any(Number) as number,
      routerMs: expect.any(Number) as number,
      upstreamMs: expect.any(Number) as number,
    });
  });

  it('asks for a single call what the whole client does not', async () => {
    const call = (cache: 'on' | 'off') =>
      connect()
        .chat.completions.create(QUESTION, { headers: routerHeaders({ cache }) })
        .withResponse();
    await call('on');
    expect(routeOf((await call('on')).response)).toMatchObject({ cache: 'hit', attempts: 0, tokens: 0 });
    expect(routeOf((await call('off')).response)).toMatchObject({ cache: 'off', attempts: 1 });
  });

  it('marks in a stream where its text begins anew', async () => {
    fleet.simulator.faults.add({ fault: 'reset;chunks=3', endpoint: 'A', count: 1 });
    const client = connect({ onBreak: 'restart' });
    let text = '';
    const restarts: unknown[] = [];
    for await (const chunk of await client.chat.completions.create({ ...QUESTION, stream: true })) {
      const restart = restartIn(chunk);
      if (restart !== null) text = '';
      if (restart !== null) restarts.push(restart);
      text += chunk.choices[0]?.delta.content ?? '';
    }
    expect(restarts).toEqual([{ from: 'A/gpt-4.1', to: 'B/gpt-4.1' }]);
    expect(text).toBe((await client.chat.completions.create(QUESTION)).choices[0]?.message.content);
  });

  it('generates text', async () => {
    const answer = await connect().generateText({ prompt: 'Hello', model: MODEL, maxTokens: 200 });
    expect(answer).toMatchObject({ finishReason: 'stop', deployment: expect.stringMatching(/gpt-4\.1$/) as string });
    expect(answer.text).toContain('You said: "Hello"');
    expect(answer.route).toMatchObject({ requestId: answer.requestId, tokens: answer.usage?.totalTokens });
  });

  it('explains where a request of its own would go', async () => {
    const told = await connect({ agent: 'cpt_agent', tier: 'premium' }).explain({ body: { model: MODEL } });
    expect(told).toMatchObject({ name: MODEL, agent: 'cpt_agent', tier: 'premium', skipped: [] });
    expect(told.candidates.map(({ deployment }) => deployment).sort()).toEqual(['A/gpt-4.1', 'B/gpt-4.1']);
  });
});

describe('explain, where keys are needed', () => {
  it('is asked with the admin key, about a request with the key of the client', async () => {
    await using upstream = await startUpstream();
    const endpoints = { A: { url: upstream.url, apiKey: 'k', deployments: { [MODEL]: {} } } };
    await using router = await startRouter({ endpoints }, { adminKey: 'the-admin', callerKeys: ['a-caller'] });
    const options = { baseUrl: router.url, maxRetries: 0, agent: 'one' };
    const both = createRouterClient({ ...options, apiKey: () => Promise.resolve('a-caller'), adminKey: 'the-admin' });
    expect(await both.explain({ body: { model: MODEL } })).toMatchObject({ agent: 'one', pool: MODEL });
    const stranger = createRouterClient({ ...options, apiKey: 'nobody', adminKey: 'the-admin' });
    await expect(stranger.explain({ body: { model: MODEL } })).rejects.toMatchObject({ code: 'unauthorized' });
    const caller = createRouterClient({ ...options, apiKey: 'a-caller' });
    await expect(caller.explain({ body: { model: MODEL } })).rejects.toBeInstanceOf(APIError);
    expect(upstream.received).toEqual([]);
  });
});

describe('what the client sends', () => {
  let upstream: ScriptedUpstream;
  beforeAll(async () => {
    upstream = await startUpstream(ROUTER_ANSWER);
  });
  afterAll(() => upstream[Symbol.asyncDispose]());

  const connect = (options: Partial<RouterClientOptions> = {}) =>
    createRouterClient({ baseUrl: upstream.url, apiKey: 'the-key', maxRetries: 0, ...options });
  const sentBy = async (client: OpenAI) => {
    await client.chat.completions.create(QUESTION);
    const { headers, url } = upstream.received.at(-1)!;
    const own = Object.entries(headers).filter(([name]) => /^x-(?!stainless)|^authorization|^openai/.test(name));
    return { url, ...Object.fromEntries(own) };
  };
  const BARE = { url: '/openai/v1/chat/completions', authorization: 'Bearer the-key' };

  it('is every option as its header, and none that was not set', async () => {
    expect(await sentBy(connect())).toEqual(BARE);
    const client = connect({
      agent: 'cpt_agent',
      creator: 'billing',
      operation: 'coding',
      tier: 'economy',
      failover: 'off',
      onBreak: 'restart',
      cache: 'refresh',
      deadlineMs: 0,
    });
    expect(await sentBy(client)).toEqual({
      ...BARE,
      'x-agent-name': 'cpt_agent',
      'x-creator': 'billing',
      'x-operation': 'coding',
      'x-router-tier': 'economy',
      'x-router-failover': 'off',
      'x-router-on-break': 'restart',
      'x-router-cache': 'refresh',
      'x-router-deadline-ms': '0',
    });
  });

  it("is another agent's name with forAgent, and all else as before", async () => {
    const client = connect({ agent: 'one', tier: 'premium', defaultHeaders: { 'x-mine': 'yes' } });
    const rest = { ...BARE, 'x-router-tier': 'premium', 'x-mine': 'yes' };
    const other = client.forAgent('two');
    expect(await sentBy(other)).toEqual({ ...rest, 'x-agent-name': 'two' });
    expect(await sentBy(other.withOptions({ agent: undefined }))).toEqual(rest);
    expect(await sentBy(client)).toEqual({ ...rest, 'x-agent-name': 'one' });
    expect(other.constructor).toBe(client.constructor);
  });

  it('is changed by withOptions in what it names alone', async () => {
    const client = connect({ agent: 'one', defaultHeaders: new Headers({ 'x-mine': 'yes' }) });
    const other = client.withOptions({
      cache: 'on',
      apiKey: 'another',
      timeout: 5,
      defaultHeaders: { 'x-mine': 'no' },
    });
    expect(other.timeout).toBe(5);
    expect(await sentBy(client)).toEqual({ ...BARE, 'x-agent-name': 'one', 'x-mine': 'yes' });
    expect(await sentBy(other.withOptions({ timeout: 5_000 }))).toEqual({
      ...BARE,
      authorization: 'Bearer another',
      'x-agent-name': 'one',
      'x-router-cache': 'on',
      'x-mine': 'no',
    });
  });

  it.each(['', '/', '/v1', '/v1/', '/openai/v1'])(
    'goes to the same place where the address ends with "%s"',
    async (end) => {
      const client = connect({ baseUrl: `${upstream.url}${end}` });
      expect(await sentBy(client)).toEqual(BARE);
      await client.generateText({ prompt: 'Hello' });
      expect(upstream.received.at(-1)?.url).toBe('/router/generate/text');
    },
  );

  it('holds nothing that the environment has for OpenAI itself', async () => {
    const others = {
      OPENAI_API_KEY: 'sk-secret',
      OPENAI_ADMIN_KEY: 'sk-admin',
      OPENAI_ORG_ID: 'org-1',
      OPENAI_PROJECT_ID: 'proj-1',
      OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
    };
    for (const [name, value] of Object.entries(others)) vi.stubEnv(name, value);
    try {
      expect(await sentBy(connect())).toEqual(BARE);
      expect(connect().adminAPIKey).toBeNull();
      expect(() => createRouterClient({ baseUrl: upstream.url } as RouterClientOptions)).toThrow('"apiKey" is missing');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('goes nowhere without an address that is one', () => {
    expect(() => connect({ baseUrl: 'router.example.com' })).toThrow('"baseUrl" is "router.example.com"; it must be');
  });

  it('keeps the headers and the signal of a single call', async () => {
    const abort = new AbortController();
    abort.abort();
    const call = connect().generateText({ prompt: 'Hello' }, { signal: abort.signal });
    await expect(call).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await connect().generateText({ prompt: 'Hello' }, { headers: { 'x-router-tier': 'premium' } });
    expect(upstream.received.at(-1)?.headers['x-router-tier']).toBe('premium');
  });
});

describe('routeOf', () => {
  const of = (headers: Record<string, string>) =>
    routeOf({ headers: new Headers({ 'x-router-request-id': 'r', ...headers }) });

  it.each([
    { why: 'an answer of somebody else', headers: new Headers({ 'x-router-deployment': 'A/x' }) },
    { why: 'an error without an answer', headers: undefined },
  ])('is null for $why', ({ headers }) => {
    expect(routeOf({ headers })).toBeNull();
  });

  it('reads that a tier was lowered, and why', () => {
    const { tier, downgrade } = of({ 'x-router-tier': 'standard;downgraded-from=premium;reason=plan' })!;
    expect({ tier, downgrade }).toEqual({ tier: 'standard', downgrade: { from: 'premium', reason: 'plan' } });
  });

  it('reads times whatever stands around them', () => {
    const route = of({ 'server-timing': 'cdn;dur=9, router;dur=1.25, upstream;desc="x";dur=30' });
    expect(route).toMatchObject({ routerMs: 1.25, upstreamMs: 30 });
    expect(of({ 'server-timing': 'total;dur=9' })).toMatchObject({ routerMs: null, upstreamMs: null });
  });

  it('reads no figure from what is none, and zero as zero', () => {
    expect(of({ 'x-router-tokens': '', 'x-router-attempts': 'many' })).toMatchObject({ tokens: null, attempts: null });
    expect(of({ 'x-router-tokens': '0', 'x-router-cost-usd': '0' })).toMatchObject({ tokens: 0, costUsd: 0 });
  });

  it('reads deployments with colons in their names', () => {
    const { steps } = of({ 'x-router-route': 'A/ft:gpt:1:throttled,B/x:ok' })!;
    expect(steps).toEqual([
      { deployment: 'A/ft:gpt:1', outcome: 'throttled' },
      { deployment: 'B/x', outcome: 'ok' },
    ]);
  });
});
