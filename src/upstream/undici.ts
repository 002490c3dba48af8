import { Readable } from 'node:stream';
import { type Dispatcher, errors, Pool } from 'undici';
import type { Endpoint } from '../domain/deployment.ts';
import type { CredentialHeader, Credentials } from './credentials.ts';
import type { RequestBody, UpstreamHeaders, UpstreamListener, UpstreamRequest } from './port.ts';
import { type Exchange, type Upstream, UpstreamError, type UpstreamErrorKind } from './port.ts';

/** Streams hold their connection for minutes: room for many, but never for a leak without end. */
const CONNECTIONS_PER_ENDPOINT = 1024;
/** Below the idle time after which Azure's front end closes, so that a request seldom meets a closing connection. */
const KEEP_ALIVE_MS = 30_000;

export interface PoolSettings {
  readonly connectMs: number;
}

/** One connection pool per endpoint. The relay keeps the deadlines, so undici's own are off, but for connecting. */
export class UndiciUpstream implements Upstream {
  readonly #credentials: Credentials;
  readonly #settings: PoolSettings;
  readonly #pools = new Map<string, Pool>();

  constructor(credentials: Credentials, settings: PoolSettings) {
    this.#credentials = credentials;
    this.#settings = settings;
  }

  send(request: UpstreamRequest, listener: UpstreamListener): Exchange {
    const handler = new DispatchHandler(listener);
    const header = this.#credentials.headerFor(request.endpoint);
    if (header instanceof Promise) {
      header.then(
        (arrived) => this.#dispatch(request, arrived, handler),
        (cause: unknown) => handler.fail(withoutToken(cause)),
      );
    } else {
      this.#dispatch(request, header, handler);
    }
    return handler;
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  #dispatch(request: UpstreamRequest, credential: CredentialHeader, handler: DispatchHandler): void {
    if (handler.aborted) return;
    const { method, path } = request;
    try {
      const headers = [...request.headers, ...credential];
      const body = bodyOf(request.body, headers);
      const options = { method, path, headers, body, headersTimeout: 0, bodyTimeout: 0 };
      this.#pool(request.endpoint).dispatch(options, handler);
    } catch (error) {
      handler.fail(new UpstreamError('protocol', 'the request could not be put to the endpoint', error));
    }
  }

  #pool({ origin }: Endpoint): Pool {
    let pool = this.#pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connections: CONNECTIONS_PER_ENDPOINT,
        pipelining: 1,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        connect: { timeout: this.#settings.connectMs },
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      this.#pools.set(origin, pool);
    }
    return pool;
  }
}

/** Pieces are streamed, with the length that undici cannot see told beside them. */
function bodyOf(body: RequestBody, headers: string[]): Buffer | Readable | null {
  if (body === null || Buffer.isBuffer(body)) return body;
  headers.push('content-length', String(body.reduce((sum, piece) => sum + piece.length, 0)));
  return Readable.from(body, { objectMode: false });
}

class DispatchHandler implements Dispatcher.DispatchHandler, Exchange {
  readonly #listener: UpstreamListener;
  #controller: Dispatcher.DispatchController | null = null;
  #over = false;
  aborted = false;

  constructor(listener: UpstreamListener) {
    this.#listener = listener;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.aborted) controller.abort(new errors.RequestAbortedError());
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: UpstreamHeaders): void {
    // 1xx answers are between the endpoint and us (RFC 9110, 15.2).
    if (status >= 200) this.#listener.onHead(status, headers);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#over) this.#listener.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.onEnd();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.fail(new UpstreamError(kindOf(error), messageOf(error), error));
  }

  fail(error: UpstreamError): void {
    if (this.#over) return;
    this.#over = true;
    this.#listener.onError(error);
  }

  abort(): void {
    this.aborted = true;
    if (this.#over) return;
    this.#over = true;
    this.#controller?.abort(new errors.RequestAbortedError());
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }
}

/** The kind of the failure says what to mend; its text may name tenants and identities. */
function withoutToken(cause: unknown): UpstreamError {
  const kind = cause instanceof Error ? ` (${cause.name})` : '';
  return new UpstreamError('credential', `no token could be had for the endpoint${kind}`, cause);
}

const CONNECT_CODES = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function kindOf(error: Error): UpstreamErrorKind {
  const code = codeOf(error);
  if (CONNECT_CODES.has(code)) return 'connect';
  return error instanceof errors.HTTPParserError || code === 'UND_ERR_INVALID_ARG' ? 'protocol' : 'reset';
}

/** By code, never the library's text: that may name addresses. */
function messageOf(error: Error): string {
  return kindOf(error) === 'connect' ? `no connection (${codeOf(error)})` : `connection lost (${codeOf(error)})`;
}
