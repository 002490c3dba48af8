/** The entry of the function app. A configuration that cannot be used is told to its owner, not to the host as a crash. */

import { fileURLToPath } from 'node:url';
import { type Composition, compose, composeUnconfigured } from './compose.ts';
import { builtDashboard } from './dashboardFiles.ts';
import type { Fault } from './domain/fault.ts';
import { registerFunctions } from './functions/register.ts';
import { gateSettings, insightsSettings, loadConfig, unresolvedKeys } from './settings.ts';
import { type StorageFault, type StorageSettings, storageSettings } from './store/connection.ts';
import { createBatch } from './telemetry/batch.ts';

const env = process.env;

/** Else the exporter of telemetry reports on itself to addresses of its own. */
env['APPLICATION_INSIGHTS_NO_STATSBEAT'] ??= '1';

const NOTHING: Fault = {
  path: 'ROUTER_CONFIG',
  problem: 'Nothing is configured.',
  found: null,
  allowed:
    'a configuration in ROUTER_CONFIG, a router.json in the app, or AZURE_OPENAI_ENDPOINT with AZURE_OPENAI_API_KEY and AZURE_OPENAI_DEPLOYMENT_NAME',
  suggestion: null,
};

const NO_KEY: Fault = {
  path: 'ROUTER_ADMIN_KEY',
  problem: 'No key is configured, so nobody could be told from a stranger.',
  found: null,
  allowed: 'a secret of your own, set as an app setting',
  suggestion: null,
};

const UNRESOLVED: Omit<Fault, 'path'> = {
  problem: 'This is a Key Vault reference that has not been resolved, and opens nothing.',
  found: null,
  allowed: "a reference that resolves: the app's identity may read the secret, and the secret exists",
  suggestion: null,
};

/** What the host reads from the worker it reads line by line, however many come together. */
const lines = createBatch((text) => console.log(text.trimEnd()));

function composition(): Composition {
  // The host stands between callers and the app: none of them counts as local but under the Core Tools.
  const gate = gateSettings(
    env,
    env['AZURE_FUNCTIONS_ENVIRONMENT'] === 'Development' && env['WEBSITE_INSTANCE_ID'] === undefined,
  );
  const parsed = loadConfig(env, null);
  const faults = parsed === null ? [NOTHING] : parsed.ok ? [] : [...parsed.faults];
  const storage = storageSettings(env);
  if (storage?.kind === 'fault') faults.push(faultOf(storage));
  const unresolved = unresolvedKeys(env);
  for (const path of unresolved) faults.push({ ...UNRESOLVED, path });
  if (gate.adminKey === null && gate.callerKeys.length === 0 && !gate.loopbackOnly && unresolved.length === 0)
    faults.push(NO_KEY);
  if (parsed === null || !parsed.ok || storage?.kind === 'fault' || faults.length > 0) {
    for (const { path, problem } of faults) console.error(`${path}: ${problem}`);
    return composeUnconfigured(faults, gate);
  }
  for (const note of parsed.notes) console.warn(note);
  const hasPlatformIdentity = env['IDENTITY_ENDPOINT'] !== undefined;
  return compose({
    config: parsed.config,
    gate,
    storage: storageOf(storage),
    insights: insightsSettings(env),
    hasPlatformIdentity,
    log: (line) => lines.add(line),
    // Of the bundle, which lies beside what `npm run build` has made of the page.
    dashboard: builtDashboard(fileURLToPath(new URL('dashboard', import.meta.url))),
  });
}

function storageOf(settings: StorageSettings | null) {
  if (settings === null)
    console.warn('No storage is set (AzureWebJobsStorage): this instance keeps its state to itself.');
  const known = settings ?? { kind: 'memory' };
  return {
    kind: known.kind === 'memory' ? ('memory' as const) : ('tables' as const),
    isNew: known.kind === 'memory',
    connection: () => Promise.resolve(known),
  };
}

function faultOf({ path, problem, allowed }: StorageFault): Fault {
  return { path, problem, found: null, allowed, suggestion: null };
}

const { app, clock, resetFailureWindows, close } = composition();
registerFunctions({ router: app, clock, resetFailureWindows, close: () => close().finally(() => lines.flush()) });
