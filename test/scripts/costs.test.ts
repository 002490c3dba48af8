import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { costOf, costTable, PRICES } from '../../scripts/costs.ts';

const ON_DEMAND = { alwaysReady: 0, isPrivate: false };

describe('the estimate of costs', () => {
  test('stands in docs/deploy.md as its script makes it', () => {
    expect(readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8')).toContain(costTable());
  });

  test('is nearly nothing but alerts where nobody calls: the timer is within what is free', () => {
    const { compute, executions, telemetry, total, alerts } = costOf({ requests: 0, ...ON_DEMAND });
    expect([compute, executions, telemetry]).toEqual([0, 0, 0]);
    expect(total - alerts).toBeLessThan(1);
  });

  test('charges each request once all that is free is used up', () => {
    const [less, more] = [1e8, 1e8 + 1e6].map((requests) => costOf({ requests, ...ON_DEMAND }));
    expect((more?.executions ?? 0) - (less?.executions ?? 0)).toBeCloseTo(PRICES.millionExecutions, 10);
  });

  test('of a million requests is one instance, hardly ever idle', () => {
    const { instances, compute } = costOf({ requests: 1e6, ...ON_DEMAND });
    // 3.04 under way on average; 1 - e^-3.04 of the time there is at least one.
    expect(instances).toBeCloseTo(0.952, 3);
    // 0.952 × 2,628,000 s × 2 GB, and the timer's 87,600 GB-s, less 100,000 that are free.
    expect(compute).toBeCloseTo((0.9524 * 2_628_000 * 2 + 87_600 - 100_000) * 0.000026, 0);
  });

  test('grows with the load, and an instance that is always ready makes busy hours cheaper', () => {
    const costs = [0, 1e5, 1e6, 1e7, 1e8, 1e9].map((requests) => costOf({ requests, ...ON_DEMAND }).total);
    expect(costs).toEqual([...costs].sort((left, right) => left - right));
    const busy = { requests: 1e8, isPrivate: false };
    expect(costOf({ ...busy, alwaysReady: 16 }).total).toBeLessThan(costOf({ ...busy, alwaysReady: 0 }).total);
    expect(costOf({ requests: 0, alwaysReady: 1, isPrivate: false }).total).toBeGreaterThan(costs[0] ?? 0);
  });
});
