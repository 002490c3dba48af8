import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import OpenAI, { APIError, AuthenticationError } from 'openai';
import { describe, expect, it } from 'vitest';
import type { GateSettings } from '../../src/accounts/gate.ts';
import { ask, begin, CHAT, DATED_CHAT, exchange, QUESTION, type RawAnswer, type RawCall } from '../harness/raw.ts';
import { fleet, startRouter } from '../harness/router.ts';
import { json, startUpstream } from '../harness/upstream.ts';

interface Told {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
}

function toldBy({ text }: Pick<RawAnswer, 'text'>): Told {
  const body = JSON.parse(text) as { error: Told };
  expect(Object.keys(body)).toEqual(['error']);
  expect(Object.keys(body.error).toSorted()).toEqual(['code', 'message', 'param', 'type']);
  return body.error;
}

interface Put {
  readonly call: RawCall;
  readonly config?: object;
  readonly gate?: Partial<GateSettings>;
}

/** The router's refusal, having made sure that it is one in OpenAI's shape and that no deployment heard of the request. */
async function refusalOf({ call, config = {}, gate = {} }: Put): Promise<RawAnswer & { error: Told }> {
  await using upstream = await startUpstream();
  await using router = await startRouter(fleet([upstream.url], config), gate);
  const answer = await ask(router.url, call);
  const error = toldBy(answer);
  expect(upstream.received).toHaveLength(0);
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.headers['x-router-request-id']).toBeDefined();
  // A router that can serve one request more has not been harmed by this one.
  expect((await ask(router.url, { path: '/healthz' })).status).toBe(200);
  return { ...answer, error };
}

describe('a body that is no JSON object', () => {
  it.each([
    { what: 'nothing', body: '' },
    { what: 'blanks', body: ' \n ' },
    { what: 'a list', body: '[{"model":"gpt-4.1"}]' },
    { what: 'a text', body: '"gpt-4.1"' },
    { what: 'a number', body: '17' },
    { what: 'null', body: 'null' },
    { what: 'prose', body: 'Hello, world' },
    { what: 'a form', body: 'model=gpt-4.1&messages=[]' },
    { what: 'an object that does not end', body: '{"model":"gpt-4.1"' },
    { what: 'a text that does not end', body: '{"model":"gpt-4.1' },
    { what: 'a text that ends in a backslash', body: '{"model":"gpt-4.1\\"}' },
    { what: 'a key without a value', body: '{"model"}' },
    { what: 'a colon without a value', body: '{"model":}' },
    { what: 'a comma too many', body: '{"model":"gpt-4.1",}' },
    { what: 'a comma too few', body: '{"model":"gpt-4.1" "n":1}' },
    { what: 'a comma too many in a list', body: '{"model":"gpt-4.1","stop":["a",]}' },
    { what: 'a brace too many', body: '{"model":"gpt-4.1"}}' },
    { what: 'something behind its end', body: '{"model":"gpt-4.1"} {"model":"x"}' },
    { what: 'single quotes', body: "{'model':'gpt-4.1'}" },
    { what: 'a key without quotes', body: '{model:"gpt-4.1"}' },
    { what: 'a comment', body: '{"model":"gpt-4.1" /* the best */}' },
    { what: 'Python', body: '{"model":"gpt-4.1","stream":True,"user":None}' },
    { what: 'a number with a leading zero', body: '{"model":"gpt-4.1","n":01}' },
    { what: 'a number that begins with a point', body: '{"model":"gpt-4.1","temperature":.5}' },
    { what: 'NaN', body: '{"model":"gpt-4.1","temperature":NaN}' },
    { what: 'a raw line break in a text', body: '{"model":"gpt-4.1","user":"a\nb"}' },
    { what: 'a raw tab in a long text', body: `{"model":"gpt-4.1","user":"${'x'.repeat(100)}\t"}` },
    { what: 'crossed brackets', body: '{"model":"gpt-4.1","a":[{"b":1]}' },
    { what: 'compressed bytes that do not say so', body: gzipSync('{"model":"gpt-4.1"}') },
    { what: 'UTF-16', body: Buffer.from('{"model":"gpt-4.1"}', 'utf16le') },
  ])('is refused with 400 and the place where it goes wrong: $what', async ({ body }) => {
    for (const path of [CHAT, DATED_CHAT]) {
      const { status, error } = await refusalOf({
        call: { path, body, headers: [['content-type', 'application/json']] },
      });
      expect([status, error.code, error.type]).toEqual([400, 'invalid_request', 'invalid_request_error']);
      expect(error.message).toMatch(/^The body is not valid JSON: at byte \d+, ./);
    }
  });

  it('is never quoted in the answer', async () => {
    const { text } = await refusalOf({
      call: { body: '{"model":"gpt-4.1","messages":[{"content":"my secret diagnosis}]}' },
    });
    expect(text).not.toContain('diagnosis');
  });

  it.each([
    { what: 'lists', body: '['.repeat(200_000) },
    { what: 'objects', body: `{"a":${'{"a":'.repeat(100_000)}` },
    { what: 'lists within a field', body: `{"model":"gpt-4.1","x":${'['.repeat(500)}${']'.repeat(500)}}` },
    { what: 'one level too many', body: `{"model":"gpt-4.1","x":${'['.repeat(129)}${']'.repeat(129)}}` },
  ])('or is nested too deep is refused at once: $what', async ({ body }) => {
    const from = performance.now();
    const { status, error } = await refusalOf({ call: { body } });
    expect([status, error.code]).toEqual([400, 'invalid_request']);
    expect(performance.now() - from).toBeLessThan(1_000);
  });

  it('may be nested as deep as the limit says', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    const body = `{"model":"gpt-4.1","x":${'['.repeat(128)}${']'.repeat(128)}}`;
    expect((await ask(router.url, { body })).status).toBe(200);
  });
});

