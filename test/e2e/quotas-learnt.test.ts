/** Prompts that are larger than they look: what one has taught is set aside for the others, so that limits hold. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { chat } from '../harness/metered.ts';
import { roomInMinute } from '../harness/minute.ts';
import { ADMIN_KEY, errorIn, operatorOf } from '../harness/operator.ts';
import { QUESTION, type RawAnswer } from '../harness/raw.ts';
import { fleet, startRouter, type TestRouter } from '../harness/router.ts';
import { json, type Script, startUpstream } from '../harness/upstream.ts';

const KEY = 'a-caller-of-the-environment';
const SHORT = { ...QUESTION, max_tokens: 60 };

let emulator: RunningEmulator;

beforeAll(async () => {
  emulator = await runEmulator();
});
afterAll(() => emulator.close());
beforeEach(() => roomInMinute());

function startWith(url: string, quota: object, { account = 'default', more = {} } = {}): Promise<TestRouter> {
  const document = fleet([url], { accounts: { [account]: { quota } }, breaker: { refreshMs: 250 }, ...more });
  const storage = { kind: 'connectionString', text: emulator.connectionString } as const;
  return startRouter(document, { storage, adminKey: ADMIN_KEY, callerKeys: [KEY], loopbackOnly: false });
}

function using(prompt: number, completion: number): Script {
  return json(200, { choices: [], usage: { prompt_tokens: prompt, completion_tokens: completion } });
}

function sum(answers: readonly RawAnswer[], header: string): number {
  return answers.reduce((total, { headers }) => total + Number(headers[header] ?? 0), 0);
}

function parallel(url: string, count: number, call: object): Promise<RawAnswer[]> {
  return Promise.all(Array.from({ length: count }, () => chat(url, { key: KEY, body: SHORT, ...call })));
}

async function inTurn(url: string, count: number, call: object): Promise<RawAnswer[]> {
  const answers: RawAnswer[] = [];
  for (let at = 0; at < count; at++) answers.push(await chat(url, { key: KEY, body: SHORT, ...call }));
  return answers;
}

describe('a prompt of 1,000 tokens that looks like 25', () => {
  it.each([
    { how: 'at once', ask: parallel, body: SHORT },
    { how: 'at once, of unstated length', ask: parallel, body: QUESTION },
    { how: 'one after another', ask: inTurn, body: SHORT },
  ])('asked thirty times $how, is granted as often as fits', async ({ ask, body }) => {
    await using upstream = await startUpstream(using(1_000, 50));
    const account = `a${Math.random()}`;
    await using router = await startWith(upstream.url, { tokensPerDay: 5_000 }, { account });
    const { key } = await operatorOf(router.url).makeKey({ account });
    const answers = await ask(router.url, 30, { key, body });
    expect(sum(answers, 'x-router-tokens')).toBe(4 * 1_050);
    expect(upstream.received).toHaveLength(4);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
  });

  it('costs no more than a limit in dollars, all together', async () => {
    await using upstream = await startUpstream(using(1_000, 50));
    await using router = await startWith(upstream.url, { usdPerMonth: 0.01 }, { account: 'dollars' });
    const { key } = await operatorOf(router.url).makeKey({ account: 'dollars' });
    const answers = await parallel(router.url, 30, { key });
    const spent = sum(answers, 'x-router-cost-usd');
    expect(spent).toBeGreaterThan(0.007);
    expect(spent).toBeLessThanOrEqual(0.01);
  });
});

it('three routers with one limit learn from each other', async () => {
  await using upstream = await startUpstream(using(90, 10));
  const routers: TestRouter[] = [];
  await using stack = new AsyncDisposableStack();
  for (let at = 0; at < 3; at++)
    routers.push(stack.use(await startWith(upstream.url, { tokensPerDay: 1_000 }, { account: 'three' })));
  const { key } = await operatorOf(routers[0]!.url).makeKey({ account: 'three' });
  const body = { ...QUESTION, max_tokens: 10 };
  const answers = await Promise.all(routers.map(({ url }) => parallel(url, 20, { key, body })));
  for (const { url } of routers) answers.push(await inTurn(url, 4, { key, body }));
  expect(sum(answers.flat(), 'x-router-tokens')).toBe(1_000);
});

it('a picture by its address is set aside, however small the body', async () => {
  await using upstream = await startUpstream(using(785, 10));
  await using router = await startWith(upstream.url, { tokensPerDay: 5_000 }, { account: 'pictures' });
  const { key } = await operatorOf(router.url).makeKey({ account: 'pictures' });
  const content = [{ type: 'image_url', image_url: { url: 'https://a.test/cat.png' } }];
  const body = { model: 'gpt-4.1', max_tokens: 10, messages: [{ role: 'user', content }] };
  const used = sum(await parallel(router.url, 40, { key, body }), 'x-router-tokens');
  expect(used).toBeGreaterThan(3_500);
  expect(used).toBeLessThanOrEqual(5_000);
});

it('a dearer tier wanted beside a cheap pool is set aside at its own price', async () => {
  await using upstream = await startUpstream(using(10, 10));
  const deployments = {
    cheap: { model: 'gpt-4.1', price: { input: 0.01, output: 0.01 } },
    dear: { model: 'gpt-4.1', price: { input: 1_000, output: 1_000 } },
  };
  const more = {
    endpoints: { A: { url: upstream.url, apiKey: 'k', api: 'v1', deployments } },
    pools: { cheap: { members: ['A/cheap'] }, dear: { members: ['A/dear'] } },
    defaultPool: 'cheap',
    tiers: { premium: { chain: ['dear'] } },
  };
  await using router = await startWith(upstream.url, { usdPerMonth: 0.5 }, { account: 'tiers', more });
  const { key } = await operatorOf(router.url).makeKey({ account: 'tiers' });
  const body = { ...QUESTION, model: 'cheap', max_tokens: 10 };
  const headers = [['x-router-tier', 'premium']];
  const spent = sum(await parallel(router.url, 60, { key, body, headers }), 'x-router-cost-usd');
  expect(spent).toBeGreaterThan(0.4);
  expect(spent).toBeLessThanOrEqual(0.5);
});

it('whoever is refused because of requests under way is told to ask again at once', async () => {
  const held: (() => void)[] = [];
  const answer = using(10, 10);
  const holding: Script = (request, response: ServerResponse) => void held.push(() => answer(request, response));
  await using upstream = await startUpstream(holding);
  await using router = await startWith(upstream.url, { tokensPerDay: 1_000 }, { account: 'held' });
  const operator = operatorOf(router.url);
  const { key } = await operator.makeKey({ account: 'held' });
  const first = chat(router.url, { key });
  await expect.poll(() => held.length).toBe(1);
  const refused = await chat(router.url, { key });
  expect(refused.status).toBe(429);
  expect(errorIn(refused).message).toContain('is taken up by requests under way');
  const { headers } = refused;
  expect([headers['retry-after-ms'], headers['retry-after'], headers['x-should-retry']]).toEqual(['1000', '1', 'true']);
  // Who comes while it ends waits for that, and is served.
  const second = chat(router.url, { key });
  upstream.script(answer);
  setTimeout(() => held[0]!(), 200);
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
  // And what they used is known at once.
  expect((await operator.quotas()).find(({ account }) => account === 'held')).toMatchObject({ used: 40, reserved: 0 });
});
