import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Assignment } from '../../src/domain/assignment.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import type { Health } from '../../src/domain/health.ts';
import { availability } from '../../src/routing/availability.ts';
import { decide, turnPool } from '../../src/routing/decide.ts';
import type { RouteRequest } from '../../src/routing/request.ts';
import {
  ANY_REQUEST,
  anyHealth,
  configFor,
  DEPLOYMENTS,
  DRAINED,
  decideFacts,
  HALF_OPEN,
  inShort,
  MISCONFIGURED,
  NOW,
  OPEN,
  PROBE,
  RAMPING,
  RESTING,
  routed,
  seeded,
  snapshotOf,
  type World,
} from './facts.ts';

const WORLD: World = {
  pools: {
    first: { strategy: 'priority', members: ['A/m', 'B/m', 'C/m'] },
    second: { strategy: 'priority', members: ['D/m', 'B/m'], failoverOn: 'availability' },
    even: { strategy: 'roundRobin', members: ['A/m', 'B/m', 'C/m'] },
    keyed: { strategy: 'spread', members: ['A/m', 'B/m', 'C/m', 'D/m'] },
  },
  agents: { homes: { owner: 'B/m', stranger: 'D/n', neighbour: 'D/m' }, defaultHome: 'C/m' },
  tiers: { premium: { chain: ['second', 'first'] }, economy: { chain: ['even'] } },
  plans: {
    all: { downgradeWhenUnavailable: true },
    free: { tiers: ['economy'] },
    strict: { tiers: ['economy'], onHigherTier: 'refuse' },
    high: { tiers: ['premium'] },
  },
};
const CONFIG = configFor(WORLD);

function route(request: Partial<RouteRequest>, known: Readonly<Record<string, Health>> = {}) {
  return routed(CONFIG, { name: 'first', ...request }, { snapshot: snapshotOf(known) });
}

function order(request: Partial<RouteRequest>, known: Readonly<Record<string, Health>> = {}): string {
  return inShort(route(request, known));
}

