import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Plan, TIERS, type Tier } from '../../src/domain/config.ts';
import type { Health } from '../../src/domain/health.ts';
import { type Candidate, decide } from '../../src/routing/decide.ts';
import type { RouteRequest } from '../../src/routing/request.ts';
import { ANY_REQUEST, configFor, decideFacts, ids, OPEN, RAMPING, routed, snapshotOf } from './facts.ts';

const CONFIG = configFor({
  pools: {
    big: { strategy: 'priority', members: ['A/m', 'B/m'] },
    spare: { strategy: 'priority', members: ['B/m', 'C/m'] },
    middle: { strategy: 'priority', members: ['C/m'] },
    small: { strategy: 'priority', members: ['D/m', 'D/n'] },
    common: { strategy: 'priority', members: ['A/n', 'A/m'] },
  },
  defaultPool: 'big',
  tiers: {
    premium: { chain: ['big', 'spare'] },
    standard: { chain: ['middle', 'spare'] },
    economy: { chain: ['small'] },
  },
});
const CHAINS: Readonly<Record<Tier, string>> = {
  premium: 'A/m B/m C/m',
  standard: 'C/m B/m',
  economy: 'D/m D/n',
};
const ALL_DOWN: Readonly<Record<Tier, Readonly<Record<string, Health>>>> = {
  premium: { 'A/m': OPEN, 'B/m': OPEN, 'C/m': OPEN },
  standard: { 'B/m': OPEN, 'C/m': OPEN },
  economy: { 'D/m': OPEN, 'D/n': OPEN },
};

function planOf(tiers: readonly Tier[], facts: Partial<Plan> = {}): Plan {
  const none = { requestsPerMinute: null, tokensPerMinute: null, tokensPerDay: null, tokensPerMonth: null };
  const quota = { ...none, usdPerDay: null, usdPerMonth: null };
  return { name: 'p', tiers, onHigherTier: 'downgrade', downgradeWhenUnavailable: false, quota, ...facts };
}

const decided = (request: Partial<RouteRequest>, known: Readonly<Record<string, Health>> = {}) =>
  decide(CONFIG, { ...ANY_REQUEST, ...request }, decideFacts({ snapshot: snapshotOf(known) }));

function marks({ candidates }: { readonly candidates: readonly Candidate[] }): string[] {
  return candidates.map(({ deployment, tier }) => {
    const lowered = tier?.lowered ?? null;
    const from = lowered === null ? '' : ` from ${lowered.from} (${lowered.reason})`;
    return `${deployment.id} ${tier?.tier ?? 'none'}${from}`;
  });
}

describe('without a plan', () => {
  test.each(TIERS)('the tier %s is served by its chain, and by no other though that is down', (tier) => {
    expect(ids(routed(CONFIG, { tier }))).toBe(CHAINS[tier]);
    expect(routed(CONFIG, { tier }, { snapshot: snapshotOf(ALL_DOWN[tier]) }).candidates).toEqual([]);
    expect(marks(routed(CONFIG, { tier })).every((mark) => mark.endsWith(` ${tier}`))).toBe(true);
  });
});

