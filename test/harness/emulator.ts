/** Real tables for a test file: the storage emulator, in memory, on a port of its own. */
import { type Emulator, startEmulator } from '../../src/store/emulator.ts';
import { createTablesStore, type TablesStore } from '../../src/store/tables.ts';

export interface RunningEmulator extends Emulator, AsyncDisposable {
  /** A store on it, as another instance of the router would open one. */
  openStore(): TablesStore;
}

export async function runEmulator(): Promise<RunningEmulator> {
  const emulator = await startEmulator({ port: 0 });
  return {
    ...emulator,
    openStore: () => createTablesStore({ connection: { kind: 'connectionString', text: emulator.connectionString } }),
    [Symbol.asyncDispose]: () => emulator.close(),
  };
}
