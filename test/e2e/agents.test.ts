import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI, { APIError, AzureOpenAI, RateLimitError } from 'openai';
import { describe, expect, it } from 'vitest';
import { configFromEnvironment } from '../../src/config/load.ts';
import { startServer } from '../../src/server/server.ts';
import { ask, QUESTION, STREAMED } from '../harness/raw.ts';
import { composeFor, fleet, startRouter } from '../harness/router.ts';
import {
  azureError,
  chunk,
  DONE,
  json,
  type Script,
  type ScriptedUpstream,
  startUpstream,
  stream,
  throttled,
} from '../harness/upstream.ts';

const HOMES = {
  cpt_agent: 'A/gpt-4.1',
  icd_agent: 'A/gpt-4.1-2',
  modifier_assignment_agent: 'B/gpt-4.1',
  cci_agent: 'B/gpt-4.1-2',
  lcd_agent: 'A/gpt-4.1',
  comprehensive_rvu_agent: 'B/gpt-4.1',
} as const;

/** A chat answer that says which deployment gave it. */
const chat: Script = ({ url }, response) => {
  const deployment = /\/deployments\/([^/]+)\//.exec(url)?.[1] ?? 'none';
  const message = { role: 'assistant', content: `from ${deployment}` };
  const choices = [{ index: 0, finish_reason: 'stop', message }];
  json(200, { id: 'c', object: 'chat.completion', created: 1, model: deployment, choices })(
    { method: 'POST', url, headers: {}, rawHeaders: [], body: Buffer.alloc(0) },
    response,
  );
};

/** Two resources with two deployments each, and every agent at home on one of them. */
function clinic(a: ScriptedUpstream, b: ScriptedUpstream, extra: object = {}): object {
  const deployments = { 'gpt-4.1': { model: 'gpt-4.1' }, 'gpt-4.1-2': { model: 'gpt-4.1' } };
  return {
    endpoints: {
      A: { url: a.url, apiKey: 'key-of-A', api: '2025-01-01-preview', deployments },
      B: { inherits: 'A', url: b.url, apiKey: 'key-of-B' },
    },
    pools: {
      'gpt-4.1': { members: ['A/gpt-4.1', 'B/gpt-4.1'] },
      all: { members: ['A/gpt-4.1', 'A/gpt-4.1-2', 'B/gpt-4.1', 'B/gpt-4.1-2'] },
    },
    agents: { homes: HOMES, defaultHome: 'A/gpt-4.1' },
    ...extra,
  };
}

/** The stock clients, changed in nothing but the address. */
function connect(url: string, agent?: string): [azure: OpenAI, v1: OpenAI] {
  const defaultHeaders = agent === undefined ? {} : { 'x-agent-name': agent };
  const options = { apiKey: 'any', maxRetries: 0, defaultHeaders };
  return [
    new AzureOpenAI({ ...options, endpoint: url, apiVersion: '2024-10-21' }),
    new OpenAI({ ...options, baseURL: `${url}/openai/v1` }),
  ];
}

/** Who served a chat of a stock client, by the word of the router and of the deployment itself. */
async function servedBy(openai: OpenAI, model: string): Promise<string> {
  const request = openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] });
  const { data, response } = await request.withResponse();
  const deployment = response.headers.get('x-router-deployment');
  expect(data.choices[0]?.message.content).toBe(`from ${deployment?.split('/')[1]}`);
  return `${deployment} ${response.headers.get('x-router-attempts')}`;
}

