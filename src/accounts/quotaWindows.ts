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
  /** As many as it looks like, and as many more as others of its kind have turned out to have. */
  readonly promptTokens: number;
  readonly wanted: number;
  readonly least: number;
  /** What its kind is like nobody knows yet: the prompt is taken to be far larger than it looks. */
  readonly isGuess: boolean;
  /** Nobody is on the way here who will tell. */
  readonly isFirst: boolean;
}

export interface WishFacts {
  readonly limits: Limits;
  /** What is set aside for an answer of unstated length. */
  readonly outputTokens: number;
  readonly longestOutput: number;
  /** So many tokens more than they look prompts of its kind had of late; `null`: nobody knows. */
  readonly surplus: number | null;
  readonly isFirst: boolean;
}

/**
 * No text has more tokens than bytes, and an estimate takes four bytes for a token: three times as many more are as many as a
 * text can have. What a service adds unseen to a short one, or a picture costs, is seldom more than this.
 */
const GUESSED_FACTOR = 3;
const LEAST_GUESS = 1_000;

/** What was learnt or is guessed makes no request larger than a limit altogether: at most the limit has to be free. */
export function wishFor(ask: QuotaAsk, facts: WishFacts): Wish {
  const { limits, surplus, isFirst } = facts;
  const isGuess = ask.kind !== null && surplus === null;
  const { promptTokens } = ask;
  const bare = { ask, promptTokens, isGuess, isFirst: isGuess && isFirst };
  const sized = { ...bare, ...outputFor(bare, facts) };
  const more = isGuess ? Math.max(LEAST_GUESS, GUESSED_FACTOR * promptTokens) : (surplus ?? 0);
  if (more === 0) return sized;
  return {
    ...sized,
    promptTokens: promptWithin({ ...sized, promptTokens: promptTokens + more }, limits) ?? promptTokens,
  };
}

function outputFor(
  bare: Omit<Wish, 'wanted' | 'least'>,
  { limits, outputTokens, longestOutput }: WishFacts,
): Pick<Wish, 'wanted' | 'least'> {
  const { outputTokens: stated } = bare.ask;
  if (stated !== null) return { wanted: stated, least: stated };
  const longest = Math.max(1, longestOutput);
  const least = outputWithin({ ...bare, wanted: longest, least: 1 }, limits) ?? longest;
  return { wanted: Math.max(outputTokens, longestOutput), least };
}

/** What it needs for certain: a guess is none. */
export function bareOf(wish: Wish): Wish {
  return wish.isGuess ? { ...wish, promptTokens: wish.ask.promptTokens } : wish;
}

export function needOf(quota: QuotaName, { ask, promptTokens }: Wish, output: number): number {
  switch (quota) {
    case 'requestsPerMinute':
      return 1;
    case 'tokensPerMinute':
    case 'tokensPerDay':
    case 'tokensPerMonth':
      return promptTokens + output;
    case 'usdPerDay':
    case 'usdPerMonth':
      // Rounded up: a fraction of a billionth that is left out here could be granted beyond the limit.
      return Math.ceil(promptTokens * ask.nanoUsdPerPromptToken + output * ask.nanoUsdPerOutputToken);
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

/** What is set aside for a request: its wish, as far as it is met. */
export interface Portion {
  readonly wish: Wish;
  readonly output: number;
}

/**
 * `null`: there is no room for it. `mayTeach`: nobody of its kind is under way elsewhere, as far as is known. Then the first of a
 * kind goes with all that is left where a cautious guess does not fit: waiting would teach nothing.
 */
export function portionWithin(wish: Wish, rooms: Limits, mayTeach: boolean): Portion | null {
  const output = outputWithin(wish, rooms);
  if (output !== null) return { wish, output };
  if (!wish.isFirst || !mayTeach) return null;
  const promptTokens = promptWithin(wish, rooms);
  return promptTokens === null ? null : { wish: { ...wish, promptTokens }, output: wish.least };
}

/** The largest prompt for which there is room everywhere beside the least output. `null`: it would be smaller than it looks. */
export function promptWithin(wish: Wish, rooms: Limits): number | null {
  let { promptTokens } = wish;
  for (const [quota, room] of rooms) {
    if (needOf(quota, { ...wish, promptTokens }, wish.least) <= room) continue;
    promptTokens = largestPrompt(quota, wish, room);
    if (promptTokens < wish.ask.promptTokens) return null;
  }
  return promptTokens;
}

function largestPrompt(quota: QuotaName, wish: Wish, room: number): number {
  const perToken = quota.startsWith('usd') ? wish.ask.nanoUsdPerPromptToken : 1;
  // Were it ever so short, it would need as much.
  if (quota === 'requestsPerMinute' || perToken === 0) return -1;
  const largest = Math.floor((room - needOf(quota, { ...wish, promptTokens: 0 }, wish.least)) / perToken);
  // A quotient may be rounded up to the next whole number.
  return needOf(quota, { ...wish, promptTokens: largest }, wish.least) <= room ? largest : largest - 1;
}

/** The quotas that have no room for what the request needs at least. */
export function shortOf(wish: Wish, rooms: Limits): QuotaName[] {
  return [...rooms].filter(([quota, room]) => needOf(quota, wish, wish.least) > room).map(([quota]) => quota);
}
