import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { FleetEvent } from '../../src/domain/event.ts';
import type { Answer } from '../../src/domain/message.ts';
import type { Overview } from '../../src/domain/overview.ts';
import { type AppDeps, createApp } from '../../src/http/app.ts';
import type { StoreStanding } from '../../src/state/port.ts';
import { settled } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { appFor, ask } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com'], {
    accounts: { acme: { quota: { tokensPerDay: 1_000 } } },
  }),
);
const TARGET = '/router/overview';
const CALLER = { gone: false, onGone: () => () => undefined };

const nobody = (): Promise<never> => Promise.reject(new Error('nobody changes anything here'));
const CHANGES = { drain: nobody, restore: nobody, assign: nobody, release: nobody };

/** A store whose reads are counted, and end when and how the test says. */
function stage(parts: Partial<AppDeps> = {}) {
  const one = appFor(CONFIG);
  const { operations } = one.appDeps;
  const reads = { events: 0, quotas: 0, looks: 0 };
  let events = (): Promise<readonly FleetEvent[]> => Promise.resolve([]);
  let standing: Partial<StoreStanding> = {};
  const appDeps: AppDeps = {
    ...one.appDeps,
    operations: {
      agents: () => operations.agents(),
      agent: (name) => operations.agent(name),
      failuresOf: (id) => operations.failuresOf(id),
      causeOf: (id) => operations.causeOf(id),
      events: () => {
        reads.events += 1;
        return events();
      },
      store: () => ({ ...operations.store(), healthy: true, ...standing }),
      ...CHANGES,
    },
    keys: { list: () => Promise.resolve([]) } as unknown as AppDeps['keys'],
    quotas: {
      standing: (account) => {
        reads.quotas += 1;
        const facts = {
          quota: 'tokensPerDay' as const,
          limit: 1_000,
          used: 200,
          reserved: 50,
          resetsAt: one.clock.now(),
        };
        return Promise.resolve([{ account, ...facts }]);
      },
    },
    recent: {
      activity: () => {
        reads.looks += 1;
        return one.appDeps.recent.activity();
      },
    },
    ...parts,
  };
  const app = createApp(appDeps);
  return {
    ...one,
    app,
    reads,
    say: (answer: () => Promise<readonly FleetEvent[]>) => {
      events = answer;
    },
    stand: (next: Partial<StoreStanding>) => {
      standing = next;
    },
    look: async (): Promise<Overview> => (await ask(app, { target: TARGET })).json as Overview,
    raw: (headers: readonly string[]): Promise<Answer> =>
      app.handle({
        method: 'GET',
        target: TARGET,
        headers,
        source: '127.0.0.1',
        caller: CALLER,
        readBody: () => Promise.resolve(Buffer.alloc(0)),
      }),
  };
}

const opened = (at: number, kind: 'opened' | 'closed' = 'opened'): FleetEvent => ({
  kind,
  deployment: 'A/gpt-4.1',
  at,
  instance: 'i1',
  until: at + 1_000,
  cause: 'status 503',
});

const headerOf = ({ headers }: Answer, name: string): string | undefined => headers[headers.indexOf(name) + 1];
const isLike = (answer: Answer, name: string): boolean => answer.headers.includes(name);

