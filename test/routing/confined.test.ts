import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfinedViews, confined } from '../../src/routing/confined.ts';
import { decide } from '../../src/routing/decide.ts';
import { configFor, NOW, snapshotOf } from './facts.ts';

const CONFIG = configFor({
  pools: {
    one: { strategy: 'priority', members: ['A/m', 'B/m'] },
    two: { strategy: 'roundRobin', members: ['B/m', 'C/m'] },
    three: { strategy: 'priority', members: ['C/m'] },
  },
  tiers: { premium: { chain: ['one', 'two'] }, economy: { chain: ['three'] } },
  defaultTier: 'premium',
  agents: { homes: { owner: 'A/m', other: 'C/m' }, defaultHome: 'A/m' },
});

describe('whoever is confined to some pools', () => {
  const two = confined(CONFIG, new Set(['two']));

  test('sees these, their members and what leads there, and nothing else', () => {
    expect([...two.pools.keys()]).toEqual(['two']);
    expect([...two.deployments.keys()]).toEqual(['B/m', 'C/m']);
    expect([...two.tiers]).toEqual([['premium', ['two']]]);
    expect([two.defaultPool, two.defaultTier]).toEqual(['two', 'premium']);
    expect([[...two.agents.homes], two.agents.defaultHome]).toEqual([[['other', 'C/m']], null]);
  });

  test('keeps the defaults that are among them', () => {
    const some = confined(CONFIG, new Set(['one', 'three']));
    expect([some.defaultPool, some.agents.defaultHome]).toEqual(['one', 'A/m']);
    expect(confined(CONFIG, new Set(['three'])).defaultTier).toBeNull();
  });

  test('is served by their members alone, whatever is asked for', () => {
    const names = fc.constantFrom('one', 'two', 'three', 'premium', 'economy', 'auto', 'A/m', 'B/m', 'C/m', null);
    const sets = fc.uniqueArray(fc.constantFrom('one', 'two', 'three', 'gone'), { minLength: 1 });
    fc.assert(
      fc.property(names, sets, fc.constantFrom('owner', 'other', 'nobody'), (name, pools, agent) => {
        const view = confined(CONFIG, new Set(pools));
        const request = {
          name,
          agent,
          tier: null,
          failover: true,
          spreadKey: null,
          boundTo: null,
          pinned: false,
          plan: null,
        };
        const facts = { snapshot: snapshotOf({}), now: NOW, draw: () => 0.5, turn: () => 0 };
        const decision = decide(view, request, facts);
        const reached =
          decision.kind === 'route' ? decision.route.candidates.map(({ deployment }) => deployment.id) : [];
        const allowed = pools.flatMap(
          (pool) => CONFIG.pools.get(pool)?.members.map(({ deployment }) => deployment) ?? [],
        );
        for (const id of reached) expect(allowed).toContain(id);
      }),
      { numRuns: 300 },
    );
  });

  test('gets the same view each time, and whoever is not the configuration itself', () => {
    const views = new ConfinedViews(CONFIG);
    const pools = new Set(['two']);
    expect(views.for(pools)).toBe(views.for(pools));
    expect(views.for(null)).toBe(CONFIG);
  });
});
