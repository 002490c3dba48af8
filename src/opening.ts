/** How the store is opened, and when: its library is heavy, and nobody is to wait for it who can do without. */
import type { Clock } from './domain/clock.ts';
import { entraCredential } from './identity.ts';
import type { SharedState } from './state/shared.ts';
import type { StorageSettings } from './store/connection.ts';
import type { LazyStore } from './store/lazy.ts';
import { MemoryStore } from './store/memory.ts';
import { type Store, StoreError } from './store/port.ts';

/** It is not to hold up the first answer. */
const OPEN_AFTER_MS = 250;

export interface Beginning {
  readonly store: LazyStore;
  readonly state: SharedState;
  readonly clock: Clock;
  /** Begins whatever else follows the store. */
  readonly follow: () => void;
}

export interface Begun {
  /** Ends when the store has been opened, or could not be. */
  readonly now: () => Promise<void>;
  readonly cancel: () => void;
}

/** Opens the store and begins to exchange with the fleet: soon, or at once where somebody needs it. */
export function begin({ store, state, clock, follow }: Beginning): Begun {
  let opening: Promise<void> | null = null;
  const now = (): Promise<void> => {
    opening ??= open();
    return opening;
  };
  const open = (): Promise<void> => {
    cancel();
    return store.open().then(
      () => {
        follow();
        return state.start();
      },
      (error: unknown) => {
        // Whoever asks before the next try hears at once that it could not be opened.
        cancel = clock.after(REOPEN_AFTER_MS, () => {
          opening = open();
        });
        state.watch.failed(asStoreError(error), state.watch.asking());
      },
    );
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

export async function openStore(connection: StorageSettings, hasPlatformIdentity: boolean): Promise<Store> {
  if (connection.kind === 'memory') return new MemoryStore();
  const { createTablesStore } = await import('./store/tables.ts');
  if (connection.kind === 'connectionString') return createTablesStore({ connection });
  const { url, clientId } = connection;
  const credential = await entraCredential(clientId, hasPlatformIdentity);
  return createTablesStore({ connection: { kind: 'identity', url, credential } });
}