describe('each agent', () => {
  it.each(Object.entries(HOMES))('%s is served by its home %s, whichever way it asks', async (agent, home) => {
    await using a = await startUpstream(chat);
    await using b = await startUpstream(chat);
    await using router = await startRouter(clinic(a, b));
    for (const openai of connect(router.url, agent))
      for (const model of ['auto', 'all']) expect(await servedBy(openai, model)).toBe(`${home} 1`);
    expect([a.received.length, b.received.length]).toEqual(home.startsWith('A') ? [4, 0] : [0, 4]);
  });

  it('stays at home in a stream as well', async () => {
    await using a = await startUpstream(stream([chunk('from A'), DONE]));
    await using b = await startUpstream(stream([chunk('from B'), DONE]));
    await using router = await startRouter(clinic(a, b));
    const headers = [['x-agent-name', 'modifier_assignment_agent']] as const;
    const answer = await ask(router.url, { body: { ...STREAMED, model: 'gpt-4.1' }, headers });
    expect([answer.headers['x-router-deployment'], answer.text]).toEqual(['B/gpt-4.1', chunk('from B') + DONE]);
  });

  it('is served by the pool it names, where its home lies outside it', async () => {
    await using a = await startUpstream(chat);
    await using b = await startUpstream(chat);
    await using router = await startRouter(clinic(a, b));
    for (const openai of connect(router.url, 'cci_agent'))
      expect(await servedBy(openai, 'gpt-4.1')).toBe('A/gpt-4.1 1');
  });

  it.each([
    { what: 'that nobody has heard of', agent: 'a_new_agent' },
    { what: 'that does not say its name', agent: undefined },
  ])('$what goes to the default home', async ({ agent }) => {
    await using a = await startUpstream(chat);
    await using b = await startUpstream(chat);
    await using router = await startRouter(clinic(a, b));
    for (const openai of connect(router.url, agent))
      for (const model of ['gpt-4.1', 'all', 'auto']) expect(await servedBy(openai, model)).toBe('A/gpt-4.1 1');
  });

  it('has the rest of its pool for backups, and is at home again with the next request', async () => {
    await using a = await startUpstream(chat);
    await using b = await startUpstream(azureError(503, 'x'), chat);
    await using router = await startRouter(clinic(a, b));
    const [openai] = connect(router.url, 'comprehensive_rvu_agent');
    expect(await servedBy(openai, 'gpt-4.1')).toBe('A/gpt-4.1 2');
    expect(await servedBy(openai, 'gpt-4.1')).toBe('B/gpt-4.1 1');
  });
});

describe('a primary and its backups', () => {
  it.each([
    { bad: 0, route: 'A/gpt-4.1:ok' },
    { bad: 1, route: 'A/gpt-4.1:failing,B/gpt-4.1:ok' },
    { bad: 2, route: 'A/gpt-4.1:failing,B/gpt-4.1:failing,C/gpt-4.1:ok' },
  ])('serve in their order: $route', async ({ bad, route }) => {
    await using a = await startUpstream(bad > 0 ? azureError(503, 'x') : json(200, { from: 'A' }));
    await using b = await startUpstream(bad > 1 ? azureError(503, 'x') : json(200, { from: 'B' }));
    await using c = await startUpstream(json(200, { from: 'C' }));
    await using router = await startRouter(fleet([a.url, b.url, c.url]));
    const answer = await ask(router.url, { body: QUESTION });
    expect([answer.status, answer.headers['x-router-route'], answer.text]).toEqual([
      200,
      route,
      `{"from":"${'ABC'[bad]}"}`,
    ]);
  });

  it('tried with x-router-failover: off are one, and its answer comes as it is', async () => {
    await using a = await startUpstream(azureError(503, 'busy', 'The very words of A.'));
    await using b = await startUpstream(chat);
    await using router = await startRouter(fleet([a.url, b.url]));
    for (const openai of connect(router.url)) {
      const error = await openai.chat.completions
        .create({ ...QUESTION, messages: [] }, { headers: { 'x-router-failover': 'off' } })
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(APIError);
      expect(error).toMatchObject({ status: 503, message: '503 The very words of A.' });
    }
    expect([a.received.length, b.received.length]).toEqual([2, 0]);
  });
});

