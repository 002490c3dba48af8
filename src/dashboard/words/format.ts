/** Figures and instants as people read them. Pure: the same on every machine but for the time zone, which is the reader's. */

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** What is not known, or has nothing to say. */
export const NONE = '–';

export function count(value: number): string {
  return Math.abs(value) < 10_000 ? WHOLE.format(value) : COMPACT.format(value);
}

/** `3 requests`, `1 request`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** A share of something; `–` of nothing. What is more than nothing never reads as nothing, what is not all never as all. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return NONE;
  const share = (part / whole) * 100;
  if (share > 0 && share < 0.1) return '<0.1%';
  if (share < 100 && share > 99.9) return '>99.9%';
  const isFine = share < 10 || share > 99;
  return `${share.toFixed(isFine && share % 1 !== 0 ? 1 : 0)}%`;
}

export function milliseconds(value: number | null): string {
  if (value === null) return NONE;
  if (value < 1_000) return `${Math.round(value)} ms`;
  return value < 100_000 ? `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} s` : duration(value);
}

/** `73 / 79 ms`: the unit once, where both have the same. */
export function latencies(p50Ms: number | null, p95Ms: number | null): string {
  if (p50Ms === null && p95Ms === null) return NONE;
  const [low, high] = [milliseconds(p50Ms), milliseconds(p95Ms)];
  const unit = /[a-z]+$/.exec(high)?.[0] ?? '';
  return low.endsWith(` ${unit}`) && unit !== '' ? `${low.slice(0, -unit.length - 1)} / ${high}` : `${low} / ${high}`;
}

export function dollars(value: number): string {
  if (value === 0) return '$0';
  if (value < 0.0001) return '<$0.0001';
  const digits = value < 0.01 ? 4 : value < 1 ? 3 : 2;
  return value < 10_000 ? `$${value.toFixed(digits)}` : `$${COMPACT.format(value)}`;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Two units at most: `45 s`, `3 min 5 s`, `2 h 10 min`, `4 d`. */
export function duration(lengthMs: number): string {
  const rounded = Math.max(0, Math.ceil(lengthMs / SECOND_MS) * SECOND_MS);
  if (rounded < MINUTE_MS) return `${rounded / SECOND_MS} s`;
  if (rounded < HOUR_MS) return pair(rounded, [MINUTE_MS, 'min'], [SECOND_MS, 's']);
  if (rounded < DAY_MS) return pair(rounded, [HOUR_MS, 'h'], [MINUTE_MS, 'min']);
  return pair(rounded, [DAY_MS, 'd'], [HOUR_MS, 'h']);
}

type Unit = readonly [lengthMs: number, name: string];

function pair(lengthMs: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const rest = Math.floor((lengthMs % large) / small);
  return `${Math.floor(lengthMs / large)} ${largeName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** `in 12 s`; what is over is due. */
export function countdown(until: string, now: number): string {
  const leftMs = Date.parse(until) - now;
  return leftMs <= 0 ? 'any moment' : `in ${duration(leftMs)}`;
}

export function ago(since: string, now: number): string {
  const pastMs = now - Date.parse(since);
  return pastMs < SECOND_MS ? 'just now' : `${duration(Math.floor(pastMs / SECOND_MS) * SECOND_MS)} ago`;
}

/** `03:12:10`; of another day with its date. */
export function clockTime(instant: string | number, now: number, timeZone?: string): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return String(instant);
  const zone = timeZone === undefined ? {} : { timeZone };
  const time = at.toLocaleTimeString('en-GB', { ...zone, hour12: false });
  const day = at.toLocaleDateString('en-GB', { ...zone, day: 'numeric', month: 'short' });
  const today = new Date(now).toLocaleDateString('en-GB', { ...zone, day: 'numeric', month: 'short' });
  return day === today ? time : `${day} ${time.slice(0, 5)}`;
}

/** `A`, `A and B`, `A, B and C`; beyond `most` the rest is counted. */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  const last = shown.at(-1) ?? '';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
}