describe('the overview', () => {
  test('has in one look what the other pages have', async () => {
    const { app, clock, look, say, record } = stage();
    record('A/gpt-4.1', 'throttled', { retryAfterMs: 60_000 });
    const failover = { agent: 'ada', from: 'A/gpt-4.1', to: 'B/gpt-4.1', cause: 'throttled', count: 3 } as const;
    const at = clock.now();
    say(() => Promise.resolve([{ kind: 'failover', ...failover, at, instance: 'i2' }, opened(at - 1)]));
    const overview = await look();
    const { json } = await ask(app, { target: '/router/status' });
    const { pools, deployments, agents, store } = json as Overview;
    expect(overview).toMatchObject({ instance: 'i1', pools, deployments, agents, store });
    const iso = new Date(at).toISOString();
    expect([overview.at, overview.startedAt]).toEqual([iso, iso]);
    expect(overview.events).toEqual([
      { kind: 'failover', at: iso, deployment: null, until: null, ...failover },
      {
        kind: 'opened',
        at: new Date(at - 1).toISOString(),
        agent: null,
        deployment: 'A/gpt-4.1',
        from: null,
        to: null,
        cause: 'status 503',
        count: 1,
        until: new Date(at + 999).toISOString(),
      },
    ]);
    expect(overview.quotas).toEqual([
      { account: 'acme', quota: 'tokensPerDay', limit: 1_000, used: 200, reserved: 50, remaining: 750, resetsAt: iso },
    ]);
    expect(overview.activity.minutes).toHaveLength(60);
  });

  test('is made once in half a second, however many ask', async () => {
    const { look, clock, reads } = stage();
    await Promise.all(Array.from({ length: 20 }, look));
    expect(reads.looks).toBe(1);
    clock.advance(499);
    await look();
    expect(reads.looks).toBe(1);
    clock.advance(1);
    await Promise.all(Array.from({ length: 20 }, look));
    expect(reads.looks).toBe(2);
  });

  test('reads events once in two seconds, quotas once in five, and nothing while nobody asks', async () => {
    const { look, clock, reads } = stage();
    for (let second = 0; second < 10; second += 0.5) {
      await look();
      await settled();
      clock.advance(500);
    }
    expect(reads).toMatchObject({ events: 5, quotas: 2 });
    clock.advance(3_600_000);
    expect(clock.pending).toBe(0);
    expect(reads).toMatchObject({ events: 5, quotas: 2 });
  });

  test('waits a moment for its first look, and then never again for a store that does not answer', async () => {
    const { look, clock, say, reads } = stage();
    say(() => new Promise(() => undefined));
    const first = look();
    await clock.pass(249);
    expect(reads.looks).toBe(0);
    await clock.pass(1);
    expect((await first).events).toEqual([]);
    clock.advance(500);
    const later = look();
    await settled();
    expect(reads.looks).toBe(2);
    expect((await later).events).toEqual([]);
  });

  test('asks a store again that has not answered for five seconds, and believes only the last to be asked', async () => {
    const { look, clock, say, reads } = stage();
    let late: (events: readonly FleetEvent[]) => void = () => undefined;
    say(() => new Promise((resolve) => (late = resolve)));
    const first = look();
    await clock.pass(5_000);
    await first;
    const fresh = opened(clock.now());
    say(() => Promise.resolve([fresh]));
    await look();
    await settled();
    expect(reads.events).toBe(2);
    late([]);
    await settled();
    clock.advance(500);
    expect((await look()).events).toHaveLength(1);
  });

  test('shows what is known where the store fails', async () => {
    const { look, clock, say } = stage({});
    say(() => Promise.resolve([opened(clock.now())]));
    expect((await look()).events).toHaveLength(1);
    say(() => Promise.reject(new Error('away')));
    clock.advance(2_000);
    await look();
    await settled();
    clock.advance(500);
    expect((await look()).events).toHaveLength(1);
  });

  test('adds what happens here to what is known, while the store is away', async () => {
    const { look, clock, say, stand } = stage();
    const before = opened(clock.now());
    say(() => Promise.resolve([before]));
    await look();
    clock.advance(2_000);
    const mine = opened(clock.now(), 'closed');
    say(() => Promise.resolve([mine]));
    stand({ healthy: false });
    await look();
    await settled();
    clock.advance(2_000);
    const { events } = await look();
    expect(events.map(({ kind }) => kind)).toEqual(['closed', 'opened']);
    await settled();
    stand({ healthy: true });
    clock.advance(2_000);
    await look();
    await settled();
    clock.advance(500);
    expect((await look()).events.map(({ kind }) => kind)).toEqual(['closed']);
  });

  test('shows quotas of no more than a hundred accounts', async () => {
    const accounts = Object.fromEntries(
      Array.from({ length: 150 }, (_, at) => [`a${at}`, { quota: { tokensPerDay: 1 } }]),
    );
    const { look } = stage({ config: configOf(fleet(['https://a.openai.azure.com'], { accounts })) });
    expect((await look()).quotas).toHaveLength(100);
  });
});

