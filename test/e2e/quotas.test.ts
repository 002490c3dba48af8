/** Quotas of one router, as callers and operators see them. */
import OpenAI, { RateLimitError } from 'openai';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { chat, linesOf, type MeteredOptions, type MeteredRouter, startMetered } from '../harness/metered.ts';
import { roomInMinute } from '../harness/minute.ts';
import { errorIn, type Standing } from '../harness/operator.ts';
import { QUESTION, type RawAnswer, STREAMED } from '../harness/raw.ts';

const PATIENT = { timeout: 10_000, interval: 25 };

beforeEach(() => roomInMinute());

function startWith(quota: object, options: MeteredOptions = {}): Promise<MeteredRouter> {
  const config = { accounts: { 'clinic-7': { quota } }, breaker: { refreshMs: 250 }, ...options.config };
  return startMetered({ ...options, config });
}

async function keyOf({ operator }: MeteredRouter, account = 'clinic-7'): Promise<string> {
  return (await operator.makeKey({ account })).key;
}

/** The prompt is about 10 tokens and the answer as long as is asked for, or shorter. */
function limitedTo(maxTokens: number, more: object = {}): object {
  return { ...QUESTION, max_tokens: maxTokens, ...more };
}

function tokensOf({ headers }: RawAnswer): number {
  return Number(headers['x-router-tokens']);
}

async function standing({ operator }: MeteredRouter, quota: string): Promise<Standing | undefined> {
  return (await operator.quotas()).find((one) => one.account === 'clinic-7' && one.quota === quota);
}

/** Resolves when all that was used is in the store, and nothing is held for requests under way. */
async function settledAt(fleet: MeteredRouter, quota: string, used: number): Promise<void> {
  await expect.poll(async () => (await standing(fleet, quota))?.used, PATIENT).toBe(used);
}

describe('requests per minute', () => {
  it('are granted to the last one; the next is refused with quota, use, limit and reset', async () => {
    await using fleet = await startWith({ requestsPerMinute: 3 });
    const key = await keyOf(fleet);
    for (let index = 0; index < 3; index++) expect((await chat(fleet.url, { key })).status).toBe(200);
    const refused = await chat(fleet.url, { key });
    const endsAt = new Date((Math.floor(Date.now() / 60_000) + 1) * 60_000).toISOString();
    expect(refused.status).toBe(429);
    expect(errorIn(refused)).toEqual({
      message: `The quota of account 'clinic-7' is exhausted. requestsPerMinute: 3 of 3 requests used or reserved, this request needs 1 request, and the quota resets at ${endsAt}.`,
      type: 'rate_limit_error',
      code: 'quota_exceeded',
      param: null,
    });
    const waitMs = Number(refused.headers['retry-after-ms']);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(60_000);
    expect(refused.headers['retry-after']).toBe(String(Math.ceil(waitMs / 1_000)));
    expect(refused.headers['x-should-retry']).toBe('true');
    expect(fleet.simulator.books().total.calls).toBe(3);
  });

  it('are granted anew when the minute is over', async () => {
    await using fleet = await startWith({ requestsPerMinute: 1 });
    const key = await keyOf(fleet);
    expect((await chat(fleet.url, { key })).status).toBe(200);
    expect((await chat(fleet.url, { key })).status).toBe(429);
    const realNow = Date.now.bind(Date);
    const later = vi.spyOn(Date, 'now').mockImplementation(() => realNow() + 60_000);
    try {
      await expect.poll(async () => (await chat(fleet.url, { key })).status, PATIENT).toBe(200);
      expect((await chat(fleet.url, { key })).status).toBe(429);
    } finally {
      later.mockRestore();
    }
  });

  it('are an account’s: all its keys share them, and no other account does', async () => {
    await using fleet = await startWith({ requestsPerMinute: 2 });
    const [mine, same, other] = [await keyOf(fleet), await keyOf(fleet), await keyOf(fleet, 'somebody-else')];
    const statuses: number[] = [];
    for (const key of [mine, same, mine, same, other, other, other])
      statuses.push((await chat(fleet.url, { key })).status);
    expect(statuses).toEqual([200, 200, 429, 429, 200, 200, 200]);
  });

  it('come with the plan where the account itself has none', async () => {
    const config = { plans: { small: { quota: { requestsPerMinute: 1 } } }, accounts: {} };
    await using fleet = await startMetered({ config });
    const { key } = await fleet.operator.makeKey({ account: 'planned', plan: 'small' });
    expect((await chat(fleet.url, { key })).status).toBe(200);
    expect((await chat(fleet.url, { key })).status).toBe(429);
    expect((await fleet.operator.quotas())[0]).toMatchObject({ account: 'planned', limit: 1 });
  });

  it('hold for parallel requests: exactly as many pass', async () => {
    await using fleet = await startWith({ requestsPerMinute: 10 });
    const key = await keyOf(fleet);
    const answers = await Promise.all(Array.from({ length: 40 }, () => chat(fleet.url, { key })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30);
  });

  it('are what a stock client hears of as RateLimitError, and its retries do not help it', async () => {
    await using fleet = await startWith({ tokensPerDay: 100 });
    const client = new OpenAI({ apiKey: await keyOf(fleet), baseURL: `${fleet.url}/openai/v1`, maxRetries: 2 });
    const create = () =>
      client.chat.completions.create({
        model: 'gpt-4.1',
        max_tokens: 40,
        messages: [{ role: 'user', content: 'Say it [[words:300]]' }],
      });
    await create();
    const begunAt = performance.now();
    const failure = await create().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RateLimitError);
    expect(failure).toMatchObject({ status: 429, code: 'quota_exceeded' });
    // A day is too long to wait: it was told not to try again.
    expect((failure as RateLimitError).headers.get('x-should-retry')).toBe('false');
    expect(performance.now() - begunAt).toBeLessThan(5_000);
  });
});

