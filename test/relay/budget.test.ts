import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RetryBudget } from '../../src/relay/budget.ts';

function withdrawAll(budget: RetryBudget): number {
  let taken = 0;
  while (budget.withdraw()) taken++;
  return taken;
}

describe('the retry budget', () => {
  test('never lets through more than its reserve and its share of the requests', () => {
    const steps = fc.array(fc.boolean(), { maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), steps, (percent, deposits) => {
        const budget = new RetryBudget(percent);
        let requests = 0;
        let repeats = 0;
        for (const deposit of deposits) {
          if (deposit) {
            budget.deposit();
            requests++;
          } else if (budget.withdraw()) repeats++;
          expect(repeats).toBeLessThanOrEqual((percent === 0 ? 0 : 10) + (requests * percent) / 100 + 1e-6);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of 0 percent allows none, ever', () => {
    const budget = new RetryBudget(0);
    for (let count = 0; count < 1_000; count++) budget.deposit();
    expect(budget.withdraw()).toBe(false);
  });

  test('does not grow without end over a long quiet time', () => {
    const budget = new RetryBudget(20);
    for (let count = 0; count < 100_000; count++) budget.deposit();
    expect(withdrawAll(budget)).toBe(30);
  });

  test('allows a quiet instance a few at once', () => {
    expect(withdrawAll(new RetryBudget(1))).toBe(10);
  });
});
