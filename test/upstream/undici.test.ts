import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Endpoint, EndpointCredential } from '../../src/domain/deployment.ts';
import { Credentials, type TokenSource } from '../../src/upstream/credentials.ts';
import type { UpstreamError, UpstreamHeaders, UpstreamListener, UpstreamRequest } from '../../src/upstream/port.ts';
import { UndiciUpstream } from '../../src/upstream/undici.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { hang, json, raw, reset, startUpstream, stream } from '../harness/upstream.ts';

const KEY: EndpointCredential = { kind: 'apiKey', apiKey: 'k' };
const IDENTITY: EndpointCredential = { kind: 'managedIdentity', clientId: null, scope: 's' };

function requestTo(
  origin: string,
  facts: Partial<UpstreamRequest> & { readonly credential?: EndpointCredential } = {},
): UpstreamRequest {
  const { credential = KEY, ...rest } = facts;
  const endpoint: Endpoint = { name: 'A', origin, basePath: '', credential, dialect: { kind: 'v1' }, region: null };
  return {
    endpoint,
    method: 'POST',
    path: '/openai/v1/chat/completions?x=1',
    headers: ['X-A', '1'],
    body: Buffer.from('{}'),
    ...rest,
  };
}

function client({
  connectMs = 2_000,
  tokens = () => Promise.reject(new Error('none')),
}: {
  connectMs?: number;
  tokens?: TokenSource;
} = {}): UndiciUpstream {
  const upstream = new UndiciUpstream(new Credentials(new ManualClock(), tokens), { connectMs });
  onTestFinished(() => upstream.close());
  return upstream;
}

/** Writes down all it hears, and lets the test wait for the end. */
class Listener implements UpstreamListener {
  readonly heard: string[] = [];
  head: { status: number; headers: UpstreamHeaders } | null = null;
  error: UpstreamError | null = null;
  readonly #chunks: Buffer[] = [];
  readonly over: Promise<void>;
  #finish: () => void = () => undefined;
  #data: () => void = () => undefined;
  readonly firstData: Promise<void>;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.firstData = new Promise((resolve) => {
      this.#data = resolve;
    });
  }

  get body(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  onHead(status: number, headers: UpstreamHeaders): void {
    this.heard.push('head');
    this.head = { status, headers };
  }

  onData(chunk: Buffer): void {
    if (this.heard.at(-1) !== 'data') this.heard.push('data');
    this.#chunks.push(chunk);
    this.#data();
  }

  onEnd(): void {
    this.heard.push('end');
    this.#finish();
  }

  onError(error: UpstreamError): void {
    this.heard.push('error');
    this.error = error;
    this.#finish();
  }
}

/** A server that speaks in bytes. */
async function bytesServer(onSocket: (socket: Socket) => void): Promise<{ url: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('an exchange', () => {
  test('sends method, path, headers, body and credential, and tells the answer as it comes', async () => {
    await using server = await startUpstream(json(201, { a: 1 }, { 'x-b': ['1', '2'] }));
    const listener = new Listener();
    client().send(requestTo(server.url), listener);
    await listener.over;
    expect(listener.heard).toEqual(['head', 'data', 'end']);
    expect(listener.head).toMatchObject({ status: 201, headers: { 'x-b': ['1', '2'] } });
    expect(listener.body).toBe('{"a":1}');
    expect(server.received[0]).toMatchObject({
      method: 'POST',
      url: '/openai/v1/chat/completions?x=1',
      body: Buffer.from('{}'),
    });
    expect(server.received[0]?.headers).toMatchObject({ 'x-a': '1', 'api-key': 'k', 'content-length': '2' });
  });

  test('with a token waits for it', async () => {
    await using server = await startUpstream(json(200, {}));
    const listener = new Listener();
    client({ tokens: () => Promise.resolve({ token: 't', expiresAt: Number.MAX_SAFE_INTEGER, refreshAt: null }) }).send(
      requestTo(server.url, { credential: IDENTITY }),
      listener,
    );
    await listener.over;
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'Bearer t' });
    expect(server.received[0]?.headers['api-key']).toBeUndefined();
  });

  test.each(['HEAD', 'GET', 'DELETE', 'PATCH'])('without a body works for %s', async (method) => {
    await using server = await startUpstream(raw(204, Buffer.alloc(0)));
    const listener = new Listener();
    client().send(requestTo(server.url, { method, body: null }), listener);
    await listener.over;
    expect(listener.heard).toEqual(['head', 'end']);
    expect(server.received[0]).toMatchObject({ method, body: Buffer.alloc(0) });
  });

  test('ignores 1xx answers, which are between the two ends of a connection', async () => {
    const { url } = await bytesServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n');
        socket.write('HTTP/1.1 102 Processing\r\n\r\n');
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
    });
    const listener = new Listener();
    client().send(requestTo(url), listener);
    await listener.over;
    expect(listener.heard).toEqual(['head', 'data', 'end']);
    expect(listener.head?.status).toBe(200);
  });

  test('keeps header bytes beyond ASCII as they are', async () => {
    const { url } = await bytesServer((socket) => {
      socket.once('data', () =>
        socket.write(Buffer.from('HTTP/1.1 200 OK\r\nx-note: na\xefve\r\ncontent-length: 0\r\n\r\n', 'latin1')),
      );
    });
    const listener = new Listener();
    client().send(requestTo(url), listener);
    await listener.over;
    expect(listener.head?.headers['x-note']).toBe('na\xefve');
  });
});

