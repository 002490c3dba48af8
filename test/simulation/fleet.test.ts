import { describe, expect, it } from 'vitest';
import { figuresOf } from '../../src/simulation/figures.ts';
import { plot } from '../../src/simulation/plot.ts';
import { missesOf, tableOf } from '../../src/simulation/report.ts';
import { simulate } from '../../src/simulation/run.ts';
import type { Fault, Scenario } from '../../src/simulation/scenario.ts';
import { build, deploymentsIn } from '../../src/simulation/topology.ts';

const SEEDS = [1, 2, 3];

/** Eight instances and six deployments: two regions with three each. */
function small(faultsFor: (config: Scenario['config']) => readonly Fault[], parts: Partial<Scenario> = {}): Scenario {
  const built = build({
    regions: ['eastus2', 'westeurope'],
    endpointsPerRegion: 1,
    models: [
      { name: 'gpt-4.1', strategy: 'weighted' },
      { name: 'gpt-4o', strategy: 'weighted' },
      { name: 'o4-mini', strategy: 'roundRobin', block: 8 },
    ],
    agents: 12,
  });
  return {
    ...built,
    accounts: null,
    name: 'small',
    about: 'a test',
    instances: 8,
    requestsPerSecond: 6,
    startsWithinMs: 2_000,
    settledAtMs: 5_000,
    lastsMs: 60_000,
    startedAt: Date.UTC(2026, 10, 21, 12, 3),
    clockErrorMs: 50,
    answers: { medianMs: 500, spread: 0.5 },
    store: { latency: { medianMs: 5, spread: 0.4, tail: { share: 0.005, ms: 60 } }, entitiesPerSecond: 2_000 },
    faults: faultsFor(built.config),
    ...parts,
  };
}

/** Long enough for the probe of the first window, which comes 30 s after it opened, to find the region back. */
function regionDown(config: Scenario['config']): readonly Fault[] {
  return [{ kind: 'down', how: '503', fromMs: 10_000, toMs: 35_000, deployments: deploymentsIn(config, 'eastus2') }];
}

/** Three accounts, one of which has used up its day after about half a minute. */
function withAccounts(): Scenario {
  const names = ['capped', 'ample', 'unlimited'];
  const built = build({
    regions: ['eastus2'],
    endpointsPerRegion: 2,
    models: [{ name: 'gpt-4.1', strategy: 'weighted' }],
    agents: 12,
    accounts: {
      capped: { quota: { tokensPerDay: 8 * 6 * 10 * 200 } },
      ample: { quota: { requestsPerMinute: 3 * 8 * 6 * 20, tokensPerMinute: 3 * 8 * 6 * 20 * 200 } },
    },
  });
  const accounts = { names, keys: 12, changesAtMs: [10_000, 20_000, 20_100], capped: 'capped' };
  return small(() => [], { ...built, accounts, lastsMs: 50_000 });
}

