/**
 * Application Insights keeps sum, count, minimum and maximum of a histogram and drops its buckets. So each measurement is also
 * counted under the upper bound of its bucket, in seconds; these counts add up over instances and minutes, and percentiles can
 * be read from the sums. Each is counted in one bucket alone, not in all the wider ones too.
 */
export const BOUNDS_S: readonly number[] = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 45, 60, 90,
  120, 180, 240, 300, 600,
];

const NAMES: readonly string[] = BOUNDS_S.map(String);
export const BEYOND = '+Inf';

export function bucketOf(seconds: number): string {
  const at = BOUNDS_S.findIndex((bound) => seconds <= bound);
  return NAMES[at] ?? BEYOND;
}
