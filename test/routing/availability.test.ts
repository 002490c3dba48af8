import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Health } from '../../src/domain/health.ts';
import { CLEAN_RECORD } from '../../src/domain/health.ts';
import { type Availability, availability, PROBE_LEASE_MS } from '../../src/routing/availability.ts';
import { anyHealth, HALF_OPEN, health, MISCONFIGURED, NOW, OPEN, PROBE, RESTING } from './facts.ts';

const out = (reason: string, until: number) => ({ kind: 'out', reason, until });

describe('a deployment', () => {
  test.each<{ what: string; state: Health; is: object }>([
    { what: 'healthy', state: health(), is: { kind: 'ready' } },
    {
      what: 'with failures below the threshold',
      state: health({ breaker: { kind: 'closed', ...CLEAN_RECORD, failedAt: [NOW - 1, NOW - 2] } }),
      is: { kind: 'ready' },
    },
    { what: 'that was throttled before', state: health({ restUntil: NOW - 1, throttles: 3 }), is: { kind: 'ready' } },
    { what: 'whose rest ends now', state: health({ restUntil: NOW }), is: { kind: 'ready' } },
    { what: 'at rest', state: RESTING, is: out('throttled', NOW + 3_000) },
    { what: 'with an open breaker', state: OPEN, is: out('open', NOW + 10_000) },
    {
      what: 'whose open window ends now',
      state: health({ breaker: { kind: 'open', openUntil: NOW, openings: 1 } }),
      is: { kind: 'probe' },
    },
    { what: 'whose open window has ended', state: PROBE, is: { kind: 'probe' } },
    { what: 'that is being probed', state: HALF_OPEN, is: out('halfOpen', NOW - 5 + PROBE_LEASE_MS) },
    {
      what: 'whose probe was never answered',
      state: health({ breaker: { kind: 'halfOpen', since: NOW - PROBE_LEASE_MS, openings: 1 } }),
      is: { kind: 'probe' },
    },
    { what: 'that is misconfigured', state: MISCONFIGURED, is: out('misconfigured', NOW + 20_000) },
    {
      what: 'that may have been mended',
      state: health({ misconfigured: { since: NOW - 9, probeAt: NOW, cause: '' } }),
      is: { kind: 'probe' },
    },
    {
      what: 'at rest with a probe due',
      state: health({ ...PROBE, restUntil: NOW + 1 }),
      is: out('throttled', NOW + 1),
    },
  ])('$what is $is', ({ state, is }) => {
    expect(availability(state, NOW)).toEqual(is);
  });

  test('that is out says until when, and that lies ahead', () => {
    fc.assert(
      fc.property(anyHealth, (state) => {
        const is: Availability = availability(state, NOW);
        if (is.kind === 'out') expect(is.until).toBeGreaterThan(NOW);
      }),
      { numRuns: 1_000 },
    );
  });

  test('is never tried while any of its windows lasts', () => {
    fc.assert(
      fc.property(anyHealth, (state) => {
        const { breaker, restUntil, misconfigured } = state;
        const windows = [restUntil, misconfigured?.probeAt ?? 0, breaker.kind === 'open' ? breaker.openUntil : 0];
        if (Math.max(...windows) > NOW) expect(availability(state, NOW).kind).toBe('out');
      }),
      { numRuns: 1_000 },
    );
  });
});
