/** The app inside the worker: the library's own invocation model and HTTP proxy, with the test in the host's place. */
import { type AddressInfo, createServer as createRawServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Composition } from '../../src/compose.ts';
import { asRouterError } from '../../src/domain/errors.ts';
import type { Answer, IncomingRequest } from '../../src/domain/message.ts';
import { errorAnswer } from '../../src/http/errors.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { composeFor, configOf, fleet } from '../harness/router.ts';
import {
  chunk,
  DONE,
  FILTER_CHUNK,
  hang,
  json,
  raw,
  type ScriptedUpstream,
  startUpstream,
  stream,
} from '../harness/upstream.ts';
import { startWorker, type Worker } from './worker.ts';

const MAX_BYTES = 1_000_000;
const WITHIN_MS = 5_000;
const CHAT = '{"model":"gpt-4.1","messages":[]}';

let worker: Worker;
let upstream: ScriptedUpstream;
let composition: Composition;
const clock = new ManualClock();

/** The app; and at `/body` one that only reads, on a clock of the test's own. */
async function handle(request: IncomingRequest): Promise<Answer> {
  if (!request.target.startsWith('/body')) return composition.app.handle(request);
  try {
    const body = await request.readBody({ maxBytes: MAX_BYTES, withinMs: WITHIN_MS });
    return { status: 200, headers: [], body: Buffer.from(`${body.length} ${body.toString('utf8', 0, 20)}`) };
  } catch (error) {
    return errorAnswer(asRouterError(error), 'id');
  }
}

beforeAll(async () => {
  upstream = await startUpstream();
  const deployments = { 'gpt-4.1': { model: 'gpt-4.1' }, voice: { model: 'tts' } };
  const endpoints = { A: { url: upstream.url, apiKey: 'key-of-A', api: '2025-01-01-preview', deployments } };
  composition = composeFor(configOf(fleet([upstream.url], { endpoints })));
  worker = startWorker();
  vi.doMock('@azure/functions', () => worker.library);
  const { registerFunctions } = await import('../../src/functions/register.ts');
  const { resetFailureWindows } = composition;
  registerFunctions({ router: { handle }, clock, resetFailureWindows, close: () => composition.close() });
  await worker.start();
});

beforeEach(() => {
  upstream.script(json(200, { ok: true }));
  upstream.received.length = 0;
});

afterAll(async () => {
  vi.doUnmock('@azure/functions');
  await worker.close();
  await composition.close();
  await upstream[Symbol.asyncDispose]();
});

const chat = (headers: Readonly<Record<string, string>> = {}, query = '') =>
  worker.call({
    path: `/openai/deployments/gpt-4.1/chat/completions${query}`,
    headers: { 'content-type': 'application/json', ...headers },
    body: [CHAT],
  });

describe('an answer through the worker', () => {
  test('is the deployment’s own, with its length and what the router has to say', async () => {
    upstream.script(json(201, { answer: 'é' }, { 'x-custom': 'kept' }));
    const { status, headers, body } = await chat().whole;
    expect(status).toBe(201);
    expect(body.toString()).toBe('{"answer":"é"}');
    expect(headers).toMatchObject({
      'content-length': '15',
      'content-type': 'application/json',
      'x-custom': 'kept',
      'x-router-deployment': 'A/gpt-4.1',
      'x-router-attempts': '1',
    });
    expect(headers['transfer-encoding']).toBeUndefined();
  });

  test('gets its request with doubled query parameters as they were sent', async () => {
    await chat({}, '?api-version=v&x=1&x=2&y=a%2Bb').whole;
    expect(upstream.received[0]?.url).toBe(
      '/openai/deployments/gpt-4.1/chat/completions?api-version=2025-01-01-preview&x=1&x=2&y=a%2Bb',
    );
  });

  test('keeps every cookie', async () => {
    upstream.script(
      json(200, {}, { 'set-cookie': ['ARRAffinity=abc123; Path=/; HttpOnly; Secure', 'session=x; Max-Age=60'] }),
    );
    const { headers } = await chat().whole;
    expect(headers['set-cookie']).toEqual(['ARRAffinity=abc123; Path=/; HttpOnly; Secure', 'session=x; Max-Age=60']);
  });

  test.each([
    { what: 'a name that the library refuses', cookie: 'a[b]=1' },
    { what: 'a name with a space', cookie: 'a b=1' },
    { what: 'a domain that the library refuses', cookie: 'a=1; Domain=under_score.example' },
    { what: 'a path that the library refuses', cookie: 'a=1; Path=/caf\xe9' },
  ])('comes though a cookie has $what', async ({ cookie }) => {
    upstream.script(json(200, { ok: true }, { 'set-cookie': cookie }));
    expect((await chat().whole).status).toBe(200);
  });

  test('comes though the endpoint answers with a status that no Response may have', async () => {
    const url = await statusServer(999);
    const other = composeFor(configOf(fleet([url])));
    onTestFinished(() => other.close());
    const before = composition;
    composition = other;
    onTestFinished(() => {
      composition = before;
    });
    const { status } = await chat({ 'x-router-failover': 'off' }).whole;
    expect(status).toBeGreaterThanOrEqual(500);
  });

  test.each([204, 304])('with status %i has no body', async (status) => {
    upstream.script(raw(status, Buffer.alloc(0), {}));
    const answer = await chat().whole;
    expect([answer.status, answer.body.length, answer.complete]).toEqual([status, 0, true]);
  });

  test('to HEAD has headers and no body', async () => {
    const answer = await worker.call({ method: 'HEAD', path: '/healthz' }).whole;
    expect([answer.status, answer.body.length, answer.complete]).toEqual([200, 0, true]);
  });

  test.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])(
    'to %s on an unknown path is the app’s 404, not the host’s',
    async (method) => {
      const answer = await worker.call({ method, path: '/nowhere?x=1' }).whole;
      expect(answer.status).toBe(404);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'invalid_request' } });
    },
  );
});

