/** What the timer does. */
import { sweepQuotas } from './accounts/quotaSweep.ts';
import type { SharedState } from './state/shared.ts';
import { sweep } from './state/sweep.ts';
import type { Store } from './store/port.ts';
import type { StoredLedger } from './usage/ledger.ts';

interface SweepParts {
  readonly state: SharedState;
  readonly store: Store;
  readonly ledger: StoredLedger;
  readonly now: () => number;
}

/** One thing after the other; each may be done at any time, and twice at once. */
export async function sweepAll({ state, store, ledger, now }: SweepParts): Promise<void> {
  if (!(await sweep({ state, store, now })).done) return;
  const { aside } = state.watch;
  const asked = aside.asking();
  await sweepQuotas({ store, now: now() }).catch((error: unknown) => aside.failed(error, asked));
  await ledger.compact(now());
}
