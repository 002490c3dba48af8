/** One exchange with one endpoint, told as it happens: chunks are handed on as they stand, nothing is collected here. */
import type { Endpoint } from '../domain/deployment.ts';
import type { HeaderList } from '../domain/message.ts';

/** A large body may come in pieces that belong together. */
export type RequestBody = Buffer | readonly Buffer[] | null;

export interface UpstreamRequest {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: RequestBody;
}

/** Lower-case names; a value is a list where the header came several times. */
export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface UpstreamListener {
  /** Status and headers have come. */
  onHead(status: number, headers: UpstreamHeaders): void;
  onData(chunk: Buffer): void;
  /** The answer is whole. */
  onEnd(): void;
  /** The answer did not come, or not whole. Never called after `onEnd`, nor after an `abort`. */
  onError(error: UpstreamError): void;
}

export type UpstreamErrorKind = 'connect' | 'reset' | 'credential' | 'protocol';

export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly kind: UpstreamErrorKind;

  constructor(kind: UpstreamErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

export interface Exchange {
  /** Ends the exchange; the listener hears nothing more. */
  abort(): void;
  pause(): void;
  resume(): void;
}

export interface Upstream {
  send(request: UpstreamRequest, listener: UpstreamListener): Exchange;
  close(): Promise<void>;
}
