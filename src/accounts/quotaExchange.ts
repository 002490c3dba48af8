import type { Clock } from '../domain/clock.ts';
import { type Cell, Contended } from '../state/cell.ts';
import type { StoreWatch } from '../state/storeWatch.ts';
import { StoreError } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import type { QuotaAsk, QuotaName, Reservation } from './port.ts';
import type { QuotaBooks } from './quotaBooks.ts';
import type { Holding } from './quotaHolding.ts';
import type { Lessons } from './quotaLessons.ts';
import { type Plan, planFor } from './quotaPlan.ts';
import type { QuotaQueue, Waiting } from './quotaQueue.ts';
import { uncheckable } from './quotaRefusal.ts';
import type { QuotaSheet } from './quotaSheet.ts';
import { inPeoplesUnit, type Portion, type Wish } from './quotaWindows.ts';

export interface QuotaExchangeFacts {
  readonly account: string;
  readonly cell: Cell<QuotaSheet>;
  readonly books: QuotaBooks;
  readonly queue: QuotaQueue;
  readonly instance: string;
  readonly clock: Clock;
  readonly watch: StoreWatch;
  readonly journal: Pick<Journal, 'quotaRunsLow' | 'fault'>;
  readonly warnPercent: number;
  readonly leaseMs: number;
  readonly isLeaving: () => boolean;
  /** About so many periods lie between two exchanges at the moment. */
  readonly periods: () => number;
  /** By all that was learnt here and by whoever wrote `sheet`. */
  readonly wish: (ask: QuotaAsk, sheet: QuotaSheet) => Wish;
  readonly lessons: Lessons;
  readonly grant: (portion: Portion, holdings: ReadonlyMap<QuotaName, Holding>) => Reservation;
  /** Decides for a request that the store cannot be asked about. */
  readonly alone: (waiting: Waiting) => void;
}

/** A plan on its way to the row, and those it is for. */
interface Proposal {
  readonly plan: Plan;
  readonly waiting: readonly Waiting[];
  readonly holdings: ReadonlyMap<QuotaName, Holding>;
  /** What each could grant before. */
  readonly before: readonly (readonly [Holding, number])[];
}

const LOOK_AGAIN_MS = 100;

/**
 * Keeps an account's row and this instance's books in step, one write at a time; all who wait take part in the next one.
 *
 * What the books may grant is never more than any state the row may be in allows: it shrinks before a write that gives something
 * back is sent, and grows only once a write is known to have happened. So it does not matter what became of one without an answer.
 */
export class QuotaExchange {
  readonly #facts: QuotaExchangeFacts;
  #proposal: Proposal | null = null;
  /** When the row was last read or written. */
  #knownAt: number | null = null;
  #writtenAt = 0;
  /** A write ended without an answer. */
  #isInDoubt = false;
  #isWanted = false;
  #hasLeft = false;
  #hasToLookAgain = false;
  #endPause: () => void = () => undefined;
  #refusedAt: number | null = null;
  #serving: Promise<void> | null = null;

  constructor(facts: QuotaExchangeFacts) {
    this.#facts = facts;
  }

  get knownAt(): number | null {
    return this.#knownAt;
  }

  /** When somebody was last refused by what the row said. */
  get refusedAt(): number | null {
    return this.#refusedAt;
  }

  get writtenAt(): number {
    return this.#writtenAt;
  }

  /** Nothing of this instance is in the row. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** Resolves when all that is to tell by now has been told, or could not be. */
  run(): Promise<void> {
    this.#isWanted = true;
    this.#serving ??= this.#serve();
    return this.#serving;
  }

  /** There is room by now for whoever waits. */
  hurry(): void {
    this.#endPause();
  }

  async #serve(): Promise<void> {
    try {
      while (this.#isWanted || !this.#facts.queue.isEmpty) {
        this.#isWanted = false;
        await this.#round();
        if (this.#hasToLookAgain) await this.#pause();
      }
    } finally {
      // In the same breath as the last look at what is wanted: nobody who comes later is left standing.
      this.#serving = null;
    }
  }

  #pause(): Promise<void> {
    this.#hasToLookAgain = false;
    return new Promise((resolve) => {
      const cancel = this.#facts.clock.after(LOOK_AGAIN_MS, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  async #round(): Promise<void> {
    const { cell, watch, clock } = this.#facts;
    const asked = watch.asking();
    try {
      const mustRead = this.#knownAt === null || !watch.isHealthy || this.#wouldRefuse() || this.#wouldCollide();
      if (mustRead) await cell.read();
      const changed = await cell.change((sheet) => this.#propose(sheet));
      if (cell.isForeign) throw new Contended('failed', 'a newer version keeps the row');
      const isWritten = changed !== null;
      if (isWritten || mustRead) {
        watch.answered(asked);
        this.#knownAt = clock.now();
      }
      if (isWritten) {
        this.#writtenAt = clock.now();
        this.#isInDoubt = false;
      }
      this.#confirm(isWritten);
    } catch (error) {
      this.#giveUp(error, asked);
    }
  }

  #giveUp(error: unknown, asked: number): void {
    const { watch, queue, alone, cell, journal } = this.#facts;
    // Others were first, every time: nothing was written, and whoever waits goes on waiting.
    const isContended = error instanceof Contended && !cell.isForeign;
    this.#withdraw(isContended);
    if (isContended) return this.#endHopes();
    this.#isInDoubt = true;
    if (error instanceof StoreError) watch.failed(error, asked);
    else journal.fault({ requestId: '-', error });
    for (const waiting of queue.all()) alone(waiting);
    // While nobody answers, the next period is soon enough.
    this.#isWanted = false;
  }

  #endHopes(): void {
    const { queue, clock, account } = this.#facts;
    for (const waiting of queue.all()) {
      if (waiting.hopesUntil !== null && clock.now() >= waiting.hopesUntil) waiting.reject(uncheckable(account));
    }
  }

