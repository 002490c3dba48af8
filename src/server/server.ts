/** The local host: node:http in front of the app. */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer, AnswerStream, Caller, IncomingRequest } from '../domain/message.ts';
import type { App } from '../http/app.ts';
import { errorAnswer } from '../http/errors.ts';
import { readBody } from './body.ts';
import { Callers } from './caller.ts';

export interface ServerOptions {
  readonly app: App;
  readonly clock: Clock;
  readonly host: string;
  readonly port: number;
}

export interface RunningServer {
  readonly url: string;
  /** Takes no new requests, lets those under way end within `graceMs`, ends what is left so that its callers know it, and closes. */
  drain(graceMs: number): Promise<void>;
}

/** Above what the app allows, so that its answer, in OpenAI's shape, comes first. */
const PARSER_HEADER_BYTES = 256 * 1024;
/** Longer than the idle time of the load balancers and clients in front. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_WITHIN_MS = 20_000;
/** A caller who takes nothing off its connection for so long is not there any more. */
const READS_WITHIN_MS = 300_000;
/** So long the last words may take to their callers when the router ends. */
const LAST_WORDS_MS = 1_000;

export function startServer({ app, clock, host, port }: ServerOptions): Promise<RunningServer> {
  const options = {
    maxHeaderSize: PARSER_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_WITHIN_MS,
  };
  // Deadlines of our own bound how long a request may take, streams included.
  const callers = new Callers();
  const answer = (request: IncomingMessage, response: ServerResponse): void =>
    void serve(app, { request, response, clock, caller: callers.welcome(response) });
  const server = createServer({ ...options, requestTimeout: 0 }, answer);
  // An expectation that nobody knows need not be met (RFC 9110, 10.1.1); node itself would answer 417, in a shape of its own.
  server.on('checkExpectation', answer);
  server.on('connection', (socket) => callers.connected(socket));
  server.maxHeadersCount = 0;
  server.on('clientError', answerBrokenRequest);
  const unused = trackUnused(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve({ url: urlOf(server, host), drain: (graceMs) => drain(server, { unused, callers, clock, graceMs }) });
    });
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function serve(app: App, { request, response, clock, caller }: Sending): Promise<void> {
  const incoming: IncomingRequest = {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers: request.rawHeaders,
    source: request.socket.remoteAddress ?? '',
    caller,
    readBody: (limits) => readBody(request, limits, clock),
  };
  try {
    await send(await app.handle(incoming), { request, response, clock, caller });
  } catch {
    // The answer cannot be completed, and its beginning may be out already: a closed connection is all that can tell so.
    response.destroy();
  }
}

interface Sending {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clock: Clock;
  readonly caller: Caller;
}

function send(answer: Answer, { request, response, clock, caller }: Sending): Promise<void> | void {
  if (response.destroyed) return abandon(answer);
  // What is left of a body that nobody read would be taken for the next request.
  const isLast = !request.complete || caller.dismissed === true;
  const headers = isLast ? [...answer.headers, 'connection', 'close'] : [...answer.headers];
  const { body, status } = answer;
  if (body === null || Buffer.isBuffer(body)) {
    if (body !== null) headers.push('content-length', String(body.length));
    response.writeHead(status, headers);
    response.end(body ?? undefined);
    return;
  }
  response.writeHead(status, headers);
  return pump(body, response, clock);
}

function abandon({ body }: Answer): void {
  if (body === null || Buffer.isBuffer(body)) return;
  void body[Symbol.asyncIterator]().return?.();
}

async function pump(stream: AnswerStream, response: ServerResponse, clock: Clock): Promise<void> {
  for await (const chunk of stream) {
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response, clock);
  }
  response.end();
}

function drained(response: ServerResponse, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const stop = clock.after(READS_WITHIN_MS, () => response.destroy());
    const go = (): void => {
      stop();
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
    if (response.destroyed) go();
  });
}

/** What node:http itself refuses, before there is a request: answered in OpenAI's shape all the same. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const code = status === 431 ? 'request_too_large' : 'invalid_request';
  const answer = errorAnswer(
    new RouterError(code, 'The request is not valid HTTP/1.1, or its headers are too large.', { status }),
    '-',
  );
  const body = answer.body as Buffer;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body]));
}

/** Connections on which nothing has been asked yet: node:http does not count them as idle, and would wait for them. */
function trackUnused(server: Server): Set<Socket> {
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }: IncomingMessage) => unused.delete(socket));
  return unused;
}

interface Draining {
  readonly unused: ReadonlySet<Socket>;
  readonly callers: Callers;
  readonly clock: Clock;
  readonly graceMs: number;
}

function drain(server: Server, { unused, callers, clock, graceMs }: Draining): Promise<void> {
  return new Promise((resolve) => {
    for (const socket of unused) socket.destroy();
    let stop = clock.after(graceMs, () => {
      callers.dismiss();
      stop = clock.after(LAST_WORDS_MS, () => server.closeAllConnections());
    });
    // A connection that was busy when draining began becomes idle later.
    const sweep = setInterval(() => server.closeIdleConnections(), 100);
    server.close(() => {
      stop();
      clearInterval(sweep);
      resolve();
    });
  });
}
