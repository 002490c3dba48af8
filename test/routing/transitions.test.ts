import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Finding, HEALTHY, type Health } from '../../src/domain/health.ts';
import { availability } from '../../src/routing/availability.ts';
import { nextBreaker, nextHealth, probeLeaseMs } from '../../src/routing/transitions.ts';
import {
  anyHealth,
  BREAKER,
  finding,
  HALF_OPEN,
  health,
  histories,
  MISCONFIGURED,
  NOW,
  OPEN,
  outcomes,
  probing,
  RETRIES,
  SETTINGS,
} from './facts.ts';

function learnt(state: Health, ...findings: readonly Finding[]): Health {
  return findings.reduce((now, one) => nextHealth(now, one, SETTINGS), state);
}

function failures(count: number, everyMs: number, from = NOW): Finding[] {
  return Array.from({ length: count }, (_, at) => finding('failing', { at: from + at * everyMs }));
}

function openUntil({ breaker }: Health): number {
  return breaker.kind === 'open' ? breaker.openUntil : 0;
}

describe('how a stream ended', () => {
  const recovering = health({ recovery: { since: NOW - 1_000, sent: 5, answered: 3 } });

  test.each(['ok', 'failing', 'throttled'] as const)('makes no room for others a second time: %s', (outcome) => {
    const { recovery } = learnt(recovering, { ...finding(outcome, { at: NOW }), sequel: true });
    expect(recovery).toEqual(recovering.recovery);
  });

  test('is what clears its deployment’s failures, or adds to them; that it began well does not', () => {
    const sequel = (outcome: 'ok' | 'failing'): Finding => ({ ...finding(outcome, { at: NOW }), sequel: true });
    const begins = finding('other', { at: NOW });
    expect(learnt(HEALTHY, begins, sequel('failing'), begins, sequel('failing'), begins).breaker).toMatchObject({
      inRow: 2,
    });
    expect(learnt(HEALTHY, begins, sequel('failing'), begins, sequel('ok')).breaker).toMatchObject({ inRow: 0 });
  });
});

