import type { QuotaAsk, Quotas, QuotaUse, Reservation } from '../accounts/port.ts';
import type { Principal } from '../domain/account.ts';
import { RouterError } from '../domain/errors.ts';
import type { Requests } from './requests.ts';

/** What an account was granted of its tokens for the day, whoever granted it. */
export interface Granted {
  readonly account: string;
  readonly limit: number;
  used: number;
  underWay: number;
  /** The most that was used or under way at any time. */
  most: number;
  /** The same when somebody was first refused; `null`: nobody was. */
  atFirstRefusal: number | null;
}

/** Looks over the shoulder of all instances' quotas: what they grant together is compared with the limit. */
export class QuotaWatch {
  readonly granted = new Map<string, Granted>();
  /** How long each request waited that could not be granted at once. */
  readonly waitedMs: number[] = [];
  readonly #nowMs: () => number;
  readonly #requests: Requests;

  constructor(nowMs: () => number, requests: Requests) {
    this.#nowMs = nowMs;
    this.#requests = requests;
  }

  over(quotas: Quotas): Quotas {
    return { reserve: (principal, ask) => this.#reserve(quotas, principal, ask) };
  }

  #reserve(quotas: Quotas, principal: Principal, ask: QuotaAsk): Reservation | Promise<Reservation> {
    const account = this.#of(principal);
    try {
      const reservation = quotas.reserve(principal, ask);
      if (!(reservation instanceof Promise)) return this.#grant(account, ask, reservation);
      return this.#waited(reservation, account, ask);
    } catch (error) {
      throw this.#refused(account, error);
    }
  }

  async #waited(waiting: Promise<Reservation>, account: Granted | null, ask: QuotaAsk): Promise<Reservation> {
    const since = this.#nowMs();
    const mark = this.#requests.current;
    if (mark !== undefined) mark.waitedForAccount = true;
    try {
      return this.#grant(account, ask, await waiting);
    } catch (error) {
      throw this.#refused(account, error);
    } finally {
      this.waitedMs.push(this.#nowMs() - since);
    }
  }

  #grant(account: Granted | null, ask: QuotaAsk, reservation: Reservation): Reservation {
    if (account === null) return reservation;
    const tokens = ask.promptTokens + (ask.outputTokens ?? 0);
    account.underWay += tokens;
    account.most = Math.max(account.most, account.used + account.underWay);
    return {
      headers: () => reservation.headers(),
      settle: (use: QuotaUse) => {
        account.underWay -= tokens;
        account.used += use.tokens;
        reservation.settle(use);
      },
    };
  }

  #refused(account: Granted | null, error: unknown): unknown {
    if (account !== null && error instanceof RouterError && error.code === 'quota_exceeded') {
      account.atFirstRefusal ??= account.used + account.underWay;
    }
    return error;
  }

  #of({ account, quota: { tokensPerDay } }: Principal): Granted | null {
    if (tokensPerDay === null) return null;
    const known = this.granted.get(account);
    if (known !== undefined) return known;
    const granted = { account, limit: tokensPerDay, used: 0, underWay: 0, most: 0, atFirstRefusal: null };
    this.granted.set(account, granted);
    return granted;
  }
}