describe('a body that is too large', () => {
  const SMALL = { limits: { bodyMb: 0.01 } };
  const large = (bytes: number): string => JSON.stringify({ ...QUESTION, user: 'x'.repeat(bytes) });

  it.each([
    { what: 'a little, with its length', bytes: 11_000, headers: [] },
    { what: 'a little, in chunks', bytes: 11_000, headers: [['transfer-encoding', 'chunked']] as const },
    { what: 'by far, with its length', bytes: 20_000_000, headers: [] },
    { what: 'by far, in chunks', bytes: 20_000_000, headers: [['transfer-encoding', 'chunked']] as const },
  ])('$what, is refused with 413', async ({ bytes, headers }) => {
    const { status, error, headers: got } = await refusalOf({ call: { body: large(bytes), headers }, config: SMALL });
    expect([status, error.code, error.type]).toEqual([413, 'request_too_large', 'invalid_request_error']);
    expect(got.connection).toBe('close');
  });

  it('is told to a stock client as 413, not as a lost connection', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url], SMALL));
    const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'any', maxRetries: 0 });
    const content = 'x'.repeat(8_000_000);
    const failure = await client.chat.completions
      .create({ model: 'gpt-4.1', messages: [{ role: 'user', content }] })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(APIError);
    expect(failure).toMatchObject({ status: 413, code: 'request_too_large' });
  });

  it('may be as large as the limit says', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url], SMALL));
    expect((await ask(router.url, { body: large(9_000) })).status).toBe(200);
  });
});

describe('a body that does not arrive', () => {
  it.each([
    {
      what: 'whole, though its length is known',
      headers: 'content-length: 100\r\nx-router-deadline-ms: 150',
      body: '{"model":',
      config: {},
    },
    {
      what: 'whole, in chunks',
      headers: 'transfer-encoding: chunked\r\nx-router-deadline-ms: 150',
      body: '9\r\n{"model":\r\n',
      config: {},
    },
    { what: 'at all', headers: 'content-length: 100', body: '', config: { timeouts: { deadlineMs: 150 } } },
  ])('$what, is given up at the deadline with 408', async ({ headers, body, config }) => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url], config));
    const from = performance.now();
    const text = await exchange(router.url, `POST ${CHAT} HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(toldBy({ text: text.slice(text.indexOf('\r\n\r\n') + 4) }).code).toBe('deadline_exceeded');
    expect(upstream.received).toHaveLength(0);
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  it('because its caller left reaches nobody', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model":"gpt-4.1"`);
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await once(socket, 'close');
    expect((await ask(router.url, { body: QUESTION })).status).toBe(200);
    expect(upstream.received).toHaveLength(1);
  });
});