describe('the headers of an answer', () => {
  it('tell the account’s limits; the deployment’s are told under another name', async () => {
    const endpoints = [{ name: 'A', deployments: { 'gpt-4.1': { model: 'gpt-4.1', tokensPerMinute: 50_000 } } }];
    const quota = { requestsPerMinute: 5, tokensPerMinute: 9_000 };
    await using fleet = await startWith(quota, { simulator: { endpoints } });
    const [limited, free] = [await keyOf(fleet), await keyOf(fleet, 'free')];
    const one = await chat(fleet.url, { key: limited, body: limitedTo(50) });
    expect(one.headers['x-ratelimit-limit-requests']).toBe('5');
    expect(one.headers['x-ratelimit-remaining-requests']).toBe('4');
    expect(one.headers['x-ratelimit-limit-tokens']).toBe('9000');
    expect(Number(one.headers['x-ratelimit-remaining-tokens'])).toBeLessThan(9_000);
    expect(one.headers['x-ratelimit-reset-requests']).toMatch(/^\d+s$/);
    expect(one.headers['x-router-deployment-ratelimit-limit-tokens']).toBe('50000');
    const two = await chat(fleet.url, { key: limited, body: limitedTo(50) });
    expect(two.headers['x-ratelimit-remaining-requests']).toBe('3');

    const untouched = await chat(fleet.url, { key: free, body: limitedTo(50) });
    expect(untouched.headers['x-ratelimit-limit-tokens']).toBe('50000');
    const names = Object.keys(untouched.headers);
    expect(names.filter((name) => name.startsWith('x-router-deployment-ratelimit-'))).toEqual([]);
    expect(names).not.toContain('x-ratelimit-reset-requests');
  });

  it('tell them on streams and on refusals too, and nothing of the deployment’s where only days are limited', async () => {
    await using fleet = await startWith({ requestsPerMinute: 1 });
    const key = await keyOf(fleet);
    const streamed = await chat(fleet.url, { key, body: STREAMED });
    expect(streamed.headers['x-ratelimit-remaining-requests']).toBe('0');
    const refused = await chat(fleet.url, { key });
    expect(refused.headers['x-ratelimit-limit-requests']).toBe('1');
    expect(refused.headers['x-ratelimit-remaining-requests']).toBe('0');

    await using daily = await startWith({ tokensPerDay: 100_000 });
    const answer = await chat(daily.url, { key: await keyOf(daily), body: limitedTo(20) });
    expect(answer.headers['x-ratelimit-limit-tokens']).toBe('10000000');
  });
});

