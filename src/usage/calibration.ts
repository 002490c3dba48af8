/** What estimates are held to: how much more, or less, was truly used where it was known. */
export interface Calibration {
  learn(seen: { readonly estimated: number; readonly used: number }): void;
  readonly factor: number;
}

/** The last observation's share, once there are enough of them. */
const WEIGHT = 0.1;
const SMALLEST = 0.25;
const LARGEST = 4;

/**
 * The weighted mean of used to estimated, newer ones weighing more. Both are summed apart: so long texts weigh more than short ones,
 * and the sum of estimates is right, which is what is paid.
 */
export function createCalibration(): Calibration {
  let seen = 0;
  let estimatedMean = 0;
  let usedMean = 0;
  return {
    learn({ estimated, used }) {
      if (estimated <= 0) return;
      const weight = Math.max(WEIGHT, 1 / ++seen);
      estimatedMean += weight * (estimated - estimatedMean);
      usedMean += weight * (used - usedMean);
    },
    get factor() {
      return seen === 0 ? 1 : Math.min(LARGEST, Math.max(SMALLEST, usedMean / estimatedMean));
    },
  };
}

/** What comes with every answer and cannot be seen in it, such as reasoning: the mean of it. */
export function createMean(): { learn(value: number): void; readonly value: number } {
  let seen = 0;
  let mean = 0;
  return {
    learn(value) {
      mean += Math.max(WEIGHT, 1 / ++seen) * (value - mean);
    },
    get value() {
      return mean;
    },
  };
}