describe('a name that leads nowhere', () => {
  it.each([
    { what: 'no model', body: { messages: [] } },
    { what: 'an empty one', body: { model: '' } },
    { what: 'null', body: { model: null } },
    { what: 'a number', body: { model: 4 } },
    { what: 'a list', body: { model: ['gpt-4.1'] } },
  ])('is asked for, where the body has $what', async ({ body }) => {
    const { status, error } = await refusalOf({ call: { body } });
    expect([status, error.code, error.param]).toEqual([400, 'invalid_request', 'model']);
  });

  const POOLS = {
    endpoints: {
      A: {
        url: 'http://127.0.0.1:9',
        apiKey: 'k',
        api: 'v1',
        deployments: { 'gpt-4.1': {}, 'gpt-4o': {}, 'text-embedding-3-small': {} },
      },
    },
    pools: {
      'gpt-4.1': { members: ['A/gpt-4.1'] },
      'gpt-4o': { members: ['A/gpt-4o'] },
      small: { members: ['A/text-embedding-3-small'] },
    },
  };

  it.each([
    { asked: 'gpt-4.l', first: 'gpt-4.1' },
    { asked: 'GPT-4.1', first: 'gpt-4.1' },
    { asked: 'gpt4o', first: 'gpt-4o' },
    { asked: 'smal', first: 'small' },
    { asked: 'A/gpt4.1', first: 'A/gpt-4.1' },
  ])('$asked is answered with 404 and the names there are, $first first', async ({ asked, first }) => {
    await using router = await startRouter(POOLS);
    for (const call of [
      { body: { model: asked } },
      { path: `/openai/deployments/${encodeURIComponent(asked)}/chat/completions`, body: {} },
    ]) {
      const answer = await ask(router.url, call);
      const error = toldBy(answer);
      expect([answer.status, error.code, error.param]).toEqual([404, 'unknown_model', 'model']);
      expect(error.message).toContain(`These exist: ${first},`);
      expect(error.message).toContain('auto');
    }
  });

  it.each(['__proto__', 'constructor', 'toString', 'premium', '/', 'A/', '\u0000', 'x'.repeat(100_000), '😀'])(
    '%s is unknown like any other',
    async (model) => {
      const { status, error } = await refusalOf({ call: { body: { model } } });
      expect([status, error.code]).toEqual([404, 'unknown_model']);
      expect(error.message.length).toBeLessThan(1_000);
    },
  );
});

describe('a path or method that nothing answers', () => {
  it.each([
    { method: 'GET', path: '/nothing' },
    { method: 'POST', path: '/v2/chat/completions' },
    { method: 'POST', path: '/chat/completions' },
    { method: 'GET', path: '/openai' },
    { method: 'POST', path: '/v1' },
    { method: 'GET', path: '/router/' },
    { method: 'GET', path: '/router/nothing' },
    { method: 'GET', path: '/.env' },
    { method: 'GET', path: '//openai/v1/models' },
    { method: 'GET', path: 'http://elsewhere.test/openai/v1/models' },
  ])('$method $path: 404', async ({ method, path }) => {
    const { status, error } = await refusalOf({ call: { method, path } });
    expect([status, error.code]).toEqual([404, 'invalid_request']);
  });

  it.each([
    { method: 'POST', path: '/healthz', allow: 'GET' },
    { method: 'DELETE', path: '/router/status', allow: 'GET' },
    { method: 'GET', path: '/router/explain', allow: 'POST' },
    { method: 'PATCH', path: '/', allow: 'GET' },
  ])('$method $path: 405, and what is allowed', async ({ method, path, allow }) => {
    const { status, error, headers } = await refusalOf({ call: { method, path } });
    expect([status, error.code, headers['allow']]).toEqual([405, 'invalid_request', allow]);
  });

  it.each([
    '/openai/../router/status',
    '/openai/v1/../../router/status',
    '/openai/%2e%2e/metadata',
    '/openai/v1/%2E./x',
    '/v1/./chat/completions',
    '/openai/deployments/../x/chat/completions',
    '/openai/v1/files/..',
    '/v1/..%2f..%2fmetadata/identity',
    '/openai/v1/files/%2e%2e%2f%2e%2e%2fx',
    '/openai/v1/files/..%5c..%5cx',
    '/openai/v1/files/..\\..\\x',
    '/openai/responses/..%2fdeployments%2fother',
  ])('%s: 400, for it leads out of where the caller may go', async (path) => {
    const { status, error } = await refusalOf({ call: { path, method: 'GET' } });
    expect([status, error.code]).toEqual([400, 'invalid_request']);
  });

  it.each([
    '/openai/deployments/%/chat/completions',
    '/openai/deployments/%ff/chat/completions',
    '/openai/v1/models/%zz',
    '/router/pools/%',
  ])('%s: 400, for its escapes are wrong', async (path) => {
    const call = path.includes('models') || path.includes('router') ? { path } : { path, body: QUESTION };
    const { status, error } = await refusalOf({ call });
    expect([status, error.code]).toEqual([400, 'invalid_request']);
  });
});

