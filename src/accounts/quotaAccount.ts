import type { Clock } from '../domain/clock.ts';
import type { Quota, Quotas as QuotaSettings } from '../domain/config.ts';
import type { Cell } from '../state/cell.ts';
import type { StoreWatch } from '../state/storeWatch.ts';
import type { Journal } from '../telemetry/port.ts';
import type { QuotaAsk, QuotaName, QuotaStanding, QuotaUse, Reservation } from './port.ts';
import { QuotaBooks } from './quotaBooks.ts';
import { QuotaExchange } from './quotaExchange.ts';
import type { Holding } from './quotaHolding.ts';
import { LessonBook } from './quotaLessons.ts';
import { QuotaQueue, type Waiting } from './quotaQueue.ts';
import { tooLarge, uncheckable } from './quotaRefusal.ts';
import type { QuotaSheet } from './quotaSheet.ts';
import { bareOf, needOf, outputWithin, type Portion, shortOf, usedOf, type Wish, wishFor } from './quotaWindows.ts';

export interface QuotaAccountFacts {
  readonly account: string;
  readonly cell: Cell<QuotaSheet>;
  readonly instance: string;
  readonly clock: Clock;
  readonly watch: StoreWatch;
  readonly journal: Pick<Journal, 'quotaRunsLow' | 'fault'>;
  readonly settings: QuotaSettings;
  readonly periodMs: number;
  /** Longest wait of a request. */
  readonly patienceMs: number;
  /** Resolves once the store may be asked. */
  readonly begun: Promise<void>;
}

/** Many missed periods long, and longer than a store is usually away. */
const SHORTEST_LEASE_MS = 60_000;
const LEASE_PERIODS = 40;
/** Where all is used up, whoever comes so soon after another was refused is refused by the same figures. Bounds what an exhausted account costs. */
const FRESH_MS = 250;
/** Of so many instances together each writes every period; of more, less often. */
const WRITERS = 20;
/** Far from every limit, of so many instances each waits a period longer, at most so many: nobody is in need of what it has to tell. */
const AT_EASE = 4;
const MOST_PERIODS = 8;

/** One account as this instance serves it: at once by what it holds, else by the next write. */
export class QuotaAccount {
  readonly #facts: QuotaAccountFacts;
  readonly #queue: QuotaQueue;
  readonly #books: QuotaBooks;
  readonly #exchange: QuotaExchange;
  readonly #lessons = new LessonBook();
  #usedAt: number;
  #isLeaving = false;

