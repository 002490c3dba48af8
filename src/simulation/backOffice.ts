import { NO_TOKENS } from '../accounts/entra.ts';
import { createGate, type Gate } from '../accounts/gate.ts';
import { KeyDesk } from '../accounts/keyDesk.ts';
import { KeyRing } from '../accounts/keyRing.ts';
import type { RandomBytes } from '../accounts/keyText.ts';
import type { Quotas } from '../accounts/port.ts';
import { AccountQuotas } from '../accounts/quotaKeeper.ts';
import { Refusals } from '../accounts/refusals.ts';
import { Throttle } from '../accounts/throttle.ts';
import { ANYBODY, type Principal } from '../domain/account.ts';
import type { Clock, Draw } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { StoreWatch } from '../state/storeWatch.ts';
import type { Store } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { StoredLedger } from '../usage/ledger.ts';
import type { Shown } from './accounts.ts';
import type { QuotaWatch } from './quotaWatch.ts';

export interface BackOfficeFacts {
  readonly config: RouterConfig;
  readonly store: Store;
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly journal: Journal;
  readonly watch: StoreWatch;
  readonly quotaWatch: QuotaWatch;
  readonly instances: () => number;
}

const WITHIN_MS = 1_000;
/** Nobody is slowed down here for showing a revoked key. */
const REFUSALS_PER_MINUTE = 1_000_000;

/** What an instance has to do with accounts, as compose.ts puts it together: whom it lets in, what it grants, what it counts. */
export class BackOffice {
  readonly quotas: Quotas;
  readonly ledger: StoredLedger;
  readonly #facts: BackOfficeFacts;
  readonly #ring: KeyRing;
  readonly #gate: Gate;
  readonly #keeper: AccountQuotas;

  constructor(facts: BackOfficeFacts) {
    const { config, watch, quotaWatch } = facts;
    const { refreshMs } = config.breaker;
    this.#facts = facts;
    this.#keeper = new AccountQuotas({ ...facts, withinMs: WITHIN_MS });
    this.quotas = quotaWatch.over(this.#keeper);
    this.ledger = new StoredLedger({ ...facts, watch: watch.aside, withinMs: WITHIN_MS });
    const { keysOutliveStoreMs } = config.auth;
    const open = () => Promise.resolve();
    this.#ring = new KeyRing({ ...facts, watch: watch.aside, refreshMs, keysOutliveStoreMs, open });
    this.#gate = createGate({
      ...facts,
      settings: { adminKey: null, callerKeys: [], loopbackOnly: false },
      keys: this.#ring,
      tokens: NO_TOKENS,
      throttle: new Throttle(facts.clock, REFUSALS_PER_MINUTE),
      refusals: new Refusals(facts.clock, facts.journal),
    });
  }

  start(): void {
    this.#keeper.start();
    this.ledger.start();
    this.#ring.start();
  }

  /** `null`: nobody is asked for a key. */
  admit(shown: Shown | null): Principal | Promise<Principal> {
    return shown === null ? ANYBODY : this.#gate.admitCaller(['api-key', shown.text], 'simulated');
  }

  desk(random: RandomBytes): KeyDesk {
    const { store, clock, draw } = this.#facts;
    return new KeyDesk({ ring: this.#ring, store, clock, draw, random });
  }

  async close(): Promise<void> {
    this.#ring.close();
    await Promise.all([this.ledger.close(), this.#keeper.close()]);
  }
}