describe('a stream through the worker', () => {
  test('arrives event by event, while the deployment is still speaking', async () => {
    let goOn: () => void = () => undefined;
    upstream.script((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(FILTER_CHUNK + chunk('Hel'));
      goOn = () => response.end(chunk('lo') + DONE);
    });
    const head = await worker.call({ path: '/v1/chat/completions', body: ['{"model":"gpt-4.1","stream":true}'] }).head;
    const chunks = head[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    expect(String((await chunks.next()).value)).toBe(FILTER_CHUNK + chunk('Hel'));
    goOn();
    let rest = '';
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) rest += String(next.value);
    expect(rest).toBe(chunk('lo') + DONE);
    expect(head.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    expect(head.headers['content-length']).toBeUndefined();
  });

  test('that breaks ends, with its error event', async () => {
    upstream.script(stream([FILTER_CHUNK, chunk('Hel'), 'data: {"half'], 'reset'));
    const { body, complete } = await worker.call({
      path: '/v1/chat/completions',
      body: ['{"model":"gpt-4.1","stream":true}'],
    }).whole;
    expect(complete).toBe(true);
    const text = body.toString();
    expect(text.startsWith(FILTER_CHUNK + chunk('Hel'))).toBe(true);
    expect(text.slice((FILTER_CHUNK + chunk('Hel')).length)).toMatch(/^data: \{"error":.*upstream_failed.*\}\n\n$/);
  });

  test('of bytes that breaks ends too: an error would leave the caller waiting', async () => {
    upstream.script((_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write('sound', () => setImmediate(() => response.destroy()));
    });
    const call = worker.call({ path: '/v1/audio/speech', body: ['{"model":"A/voice"}'] });
    const { body } = await call.whole;
    await call.invocation;
    expect(body.toString()).toBe('sound');
  });
});

describe('a body through the worker', () => {
  test.each([
    { what: 'with a length', headers: { 'content-length': '10' }, body: ['0123456789'] },
    { what: 'in chunks', headers: {}, body: ['01234', '5', '6789'] },
  ])('$what arrives whole', async ({ headers, body }) => {
    const answer = await worker.call({ path: '/body', headers, body }).whole;
    expect(answer.body.toString()).toBe('10 0123456789');
  });

  test('that is missing is empty', async () => {
    const answer = await worker.call({ path: '/body', headers: { 'content-length': '0' } }).whole;
    expect(answer.body.toString()).toBe('0 ');
  });

  test('of many megabytes arrives byte for byte', async () => {
    const image = 'x'.repeat(9_000_000);
    await worker.call({ path: '/v1/chat/completions', body: [`{"model":"gpt-4.1","image":"${image}"}`] }).whole;
    expect(upstream.received[0]?.body.length).toBe(image.length + '{"model":"gpt-4.1","image":""}'.length);
  });

  const piece = Buffer.alloc(100_000, 'x');

  test.each([
    { what: 'by its length', headers: { 'content-length': '50000000' }, pieces: 1 },
    { what: 'by what came of it', headers: {}, pieces: 11 },
  ])(
    'that is too large $what is answered before it has come whole, and the rest is taken without breaking off',
    async ({ headers, pieces }) => {
      const call = worker.call({
        path: '/body',
        headers,
        body: Array.from({ length: pieces }, () => piece),
        open: true,
      });
      const head = await call.head;
      expect(head.statusCode).toBe(413);
      // The host goes on writing what its caller goes on sending.
      for (let count = 0; count < 300; count++) await call.write(piece);
      call.destroy();
    },
  );

  test('that stalls is answered at its limit, and what still comes is taken without breaking off', async () => {
    const call = worker.call({ path: '/body', body: ['{"half'], open: true });
    while (clock.pending === 0) await settled();
    clock.advance(WITHIN_MS);
    expect((await call.head).statusCode).toBe(408);
    for (let count = 0; count < 300; count++) await call.write(piece);
    call.destroy();
    await call.invocation;
    expect(clock.pending).toBe(0);
  });

  test('that breaks off leaves no invocation behind', async () => {
    const call = worker.call({ path: '/body', headers: { 'content-length': '100' }, body: ['half'], open: true });
    while (clock.pending === 0) await settled();
    call.destroy();
    await call.invocation;
    expect(clock.pending).toBe(0);
  });

  test('is never asked of a request that is refused before', async () => {
    upstream.script(hang);
    const answer = await worker.call({
      path: '/v1/chat/completions',
      headers: { 'x-router-tier': 'gold' },
      body: [CHAT],
    }).whole;
    expect(answer.status).toBe(400);
  });
});

/** An endpoint that answers with any three digits. */
async function statusServer(status: number): Promise<string> {
  const server = createRawServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end(`HTTP/1.1 ${status} Odd\r\ncontent-length: 2\r\n\r\n{}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