describe('headers', () => {
  const many = (count: number): (readonly [string, string])[] =>
    Array.from({ length: count }, (_, at) => [`x-${at}`, 'y'] as const);

  it.each([
    { what: 'too many', headers: many(120) },
    { what: 'by far too many', headers: many(3_000) },
    {
      what: 'too large together',
      headers: [['x-a', 'a'.repeat(20_000)] as const, ['x-b', 'b'.repeat(20_000)] as const],
    },
    { what: 'too large by one', headers: [['x-large', 'a'.repeat(200_000)] as const] },
  ])('that are $what: 431', async ({ headers }) => {
    const { status, error } = await refusalOf({ call: { body: QUESTION, headers } });
    expect([status, error.code]).toEqual([431, 'request_too_large']);
  });

  it('beyond what the parser takes: 431 in the same shape', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    const text = await exchange(router.url, `GET /healthz HTTP/1.1\r\nhost: x\r\nx-huge: ${'x'.repeat(270_000)}`);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(toldBy({ text: text.slice(text.indexOf('\r\n\r\n') + 4) }).code).toBe('request_too_large');
  });

  it.each([
    { header: 'x-router-tier', value: 'gold', allowed: 'premium, standard, economy' },
    { header: 'x-router-tier', value: 'premium', allowed: 'no tier is configured' },
    { header: 'x-router-tier', value: '', allowed: 'premium, standard, economy' },
    { header: 'x-router-failover', value: 'maybe', allowed: 'on, off' },
    { header: 'x-router-on-break', value: 'ignore', allowed: 'error, restart' },
    { header: 'x-router-cache', value: 'yes', allowed: 'on, off, refresh' },
    { header: 'x-router-deadline-ms', value: 'soon', allowed: 'a whole number of milliseconds' },
    { header: 'x-router-deadline-ms', value: '0', allowed: 'a whole number of milliseconds' },
    { header: 'x-router-deadline-ms', value: '-5', allowed: 'a whole number of milliseconds' },
    { header: 'x-router-deadline-ms', value: '1.5', allowed: 'a whole number of milliseconds' },
    { header: 'x-router-deadline-ms', value: '1e3', allowed: 'a whole number of milliseconds' },
    { header: 'x-router-deadline-ms', value: '99999999999999999999', allowed: 'a whole number of milliseconds' },
    { header: 'x-agent-name', value: 'a'.repeat(129), allowed: 'at most 128 characters' },
    { header: 'x-creator', value: 'a'.repeat(129), allowed: 'at most 128 characters' },
    { header: 'x-operation', value: 'a'.repeat(129), allowed: 'at most 128 characters' },
  ])('$header: $value is refused with 400 and what is allowed', async ({ header, value, allowed }) => {
    const { status, error } = await refusalOf({ call: { body: QUESTION, headers: [[header, value]] } });
    expect([status, error.code, error.param]).toEqual([400, 'invalid_request', header]);
    expect(error.message).toContain(allowed);
  });

  it.each([
    { header: 'x-router-failover', value: ' OFF ' },
    { header: 'x-router-deadline-ms', value: '999999999' },
    { header: 'x-agent-name', value: 'a'.repeat(128) },
    { header: 'x-router-unknown', value: 'x' },
  ])('$header: $value is taken', async ({ header, value }) => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    expect((await ask(router.url, { body: QUESTION, headers: [[header, value]] })).status).toBe(200);
  });

  it.each(['gzip', 'br', 'deflate', 'GZIP', 'gzip, gzip'])(
    'that announce a compressed body (%s): 415',
    async (coding) => {
      const { status, error } = await refusalOf({
        call: { body: gzipSync(JSON.stringify(QUESTION)), headers: [['content-encoding', coding]] },
      });
      expect([status, error.code, error.param]).toEqual([415, 'invalid_request', 'content-encoding']);
    },
  );
});

