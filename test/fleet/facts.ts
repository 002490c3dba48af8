/** Evidence small enough to be written in one line of a test. */
import fc from 'fast-check';
import type { Breaker } from '../../src/domain/config.ts';
import { type FleetHealth, UNTROUBLED } from '../../src/fleet/deployments.ts';
import { type Evidence, type FoldFacts, NO_EVIDENCE } from '../../src/fleet/fold.ts';

/** An instant like any other, and never 0. */
export const NOW = Date.UTC(2026, 10, 21, 12);

export const BREAKER: Breaker = { failures: 5, windowMs: 60_000, openMs: 30_000, maxOpenMs: 300_000, refreshMs: 1_000 };

export function factsOf(instance: string, breaker: Partial<Breaker> = {}): FoldFacts {
  return { instance, breaker: { ...BREAKER, ...breaker }, config: 'c1' };
}

export const I1 = factsOf('i1');
export const I2 = factsOf('i2');

export function evidence(facts: Partial<Evidence>): Evidence {
  return { ...NO_EVIDENCE, ...facts };
}

/** `count` failures ending at `last`, a millisecond apart. */
export function failures(count: number, last = NOW, decisive = false): Evidence {
  const at = Array.from({ length: count }, (_, position) => last - (count - 1 - position));
  return evidence({ failures: { at, decisive, cause: 'status 503' } });
}

export function open(openUntil: number, openings = 1): FleetHealth {
  return { ...UNTROUBLED, breaker: { kind: 'open', openUntil, openings, cause: 'status 503' } };
}

export function halfOpen(claim: string, leaseUntil: number, openings = 1): FleetHealth {
  return { ...UNTROUBLED, breaker: { kind: 'halfOpen', leaseUntil, openings, cause: 'status 503', claim } };
}

const instants = fc.integer({ min: NOW - 120_000, max: NOW + 120_000 });

export const anyEvidence: fc.Arbitrary<Evidence> = fc.record({
  failures: fc.option(
    fc.record({
      at: fc.array(instants, { minLength: 1, maxLength: 7 }).map((at) => at.sort((left, right) => left - right)),
      decisive: fc.boolean(),
      cause: fc.constant('status 503'),
    }),
  ),
  servedAt: fc.option(instants),
  rest: fc.option(
    fc.tuple(instants, fc.integer({ min: 0, max: 100_000 })).map(([at, restMs]) => ({ at, until: at + restMs })),
  ),
  misconfigured: fc.option(fc.record({ at: instants, cause: fc.constant('status 401') })),
  mendedAt: fc.option(instants),
  probe: fc.option(
    fc
      .record({
        claim: fc.constantFrom('x', 'y'),
        tookMs: fc.nat(60_000),
        outcome: fc.constantFrom('answered' as const, 'failed' as const, 'dropped' as const, 'pending' as const),
        openings: fc.integer({ min: 0, max: 4 }),
        at: instants,
        cause: fc.constant('status 503'),
      })
      .map(({ tookMs, ...probe }) => ({ ...probe, claimedAt: probe.at - tookMs })),
  ),
});

export const anyFleet: fc.Arbitrary<FleetHealth> = fc.record({
  breaker: fc.oneof(
    fc.record({
      kind: fc.constant('closed' as const),
      since: fc.oneof(fc.constant(0), instants),
      servedAt: fc.oneof(fc.constant(0), instants),
      reports: fc.dictionary(
        fc.constantFrom('i1', 'i2', 'i3'),
        fc.array(instants, { minLength: 1, maxLength: 3 }).map((at) => at.sort((left, right) => left - right)),
      ),
    }),
    fc.record({
      kind: fc.constant('open' as const),
      openUntil: instants,
      openings: fc.integer({ min: 1, max: 4 }),
      cause: fc.constant('c'),
    }),
    fc.record({
      kind: fc.constant('halfOpen' as const),
      leaseUntil: instants,
      openings: fc.integer({ min: 1, max: 4 }),
      cause: fc.constant('c'),
      claim: fc.constantFrom('x', 'y'),
    }),
  ),
  restUntil: fc.oneof(fc.constant(0), instants),
  misconfigured: fc.option(
    fc.record({
      since: instants,
      probeAt: instants,
      cause: fc.constant('status 401'),
      config: fc.constantFrom('c1', 'c2'),
    }),
  ),
  drainedSince: fc.option(instants),
  restoredAt: fc.oneof(fc.constant(0), instants),
});
