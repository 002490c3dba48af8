/** The one file that knows every adapter: it puts the parts together for whichever host runs them. */
import { randomUUID } from 'node:crypto';
import type { Clock } from './domain/clock.ts';
import type { RouterConfig } from './domain/config.ts';
import type { Fault } from './domain/fault.ts';
import { type App, createApp } from './http/app.ts';
import { createGate, type GateSettings } from './http/auth.ts';
import { createUnconfiguredApp } from './http/unconfigured.ts';
import { RetryBudget } from './relay/budget.ts';
import { createRelay } from './relay/relay.ts';
import { MemoryState } from './state/memory.ts';
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

export interface Composition {
  readonly app: App;
  readonly clock: Clock;
  readonly close: () => Promise<void>;
}

export interface ComposeOptions {
  readonly config: RouterConfig;
  readonly gate: GateSettings;
  /** True inside Azure, where the platform offers the app's identity. */
  readonly hasPlatformIdentity: boolean;
  readonly log: (line: string) => void;
}

export function compose({ config, gate, hasPlatformIdentity, log }: ComposeOptions): Composition {
  const clock = systemClock;
  const draw = Math.random;
  const journal = createLog(log, () => clock.now());
  const state = new MemoryState(config);
  const credentials = new Credentials(clock, entraTokens(hasPlatformIdentity));
  const upstream = new UndiciUpstream(credentials, { connectMs: config.timeouts.connectMs });
  const budget = new RetryBudget(config.retries.budgetPercent);
  const relay = createRelay({ config, upstream, state, clock, draw, budget, journal });
  const app = createApp({ config, relay, state, gate: createGate(gate), clock, journal, newId: randomUUID });
  return { app, clock, close: () => upstream.close() };
}

/** What runs in the Functions host while the configuration is faulty. */
export function composeUnconfigured(faults: readonly Fault[], gate: GateSettings): Composition {
  const app = createUnconfiguredApp({ faults, gate: createGate(gate), newId: randomUUID });
  return { app, clock: systemClock, close: () => Promise.resolve() };
}

/** Entra ID tokens; the library is loaded when the first one is needed, and by nobody who works with keys. */
function entraTokens(hasPlatformIdentity: boolean): TokenSource {
  return async ({ clientId, scope }) => {
    const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
    const options = clientId === null ? {} : { clientId };
    // At home there is no managed identity: there the developer's own sign-in serves.
    const credential = hasPlatformIdentity ? new ManagedIdentityCredential(options) : new DefaultAzureCredential();
    const { token, expiresOnTimestamp, refreshAfterTimestamp } = await credential.getToken(scope);
    return { token, expiresAt: expiresOnTimestamp, refreshAt: refreshAfterTimestamp ?? null };
  };
}
