/** Lengths and instants, as people write and read them. */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
export const DAY_MS = 86_400_000;

/** `90s`, `15min`, `1h`, `30d`; `null`: it is none. */
export function lengthIn(text: string): number | null {
  const [, digits = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]+)$/i.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(UNITS, unit.toLowerCase()) ? UNITS[unit.toLowerCase()] : undefined;
  return factor === undefined ? null : Number(digits) * factor;
}

const ISO = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** `2026-11-21T10:00:00Z`, or a day, which begins at midnight UTC; `null`: it is none, such as the 30th of February. */
export function instantIn(text: string): number | null {
  const day = ISO.exec(text.trim())?.[1];
  const instant = Date.parse(text.trim());
  if (day === undefined || Number.isNaN(instant)) return null;
  const start = Date.parse(`${day}T00:00:00Z`);
  return Number.isFinite(start) && isoOf(start)?.startsWith(day) === true ? instant : null;
}

/** `null` beyond what dates reach. */
export function isoOf(instant: number): string | null {
  return Math.abs(instant) <= 8.64e15 ? new Date(instant).toISOString() : null;
}

/** `14 s`, `3 min`, `2 h 5 min`, `4 days`; rounded up, so that a countdown never says 0 while there is time left. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60)
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.round(minutes / 1_440)} days`;
}

/** The same to the millisecond, for settings. */
export function exactSpan(ms: number): string {
  if (ms % 1_000 !== 0) return `${ms} ms`;
  return ms >= 300_000 && ms % 60_000 === 0 ? span(ms) : `${ms / 1_000} s`;
}

export interface Times {
  readonly now: number;
  readonly zone: string | undefined;
}

/** `12:03:10`; on another day with its date. What is no instant is shown as it came. */
export function clockTime(iso: string, { now, zone }: Times): string {
  const instant = Date.parse(iso);
  if (!Number.isFinite(instant)) return iso;
  const [day, time] = dayAndTime(instant, zone);
  const [today] = dayAndTime(now, zone);
  return day === today ? time : `${day} ${time.slice(0, 5)}`;
}

function dayAndTime(instant: number, zone: string | undefined): [string, string] {
  const format = new Intl.DateTimeFormat('sv-SE', {
    ...(zone === undefined ? {} : { timeZone: zone }),
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const [day = '', time = ''] = format.format(instant).split(' ');
  return [day, time];
}

/** `until 12:03:10, in 14 s` */
export function untilWords(iso: string, times: Times): string {
  const left = Date.parse(iso) - times.now;
  if (!Number.isFinite(left)) return `until ${iso}`;
  return `until ${clockTime(iso, times)}, ${left > 0 ? `in ${span(left)}` : 'any moment now'}`;
}

/** `3 min ago`, `in 3 min` */
export function relative(iso: string, times: Times): string {
  const past = times.now - Date.parse(iso);
  if (!Number.isFinite(past)) return iso;
  if (Math.abs(past) < 1_000) return 'just now';
  return past > 0 ? `${span(past)} ago` : `in ${span(-past)}`;
}

/** The day of UTC that usage is counted on. */
export function dayOf(instant: number): string {
  return isoOf(instant)?.slice(0, 10) ?? '';
}
