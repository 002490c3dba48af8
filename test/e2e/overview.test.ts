import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Overview } from '../../src/domain/overview.ts';
import { ADMIN_KEY, operatorOf } from '../harness/operator.ts';
import { ask, CHAT, QUESTION } from '../harness/raw.ts';
import { fleet, startRouter } from '../harness/router.ts';
import { startSimulated } from '../harness/simulated.ts';
import { azureError, json, startUpstream } from '../harness/upstream.ts';

const ANSWER = json(200, {
  model: 'gpt-4.1',
  usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110, prompt_tokens_details: { cached_tokens: 40 } },
});

async function overviewOf(url: string): Promise<Overview> {
  return JSON.parse((await ask(url, { path: '/router/overview' })).text) as Overview;
}

describe('the overview of a running router', () => {
  it('shows what it has served: requests, attempts, tokens, dollars', async () => {
    await using first = await startUpstream(azureError(503, 'busy'));
    await using second = await startUpstream(ANSWER);
    await using router = await startRouter(fleet([first.url, second.url]));
    const labels = [
      ['x-agent-name', 'ada'],
      ['x-creator', 'maria'],
      ['x-operation', 'coding'],
    ] as const;
    expect((await ask(router.url, { body: QUESTION, headers: labels })).status).toBe(200);
    await expect.poll(async () => (await overviewOf(router.url)).activity.by.agent.length).toBe(1);
    const { activity, deployments, events } = await overviewOf(router.url);
    // 60 at 2.00, 40 at 0.50 and 10 at 8.00 dollars per million.
    const costUsd = 0.00022;
    const share = { requests: 1, tokens: 110, cachedTokens: 40, costUsd };
    expect(activity.by).toEqual({
      creator: [{ name: 'maria', ...share }],
      model: [{ name: 'gpt-4.1', ...share }],
      operation: [{ name: 'coding', ...share }],
      agent: [{ name: 'ada', ...share }],
      account: [{ name: 'default', ...share }],
    });
    const figures = { promptTokens: 100, cachedTokens: 40, completionTokens: 10, costUsd };
    const shown = activity.minutes.filter(({ requests }) => requests > 0);
    expect(shown).toMatchObject([{ requests: 1, failed: 0, throttled: 0, failovers: 1, ...figures }]);
    expect(activity.deployments).toMatchObject([
      { deployment: 'A/gpt-4.1', attempts: 1, failed: 1, tokens: 0, p50Ms: null },
      { deployment: 'B/gpt-4.1', attempts: 1, failed: 0, tokens: 110 },
    ]);
    expect(deployments.map(({ id }) => id)).toEqual(['A/gpt-4.1', 'B/gpt-4.1']);
    expect(events).toMatchObject([{ kind: 'failover', agent: 'ada', from: 'A/gpt-4.1', to: 'B/gpt-4.1', count: 1 }]);
  });

  it('counts what the response cache gave again, and what it had not', async () => {
    await using upstream = await startUpstream(ANSWER);
    await using router = await startRouter(fleet([upstream.url]));
    for (let count = 0; count < 3; count++) {
      await ask(router.url, { body: QUESTION, headers: [['x-router-cache', 'on']] });
    }
    await ask(router.url, { body: QUESTION });
    await expect.poll(async () => (await overviewOf(router.url)).activity.by.model[0]?.requests).toBe(4);
    const { cache, deployments } = (await overviewOf(router.url)).activity;
    expect(cache).toEqual({ hits: 2, misses: 1 });
    expect(deployments).toMatchObject([{ attempts: 2 }]);
  });

  it('comes compressed, and not at all to those who have it', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    const path = '/router/overview';
    const { headers, body } = await ask(router.url, { path, headers: [['accept-encoding', 'gzip']] });
    expect(headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(body).toString())).toHaveProperty('activity.minutes.59');
    const again = await ask(router.url, { path, headers: [['if-none-match', headers.etag ?? '']] });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('neither fails nor waits while the store is away', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const table = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/devstoreaccount1`;
    const account = 'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1';
    const text = `${account};AccountKey=${Buffer.alloc(64).toString('base64')};TableEndpoint=${table};`;
    await using upstream = await startUpstream(ANSWER);
    await using router = await startRouter(fleet([upstream.url]), { storage: { kind: 'connectionString', text } });
    const from = performance.now();
    for (let count = 0; count < 3; count++) {
      expect((await ask(router.url, { path: '/router/overview' })).status).toBe(200);
    }
    expect(performance.now() - from).toBeLessThan(1_000);
    const isHealthy = async (): Promise<boolean> => (await overviewOf(router.url)).store.healthy;
    await expect.poll(isHealthy, { timeout: 10_000 }).toBe(false);
    silent.closeAllConnections();
    silent.close();
  });
});

describe('a probe of a running fleet', () => {
  interface Result {
    readonly deployment: string;
    readonly [fact: string]: unknown;
  }
  const probe = async (url: string, body: object): Promise<Result[]> => {
    const { status, text } = await ask(url, { path: '/router/probe', body });
    expect(status, text).toBe(200);
    return (JSON.parse(text) as { results: Result[] }).results;
  };

  it.each(['v1', '2024-10-21'])('finds every endpoint there, and each deployment by a completion: %s', async (api) => {
    await using stage = await startSimulated({ api });
    const models = await probe(stage.url, {});
    expect(models.length).toBeGreaterThan(10);
    expect(models.filter(({ ok, deploymentExists }) => ok !== true || deploymentExists !== null)).toEqual([]);
    const completions = await probe(stage.url, { completion: true });
    expect(completions.filter(({ ok, deploymentExists }) => ok !== true || deploymentExists !== true)).toEqual([]);
  });

  it('tells what a completion cost, and enters it nowhere', async () => {
    await using upstream = await startUpstream(ANSWER);
    await using router = await startRouter(fleet([upstream.url]), { adminKey: ADMIN_KEY, loopbackOnly: false });
    const operator = operatorOf(router.url);
    const body = { completion: true };
    const { results } = await operator.control<{ results: Result[] }>({ path: '/router/probe', body });
    expect(results[0]?.['usage']).toEqual({
      promptTokens: 100,
      cachedTokens: 40,
      completionTokens: 10,
      reasoningTokens: 0,
      costUsd: 0.00022,
    });
    await operator.ask({ path: CHAT, body: QUESTION });
    await expect.poll(async () => (await operator.usage()).total.requests).toBe(1);
    const { activity } = await operator.control<Overview>({ path: '/router/overview' });
    expect(activity.by.model).toMatchObject([{ requests: 1, tokens: 110 }]);
  });

  it('names what is wrong with what does not work', async () => {
    await using working = await startUpstream(ANSWER);
    await using stranger = await startUpstream(json(401, { statusCode: 401, message: 'Access denied' }));
    await using missing = await startUpstream(azureError(404, 'DeploymentNotFound'));
    const urls = [working.url, stranger.url, missing.url, 'http://127.0.0.1:9'];
    await using router = await startRouter(fleet(urls));
    const results = await probe(router.url, { completion: true });
    const facts = results.map(({ ok, reachable, authenticated, deploymentExists }) => [
      ok,
      reachable,
      authenticated,
      deploymentExists,
    ]);
    expect(facts).toEqual([
      [true, true, true, true],
      [false, true, false, null],
      [false, true, true, false],
      [false, false, null, null],
    ]);
    expect(results[3]?.['cause']).toMatch(/ECONNREFUSED/);
  });
});
