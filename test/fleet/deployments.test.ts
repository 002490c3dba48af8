import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEALTHY } from '../../src/domain/health.ts';
import { countOf, drained, type FleetHealth, isUntroubled, restored, UNTROUBLED } from '../../src/fleet/deployments.ts';
import { fold } from '../../src/fleet/fold.ts';
import { adopt, claimed } from '../../src/fleet/view.ts';
import { availability } from '../../src/routing/availability.ts';
import { anyEvidence, anyFleet, BREAKER, evidence, factsOf, failures, halfOpen, I1, I2, NOW, open } from './facts.ts';

const atOnce = () => 0;

function countIn({ breaker }: FleetHealth): number {
  return breaker.kind === 'closed' ? countOf(breaker.reports) : -1;
}

function openUntil({ breaker }: FleetHealth): number {
  return breaker.kind === 'open' ? breaker.openUntil : 0;
}

describe('evidence folded into the word of the fleet', () => {
  test('changes nothing the second time, as nobody knows whether a lost answer was a lost write', () => {
    fc.assert(
      fc.property(anyFleet, anyEvidence, (fleet, one) => {
        const once = fold(fleet, one, I1);
        expect(fold(once, one, I1)).toEqual(once);
      }),
      { numRuns: 1_000 },
    );
  });

  test('never shortens an open window nor a rest', () => {
    fc.assert(
      fc.property(
        anyFleet,
        fc.array(fc.tuple(anyEvidence, fc.constantFrom(I1, I2)), { maxLength: 8 }),
        (fleet, told) => {
          let now = fleet;
          for (const [one, facts] of told) {
            const next = fold(now, one, facts);
            if (now.breaker.kind === 'open' && one.probe === null)
              expect(openUntil(next)).toBeGreaterThanOrEqual(openUntil(now));
            expect(next.restUntil).toBeGreaterThanOrEqual(now.restUntil);
            now = next;
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('leaves an open breaker as it is, whatever was still on its way when it opened', () => {
    fc.assert(
      fc.property(anyEvidence, (one) => {
        const before = open(NOW + 500_000, 2);
        expect(fold(before, one, I1).breaker).toBe(before.breaker);
      }),
    );
  });
});

describe('failures', () => {
  test('of several instances add up, and open the breaker at the threshold', () => {
    const four = fold(fold(UNTROUBLED, failures(2), I1), failures(2, NOW + 10), I2);
    expect(countIn(four)).toBe(4);
    const five = fold(four, failures(3, NOW + 20), I2);
    expect(five.breaker).toEqual({
      kind: 'open',
      openUntil: NOW + 20 + BREAKER.openMs,
      openings: 1,
      cause: 'status 503',
    });
  });

  test('within one millisecond all count', () => {
    const at = [NOW, NOW, NOW];
    const three = fold(UNTROUBLED, evidence({ failures: { at, decisive: false, cause: 'c' } }), I1);
    expect(countIn(three)).toBe(3);
    const four = evidence({ failures: { at: [...at, NOW], decisive: false, cause: 'c' } });
    expect(countIn(fold(three, four, I1))).toBe(4);
  });

  test('of eight instances, fifty each, are all counted, in whatever order they are told', () => {
    const eight = Array.from({ length: 8 }, (_, at) => factsOf(`i${at}`, { failures: 401 }));
    fc.assert(
      fc.property(fc.shuffledSubarray(eight, { minLength: 8, maxLength: 8 }), (order) => {
        let fleet = UNTROUBLED;
        for (const facts of order) fleet = fold(fleet, failures(25, NOW), facts);
        for (const facts of order) fleet = fold(fleet, failures(50, NOW + 25), facts);
        expect(countIn(fleet)).toBe(400);
      }),
    );
  });

  test('that one instance finds enough open the breaker without anybody else', () => {
    expect(fold(UNTROUBLED, failures(1, NOW, true), I1).breaker.kind).toBe('open');
  });

  test('from before the window do not count with later ones', () => {
    const old = fold(UNTROUBLED, failures(4, NOW - BREAKER.windowMs - 1), I1);
    expect(fold(old, failures(1, NOW), I2).breaker.kind).toBe('closed');
  });

  test('from before the breaker closed are past, even if they were enough', () => {
    const closed = fold(
      halfOpen('x', NOW + 1_000),
      evidence({ probe: { claim: 'x', claimedAt: NOW - 1, outcome: 'answered', openings: 0, at: NOW, cause: '' } }),
      I1,
    );
    expect(fold(closed, failures(9, NOW - 1, true), I2)).toBe(closed);
    expect(fold(closed, failures(9, NOW + 100, true), I2).breaker.kind).toBe('open');
  });

  test('are cleared by a success of anybody, but for those that came after it', () => {
    const three = fold(fold(UNTROUBLED, failures(2, NOW), I1), failures(1, NOW + 50), I2);
    const served = fold(three, evidence({ servedAt: NOW + 20 }), factsOf('i3'));
    expect(countIn(served)).toBe(1);
    expect(countIn(fold(served, failures(2, NOW), I1))).toBe(1);
  });
});

describe('a probe', () => {
  test('is granted once until its outcome is known or its lease has ended', () => {
    const lapsed = open(NOW - 1, 2);
    const first = claimed(lapsed, 'x', NOW, I1) as FleetHealth;
    expect(first.breaker).toMatchObject({ kind: 'halfOpen', claim: 'x', openings: 2 });
    expect(claimed(first, 'y', NOW + 1, I2)).toBeNull();
    const leaseUntil = first.breaker.kind === 'halfOpen' ? first.breaker.leaseUntil : 0;
    expect(claimed(first, 'y', leaseUntil, I2)?.breaker).toMatchObject({ claim: 'y' });
  });

  test('is not granted while the window lasts, and not needed where nothing is wrong', () => {
    expect(claimed(open(NOW + 1), 'x', NOW, I1)).toBeNull();
    expect(claimed(drained(UNTROUBLED, NOW - 1), 'x', NOW, I1)).toBeNull();
    expect(claimed(UNTROUBLED, 'x', NOW, I1)).toBe(UNTROUBLED);
  });

  test.each([
    ['closes the breaker where the deployment answered', 'answered', { kind: 'closed', since: NOW, reports: {} }],
    [
      'opens it for longer where it failed',
      'failed',
      { kind: 'open', openUntil: NOW + 2 * BREAKER.openMs, openings: 2 },
    ],
    ['gives way to the next where it taught nothing', 'dropped', { kind: 'open', openUntil: NOW, openings: 1 }],
  ] as const)('%s', (_, outcome, breaker) => {
    const told = evidence({
      probe: { claim: 'x', claimedAt: NOW - 1, outcome, openings: 0, at: NOW, cause: 'status 500' },
    });
    expect(fold(halfOpen('x', NOW + 5_000), told, I1).breaker).toMatchObject(breaker);
  });

  test('counts for nothing once another has taken its place', () => {
    const other = halfOpen('y', NOW + 5_000);
    const told = evidence({
      probe: { claim: 'x', claimedAt: NOW - 1, outcome: 'answered', openings: 0, at: NOW, cause: '' },
    });
    expect(fold(other, told, I1)).toBe(other);
  });

  test('that failed as one of several, made while the store was down, opens it for as long as the last of them said', () => {
    const told = evidence({
      probe: { claim: 'x', claimedAt: NOW - 1, outcome: 'failed', openings: 4, at: NOW, cause: 'status 503' },
    });
    expect(fold(open(NOW - 1), told, I1).breaker).toMatchObject({ openings: 4, openUntil: NOW + 8 * BREAKER.openMs });
  });

  test('that was made while the store was down counts once the window is over, and not before', () => {
    const told = (at: number) =>
      evidence({ probe: { claim: 'x', claimedAt: at, outcome: 'answered', openings: 0, at, cause: '' } });
    expect(fold(open(NOW), told(NOW + 1), I1).breaker.kind).toBe('closed');
    const lasting = open(NOW + 2);
    expect(fold(lasting, told(NOW + 1), I1)).toBe(lasting);
    const pending = evidence({
      probe: { claim: 'x', claimedAt: NOW, outcome: 'pending', openings: 0, at: NOW + 1, cause: '' },
    });
    expect(fold(open(NOW), pending, I1).breaker).toMatchObject({ kind: 'halfOpen', claim: 'x' });
  });

  test('that was sent before the window was over counts for nothing, however late it is answered', () => {
    const told = evidence({
      probe: { claim: 'x', claimedAt: NOW - 1, outcome: 'answered', openings: 0, at: NOW + 60_000, cause: '' },
    });
    const [lapsed, taken] = [open(NOW), halfOpen('y', NOW)];
    expect([fold(lapsed, told, I1), fold(taken, told, I1)]).toEqual([lapsed, taken]);
  });

  test('renews its lease when half of it is over, and not before', () => {
    const early = halfOpen('x', NOW + 9_000);
    const pending = (at: number) =>
      evidence({ probe: { claim: 'x', claimedAt: NOW - 1, outcome: 'pending', openings: 0, at, cause: '' } });
    expect(fold(early, pending(NOW), I1)).toBe(early);
    expect(fold(early, pending(NOW + 6_000), I1).breaker).toMatchObject({ leaseUntil: NOW + 16_000 });
  });
});

describe('a rest', () => {
  test('is not written again by those who were told about the same', () => {
    const first = fold(UNTROUBLED, evidence({ rest: { at: NOW, until: NOW + 20_000 } }), I1);
    expect(fold(first, evidence({ rest: { at: NOW + 400, until: NOW + 20_400 } }), I2)).toBe(first);
    expect(fold(first, evidence({ rest: { at: NOW + 400, until: NOW + 25_000 } }), I2).restUntil).toBe(NOW + 25_000);
  });

  test('lasts as long as this instance was told, even where the fleet was told a little less', () => {
    const own = { ...HEALTHY, restUntil: NOW + 20_400 };
    const word = { ...UNTROUBLED, restUntil: NOW + 20_000 };
    expect(adopt(own, word, I1, atOnce).restUntil).toBe(NOW + 20_400);
  });

  test('that others were given ends with a delay of this instance alone, once', () => {
    const word = { ...UNTROUBLED, restUntil: NOW + 20_000 };
    const learnt = adopt(HEALTHY, word, I1, () => 700);
    expect(learnt.restUntil).toBe(NOW + 20_700);
    expect(adopt(learnt, word, I1, () => 700).restUntil).toBe(NOW + 20_700);
  });
});

describe('a misconfiguration', () => {
  const wrong = fold(UNTROUBLED, evidence({ misconfigured: { at: NOW, cause: 'status 401' } }), I1);

  test('keeps the deployment out until it may be probed, and is not written again by the next who finds it', () => {
    expect(wrong.misconfigured).toEqual({ since: NOW, probeAt: NOW + 300_000, cause: 'status 401', config: 'c1' });
    expect(fold(wrong, evidence({ misconfigured: { at: NOW + 500, cause: 'status 401' } }), I2)).toBe(wrong);
  });

  test('is over where a later request was served', () => {
    expect(fold(wrong, evidence({ mendedAt: NOW + 1 }), I2).misconfigured).toBeNull();
    expect(fold(wrong, evidence({ mendedAt: NOW - 1 }), I2)).toBe(wrong);
  });

  test('does not concern an instance with another configuration of that deployment', () => {
    expect(adopt(HEALTHY, wrong, { ...I1, config: 'c2' }, atOnce).misconfigured).toBeNull();
    expect(adopt(HEALTHY, wrong, I1, atOnce).misconfigured).not.toBeNull();
  });
});

describe('what an instance makes of the word of the fleet', () => {
  test('is closed, and eases in, where somebody else has found out that the deployment is back', () => {
    const own = { ...HEALTHY, breaker: { kind: 'open' as const, openUntil: NOW + 9_000, openings: 1 } };
    const word = { ...UNTROUBLED, breaker: { kind: 'closed' as const, since: NOW, servedAt: 0, reports: {} } };
    const view = adopt(own, word, I1, atOnce);
    expect(view.breaker.kind).toBe('closed');
    expect(view.recovery).toEqual({ since: NOW, sent: 0, answered: 0 });
  });

  test('keeps a window that it has seen open more often while it was alone', () => {
    const own = { ...HEALTHY, breaker: { kind: 'open' as const, openUntil: NOW + 240_000, openings: 4 } };
    expect(adopt(own, open(NOW + 60_000, 2), I1, atOnce).breaker).toMatchObject({ openUntil: NOW + 240_000 });
  });

  test('keeps a window that it saw open later, as a window never shortens', () => {
    const own = { ...HEALTHY, breaker: { kind: 'open' as const, openUntil: NOW + 30_300, openings: 1 } };
    expect(adopt(own, open(NOW + 30_000), I1, atOnce).breaker).toMatchObject({ openUntil: NOW + 30_300 });
    expect(adopt(own, open(NOW + 60_000, 2), I1, atOnce).breaker).toMatchObject({ openUntil: NOW + 60_000 });
  });

  test.each([
    ['forgets what failed before somebody closed or restored it', { since: NOW + 5, servedAt: 0 }, [NOW + 9]],
    [
      'keeps its own failures in mind where somebody else was served, though not as one row',
      { since: 0, servedAt: NOW + 5 },
      [NOW, NOW + 9],
    ],
  ])('%s', (_, told, failedAt) => {
    const record = { failedAt: [NOW, NOW + 9], inRow: 2, served: { since: 0, count: 0, before: 0 } };
    const own = { ...HEALTHY, breaker: { kind: 'closed' as const, ...record } };
    const word = { ...UNTROUBLED, breaker: { kind: 'closed' as const, ...told, reports: {} } };
    expect(adopt(own, word, I1, atOnce).breaker).toMatchObject({ failedAt, inRow: 1 });
  });

  test('is the same when it is told the same again', () => {
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const once = adopt(HEALTHY, fleet, I1, atOnce);
        expect(adopt(once, fleet, I1, atOnce)).toEqual(once);
      }),
    );
  });
});

describe('an operator', () => {
  test('drains until restored, and restoring forgets whatever was wrong', () => {
    const out = drained(open(NOW + 9_000), NOW);
    expect(availability(adopt(HEALTHY, out, I1, atOnce), NOW + 1e9)).toEqual({
      kind: 'out',
      reason: 'drained',
      until: Number.POSITIVE_INFINITY,
    });
    expect(drained(out, NOW + 5)).toBe(out);
    const back = restored(NOW + 10);
    expect(adopt(HEALTHY, back, I1, atOnce).drainedSince).toBeNull();
    expect(fold(back, failures(9, NOW + 9, true), I1)).toBe(back);
    expect(fold(back, evidence({ rest: { at: NOW + 9, until: NOW + 99_000 } }), I1)).toBe(back);
  });
});

test('a deployment leaves the sheet only when all that was said of it is past', () => {
  const later = NOW + 10 * 60_000;
  expect(isUntroubled(UNTROUBLED, NOW, BREAKER)).toBe(true);
  expect(isUntroubled({ ...UNTROUBLED, restUntil: NOW + 1 }, NOW, BREAKER)).toBe(false);
  expect(isUntroubled(fold(UNTROUBLED, failures(1), I1), NOW, BREAKER)).toBe(false);
  expect(isUntroubled(fold(UNTROUBLED, failures(1), I1), later, BREAKER)).toBe(true);
  expect(isUntroubled(restored(NOW), NOW + 1, BREAKER)).toBe(false);
  expect(isUntroubled(restored(NOW), later, BREAKER)).toBe(true);
  expect(isUntroubled(open(NOW - 1), later, BREAKER)).toBe(false);
  expect(isUntroubled(drained(UNTROUBLED, NOW), later, BREAKER)).toBe(false);
});
