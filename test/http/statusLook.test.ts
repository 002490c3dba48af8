/** `GET /router/status`: everything in one look, and what cannot be known is said to be so. */
import { describe, expect, test } from 'vitest';
import type { Key } from '../../src/accounts/keyRow.ts';
import type { FleetEvent } from '../../src/domain/event.ts';
import { type AppDeps, createApp } from '../../src/http/app.ts';
import { configOf, fleet } from '../harness/router.ts';
import { appFor, ask } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com'], { accounts: { acme: { quota: { tokensPerDay: 1_000 } } } }),
);
const SUM = {
  requests: 3,
  promptTokens: 30,
  cachedTokens: 0,
  completionTokens: 3,
  reasoningTokens: 0,
  totalTokens: 33,
  costUsd: 0.1,
  estimatedRequests: 0,
  unpricedRequests: 0,
};
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
const fails = (): Promise<never> => Promise.reject(new Error('the store is away'));

interface Store {
  readonly healthy?: boolean;
  readonly events?: () => Promise<FleetEvent[]>;
  readonly keys?: () => Promise<Key[]>;
  readonly usage?: AppDeps['usage']['report'];
}

function stage(store: Store = {}) {
  const one = appFor(CONFIG);
  const { operations } = one.appDeps;
  const at = one.clock.now();
  const failover: FleetEvent = {
    kind: 'failover',
    agent: 'ada',
    from: 'A/gpt-4.1',
    to: 'B/gpt-4.1',
    cause: 'throttled',
    count: 3,
    at,
    instance: 'i2',
  };
  const order = {
    account: 'acme',
    plan: null,
    agent: null,
    creator: null,
    operation: null,
    pools: null,
    expiresAt: null,
  };
  const key: Key = { ...order, id: 'k1', digest: 'the-digest', createdAt: at };
  const held: Store = { ...store };
  const reads = { usage: 0 };
  const app = createApp({
    ...one.appDeps,
    operations: Object.assign(Object.create(operations) as typeof operations, {
      agents: () => operations.agents(),
      failuresOf: (id: 'A/gpt-4.1') => operations.failuresOf(id),
      causeOf: (id: 'A/gpt-4.1') => operations.causeOf(id),
      store: () => ({ ...operations.store(), healthy: held.healthy ?? true }),
      events: () => (held.events ?? (() => Promise.resolve([failover])))(),
    }),
    keys: { list: () => (held.keys ?? (() => Promise.resolve([key])))() } as unknown as AppDeps['keys'],
    quotas: {
      standing: (account) =>
        Promise.resolve([{ account, quota: 'tokensPerDay', limit: 1_000, used: 200, reserved: 50, resetsAt: at }]),
    },
    usage: {
      report: (query) => {
        reads.usage += 1;
        return (held.usage ?? (() => Promise.resolve({ rows: [], total: SUM })))(query);
      },
    },
  });
  const look = async () => (await ask(app, { target: '/router/status' })).json as Record<string, unknown>;
  return { ...one, look, held: held as { -readonly [name in keyof Store]: Store[name] }, reads };
}

describe('the status', () => {
  test('has in one look what the other paths have, and no secret', async () => {
    const { look, clock } = stage();
    const status = await look();
    const iso = new Date(clock.now()).toISOString();
    const today = iso.slice(0, 10);
    expect(status).toMatchObject({
      defaultPool: 'gpt-4.1',
      pools: [{ name: 'gpt-4.1' }],
      deployments: [{ id: 'A/gpt-4.1' }],
      agents: [],
      store: { healthy: true },
      failovers: [{ kind: 'failover', agent: 'ada', from: 'A/gpt-4.1', count: 3, at: iso, instance: 'i2' }],
      usage: { from: today, to: today, total: SUM },
      quotas: [{ account: 'acme', quota: 'tokensPerDay', used: 200, remaining: 750 }],
      keys: [{ id: 'k1', account: 'acme', expired: false }],
    });
    expect(JSON.stringify(status)).not.toContain('digest');
  });

  test('says of what the store does not tell that it is not known, and tells the rest', async () => {
    const status = await stage({ events: fails, keys: fails, usage: fails }).look();
    expect(status).toMatchObject({ deployments: [{ id: 'A/gpt-4.1' }], failovers: null, usage: null, keys: null });
    expect(status['quotas']).toBeNull();
  });

  test('waits for a slow store a moment, and for one that is away not at all', async () => {
    const slow = stage({ events: never, keys: never, usage: never });
    const looked = slow.look();
    await slow.clock.pass(250);
    expect(await looked).toMatchObject({ failovers: null, usage: null, quotas: null, keys: null });
    const away = stage({ healthy: false, events: never, keys: never, usage: never });
    const answered = away.look();
    await away.clock.pass(0);
    expect(await answered).toMatchObject({ store: { healthy: false }, keys: null });
  });

  test('keeps what it knew while the store is away', async () => {
    const { look, held, clock } = stage();
    await look();
    Object.assign(held, { keys: fails, usage: fails });
    await clock.pass(60_000);
    expect(await look()).toMatchObject({ keys: [{ id: 'k1' }], usage: { total: SUM } });
  });

  test('reads a whole day of usage now and then only', async () => {
    const { look, clock, reads } = stage();
    for (let count = 0; count < 3; count++) await look();
    expect(reads.usage).toBe(1);
    await clock.pass(10_000);
    await look();
    expect(reads.usage).toBe(2);
  });
});
