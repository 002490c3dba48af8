/** Who makes a request, and what that account may do. */
import type { Plan, Quota } from './config.ts';

/** Whoever needs no key, or has the one from the environment. */
export const DEFAULT_ACCOUNT = 'default';

export interface Principal {
  readonly account: string;
  /** `null`: no plan, anything is permitted. */
  readonly plan: Plan | null;
  /** The limits that hold: the account's own, else its plan's. */
  readonly quota: Quota;
  /** What the key fixes; `null`: the request's headers say it. */
  readonly agent: string | null;
  readonly creator: string | null;
  readonly operation: string | null;
  /** The pools that may be asked for; `null`: any. */
  readonly pools: ReadonlySet<string> | null;
  /** Which key or application it was, for people; never a secret. `null`: none was needed. */
  readonly keyId: string | null;
}

export const UNLIMITED: Quota = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  tokensPerMonth: null,
  usdPerDay: null,
  usdPerMonth: null,
};

/** Whoever is let in without a key of an account, where that account has no limits. */
export const ANYBODY: Principal = {
  account: DEFAULT_ACCOUNT,
  plan: null,
  quota: UNLIMITED,
  agent: null,
  creator: null,
  operation: null,
  pools: null,
  keyId: null,
};