describe('tokens', () => {
  it.each(['tokensPerMinute', 'tokensPerDay', 'tokensPerMonth'])(
    '(%s) are reserved before the call and settled after it: what was not used is there again',
    async (quota) => {
      await using fleet = await startWith({ [quota]: 600 });
      const key = await keyOf(fleet);
      let used = 0;
      // Each would reserve nearly all of it, and uses a fraction.
      for (let index = 0; index < 4; index++) {
        const answer = await chat(fleet.url, { key, body: limitedTo(400) });
        expect([index, answer.status]).toEqual([index, 200]);
        used += tokensOf(answer);
      }
      expect(used).toBe(fleet.simulator.books().total.promptTokens + fleet.simulator.books().total.completionTokens);
      await settledAt(fleet, quota, used);
    },
  );

  it('that a request may need and that are not left refuse it before it is sent', async () => {
    await using fleet = await startWith({ tokensPerDay: 500 });
    const key = await keyOf(fleet);
    const body = limitedTo(300, { messages: [{ role: 'user', content: 'Go on [[words:900]]' }] });
    expect((await chat(fleet.url, { key, body })).status).toBe(200);
    const refused = await chat(fleet.url, { key, body });
    expect(refused.status).toBe(429);
    expect(errorIn(refused).message).toMatch(/tokensPerDay: \d+ of 500 tokens used or reserved/);
    expect(refused.headers['x-should-retry']).toBe('false');
    expect(fleet.simulator.books().total.calls).toBe(1);
    // What is left is still there for whoever needs less.
    expect((await chat(fleet.url, { key, body: limitedTo(20) })).status).toBe(200);
  });

  it('that would not even fit into an empty window are refused for good', async () => {
    await using fleet = await startWith({ tokensPerDay: 500 });
    const refused = await chat(fleet.url, { key: await keyOf(fleet), body: limitedTo(1_000) });
    expect(refused.status).toBe(429);
    expect(errorIn(refused)).toMatchObject({ code: 'quota_exceeded' });
    expect(errorIn(refused).message).toMatch(/needs 1\d\d\d tokens, and the limit is 500 tokens altogether/);
    expect([refused.headers['retry-after'], refused.headers['x-should-retry']]).toEqual([undefined, 'false']);
  });

  it('of a stream are settled when it ends, to the token that the deployment counted', async () => {
    await using fleet = await startWith({ tokensPerDay: 5_000 });
    const key = await keyOf(fleet);
    const answer = await chat(fleet.url, { key, body: limitedTo(2_000, { stream: true }) });
    expect([answer.status, answer.whole]).toEqual([200, true]);
    const { promptTokens, completionTokens } = fleet.simulator.books().total;
    await settledAt(fleet, 'tokensPerDay', promptTokens + completionTokens);
  });

  it.each([
    { what: 'an unknown deployment (404)', fault: '404', status: 502 },
    { what: 'throttling everywhere (429)', fault: '429;retry-after-ms=60000', status: 429 },
    { what: 'a failure everywhere (500)', fault: '500', status: 503 },
    { what: 'a filtered prompt (400)', fault: '400', status: 400 },
  ])('are given back after $what', async ({ fault, status }) => {
    await using fleet = await startWith({ tokensPerDay: 600 }, { config: { retries: { sameDeployment: 0 } } });
    const key = await keyOf(fleet);
    fleet.simulator.faults.add({ fault, deployment: 'gpt-4.1' });
    expect((await chat(fleet.url, { key, body: limitedTo(400) })).status).toBe(status);
    const answer = await chat(fleet.url, { key, body: limitedTo(400, { model: 'gpt-4o' }) });
    expect(answer.status).toBe(200);
    await settledAt(fleet, 'tokensPerDay', tokensOf(answer));
  });
});

describe('dollars', () => {
  it.each(['usdPerDay', 'usdPerMonth'])('(%s) are counted as the headers say, and then refused', async (quota) => {
    await using fleet = await startWith({ [quota]: 0.003 });
    const key = await keyOf(fleet);
    const body = limitedTo(200, { messages: [{ role: 'user', content: 'Go on [[words:900]]' }] });
    const first = await chat(fleet.url, { key, body });
    expect(first.status).toBe(200);
    await settledAt(fleet, quota, Number(first.headers['x-router-cost-usd']));
    expect((await chat(fleet.url, { key, body })).status).toBe(429);
    const refused = await chat(fleet.url, { key, body });
    expect(errorIn(refused).message).toMatch(/\$0\.00\d+ of \$0\.003 used or reserved, this request needs \$0\.00/);
  });
});

describe('operators', () => {
  it('see each quota at GET /router/quotas: limit, used, what is left and when it resets', async () => {
    const config = { accounts: { 'clinic-7': { quota: { requestsPerMinute: 9, usdPerMonth: 5 } }, unlimited: {} } };
    await using fleet = await startMetered({ config: { ...config, breaker: { refreshMs: 250 } } });
    expect(await fleet.operator.quotas()).toMatchObject([
      { account: 'clinic-7', quota: 'requestsPerMinute', limit: 9, used: 0, reserved: 0, remaining: 9 },
      { account: 'clinic-7', quota: 'usdPerMonth', limit: 5, used: 0, reserved: 0, remaining: 5 },
    ]);
    const key = await keyOf(fleet);
    const cost = Number((await chat(fleet.url, { key, body: limitedTo(20) })).headers['x-router-cost-usd']);
    await settledAt(fleet, 'requestsPerMinute', 1);
    const usd = await standing(fleet, 'usdPerMonth');
    expect(usd?.used).toBe(cost);
    const now = new Date();
    expect(usd?.resetsAt).toBe(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1)).toISOString());
  });

  it('are warned in the log once, from 80 % on', async () => {
    await using fleet = await startWith({ requestsPerMinute: 10 });
    const key = await keyOf(fleet);
    const warnings = () => linesOf(fleet.router).filter(({ message }) => message === 'Quota runs low');
    for (let index = 0; index < 6; index++) await chat(fleet.url, { key });
    await settledAt(fleet, 'requestsPerMinute', 6);
    expect(warnings()).toEqual([]);
    for (let index = 0; index < 4; index++) expect((await chat(fleet.url, { key })).status).toBe(200);
    await settledAt(fleet, 'requestsPerMinute', 10);
    await expect.poll(() => warnings().length, PATIENT).toBe(1);
    expect(warnings()[0]).toMatchObject({ level: 'warn', account: 'clinic-7', quota: 'requestsPerMinute', limit: 10 });
    expect(Number(warnings()[0]?.['used'])).toBeGreaterThanOrEqual(8);
  });
});