describe('a tier outside the plan', () => {
  test.each<{ wanted: Tier; tiers: readonly Tier[]; served: Tier }>([
    { wanted: 'premium', tiers: ['economy', 'standard'], served: 'standard' },
    { wanted: 'premium', tiers: ['economy'], served: 'economy' },
    { wanted: 'standard', tiers: ['premium', 'economy'], served: 'economy' },
    { wanted: 'economy', tiers: ['standard', 'premium'], served: 'premium' },
  ])(
    'is served by the best tier that the plan has below it, else by its best: $wanted with $tiers by $served',
    (row) => {
      const { wanted, tiers, served } = row;
      const route = routed(CONFIG, { tier: wanted, plan: planOf(tiers) });
      expect(ids(route)).toBe(CHAINS[served]);
      expect(route.tier).toEqual({ tier: served, lowered: { from: wanted, reason: 'plan' } });
      expect(route.candidates.every(({ tier }) => tier === route.tier)).toBe(true);
    },
  );

  test('is refused where the plan says so, with what it does include', () => {
    const plan = planOf(['economy', 'standard'], { onHigherTier: 'refuse' });
    for (const request of [
      { tier: 'premium' as const },
      { name: 'premium' },
      { name: 'auto', tier: 'premium' as const },
    ])
      expect(decided({ ...request, plan })).toEqual({
        kind: 'forbidden',
        plan: 'p',
        asked: { kind: 'tier', name: 'premium' },
        tier: 'premium',
        allowed: ['standard', 'economy'],
      });
  });

  test('is never refused to who named nothing, or left the choice to the router', () => {
    const plan = planOf(['economy'], { onHigherTier: 'refuse' });
    const config = { ...CONFIG, defaultTier: 'standard' as const };
    expect(ids(routed(config, { plan }))).toBe(CHAINS.economy);
    expect(ids(routed(CONFIG, { plan }))).toBe(CHAINS.economy);
    expect(ids(routed(CONFIG, { name: 'auto', plan }))).toBe(CHAINS.economy);
    expect(routed(config, { plan }).tier?.lowered).toEqual({ from: 'standard', reason: 'plan' });
  });

  test('is refused, whatever the plan says, where the plan has no tier that is configured', () => {
    const config = { ...CONFIG, tiers: new Map([['premium' as const, ['big']]]) };
    const decision = decide(config, { ...ANY_REQUEST, tier: 'premium', plan: planOf(['economy']) }, decideFacts());
    expect(decision).toMatchObject({ kind: 'forbidden', allowed: [] });
  });
});

describe('a pool that is named', () => {
  const economy = planOf(['economy']);

  test.each([
    { what: 'stands in no chain', name: 'common', tiers: ['economy'], is: 'A/n A/m' },
    { what: 'stands in the chain of a tier of the plan', name: 'small', tiers: ['economy'], is: 'D/m D/n' },
    { what: 'stands in several chains, one of them of the plan', name: 'spare', tiers: ['premium'], is: 'B/m C/m' },
  ] as const)('serves the request where it $what', ({ name, tiers, is }) => {
    const route = routed(CONFIG, { name, plan: planOf(tiers) });
    expect([ids(route), route.tier]).toEqual([is, null]);
  });

  test('of another tier is a request for the lowest tier that has it', () => {
    const route = routed(CONFIG, { name: 'spare', plan: economy });
    expect(ids(route)).toBe(CHAINS.economy);
    expect(route.tier).toEqual({ tier: 'economy', lowered: { from: 'standard', reason: 'plan' } });
    expect(decided({ name: 'spare', plan: { ...economy, onHigherTier: 'refuse' } })).toMatchObject({
      kind: 'forbidden',
      asked: { kind: 'pool', name: 'spare' },
      tier: 'standard',
      allowed: ['economy'],
    });
  });

  test('that does not exist is unknown under every plan', () => {
    expect(decided({ name: 'none', plan: economy })).toEqual({ kind: 'unknown' });
  });
});

describe('a deployment that is named, or holds what is asked for', () => {
  const plan = planOf(['economy']);

  test.each([
    { what: 'of a permitted pool', id: 'D/n' },
    { what: 'of a pool in no chain, though one of another tier has it too', id: 'A/m' },
    { what: 'of no pool at all', id: 'C/n' },
  ] as const)('serves the request if it is one $what', ({ id }) => {
    expect(ids(routed(CONFIG, { name: id, plan }))).toBe(id);
    expect(ids(routed(CONFIG, { boundTo: id, plan }))).toBe(id);
  });

  test('is refused otherwise, and never exchanged for another one, whatever the plan does with tiers', () => {
    for (const onHigherTier of ['downgrade', 'refuse'] as const)
      for (const request of [{ name: 'C/m' }, { name: 'small', boundTo: 'C/m' as const }])
        expect(decided({ ...request, plan: { ...plan, onHigherTier } })).toEqual({
          kind: 'forbidden',
          plan: 'p',
          asked: { kind: 'deployment', name: 'C/m' },
          tier: 'standard',
          allowed: ['economy'],
        });
  });

  test('is refused with the lowest tier that would do', () => {
    // In the chain of premium alone, and in one that standard has as well.
    expect(decided({ name: 'B/m', plan })).toMatchObject({ kind: 'forbidden', tier: 'standard' });
  });
});

