import { parseArgs } from 'node:util';

export interface StartArguments {
  readonly host: string;
  readonly port: number;
  readonly config: string | null;
  readonly storage: string | null;
}

export type ReadArguments =
  | { readonly kind: 'start'; readonly arguments: StartArguments }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly problem: string };

export const USAGE = `Usage: npm start -- [options]

  --port N       port to listen on (PORT, else 7071; 0 takes a free one)
  --host H       address to listen on (default 127.0.0.1; others need ROUTER_ADMIN_KEY)
  --config FILE  configuration file (ROUTER_CONFIG, else router.json, else AZURE_OPENAI_* variables)
  --storage S    "memory", a connection string, or the address of a storage account
                 (ROUTER_STORAGE, else AzureWebJobsStorage, else an emulator of its own)
  --help         this text

Without any configuration two simulated endpoints are started, so that everything can be tried at once.`;

const OPTIONS = {
  port: { type: 'string' },
  host: { type: 'string' },
  config: { type: 'string' },
  storage: { type: 'string' },
  help: { type: 'boolean' },
} as const;

export function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): ReadArguments {
  let values: { port?: string; host?: string; config?: string; storage?: string; help?: boolean };
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: false }));
  } catch (error) {
    return { kind: 'wrong', problem: error instanceof Error ? error.message : 'unreadable arguments' };
  }
  if (values.help === true) return { kind: 'help' };
  const port = values.port ?? env['PORT'] ?? '7071';
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    return {
      kind: 'wrong',
      problem: `${values.port === undefined ? 'PORT' : '--port'} is ${JSON.stringify(port)}; allowed is a number from 0 to 65535`,
    };
  }
  return {
    kind: 'start',
    arguments: {
      host: values.host ?? '127.0.0.1',
      port: Number(port),
      config: values.config ?? null,
      storage: values.storage ?? null,
    },
  };
}
