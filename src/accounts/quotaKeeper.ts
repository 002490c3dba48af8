import type { Principal } from '../domain/account.ts';
import type { Clock, Draw } from '../domain/clock.ts';
import type { Quota, RouterConfig } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import { Cell } from '../state/cell.ts';
import { StoreWatch } from '../state/storeWatch.ts';
import { type RowKey, type Store, StoreError } from '../store/port.ts';
import type { Journal, QuotaLevel } from '../telemetry/port.ts';
import type { QuotaAsk, QuotaStanding, Quotas, Reservation } from './port.ts';
import { QuotaAccount } from './quotaAccount.ts';
import { decodeSheet, EMPTY_SHEET, encodeSheet, reunitedSheets } from './quotaSheet.ts';
import { standingOf } from './quotaStanding.ts';
import { limitsOf } from './quotaWindows.ts';

export interface AccountQuotasFacts {
  readonly config: Pick<RouterConfig, 'quotas' | 'breaker'>;
  readonly store: Store;
  /** Short, and nobody else's, before or after. */
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly journal: Pick<Journal, 'quotaRunsLow' | 'fault' | 'storeLost' | 'storeFound'>;
  /** Whoever else asks the store; else the quotas watch it themselves. */
  readonly watch?: StoreWatch;
  /** Longest wait for one call of the store. */
  readonly withinMs?: number;
}

const SHORTEST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 1_000;
/** A request waits for two calls of the store at most: one that reads, one that writes. */
const PATIENCE = 2;
const SHORTEST_CYCLE = 0.65;
const LONGEST_CYCLE = 0.8;
/** An account that nobody has asked for so long gives everything back. */
const IDLE_MS = 60_000;
/** Where there are more, those go first that were not asked for in a period. */
const MOST_ACCOUNTS = 5_000;
const AT_ONCE = 8;
const LONGEST_LOOK_MS = 2_000;

const RETRY_AFTER_MS = 1_000;

const UNLIMITED_RESERVATION: Reservation = { headers: () => [], settle: () => undefined };

/** The quotas of all accounts, kept in step with the other instances through one row for each account. */
export class AccountQuotas implements Quotas {
  readonly #facts: AccountQuotasFacts;
  readonly #watch: StoreWatch;
  readonly #accounts = new Map<string, QuotaAccount>();
  readonly #begun: Promise<void>;
  #begin: () => void = () => undefined;
  #stopTimer: () => void = () => undefined;
  #isClosed = false;

  constructor(facts: AccountQuotasFacts) {
    this.#facts = facts;
    this.#watch = facts.watch ?? new StoreWatch(facts.clock, facts.journal);
    this.#begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  reserve({ account, quota }: Principal, ask: QuotaAsk): Reservation | Promise<Reservation> {
    if (isUnlimited(quota)) return UNLIMITED_RESERVATION;
    let known = this.#accounts.get(account);
    if (known === undefined) {
      known = this.#open(account);
      this.#accounts.set(account, known);
    }
    return known.reserve(quota, ask);
  }

  /** The store is open: from now on it is asked. Whoever came before has waited for this. */
  start(): void {
    this.open();
    this.#plan();
  }

  /** The same without a rhythm of its own. */
  open(): void {
    if (this.#facts.watch === undefined) this.#watch.open();
    this.#begin();
  }

  /** Once: every account tells what is to tell. */
  async exchange(): Promise<void> {
    const { clock, config } = this.#facts;
    const isMany = this.#accounts.size > MOST_ACCOUNTS;
    const idleSince = clock.now() - (isMany ? config.breaker.refreshMs : IDLE_MS);
    let inVain = 0;
    await this.#each(async (name, account) => {
      // While the store is away one of them finds out whether it is back.
      if (!this.#watch.isHealthy && inVain++ > 0) return;
      if (account.isBusy || account.usedAt > idleSince) return await account.exchange();
      if (await account.leave()) this.#accounts.delete(name);
    });
  }

  /** Gives back what is not used, and is still from then on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    await this.#each(async (_, account) => {
      if (this.#watch.isHealthy) await account.leave();
    });
  }

  /** Of the accounts that are in use here, as far as is known here. */
  standings(): QuotaStanding[] {
    return [...this.#accounts.values()].flatMap((account) => account.standings());
  }

  /** As the store has it, and with what was used and is under way here to the token; 503 where the store does not answer. */
  async standing(account: string, quota: Quota): Promise<QuotaStanding[]> {
    const { store, clock, instance } = this.#facts;
    const row = await store.get(keyOf(account), LONGEST_LOOK_MS).catch(unreadable);
    const content = row?.values['content'];
    const sheet = (typeof content === 'string' ? decodeSheet(content) : null) ?? EMPTY_SHEET;
    const now = clock.now();
    const known = this.#accounts.get(account);
    return [...limitsOf(quota)].map(([name, limit]) =>
      standingOf(sheet, { account, quota: name, limit, now, instance, holding: known?.holdingOf(name) }),
    );
  }

  *levels(): Iterable<QuotaLevel> {
    for (const { account, quota, used, limit, resetsAt } of this.standings()) {
      yield { account, quota, used, limit, resetsAt };
    }
  }

  /** How many accounts are kept in memory. */
  get size(): number {
    return this.#accounts.size;
  }

  #open(account: string): QuotaAccount {
    const { config, store, instance, clock, draw, journal } = this.#facts;
    const { refreshMs } = config.breaker;
    const withinMs = this.#facts.withinMs ?? Math.min(Math.max(refreshMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
    const cell = new Cell({
      store,
      key: keyOf(account),
      instance,
      clock,
      draw,
      withinMs,
      empty: EMPTY_SHEET,
      encode: encodeSheet,
      decode: decodeSheet,
      reunite: reunitedSheets,
    });
    return new QuotaAccount({
      account,
      cell,
      instance,
      clock,
      watch: this.#watch,
      journal,
      settings: config.quotas,
      periodMs: refreshMs,
      patienceMs: withinMs * PATIENCE,
      begun: this.#begun,
    });
  }

  #plan(): void {
    if (this.#isClosed) return;
    const { clock, draw, config, journal } = this.#facts;
    const share = SHORTEST_CYCLE + draw() * (LONGEST_CYCLE - SHORTEST_CYCLE);
    this.#stopTimer = clock.after(config.breaker.refreshMs * share, () => {
      this.exchange()
        .catch((error: unknown) => journal.fault({ requestId: '-', error }))
        .finally(() => this.#plan());
    });
  }

  async #each(task: (name: string, account: QuotaAccount) => Promise<void>): Promise<void> {
    const accounts = this.#accounts.entries();
    const run = async (): Promise<void> => {
      for (const [name, account] of accounts) await task(name, account);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, this.#accounts.size) }, run));
  }
}

function keyOf(account: string): RowKey {
  return { table: 'quota', partition: account, row: 'sheet' };
}

function isUnlimited(quota: Quota): boolean {
  return (
    quota.requestsPerMinute === null &&
    quota.tokensPerMinute === null &&
    quota.tokensPerDay === null &&
    quota.tokensPerMonth === null &&
    quota.usdPerDay === null &&
    quota.usdPerMonth === null
  );
}

function unreadable(cause: unknown): never {
  if (!(cause instanceof StoreError)) throw cause;
  const message = `The quotas cannot be read: the store does not answer (${cause.failure}).`;
  throw new RouterError('internal', message, { status: 503, retryAfterMs: RETRY_AFTER_MS, cause });
}