describe('a plan that goes down where a tier is unavailable', () => {
  const plan = planOf(['premium', 'economy'], { downgradeWhenUnavailable: true });

  test('has the lower tiers that it includes behind the wanted one, each marked', () => {
    expect(marks(routed(CONFIG, { tier: 'premium', plan }))).toEqual([
      'A/m premium',
      'B/m premium',
      'C/m premium',
      'D/m economy from premium (unavailable)',
      'D/n economy from premium (unavailable)',
    ]);
  });

  test('says what was wanted, where the plan had lowered it before', () => {
    const lower = planOf(['standard', 'economy'], { downgradeWhenUnavailable: true });
    expect(marks(routed(CONFIG, { tier: 'premium', plan: lower }, { snapshot: snapshotOf({ 'B/m': OPEN }) }))).toEqual([
      'C/m standard from premium (plan)',
      'D/m economy from premium (unavailable)',
      'D/n economy from premium (unavailable)',
    ]);
  });

  test('rather goes down than press into a deployment that is just back', () => {
    const known = { ...ALL_DOWN.premium, 'A/m': RAMPING };
    expect(ids(routed(CONFIG, { tier: 'premium', plan }, { snapshot: snapshotOf(known) }))).toBe('D/m D/n A/m');
  });

  test('has nothing below the lowest tier, nor where a pool was named', () => {
    expect(ids(routed(CONFIG, { tier: 'economy', plan }))).toBe(CHAINS.economy);
    expect(ids(routed(CONFIG, { name: 'big', plan }))).toBe('A/m B/m');
  });
});

describe('every plan, tier and state of the tiers', () => {
  const situations = fc.record({
    tiers: fc.uniqueArray(fc.constantFrom(...TIERS), { minLength: 1 }),
    onHigherTier: fc.constantFrom('downgrade' as const, 'refuse' as const),
    downgradeWhenUnavailable: fc.boolean(),
    wanted: fc.constantFrom(...TIERS),
    by: fc.constantFrom('header' as const, 'name' as const),
    down: fc.subarray([...TIERS]),
  });

  test('come to the tier that the rules name, and to no tier outside the plan', () => {
    fc.assert(
      fc.property(situations, ({ tiers, wanted, by, down, ...rules }) => {
        const plan = planOf(tiers, rules);
        const known = Object.assign({}, ...down.map((tier) => ALL_DOWN[tier])) as Record<string, Health>;
        const request = by === 'name' ? { name: wanted } : { name: 'big', tier: wanted };
        const decision = decided({ ...request, plan }, known);
        // The rules once more, as a table of ranks: 0 is the best.
        const rank = TIERS.indexOf(wanted);
        const has = TIERS.map((tier) => tiers.includes(tier));
        const allowed = has[rank] === true || rules.onHigherTier === 'downgrade';
        expect(decision.kind).toBe(allowed ? 'route' : 'forbidden');
        if (decision.kind !== 'route') return;
        const below = has.findIndex((is, at) => is && at >= rank);
        const served = below === -1 ? has.indexOf(true) : below;
        const order = TIERS.filter(
          (_, at) => at === served || (rules.downgradeWhenUnavailable && has[at] && at > served),
        );
        const expected = [...new Set(order.flatMap((tier) => CHAINS[tier].split(' ')))].filter((id) => !(id in known));
        expect(ids(decision.route)).toBe(expected.join(' '));
        for (const { tier } of decision.route.candidates) {
          expect(tiers).toContain(tier?.tier);
          const reason = tier?.tier !== TIERS[served] ? 'unavailable' : served === rank ? null : 'plan';
          expect(tier?.lowered ?? null).toEqual(reason === null ? null : { from: wanted, reason });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