describe('the overview’s bytes', () => {
  test.each([
    { accepts: 'gzip', is: true },
    { accepts: 'br, GZIP;q=0.5', is: true },
    { accepts: '*', is: true },
    { accepts: 'gzip;q=0', is: false },
    { accepts: 'gzip;q=0, *', is: false },
    { accepts: 'gzip; q=0.000', is: false },
    { accepts: 'br, identity', is: false },
    { accepts: '', is: false },
  ])('are compressed for those who accept it: $accepts', async ({ accepts, is }) => {
    const { raw } = stage();
    const plain = await raw([]);
    const answer = await raw(accepts === '' ? [] : ['Accept-Encoding', accepts]);
    expect(isLike(answer, 'content-encoding')).toBe(is);
    const body = is ? gunzipSync(answer.body as Buffer) : (answer.body as Buffer);
    expect(body.equals(plain.body as Buffer)).toBe(true);
    expect(headerOf(answer, 'vary')).toBe('accept-encoding');
  });

  test('are compressed once', async () => {
    const { raw } = stage();
    const [one, other] = await Promise.all([raw(['accept-encoding', 'gzip']), raw(['accept-encoding', 'gzip'])]);
    expect(one.body).toBe(other.body);
  });

  test.each([
    { what: 'the tag', tags: (tag: string) => tag },
    { what: 'one of several', tags: (tag: string) => `"x", ${tag}` },
    { what: 'the tag, as a strong one', tags: (tag: string) => tag.slice(2) },
    { what: 'any', tags: () => '*' },
  ])('are not sent to those who have them: $what', async ({ tags }) => {
    const { raw } = stage();
    const tag = headerOf(await raw([]), 'etag') ?? '';
    expect(tag).toMatch(/^W\/"[\w-]{27}"$/);
    const answer = await raw(['If-None-Match', tags(tag)]);
    expect([answer.status, answer.body, headerOf(answer, 'etag')]).toEqual([304, null, tag]);
    expect((await raw(['if-none-match', '"x"'])).status).toBe(200);
  });

  test('keep their tag as long as nothing happens, for a minute at most', async () => {
    const { raw, clock, stand } = stage();
    const tag = async (): Promise<string> => headerOf(await raw([]), 'etag') ?? '';
    const first = await tag();
    clock.advance(1_000);
    stand({ lastReadAt: clock.now() });
    expect(await tag()).toBe(first);
    stand({ healthy: false });
    clock.advance(1_000);
    expect(await tag()).not.toBe(first);
    stand({ healthy: true });
    clock.advance(60_000);
    expect(await tag()).not.toBe(first);
  });

  test('change their tag with what they show', async () => {
    const { raw, clock, record } = stage();
    const first = headerOf(await raw([]), 'etag');
    record('A/gpt-4.1', 'throttled', { retryAfterMs: 60_000 });
    clock.advance(500);
    expect(headerOf(await raw([]), 'etag')).not.toBe(first);
  });
});

test('the overview is for the admin alone', async () => {
  const { app } = appFor(CONFIG, [], { adminKey: 'admin', callerKeys: ['caller'], loopbackOnly: false });
  expect((await ask(app, { target: TARGET })).status).toBe(401);
  expect((await ask(app, { target: TARGET, headers: { 'api-key': 'caller' } })).status).toBe(403);
  expect((await ask(app, { target: TARGET, headers: { 'api-key': 'admin' } })).status).toBe(200);
});
