/** The emulator's side of emulator.ts: a thread of its own, which is told a port and tells what became of it. */
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

/** What the thread tells, once. */
export type Told =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string | null; readonly message: string };

/** As far as it is used; Azurite publishes no types. */
interface TableServer {
  start(): Promise<void>;
  getHttpServerAddress(): string;
}
type TableServerClass = new (configuration: object) => TableServer;
type TableConfigurationClass = new (...settings: readonly unknown[]) => object;

const HOST = '127.0.0.1';

async function start(port: number): Promise<Told> {
  try {
    const server = new (load<TableServerClass>('TableServer'))(configurationFor(port));
    await server.start();
    return { kind: 'listening', port: Number(new URL(server.getHttpServerAddress()).port) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { kind: 'failed', code: code ?? null, message };
  }
}

function configurationFor(port: number): object {
  const settings = {
    host: HOST,
    port,
    keepAliveTimeout: undefined,
    // Never written to: persistence is in memory.
    metadataDBPath: 'nowhere',
    enableDebugLog: false,
    enableAccessLog: false,
    accessLogWriteStream: undefined,
    debugLogFilePath: undefined,
    loose: false,
    // Clients grow newer than the emulator.
    skipApiVersionCheck: true,
    cert: '',
    key: '',
    pwd: '',
    oauth: undefined,
    disableProductStyleUrl: true,
    isMemoryPersistence: true,
  };
  return new (load<TableConfigurationClass>('TableConfiguration'))(...Object.values(settings));
}

function load<T>(name: string): T {
  const module = createRequire(import.meta.url)(`azurite/dist/src/table/${name}`) as { readonly default: T };
  return module.default;
}

const { port } = workerData as { readonly port: number };
parentPort?.postMessage(await start(port));
