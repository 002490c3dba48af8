import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pool, Strategy } from '../../src/domain/config.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { type OrderingFacts, orderMembers } from '../../src/routing/strategies.ts';
import { DRAINED, HALF_OPEN, health, NOW, OPEN, PROBE, pool, RAMPING, seeded, snapshotOf } from './facts.ts';

const NAMES = ['A/m', 'B/m', 'C/m', 'D/m', 'E/m'] as const;
const REGIONS: Readonly<Record<string, string>> = { A: 'eastus2', B: 'West Europe', C: 'East US 2', D: 'westeurope' };
const FACTS: OrderingFacts = {
  turn: 0,
  draw: () => 0.5,
  key: 'agent',
  snapshot: snapshotOf({}),
  now: NOW,
  regionOf: (deployment) => REGIONS[deployment[0] ?? ''] ?? null,
};
const STRATEGIES = ['priority', 'roundRobin', 'weighted', 'spread', 'leastLatency', 'mostHeadroom'] as const;

function firsts(count: number, order: (round: number) => readonly DeploymentId[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (let round = 0; round < count; round++) {
    const first = order(round)[0] ?? 'none';
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return counts;
}

describe('every strategy', () => {
  test('puts each member in its order exactly once', () => {
    const members = fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.constantFrom(...STRATEGIES),
        members,
        fc.nat(),
        fc.string(),
        fc.integer(),
        (strategy, names, turn, key, seed) => {
          const order = orderMembers(pool(strategy, names), { ...FACTS, turn, key, draw: seeded(seed) });
          expect([...order].sort()).toEqual([...names].sort());
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('priority', () => {
  test('keeps the configured order', () => {
    expect(orderMembers(pool('priority', ['C/m', 'A/m', 'B/m']), FACTS)).toEqual(['C/m', 'A/m', 'B/m']);
  });
});

describe('roundRobin', () => {
  test('goes on by one with every turn, and the next in line stands in', () => {
    const orders = [0, 1, 2, 3].map((turn) =>
      orderMembers(pool('roundRobin', ['A/m', 'B/m', 'C/m']), { ...FACTS, turn }).join(' '),
    );
    expect(orders).toEqual(['A/m B/m C/m', 'B/m C/m A/m', 'C/m A/m B/m', 'A/m B/m C/m']);
  });

  test('is even over any number of whole rounds, wherever it begins', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 20 }),
        (names, start, rounds) => {
          const counts = firsts(rounds * names.length, (round) =>
            orderMembers(pool('roundRobin', names), { ...FACTS, turn: start + round }),
          );
          expect([...counts.values()]).toEqual(names.map(() => rounds));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('roundRobin, where some cannot serve now', () => {
  const SERVING = [health({}), PROBE];
  const ALL = [...SERVING, OPEN, HALF_OPEN, DRAINED, RAMPING];

  test('gives the turns of one that is out to all others alike, and puts it last', () => {
    const snapshot = snapshotOf({ 'B/m': OPEN });
    const order = (turn: number) =>
      orderMembers(pool('roundRobin', ['A/m', 'B/m', 'C/m']), { ...FACTS, snapshot, turn });
    expect([0, 1, 2].map((turn) => order(turn).join(' '))).toEqual(['A/m C/m B/m', 'C/m A/m B/m', 'A/m C/m B/m']);
    expect(firsts(60, order)).toEqual(
      new Map([
        ['A/m', 30],
        ['C/m', 30],
      ]),
    );
  });

  test('is even over those who serve, however the others stand; these come behind, in turns where they are just back', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ALL), { minLength: 5, maxLength: 5 }), fc.nat(), (healths, start) => {
        const healthOf = new Map(NAMES.map((name, at) => [name as string, healths[at] ?? OPEN]));
        const snapshot = snapshotOf(Object.fromEntries(healthOf));
        const of = (wanted: readonly unknown[]) => NAMES.filter((name) => wanted.includes(healthOf.get(name)));
        const serving = of(SERVING);
        const ramping = of([RAMPING]);
        const first = serving.length > 0 ? serving : ramping.length > 0 ? ramping : NAMES.slice(0, 1);
        const order = (turn: number) =>
          orderMembers(pool('roundRobin', NAMES), { ...FACTS, snapshot, turn: start + turn });
        const counts = firsts(7 * first.length, order);
        expect(counts).toEqual(new Map(first.map((name) => [name, 7])));
        expect(order(0).slice(serving.length + ramping.length)).toEqual(of([OPEN, HALF_OPEN, DRAINED]));
        expect(
          order(0)
            .slice(serving.length, serving.length + ramping.length)
            .sort(),
        ).toEqual([...ramping]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('weighted', () => {
  const member = (deployment: DeploymentId, weight: number) => ({ deployment, weight });

  test('sends each member its share', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 }),
        fc.integer(),
        (weights, seed) => {
          const members = weights.map((weight, at) => member(NAMES[at] ?? 'A/m', weight));
          const draw = seeded(seed);
          const rounds = 4_000;
          const counts = firsts(rounds, () => orderMembers(pool('weighted', members), { ...FACTS, draw }));
          const whole = weights.reduce((sum, weight) => sum + weight, 0);
          for (const { deployment, weight } of members) {
            const share = weight / whole;
            // Five standard deviations: about one in a million.
            const slack = 5 * Math.sqrt((share * (1 - share)) / rounds);
            expect(Math.abs((counts.get(deployment) ?? 0) / rounds - share)).toBeLessThan(slack);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test('shares the place of the first among the others by their weights too', () => {
    const members = [member('A/m', 1), member('B/m', 3), member('C/m', 1)];
    const draw = seeded(7);
    const seconds = new Map<string, number>();
    for (let round = 0; round < 8_000; round++) {
      const [first, second = 'A/m'] = orderMembers(pool('weighted', members), { ...FACTS, draw });
      if (first === 'A/m') seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    expect((seconds.get('B/m') ?? 0) / (seconds.get('C/m') ?? 1)).toBeCloseTo(3, 0);
  });

  test('puts members without weight last, whatever is drawn', () => {
    const members = [member('A/m', 0), member('B/m', 1), member('C/m', 0)];
    for (const value of [0, 0.5, 1 - Number.EPSILON / 2]) {
      expect(orderMembers(pool('weighted', members), { ...FACTS, draw: () => value })).toEqual(['B/m', 'A/m', 'C/m']);
    }
  });
});

describe('spread', () => {
  test('keeps a key where it is, whatever the order of the members', () => {
    fc.assert(
      fc.property(fc.string(), fc.shuffledSubarray([...NAMES], { minLength: NAMES.length }), (key, shuffled) => {
        expect(orderMembers(pool('spread', shuffled), { ...FACTS, key })).toEqual(
          orderMembers(pool('spread', NAMES), { ...FACTS, key }),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('moves only the keys of the deployment that was lost', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...NAMES), (key, lost) => {
        const before = orderMembers(pool('spread', NAMES), { ...FACTS, key });
        const rest = NAMES.filter((name) => name !== lost);
        expect(orderMembers(pool('spread', rest), { ...FACTS, key })).toEqual(before.filter((name) => name !== lost));
      }),
      { numRuns: 300 },
    );
  });

  test('gives every member about its share of many agents, also of those that differ by a digit', () => {
    const counts = firsts(5_000, (round) => orderMembers(pool('spread', NAMES), { ...FACTS, key: `agent-${round}` }));
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  test('hands the keys of a lost deployment to all others about evenly', () => {
    const lost = 'C/m';
    const heirs = new Map<string, number>();
    for (let round = 0; round < 5_000; round++) {
      const [first, second = lost] = orderMembers(pool('spread', NAMES), { ...FACTS, key: `cache-key ${round}` });
      if (first === lost) heirs.set(second, (heirs.get(second) ?? 0) + 1);
    }
    for (const name of NAMES.filter((one) => one !== lost))
      expect(Math.abs((heirs.get(name) ?? 0) - 250)).toBeLessThan(90);
  });
});

describe('leastLatency', () => {
  test('tries the fastest first, and before it those nobody has measured', () => {
    const snapshot = snapshotOf({
      'A/m': health({ latencyMs: 300 }),
      'B/m': health({ latencyMs: 100 }),
      'D/m': health({ latencyMs: 200 }),
    });
    expect(orderMembers(pool('leastLatency', ['A/m', 'B/m', 'C/m', 'D/m']), { ...FACTS, snapshot })).toEqual([
      'C/m',
      'B/m',
      'D/m',
      'A/m',
    ]);
  });
});

describe('mostHeadroom', () => {
  test('tries the freest first, those that do not say count as free, and equals keep their order', () => {
    const snapshot = snapshotOf({
      'A/m': health({ headroom: 0.1 }),
      'B/m': health({ headroom: 0.9 }),
      'D/m': health({ headroom: 0 }),
    });
    expect(orderMembers(pool('mostHeadroom', ['A/m', 'B/m', 'C/m', 'D/m', 'E/m']), { ...FACTS, snapshot })).toEqual([
      'C/m',
      'E/m',
      'B/m',
      'A/m',
      'D/m',
    ]);
  });
});

describe('mostHeadroom, where what is left is said without the limit', () => {
  const left = (tokens: number | null, requests: number | null, headroom: number | null = null) =>
    health({ headroom, remaining: { tokens, requests } });

  test.each([
    { by: 'tokens', known: { 'A/m': left(10, 99), 'B/m': left(30, 1), 'C/m': left(20, 50) }, is: 'B C A' },
    {
      by: 'requests where not all say tokens',
      known: { 'A/m': left(10, 9), 'B/m': left(null, 30), 'C/m': left(20, 5) },
      is: 'B A C',
    },
    {
      by: 'shares where all have one',
      known: { 'A/m': left(10, 1, 0.9), 'B/m': left(99, 9, 0.1), 'C/m': left(50, 5, 0.5) },
      is: 'A C B',
    },
    {
      by: 'numbers where one has no share',
      known: { 'A/m': left(10, 1, 0.9), 'B/m': left(99, 9), 'C/m': left(50, 5, 0.5) },
      is: 'B C A',
    },
    {
      by: 'silence, which counts as free',
      known: { 'A/m': left(10, 1), 'B/m': health({}), 'C/m': left(50, 5) },
      is: 'B C A',
    },
    {
      by: 'shares where nothing else is common',
      known: { 'A/m': health({ headroom: 0.2 }), 'B/m': left(5, null), 'C/m': health({ headroom: 0.5 }) },
      is: 'B C A',
    },
  ])('compares by $by', ({ known, is }) => {
    const order = orderMembers(pool('mostHeadroom', ['A/m', 'B/m', 'C/m']), { ...FACTS, snapshot: snapshotOf(known) });
    expect(order.map((id) => id[0]).join(' ')).toBe(is);
  });
});

describe('a preferred region', () => {
  const inRegion = (strategy: Strategy, preferRegion: string | null, members: readonly string[] = NAMES): Pool => ({
    ...pool(strategy, members),
    preferRegion,
  });

  test.each(STRATEGIES)('comes first under %s, each group in the order the strategy gives it by itself', (strategy) => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), fc.integer(), (turn, key, seed) => {
        const order = (of: Pool) => orderMembers(of, { ...FACTS, turn, key, draw: seeded(seed) });
        const all = order(inRegion(strategy, 'eastus2'));
        expect(all.slice(0, 2).sort()).toEqual(['A/m', 'C/m']);
        expect([...all].sort()).toEqual([...NAMES]);
        if (strategy === 'weighted') return;
        expect(all.slice(0, 2)).toEqual(order(inRegion(strategy, null, ['A/m', 'C/m'])));
        expect(all.slice(2)).toEqual(order(inRegion(strategy, null, ['B/m', 'D/m', 'E/m'])));
      }),
      { numRuns: 100 },
    );
  });

  test('takes turns within itself, and so do those who stand in for it', () => {
    const orders = [0, 1, 2].map((turn) =>
      orderMembers(inRegion('roundRobin', 'eastus2'), { ...FACTS, turn }).join(' '),
    );
    expect(orders).toEqual(['A/m C/m B/m D/m E/m', 'C/m A/m D/m E/m B/m', 'A/m C/m E/m B/m D/m']);
  });

  test('that no member is in changes nothing', () => {
    for (const strategy of STRATEGIES)
      expect(orderMembers(inRegion(strategy, 'norwayeast'), FACTS)).toEqual(
        orderMembers(inRegion(strategy, null), FACTS),
      );
  });
});