describe('under the preset availability', () => {
  const guarded = (a: ScriptedUpstream, b: ScriptedUpstream) => ({
    ...fleet([a.url, b.url]),
    pools: { 'gpt-4.1': { members: ['A/gpt-4.1', 'B/gpt-4.1'], failoverOn: 'availability' } },
  });

  it('a 429 reaches the caller as it came: a stock client throws what it would have thrown at Azure itself', async () => {
    await using a = await startUpstream(throttled({ 'retry-after-ms': '1500', 'retry-after': '2' }));
    await using b = await startUpstream(chat);
    await using router = await startRouter(guarded(a, b));
    const [openai] = connect(router.url);
    const error = await openai.chat.completions
      .create({ ...QUESTION, messages: [] })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimitError);
    expect(error).toMatchObject({ status: 429, message: '429 Requests have exceeded the rate limit.', code: '429' });
    expect((error as RateLimitError).headers.get('retry-after-ms')).toBe('1500');
    expect([a.received.length, b.received.length]).toEqual([1, 0]);
  });

  it.each([
    { status: 400, script: azureError(400, 'bad_request'), outcome: 'refused' },
    { status: 401, script: json(401, { error: { code: '401', message: 'Access denied.' } }), outcome: 'misconfigured' },
  ])('a $status reaches the caller as it came', async ({ status, script, outcome }) => {
    await using a = await startUpstream(script);
    await using b = await startUpstream(chat);
    await using router = await startRouter(guarded(a, b));
    const direct = await ask(a.url, { body: QUESTION });
    const answer = await ask(router.url, { body: QUESTION });
    expect([answer.status, answer.headers['x-router-route']]).toEqual([status, `A/gpt-4.1:${outcome}`]);
    expect(answer.body.equals(direct.body)).toBe(true);
    expect(b.received).toEqual([]);
  });

  it('a 503 goes on to the backup', async () => {
    await using a = await startUpstream(azureError(503, 'x'));
    await using b = await startUpstream(chat);
    await using router = await startRouter(guarded(a, b));
    const answer = await ask(router.url, { body: QUESTION });
    expect([answer.status, answer.headers['x-router-route']]).toEqual([200, 'A/gpt-4.1:failing,B/gpt-4.1:ok']);
  });
});

describe('endpoints that are named by number in the environment', () => {
  /** The router as its environment alone configures it. */
  async function startFrom(urls: readonly string[]) {
    const entries = urls.flatMap((url, at) => [
      [`AZURE_OPENAI_ENDPOINT_${at}`, url],
      [`AZURE_OPENAI_DEPLOYMENT_NAME_${at}`, 'gpt-4.1'],
      [`AZURE_OPENAI_API_KEY_${at}`, `key-${at}`],
    ]);
    const parsed = configFromEnvironment(Object.fromEntries(entries) as Record<string, string>);
    if (parsed?.ok !== true) throw new Error('the environment was not understood');
    const { app, clock, close } = composeFor(parsed.config);
    const server = await startServer({ app, clock, host: '127.0.0.1', port: 0 });
    return {
      url: server.url,
      async [Symbol.asyncDispose]() {
        await server.drain(0);
        await close();
      },
    };
  }

  async function unreachable(): Promise<string> {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(closed.address() as AddressInfo).port}`;
    await new Promise((resolve) => closed.close(resolve));
    return url;
  }

  it('serve in turn, each with its own key', async () => {
    await using a = await startUpstream();
    await using b = await startUpstream();
    await using c = await startUpstream();
    await using router = await startFrom([a.url, b.url, c.url]);
    let served = '';
    for (let count = 0; count < 30; count++)
      served += String((await ask(router.url, { body: QUESTION })).headers['x-router-endpoint']);
    expect(served).toBe('ABC'.repeat(10));
    const keys = [a, b, c].map(({ received }) => [...new Set(received.map(({ headers }) => headers['api-key']))]);
    expect(keys).toEqual([['key-0'], ['key-1'], ['key-2']]);
  });

  it('are skipped while they cannot be reached, from the first request on, and no caller sees an error', async () => {
    await using a = await startUpstream();
    await using c = await startUpstream();
    await using router = await startFrom([a.url, await unreachable(), c.url]);
    const routes: string[] = [];
    for (let count = 0; count < 30; count++) {
      const answer = await ask(router.url, { body: QUESTION });
      expect(answer.status).toBe(200);
      routes.push(String(answer.headers['x-router-route']));
    }
    expect(routes.slice(0, 3)).toEqual(['A/gpt-4.1:ok', 'B/gpt-4.1:failing,C/gpt-4.1:ok', 'C/gpt-4.1:ok']);
    // Its breaker is open: it is not even tried any more.
    expect(routes.slice(-15).join()).not.toContain('B/gpt-4.1');
    expect(a.received.length + c.received.length).toBe(30);
    expect(a.received.length).toBeGreaterThanOrEqual(10);
  });
});
