/** Instances of the router as far as keys go: each with its ring, its desk and its gate, over one store and one clock. */
import { randomBytes } from 'node:crypto';
import { type EntraTokens, NO_TOKENS } from '../../src/accounts/entra.ts';
import { createGate, type Gate, type GateSettings } from '../../src/accounts/gate.ts';
import { KeyDesk } from '../../src/accounts/keyDesk.ts';
import { KeyRing } from '../../src/accounts/keyRing.ts';
import type { KeyOrder } from '../../src/accounts/keyRow.ts';
import { Refusals } from '../../src/accounts/refusals.ts';
import { Throttle } from '../../src/accounts/throttle.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { StoreWatch } from '../../src/state/storeWatch.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/port.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';

export const REFRESH_MS = 1_000;
export const OUTLIVE_MS = 60_000;

export const CONFIG = configOf(
  fleet(['https://a.test', 'https://b.test'], {
    tiers: { economy: { chain: ['gpt-4.1'] } },
    plans: {
      free: { tiers: ['economy'], quota: { requestsPerMinute: 60, tokensPerDay: 1_000 } },
      pro: { tiers: ['economy'], quota: { requestsPerMinute: 600, usdPerMonth: 50 } },
    },
    accounts: { 'clinic-7': { plan: 'pro', quota: { usdPerMonth: 500 } }, default: { plan: 'free' } },
  }),
);

export const ORDER: KeyOrder = {
  account: 'clinic-7',
  plan: null,
  agent: null,
  creator: null,
  operation: null,
  pools: null,
  expiresAt: null,
};

export const CLOSED: GateSettings = { adminKey: 'admin', callerKeys: [], loopbackOnly: false };
export const LOOPBACK: GateSettings = { adminKey: null, callerKeys: [], loopbackOnly: true };

export interface Instance {
  readonly ring: KeyRing;
  readonly desk: KeyDesk;
  readonly gate: Gate;
  readonly refusals: Refusals;
  readonly clock: ManualClock;
  /** What its journal was told. */
  readonly told: unknown[];
}

export interface InstanceFacts {
  readonly store?: Store;
  readonly clock?: ManualClock;
  readonly settings?: GateSettings;
  readonly tokens?: EntraTokens;
  readonly perMinute?: number;
  readonly outliveMs?: number;
  readonly open?: () => Promise<void>;
  readonly config?: Pick<typeof CONFIG, 'plans' | 'accounts'>;
}

export function instanceOn(facts: InstanceFacts = {}): Instance {
  const { store = new MemoryStore(), clock = new ManualClock(), perMinute = 30, outliveMs = OUTLIVE_MS } = facts;
  const { settings = CLOSED, tokens = NO_TOKENS, config = CONFIG, open = () => Promise.resolve() } = facts;
  const told: unknown[] = [];
  const journal = {
    storeLost: (lost: object) => void told.push({ lost }),
    storeFound: () => void told.push('found'),
    credentialsRefused: (refused: object) => void told.push(refused),
    fault: ({ error }: { error: unknown }) => void told.push({ error }),
  };
  const watch = new StoreWatch(clock, journal);
  watch.open();
  const draw = (): number => 0.5;
  const ring = new KeyRing({
    store,
    watch,
    clock,
    draw,
    journal,
    refreshMs: REFRESH_MS,
    keysOutliveStoreMs: outliveMs,
    open,
  });
  const desk = new KeyDesk({ ring, store, clock, draw, random: randomBytes });
  const refusals = new Refusals(clock, journal);
  const throttle = new Throttle(clock, perMinute);
  const gate = createGate({ settings, config, keys: ring, tokens, throttle, refusals, clock });
  return { ring, desk, gate, refusals, clock, told };
}

export function showing(key: string): readonly string[] {
  return ['Authorization', `Bearer ${key}`];
}

/** `in`, or status and code of the refusal. */
export async function verdict(admit: () => unknown): Promise<string> {
  const error = await refusalOf(admit);
  return error === null ? 'in' : `${error.status} ${error.code}`;
}

export async function refusalOf(admit: () => unknown): Promise<RouterError | null> {
  try {
    await admit();
    return null;
  } catch (error) {
    if (error instanceof RouterError) return error;
    throw error;
  }
}