describe('decide', () => {
  test.each<{ what: string; request: Partial<RouteRequest>; is: string }>([
    { what: 'a pool, the default home first', request: {}, is: 'C/m defaultHome, A/m strategy, B/m strategy' },
    {
      what: "a pool, the agent's own home first",
      request: { agent: 'owner' },
      is: 'B/m home, A/m strategy, C/m strategy',
    },
    {
      what: 'a pool outside which the home lies',
      request: { agent: 'stranger' },
      is: 'A/m strategy, B/m strategy, C/m strategy',
    },
    {
      what: 'a pool outside which the default home lies',
      request: { name: 'second' },
      is: 'D/m strategy, B/m strategy',
    },
    {
      what: 'a pool that shares out, without the default home',
      request: { name: 'even' },
      is: 'A/m strategy, B/m strategy, C/m strategy',
    },
    {
      what: 'a pool that shares out, with a home of its own',
      request: { name: 'even', agent: 'owner' },
      is: 'B/m home, A/m strategy, C/m strategy',
    },
    {
      what: 'no name, where no tier is the default: the default pool',
      request: { name: null },
      is: 'C/m defaultHome, A/m strategy, B/m strategy',
    },
    {
      what: 'a tier: its pools in order, each deployment once',
      request: { name: 'premium' },
      is: 'D/m strategy, B/m strategy, A/m strategy, C/m strategy',
    },
    {
      what: 'a tier by header',
      request: { name: 'first', tier: 'economy' },
      is: 'A/m strategy, B/m strategy, C/m strategy',
    },
    { what: 'a deployment', request: { name: 'D/n' }, is: 'D/n named' },
    { what: 'what only one deployment holds', request: { name: 'first', boundTo: 'D/n' }, is: 'D/n bound' },
    { what: 'auto with a home', request: { name: 'auto', agent: 'owner' }, is: 'B/m home, A/m strategy, C/m strategy' },
    {
      what: 'auto with a home in another pool',
      request: { name: 'auto', agent: 'neighbour' },
      is: 'D/m home, B/m strategy',
    },
    {
      what: 'auto with a home in no pool',
      request: { name: 'auto', agent: 'stranger' },
      is: 'D/n home, A/m strategy, B/m strategy, C/m strategy',
    },
    { what: 'auto without a home', request: { name: 'auto' }, is: 'C/m defaultHome, A/m strategy, B/m strategy' },
  ])('puts in order: $what', ({ request, is }) => {
    expect(order(request)).toBe(is);
  });

  test.each([
    { what: 'a name nobody knows', request: { name: 'gpt-9' } },
    { what: 'a tier that is not configured', request: { name: 'standard' } },
    { what: 'a deployment without its endpoint', request: { name: 'm' } },
    { what: 'a deployment that does not exist', request: { name: 'A/x' } },
    { what: 'an empty name', request: { name: '' } },
    { what: 'a name in other case', request: { name: 'FIRST' } },
    { what: 'a name that every object has', request: { name: 'constructor' } },
  ])('knows nothing of $what', ({ request }) => {
    expect(decide(CONFIG, { ...ANY_REQUEST, ...request }, decideFacts())).toEqual({ kind: 'unknown' });
  });

  test('keeps auto within the tier that was asked for: a home outside its pools does not apply', () => {
    expect(order({ name: 'auto', agent: 'stranger', tier: 'premium' })).not.toContain('D/n');
  });

  test('leaves out what is out, and says why and until when', () => {
    const { candidates, skipped } = route(
      { name: 'keyed' },
      { 'A/m': OPEN, 'B/m': RESTING, 'C/m': MISCONFIGURED, 'D/m': HALF_OPEN },
    );
    expect(candidates).toEqual([]);
    expect(new Map(skipped.map(({ deployment, reason, until }) => [deployment, [reason, until]]))).toEqual(
      new Map([
        ['A/m', ['open', NOW + 10_000]],
        ['B/m', ['throttled', NOW + 3_000]],
        ['C/m', ['misconfigured', NOW + 20_000]],
        ['D/m', ['halfOpen', NOW + 8_000]],
      ]),
    );
  });

  test('says of a drained deployment that nobody can tell when it is back', () => {
    expect(route({}, { 'A/m': DRAINED }).skipped).toEqual([
      { deployment: 'A/m', reason: 'drained', until: null, tier: null },
    ]);
  });

  test('puts those that are just back behind all others, a home too, and leaves none of them out', () => {
    expect(order({ agent: 'owner' }, { 'B/m': RAMPING })).toBe('A/m strategy, C/m strategy, B/m home ramping');
    expect(order({}, { 'A/m': RAMPING, 'B/m': RAMPING, 'C/m': PROBE })).toBe(
      'C/m defaultHome probe, A/m strategy ramping, B/m strategy ramping',
    );
    expect(order({ name: 'premium' }, { 'D/m': RAMPING, 'C/m': RESTING })).toBe(
      'B/m strategy, A/m strategy, D/m strategy ramping',
    );
    expect(order({ name: 'B/m' }, { 'B/m': RAMPING })).toBe('B/m named ramping');
  });

  test('marks the candidate that is to be tried again', () => {
    expect(order({ agent: 'owner' }, { 'B/m': PROBE, 'A/m': RESTING })).toBe('B/m home probe, C/m strategy');
  });

  test('leaves one candidate where failing over is off, and nothing that would send it on', () => {
    const { candidates, skipped, failoverOn } = route({ agent: 'owner', failover: false }, { 'A/m': RESTING });
    expect(candidates.map(({ deployment }) => deployment.id)).toEqual(['B/m']);
    expect(skipped).toEqual([
      { deployment: 'A/m', reason: 'throttled', until: NOW + 3_000, tier: null },
      { deployment: 'C/m', reason: 'failoverOff', until: null, tier: null },
    ]);
    expect(failoverOn.size).toBe(0);
  });

  test("fails over as the first pool says, and a deployment named outright as nobody's pool does", () => {
    expect([...route({ name: 'second' }).failoverOn]).toEqual(['failing']);
    expect([...route({ name: 'premium' }).failoverOn]).toEqual(['failing']);
    expect(route({ name: 'D/n' }).failoverOn.size).toBe(3);
  });

  test('spreads by the prompt cache key before the agent', () => {
    const keys = Array.from({ length: 40 }, (_, at) => `key ${at}`);
    for (const key of keys)
      expect(order({ name: 'keyed', agent: 'x', spreadKey: key })).toBe(order({ name: 'keyed', agent: key }));
    expect(new Set(keys.map((key) => order({ name: 'keyed', agent: 'x', spreadKey: key }))).size).toBeGreaterThan(3);
  });

  test('asks for the turn of each pool that takes turns once, and for none of other pools', () => {
    const taken: string[] = [];
    const turn = (name: string): number => taken.push(name);
    for (const name of ['even', 'first', 'A/m', 'economy', 'premium']) routed(CONFIG, { name }, { turn });
    expect(taken).toEqual(['even', 'even']);
  });

  test('takes the default tier for a request that names nothing, and for no other', () => {
    const config = configFor({ ...WORLD, defaultTier: 'economy' });
    const where = (request: Partial<RouteRequest>) => {
      const { pool, tier } = routed(config, request);
      return [pool, tier?.tier ?? null];
    };
    expect(where({ name: null })).toEqual(['even', 'economy']);
    expect(where({ name: null, tier: 'premium' })).toEqual(['second', 'premium']);
    expect(where({ name: 'auto' })).toEqual(['first', null]);
    expect(where({ name: 'first' })).toEqual(['first', null]);
    expect(where({ name: 'premium' })).toEqual(['second', 'premium']);
    expect(where({ name: 'A/m' })).toEqual([null, null]);
  });
});

