import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Assignment } from '../../src/domain/assignment.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import type { Health } from '../../src/domain/health.ts';
import { availability } from '../../src/routing/availability.ts';
import type { RouteRequest } from '../../src/routing/request.ts';
import {
  anyHealth,
  configFor,
  DEPLOYMENTS,
  DRAINED,
  HALF_OPEN,
  ids,
  inShort,
  MISCONFIGURED,
  moved,
  NOW,
  OPEN,
  PROBE,
  RAMPING,
  RESTING,
  routed,
  snapshotOf,
} from './facts.ts';

const CONFIG = configFor({
  pools: {
    first: { strategy: 'priority', members: ['A/m', 'B/m', 'C/m'] },
    other: { strategy: 'priority', members: ['C/m', 'D/m'] },
    even: { strategy: 'roundRobin', members: ['A/m', 'B/m', 'C/m'] },
    keyed: { strategy: 'spread', members: ['A/m', 'B/m', 'C/m', 'D/m'] },
  },
  agents: { homes: { owner: 'A/m', neighbour: 'D/m', outsider: 'D/n' }, defaultHome: 'B/m' },
  tiers: { premium: { chain: ['other', 'first'] }, economy: { chain: ['keyed'] } },
});

type Known = Readonly<Record<string, Health>>;
type Away = Readonly<Record<string, Assignment>>;

function route(request: Partial<RouteRequest>, away: Away, known: Known = {}) {
  return routed(CONFIG, { name: 'first', agent: 'owner', ...request }, { snapshot: snapshotOf(known, away) });
}

const toC = moved({ deployment: 'C/m', from: 'A/m' });
const overdue: Assignment = { ...toC, returnAt: NOW };
const pinned: Assignment = { ...toC, why: 'operator', returnAt: null };

describe('an agent that was moved', () => {
  test.each<{ what: string; request?: Partial<RouteRequest>; away: Assignment; known?: Known; is: string }>([
    {
      what: 'goes where it was moved to, and last of all to where it was',
      away: toC,
      is: 'C/m assigned, B/m strategy, A/m strategy',
    },
    {
      what: 'does so under every strategy',
      request: { name: 'even' },
      away: toC,
      is: 'C/m assigned, B/m strategy, A/m strategy',
    },
    {
      what: 'goes to the backups where that is out as well',
      away: toC,
      known: { 'C/m': OPEN },
      is: 'B/m strategy, A/m strategy',
    },
    { what: 'comes home when its time is over', away: overdue, is: 'A/m home, B/m strategy, C/m strategy' },
    {
      what: 'stays longer while its home is out',
      away: overdue,
      known: { 'A/m': OPEN },
      is: 'C/m assigned, B/m strategy',
    },
    {
      what: 'stays while its home is being probed by somebody else',
      away: overdue,
      known: { 'A/m': HALF_OPEN },
      is: 'C/m assigned, B/m strategy',
    },
    {
      what: 'stays while its home is drained',
      away: overdue,
      known: { 'A/m': DRAINED },
      is: 'C/m assigned, B/m strategy',
    },
    {
      what: 'tries its home where that may be tried: nobody else might',
      away: overdue,
      known: { 'A/m': PROBE },
      is: 'A/m home probe, B/m strategy, C/m strategy',
    },
    {
      what: 'does not press into a home that is just back',
      away: overdue,
      known: { 'A/m': RAMPING },
      is: 'B/m strategy, C/m strategy, A/m home ramping',
    },
    {
      what: 'before its time is over keeps away from a home that is well',
      away: { ...toC, returnAt: NOW + 1 },
      is: 'C/m assigned, B/m strategy, A/m strategy',
    },
    {
      what: 'is at home in a pool that lacks where it was moved to',
      request: { name: 'even' },
      away: moved({ deployment: 'D/m', from: 'A/m' }),
      is: 'A/m home, B/m strategy, C/m strategy',
    },
    {
      what: 'goes there by auto whatever the pool',
      request: { name: 'auto' },
      away: moved({ deployment: 'D/n', from: 'A/m' }),
      is: 'D/n assigned, B/m strategy, C/m strategy, A/m strategy',
    },
    {
      what: 'falls back by auto to the pool it was moved in',
      request: { name: 'auto', agent: 'neighbour' },
      away: moved({ deployment: 'C/m', from: 'D/m' }),
      is: 'C/m assigned, D/m strategy',
    },
    {
      what: 'from a home outside all pools finds it last by auto',
      request: { name: 'auto', agent: 'outsider' },
      away: moved({ deployment: 'B/m', from: 'D/n' }),
      is: 'B/m assigned, A/m strategy, C/m strategy, D/n strategy',
    },
    {
      what: 'in the second pool of a chain is sent there by that pool',
      request: { name: 'premium', agent: 'guest' },
      away: moved({ deployment: 'B/m', from: 'A/m' }),
      known: { 'C/m': OPEN, 'D/m': OPEN },
      is: 'B/m assigned, A/m strategy',
    },
    {
      what: 'to a deployment that is no longer configured is at home',
      request: { name: 'auto' },
      away: moved({ deployment: 'Z/m', from: 'A/m' }),
      is: 'A/m home, B/m strategy, C/m strategy',
    },
    {
      what: 'from one that is no longer configured has nowhere to go back to',
      away: moved({ deployment: 'C/m', from: 'Z/m' }),
      is: 'C/m assigned, A/m strategy, B/m strategy',
    },
  ])('$what', ({ request = {}, away, known, is }) => {
    const agent = request.agent ?? 'owner';
    expect(inShort(route(request, { [agent]: away }, known))).toBe(is);
  });

  test('without a home of its own goes back to the default home, else to where it came from', () => {
    const back = { ...toC, from: 'A/m' as const, returnAt: NOW - 1 };
    expect(inShort(route({ agent: 'guest' }, { guest: back }))).toBe('B/m defaultHome, A/m strategy, C/m strategy');
    expect(inShort(route({ agent: 'guest' }, { guest: back }, { 'B/m': OPEN }))).toBe('C/m assigned, A/m strategy');
    const evenly = { agent: 'guest', name: 'even' };
    expect(ids(route(evenly, { guest: back }))).toBe('A/m B/m C/m');
    expect(inShort(route(evenly, { guest: back }, { 'A/m': OPEN }))).toBe('C/m assigned, B/m strategy');
    expect(ids(route(evenly, { guest: { ...back, from: null } }, { 'A/m': OPEN }))).toBe('B/m C/m');
  });
});

