/**
 * The storage emulator's table service, in a thread of its own, so that loading it (over a thousand files) and running it hold
 * nobody up. What it keeps, it keeps in memory; it listens on the loopback interface alone and writes nothing anywhere.
 */
import { Worker } from 'node:worker_threads';
import type { Told } from './emulatorWorker.ts';

export interface Emulator {
  readonly connectionString: string;
  readonly url: string;
  close(): Promise<void>;
}

/** `notInstalled`: the emulator is a part for development, which production does without. `portTaken`: somebody else listens there. */
export type EmulatorFailure = 'notInstalled' | 'portTaken' | 'failed';

export class EmulatorError extends Error {
  override readonly name = 'EmulatorError';
  readonly failure: EmulatorFailure;

  constructor(failure: EmulatorFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

/** Known to everybody, and good for emulators alone: https://learn.microsoft.com/azure/storage/common/storage-use-azurite */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export async function startEmulator({ port }: { /** 0: a free one. */ readonly port: number }): Promise<Emulator> {
  // An environment and options of its own: AZURITE_ACCOUNTS would do away with the well-known account.
  const worker = new Worker(new URL('./emulatorWorker.ts', import.meta.url), {
    workerData: { port },
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  // Should it break down later, the store cannot be reached, and says so; unheard, the event would end the router.
  worker.on('error', () => undefined);
  const told = await firstWord(worker);
  if (told.kind === 'failed') {
    await worker.terminate();
    throw toError(told);
  }
  // What the router listens on keeps the process going, not what it leans on.
  worker.unref();
  const url = `http://127.0.0.1:${told.port}/${ACCOUNT}`;
  return {
    url,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};TableEndpoint=${url}`,
    async close() {
      await worker.terminate();
    },
  };
}

function firstWord(worker: Worker): Promise<Told> {
  return new Promise((resolve) => {
    worker.once('message', resolve);
    worker.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      resolve({ kind: 'failed', code: code ?? null, message });
    });
    worker.once('exit', () => resolve({ kind: 'failed', code: null, message: 'its thread ended' }));
  });
}

function toError({ code, message }: Told & { kind: 'failed' }): EmulatorError {
  switch (code) {
    case 'MODULE_NOT_FOUND':
    case 'ERR_MODULE_NOT_FOUND':
      return new EmulatorError('notInstalled', 'the storage emulator is not installed; it comes with `npm install`');
    case 'EADDRINUSE':
      return new EmulatorError('portTaken', `somebody else listens where the storage emulator would: ${message}`);
    default:
      return new EmulatorError('failed', `the storage emulator could not be started: ${message}`);
  }
}
