/** The local router: the same app behind node:http, with a simulated fleet where nothing is configured. */

import { fileURLToPath } from 'node:url';
import { readArguments, type StartArguments, USAGE } from './arguments.ts';
import { systemClock } from './clocks.ts';
import { compose } from './compose.ts';
import { formatFaults } from './config/faults.ts';
import { parseConfig } from './config/load.ts';
import { sourceDashboard } from './dashboardBuild.ts';
import type { RouterConfig } from './domain/config.ts';
import { greeting } from './greeting.ts';
import { onOrphaned } from './lifetime/orphan.ts';
import { startServer } from './server/server.ts';
import { gateSettings, insightsSettings, loadConfig } from './settings.ts';
import { type LocalStorage, localStorage, StorageFailure } from './storage.ts';
import { createBatch } from './telemetry/batch.ts';

/** Requests under way may end within this time after SIGTERM. */
const DRAIN_MS = 10_000;

const FAULTY_CONFIGURATION = 78;
const WRONG_USAGE = 64;

/** The function app has its host's timer; here it is a plain one. */
const SWEEP_EVERY_MS = 60_000;

interface Fleet {
  readonly config: RouterConfig;
  readonly notes: readonly string[];
  readonly simulated: readonly string[];
  close(): Promise<void>;
}

class StartFailure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

async function start(wanted: StartArguments): Promise<void> {
  const env = process.env;
  // Else the exporter of telemetry reports on itself to addresses of its own.
  env['APPLICATION_INSIGHTS_NO_STATSBEAT'] ??= '1';
  const gate = gateSettings(env, isLoopback(wanted.host));
  if (!gate.loopbackOnly && gate.adminKey === null && gate.callerKeys.length === 0) {
    throw new StartFailure(
      `--host ${wanted.host} can be reached from elsewhere, so a key is needed: set ROUTER_ADMIN_KEY (or listen on 127.0.0.1).`,
      FAULTY_CONFIGURATION,
    );
  }
  const storage = storageFor(wanted.storage);
  const fleet = await loadFleet(wanted.config);
  const { stderr } = process;
  const lines = createBatch((text) => void stderr.write(text));
  const log = (line: string): void => lines.add(line);
  const { app, clock, resetFailureWindows, close } = compose({
    config: fleet.config,
    gate,
    storage,
    insights: insightsSettings(env),
    hasPlatformIdentity: env['IDENTITY_ENDPOINT'] !== undefined,
    log,
    dashboard: sourceDashboard(fileURLToPath(new URL('..', import.meta.url))),
  });
  const server = await startServer({ app, clock, host: wanted.host, port: wanted.port }).catch((error: unknown) => {
    throw new StartFailure(
      `Cannot listen on ${wanted.host}:${wanted.port}: ${error instanceof Error ? error.message : 'unknown'}.`,
      1,
    );
  });
  const { config, simulated } = fleet;
  process.stdout.write(
    greeting({
      url: server.url,
      pool: config.defaultPool,
      keyNeeded: !gate.loopbackOnly || gate.callerKeys.length > 0,
      state: storage.about,
      notes: fleet.notes,
      simulated,
    }),
  );
  const sweeping = setInterval(() => void resetFailureWindows(), SWEEP_EVERY_MS);
  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    clearInterval(sweeping);
    await server.drain(DRAIN_MS);
    await Promise.all([close(), fleet.close()]);
    await storage.close();
    lines.flush();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
  if (env['npm_lifecycle_event'] !== undefined) onOrphaned(() => void stop());
}

function storageFor(argument: string | null): LocalStorage {
  try {
    return localStorage(argument, process.env);
  } catch (error) {
    if (!(error instanceof StorageFailure)) throw error;
    throw new StartFailure(error.message, error.isArgument ? WRONG_USAGE : FAULTY_CONFIGURATION);
  }
}

async function loadFleet(file: string | null): Promise<Fleet> {
  const parsed = loadConfig(process.env, file);
  if (parsed === null) return simulatedFleet();
  if (!parsed.ok) throw new StartFailure(formatFaults(parsed.faults), FAULTY_CONFIGURATION);
  return { config: parsed.config, notes: parsed.notes, simulated: [], close: () => Promise.resolve() };
}

async function simulatedFleet(): Promise<Fleet> {
  const { defaultFleet, startSimulator } = await import('./simulator/server.ts');
  const simulator = await startSimulator({ endpoints: defaultFleet(), clock: systemClock });
  const endpoints = Object.fromEntries(
    simulator.endpoints.map(({ name, url, apiKey, deployments }) => [
      name,
      {
        url,
        apiKey,
        api: 'v1',
        deployments: Object.fromEntries(deployments.map(({ name: id, model }) => [id, { model }])),
      },
    ]),
  );
  const parsed = parseConfig(JSON.stringify({ endpoints }), {}, 'the simulated fleet');
  if (!parsed.ok) throw new StartFailure(formatFaults(parsed.faults), FAULTY_CONFIGURATION);
  return {
    config: parsed.config,
    notes: [],
    simulated: simulator.endpoints.map(({ url }) => url),
    close: () => simulator.close(),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

const read = readArguments(process.argv.slice(2), process.env);
switch (read.kind) {
  case 'help':
    process.stdout.write(`${USAGE}\n`);
    break;
  case 'wrong':
    process.stderr.write(`${read.problem}\n\n${USAGE}\n`);
    process.exitCode = WRONG_USAGE;
    break;
  case 'start':
    start(read.arguments).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(error instanceof StartFailure ? error.exitCode : 1);
    });
    break;
  default:
    read satisfies never;
}
