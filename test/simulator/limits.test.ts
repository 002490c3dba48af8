import { describe, expect, it } from 'vitest';
import type { DeploymentOptions } from '../../src/simulator/server.ts';
import { chatRaw, manualClock, simulate } from './fixture.ts';

const ASK = { model: 'limited', messages: [{ role: 'user', content: 'x'.repeat(172) }], max_tokens: 50 };
/** 3 for the request, 4 for the message, 43 for its text, 50 at most to come. */
const ESTIMATE = 100;

async function limited(options: Omit<DeploymentOptions, 'model'>) {
  const clock = manualClock();
  const stage = await simulate({
    clock,
    endpoints: [{ name: 'A', deployments: { limited: { model: 'gpt-4.1', ...options } } }],
  });
  return { ...stage, clock };
}

describe('tokens a minute', () => {
  it('are charged on arrival by prompt and maximum, and told in the headers', async () => {
    const { a } = await limited({ tokensPerMinute: 300 });
    const { headers } = await chatRaw(a, ASK);
    expect(headers).toMatchObject({
      'x-ratelimit-limit-tokens': '300',
      'x-ratelimit-remaining-tokens': String(300 - ESTIMATE),
    });
  });

  it('refuse the call that does not fit, with the wait until it would', async () => {
    const { simulator, a, clock } = await limited({ tokensPerMinute: 250 });
    expect((await chatRaw(a, ASK)).status).toBe(200);
    expect((await chatRaw(a, ASK)).status).toBe(200);
    const refused = await chatRaw(a, ASK);
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({
      'retry-after-ms': '12000',
      'retry-after': '12',
      'x-ratelimit-remaining-tokens': '50',
    });
    expect(JSON.parse(refused.body)).toMatchObject({
      error: { code: '429', message: expect.stringContaining('token rate limit') as string },
    });
    expect(simulator.books().rows).toMatchObject([{ outcomes: { ok: 2, throttled: 1 } }]);
    clock.advance(11_999);
    expect((await chatRaw(a, ASK)).status).toBe(429);
    clock.advance(1);
    expect((await chatRaw(a, ASK)).status).toBe(200);
  });

  it('never admit what is larger than the limit', async () => {
    const { a, clock } = await limited({ tokensPerMinute: 99 });
    for (let i = 0; i < 2; i++) {
      expect(await chatRaw(a, ASK)).toMatchObject({ status: 429, headers: { 'retry-after': '60' } });
      clock.advance(60_000);
    }
  });
});

describe('requests a minute', () => {
  it('are spread over windows of ten seconds', async () => {
    const { a, clock } = await limited({ requestsPerMinute: 12 });
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) statuses.push((await chatRaw(a, ASK)).status);
    expect(statuses).toEqual([200, 200, 429]);
    const refused = await chatRaw(a, ASK);
    expect(refused.headers).toMatchObject({
      'retry-after-ms': '5000',
      'retry-after': '5',
      'x-ratelimit-limit-requests': '12',
    });
    expect(refused.body).toContain('call rate limit');
    clock.advance(5_000);
    expect((await chatRaw(a, ASK)).status).toBe(200);
  });
});

describe('a provisioned deployment', () => {
  it('tells its utilization, corrected by what calls really took', async () => {
    const { a } = await limited({ kind: 'ptu', tokensPerMinute: 1_000 });
    const first = await chatRaw(a, { ...ASK, max_tokens: 500 });
    expect(first.headers['azure-openai-deployment-utilization']).toBe('55.0%');
    expect(first.headers['x-ratelimit-limit-tokens']).toBeUndefined();
    const { usage } = JSON.parse(first.body) as { usage: { total_tokens: number } };
    const second = await chatRaw(a, ASK);
    expect(second.headers['azure-openai-deployment-utilization']).toBe(
      `${((usage.total_tokens + ESTIMATE) / 10).toFixed(1)}%`,
    );
  });

  it('refuses above 100 % for just as long as it takes to get below', async () => {
    const { a, clock } = await limited({ kind: 'ptu', tokensPerMinute: 120 });
    expect((await chatRaw(a, ASK)).status).toBe(200);
    expect((await chatRaw(a, ASK)).status).toBe(200);
    const refused = await chatRaw(a, ASK);
    expect(refused.status).toBe(429);
    const waitMs = Number(refused.headers['retry-after-ms']);
    expect(waitMs).toBeGreaterThan(0);
    clock.advance(waitMs);
    expect((await chatRaw(a, ASK)).status).toBe(200);
  });
});

describe('a deployment without limits', () => {
  it('is never throttled', async () => {
    const { a } = await limited({});
    const answers = await Promise.all(Array.from({ length: 50 }, () => chatRaw(a, { ...ASK, max_tokens: 30_000 })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });
});
