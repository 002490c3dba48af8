import type { Quota } from '../domain/config.ts';
import type { HeaderList } from '../domain/message.ts';
import type { QuotaName, QuotaStanding } from './port.ts';
import { Demand, Holding } from './quotaHolding.ts';
import { areOthersBusy, mostRoomsIn, type RoomFacts, roomsIn, unusedIn } from './quotaPlan.ts';
import { type Exhausted, exceeded, type Remaining, rateLimitHeaders } from './quotaRefusal.ts';
import { leased, type QuotaSheet } from './quotaSheet.ts';
import { standingOf } from './quotaStanding.ts';
import {
  bareOf,
  type Limits,
  limitsOf,
  needOf,
  outputWithin,
  type Portion,
  portionWithin,
  shortOf,
  type Wish,
} from './quotaWindows.ts';

/** A window that begins within so many exchanges is prepared: its first requests find a lease. */
const AHEAD_EXCHANGES = 2.5;
/** Of a limit: where less is left, what is not needed any more goes back at once. */
const NEAR = 0.1;
/** Of a limit: where at least so much is left, nobody needs to hear at once what was used. */
const EASE = 0.5;
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

  /** `periods` lie between two exchanges of this instance. */
  prepare(now: number, periods: number): void {
    const soon = now + AHEAD_EXCHANGES * periods * this.#facts.periodMs;
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

  /** Every limit is far, as far as is known here. */
  get isAtEase(): boolean {
    for (const [quota, limit] of this.#limits) {
      const holding = this.holdings.get(quota);
      if (holding === undefined || this.#leftOf(holding, limit) < limit * EASE) return false;
    }
    return true;
  }

  get isBusy(): boolean {
    for (const { reserved, pledged } of this.holdings.values()) if (reserved + pledged > 0) return true;
    return false;
  }

  /** Others may be about to be refused what lies about here. */
  isOverstocked(holding: Holding): boolean {
    const limit = this.#limits.get(holding.quota) ?? 0;
    return holding.free > holding.spare + limit * CRUMBS && this.#leftOf(holding, limit) < limit * NEAR;
  }

  /** What nobody has used or holds, by the row as last seen. */
  #leftOf({ key }: Holding, limit: number): number {
    const window = this.#facts.sheet().windows.get(key);
    return window === undefined ? limit : limit - window.used - leased(window);
  }

  /** By what is known here. */
  rooms(): Map<QuotaName, number> {
    return roomsIn(this.#facts.sheet(), this.#roomFacts());
  }

  /** There is no more than that here, whatever others give back. */
  mostRooms(): Map<QuotaName, number> {
    return mostRoomsIn(this.#facts.sheet(), this.#roomFacts());
  }

  /** What it would get, by what is known here. */
  portion(wish: Wish): Portion | null {
    return portionWithin(wish, this.rooms(), !areOthersBusy(this.#facts.sheet(), this.#roomFacts()));
  }

  /** Only what is set aside stands in its way: when requests under way are over there may be room. */
  mayFitSoon(wish: Wish): boolean {
    return outputWithin(bareOf(wish), unusedIn(this.#facts.sheet(), this.#roomFacts())) !== null;
  }

  /** They would be taken. */
  saw(wishes: readonly Wish[]): void {
    for (const [quota, demand] of this.demands) for (const wish of wishes) demand.saw(needOf(quota, wish, wish.wanted));
  }

  /** `null`: there is room for it. */
  refusal(wish: Wish): Error | null {
    if (this.portion(wish) !== null) return null;
    const rooms = this.rooms();
    const unused = unusedIn(this.#facts.sheet(), this.#roomFacts());
    const usedUp = shortOf(bareOf(wish), unused);
    const [first, ...others] = shortOf(wish, rooms).flatMap((quota): Exhausted[] => {
      const [limit, holding] = [this.#limits.get(quota), this.holdings.get(quota)];
      if (limit === undefined || holding === undefined) return [];
      const [used, taken] = [limit - (unused.get(quota) ?? 0), limit - (rooms.get(quota) ?? 0)];
      const isUsedUp = usedUp.includes(quota);
      return [{ quota, limit, used, reserved: taken - used, isUsedUp, endsAt: holding.endsAt }];
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
    return [...this.#limits].map(([quota, limit]) => {
      const holding = this.holdings.get(quota);
      return standingOf(sheet, { ...this.#facts, quota, limit, now, holding });
    });
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
