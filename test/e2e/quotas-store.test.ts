/** What becomes of quotas while the store that keeps them does not answer. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type FlakyTables, startFlakyTables, type TableFault } from '../harness/flakyTables.ts';
import { chat, linesOf } from '../harness/metered.ts';
import { roomInMinute } from '../harness/minute.ts';
import { ADMIN_KEY, errorIn, type Operator, operatorOf } from '../harness/operator.ts';
import { fleet, startRouter, type TestRouter } from '../harness/router.ts';
import { json, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

const PATIENT = { timeout: 20_000, interval: 50 };
/** Beside the two calls of the store that a request waits for at most. */
const LONGEST_MS = 4_000;
const KEY = 'a-caller-of-the-environment';
const QUOTA = { requestsPerMinute: 400, tokensPerDay: 100_000 };

beforeEach(() => roomInMinute());

type Policy = 'open' | 'closed';

interface Place extends AsyncDisposable {
  readonly router: TestRouter;
  readonly operator: Operator;
  readonly tables: FlakyTables;
  readonly upstream: ScriptedUpstream;
}

async function startPlace(
  whenStoreDown: Policy,
  quota: object = QUOTA,
  fault: TableFault | 'well' = 'well',
): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const tables = stack.use(await startFlakyTables());
  await tables.become(fault);
  const answer = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 3 } };
  const upstream = stack.use(await startUpstream(json(200, answer)));
  const document = fleet([upstream.url], {
    accounts: { default: { quota } },
    quotas: { whenStoreDown, outputTokens: 50 },
    breaker: { refreshMs: 250 },
  });
  const storage = { kind: 'connectionString', text: tables.connectionString } as const;
  const parts = { storage, adminKey: ADMIN_KEY, callerKeys: [KEY], loopbackOnly: false };
  const router = stack.use(await startRouter(document, parts));
  const kept = stack.move();
  return {
    router,
    tables,
    upstream,
    operator: operatorOf(router.url),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function isHealthy({ operator }: Place): Promise<boolean> {
  return (await operator.control<{ store: { healthy: boolean } }>({ path: '/router/status' })).store.healthy;
}

async function lose(place: Place, fault: TableFault): Promise<void> {
  await place.tables.become(fault);
  await expect.poll(() => isHealthy(place), PATIENT).toBe(false);
}

async function used({ operator }: Place, quota: string): Promise<number | undefined> {
  return (await operator.quotas()).find((one) => one.quota === quota)?.used;
}

const FAULTS: readonly TableFault[] = ['refuse', 'hang', 'busy'];

describe('while the tables cannot be asked', () => {
  it.each(FAULTS)('(%s) quotas that fail open let everybody pass, and count them afterwards', async (fault) => {
    await using place = await startPlace('open');
    const { router, tables } = place;
    await expect.poll(() => isHealthy(place), PATIENT).toBe(true);
    expect((await chat(router.url, { key: KEY })).status).toBe(200);
    await lose(place, fault);
    const begunAt = performance.now();
    for (let index = 0; index < 30; index++) expect((await chat(router.url, { key: KEY })).status).toBe(200);
    expect(performance.now() - begunAt).toBeLessThan(LONGEST_MS);

    await tables.become('well');
    await expect.poll(() => isHealthy(place), PATIENT).toBe(true);
    await expect.poll(() => used(place, 'tokensPerDay'), PATIENT).toBe(31 * 10);
    expect(linesOf(router).map(({ message }) => message)).not.toContain('The router failed');
  });

  it.each(FAULTS)(
    '(%s) quotas that fail closed refuse with 503 whatever is not certain, and recover',
    async (fault) => {
      await using place = await startPlace('closed');
      const { router, tables, upstream } = place;
      await expect.poll(() => isHealthy(place), PATIENT).toBe(true);
      expect((await chat(router.url, { key: KEY })).status).toBe(200);
      await lose(place, fault);
      const begunAt = performance.now();
      // What was leased before is this instance's, and is used up first.
      const answers = [];
      for (let index = 0; index < 60; index++) answers.push(await chat(router.url, { key: KEY }));
      expect(performance.now() - begunAt).toBeLessThan(2 * LONGEST_MS);
      const last = answers.at(-1)!;
      expect(last.status).toBe(503);
      expect(errorIn(last)).toMatchObject({ code: 'quota_exceeded', type: 'server_error' });
      expect(errorIn(last).message).toBe("Quotas of account 'default' cannot be checked at the moment.");
      expect(last.headers['retry-after']).toBe('1');
      expect(last.headers['x-should-retry']).toBe('true');
      const granted = answers.filter(({ status }) => status === 200).length;
      expect(upstream.received).toHaveLength(granted + 1);
      expect(granted).toBeLessThan(60);

      await tables.become('well');
      await expect.poll(async () => (await chat(router.url, { key: KEY })).status, PATIENT).toBe(200);
    },
  );

  it.each<{ policy: Policy; status: number }>([
    { policy: 'open', status: 200 },
    { policy: 'closed', status: 503 },
  ])('from the very start on, quotas that fail $policy answer $status', async ({ policy, status }) => {
    await using place = await startPlace(policy, QUOTA, 'refuse');
    expect((await chat(place.router.url, { key: KEY })).status).toBe(status);
    await expect.poll(() => isHealthy(place), PATIENT).toBe(false);
    expect((await chat(place.router.url, { key: KEY })).status).toBe(status);
    expect(place.upstream.received).toHaveLength(status === 200 ? 2 : 0);
  });

  it('what is certain holds even open: a quota that was used up before stays used up', async () => {
    await using place = await startPlace('open', { requestsPerMinute: 2 });
    const { router } = place;
    for (const expected of [200, 200, 429]) expect((await chat(router.url, { key: KEY })).status).toBe(expected);
    await lose(place, 'refuse');
    const refused = await chat(router.url, { key: KEY });
    expect([refused.status, errorIn(refused).code]).toEqual([429, 'quota_exceeded']);
  });

  it('accounts without a quota notice nothing', async () => {
    await using place = await startPlace('closed', {});
    await lose(place, 'refuse');
    expect((await chat(place.router.url, { key: KEY })).status).toBe(200);
  });

  it.each(['/router/quotas', '/router/usage'])('%s answers 503 and no fault of the router’s own', async (path) => {
    await using place = await startPlace('open');
    await expect.poll(() => isHealthy(place), PATIENT).toBe(true);
    await lose(place, 'refuse');
    const { status, headers } = await place.operator.ask({ path });
    expect(status).toBe(503);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(linesOf(place.router).map(({ message }) => message)).not.toContain('The router failed');
  });
});
