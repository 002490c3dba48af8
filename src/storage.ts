/** Where the local router keeps its state: what it was told, or an emulator of Table Storage of its own. */
import { parseStorage, type StorageSettings, storageSettings } from './store/connection.ts';
import { type Emulator, EmulatorError, startEmulator } from './store/emulator.ts';

export interface LocalStorage {
  readonly kind: 'memory' | 'tables';
  /** Empty at first, and nobody else's. */
  readonly isNew: boolean;
  readonly connection: () => Promise<StorageSettings>;
  /** For people: where that is. */
  readonly about: string;
  close(): Promise<void>;
}

/** A storage setting that cannot be used. */
export class StorageFailure extends Error {
  readonly isArgument: boolean;
  constructor(message: string, isArgument: boolean) {
    super(message);
    this.isArgument = isArgument;
  }
}

/** The port that `UseDevelopmentStorage=true` stands for. */
const DEVELOPMENT_PORT = 10_002;

export function localStorage(argument: string | null, env: Readonly<Record<string, string | undefined>>): LocalStorage {
  const settings = argument === null ? storageSettings(env) : parseStorage(argument, '--storage');
  if (settings === null)
    return emulated(0, 'an emulator of Table Storage of its own; it is gone when the router stops');
  if (settings.kind === 'fault') {
    throw new StorageFailure(
      `${settings.path}: ${settings.problem} Allowed is ${settings.allowed}.`,
      argument !== null,
    );
  }
  const text = argument ?? env['ROUTER_STORAGE']?.trim() ?? env['AzureWebJobsStorage']?.trim() ?? '';
  if (/^UseDevelopmentStorage=true;?$/i.test(text)) {
    return emulated(DEVELOPMENT_PORT, `the emulator of Table Storage on port ${DEVELOPMENT_PORT}`, settings);
  }
  const about = settings.kind === 'memory' ? 'memory of this process alone' : 'Table Storage, as configured';
  const kind = settings.kind === 'memory' ? 'memory' : 'tables';
  return {
    kind,
    isNew: kind === 'memory',
    connection: () => Promise.resolve(settings),
    about,
    close: () => Promise.resolve(),
  };
}

/** `others`: what to connect to where somebody else runs an emulator on that port already. */
function emulated(port: number, about: string, others: StorageSettings | null = null): LocalStorage {
  let running: Promise<Emulator> | null = null;
  return {
    kind: 'tables',
    isNew: others === null,
    about,
    connection: async () => {
      try {
        running = startEmulator({ port });
        return { kind: 'connectionString', text: (await running).connectionString };
      } catch (error) {
        running = null;
        if (!(error instanceof EmulatorError)) throw error;
        if (others !== null && error.failure === 'portTaken') return others;
        // Installed without the parts for development: then this process keeps its state to itself.
        if (others === null && error.failure === 'notInstalled') return { kind: 'memory' };
        throw error;
      }
    },
    close: async () => {
      const emulator = await running?.catch(() => null);
      await emulator?.close();
    },
  };
}
