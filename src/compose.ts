/** The one file that knows every adapter: it puts the parts together for whichever host runs them. */
import { randomBytes, randomUUID } from 'node:crypto';
import { NO_TOKENS, VerifiedTokens } from './accounts/entra.ts';
import { createGate, type GateSettings, type KnownKeys } from './accounts/gate.ts';
import { KeyDesk } from './accounts/keyDesk.ts';
import { createKeylessGate } from './accounts/keylessGate.ts';
import { KeyRing } from './accounts/keyRing.ts';
import { AccountQuotas } from './accounts/quotaKeeper.ts';
import { Refusals } from './accounts/refusals.ts';
import { Throttle } from './accounts/throttle.ts';
import { ResponseCache } from './cache/responseCache.ts';
import { backgroundClock, systemClock } from './clocks.ts';
import { NO_DASHBOARD } from './dashboardFiles.ts';
import type { Clock } from './domain/clock.ts';
import type { RouterConfig } from './domain/config.ts';
import type { Fault } from './domain/fault.ts';
import { type App, createApp } from './http/app.ts';
import { FirstAnswer } from './http/firstAnswer.ts';
import type { DashboardFiles } from './http/page.ts';
import { createUnconfiguredApp } from './http/unconfigured.ts';
import { entraCredential, entraTokens } from './identity.ts';
import { begin, openStore } from './opening.ts';
import { RetryBudget } from './relay/budget.ts';
import { createProber } from './relay/probe.ts';
import { createRelay } from './relay/relay.ts';
import { UsageAsking } from './relay/usageAsking.ts';
import { fingerprints } from './state/fingerprints.ts';
import { stateGauges } from './state/gauges.ts';
import { SharedOperations } from './state/operations.ts';
import { SharedState } from './state/shared.ts';
import type { StoreWatch } from './state/storeWatch.ts';
import type { StorageSettings } from './store/connection.ts';
import { LazyStore } from './store/lazy.ts';
import type { Store } from './store/port.ts';
import { sweepAll } from './sweeping.ts';
import { fanOut } from './telemetry/fanOut.ts';
import { connectInsights } from './telemetry/insights/connect.ts';
import { createLog } from './telemetry/log.ts';
import type { Gauges, InsightsSettings, Journal } from './telemetry/port.ts';
import { createRecentActivity, type RecentActivity } from './telemetry/recent/activity.ts';
import { Credentials } from './upstream/credentials.ts';
import { UndiciUpstream } from './upstream/undici.ts';
import { createEstimator } from './usage/estimator.ts';
import { StoredLedger } from './usage/ledger.ts';
import { createPrices } from './usage/prices.ts';