describe('a multipart form', () => {
  const path = '/v1/audio/transcriptions';
  const part = (name: string, value: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const type = (value: string) => [['content-type', value]] as const;

  it.each([
    { what: 'no boundary', headers: type('multipart/form-data'), body: part('model', 'gpt-4.1'), param: null },
    {
      what: 'another boundary',
      headers: type('multipart/form-data; boundary=c'),
      body: `${part('model', 'gpt-4.1')}--b--\r\n`,
      param: null,
    },
    { what: 'nothing in it', headers: type('multipart/form-data; boundary=b'), body: '', param: null },
    {
      what: 'no model',
      headers: type('multipart/form-data; boundary=b'),
      body: `${part('file', 'x')}--b--\r\n`,
      param: 'model',
    },
    {
      what: 'a model without end',
      headers: type('multipart/form-data; boundary=b'),
      body: part('model', 'gpt-4.1').trimEnd(),
      param: 'model',
    },
    {
      what: 'a part without a blank line',
      headers: type('multipart/form-data; boundary=b'),
      body: '--b\r\nContent-Disposition: form-data; name="model"',
      param: 'model',
    },
  ])('with $what: 400', async ({ headers, body, param }) => {
    const { status, error } = await refusalOf({ call: { path, headers, body } });
    expect([status, error.code, error.param]).toEqual([400, 'invalid_request', param]);
  });
});

describe('what is not HTTP/1.1', () => {
  it.each([
    { what: 'prose', bytes: 'Hello there\r\n\r\n' },
    { what: 'a TLS greeting', bytes: Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]) },
    {
      what: 'two lengths',
      bytes: `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{"a":1}`,
    },
    {
      what: 'a length and chunks',
      bytes: `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    },
    {
      what: 'a chunk of no size',
      bytes: `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
    },
    { what: 'a line break in a header', bytes: 'GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: b\rc\r\n\r\n' },
    { what: 'no host', bytes: 'GET /openai/v1/models HTTP/1.1\r\n\r\n' },
  ])('is refused with 400, and nobody hears of it: $what', async ({ bytes }) => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    const text = await exchange(router.url, bytes);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.received).toHaveLength(0);
  });
});

