import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BEYOND, BOUNDS_S, bucketOf } from '../../src/telemetry/buckets.ts';

describe('a bucket', () => {
  it('is named by the smallest bound that is not below the measurement', () => {
    expect([0, 0.01, 0.0101, 1, 1.01, 600, 600.1].map(bucketOf)).toEqual([
      '0.01',
      '0.01',
      '0.025',
      '1',
      '1.5',
      '600',
      BEYOND,
    ]);
  });

  it('holds its measurement, whatever that is', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1_000, noNaN: true }), (seconds) => {
        const at = BOUNDS_S.map(String).indexOf(bucketOf(seconds));
        const upper = at < 0 ? Number.POSITIVE_INFINITY : (BOUNDS_S[at] ?? 0);
        const lower = BOUNDS_S[(at < 0 ? BOUNDS_S.length : at) - 1] ?? -1;
        return seconds <= upper && seconds > lower;
      }),
    );
  });
});
