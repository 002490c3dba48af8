import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Health } from '../../src/domain/health.ts';
import { CLEAN_RECORD } from '../../src/domain/health.ts';
import { type Availability, availability, isRecovering } from '../../src/routing/availability.ts';
import { anyHealth, DRAINED, HALF_OPEN, health, MISCONFIGURED, NOW, OPEN, PROBE, RAMPING, RESTING } from './facts.ts';

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
    { what: 'that is being probed', state: HALF_OPEN, is: out('halfOpen', NOW + 8_000) },
    {
      what: 'whose probe nothing has been heard of until its lease ended',
      state: health({ breaker: { kind: 'halfOpen', leaseUntil: NOW, openings: 1 } }),
      is: { kind: 'probe' },
    },
    { what: 'that is drained', state: DRAINED, is: out('drained', Number.POSITIVE_INFINITY) },
    {
      what: 'that is drained, with a probe due',
      state: health({ ...PROBE, drainedSince: NOW - 1 }),
      is: out('drained', Number.POSITIVE_INFINITY),
    },
    { what: 'just back, with all on their way that it may have', state: RAMPING, is: { kind: 'ramping' } },
    {
      what: 'just back, and at rest',
      state: health({ ...RAMPING, restUntil: NOW + 1 }),
      is: out('throttled', NOW + 1),
    },
    {
      what: 'just back, with room for one more',
      state: health({ recovery: { since: NOW - 5, sent: 2, answered: 1 } }),
      is: { kind: 'ready' },
    },
    {
      what: 'just back by the word of another instance, and never tried here',
      state: health({ recovery: { since: NOW - 5, sent: 0, answered: 0 } }),
      is: { kind: 'ready' },
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
        const { breaker, restUntil, misconfigured, drainedSince } = state;
        const windows = [restUntil, misconfigured?.probeAt ?? 0, breaker.kind === 'open' ? breaker.openUntil : 0];
        if (breaker.kind === 'halfOpen') windows.push(breaker.leaseUntil);
        const isLeftAlone = drainedSince !== null || Math.max(...windows) > NOW;
        expect(availability(state, NOW).kind === 'out').toBe(isLeftAlone);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a deployment that has just come back', () => {
  const recovering = (sent: number, answered: number, since = NOW) => health({ recovery: { since, sent, answered } });

  test('may have one request on its way, and two more for each that it answered', () => {
    for (let answered = 0; answered < 64; answered++) {
      const most = 2 * answered + 1;
      expect(availability(recovering(most - 1, answered), NOW + 1)).toEqual({ kind: 'ready' });
      expect(availability(recovering(most, answered), NOW + 1)).toEqual({ kind: 'ramping' });
    }
  });

  test.each([
    { what: 'after 64 answers', answered: 64, afterMs: 1, is: false },
    { what: 'after 63 answers', answered: 63, afterMs: 1, is: true },
    { what: 'after 30 s', answered: 0, afterMs: 30_000, is: false },
    { what: 'shortly before', answered: 0, afterMs: 29_999, is: true },
  ])('is recovering $what: $is', ({ answered, afterMs, is }) => {
    expect(isRecovering({ since: NOW, sent: 500, answered }, NOW + afterMs)).toBe(is);
    expect(availability(recovering(500, answered), NOW + afterMs).kind).toBe(is ? 'ramping' : 'ready');
  });
});
