import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Quota } from '../../src/domain/config.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { HEALTHY, type Health } from '../../src/domain/health.ts';
import { Attempts } from '../../src/relay/attempts.ts';
import { configFor, DRAINED, MISCONFIGURED, NOW, OPEN, RESTING, routed } from '../routing/facts.ts';
import { outcome, reset, THROTTLED } from './attempting.ts';
import { ok, type Script, stageFor, status } from './fakes.ts';

describe('the candidates of a chain', () => {
  const POOLS = {
    one: { strategy: 'priority' as const, members: ['A/m', 'B/m', 'C/m'] },
    two: { strategy: 'priority' as const, members: ['C/m', 'D/m', 'A/m'] },
    three: { strategy: 'priority' as const, members: ['B/n', 'D/m', 'D/n'] },
  };
  const CHAINED = configFor({ pools: POOLS, tiers: { premium: { chain: ['one', 'two', 'three'] } } });
  const ORDER = ['A/m', 'B/m', 'C/m', 'D/m', 'B/n', 'D/n'] as const;

  test('are tried in their order, each once, none that is out, until one serves or none is left', async () => {
    const bad = fc.constantFrom<Script[]>(status(503), reset, THROTTLED, status(401));
    const states = fc.dictionary(fc.constantFrom(...ORDER), fc.constantFrom(OPEN, DRAINED, RESTING, MISCONFIGURED), {
      noNullPrototype: true,
    });
    const situation = fc.record({ states, failing: fc.array(bad, { maxLength: 7 }) });
    await fc.assert(
      fc.asyncProperty(situation, async ({ states: known, failing }) => {
        const config = { ...CHAINED, retries: { ...CHAINED.retries, sameDeployment: 0 } };
        const stage = stageFor(config, [...failing, ok]);
        const at = stage.clock.now();
        const shifted = new Map(Object.entries(known).map(([id, state]) => [id, shiftedBy(state, at - NOW)]));
        const inner = stage.watched.snapshot();
        // What is learnt on the way counts as well as what was known before.
        const health = (id: DeploymentId) => {
          const learnt = inner.health(id);
          return learnt === HEALTHY ? (shifted.get(id) ?? learnt) : learnt;
        };
        const snapshot = { ...inner, health };
        const route = routed(config, { tier: 'premium' }, { snapshot, now: at });
        const deps = { ...stage.deps, state: { ...stage.watched, snapshot: () => snapshot } };
        const attempts = new Attempts(deps, stage.call(), route);
        const { served, error } = await outcome(stage, attempts);
        const expected = ORDER.filter((id) => !(id in known));
        const tried = attempts.trail.map(({ deployment }) => deployment);
        expect(tried).toEqual(expected.slice(0, failing.length + 1));
        expect(served?.deployment.id ?? null).toBe(expected[failing.length] ?? null);
        expect(error === null).toBe(served !== null);
        expect(served === null || served.tier?.tier === 'premium').toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('say in which tier they served, also those that rested at first', async () => {
    const plan = {
      name: 'p',
      tiers: ['premium', 'economy'] as const,
      onHigherTier: 'downgrade' as const,
      downgradeWhenUnavailable: true,
      quota: {} as Quota,
    };
    const config = configFor({
      pools: { one: { strategy: 'priority', members: ['A/m'] }, two: { strategy: 'priority', members: ['B/m'] } },
      tiers: { premium: { chain: ['one'] }, economy: { chain: ['two'] } },
    });
    for (const { rests, served } of [
      { rests: [], served: { tier: 'premium', lowered: null } },
      { rests: ['A/m'], served: { tier: 'economy', lowered: { from: 'premium', reason: 'unavailable' } } },
      { rests: ['B/m', 'A/m'], served: { tier: 'economy', lowered: { from: 'premium', reason: 'unavailable' } } },
    ] as const) {
      const stage = stageFor(config, [ok]);
      for (const [at, id] of rests.entries()) stage.record(id, 'throttled', { retryAfterMs: 1_000 + 500 * at });
      const run = stage.attempts(stage.call({ name: 'premium', plan }));
      expect((await outcome(stage, run)).served?.tier).toEqual(served);
    }
  });
});

function shiftedBy(state: Health, ms: number): Health {
  const { breaker, restUntil, misconfigured } = state;
  return {
    ...state,
    breaker: breaker.kind === 'open' ? { ...breaker, openUntil: breaker.openUntil + ms } : breaker,
    restUntil: restUntil === 0 ? 0 : restUntil + ms,
    misconfigured: misconfigured && { ...misconfigured, probeAt: misconfigured.probeAt + ms },
  };
}
