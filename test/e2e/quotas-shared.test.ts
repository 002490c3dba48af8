/** One quota, and several who want it at the same time: requests under way, and routers that share nothing but the tables. */
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { chat, linesOf } from '../harness/metered.ts';
import { roomInMinute } from '../harness/minute.ts';
import { ADMIN_KEY, errorIn, type Operator, operatorOf, type Standing } from '../harness/operator.ts';
import { QUESTION, type RawAnswer } from '../harness/raw.ts';
import { fleet, startRouter, type TestRouter } from '../harness/router.ts';
import { json, type Script, startUpstream } from '../harness/upstream.ts';

const PATIENT = { timeout: 10_000, interval: 25 };
const KEY = 'a-caller-of-the-environment';
const USAGE = { prompt_tokens: 60, completion_tokens: 40 };
const ANSWER = json(200, { choices: [], usage: USAGE });

let emulator: RunningEmulator;

beforeAll(async () => {
  emulator = await runEmulator();
});
afterAll(() => emulator.close());
beforeEach(() => roomInMinute());

function startWith(url: string, quota: object, account = 'default'): Promise<TestRouter> {
  const document = fleet([url], { accounts: { [account]: { quota } }, breaker: { refreshMs: 250 } });
  const storage = { kind: 'connectionString', text: emulator.connectionString } as const;
  return startRouter(document, { storage, adminKey: ADMIN_KEY, callerKeys: [KEY], loopbackOnly: false });
}

async function standing(operator: Operator, account: string): Promise<Standing | undefined> {
  return (await operator.quotas()).find((one) => one.account === account);
}

function tally(answers: readonly RawAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('a request under way', () => {
  it('holds all it may need until it is over; then what it did not use is anybody’s', async () => {
    const held: (() => void)[] = [];
    const holding: Script = (request, response: ServerResponse) => void held.push(() => ANSWER(request, response));
    await using upstream = await startUpstream(holding);
    await using router = await startWith(upstream.url, { tokensPerDay: 1_000 });
    const operator = operatorOf(router.url);
    const body = { ...QUESTION, max_tokens: 700 };
    const first = chat(router.url, { key: KEY, body });
    await expect.poll(() => held.length, PATIENT).toBe(1);
    expect((await standing(operator, 'default'))?.reserved).toBeGreaterThanOrEqual(700);
    expect((await standing(operator, 'default'))?.used).toBe(0);

    const refused = await chat(router.url, { key: KEY, body });
    expect([refused.status, errorIn(refused).code]).toEqual([429, 'quota_exceeded']);
    expect(upstream.received).toHaveLength(1);

    held[0]!();
    expect((await first).status).toBe(200);
    upstream.script(ANSWER);
    await expect.poll(async () => (await chat(router.url, { key: KEY, body })).status, PATIENT).toBe(200);
    await expect.poll(async () => (await standing(operator, 'default'))?.used, PATIENT).toBe(200);
  });
});

describe('three routers', () => {
  it('together grant exactly the limit, and one of them warns', async () => {
    await using upstream = await startUpstream(ANSWER);
    const routers = [];
    await using stack = new AsyncDisposableStack();
    for (let at = 0; at < 3; at++) {
      routers.push(stack.use(await startWith(upstream.url, { requestsPerMinute: 60 }, 'together')));
    }
    const { key } = await operatorOf(routers[0]!.url).makeKey({ account: 'together' });
    const answers: RawAnswer[] = [];
    // In waves: leases that lie about elsewhere come back between them.
    for (let wave = 0; wave < 8; wave++) {
      const calls = routers.flatMap(({ url }) => [1, 2, 3, 4].map(() => chat(url, { key })));
      answers.push(...(await Promise.all(calls)));
    }
    const counts = tally(answers);
    expect(Object.keys(counts).sort()).toEqual(['200', '429']);
    expect(counts[200]).toBe(60);
    expect(upstream.received).toHaveLength(60);
    const [operator] = routers.map(({ url }) => operatorOf(url));
    await expect.poll(async () => (await standing(operator!, 'together'))?.used, PATIENT).toBe(60);
    const warnings = routers.flatMap((router) => linesOf(router).filter(({ message }) => message === 'Quota runs low'));
    expect(warnings).toMatchObject([{ account: 'together', quota: 'requestsPerMinute', limit: 60 }]);
  });
});
