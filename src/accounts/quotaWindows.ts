/** The windows that quotas count in, and what a request needs of each. Pure: times and amounts only. */
import type { Quota } from '../domain/config.ts';
import { NANO_USD } from '../domain/usage.ts';
import type { QuotaAsk, QuotaName, QuotaUse } from './port.ts';

export const QUOTA_NAMES = [
  'requestsPerMinute',
  'tokensPerMinute',
  'tokensPerDay',
  'tokensPerMonth',
  'usdPerDay',
  'usdPerMonth',
] as const satisfies readonly QuotaName[];

export interface QuotaWindow {
  /** The instant it begins, as far as it matters: `2026-11-21T10:05`, `2026-11-21` or `2026-11`; always UTC. */
  readonly id: string;
  readonly endsAt: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export function windowAt(quota: QuotaName, instant: number): QuotaWindow {
  const iso = new Date(instant).toISOString();
  if (quota.endsWith('Minute')) {
    return { id: iso.slice(0, 16), endsAt: (Math.floor(instant / MINUTE_MS) + 1) * MINUTE_MS };
  }
  if (quota.endsWith('Day')) return { id: iso.slice(0, 10), endsAt: (Math.floor(instant / DAY_MS) + 1) * DAY_MS };
  const month = new Date(instant);
  return { id: iso.slice(0, 7), endsAt: Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1) };
}

/** How a row names a window. */
export function windowKey(quota: QuotaName, { id }: QuotaWindow): string {
  return `${quota} ${id}`;
}

/** When a window ends, by its name in a row. `null`: that is no window's name. */
export function endOf(key: string): number | null {
  const [name, id = ''] = key.split(' ');
  const quota = QUOTA_NAMES.find((one) => one === name);
  const begin = Date.parse(id.length > 'yyyy-mm-dd'.length ? `${id}Z` : id);
  return quota === undefined || Number.isNaN(begin) ? null : windowAt(quota, begin).endsAt;
}

/** In the unit that is counted: requests, tokens, billionths of a dollar. */
export type Limits = ReadonlyMap<QuotaName, number>;

const UNIT: Record<QuotaName, number> = {
  requestsPerMinute: 1,
  tokensPerMinute: 1,
  tokensPerDay: 1,
  tokensPerMonth: 1,
  usdPerDay: NANO_USD,
  usdPerMonth: NANO_USD,
};

/** Beyond it whole numbers cannot be told apart; nobody will ever use that much. */
const LARGEST_LIMIT = Number.MAX_SAFE_INTEGER;

export function limitsOf(quota: Quota): Limits {
  const limits = new Map<QuotaName, number>();
  for (const name of QUOTA_NAMES) {
    const limit = quota[name];
    if (limit !== null) limits.set(name, Math.min(Math.round(limit / UNIT[name]), LARGEST_LIMIT));
  }
  return limits;
}

/** As people count: dollars, not billionths of them. */
export function inPeoplesUnit(quota: QuotaName, amount: number): number {
  return UNIT[quota] === 1 ? amount : Math.round(amount) / 1e9;
}

/** A request's wish: all of `wanted` tokens of output, or less where less is left, but at least `least`. */
export interface Wish {
  readonly ask: QuotaAsk;
  readonly wanted: number;
  readonly least: number;
}

export function wishFor(ask: QuotaAsk, outputTokens: number, largestSeen: number): Wish {
  const { outputTokens: stated } = ask;
  if (stated !== null) return { ask, wanted: stated, least: stated };
  return { ask, wanted: Math.max(outputTokens, largestSeen), least: Math.max(1, largestSeen) };
}

export function needOf(quota: QuotaName, { ask }: Wish, output: number): number {
  switch (quota) {
    case 'requestsPerMinute':
      return 1;
    case 'tokensPerMinute':
    case 'tokensPerDay':
    case 'tokensPerMonth':
      return ask.promptTokens + output;
    case 'usdPerDay':
    case 'usdPerMonth':
      // Rounded up: a fraction of a billionth that is left out here could be granted beyond the limit.
      return Math.ceil(ask.promptTokens * ask.nanoUsdPerPromptToken + output * ask.nanoUsdPerOutputToken);
  }
}

export function usedOf(quota: QuotaName, use: QuotaUse): number {
  switch (quota) {
    case 'requestsPerMinute':
      return 1;
    case 'tokensPerMinute':
    case 'tokensPerDay':
    case 'tokensPerMonth':
      return use.tokens;
    case 'usdPerDay':
    case 'usdPerMonth':
      return Math.ceil(use.costNanoUsd);
  }
}

/** The longest output for which there is room everywhere, at most the wanted one. `null`: there is none. */
export function outputWithin(wish: Wish, rooms: Limits): number | null {
  let output = wish.wanted;
  for (const [quota, room] of rooms) {
    if (needOf(quota, wish, output) <= room) continue;
    output = longestOutput(quota, wish, room);
    if (output < wish.least) return null;
  }
  return output;
}

function longestOutput(quota: QuotaName, wish: Wish, room: number): number {
  if (needOf(quota, wish, wish.least) > room) return -1;
  const perToken = quota.startsWith('usd') ? wish.ask.nanoUsdPerOutputToken : 1;
  const rest = room - needOf(quota, wish, 0);
  const longest = Math.floor(rest / perToken);
  // A quotient may be rounded up to the next whole number.
  return Math.max(wish.least, needOf(quota, wish, longest) <= room ? longest : longest - 1);
}

/** The quotas that have no room for what the request needs at least. */
export function shortOf(wish: Wish, rooms: Limits): QuotaName[] {
  return [...rooms].filter(([quota, room]) => needOf(quota, wish, wish.least) > room).map(([quota]) => quota);
}
