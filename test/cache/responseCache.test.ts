import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeptAnswer, ResponseCache } from '../../src/cache/responseCache.ts';
import { ManualClock } from '../harness/manualClock.ts';

const TTL_MS = 300_000;
const MB = 1024 * 1024;

function answer(size: number): KeptAnswer {
  return { status: 200, headers: [], body: Buffer.alloc(size), isStream: false, deployment: 'A/m', tier: null };
}

function cacheOf(maxMb = 1, ttlMs = TTL_MS) {
  const clock = new ManualClock();
  return { clock, cache: new ResponseCache({ ttlMs, maxMb }, clock) };
}

describe('the response cache', () => {
  test('gives an answer again until its time is over, and says how old it is', () => {
    const { clock, cache } = cacheOf();
    const kept = answer(10);
    cache.put('k', kept);
    clock.advance(TTL_MS - 1);
    expect(cache.get('k')).toEqual({ answer: kept, ageMs: TTL_MS - 1 });
    clock.advance(1);
    expect([cache.get('k'), cache.bytes]).toEqual([null, 0]);
  });

  test('lets go of what was asked for least lately where room is short', () => {
    const { cache } = cacheOf();
    for (const key of ['a', 'b', 'c', 'd']) cache.put(key, answer(0.24 * MB));
    cache.get('a');
    cache.put('e', answer(0.24 * MB));
    expect(['a', 'b', 'c', 'd', 'e'].filter((key) => cache.get(key) !== null)).toEqual(['a', 'c', 'd', 'e']);
  });

  test('keeps no answer that would push out most others', () => {
    const { cache } = cacheOf();
    cache.put('k', answer(0.26 * MB));
    expect(cache.get('k')).toBeNull();
  });

  test('never takes more memory than it may, and reckons it rightly', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20), fc.nat(300_000), fc.nat(100_000), fc.boolean()), { maxLength: 60 }),
        (steps) => {
          const { clock, cache } = cacheOf();
          for (const [key, size, pauseMs, isPut] of steps) {
            clock.advance(pauseMs);
            if (isPut) cache.put(String(key), answer(size));
            else cache.get(String(key));
            expect(cache.bytes).toBeLessThanOrEqual(MB);
            expect(cache.bytes).toBeGreaterThanOrEqual(0);
          }
          clock.advance(TTL_MS);
          for (let key = 0; key <= 20; key++) expect(cache.get(String(key))).toBeNull();
          expect(cache.bytes).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });

  test.each([
    { what: 'no time', maxMb: 1, ttlMs: 0 },
    { what: 'no room', maxMb: 0, ttlMs: 1 },
  ])('is off where there is $what', ({ maxMb, ttlMs }) => {
    expect(cacheOf(maxMb, ttlMs).cache.isOn).toBe(false);
  });
});
