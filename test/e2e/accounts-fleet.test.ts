/** Keys between routers that share nothing but the tables. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { chat } from '../harness/metered.ts';
import { ADMIN_KEY, errorIn, type Operator, operatorOf } from '../harness/operator.ts';
import { fleet, type RouterParts, startRouter, type TestRouter } from '../harness/router.ts';
import { json, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

const REFRESH_MS = 500;
/** Beside the refresh period itself, for a machine that others want too. */
const SLACK_MS = 1_500;
const CLOSED: RouterParts = { adminKey: ADMIN_KEY, loopbackOnly: false };

let emulator: RunningEmulator;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  emulator = await runEmulator();
  upstream = await startUpstream(json(200, { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }));
});
afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  await emulator[Symbol.asyncDispose]();
});

function startOn({ connectionString }: RunningEmulator, parts: RouterParts = CLOSED): Promise<TestRouter> {
  const storage = { kind: 'connectionString', text: connectionString } as const;
  return startRouter(fleet([upstream.url], { breaker: { refreshMs: REFRESH_MS } }), { storage, ...parts });
}

async function statusOf({ url }: TestRouter, key?: string): Promise<number> {
  return (await chat(url, key === undefined ? {} : { key })).status;
}

/** How long it takes until a request with this key gets this status. */
async function untilStatus(router: TestRouter, key: string, status: number): Promise<number> {
  const begunAt = performance.now();
  await expect.poll(() => statusOf(router, key), { timeout: 10_000, interval: 20 }).toBe(status);
  return performance.now() - begunAt;
}

async function idsOn(operator: Operator): Promise<string[]> {
  return (await operator.control<{ items: { id: string }[] }>({ path: '/router/keys' })).items.map(({ id }) => id);
}

describe('a key that one router made', () => {
  it('opens the others at once, dies everywhere within one refresh period, and outlives a restart meanwhile', async () => {
    await using one = await startOn(emulator);
    await using two = await startOn(emulator);
    const [here, there] = [operatorOf(one.url), operatorOf(two.url)];
    // It has read the keys there are: of a new one it has to be told, or to ask.
    await idsOn(there);
    const { id, key } = await here.makeKey({ account: 'clinic-7', creator: 'maria' });
    expect(await statusOf(two, key)).toBe(200);
    expect(await idsOn(there)).toContain(id);
    await using three = await startOn(emulator);
    expect(await statusOf(three, key)).toBe(200);

    await here.revoke(id);
    expect(await statusOf(one, key)).toBe(401);
    expect(await untilStatus(two, key, 401)).toBeLessThan(REFRESH_MS + SLACK_MS);
    expect(await untilStatus(three, key, 401)).toBeLessThan(REFRESH_MS + SLACK_MS);
    expect(await idsOn(there)).not.toContain(id);
    const again = await there.ask({ method: 'DELETE', path: `/router/keys/${id}` });
    expect([again.status, errorIn(again).code]).toEqual([404, 'invalid_request']);
  });

  it('can be revoked on another that has never seen it', async () => {
    await using one = await startOn(emulator);
    await using two = await startOn(emulator);
    const { id, key } = await operatorOf(one.url).makeKey({ account: 'clinic-7' });
    await operatorOf(two.url).revoke(id);
    expect(await statusOf(two, key)).toBe(401);
    expect(await untilStatus(one, key, 401)).toBeLessThan(REFRESH_MS + SLACK_MS);
  });

  it('brings its usage together, whichever router it was used on', async () => {
    await using one = await startOn(emulator);
    await using two = await startOn(emulator);
    const { key } = await operatorOf(one.url).makeKey({ account: 'together' });
    for (const router of [one, two, two]) expect(await statusOf(router, key)).toBe(200);
    await two[Symbol.asyncDispose]();
    const { rows } = await operatorOf(one.url).usage('by=account');
    expect(rows.find(({ account }) => account === 'together')).toMatchObject({ requests: 3, totalTokens: 6 });
  });
});

describe('the first key that is made on a loopback', () => {
  it('closes the doors of every router on the same tables, also of those that start later', async () => {
    await using tables = await runEmulator();
    const open: RouterParts = { adminKey: null, loopbackOnly: true };
    await using one = await startOn(tables, open);
    await using two = await startOn(tables, open);
    expect([await statusOf(one), await statusOf(two)]).toEqual([200, 200]);
    const { key } = await operatorOf(one.url, null).makeKey({ account: 'clinic-7' });
    expect(await statusOf(one)).toBe(401);
    await expect.poll(() => statusOf(two), { timeout: REFRESH_MS + SLACK_MS, interval: 20 }).toBe(401);
    await using three = await startOn(tables, open);
    expect(await statusOf(three)).toBe(401);
    for (const router of [one, two, three]) expect(await statusOf(router, key)).toBe(200);
  });
});
