/**
 * About how many instances there are, without a list of them: in each epoch every instance draws one mark, and the sheet keeps the
 * lowest few. If the k-th lowest of n even draws from 0 to 1 is m, then n is about (k - 1) / m. Of n instances only about
 * k (1 + ln(n / k)) write in an epoch.
 */
import { hash32 } from '../routing/hash.ts';

export interface Census {
  readonly epoch: number;
  /** The lowest marks of this epoch, ascending. */
  readonly marks: readonly number[];
  /** What the epoch before came to. */
  readonly before: number;
}

const KEPT = 16;
const EPOCH_MS = 10 * 60_000;
const MARKS = 2 ** 32;
/** In a large fleet the lowest marks come first, so that those which will not stay are never written. */
const SPREAD_MS = 60_000;
/** Epochs; what lies further ahead is nobody's clock. */
const FARTHEST_AHEAD = 1_000;

export const NO_CENSUS: Census = { epoch: 0, marks: [], before: 0 };

/** The census with this instance in it; the same object where its mark is not among the lowest. */
export function counted(census: Census, instance: string, now: number): Census {
  const mine = Math.floor(now / EPOCH_MS);
  // Somebody's clock runs ahead: the others are counted in the same epoch as it, or it would be alone there.
  const isAhead = census.epoch > mine && census.epoch < mine + FARTHEST_AHEAD;
  const epoch = isAhead ? census.epoch : mine;
  const mark = hash32(`${instance}\n${epoch}`);
  if (!isAhead && instancesIn(census) >= KEPT && now - epoch * EPOCH_MS < (mark / MARKS) * SPREAD_MS) return census;
  const current = census.epoch === epoch ? census : { epoch, marks: [], before: countedIn(census) };
  const isLow = current.marks.length < KEPT || mark < (current.marks[KEPT - 1] ?? MARKS);
  if (!isLow || current.marks.includes(mark)) return current.epoch === census.epoch ? census : current;
  const marks = [...current.marks, mark].sort((left, right) => left - right).slice(0, KEPT);
  return { ...current, marks };
}

function countedIn({ marks }: Census): number {
  if (marks.length < KEPT) return marks.length;
  return Math.round(((KEPT - 1) * MARKS) / Math.max(1, marks[KEPT - 1] ?? MARKS));
}

/** At least one: whoever asks. An epoch that has just begun has not counted everybody yet. */
export function instancesIn(census: Census): number {
  return Math.max(1, countedIn(census), census.before);
}
