/** A scripted endpoint: a real HTTP server that answers as the test says, and remembers what it was sent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export type Script = (request: Received, response: ServerResponse) => void;

export interface ScriptedUpstream extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** What the next requests are answered with; the last script goes on for good. */
  script(...scripts: Script[]): void;
  /** Connections that are open now. */
  connections(): Promise<number>;
  /** Nobody listens any more. Whoever is still connected gets what is being answered, and then is hung up on. */
  leave(): void;
}

export async function startUpstream(...initial: Script[]): Promise<ScriptedUpstream> {
  const received: Received[] = [];
  let scripts = initial.length === 0 ? [json(200, { ok: true })] : [...initial];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers, rawHeaders } = request;
      const one: Received = { method, url, headers, rawHeaders, body: Buffer.concat(chunks) };
      received.push(one);
      const script = scripts.length > 1 ? scripts.shift() : scripts[0];
      script?.(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    script(...next) {
      scripts = next;
    },
    connections: () => new Promise((resolve) => server.getConnections((_, count) => resolve(count))),
    leave() {
      scripts = [reset];
      server.close();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string | string[]>> = {},
): Script {
  return raw(status, Buffer.from(JSON.stringify(value)), { 'content-type': 'application/json', ...headers });
}

export function raw(status: number, body: Buffer, headers: Readonly<Record<string, string | string[]>> = {}): Script {
  return (_, response) => {
    response.writeHead(status, { 'content-length': String(body.length), ...headers });
    response.end(body);
  };
}

/** Never answers. */
export const hang: Script = () => undefined;

/** Takes the request and closes the connection without a byte. */
export const reset: Script = (_, response) => response.destroy();

/** An event stream, piece by piece; a piece may be anything from one byte to many events. */
export function stream(pieces: readonly (Buffer | string)[], ending: 'end' | 'reset' | 'stay' = 'end'): Script {
  return (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const rest = pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece));
    const next = (): void => {
      const piece = rest.shift();
      if (response.destroyed) return;
      if (piece !== undefined) response.write(piece, () => setImmediate(next));
      else if (ending === 'end') response.end();
      else if (ending === 'reset') setImmediate(() => response.destroy());
    };
    response.flushHeaders();
    setImmediate(next);
  };
}

export function chunk(content: string): string {
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content } }] })}\n\n`;
}

/** Azure's first chunk: what the filter made of the prompt, and no choice yet. */
export const FILTER_CHUNK = `data: ${JSON.stringify({ id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] })}\n\n`;
export const DONE = 'data: [DONE]\n\n';

export function azureError(status: number, code: string, message = 'a message'): Script {
  return json(status, { error: { code, message } });
}

export function throttled(
  headers: Readonly<Record<string, string>> = { 'retry-after-ms': '1500', 'retry-after': '2' },
): Script {
  return json(429, { error: { code: '429', message: 'Requests have exceeded the rate limit.' } }, headers);
}
