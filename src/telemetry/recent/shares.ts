import type { ActivityShare } from '../../domain/overview.ts';
import { NANO_USD } from '../../domain/usage.ts';
import { OTHER } from '../labels.ts';
import { Slots } from './slots.ts';

const MINUTES = 60;
/** Callers choose names: so many are told apart, whoever comes on top of them within the hour counts as `other`. */
export const MOST_NAMES = 200;
/** `other` among them, where there is one. */
export const MOST_SHOWN = 20;

export interface Used {
  readonly tokens: number;
  readonly cachedTokens: number;
  readonly costNanoUsd: number;
}

interface Sums {
  requests: number;
  tokens: number;
  cachedTokens: number;
  costNanoUsd: number;
}

interface Share {
  readonly sums: Slots<Sums>;
  lastMinute: number;
}

/** What the requests of the last sixty minutes used, by one label. */
export class Shares {
  readonly #named = new Map<string, Share>();
  readonly #other = newShare();
  /** All names were in use then: looking for one that is not is worth it once a minute. */
  #fullIn = Number.NEGATIVE_INFINITY;

  add(minute: number, name: string, used: Used): void {
    const share = this.#shareOf(name, minute);
    const sums = share.sums.at(minute);
    if (sums === null) return;
    if (minute > share.lastMinute) share.lastMinute = minute;
    sums.requests += 1;
    sums.tokens += used.tokens;
    sums.cachedTokens += used.cachedTokens;
    sums.costNanoUsd += used.costNanoUsd;
  }

  /** Dearest first, what is left over last. */
  view(minute: number): ActivityShare[] {
    const named = Array.from(this.#named, ([name, share]) => ({ name, ...sumOf(share, minute) }));
    const ordered = named.filter(({ requests }) => requests > 0).sort(dearestFirst);
    const unnamed = sumOf(this.#other, minute);
    if (ordered.length <= MOST_SHOWN && unnamed.requests === 0) return ordered.map(shareView);
    const shown = ordered.slice(0, MOST_SHOWN - 1);
    const rest = ordered.slice(MOST_SHOWN - 1);
    return [...shown, { name: OTHER, ...rest.reduce(added, unnamed) }].map(shareView);
  }

  /** For tests: how many names are told apart now. */
  get size(): number {
    return this.#named.size;
  }

  #shareOf(name: string, minute: number): Share {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    if (name === OTHER || !this.#hasRoom(minute)) return this.#other;
    const made = newShare();
    this.#named.set(name, made);
    return made;
  }

  #hasRoom(minute: number): boolean {
    if (this.#named.size < MOST_NAMES) return true;
    if (this.#fullIn >= minute) return false;
    for (const [name, { lastMinute }] of this.#named) if (lastMinute <= minute - MINUTES) this.#named.delete(name);
    if (this.#named.size < MOST_NAMES) return true;
    this.#fullIn = minute;
    return false;
  }
}

function newShare(): Share {
  return { sums: new Slots(MINUTES, noSums, clear), lastMinute: Number.NEGATIVE_INFINITY };
}

function noSums(): Sums {
  return { requests: 0, tokens: 0, cachedTokens: 0, costNanoUsd: 0 };
}

function clear(sums: Sums): void {
  Object.assign(sums, noSums());
}

function sumOf({ sums }: Share, minute: number): Sums {
  return Array.from(sums.upTo(minute)).reduce(added, noSums());
}

function added(one: Sums, other: Sums): Sums {
  return {
    requests: one.requests + other.requests,
    tokens: one.tokens + other.tokens,
    cachedTokens: one.cachedTokens + other.cachedTokens,
    costNanoUsd: one.costNanoUsd + other.costNanoUsd,
  };
}

type Named = Sums & { readonly name: string };

/** Where the price is not known the tokens tell. */
function dearestFirst(left: Named, right: Named): number {
  return (
    right.costNanoUsd - left.costNanoUsd ||
    right.tokens - left.tokens ||
    right.requests - left.requests ||
    (left.name < right.name ? -1 : 1)
  );
}

function shareView({ name, requests, tokens, cachedTokens, costNanoUsd }: Named): ActivityShare {
  return { name, requests, tokens, cachedTokens, costUsd: usdOf(costNanoUsd) };
}

/** Of whole billionths, so that sums of them are exact; what a division leaves behind the ninth decimal is nobody's. */
export function usdOf(nanoUsd: number): number {
  return Number((nanoUsd * NANO_USD).toFixed(9));
}
