import type { Store } from '../store/port.ts';
import { fromValues } from '../usage/sums.ts';
import type { Instance } from './instance.ts';
import type { VirtualTime } from './virtualTime.ts';

/** What the store has of a run's requests, once everybody has told all. */
export interface Reckoning {
  readonly requests: number;
  readonly tokens: number;
}

/** By then whatever was under way has been answered. */
const LAST_ANSWERS_MS = 20_000;
const CLOSING_MS = 20_000;
const PAGE = 1_000;
const WITHIN_MS = 1_000;

/** Ends a run in order: nobody calls any more, everybody closes, and what the ledger holds is added up. */
export async function reckon(store: Store, instances: readonly Instance[], time: VirtualTime): Promise<Reckoning> {
  const endMs = time.monotonicMs();
  for (const instance of instances) instance.rest();
  await time.runUntil(endMs + LAST_ANSWERS_MS);
  const closing = Promise.all(instances.map((instance) => instance.close()));
  await time.runUntil(endMs + LAST_ANSWERS_MS + CLOSING_MS);
  await closing;
  return await added(store);
}

async function added(store: Store): Promise<Reckoning> {
  let [requests, tokens] = [0, 0];
  let after: string | null = null;
  do {
    const page = await store.list({ table: 'usage', limit: PAGE, after }, WITHIN_MS);
    for (const row of page.rows) {
      const sums = fromValues(row)?.sums;
      requests += sums?.requests ?? 0;
      tokens += (sums?.prompt ?? 0) + (sums?.completion ?? 0);
    }
    after = page.next;
  } while (after !== null);
  return { requests, tokens };
}
