/** Days of UTC, by which usage is kept. */
export const DAY_MS = 86_400_000;

export function dayOf(instant: number): string {
  const number = Math.floor(instant / DAY_MS);
  // Asked for every request, and mostly for the same day.
  if (number !== last.number) last = { number, day: new Date(instant).toISOString().slice(0, 10) };
  return last.day;
}

let last = { number: Number.NaN, day: '' };

/** The instant it begins at. */
export function dayStart(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

export function dayAfter(day: string): string {
  return dayOf(dayStart(day) + DAY_MS);
}

/**
 * So long an instance goes on writing what it counted on a day, if it could not before: during the day and the two that follow. Then
 * the day is over for good, and its rows may be merged, once everything has arrived that is still on its way and by a clock that
 * is a little ahead.
 */
const WRITTEN_MS = 3 * DAY_MS;
const SETTLED_AFTER_MS = 3_600_000;

export function mayBeWritten(day: string, now: number): boolean {
  return now < dayStart(day) + WRITTEN_MS;
}

/** The first day that may not be merged yet. */
export function firstUnsettled(now: number): string {
  return dayOf(now - SETTLED_AFTER_MS - WRITTEN_MS + DAY_MS);
}
