/** For runs in which nobody pays: no quotas, no prices, no ledger. */
import type { Quotas } from '../accounts/port.ts';
import { ResponseCache } from '../cache/responseCache.ts';
import { NO_TOKENS } from '../domain/usage.ts';
import type { Estimator, Ledger, Prices } from '../usage/port.ts';

const nothing = (): void => undefined;
const FREE = { prompt: 0, output: 0 };
const UNLIMITED = { headers: () => [], settle: nothing };

export const NO_QUOTAS: Quotas = { reserve: () => UNLIMITED };
export const NO_PRICES: Prices = { costOf: () => 0, rates: () => FREE };
export const NO_LEDGER: Ledger = { enter: nothing };
export const NO_ESTIMATES: Estimator = { estimate: () => Promise.resolve(NO_TOKENS), learn: nothing };
export const NO_CACHE = new ResponseCache({ ttlMs: 0, maxMb: 0 }, { monotonicMs: () => 0 });
