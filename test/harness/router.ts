/** The whole router in this process, behind its real server, over a configuration as its owner would write it. */

import type { GateSettings } from '../../src/accounts/gate.ts';
import { type Composition, compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config/load.ts';
import { NO_DASHBOARD } from '../../src/dashboardFiles.ts';
import type { RouterConfig } from '../../src/domain/config.ts';
import type { DashboardFiles } from '../../src/http/page.ts';
import { startServer } from '../../src/server/server.ts';
import type { StorageSettings } from '../../src/store/connection.ts';
import type { StoreTrace } from './storeTrace.ts';

export interface TestRouter extends AsyncDisposable {
  readonly url: string;
  readonly config: RouterConfig;
  readonly log: string[];
}

const OPEN: GateSettings = { adminKey: null, callerKeys: [], loopbackOnly: true };

/** `storage`: what several routers share; else each keeps its state to itself. */
export interface RouterParts extends Partial<GateSettings> {
  readonly storage?: StorageSettings;
  readonly dashboard?: DashboardFiles;
  /** Sees what is asked of the store, and which request began it. */
  readonly trace?: StoreTrace;
}

export async function startRouter(document: object, parts: RouterParts = {}): Promise<TestRouter> {
  const config = configOf(document);
  const log: string[] = [];
  const composition = composeFor(config, parts, log);
  const app = parts.trace?.heard(composition.app) ?? composition.app;
  const server = await startServer({ app, clock: composition.clock, host: '127.0.0.1', port: 0 });
  return {
    url: server.url,
    config,
    log,
    async [Symbol.asyncDispose]() {
      await server.drain(0);
      await composition.close();
    },
  };
}

export function configOf(document: object): RouterConfig {
  const parsed = parseConfig(JSON.stringify(document), {}, 'test');
  if (!parsed.ok) throw new Error(`the test's configuration is faulty: ${JSON.stringify(parsed.faults)}`);
  return parsed.config;
}

export function composeFor(
  config: RouterConfig,
  { storage = { kind: 'memory' }, dashboard = NO_DASHBOARD, trace, ...gate }: RouterParts = {},
  log: string[] = [],
): Composition {
  const kind = storage.kind === 'memory' ? 'memory' : 'tables';
  return compose({
    config,
    gate: { ...OPEN, ...gate },
    storage: { kind, isNew: kind === 'memory', connection: () => Promise.resolve(storage) },
    insights: null,
    hasPlatformIdentity: false,
    log: (line) => log.push(line),
    dashboard,
    ...(trace === undefined ? {} : { aroundStore: (store) => trace.around(store) }),
  });
}

/** Endpoints A, B, C … with one deployment each, and a priority pool over them named like the deployment. */
export function fleet(urls: readonly string[], extra: object = {}): object {
  const names = urls.map((_, at) => String.fromCharCode(65 + at));
  const endpoints = Object.fromEntries(
    names.map((name, at) => [
      name,
      {
        url: urls[at],
        apiKey: `key-of-${name}`,
        api: '2025-01-01-preview',
        deployments: { 'gpt-4.1': { model: 'gpt-4.1' } },
      },
    ]),
  );
  const members = names.map((name) => `${name}/gpt-4.1`);
  return { endpoints, pools: { 'gpt-4.1': { strategy: 'priority', members } }, ...extra };
}
