import { describe, expect, test } from 'vitest';
import { Refusals } from '../../src/accounts/refusals.ts';
import { Throttle } from '../../src/accounts/throttle.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { refusalOf, verdict } from './instances.ts';

const PER_MINUTE = 30;
const THROTTLED = '429 unauthorized';

function throttleOf(perMinute = PER_MINUTE): { throttle: Throttle; clock: ManualClock } {
  const clock = new ManualClock();
  return { throttle: new Throttle(clock, perMinute), clock };
}

describe('a source of refused credentials', () => {
  test('may have so many in a minute, and is then told how long to wait', async () => {
    const { throttle, clock } = throttleOf();
    for (let count = 0; count < PER_MINUTE; count++) throttle.refuse('a');
    expect(await refusalOf(() => throttle.refuse('a'))).toMatchObject({
      status: 429,
      code: 'unauthorized',
      retryAfterMs: 60_000 / PER_MINUTE,
    });
    clock.advance(60_000 / PER_MINUTE - 1);
    expect((await refusalOf(() => throttle.refuse('a')))?.retryAfterMs).toBe(1);
    clock.advance(1);
    throttle.refuse('a');
    expect(await verdict(() => throttle.refuse('a'))).toBe(THROTTLED);
  });

  test('saves up for a minute and no longer', async () => {
    const { throttle, clock } = throttleOf(2);
    throttle.refuse('a');
    clock.advance(60 * 60_000);
    throttle.refuse('a');
    throttle.refuse('a');
    expect(await verdict(() => throttle.refuse('a'))).toBe(THROTTLED);
  });

  test('does not answer for another one', async () => {
    const { throttle } = throttleOf(1);
    throttle.refuse('a');
    throttle.refuse('b');
    expect(await verdict(() => throttle.refuse('a'))).toBe(THROTTLED);
  });

  test('is forgotten where 10,000 others came after it, and not before', async () => {
    const { throttle } = throttleOf(1);
    throttle.refuse('first');
    throttle.refuse('second');
    expect(await verdict(() => throttle.refuse('first'))).toBe(THROTTLED);
    for (let count = 0; count < 9_998; count++) throttle.refuse(`${count}`);
    expect(await verdict(() => throttle.refuse('second'))).toBe(THROTTLED);
    throttle.refuse('one more');
    expect(await verdict(() => throttle.refuse('first'))).toBe('in');
  });
});

describe('checks of credentials', () => {
  test('cost nothing where they pass, and a refusal where they do not', async () => {
    const { throttle } = throttleOf(2);
    for (let count = 0; count < 10; count++) (await throttle.admit('a')).passed();
    (await throttle.admit('a')).refused();
    (await throttle.admit('a')).refused();
    expect(await verdict(() => throttle.admit('a'))).toBe(THROTTLED);
  });

  test('wait for those under way, where these might use up what is left; and end with them', async () => {
    const { throttle } = throttleOf(2);
    const first = [await throttle.admit('a'), await throttle.admit('a')] as const;
    const verdicts: string[] = [];
    const later = [1, 2, 3].map(async () => verdicts.push(await verdict(() => throttle.admit('a'))));
    await settled();
    expect(verdicts).toEqual([]);
    first[0].passed();
    await settled();
    expect(verdicts).toEqual(['in']);
    first[1].refused();
    await settled();
    expect(verdicts).toEqual(['in']);
    expect(await verdict(() => throttle.refuse('a'))).toBe(THROTTLED);
    void later;
  });

  test('that wait are refused where those under way have used up what was left', async () => {
    const { throttle } = throttleOf(1);
    const first = await throttle.admit('a');
    const later = [1, 2, 3].map(() => verdict(() => throttle.admit('a')));
    await settled();
    first.refused();
    expect(await Promise.all(later)).toEqual([THROTTLED, THROTTLED, THROTTLED]);
  });

  test('do not wait in endless numbers', async () => {
    const { throttle } = throttleOf(1);
    const first = await throttle.admit('a');
    const verdicts: string[] = [];
    const all = Array.from({ length: 150 }, async () => verdicts.push(await verdict(() => throttle.admit('a'))));
    await settled();
    expect(verdicts).toEqual(Array.from({ length: 50 }, () => THROTTLED));
    first.refused();
    await Promise.all(all);
  });
});

describe('refusals', () => {
  test('are told in sums, at most once in ten seconds', () => {
    const clock = new ManualClock();
    const told: unknown[] = [];
    const refusals = new Refusals(clock, { credentialsRefused: (facts) => void told.push(facts) });
    for (let count = 0; count < 100; count++) refusals.add({ throttled: count >= 90 });
    clock.advance(9_999);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual([{ count: 100, throttled: 10 }]);
    clock.advance(60_000);
    refusals.add({ throttled: false });
    clock.advance(10_000);
    expect(told.slice(1)).toEqual([{ count: 1, throttled: 0 }]);
    refusals.add({ throttled: true });
    refusals.close();
    refusals.close();
    expect(told.slice(2)).toEqual([{ count: 1, throttled: 1 }]);
    expect(clock.pending).toBe(0);
  });
});
