import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeylessGate } from '../../src/accounts/keylessGate.ts';
import { HEALTHY, type Health } from '../../src/domain/health.ts';
import type { IncomingRequest } from '../../src/domain/message.ts';
import { explain } from '../../src/http/explain.ts';
import type { Call } from '../../src/relay/call.ts';
import { createRelay } from '../../src/relay/relay.ts';
import { configOf, fleet } from '../harness/router.ts';
import { ok, stageFor, status } from '../relay/fakes.ts';
import { configFor, health, moved, seeded } from '../routing/facts.ts';
import { appFor, ask, OPEN } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com', 'https://c.openai.azure.com']),
);
const WELL = { state: 'closed', since: null, until: null, cause: null };

describe('explain', () => {
  const WORLD = configFor({
    pools: {
      first: { strategy: 'priority', members: ['A/m', 'B/m', 'C/m'] },
      even: { strategy: 'roundRobin', members: ['A/m', 'B/m', 'C/m'] },
      shares: { strategy: 'weighted', members: ['A/m', 'B/m', 'C/m', 'D/m'] },
      keyed: { strategy: 'spread', members: ['A/m', 'B/m', 'C/m', 'D/m'] },
      second: { strategy: 'priority', members: ['D/n', 'B/n'] },
    },
    agents: { homes: { owner: 'B/m' } },
    tiers: { premium: { chain: ['second', 'first'] } },
  });

  test('names the very route that the data plane then takes', async () => {
    const questions = fc.record({
      model: fc.constantFrom('first', 'even', 'shares', 'keyed', 'premium', 'auto', 'C/m'),
      agent: fc.constantFrom('owner', 'other'),
      key: fc.option(fc.string({ maxLength: 4 }), { nil: undefined }),
      failover: fc.constantFrom('on', 'off'),
      turns: fc.nat({ max: 3 }),
      seed: fc.integer(),
      out: fc.subarray(['A/m', 'B/m', 'C/m', 'D/m', 'B/n'] as const),
    });
    await fc.assert(
      fc.asyncProperty(questions, async ({ model, agent, key, failover, turns, seed, out }) => {
        let draw = seeded(seed);
        const { app, record, upstream, state } = appFor(WORLD, [status(503)], {}, () => draw());
        const even = WORLD.pools.get('even');
        for (let turn = 0; turn < turns; turn++) if (even !== undefined) void state.turn(even);
        // Beyond the longest wait, so that none of them is waited for.
        for (const id of out) record(id, 'throttled', { retryAfterMs: 60_000 });
        const headers = { 'x-agent-name': agent, 'x-router-failover': failover };
        const body = { model, ...(key === undefined ? {} : { prompt_cache_key: key }) };
        const explained = await ask(app, {
          target: '/router/explain',
          body: { path: '/v1/chat/completions', headers, body },
        });
        expect(upstream.sent).toEqual([]);
        const { candidates, skipped } = explained.json as {
          candidates: { deployment: string }[];
          skipped: { deployment: string }[];
        };
        draw = seeded(seed);
        const call = ask(app, { target: '/v1/chat/completions', headers, body });
        void call;
        // Each attempt fails at once; the repeats behind them wait for the clock, which stands still.
        for (let round = 0; round < 40; round++) await Promise.resolve();
        for (const _ of candidates) await new Promise((resolve) => setImmediate(resolve));
        const sent = upstream.sent.map(({ request }) => request.endpoint.name);
        expect(sent).toEqual(candidates.map(({ deployment }) => deployment.split('/')[0]));
        expect(skipped.map(({ deployment }) => deployment)).not.toContain(candidates[0]?.deployment);
      }),
      { numRuns: 200 },
    );
  });

  test('takes no turn and claims no probe', async () => {
    const { app, state } = appFor(WORLD, [ok]);
    for (let count = 0; count < 5; count++)
      await ask(app, { target: '/router/explain', body: { path: '/v1/chat/completions', body: { model: 'even' } } });
    expect(state.peekTurn('even')).toBe(0);
  });

  test('says why a deployment is left out, since what, and until when', async () => {
    const { app, record, clock } = appFor(CONFIG);
    record('A/gpt-4.1', 'misconfigured');
    const { json } = await ask(app, {
      target: '/router/explain',
      body: { path: '/v1/chat/completions?x=1', body: { model: 'gpt-4.1' } },
    });
    expect(json).toEqual({
      name: 'gpt-4.1',
      agent: 'unknown_agent',
      sticky: null,
      pool: 'gpt-4.1',
      tier: null,
      downgradedFrom: null,
      reason: null,
      failoverOn: ['throttled', 'failing', 'misconfigured'],
      candidates: [
        { deployment: 'B/gpt-4.1', why: 'strategy', probe: false, ramping: false, ...WELL },
        { deployment: 'C/gpt-4.1', why: 'strategy', probe: false, ramping: false, ...WELL },
      ],
      skipped: [
        {
          deployment: 'A/gpt-4.1',
          reason: 'misconfigured',
          state: 'misconfigured',
          since: new Date(clock.now()).toISOString(),
          until: new Date(clock.now() + 300_000).toISOString(),
          cause: 'a test',
        },
      ],
    });
  });

  const asked = (name: string, headers: object = {}) => ({
    target: '/router/explain',
    body: { path: '/v1/chat/completions', headers, body: { model: name } },
  });

  test('says where an agent is stuck to, and what it was moved from', async () => {
    const { app, watched, clock } = appFor(WORLD);
    const home = await ask(app, asked('first', { 'x-agent-name': 'owner' }));
    expect(home.json).toMatchObject({ sticky: { deployment: 'B/m', why: 'home', movedFrom: null } });
    watched.assignments.set('owner', { ...moved({ deployment: 'C/m', from: 'B/m' }), returnAt: clock.now() + 1 });
    expect((await ask(app, asked('first', { 'x-agent-name': 'owner' }))).json).toMatchObject({
      sticky: { deployment: 'C/m', why: 'assigned', movedFrom: 'B/m' },
      candidates: [{ deployment: 'C/m', why: 'assigned' }, { deployment: 'A/m' }, { deployment: 'B/m' }],
    });
  });

  test('says which deployments are just back, and which are drained', async () => {
    const { app, watched, clock } = appFor(CONFIG);
    const since = clock.now() - 7;
    const inner = watched.snapshot();
    const known: Record<string, Health> = {
      'A/gpt-4.1': health({ drainedSince: since }),
      'B/gpt-4.1': health({ recovery: { since, sent: 1, answered: 0 } }),
    };
    Object.assign(inner, { health: (id: string) => known[id] ?? HEALTHY });
    const at = new Date(since).toISOString();
    expect((await ask(app, asked('gpt-4.1'))).json).toMatchObject({
      candidates: [
        { deployment: 'C/gpt-4.1', ramping: false, state: 'closed', since: null },
        { deployment: 'B/gpt-4.1', ramping: true, state: 'ramping', since: at, until: null },
      ],
      skipped: [{ deployment: 'A/gpt-4.1', reason: 'drained', state: 'drained', since: at, until: null }],
    });
    const { json } = await ask(app, { target: '/router/deployments' });
    expect(json).toMatchObject({
      items: [
        { id: 'A/gpt-4.1', state: 'drained', since: at, until: null },
        { id: 'B/gpt-4.1', state: 'ramping', since: at, until: null },
        { id: 'C/gpt-4.1', state: 'closed', since: null, until: null },
      ],
    });
  });

  test('says the tier, and nothing more of it for those who stand in it', async () => {
    const { app } = appFor(WORLD);
    const { json } = await ask(app, asked('premium'));
    expect(json).toMatchObject({ tier: 'premium', downgradedFrom: null, reason: null });
    const { candidates } = json as { candidates: object[] };
    for (const candidate of candidates) expect(candidate).not.toHaveProperty('tier');
  });

  test('says of those further down which tier they stand in, and why', async () => {
    const config = configFor({
      pools: {
        dear: { strategy: 'priority', members: ['A/m'] },
        cheap: { strategy: 'priority', members: ['B/m', 'C/m'] },
      },
      tiers: { premium: { chain: ['dear'] }, economy: { chain: ['cheap'] } },
      plans: { pro: { downgradeWhenUnavailable: true }, free: { tiers: ['economy'] } },
    });
    const stage = stageFor(config);
    stage.record('C/m', 'throttled', { retryAfterMs: 5_000 });
    const explained = (name: string) => {
      const relay = createRelay(stage.deps);
      const route = (call: Call) =>
        relay.route({ ...call, principal: { ...call.principal, plan: config.plans.get(name) ?? null } });
      const question = { path: '/v1/chat/completions', body: { model: 'premium' } };
      const request: IncomingRequest = {
        method: 'POST',
        target: '/router/explain',
        headers: [],
        source: '127.0.0.1',
        caller: stage.caller,
        readBody: () => Promise.resolve(Buffer.from(JSON.stringify(question))),
      };
      return explain(
        { ...stage.deps, gate: createKeylessGate(OPEN, stage.clock), relay: { ...relay, route } },
        request,
        'id',
      );
    };
    const lower = { tier: 'economy', downgradedFrom: 'premium' };
    expect(await explained('pro')).toMatchObject({
      tier: 'premium',
      downgradedFrom: null,
      reason: null,
      candidates: [{ deployment: 'A/m' }, { deployment: 'B/m', ...lower, reason: 'unavailable' }],
      skipped: [{ deployment: 'C/m', ...lower, reason: 'throttled' }],
    });
    expect(await explained('free')).toMatchObject({ ...lower, reason: 'plan', candidates: [{ deployment: 'B/m' }] });
  });
});