describe('a deployment that answers nonsense', () => {
  /** Speaks whatever the test says in place of HTTP. */
  async function startSpeaker(words: string | Buffer, thenClose = true) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => (thenClose ? socket.end(words) : socket.write(words)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }

  const NONSENSE = [
    { what: 'prose', words: 'I would rather not.\r\n\r\n' },
    { what: 'nothing', words: '' },
    { what: 'a status that is no number', words: 'HTTP/1.1 banana\r\n\r\n' },
    { what: 'half a head', words: 'HTTP/1.1 200 OK\r\ncontent-type: app' },
    {
      what: 'less than its length',
      words: 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{"a":',
    },
    {
      what: 'chunks without an end',
      words: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\n5\r\n{"a":',
    },
    { what: 'a chunk of no size', words: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n' },
    { what: 'two lengths', words: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}' },
    { what: 'a head without end', words: `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_000_000)}` },
    { what: 'noise', words: Buffer.alloc(1_000, 0xfe) },
  ];

  it.each(NONSENSE)('is failing, and another one answers: $what', async ({ words }) => {
    await using a = await startSpeaker(words);
    await using b = await startUpstream();
    await using router = await startRouter(fleet([a.url, b.url]));
    const answer = await ask(router.url, { body: QUESTION });
    expect([answer.status, answer.headers['x-router-route']]).toEqual([200, 'A/gpt-4.1:failing,B/gpt-4.1:ok']);
  });

  it.each(NONSENSE)('is upstream_failed where no other one may be asked: $what', async ({ words }) => {
    await using a = await startSpeaker(words);
    await using router = await startRouter(fleet([a.url]));
    const answer = await ask(router.url, { body: QUESTION, headers: [['x-router-failover', 'off']] });
    expect([answer.status, toldBy(answer).code]).toEqual([502, 'upstream_failed']);
    // Neither the address nor what a library has to say about it.
    expect(answer.text).not.toContain('127.0.0.1');
  });

  it('in a whole answer is passed through', async () => {
    await using a = await startUpstream(
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('this is not { JSON'),
    );
    await using router = await startRouter(fleet([a.url]));
    expect((await ask(router.url, { body: QUESTION })).text).toBe('this is not { JSON');
  });
});

describe('keys', () => {
  const KEYS = { callerKeys: ['caller-key'], adminKey: 'admin-key' };

  it.each([
    { what: 'no key', headers: [] },
    { what: 'a wrong api-key', headers: [['api-key', 'wrong']] as const },
    { what: 'a wrong bearer key', headers: [['authorization', 'Bearer wrong']] as const },
    { what: 'an empty key', headers: [['api-key', '']] as const },
    { what: 'a key that only begins like it', headers: [['api-key', 'caller-key2']] as const },
    { what: 'another case', headers: [['api-key', 'Caller-Key']] as const },
    {
      what: 'basic authentication',
      headers: [['authorization', `Basic ${Buffer.from('x:caller-key').toString('base64')}`]] as const,
    },
    { what: 'the key in the query', headers: [], path: `${CHAT}?code=caller-key&api-key=caller-key` },
    { what: 'the key of the endpoint', headers: [['api-key', 'key-of-A']] as const },
  ])('with $what a request is refused with 401', async ({ headers, path = CHAT }) => {
    const { status, error, headers: got } = await refusalOf({ call: { path, body: QUESTION, headers }, gate: KEYS });
    expect([status, error.code, error.type]).toEqual([401, 'unauthorized', 'authentication_error']);
    expect(got['www-authenticate']).toBe('Bearer');
  });

  it.each([
    { what: 'api-key', headers: [['api-key', 'caller-key']] as const },
    { what: 'a bearer key', headers: [['authorization', 'Bearer caller-key']] as const },
    { what: "the administrator's key", headers: [['api-key', 'admin-key']] as const },
  ])('with $what a request is served', async ({ headers }) => {
    await using upstream = await startUpstream(json(200, {}));
    await using router = await startRouter(fleet([upstream.url]), KEYS);
    expect((await ask(router.url, { body: QUESTION, headers })).status).toBe(200);
    expect(JSON.stringify(upstream.received[0]?.rawHeaders)).not.toMatch(/caller-key|admin-key/);
  });

  it('that are wrong reach a stock client as AuthenticationError', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]), KEYS);
    const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'wrong' });
    await expect(client.chat.completions.create({ model: 'gpt-4.1', messages: [] })).rejects.toBeInstanceOf(
      AuthenticationError,
    );
    await expect(client.models.list()).rejects.toBeInstanceOf(AuthenticationError);
    expect(upstream.received).toHaveLength(0);
  });

  it.each([
    '/router/status',
    '/router/pools',
    '/router/pools/gpt-4.1',
    '/router/deployments',
    '/router/deployments/A/gpt-4.1',
  ])('%s is for the administrator alone: 403 for a caller, 401 for a stranger', async (path) => {
    const caller = await refusalOf({ call: { path, headers: [['api-key', 'caller-key']] }, gate: KEYS });
    expect([caller.status, caller.error.code, caller.error.type]).toEqual([403, 'forbidden', 'permission_error']);
    const stranger = await refusalOf({ call: { path }, gate: KEYS });
    expect([stranger.status, stranger.error.code]).toEqual([401, 'unauthorized']);
    await using router = await startRouter(fleet(['http://127.0.0.1:9']), KEYS);
    expect((await ask(router.url, { path, headers: [['authorization', 'Bearer admin-key']] })).status).toBe(200);
  });

  it('are asked for before a body is read, however large it says it is', async () => {
    const { status } = await refusalOf({ call: { body: 'x'.repeat(300_000) }, gate: KEYS });
    expect(status).toBe(401);
  });

  it('are not needed to see that the router lives, and the page shows a stranger nothing', async () => {
    await using router = await startRouter(fleet(['http://127.0.0.1:9']), KEYS);
    for (const path of ['/healthz', '/readyz']) expect((await ask(router.url, { path })).status).toBe(200);
    const page = await ask(router.url, { path: '/' });
    expect(page.status).toBe(200);
    expect(page.text).not.toContain('gpt-4.1');
  });

  it('are not needed on a loopback address until one is set', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    expect((await ask(router.url, { body: QUESTION })).status).toBe(200);
    expect((await ask(router.url, { path: '/router/status' })).status).toBe(200);
  });

  it('are needed everywhere else, even where none is set', async () => {
    const { status } = await refusalOf({ call: { body: QUESTION }, gate: { loopbackOnly: false } });
    expect(status).toBe(401);
  });

  it('set for the administrator alone leave a loopback address open to callers', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]), { adminKey: 'admin-key' });
    expect((await ask(router.url, { body: QUESTION })).status).toBe(200);
    expect((await ask(router.url, { path: '/router/status' })).status).toBe(401);
  });
});

