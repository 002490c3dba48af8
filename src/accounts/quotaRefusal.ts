/** What callers are told of their quotas. Pure. */
import { RouterError } from '../domain/errors.ts';
import type { HeaderList } from '../domain/message.ts';
import type { QuotaName } from './port.ts';
import { bareOf, inPeoplesUnit, type Limits, needOf, type Wish } from './quotaWindows.ts';

export interface Exhausted {
  readonly quota: QuotaName;
  readonly limit: number;
  readonly used: number;
  /** Set aside for others. */
  readonly reserved: number;
  /** Were all requests under way to need nothing, there would be no room still. */
  readonly isUsedUp: boolean;
  readonly endsAt: number;
}

export interface RefusalFacts {
  readonly account: string;
  readonly wish: Wish;
  readonly exhausted: readonly [Exhausted, ...Exhausted[]];
  readonly now: number;
  readonly headers: HeaderList;
}

/** What requests under way have set aside and do not need is free again when they are over: it is worth while to ask soon. */
const SOON_MS = 1_000;

export function exceeded({ account, wish, exhausted, now, headers }: RefusalFacts): RouterError {
  const waits = exhausted.map(({ isUsedUp, endsAt }) => (isUsedUp ? endsAt - now : Math.min(SOON_MS, endsAt - now)));
  const what = exhausted.some(({ isUsedUp }) => isUsedUp) ? 'is exhausted' : 'is taken up by requests under way';
  const sentences = exhausted.map((one) => sentenceFor(one, wish));
  const message = `The quota of account '${account}' ${what}. ${sentences.join(' ')}`;
  return new RouterError('quota_exceeded', message, { retryAfterMs: Math.max(0, ...waits), headers });
}

function sentenceFor({ quota, limit, used, reserved, isUsedUp, endsAt }: Exhausted, wish: Wish): string {
  const [of, resetsAt] = [amount(quota, limit), new Date(endsAt).toISOString()];
  if (isUsedUp) {
    const need = needed(quota, bareOf(wish));
    return `${quota}: ${figure(quota, used + reserved)} of ${of} used or reserved, ${need}, and the quota resets at ${resetsAt}.`;
  }
  const taken = `${figure(quota, used)} of ${of} used, ${figure(quota, reserved)} reserved`;
  return `${quota}: ${taken}, ${needed(quota, wish)}, and what is reserved and not used is free again in a moment.`;
}

function needed(quota: QuotaName, wish: Wish): string {
  const verb = wish.promptTokens > wish.ask.promptTokens ? 'may need' : 'needs';
  return `this request ${verb} ${amount(quota, needOf(quota, wish, wish.least))}`;
}

/** Waiting is no use: it would not fit into an empty window. */
export function tooLarge(account: string, wish: Wish, limits: Limits, short: readonly QuotaName[]): RouterError {
  const sentences = short.map((quota) => {
    const need = amount(quota, needOf(quota, wish, wish.least));
    return `${quota}: this request needs ${need}, and the limit is ${amount(quota, limits.get(quota) ?? 0)} altogether.`;
  });
  const message = `This request is larger than a quota of account '${account}' allows. ${sentences.join(' ')}`;
  return new RouterError('quota_exceeded', message, { retryAfterMs: null });
}

const ASK_AGAIN_MS = 1_000;

export function uncheckable(account: string, cause?: unknown): RouterError {
  const message = `Quotas of account '${account}' cannot be checked at the moment.`;
  return new RouterError('quota_exceeded', message, { status: 503, retryAfterMs: ASK_AGAIN_MS, cause });
}

function amount(quota: QuotaName, counted: number): string {
  const value = figure(quota, counted);
  if (quota.startsWith('usd')) return value;
  const unit = quota.startsWith('requests') ? 'request' : 'token';
  return `${value} ${unit}${counted === 1 ? '' : 's'}`;
}

function figure(quota: QuotaName, counted: number): string {
  const value = inPeoplesUnit(quota, counted);
  return quota.startsWith('usd') ? `$${value}` : String(value);
}

export interface Remaining {
  readonly limit: number;
  readonly left: number;
  readonly resetsInMs: number;
}

/** As Azure OpenAI and OpenAI name them. */
export function rateLimitHeaders(requests: Remaining | null, tokens: Remaining | null): HeaderList {
  return [...headersFor('requests', requests), ...headersFor('tokens', tokens)];
}

function headersFor(what: string, remaining: Remaining | null): string[] {
  if (remaining === null) return [];
  const { limit, left, resetsInMs } = remaining;
  return [
    `x-ratelimit-limit-${what}`,
    String(limit),
    `x-ratelimit-remaining-${what}`,
    String(Math.max(0, left)),
    `x-ratelimit-reset-${what}`,
    `${Math.max(0, Math.ceil(resetsInMs / 1000))}s`,
  ];
}
