import type { Quota } from '../domain/config.ts';
import type { HeaderList } from '../domain/message.ts';
import type { QuotaName, QuotaStanding } from './port.ts';
import { Demand, Holding } from './quotaHolding.ts';
import { mostRoomsIn, type RoomFacts, roomsIn } from './quotaPlan.ts';
import { type Exhausted, exceeded, type Remaining, rateLimitHeaders } from './quotaRefusal.ts';
import { leased, type QuotaSheet, standingOf } from './quotaSheet.ts';
import { type Limits, limitsOf, shortOf, type Wish } from './quotaWindows.ts';

/** A window that begins within so many periods is prepared: its first requests find a lease. */
const AHEAD_PERIODS = 2.5;
/** Of a limit: where less is left, what is not needed any more goes back at once. */
const NEAR = 0.1;
/** Of a limit: less than that is not worth a write. */
const CRUMBS = 0.000_5;

export interface QuotaBooksFacts {
  readonly account: string;
  readonly instance: string;
  readonly periodMs: number;
  readonly now: () => number;
  /** The account's row as last seen. */
  readonly sheet: () => QuotaSheet;
}

/** What this instance holds of an account's quotas, and what it makes of that. */
export class QuotaBooks {
  readonly #facts: QuotaBooksFacts;
  readonly holdings = new Map<QuotaName, Holding>();
  readonly demands = new Map<QuotaName, Demand>();
  readonly #ahead = new Map<QuotaName, Holding>();
  readonly #free = new Map<QuotaName, number>();
  #quota: Quota | null = null;
  #limits: Limits = new Map();

  constructor(facts: QuotaBooksFacts) {
    this.#facts = facts;
  }

  get limits(): Limits {
    return this.#limits;
  }

  get ahead(): readonly Holding[] {
    return [...this.#ahead.values()];
  }

  /** Limits may have changed: those given last hold. */
  adopt(quota: Quota): void {
    if (quota === this.#quota) return;
    this.#quota = quota;
    this.#limits = limitsOf(quota);
    for (const name of this.#limits.keys()) if (!this.demands.has(name)) this.demands.set(name, new Demand());
    this.#free.clear();
  }

  /** Windows that are over make room for those that have begun. */
  roll(now: number): void {
    for (const quota of this.#limits.keys()) {
      const holding = this.holdings.get(quota);
      if (holding !== undefined && now < holding.endsAt) continue;
      const next = this.#ahead.get(quota);
      this.#ahead.delete(quota);
      const hasBegun = next !== undefined && now < next.endsAt;
      this.holdings.set(quota, hasBegun ? next : new Holding(quota, now));
    }
  }

  prepare(now: number): void {
    const soon = now + AHEAD_PERIODS * this.#facts.periodMs;
    for (const [quota, { endsAt }] of this.holdings) {
      if (endsAt <= soon && !this.#ahead.has(quota)) this.#ahead.set(quota, new Holding(quota, endsAt));
    }
  }

  /** What can be granted at once. The same map every time: this is asked for with every request. */
  free(): Limits {
    for (const quota of this.#limits.keys()) this.#free.set(quota, this.holdings.get(quota)?.free ?? 0);
    return this.#free;
  }

  get isLow(): boolean {
    for (const { spare, free } of this.holdings.values()) if (free < spare / 2) return true;
    return false;
  }

  get isBusy(): boolean {
    for (const { reserved, pledged } of this.holdings.values()) if (reserved + pledged > 0) return true;
    return false;
  }

  /** Others may be about to be refused what lies about here. */
  isOverstocked({ quota, key, free, spare }: Holding): boolean {
    const limit = this.#limits.get(quota) ?? 0;
    if (free <= spare + limit * CRUMBS) return false;
    const window = this.#facts.sheet().windows.get(key);
    return window !== undefined && limit - window.used - leased(window) < limit * NEAR;
  }

  /** By what is known here. */
  rooms(): Map<QuotaName, number> {
    return roomsIn(this.#facts.sheet(), this.#roomFacts());
  }

  /** There is no more than that, whatever others give back. */
  mostRooms(): Map<QuotaName, number> {
    return mostRoomsIn(this.#facts.sheet(), this.#roomFacts());
  }

  /** `null`: there is room for it. */
  refusal(wish: Wish): Error | null {
    const rooms = this.rooms();
    const [first, ...others] = shortOf(wish, rooms).flatMap((quota): Exhausted[] => {
      const [limit, holding] = [this.#limits.get(quota), this.holdings.get(quota)];
      if (limit === undefined || holding === undefined) return [];
      return [{ quota, limit, taken: limit - (rooms.get(quota) ?? 0), endsAt: holding.endsAt }];
    });
    if (first === undefined) return null;
    const { account, now } = this.#facts;
    return exceeded({ account, wish, exhausted: [first, ...others], now: now(), headers: this.headers() });
  }

  headers(): HeaderList {
    const requests = this.#remaining('requestsPerMinute');
    const tokens = this.#remaining('tokensPerMinute');
    return requests === null && tokens === null ? [] : rateLimitHeaders(requests, tokens);
  }

  standings(): QuotaStanding[] {
    const sheet = this.#facts.sheet();
    const now = this.#facts.now();
    return [...this.#limits].map(([quota, limit]) => standingOf(sheet, { ...this.#facts, quota, limit, now }));
  }

  #remaining(quota: QuotaName): Remaining | null {
    const [limit, holding] = [this.#limits.get(quota), this.holdings.get(quota)];
    if (limit === undefined || holding === undefined) return null;
    const resetsInMs = holding.endsAt - this.#facts.now();
    if (resetsInMs <= 0) return { limit, left: limit, resetsInMs: 0 };
    const left = roomsIn(this.#facts.sheet(), { ...this.#roomFacts(), limits: new Map([[quota, limit]]) }).get(quota);
    return { limit, left: left ?? 0, resetsInMs };
  }

  #roomFacts(): RoomFacts {
    return { instance: this.#facts.instance, limits: this.#limits, holdings: this.holdings };
  }
}