  constructor(facts: QuotaAccountFacts) {
    const { clock, cell, patienceMs, periodMs, settings } = facts;
    this.#facts = facts;
    this.#usedAt = clock.now();
    this.#queue = new QuotaQueue(clock, patienceMs);
    this.#books = new QuotaBooks({ ...facts, now: () => this.#now(), sheet: () => cell.content });
    this.#exchange = new QuotaExchange({
      ...facts,
      books: this.#books,
      queue: this.#queue,
      warnPercent: settings.warnPercent,
      leaseMs: Math.max(SHORTEST_LEASE_MS, LEASE_PERIODS * periodMs),
      isLeaving: () => this.#isLeaving,
      periods: () => this.#periods,
      wish: (ask, sheet) => this.#wish(ask, sheet),
      lessons: this.#lessons.all,
      grant: (portion, holdings) => this.#grant(portion, holdings),
      alone: (waiting) => this.#answerAlone(waiting),
    });
  }

  reserve(quota: Quota, ask: QuotaAsk): Reservation | Promise<Reservation> {
    const now = this.#now();
    this.#books.adopt(quota);
    this.#books.roll(now);
    this.#usedAt = now;
    this.#isLeaving = false;
    const wish = this.#wish(ask);
    if (this.#queue.isEmpty && outputWithin(wish, this.#books.free()) === wish.wanted) {
      const reservation = this.#grant({ wish, output: wish.wanted }, this.#books.holdings);
      if (this.#books.isLow) this.#nudge();
      return reservation;
    }
    const short = shortOf(wish, this.#books.limits);
    if (short.length > 0) throw tooLarge(this.#facts.account, wish, this.#books.limits, short);
    return this.#wait(wish);
  }

  /** A period is over: tells what is to tell, gives back what is not needed. */
  async exchange(): Promise<void> {
    for (const demand of this.#books.demands.values()) demand.tick();
    const periods = this.#periods;
    if (periods > 1 && this.#now() - this.#exchange.writtenAt < this.#facts.periodMs * periods) return;
    await this.#exchange.run();
  }

  /** Between two exchanges, as things are. */
  get #periods(): number {
    const instances = this.#facts.cell.content.until.size;
    const pace = Math.max(1, instances / WRITERS);
    return this.#books.isAtEase ? Math.max(pace, Math.min(1 + (instances - 1) / AT_EASE, MOST_PERIODS)) : pace;
  }

  /** Gives back what is not used; what is under way then counts as used. True: nothing is left of it here or in the row. */
  async leave(): Promise<boolean> {
    const usedAt = this.#usedAt;
    this.#isLeaving = true;
    // First what was used is told, then the name is taken out.
    await this.#exchange.run();
    if (!this.#exchange.hasLeft) await this.#exchange.run();
    return this.#exchange.hasLeft && this.#usedAt === usedAt && !this.isBusy;
  }

  get isBusy(): boolean {
    return this.#books.isBusy || !this.#queue.isEmpty;
  }

  get usedAt(): number {
    return this.#usedAt;
  }

  holdingOf(quota: QuotaName): Holding | undefined {
    return this.#books.holdings.get(quota);
  }

  standings(): QuotaStanding[] {
    return this.#books.standings();
  }

  /** Windows only move forward: whose clock is behind goes by the row. */
  #now(): number {
    return Math.max(this.#facts.clock.now(), this.#facts.cell.content.latest);
  }

  #nudge(): void {
    if (this.#facts.watch.isHealthy) void this.#exchange.run();
  }

  #wish(ask: QuotaAsk, sheet = this.#facts.cell.content): Wish {
    const { outputTokens } = this.#facts.settings;
    const { lessons: shared } = sheet;
    const now = this.#now();
    return wishFor(ask, {
      limits: this.#books.limits,
      outputTokens,
      longestOutput: this.#lessons.longestOutput(shared, now),
      surplus: ask.kind === null ? 0 : this.#lessons.surplus(ask.kind, shared, now),
      isFirst: ask.kind !== null && !this.#lessons.awaits(ask.kind),
    });
  }

  #grant({ wish, output }: Portion, holdings: ReadonlyMap<QuotaName, Holding>): Reservation {
    this.#lessons.began(wish.ask);
    const held: [Holding, number][] = [];
    for (const quota of this.#books.limits.keys()) {
      const holding = holdings.get(quota);
      if (holding === undefined) continue;
      const need = needOf(quota, wish, output);
      holding.reserved += need;
      this.#books.demands.get(quota)?.took(need);
      held.push([holding, need]);
    }
    let isSettled = false;
    return {
      headers: () => this.#books.headers(),
      settle: (use) => {
        if (isSettled) return;
        isSettled = true;
        this.#lessons.ended(wish.ask, use, this.#now());
        this.#settle(held, use);
      },
    };
  }

  /** What happens to a holding whose window is over matters to nobody. */
  #settle(held: readonly [Holding, number][], use: QuotaUse): void {
    let isUrgent = false;
    for (const [holding, need] of held) {
      holding.reserved -= need;
      holding.spent += usedOf(holding.quota, use);
      isUrgent ||= holding.free < 0 || this.#books.isOverstocked(holding);
    }
    if (isUrgent) this.#nudge();
    const { first } = this.#queue;
    if (first !== null && this.#books.portion(this.#wish(first.ask)) !== null) this.#exchange.hurry();
  }

  #wait(wish: Wish): Reservation | Promise<Reservation> {
    const { watch, begun, account, clock } = this.#facts;
    const { knownAt, refusedAt } = this.#exchange;
    const isLost = !watch.isHealthy && (knownAt !== null || watch.problem !== null);
    if (isLost) return this.#alone(wish);
    const isFresh = refusedAt !== null && clock.now() - refusedAt < FRESH_MS;
    // What requests under way hold may come back any moment.
    const refusal = isFresh && !this.#books.mayFitSoon(wish) ? this.#books.refusal(wish) : null;
    if (refusal !== null) throw refusal;
    if (this.#queue.isFull) throw uncheckable(account);
    const reservation = this.#queue.add(wish.ask, (waiting) => {
      // Who waited in vain is one of a crowd, unless there is nobody to ask.
      if (watch.isHealthy) waiting.reject(uncheckable(account));
      else this.#answerAlone(waiting);
    });
    void begun.then(() => this.#exchange.run());
    return reservation;
  }

  /** Nobody can say what is left. */
  #alone(wish: Wish): Reservation {
    const { settings, account } = this.#facts;
    const here = outputWithin(wish, this.#books.free());
    if (here !== null) return this.#grant({ wish, output: here }, this.#books.holdings);
    // What was used stays used: that much is certain without the store.
    const isUsedUp = outputWithin(bareOf(wish), this.#books.mostRooms()) === null;
    const certain = isUsedUp ? this.#books.refusal(wish) : null;
    if (certain !== null) throw certain;
    if (settings.whenStoreDown === 'closed') throw uncheckable(account);
    return this.#grant({ wish, output: wish.wanted }, this.#books.holdings);
  }

  #answerAlone(waiting: Waiting): void {
    this.#books.roll(this.#now());
    try {
      waiting.resolve(this.#alone(this.#wish(waiting.ask)));
    } catch (error) {
      waiting.reject(error);
    }
  }
}
