import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RouterConfig } from '../../src/domain/config.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import type { Health } from '../../src/domain/health.ts';
import { availability } from '../../src/routing/availability.ts';
import { type DecideFacts, decide, type Route, type RouteRequest } from '../../src/routing/decide.ts';
import {
  anyHealth,
  configFor,
  DEPLOYMENTS,
  HALF_OPEN,
  MISCONFIGURED,
  NOW,
  OPEN,
  PROBE,
  RESTING,
  seeded,
  snapshotOf,
} from './facts.ts';

const CONFIG = configFor({
  pools: {
    first: { strategy: 'priority', members: ['A/m', 'B/m', 'C/m'] },
    second: { strategy: 'priority', members: ['D/m', 'B/m'], failoverOn: 'availability' },
    even: { strategy: 'roundRobin', members: ['A/m', 'B/m', 'C/m'] },
    keyed: { strategy: 'spread', members: ['A/m', 'B/m', 'C/m', 'D/m'] },
  },
  agents: { homes: { owner: 'B/m', stranger: 'D/n', neighbour: 'D/m' }, defaultHome: 'C/m' },
  tiers: { premium: { chain: ['second', 'first'] }, economy: { chain: ['even'] } },
});

const REQUEST: RouteRequest = {
  name: 'first',
  agent: 'nobody',
  tier: null,
  failover: true,
  spreadKey: null,
  boundTo: null,
};

function facts(known: Readonly<Record<string, Health>> = {}, more: Partial<DecideFacts> = {}): DecideFacts {
  return { snapshot: snapshotOf(known), now: NOW, draw: () => 0.5, turn: () => 0, ...more };
}

function route(
  request: Partial<RouteRequest>,
  known: Readonly<Record<string, Health>> = {},
  config: RouterConfig = CONFIG,
): Route {
  const decision = decide(config, { ...REQUEST, ...request }, facts(known));
  if (decision === null) throw new Error('there is no such name');
  return decision;
}

function order(request: Partial<RouteRequest>, known: Readonly<Record<string, Health>> = {}): string {
  return route(request, known)
    .candidates.map(({ deployment, why, probe }) => `${deployment.id} ${why}${probe ? ' probe' : ''}`)
    .join(', ');
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
    { what: 'no name: the default pool', request: { name: null }, is: 'C/m defaultHome, A/m strategy, B/m strategy' },
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
    expect(decide(CONFIG, { ...REQUEST, ...request }, facts())).toBeNull();
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
        ['D/m', ['halfOpen', NOW - 5 + 60_000]],
      ]),
    );
  });

  test('marks the candidate that is to be tried again', () => {
    expect(order({ agent: 'owner' }, { 'B/m': PROBE, 'A/m': RESTING })).toBe('B/m home probe, C/m strategy');
  });

  test('leaves one candidate where failing over is off, and nothing that would send it on', () => {
    const { candidates, skipped, failoverOn } = route({ agent: 'owner', failover: false }, { 'A/m': RESTING });
    expect(candidates.map(({ deployment }) => deployment.id)).toEqual(['B/m']);
    expect(skipped).toEqual([
      { deployment: 'A/m', reason: 'throttled', until: NOW + 3_000 },
      { deployment: 'C/m', reason: 'failoverOff', until: null },
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

  test('takes a turn of the round robin once for a request, and none for other pools', () => {
    const taken: string[] = [];
    const turn = (name: string): number => taken.push(name);
    decide(CONFIG, { ...REQUEST, name: 'even' }, facts({}, { turn }));
    decide(CONFIG, REQUEST, facts({}, { turn }));
    decide(CONFIG, { ...REQUEST, name: 'A/m' }, facts({}, { turn }));
    expect(taken).toEqual(['even']);
  });
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
});
const known = fc.dictionary(fc.constantFrom(...DEPLOYMENTS), anyHealth, { noNullPrototype: true });

describe('every decision', () => {
  test('names each deployment at most once, as a candidate or as skipped', () => {
    fc.assert(
      fc.property(requests, known, fc.integer(), (request, state, seed) => {
        const decision = decide(CONFIG, request, facts(state, { draw: seeded(seed) }));
        if (decision === null) return;
        const ids = [
          ...decision.candidates.map(({ deployment }) => deployment.id),
          ...decision.skipped.map(({ deployment }) => deployment),
        ];
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.length).toBeGreaterThan(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('lists no candidate that is out, marks probes, and skips nothing that is ready but by wish', () => {
    fc.assert(
      fc.property(requests, known, (request, state) => {
        const decision = decide(CONFIG, request, facts(state));
        const standing = (id: DeploymentId) => availability(snapshotOf(state).health(id), NOW).kind;
        for (const { deployment, probe } of decision?.candidates ?? [])
          expect(standing(deployment.id)).toBe(probe ? 'probe' : 'ready');
        for (const { deployment, reason } of decision?.skipped ?? []) {
          expect(reason === 'failoverOff' ? !request.failover : standing(deployment) === 'out').toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('is the same for the same question, and leaves what it was given untouched', () => {
    const config = deepFreeze(CONFIG);
    fc.assert(
      fc.property(requests, known, fc.integer(), (request, state, seed) => {
        const asked = (): string =>
          JSON.stringify(
            decide(config, deepFreeze(request), facts(deepFreeze(state), { draw: seeded(seed), turn: () => 3 })),
          );
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
