/** The one file that knows every adapter: it puts the parts together for whichever host runs them. */
import { hash, randomUUID } from 'node:crypto';
import type { Clock } from './domain/clock.ts';
import type { RouterConfig } from './domain/config.ts';
import type { DeploymentId } from './domain/deployment.ts';
import type { Fault } from './domain/fault.ts';
import { type App, createApp } from './http/app.ts';
import { createGate, type GateSettings } from './http/auth.ts';
import { createUnconfiguredApp } from './http/unconfigured.ts';
import { RetryBudget } from './relay/budget.ts';
import { createRelay } from './relay/relay.ts';
import { SharedOperations } from './state/operations.ts';
import { SharedState } from './state/shared.ts';
import { sweep } from './state/sweep.ts';
import type { StorageSettings } from './store/connection.ts';
import { LazyStore } from './store/lazy.ts';
import { MemoryStore } from './store/memory.ts';
import { type Store, StoreError } from './store/port.ts';
import { createLog } from './telemetry/log.ts';
import { Credentials, type TokenSource } from './upstream/credentials.ts';
import { UndiciUpstream } from './upstream/undici.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

/** For what goes on behind the requests: it keeps no process going. */
const backgroundClock: Clock = {
  ...systemClock,
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

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
  /** Where the state lies; asked for once the router is up. */
  readonly storage: { readonly kind: Store['kind']; readonly connection: () => Promise<StorageSettings> };
  /** True inside Azure, where the platform offers the app's identity. */
  readonly hasPlatformIdentity: boolean;
  readonly log: (line: string) => void;
}

/** The store's library takes a while to load: it is not to hold up the first answer. */
const OPEN_AFTER_MS = 250;

export function compose({ config, gate, storage, hasPlatformIdentity, log }: ComposeOptions): Composition {
  const clock = systemClock;
  const draw = Math.random;
  const journal = createLog(log, () => clock.now());
  const store = new LazyStore(storage.kind, async () => openStore(await storage.connection(), hasPlatformIdentity));
  const instance = randomUUID().slice(0, 8);
  const fingerprint = fingerprints(config);
  const state = new SharedState({ config, store, instance, clock: backgroundClock, draw, journal, fingerprint });
  const parts = { state, store, now: () => clock.now() };
  const credentials = new Credentials(clock, entraTokens(hasPlatformIdentity));
  const upstream = new UndiciUpstream(credentials, { connectMs: config.timeouts.connectMs });
  const budget = new RetryBudget(config.retries.budgetPercent);
  const relay = createRelay({ config, upstream, state, clock, draw, budget, journal });
  const operations = new SharedOperations(parts);
  const app = createApp({
    config,
    relay,
    state,
    operations,
    gate: createGate(gate),
    clock,
    journal,
    newId: randomUUID,
  });
  const begun = begin(store, state, backgroundClock);
  return {
    app,
    clock,
    resetFailureWindows: async () => {
      await begun.now();
      await sweep(parts);
    },
    close: async () => {
      begun.cancel();
      await Promise.all([state.close(), upstream.close()]);
      await store.close();
    },
  };
}

/** Opens the store and begins to exchange with the fleet: soon, or at once where somebody needs it. */
function begin(store: LazyStore, state: SharedState, clock: Clock): { now: () => Promise<void>; cancel: () => void } {
  let opening: Promise<void> | null = null;
  const now = (): Promise<void> => {
    opening ??= store.open().then(
      () => state.start(),
      (error: unknown) => {
        opening = null;
        state.watch.failed(asStoreError(error), state.watch.asking());
        cancel = clock.after(REOPEN_AFTER_MS, () => void now());
      },
    );
    return opening;
  };
  let cancel = clock.after(OPEN_AFTER_MS, () => void now());
  return { now, cancel: () => cancel() };
}

/** A store that could not be opened, such as an emulator that did not start, is tried again. */
const REOPEN_AFTER_MS = 5_000;

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('failed', error instanceof Error ? error.message : 'the store could not be opened', error);
}

async function openStore(connection: StorageSettings, hasPlatformIdentity: boolean): Promise<Store> {
  if (connection.kind === 'memory') return new MemoryStore();
  const { createTablesStore } = await import('./store/tables.ts');
  if (connection.kind === 'connectionString') return createTablesStore({ connection });
  const { url, clientId } = connection;
  const credential = await entraCredential(clientId, hasPlatformIdentity);
  return createTablesStore({ connection: { kind: 'identity', url, credential } });
}

/** Tells one configuration of a deployment from another, and nobody what it is. */
function fingerprints(config: RouterConfig): (id: DeploymentId) => string {
  const known = new Map<DeploymentId, string>();
  return (id) => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const deployment = config.deployments.get(id);
    const { origin, basePath, credential, dialect } = config.endpoints.get(deployment?.endpoint ?? '') ?? {};
    const text = JSON.stringify([origin, basePath, credential, dialect, deployment?.name]);
    const print = hash('sha256', text, 'hex').slice(0, 8);
    known.set(id, print);
    return print;
  };
}

/** What runs in the Functions host while the configuration is faulty. */
export function composeUnconfigured(faults: readonly Fault[], gate: GateSettings): Composition {
  const app = createUnconfiguredApp({ faults, gate: createGate(gate), newId: randomUUID });
  const nothing = (): Promise<void> => Promise.resolve();
  return { app, clock: systemClock, resetFailureWindows: nothing, close: nothing };
}

/** Entra ID tokens; the library is loaded when the first one is needed, and by nobody who works with keys. */
function entraTokens(hasPlatformIdentity: boolean): TokenSource {
  return async ({ clientId, scope }) => {
    const credential = await entraCredential(clientId, hasPlatformIdentity);
    const { token, expiresOnTimestamp, refreshAfterTimestamp } = await credential.getToken(scope);
    return { token, expiresAt: expiresOnTimestamp, refreshAt: refreshAfterTimestamp ?? null };
  };
}

async function entraCredential(clientId: string | null, hasPlatformIdentity: boolean) {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const options = clientId === null ? {} : { clientId };
  // At home there is no managed identity: there the developer's own sign-in serves.
  return hasPlatformIdentity ? new ManagedIdentityCredential(options) : new DefaultAzureCredential();
}
