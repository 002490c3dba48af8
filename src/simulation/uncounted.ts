/** For runs in which nothing has a price, nothing needs an estimate and no answer is given twice. */
import { ResponseCache } from '../cache/responseCache.ts';
import { NO_TOKENS } from '../domain/usage.ts';
import type { Estimator, Prices } from '../usage/port.ts';

const FREE = { prompt: 0, output: 0 };

export const NO_PRICES: Prices = { costOf: () => 0, rates: () => FREE };
export const NO_ESTIMATES: Estimator = { estimate: () => Promise.resolve(NO_TOKENS), learn: () => undefined };
export const NO_CACHE = new ResponseCache({ ttlMs: 0, maxMb: 0 }, { monotonicMs: () => 0 });