describe('a simulated fleet', () => {
  it('does the same again with the same seed, and something else with another', async () => {
    const scenario = small(regionDown, { lastsMs: 20_000 });
    const [first, again, other] = await Promise.all([1, 1, 2].map((seed) => simulate(scenario, seed)));
    if (first === undefined || again === undefined || other === undefined) throw new Error('three were asked for');
    expect(figuresOf(again)).toEqual(figuresOf(first));
    expect(plot(again)).toBe(plot(first));
    expect({ ...figuresOf(other), seed: 1 }).not.toEqual(figuresOf(first));
  });

  it('has nothing to say, and nobody waits for the store, while all is well', async () => {
    const figures = figuresOf(
      await simulate(
        small(() => []),
        1,
      ),
    );
    expect(figures.errors + figures.failovers + figures.windows.opened).toBe(0);
    expect(figures.healthy).toEqual({ plainRequests: figures.requests, thatAwaitedStore: 0, longestAddedMs: 0 });
    // Three rows are read about four times in three seconds; turns are leased and usage is written now and then.
    expect(figures.store.callsPerInstanceSecond.healthy).toBeCloseTo(4.5, 0);
    expect(missesOf([figures])).toEqual([]);
  });

  it.each(SEEDS)('rides out the loss of a region, seed %d', async (seed) => {
    const figures = figuresOf(await simulate(small(regionDown), seed));
    expect(figures.errors).toBe(0);
    expect(figures.windows).toMatchObject({ opened: 3, openedWrongly: 0, due: 3 });
    expect(figures.windows).toMatchObject({ leastProbes: 1, mostProbes: 1, atOnce: 1 });
    expect(figures.outage).toMatchObject({ deadDeployments: 3, unnoticed: 0, lateAttempts: 0, stillAvoided: 0 });
    expect(figures.outage?.leftAfterWordMs?.max).toBeLessThanOrEqual(1_000);
    expect(figures.outage?.writes.toTell).toBeLessThanOrEqual(5);
    expect(figures.healthy).toMatchObject({ thatAwaitedStore: 0, longestAddedMs: 0 });
    expect(figures.store.losses).toBe(0);
    expect(figures.faults).toEqual([]);
    expect(missesOf([figures])).toEqual([]);
  });

  it.each(SEEDS)('does without the store, and is of one mind two periods after its return, seed %d', async (seed) => {
    const scenario = small((config) => [{ kind: 'storeGone', fromMs: 8_000, toMs: 25_000 }, ...regionDown(config)]);
    const figures = figuresOf(await simulate(scenario, seed));
    expect(figures.errors).toBe(0);
    expect(figures.store.losses).toBe(8);
    expect(figures.convergence?.afterPeriods).toBeLessThanOrEqual(2);
    expect(figures.healthy).toMatchObject({ thatAwaitedStore: 0, longestAddedMs: 0 });
    expect(figures.outage?.stillAvoided).toBe(0);
    expect(figures.faults).toEqual([]);
  });

  it('moves the agents of a dead deployment, each at most once, and nobody else', async () => {
    const sticky = build({
      regions: ['eastus2', 'westeurope'],
      endpointsPerRegion: 1,
      models: [{ name: 'gpt-4.1', strategy: 'priority' }],
      agents: 12,
    });
    const scenario = small(() => regionDown(sticky.config), { ...sticky, lastsMs: 35_000 });
    const run = await simulate(scenario, 1);
    const moved = run.measures.events.get('agentMoved') ?? 0;
    // Half of them have their home there; who has not failed often enough when the breaker opens stays and is sent elsewhere.
    expect([moved > 0, moved <= 6]).toEqual([true, true]);
    expect(figuresOf(run).errors).toBe(0);
  });

  it('spills what a throttled region refuses, without an error and without a breaker', async () => {
    const limited = (config: Scenario['config']): readonly Fault[] => [
      {
        kind: 'limited',
        fromMs: 10_000,
        toMs: 40_000,
        deployments: deploymentsIn(config, 'eastus2'),
        requestsPerMinute: 120,
      },
    ];
    const figures = figuresOf(await simulate(small(limited), 1));
    expect(figures.refusals).toBeGreaterThan(0);
    expect([figures.errors, figures.windows.opened]).toEqual([0, 0]);
  });

  it.each(SEEDS)('keeps accounts to their limits and loses nothing of what they used, seed %d', async (seed) => {
    const figures = figuresOf(await simulate(withAccounts(), seed));
    expect(figures.errors).toBe(0);
    expect(figures.healthy).toMatchObject({ thatAwaitedStore: 0, longestAddedMs: 0 });
    expect(figures.accounts).toMatchObject({ changes: 3, shutOut: 0, missing: { requests: 0, tokens: 0 } });
    expect(figures.accounts?.outlivedMs).toBeLessThanOrEqual(1_000);
    expect(figures.accounts?.refused).toBeGreaterThan(0);
    expect(figures.accounts?.cap?.most).toBeLessThanOrEqual(100);
    // No more than one request's tokens, of about forty thousand, are left.
    expect(figures.accounts?.cap?.atFirstRefusal).toBeGreaterThan(98);
    expect(figures.faults).toEqual([]);
    expect(missesOf([figures])).toEqual([]);
  });

  it('waits for the store where the order is strict, and says so nowhere else', async () => {
    const strict = build({
      regions: ['eastus2'],
      endpointsPerRegion: 2,
      models: [{ name: 'even', strategy: 'roundRobin', block: 1 }],
      agents: 2,
    });
    const figures = figuresOf(
      await simulate(
        small(() => [], { ...strict, lastsMs: 10_000 }),
        1,
      ),
    );
    expect(figures.requests).toBeGreaterThan(0);
    expect(figures.healthy.plainRequests).toBe(0);
    expect(figures.store.callsPerInstanceSecond.healthy).toBeGreaterThan(6);
  });
});

describe('the report', () => {
  it('marks what misses its target, and says so in a sentence', async () => {
    const figures = figuresOf(
      await simulate(
        small(() => [], { lastsMs: 6_000 }),
        1,
      ),
    );
    const poor = { ...figures, scenario: 'poor', errors: 7 };
    expect(tableOf([figures, poor])).toMatch(/^errors seen by callers +0 +7 ! +0$/m);
    expect(missesOf([figures, poor])).toEqual(['poor: errors seen by callers: 7 (target 0)']);
  });

  it('draws a picture that any browser shows', async () => {
    const svg = plot(await simulate(small(regionDown, { about: 'a < b & c', lastsMs: 15_000 }), 1));
    expect(svg).toContain('a &lt; b &amp; c');
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg.match(/<polyline/g)?.length).toBeGreaterThan(6);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});