describe('an agent that an operator has pinned', () => {
  test.each([
    { what: 'always goes there', known: {}, is: 'C/m pinned, A/m strategy, B/m strategy' },
    { what: 'goes there though its home is well', known: { 'B/m': RESTING }, is: 'C/m pinned, A/m strategy' },
    { what: 'has its backups where that is out', known: { 'C/m': MISCONFIGURED }, is: 'A/m strategy, B/m strategy' },
  ])('$what', ({ known, is }) => {
    expect(inShort(route({}, { owner: pinned }, known))).toBe(is);
  });

  test('needs no home for it', () => {
    const away = { guest: { ...pinned, deployment: 'D/m' as const, from: null } };
    expect(inShort(route({ name: 'other', agent: 'guest' }, away))).toBe('D/m pinned, C/m strategy');
    for (const name of ['auto', 'keyed'])
      expect(inShort(route({ name, agent: 'guest' }, away))).toMatch(/^D\/m pinned, /);
  });
});

describe('the deployment that an agent is stuck to', () => {
  test.each<{ what: string; request: Partial<RouteRequest>; away?: Away; known?: Known; is: object | null }>([
    {
      what: 'is its home',
      request: {},
      is: { deployment: 'A/m', why: 'home', movedFrom: null },
    },
    {
      what: 'is its home though that is out',
      request: {},
      known: { 'A/m': OPEN },
      is: { deployment: 'A/m', why: 'home', movedFrom: null },
    },
    {
      what: 'is the default home',
      request: { agent: 'guest' },
      is: { deployment: 'B/m', why: 'defaultHome', movedFrom: null },
    },
    {
      what: 'is where it was moved to',
      request: {},
      away: { owner: toC },
      is: { deployment: 'C/m', why: 'assigned', movedFrom: 'A/m' },
    },
    {
      what: 'is where it was pinned to, though that is out',
      request: {},
      away: { owner: pinned },
      known: { 'C/m': DRAINED },
      is: { deployment: 'C/m', why: 'pinned', movedFrom: null },
    },
    { what: 'is none in a pool without its home', request: { name: 'other' }, is: null },
    { what: 'is none where the pool shares the traffic out', request: { name: 'even', agent: 'guest' }, is: null },
    { what: 'is none for a deployment by name', request: { name: 'A/m' }, is: null },
    { what: 'is none for what only one deployment holds', request: { boundTo: 'A/m' }, is: null },
    {
      what: 'is its home where that is in the first pool of a chain, and it was moved in the second',
      request: { tier: 'premium', agent: 'neighbour' },
      away: { neighbour: moved({ deployment: 'B/m', from: 'A/m' }) },
      is: { deployment: 'D/m', why: 'home', movedFrom: null },
    },
    {
      what: 'is none for a tier whose first pool lacks its home',
      request: { tier: 'premium' },
      is: null,
    },
  ])('$what', ({ request, away = {}, known = {}, is }) => {
    expect(route(request, away, known).sticky).toEqual(is);
  });

  test('is known though failing over is off', () => {
    expect(route({ failover: false }, { owner: toC }, { 'C/m': OPEN }).sticky?.deployment).toBe('C/m');
  });
});