describe('the turn for a request', () => {
  const config = configFor({
    pools: {
      plain: { strategy: 'priority', members: ['A/m', 'B/m'] },
      one: { strategy: 'roundRobin', members: ['A/m', 'B/m'] },
      two: { strategy: 'roundRobin', members: ['C/m', 'D/m'] },
      single: { strategy: 'roundRobin', members: ['D/n'] },
    },
    agents: { homes: { owner: 'A/m' } },
    tiers: {
      premium: { chain: ['one', 'two'] },
      standard: { chain: ['plain', 'two'] },
      economy: { chain: ['single', 'one'] },
    },
  });
  const takes = (request: Partial<RouteRequest>, known: Readonly<Record<string, Health>> = {}) =>
    turnPool(config, { ...ANY_REQUEST, ...request }, { snapshot: snapshotOf(known), now: NOW })?.name ?? null;

  test.each<{ what: string; request: Partial<RouteRequest>; known?: Record<string, Health>; is: string | null }>([
    { what: 'a pool that takes turns', request: { name: 'one' }, is: 'one' },
    { what: 'another pool', request: { name: 'plain' }, is: null },
    { what: 'a pool of one', request: { name: 'single' }, is: null },
    { what: 'a deployment', request: { name: 'A/m' }, is: null },
    { what: 'a name nobody knows', request: { name: 'none' }, is: null },
    { what: 'what one endpoint keeps', request: { name: 'one', pinned: true }, is: null },
    { what: 'the first pool of a chain', request: { name: 'premium' }, is: 'one' },
    {
      what: 'the second pool of a chain, where the first is out',
      request: { name: 'premium' },
      known: { 'A/m': OPEN, 'B/m': DRAINED },
      is: 'two',
    },
    {
      what: 'the first pool, where one of its members is left',
      request: { name: 'premium' },
      known: { 'A/m': OPEN },
      is: 'one',
    },
    {
      what: 'the first pool, where one may be tried again',
      request: { name: 'premium' },
      known: { 'A/m': OPEN, 'B/m': PROBE },
      is: 'one',
    },
    {
      what: 'the second pool, where those of the first are just back: they come behind it',
      request: { name: 'premium' },
      known: { 'A/m': RAMPING, 'B/m': OPEN },
      is: 'two',
    },
    {
      what: 'the first pool, where those of both are just back',
      request: { name: 'premium' },
      known: { 'A/m': RAMPING, 'B/m': RAMPING, 'C/m': RAMPING, 'D/m': OPEN },
      is: 'one',
    },
    { what: 'no pool, where another one serves', request: { name: 'standard' }, is: null },
    {
      what: 'the pool behind another one that is out',
      request: { name: 'standard' },
      known: { 'A/m': OPEN, 'B/m': OPEN },
      is: 'two',
    },
    { what: 'no pool, where all are out', request: { name: 'two' }, known: { 'C/m': OPEN, 'D/m': OPEN }, is: null },
    { what: 'no pool, where the agent is at home', request: { name: 'one', agent: 'owner' }, is: null },
    {
      what: 'the pool, where the home of the agent is out',
      request: { name: 'one', agent: 'owner' },
      known: { 'A/m': OPEN },
      is: 'one',
    },
    {
      what: 'the pool, where the home of the agent lies elsewhere',
      request: { name: 'two', agent: 'owner' },
      is: 'two',
    },
  ])('is taken from $what', ({ request, known: state = {}, is }) => {
    expect(takes(request, state)).toBe(is);
  });

  test('is even over the pool that serves, whichever that is, among agents at home and others', () => {
    const situation = fc.record({
      firstOut: fc.boolean(),
      start: fc.nat({ max: 100 }),
      agents: fc.array(fc.constantFrom('owner', 'nobody', 'else'), { minLength: 1, maxLength: 30 }),
    });
    fc.assert(
      fc.property(situation, ({ firstOut, start, agents }) => {
        const snapshot = snapshotOf(firstOut ? { 'A/m': OPEN, 'B/m': OPEN } : {});
        const turns = new Map([
          ['one', start],
          ['two', start],
        ]);
        const served = new Map<string, number>();
        for (const agent of agents) {
          const request = { ...ANY_REQUEST, name: 'premium', agent };
          const taken = turnPool(config, request, { snapshot, now: NOW })?.name;
          const first = routed(config, request, { snapshot, turn: (name) => turns.get(name) ?? 0 }).candidates[0];
          if (taken !== undefined) turns.set(taken, (turns.get(taken) ?? 0) + 1);
          if (first?.why === 'strategy') served.set(first.deployment.id, (served.get(first.deployment.id) ?? 0) + 1);
        }
        const spread = Math.max(...served.values()) - Math.min(...served.values());
        const shared = [...served.values()].reduce((sum, count) => sum + count, 0);
        expect(shared < 2 || (served.size === 2 && spread <= 1)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

const PLANS = [...CONFIG.plans.values()];
const assigned: fc.Arbitrary<Assignment> = fc.record({
  deployment: fc.constantFrom(...DEPLOYMENTS),
  from: fc.option(fc.constantFrom(...DEPLOYMENTS)),
  why: fc.constantFrom('moved' as const, 'operator' as const),
  cause: fc.constant('a test'),
  since: fc.constant(NOW - 90_000),
  returnAt: fc.option(fc.constantFrom(NOW - 5, NOW, NOW + 5), { freq: 3 }),
});
const assignments = fc.dictionary(fc.constantFrom('owner', 'stranger', 'neighbour', 'nobody'), assigned, {
  noNullPrototype: true,
});
const requests: fc.Arbitrary<RouteRequest> = fc.record({
  name: fc.option(
    fc.constantFrom('first', 'second', 'even', 'keyed', 'premium', 'economy', 'standard', 'auto', 'A/m', 'D/n', 'none'),
  ),
  agent: fc.constantFrom('owner', 'stranger', 'neighbour', 'nobody'),
  tier: fc.option(fc.constantFrom('premium' as const, 'economy' as const), { freq: 2 }),
  failover: fc.boolean(),
  spreadKey: fc.option(fc.string({ maxLength: 5 })),
  boundTo: fc.option(fc.constantFrom(...DEPLOYMENTS), { freq: 4 }),
  pinned: fc.boolean(),
  plan: fc.option(fc.constantFrom(...PLANS)),
});
const known = fc.dictionary(fc.constantFrom(...DEPLOYMENTS), anyHealth, { noNullPrototype: true });

describe('every decision', () => {
  test('names each deployment at most once, as a candidate or as skipped', () => {
    fc.assert(
      fc.property(requests, known, assignments, fc.integer(), (request, state, away, seed) => {
        const decision = decide(
          CONFIG,
          request,
          decideFacts({ snapshot: snapshotOf(state, away), draw: seeded(seed) }),
        );
        if (decision.kind !== 'route') return;
        const named = [
          ...decision.route.candidates.map(({ deployment }) => deployment.id),
          ...decision.route.skipped.map(({ deployment }) => deployment),
        ];
        expect(new Set(named).size).toBe(named.length);
        expect(named.length).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('lists no candidate that is out, marks those that are not simply ready, and skips nothing else but by wish', () => {
    fc.assert(
      fc.property(requests, known, assignments, (request, state, away) => {
        const decision = decide(CONFIG, request, decideFacts({ snapshot: snapshotOf(state, away) }));
        if (decision.kind !== 'route') return;
        const { candidates, skipped } = decision.route;
        const standing = (id: DeploymentId) => availability(snapshotOf(state).health(id), NOW).kind;
        for (const { deployment, probe, ramping } of candidates)
          expect(standing(deployment.id)).toBe(probe ? 'probe' : ramping ? 'ramping' : 'ready');
        const firstRamping = candidates.findIndex(({ ramping }) => ramping);
        expect(candidates.slice(firstRamping).every(({ ramping }) => firstRamping === -1 || ramping)).toBe(true);
        for (const { deployment, reason } of skipped)
          expect(reason === 'failoverOff' ? !request.failover : standing(deployment) === 'out').toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is the same for the same question, and leaves what it was given untouched', () => {
    const config = deepFreeze(CONFIG);
    fc.assert(
      fc.property(requests, known, assignments, fc.integer(), (request, state, away, seed) => {
        const asked = (): string => {
          const snapshot = snapshotOf(deepFreeze(state), deepFreeze(away));
          const facts = decideFacts({ snapshot, draw: seeded(seed), turn: () => 3 });
          return JSON.stringify(decide(config, deepFreeze(request), facts));
        };
        expect(asked()).toBe(asked());
      }),
      { numRuns: 300 },
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (value instanceof Map || value instanceof Set) for (const part of value.values()) deepFreeze(part as unknown);
  else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) deepFreeze(part as unknown);
  return Object.freeze(value);
}
