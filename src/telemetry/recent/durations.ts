/** Percentiles of lengths of time out of a fixed number of counters: eight to each doubling, so that one is at most 5 % off. */
const PER_DOUBLING = 8;
/** Up to 2^20 ms, more than a quarter of an hour; whatever is longer counts as that. */
export const DURATION_BUCKETS = 20 * PER_DOUBLING;

/** Where a length is counted. Less than a millisecond counts as one. */
export function durationBucket(ms: number): number {
  if (!(ms > 1)) return 0;
  return Math.min(DURATION_BUCKETS - 1, Math.floor(Math.log2(ms) * PER_DOUBLING));
}

/** The length that this share of them does not exceed, in whole milliseconds; `null`: there are none. */
export function percentileMs(counts: Uint32Array, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(1, Math.ceil(share * total));
  let seen = 0;
  const at = counts.findIndex((count) => {
    seen += count;
    return seen >= rank;
  });
  return Math.round(2 ** ((at + 0.5) / PER_DOUBLING));
}