describe('a plan', () => {
  test('keeps an agent out of a place that it does not include, whoever assigned it there', () => {
    const config = configFor({
      pools: {
        dear: { strategy: 'priority', members: ['A/m', 'B/m'] },
        cheap: { strategy: 'priority', members: ['C/m', 'D/m'] },
      },
      agents: { homes: { owner: 'A/m' } },
      tiers: { premium: { chain: ['dear'] }, economy: { chain: ['cheap'] } },
      plans: { free: { tiers: ['economy'] } },
    });
    const request = { name: 'auto', agent: 'owner', plan: config.plans.get('free') ?? null };
    const at = (assignments: Away) => routed(config, request, { snapshot: snapshotOf({}, assignments) });
    expect(inShort(at({}))).toBe('C/m strategy, D/m strategy');
    expect(inShort(at({ owner: { ...pinned, deployment: 'B/m' } }))).toBe('C/m strategy, D/m strategy');
    expect(inShort(at({ owner: { ...pinned, deployment: 'D/m' } }))).toBe('D/m pinned, C/m strategy');
    // In no pool, and with that in no tier either.
    expect(ids(at({ owner: { ...pinned, deployment: 'D/n' } }))).toBe('D/n C/m D/m');
  });
});

describe('every agent', () => {
  const assigned: fc.Arbitrary<Assignment> = fc.record({
    deployment: fc.constantFrom<DeploymentId[]>('A/m', 'B/m', 'C/m'),
    from: fc.option(fc.constantFrom<DeploymentId[]>('A/m', 'B/m', 'C/m')),
    why: fc.constantFrom('moved' as const, 'operator' as const),
    cause: fc.constant('a test'),
    since: fc.constant(NOW - 90_000),
    returnAt: fc.option(fc.constantFrom(NOW - 5, NOW + 5)),
  });
  const pools = fc.constantFrom('first', 'even', 'auto');
  const unrelated = fc.dictionary(fc.constantFrom('B/n', 'C/n', 'D/m', 'D/n', 'A/n'), anyHealth, {
    noNullPrototype: true,
  });

  test('stays where it is, whatever becomes of deployments it has nothing to do with', () => {
    fc.assert(
      fc.property(pools, assigned, unrelated, (name, away, known) => {
        const request = { name };
        const before = route(request, { owner: away });
        const after = route(request, { owner: away }, known);
        expect(after.sticky).toEqual(before.sticky);
        expect(ids(after)).toBe(ids(before));
      }),
      { numRuns: 300 },
    );
  });

  test('while it is away stays there, whatever becomes of all others, and goes there whenever that can serve', () => {
    const others = fc.dictionary(fc.constantFrom(...DEPLOYMENTS), anyHealth, { noNullPrototype: true });
    fc.assert(
      fc.property(pools, assigned, others, (name, away, known) => {
        const stays = { ...away, returnAt: away.returnAt === null ? null : NOW + 5 };
        const { sticky, candidates } = route({ name }, { owner: stays }, known);
        expect(sticky?.deployment).toBe(away.deployment);
        const { kind } = availability(snapshotOf(known).health(away.deployment), NOW);
        if (kind === 'ready' || kind === 'probe') expect(candidates[0]?.deployment.id).toBe(away.deployment);
      }),
      { numRuns: 500 },
    );
  });

  test('has every member of its pool for a backup, and the one it was moved from last', () => {
    fc.assert(
      fc.property(fc.constantFrom('first', 'even'), assigned, (name, away) => {
        const order = ids(route({ name }, { owner: { ...away, returnAt: NOW + 5 } })).split(' ');
        expect([...order].sort()).toEqual(['A/m', 'B/m', 'C/m']);
        if (away.from !== null && away.from !== away.deployment) expect(order.at(-1)).toBe(away.from);
      }),
      { numRuns: 200 },
    );
  });

  test('without a home, spread over a pool, moves only where its own deployment is lost', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('A/m', 'B/m', 'C/m', 'D/m'), (agent, lost) => {
        fc.pre(!CONFIG.agents.homes.has(agent));
        const before = ids(route({ name: 'keyed', agent }, {})).split(' ');
        const after = ids(route({ name: 'keyed', agent }, {}, { [lost]: OPEN })).split(' ');
        expect(after).toEqual(before.filter((id) => id !== lost));
      }),
      { numRuns: 300 },
    );
  });
});