  /** What is known may be old: nobody is refused by it. */
  #wouldRefuse(): boolean {
    const { cell, queue } = this.#facts;
    if (queue.isEmpty) return false;
    return this.#planFor(cell.content, queue.all()).portions.includes(null);
  }

  /** Where others use the account as well, the row has most likely changed: to write and fail takes a call more than to read. */
  #wouldCollide(): boolean {
    const { cell, queue, instance } = this.#facts;
    const { until } = cell.content;
    const isShared = until.size > (until.has(instance) ? 1 : 0);
    return isShared && (this.#isInDoubt || this.#planFor(cell.content, queue.all()).isNews);
  }

  #planFor(sheet: QuotaSheet, waiting: readonly Waiting[]): Plan {
    const { books, clock, instance, isLeaving, periods, leaseMs, warnPercent, lessons } = this.#facts;
    const now = Math.max(clock.now(), sheet.latest);
    books.roll(now);
    if (!isLeaving()) books.prepare(now, periods());
    return planFor(sheet, {
      instance,
      now,
      limits: books.limits,
      holdings: books.holdings,
      ahead: books.ahead,
      demands: books.demands,
      periods: periods(),
      wishes: this.#wishes(sheet, waiting),
      lessons,
      isLeaving: isLeaving() && waiting.length === 0,
      leaseMs,
      warnPercent,
    });
  }

  #wishes(sheet: QuotaSheet, waiting: readonly Waiting[]): Wish[] {
    return waiting.map(({ ask }) => this.#facts.wish(ask, sheet));
  }

  #propose(sheet: QuotaSheet): QuotaSheet {
    const { books, queue } = this.#facts;
    // Asked again, somebody else was first: what was proposed did not happen.
    this.#withdraw(true);
    this.#hasLeft = false;
    const waiting = queue.all();
    books.saw(this.#wishes(sheet, waiting));
    const plan = this.#planFor(sheet, waiting);
    const before = plan.shares.map(({ holding }) => [holding, holding.granted] as const);
    this.#proposal = { plan, waiting, before, holdings: new Map(books.holdings) };
    for (const { holding, granted, pledged } of plan.shares) {
      holding.isClaimed = true;
      holding.pledged = pledged;
      holding.granted = Math.min(holding.granted, granted);
    }
    return plan.isNews || this.#isInDoubt ? plan.sheet : sheet;
  }

  #withdraw(isCertain: boolean): void {
    for (const [holding, granted] of this.#proposal?.before ?? []) {
      holding.pledged = 0;
      if (isCertain) holding.granted = granted;
    }
    this.#proposal = null;
  }

  #confirm(isWritten: boolean): void {
    if (this.#proposal === null) return;
    const { plan, waiting, holdings } = this.#proposal;
    this.#withdraw(false);
    this.#hasLeft = plan.hasLeft;
    for (const { holding, granted, spare } of plan.shares) {
      if (isWritten) holding.granted = granted;
      holding.spare = spare;
    }
    for (const [at, one] of waiting.entries()) this.#answer(one, plan.portions[at] ?? null, holdings);
    if (isWritten) this.#warn(plan);
  }

  #answer(waiting: Waiting, portion: Portion | null, holdings: Proposal['holdings']): void {
    const { queue, clock, grant } = this.#facts;
    if (!queue.has(waiting)) return;
    if (portion === null) return this.#refuse(waiting);
    // Granted now it would count in a window that is over.
    const now = clock.now();
    if ([...holdings.values()].some(({ endsAt }) => now >= endsAt)) return;
    waiting.resolve(grant(portion, holdings));
  }

  #refuse(waiting: Waiting): void {
    const { books, clock, queue, cell } = this.#facts;
    const wish = this.#facts.wish(waiting.ask, cell.content);
    const refusal = books.refusal(wish);
    // There is room by now: it takes part in the next write.
    if (refusal === null) return;
    if (books.mayFitSoon(wish) && queue.hopes(waiting)) {
      // Near a limit whoever is done gives the rest back at once: a moment later there may be room.
      this.#hasToLookAgain = true;
      return;
    }
    this.#refusedAt = clock.now();
    waiting.reject(refusal);
  }

  #warn({ sheet, shares }: Plan): void {
    const { account, instance, books, journal } = this.#facts;
    for (const { holding } of shares) {
      const { quota, key, endsAt } = holding;
      if (holding.hasWarned || sheet.windows.get(key)?.warnedBy !== instance) continue;
      holding.hasWarned = true;
      const limit = books.limits.get(quota) ?? 0;
      const standing = books.standings().find((one) => one.quota === quota);
      const used = (standing?.used ?? 0) + (standing?.reserved ?? 0);
      journal.quotaRunsLow({ account, quota, used, limit: inPeoplesUnit(quota, limit), resetsAt: endsAt });
    }
  }
}
