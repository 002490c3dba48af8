/** How the client library is opened and asked, so that its answers are facts and its errors are errors. */
import { Agent } from 'node:http';
import { TableClient, type TableServiceClientOptions } from '@azure/data-tables';
import { type Asked, codeOf, late, statusOf, toStoreError } from './failure.ts';
import type { Table } from './port.ts';

/** What `@azure/identity` offers, as far as it is needed. */
export interface TokenCredential {
  getToken(
    scopes: string | string[],
    options?: { abortSignal?: AbortSignal },
  ): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

export type TablesConnection =
  | { readonly kind: 'connectionString'; readonly text: string }
  | { readonly kind: 'identity'; readonly url: string; readonly credential: TokenCredential };

/** What goes along with each call. */
export interface CallOptions {
  readonly abortSignal: AbortSignal;
}

/**
 * The library repeats nothing: a repeated conditional write would report its own success as a conflict, and a store that is down
 * or busy shall be known as such at once (by default it takes 5 s to say so). Whoever asks decides whether to ask again.
 */
const OPTIONS: TableServiceClientOptions = { retryOptions: { maxRetries: 0 } };

type PipelinePolicy = NonNullable<TableServiceClientOptions['additionalPolicies']>[number]['policy'];

/**
 * The emulator reads a body chunk by chunk and spoils characters that lie across two of them (every 64 KiB, Azurite 3.36). Text
 * stands in JSON strings alone, where it can be written in ASCII as well.
 */
const IN_ASCII: PipelinePolicy = {
  name: 'inAscii',
  sendRequest(request, next) {
    if (typeof request.body === 'string') {
      request.body = request.body.replace(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
    return next(request);
  },
};

/** Without encryption, which is how emulators work. Nothing goes through a proxy, where the library would send 127.0.0.1 too. */
const EMULATED: TableServiceClientOptions = {
  ...OPTIONS,
  allowInsecureConnection: true,
  agent: new Agent({ keepAlive: true }),
  additionalPolicies: [{ policy: IN_ASCII, position: 'perCall' }],
};

export function openTable(connection: TablesConnection, table: Table): TableClient {
  if (connection.kind === 'identity') return new TableClient(connection.url, table, connection.credential, OPTIONS);
  const { url } = TableClient.fromConnectionString(connection.text, table);
  return TableClient.fromConnectionString(connection.text, table, url.startsWith('http:') ? EMULATED : OPTIONS);
}

/** Ends within `withinMs`, and every error is a `StoreError`. */
export async function ask<T>(asked: Asked, call: (options: CallOptions) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(late(asked));
    abort.abort();
  }, asked.withinMs);
  try {
    // Not all that is called heeds the signal: a sign-in may not.
    return await Promise.race([call({ abortSignal: abort.signal }), tooLate]);
  } catch (error) {
    throw toStoreError(error, asked);
  } finally {
    clearTimeout(timer);
  }
}

/** `instead`, where the service answers with one of these statuses. */
export async function unless<T>(statuses: readonly number[], instead: T, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const status = statusOf(error);
    // For the half minute that a table takes to be deleted, a 409 says nothing of its rows.
    if (status !== null && statuses.includes(status) && codeOf(error) !== 'TableBeingDeleted') return instead;
    throw error;
  }
}

/**
 * Once more where the connection broke: a service closes those that nobody has used for a while, and the request that meets that
 * has not been looked at (RFC 9112, 9.3.1). Only for calls that come to the same made twice.
 */
export async function unbroken<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (statusOf(error) !== null || !BROKEN.has(codeOf(error) ?? '')) throw error;
    return await call();
  }
}

const BROKEN = new Set(['ECONNRESET', 'EPIPE']);

/** For writes that need no row to be there: what they can miss is the table, which is then made. */
export async function inTable<T>(client: TableClient, options: CallOptions, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    await createTable(client, options);
    return await call();
  }
}

export function createTable(client: TableClient, options: CallOptions): Promise<void> {
  // Others may have made it meanwhile.
  return unless([409], undefined, () => client.createTable(options));
}