export interface Composition {
  readonly app: App;
  readonly clock: Clock;
  /** What the timer runs; it may run at any time, and twice at once. */
  readonly resetFailureWindows: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ComposeOptions {
  readonly config: RouterConfig;
  readonly gate: GateSettings;
  readonly storage: Storage;
  readonly insights: InsightsSettings | null;
  /** True inside Azure, where the platform offers the app's identity. */
  readonly hasPlatformIdentity: boolean;
  readonly log: (line: string) => void;
  /** Absent: the page says that there is none. */
  readonly dashboard?: DashboardFiles;
  /** Put around the store when it is opened, by those who look at what is asked of it. */
  readonly aroundStore?: (store: Store) => Store;
}

/** Where the state lies. */
export interface Storage {
  readonly kind: Store['kind'];
  /** Nobody else's, and empty at first: nobody has made keys in it. */
  readonly isNew: boolean;
  /** Asked for once the router is up. */
  readonly connection: () => Promise<StorageSettings>;
}

/** Longest wait for a call of the store that is made behind the requests. */
const STORE_WITHIN_MS = 1_000;

/** What every part is handed. */
interface Ground {
  readonly config: RouterConfig;
  readonly store: LazyStore;
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: () => number;
  readonly journal: Journal;
}

export function compose(options: ComposeOptions): Composition {
  const { config, gate, storage, hasPlatformIdentity } = options;
  const store = lazyStore(options);
  const instance = randomUUID().slice(0, 8);
  const firstAnswer = new FirstAnswer(backgroundClock);
  // Looked at when there is something to look at: by then all parts are there.
  const gauges = (): Gauges => ({ ...stateGauges({ config, state, operations, now }), quotas: () => quotas.levels() });
  const now = (): number => systemClock.now();
  const { journal, recent, close: closeTelemetry } = telemetry(options, { instance, firstAnswer, gauges });
  const ground: Ground = { config, store, instance, clock: backgroundClock, draw: Math.random, journal };
  const state = new SharedState({ ...ground, fingerprint: fingerprints(config) });
  const operations = new SharedOperations({ state, store, now, opened: () => begun.now() });
  const { watch } = state;
  const quotas = new AccountQuotas({ ...ground, watch, withinMs: STORE_WITHIN_MS });
  const instances = (): number => state.deployments.instances;
  const ledger = new StoredLedger({ ...ground, watch: watch.aside, withinMs: STORE_WITHIN_MS, instances });
  const entry = admission(ground, { gate, storage, watch, opened: () => begun.now() });
  const follow = (): void => {
    quotas.start();
    ledger.start();
    entry.ring.start();
  };
  const begun = begin({ store, state, clock: backgroundClock, follow });
  const data = dataPlane(ground, { state, quotas, ledger, hasPlatformIdentity });
  const { relay } = data;
  const app = createApp({
    config,
    relay,
    state,
    operations,
    gate: entry.gate,
    clock: systemClock,
    journal,
    keys: entry.desk,
    // Asked for before the store is open: who asks waits for it.
    usage: { report: (query) => begun.now().then(() => ledger.report(query)) },
    quotas: { standing: (account, quota) => begun.now().then(() => quotas.standing(account, quota)) },
    newId: randomUUID,
    dashboard: options.dashboard ?? NO_DASHBOARD,
    instance: { id: instance, startedAt: now() },
    recent,
    prober: data.prober,
  });
  return {
    app: firstAnswer.of(app),
    clock: systemClock,
    resetFailureWindows: () => begun.now().then(() => sweepAll({ state, store, ledger, now })),
    close: async () => {
      begun.cancel();
      entry.close();
      await data.settled();
      await Promise.all([state.close(), data.close(), ledger.close(), quotas.close()]);
      await closeTelemetry();
      await store.close();
    },
  };
}

function lazyStore({ storage, hasPlatformIdentity, aroundStore = (store) => store }: ComposeOptions): LazyStore {
  return new LazyStore(storage.kind, async () =>
    aroundStore(await openStore(await storage.connection(), hasPlatformIdentity)),
  );
}

interface DataParts {
  readonly state: SharedState;
  readonly quotas: AccountQuotas;
  readonly ledger: StoredLedger;
  readonly hasPlatformIdentity: boolean;
}

/** From a call to its answer, and what is counted of it. */
function dataPlane(ground: Ground, { state, quotas, ledger, hasPlatformIdentity }: DataParts) {
  const { config, draw, journal } = ground;
  const clock = systemClock;
  const credentials = new Credentials(clock, entraTokens(hasPlatformIdentity));
  const upstream = new UndiciUpstream(credentials, { connectMs: config.timeouts.connectMs });
  const budget = new RetryBudget(config.retries.budgetPercent);
  const asking = new UsageAsking(config.usage.askForUsage);
  const prices = createPrices({ journal, now: () => clock.now() });
  const cache = new ResponseCache(config.cache, clock);
  const unfinished = new Set<Promise<void>>();
  const tallying = { prices, estimator: createEstimator(clock), ledger, journal, clock, unfinished };
  return {
    relay: createRelay({ config, upstream, state, clock, draw, budget, journal, asking, quotas, tallying, cache }),
    prober: createProber({ config, upstream, state, clock, prices }),
    /** Ends when all that is over has been counted. */
    settled: async () => {
      while (unfinished.size > 0) await Promise.all(unfinished);
    },
    close: () => upstream.close(),
  };
}

interface EntryParts {
  readonly gate: GateSettings;
  readonly storage: Pick<Storage, 'isNew'>;
  readonly watch: StoreWatch;
  readonly opened: () => Promise<void>;
}

/** Who is let in. */
function admission(ground: Ground, { gate: settings, storage, watch, opened }: EntryParts) {
  const { config, store, clock, draw, journal } = ground;
  const { failuresPerMinute, keysOutliveStoreMs, entra } = config.auth;
  const { refreshMs } = config.breaker;
  const ring = new KeyRing({
    store,
    watch: watch.aside,
    clock,
    draw,
    journal,
    refreshMs,
    keysOutliveStoreMs,
    open: opened,
  });
  const refusals = new Refusals(clock, journal);
  const tokens = entra === null ? NO_TOKENS : new VerifiedTokens(entra, clock);
  const throttle = new Throttle(clock, failuresPerMinute);
  const keys = storage.isNew ? withoutKeys(ring) : ring;
  return {
    ring,
    gate: createGate({ settings, config, keys, tokens, throttle, refusals, clock }),
    desk: new KeyDesk({ ring, store, clock, draw, random: randomBytes }),
    close: () => {
      ring.close();
      refusals.close();
    },
  };
}

/** Until keys have been read there are none: nobody needs to wait to know that of a store nobody has written to. */
function withoutKeys(ring: KeyRing): KnownKeys {
  return {
    get hasKeys() {
      return ring.hasKeys ?? false;
    },
    ready: () => ring.ready(),
    recall: (digest) => ring.recall(digest),
    find: (digest) => ring.find(digest),
  };
}

interface TelemetryParts {
  readonly instance: string;
  readonly firstAnswer: FirstAnswer;
  readonly gauges: () => Gauges;
}

interface Telemetry {
  readonly journal: Journal;
  readonly recent: RecentActivity;
  readonly close: () => Promise<void>;
}

/** The log, what is kept of the last hour, and Application Insights where it is connected. */
function telemetry(
  { config, insights, log, hasPlatformIdentity }: ComposeOptions,
  { instance, firstAnswer, gauges }: TelemetryParts,
): Telemetry {
  const { requestLog, labelValues } = config.telemetry;
  const now = (): number => systemClock.now();
  const own = createLog(log, now, { requests: requestLog ?? insights === null });
  const recent = createRecentActivity(now);
  const here = [own, recent.journal];
  if (insights === null) return { journal: fanOut(here), recent, close: () => Promise.resolve() };
  const { connectionString, identity, roleName } = insights;
  const connected = connectInsights({
    connectionString,
    roleName,
    instance,
    labelValues,
    credential: identity === null ? null : () => entraCredential(identity.clientId, hasPlatformIdentity),
    gauges: lateGauges(gauges),
    after: (fn) => firstAnswer.whenOut(fn),
    onFailure: (error) => own.fault({ requestId: '-', error }),
  });
  return { journal: fanOut([...here, connected.journal]), recent, close: () => connected.close() };
}

/** For what is made before that which it looks at. */
function lateGauges(gauges: () => Gauges): Gauges {
  return {
    deployments: () => gauges().deployments(),
    assignments: () => gauges().assignments(),
    quotas: () => gauges().quotas(),
    store: () => gauges().store(),
  };
}

/** What runs in the Functions host while the configuration is faulty. */
export function composeUnconfigured(faults: readonly Fault[], gate: GateSettings): Composition {
  const app = createUnconfiguredApp({ faults, gate: createKeylessGate(gate, systemClock), newId: randomUUID });
  const nothing = (): Promise<void> => Promise.resolve();
  return { app, clock: systemClock, resetFailureWindows: nothing, close: nothing };
}
