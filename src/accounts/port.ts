/**
 * Accounts: who may come in, and how much they may use. What the data plane needs on a healthy path is answered at once from
 * memory; whatever has to travel to the store does so behind it.
 */
import type { Principal } from '../domain/account.ts';
import type { Quota } from '../domain/config.ts';
import type { HeaderList } from '../domain/message.ts';

export type QuotaName = keyof Quota;

/** What a request is about to use at most. */
export interface QuotaAsk {
  /** Requests of one kind are alike in how much larger than they look their prompts are. `null`: this one's is known to the token. */
  readonly kind: string | null;
  /** As it looks: an estimate from the request alone. */
  readonly promptTokens: number;
  /** The most the answer may become; `null`: the request does not say. */
  readonly outputTokens: number | null;
  /** What a token costs at most, in billionths of a dollar; 0 where no price is known. */
  readonly nanoUsdPerPromptToken: number;
  readonly nanoUsdPerOutputToken: number;
}

export interface QuotaUse {
  readonly tokens: number;
  /** Of the prompt as it was read once: where several deployments worked on it, it counts in `tokens` for each. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: number;
}

/** What was set aside for one request. */
export interface Reservation {
  /** The account's own `x-ratelimit-…` headers, as things stand now; empty where it has no quota by the minute. */
  readonly headers: () => HeaderList;
  /** What it came to in the end; once. */
  settle(use: QuotaUse): void;
}

export interface Quotas {
  /** Throws `quota_exceeded` where it does not fit. Waits for the store only near a limit, and with an account's first request. */
  reserve(principal: Principal, ask: QuotaAsk): Reservation | Promise<Reservation>;
}

export interface QuotaStanding {
  readonly account: string;
  readonly quota: QuotaName;
  readonly limit: number;
  readonly used: number;
  /** Set aside for requests under way. */
  readonly reserved: number;
  readonly resetsAt: number;
}