describe('an open window', () => {
  test('never shortens, whatever is found while it lasts', () => {
    fc.assert(
      fc.property(histories, (findings) => {
        let state: Health = HEALTHY;
        for (const one of findings) {
          const before = openUntil(state);
          state = nextHealth(state, one, SETTINGS);
          if (before > one.at) expect(openUntil(state)).toBeGreaterThanOrEqual(before);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('is not closed by the late success of a request that was sent before it opened', () => {
    const late = learnt(health(), ...failures(5, 10), finding('ok', { at: NOW + 100 }));
    expect(availability(late, NOW + 101)).toMatchObject({ kind: 'out', reason: 'open' });
  });

  test('stays as it is under further failures of requests that were under way', () => {
    for (const probe of [false, true])
      expect(nextBreaker(OPEN.breaker, { at: NOW + 5, probe }, BREAKER)).toBe(OPEN.breaker);
  });
});

describe('a rest', () => {
  test('never shortens, whatever is found', () => {
    fc.assert(
      fc.property(anyHealth, histories, (start, findings) => {
        let state = start;
        for (const one of findings) {
          const { restUntil } = state;
          state = nextHealth(state, one, SETTINGS);
          expect(state.restUntil).toBeGreaterThanOrEqual(restUntil);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    { what: 'as long as the deployment says', retryAfterMs: 1_234, throttles: 0, ms: 1_234 },
    { what: 'no time where it says 0', retryAfterMs: 0, throttles: 0, ms: 0 },
    { what: 'the longest window at most', retryAfterMs: 86_400_000, throttles: 0, ms: BREAKER.maxOpenMs },
    { what: 'the base where it says nothing', retryAfterMs: null, throttles: 0, ms: RETRIES.baseMs },
    { what: 'twice as long the second time', retryAfterMs: null, throttles: 1, ms: 2 * RETRIES.baseMs },
    { what: 'four times as long the third time', retryAfterMs: null, throttles: 2, ms: 4 * RETRIES.baseMs },
    { what: 'no longer than an opening in the end', retryAfterMs: null, throttles: 60, ms: BREAKER.openMs },
    { what: 'no longer than an opening after thousands', retryAfterMs: null, throttles: 5_000, ms: BREAKER.openMs },
  ])('lasts $what', ({ retryAfterMs, throttles, ms }) => {
    const rested = learnt(health({ throttles }), finding('throttled', { retryAfterMs }));
    expect(rested.restUntil).toBe(NOW + ms);
    expect(rested.throttles).toBe(throttles + 1);
  });

  test('is counted anew after a success', () => {
    const state = learnt(health({ throttles: 6 }), finding('ok'), finding('throttled'));
    expect(state.restUntil).toBe(NOW + RETRIES.baseMs);
  });

  test('is still an instant after thousands of throttled answers in a row without a base', () => {
    const settings = { breaker: BREAKER, retries: { ...RETRIES, baseMs: 0 } };
    const state = nextHealth(health({ throttles: 2_000 }), finding('throttled'), settings);
    expect(nextHealth(state, finding('throttled', { retryAfterMs: 500 }), settings).restUntil).toBe(NOW + 500);
  });

  test('lets a breaker alone: throttling is no failure', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('throttled' as const, 'other' as const, 'misconfigured' as const), { maxLength: 30 }),
        (kinds) => {
          expect(learnt(health(), ...kinds.map((kind) => finding(kind))).breaker.kind).toBe('closed');
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('a breaker', () => {
  test('opens with the failure that reaches the threshold within the window, and not before', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(gaps, (between) => {
        let at = NOW;
        const times: number[] = [];
        let state = health();
        for (const gap of between) {
          at += gap;
          times.push(at);
          state = learnt(state, finding('failing', { at }));
          const recent = times.filter((one) => one > at - BREAKER.windowMs).length;
          expect(state.breaker.kind).toBe(recent >= BREAKER.failures ? 'open' : 'closed');
          if (state.breaker.kind === 'open') return;
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('opens at the threshold though every other request succeeds: failures within the window count', () => {
    const mixed = failures(BREAKER.failures, 1_000).flatMap((one) => [one, finding('ok', { at: one.at + 500 })]);
    expect(learnt(health(), ...mixed.slice(0, -1)).breaker.kind).toBe('open');
  });

  test('opens for the configured time at first', () => {
    expect(openUntil(learnt(health(), ...failures(5, 0)))).toBe(NOW + BREAKER.openMs);
  });

  test('opens twice as long after every probe that failed, up to the longest window', () => {
    let state = learnt(health(), ...failures(5, 0));
    const lengths = [openUntil(state) - NOW];
    for (let round = 0; round < 6; round++) {
      const at = openUntil(state);
      state = learnt(probing(state, at, SETTINGS), finding('failing', { at, probe: true }));
      lengths.push(openUntil(state) - at);
    }
    expect(lengths).toEqual([30_000, 60_000, 120_000, 240_000, 300_000, 300_000, 300_000]);
  });

  test('is closed by a probe that succeeds, and begins to count anew', () => {
    const closed = learnt(HALF_OPEN, finding('ok', { probe: true }));
    expect(closed.breaker).toMatchObject({ kind: 'closed', failedAt: [] });
    expect(openUntil(learnt(closed, ...failures(5, 0)))).toBe(NOW + BREAKER.openMs);
  });

  test.each([
    { what: 'refused or filtered', outcome: 'other' as const },
    { what: 'throttled', outcome: 'throttled' as const },
    { what: 'refused for its key', outcome: 'misconfigured' as const },
  ])('is closed by a probe that was $what: the deployment is there again', ({ outcome }) => {
    expect(learnt(HALF_OPEN, finding(outcome, { probe: true })).breaker.kind).toBe('closed');
  });

  test('that is half-open is moved by the outcome of its probe alone, and not by what was sent before', () => {
    const late = fc.array(fc.tuple(outcomes, fc.nat({ max: 100_000 })), { maxLength: 20 });
    fc.assert(
      fc.property(late, (found) => {
        const end = learnt(HALF_OPEN, ...found.map(([outcome, after]) => finding(outcome, { at: NOW + after })));
        expect(end.breaker).toEqual(HALF_OPEN.breaker);
        expect(end.recovery).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test('that is half-open is settled by its probe, whatever the outcome', () => {
    fc.assert(
      fc.property(outcomes, (outcome) => {
        const { breaker } = learnt(HALF_OPEN, finding(outcome, { probe: true }));
        expect(breaker.kind).toBe(outcome === 'failing' ? 'open' : 'closed');
      }),
    );
  });

  test('that has opened again is not closed by a probe that somebody took over', () => {
    expect(learnt(OPEN, finding('ok', { probe: true })).breaker).toBe(OPEN.breaker);
  });

  test('is never opened by what the deployment filtered or refused', () => {
    fc.assert(
      fc.property(anyHealth, fc.nat({ max: 30 }), (start, count) => {
        const end = learnt(start, ...Array.from({ length: count }, () => finding('other')));
        expect(openUntil(end)).toBe(openUntil(start));
      }),
      { numRuns: 300 },
    );
  });

  test('of one failure and no waiting can be configured', () => {
    const settings = { breaker: { ...BREAKER, failures: 1, openMs: 0, maxOpenMs: 0 }, retries: RETRIES };
    const state = nextHealth(health(), finding('failing'), settings);
    expect(availability(state, NOW)).toEqual({ kind: 'probe' });
  });
});

describe('a probe', () => {
  test('is one: while it is under way nobody else gets one', () => {
    fc.assert(
      fc.property(anyHealth, (state) => {
        if (availability(state, NOW).kind !== 'probe') return;
        expect(availability(probing(state, NOW, SETTINGS), NOW).kind).toBe('out');
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    { what: 'as long as an opening', openMs: 5_000, leaseMs: 5_000 },
    { what: 'at least two seconds', openMs: 0, leaseMs: 2_000 },
    { what: 'ten seconds at most', openMs: 300_000, leaseMs: 10_000 },
  ])('is waited for $what', ({ openMs, leaseMs }) => {
    expect(probeLeaseMs({ ...BREAKER, openMs })).toBe(leaseMs);
    const breaker = { ...BREAKER, openMs };
    expect(probing(OPEN, NOW + 10_000, { breaker }).breaker).toEqual({
      kind: 'halfOpen',
      leaseUntil: NOW + 10_000 + leaseMs,
      openings: 1,
    });
  });

  test('of a deployment that may have been mended fails for as long as a misconfiguration lasts', () => {
    const due = health({ misconfigured: { since: NOW - 9, probeAt: NOW, cause: '' } });
    const failed = learnt(probing(due, NOW, SETTINGS), finding('failing', { probe: true }));
    expect(availability(failed, NOW + BREAKER.maxOpenMs - 1)).toMatchObject({ kind: 'out', reason: 'misconfigured' });
  });

  test('changes nothing on a deployment that is well', () => {
    expect(probing(health(), NOW, SETTINGS)).toEqual(health());
  });
});

describe('a recovery', () => {
  /** The requests of one round: as many as may go, all of them answered before the next round. */
  function round(state: Health, at: number): { sent: number; state: Health } {
    let now = state;
    let sent = 0;
    while (availability(now, at).kind === 'ready' && now.recovery !== null && sent < 1_000) {
      now = { ...now, recovery: { ...now.recovery, sent: now.recovery.sent + 1 } };
      sent++;
    }
    for (let answer = 0; answer < sent; answer++) now = nextHealth(now, finding('ok', { at }), SETTINGS);
    return { sent, state: now };
  }

  test('begins with the probe that succeeded, and lets twice as many through from round to round until 64 are answered', () => {
    let state = learnt(HALF_OPEN, finding('ok', { probe: true }));
    const rounds: number[] = [];
    for (let at = NOW + 1; state.recovery !== null && rounds.length < 10; at++) {
      const next = round(state, at);
      state = next.state;
      rounds.push(next.sent);
    }
    expect(rounds).toEqual([2, 4, 8, 16, 32, 64]);
    expect(availability(state, NOW + 60)).toEqual({ kind: 'ready' });
  });

  test('is over after 30 s, however little was asked', () => {
    const back = learnt(HALF_OPEN, finding('ok', { probe: true }));
    expect(learnt(back, finding('ok', { at: NOW + 29_999 })).recovery).not.toBeNull();
    expect(learnt(back, finding('ok', { at: NOW + 30_000 })).recovery).toBeNull();
  });

  test('goes no faster for late answers to what was sent before', () => {
    const back = learnt(HALF_OPEN, finding('ok', { probe: true }));
    const late = Array.from({ length: 200 }, (_, at) => finding('ok', { at: NOW + at }));
    expect(learnt(back, ...late).recovery).toEqual({ since: NOW, sent: 1, answered: 1 });
  });

  test.each(['throttled', 'failing', 'misconfigured'] as const)(
    'gives the place of a request that was %s to another one, and never more than that',
    (outcome) => {
      const state = health({ recovery: { since: NOW, sent: 3, answered: 1 } });
      expect(learnt(state, finding(outcome)).recovery).toEqual({ since: NOW, sent: 2, answered: 1 });
      expect(learnt(state, finding(outcome), finding(outcome)).recovery).toEqual({ since: NOW, sent: 1, answered: 1 });
      expect(learnt(state, ...Array.from({ length: 4 }, () => finding(outcome))).recovery).toEqual({
        since: NOW,
        sent: 1,
        answered: 1,
      });
    },
  );

  test('ends where the deployment goes down again, and begins anew with the next probe', () => {
    const back = learnt(HALF_OPEN, finding('ok', { probe: true }));
    const down = learnt(back, ...failures(5, 10, NOW + 1));
    expect(down).toMatchObject({ breaker: { kind: 'open', openings: 1 }, recovery: null });
    const at = NOW + 60_000;
    const again = learnt(probing(down, at, SETTINGS), finding('ok', { at, probe: true }));
    expect(again.recovery).toEqual({ since: at, sent: 1, answered: 1 });
  });

  test('never counts more answers than requests', () => {
    fc.assert(
      fc.property(anyHealth, histories, (start, findings) => {
        for (let state = start, at = 0; at < findings.length; at++) {
          state = nextHealth(state, findings[at] ?? finding('ok'), SETTINGS);
          if (state.recovery !== null) expect(state.recovery.sent).toBeGreaterThanOrEqual(state.recovery.answered);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a misconfiguration', () => {
  test('takes the deployment out, remembers its beginning, and is looked at again after the longest window', () => {
    const first = learnt(health(), finding('misconfigured', { cause: 'status 401' }));
    const again = learnt(first, finding('misconfigured', { at: NOW + 10, cause: 'status 403' }));
    expect(again.misconfigured).toEqual({ since: NOW, probeAt: NOW + 10 + BREAKER.maxOpenMs, cause: 'status 403' });
  });

  test('is over once the deployment answers', () => {
    expect(learnt(MISCONFIGURED, finding('ok')).misconfigured).toBeNull();
    expect(learnt(MISCONFIGURED, finding('throttled')).misconfigured).toBeNull();
  });
});

describe('an operator’s drain', () => {
  test('lasts whatever is found meanwhile', () => {
    fc.assert(
      fc.property(histories, (findings) => {
        expect(learnt(health({ drainedSince: NOW - 9 }), ...findings).drainedSince).toBe(NOW - 9);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is known of a deployment', () => {
  test('keeps its latency smoothed between the smallest and the largest ever measured', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 10_000 }), { minLength: 1, maxLength: 20 }), (latencies) => {
        const state = learnt(health(), ...latencies.map((latencyMs) => finding('ok', { latencyMs })));
        expect(state.latencyMs).toBeGreaterThanOrEqual(Math.min(...latencies) - 1e-6);
        expect(state.latencyMs).toBeLessThanOrEqual(Math.max(...latencies) + 1e-6);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps the last word on latency and headroom where a finding has none', () => {
    const known = health({ latencyMs: 120, headroom: 0.4 });
    fc.assert(
      fc.property(outcomes, (outcome) => {
        expect(learnt(known, finding(outcome))).toMatchObject({ latencyMs: 120, headroom: 0.4 });
        expect(learnt(known, finding(outcome, { headroom: 0 })).headroom).toBe(0);
        const left = { tokens: 5, requests: null };
        expect(learnt({ ...known, remaining: left }, finding(outcome)).remaining).toEqual(left);
        expect(learnt(known, finding(outcome, { remaining: left })).remaining).toEqual(left);
      }),
    );
  });

  test('follows from what was known and found alone: nothing handed in is changed', () => {
    fc.assert(
      fc.property(anyHealth, histories, (start, findings) => {
        const frozen = deepFreeze(structuredClone(start));
        expect(learnt(frozen, ...findings)).toEqual(learnt(structuredClone(start), ...findings));
      }),
      { numRuns: 300 },
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}

describe('failures among many successes', () => {
  const settings = { breaker: BREAKER, retries: RETRIES };
  const healthAfter = (outcomes: readonly Finding['outcome'][]): Health =>
    outcomes.reduce((state, outcome, at) => nextHealth(state, finding(outcome, { at: NOW + at }), settings), HEALTHY);

  test('do not open a breaker, however many a busy minute brings', () => {
    const everyday = Array.from({ length: 5_000 }, (_, at) => (at % 50 === 0 ? 'failing' : 'ok') as Finding['outcome']);
    expect(healthAfter(everyday).breaker.kind).toBe('closed');
  });

  test.each([
    { perSecond: 2, oneIn: 20 },
    { perSecond: 10, oneIn: 20 },
    { perSecond: 100, oneIn: 50 },
    { perSecond: 200, oneIn: 100 },
  ])('do not open it in five windows either: $perSecond a second, one in $oneIn fails', ({ perSecond, oneIn }) => {
    let state = HEALTHY;
    for (let at = 0; at < 5 * BREAKER.windowMs * (perSecond / 1_000); at++) {
      const outcome = at % oneIn === oneIn - 1 ? 'failing' : 'ok';
      state = nextHealth(state, finding(outcome, { at: NOW + (at * 1_000) / perSecond }), settings);
      expect(state.breaker.kind).toBe('closed');
    }
  });

  test('are held against the answers of one window, not of those before', () => {
    const busy = Array.from({ length: 1_000 }, (_, at) => finding('ok', { at: NOW + at }));
    const later = NOW + 2 * BREAKER.windowMs + 1_000;
    const poor = Array.from({ length: 9 }, (_, at) =>
      finding(at % 2 === 0 ? 'failing' : 'ok', { at: later + at * 1_000 }),
    );
    const after = [...busy, ...poor].reduce((state, one) => nextHealth(state, one, settings), HEALTHY);
    expect(after.breaker.kind).toBe('open');
  });

  test('open it at the threshold once they come in a row, as in an outage', () => {
    const outage: Finding['outcome'][] = [
      ...Array.from({ length: 5_000 }, () => 'ok' as const),
      ...Array.from({ length: 5 }, () => 'failing' as const),
    ];
    expect(healthAfter(outage.slice(0, -1)).breaker.kind).toBe('closed');
    expect(healthAfter(outage).breaker.kind).toBe('open');
  });
});