describe('an exchange that fails', () => {
  test('is a connect error where nobody listens', async () => {
    const server = await startUpstream();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    const listener = new Listener();
    client().send(requestTo(url), listener);
    await listener.over;
    expect(listener.error).toMatchObject({ kind: 'connect', message: 'no connection (ECONNREFUSED)' });
  });

  test('is a connect error where the name does not exist', async () => {
    const listener = new Listener();
    client().send(requestTo('http://nowhere.invalid'), listener);
    await listener.over;
    expect(listener.error).toMatchObject({ kind: 'connect' });
  });

  test('is a connect error where the other end does not finish connecting in time', async () => {
    // Takes the connection and never says a word of TLS.
    const { url } = await bytesServer(() => undefined);
    const listener = new Listener();
    client({ connectMs: 50 }).send(requestTo(url.replace('http:', 'https:')), listener);
    await listener.over;
    expect(listener.error).toMatchObject({ kind: 'connect', message: 'no connection (UND_ERR_CONNECT_TIMEOUT)' });
  });

  test.each([
    { what: 'before the head', script: reset, heard: ['error'] },
    { what: 'within a stream', script: stream(['data: x\n\n'], 'reset'), heard: ['head', 'data', 'error'] },
  ])('is a reset where the connection is lost $what', async ({ script, heard }) => {
    await using server = await startUpstream(script);
    const listener = new Listener();
    client().send(requestTo(server.url), listener);
    await listener.over;
    expect(listener.heard).toEqual(heard);
    expect(listener.error).toMatchObject({ kind: 'reset' });
  });

  test('is a reset where the body is shorter than announced', async () => {
    const { url } = await bytesServer((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')),
    );
    const listener = new Listener();
    client().send(requestTo(url), listener);
    await listener.over;
    expect(listener.heard).toEqual(['head', 'data', 'error']);
    expect(listener.error?.kind).toBe('reset');
  });

  test('is a protocol error where the answer is no HTTP', async () => {
    const { url } = await bytesServer((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.7\r\n')));
    const listener = new Listener();
    client().send(requestTo(url), listener);
    await listener.over;
    expect(listener.error?.kind).toBe('protocol');
  });

  test('is a credential error where no token can be had, and nothing is sent', async () => {
    await using server = await startUpstream();
    const listener = new Listener();
    client().send(requestTo(server.url, { credential: IDENTITY }), listener);
    await listener.over;
    expect(listener.error).toMatchObject({ kind: 'credential' });
    expect(server.received).toEqual([]);
  });

  test('is a protocol error, told and not thrown, where the request cannot be written', async () => {
    await using server = await startUpstream();
    const listener = new Listener();
    client().send(requestTo(server.url, { path: '/with space' }), listener);
    await listener.over;
    expect(listener.error).toMatchObject({ kind: 'protocol' });
  });

  test('never tells the address or the path', async () => {
    const listener = new Listener();
    client().send(requestTo('http://127.0.0.1:1', { path: '/secret' }), listener);
    await listener.over;
    expect(listener.error?.message).not.toMatch(/127|secret/);
  });
});

describe('an abort', () => {
  test('before the connection stands sends nothing, and nothing is heard', async () => {
    await using server = await startUpstream();
    const listener = new Listener();
    const upstream = client();
    upstream.send(requestTo(server.url), listener).abort();
    const second = new Listener();
    upstream.send(requestTo(server.url), second);
    await second.over;
    await settled();
    expect(listener.heard).toEqual([]);
    expect(server.received).toHaveLength(1);
  });

  test('while the token is being fetched sends nothing', async () => {
    await using server = await startUpstream();
    let give: () => void = () => undefined;
    const tokens: TokenSource = () =>
      new Promise((resolve) => {
        give = () => resolve({ token: 't', expiresAt: Number.MAX_SAFE_INTEGER, refreshAt: null });
      });
    const listener = new Listener();
    const upstream = client({ tokens });
    upstream.send(requestTo(server.url, { credential: IDENTITY }), listener).abort();
    give();
    const second = new Listener();
    upstream.send(requestTo(server.url), second);
    await second.over;
    expect(listener.heard).toEqual([]);
    expect(server.received).toHaveLength(1);
  });

  test('closes the connection of a request that is under way', async () => {
    await using server = await startUpstream(hang);
    const listener = new Listener();
    const exchange = client().send(requestTo(server.url), listener);
    await until(() => server.received.length === 1);
    exchange.abort();
    await until(async () => (await server.connections()) === 0);
    expect(listener.heard).toEqual([]);
  });

  test('within a stream is the last there is to hear', async () => {
    await using server = await startUpstream(stream(Array.from({ length: 500 }, () => 'data: x\n\n')));
    const listener = new Listener();
    const exchange = client().send(requestTo(server.url), listener);
    await listener.firstData;
    exchange.abort();
    const length = listener.body.length;
    await until(async () => (await server.connections()) === 0);
    expect(listener.heard).toEqual(['head', 'data']);
    expect(listener.body.length).toBe(length);
    exchange.abort();
  });
});

describe('a pause', () => {
  test('stops the data until it is resumed, and loses none', async () => {
    const pieces = Array.from({ length: 400 }, (_, at) => `data: ${at} ${'x'.repeat(5_000)}\n\n`);
    await using server = await startUpstream(stream(pieces));
    const listener = new Listener();
    const exchange = client().send(requestTo(server.url), listener);
    await listener.firstData;
    exchange.pause();
    await settled();
    const { length } = listener.body;
    for (let round = 0; round < 20; round++) await settled();
    expect(listener.body.length - length).toBeLessThan(pieces.join('').length / 2);
    expect(listener.heard).not.toContain('end');
    exchange.resume();
    await listener.over;
    expect(listener.body).toBe(pieces.join(''));
  });
});

/** Waits for what another process or socket does; the test's own time limit ends it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await settled();
}