describe('explain', () => {
  it('tells the route of a request without sending it', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url, upstream.url]));
    const answer = await ask(router.url, {
      path: '/router/explain',
      body: { path: CHAT, headers: { 'x-agent-name': 'cpt' }, body: QUESTION },
    });
    const told = JSON.parse(answer.text) as { candidates: { deployment: string }[]; agent: string };
    expect([told.agent, told.candidates.map(({ deployment }) => deployment)]).toEqual([
      'cpt',
      ['A/gpt-4.1', 'B/gpt-4.1'],
    ]);
    expect(upstream.received).toHaveLength(0);
  });

  it.each([
    { what: 'no JSON', body: '{' },
    { what: 'no path', body: {} },
    { what: 'a path elsewhere', body: { path: '/router/status' } },
    { what: 'headers that are none', body: { path: CHAT, headers: { a: 1 }, body: QUESTION } },
    { what: 'a body that names nothing', body: { path: CHAT, body: {} } },
  ])('is refused with $what', async ({ body }) => {
    const { status, error } = await refusalOf({ call: { path: '/router/explain', body } });
    expect([status, error.code]).toEqual([400, 'invalid_request']);
  });
});

describe('many bad requests on one connection', () => {
  it('leave it usable, unless a body was left unread', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    const bad = (body: string): string =>
      `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const good = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 19\r\n\r\n{"model":"gpt-4.1"}`;
    const text = await exchange(router.url, bad('{') + bad('[]') + bad('{"model":"nobody"}') + good);
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 400', 'HTTP/1.1 400', 'HTTP/1.1 404', 'HTTP/1.1 200']);
    expect(upstream.received).toHaveLength(1);
  });

  it('do not let a leftover body become a request of its own', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]), { callerKeys: ['caller-key'] });
    const inner = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\napi-key: caller-key\r\ncontent-length: 19\r\n\r\n{"model":"gpt-4.1"}`;
    const outer = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: ${inner.length}\r\n\r\n`;
    const text = await exchange(router.url, outer + inner);
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 401']);
    expect(upstream.received).toHaveLength(0);
  });

  it('a request whose target is no path is answered, and so is the next one', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await begin(router.url, { method: 'OPTIONS', path: '*' });
    answer.resume();
    expect(answer.statusCode).toBe(404);
  });
});
