import type { ServerResponse } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  ask,
  begin,
  CHAT,
  DATED_CHAT,
  keepAlive,
  QUESTION,
  type RawAnswer,
  type RawCall,
  STREAMED,
} from '../harness/raw.ts';
import { fleet, startRouter } from '../harness/router.ts';
import {
  chunk,
  DONE,
  FILTER_CHUNK,
  json,
  type Received,
  raw,
  type Script,
  startUpstream,
  stream,
} from '../harness/upstream.ts';

const V1 = { pools: { m: { members: ['A/its-name'] } } };

function endpoint(url: string, api: string, name = 'its-name'): object {
  return { endpoints: { A: { url, apiKey: 'key-of-A', api, deployments: { [name]: {} } } }, ...V1 };
}

/** One request through the router: what the caller got, and what the deployment was sent. */
async function through(script: Script, call: RawCall = {}, config: (url: string) => object = (url) => fleet([url])) {
  await using upstream = await startUpstream(script);
  await using router = await startRouter(config(upstream.url));
  const answer = await ask(router.url, { body: QUESTION, ...call });
  return { answer, sent: upstream.received[0] as Received, received: upstream.received };
}

function valuesOf({ rawHeaders }: Pick<RawAnswer, 'rawHeaders'>, wanted: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted);
}

describe('an unstreamed answer comes down byte for byte', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const text = Buffer.from('{"choices": []}');

  it.each([
    {
      what: 'JSON with odd spacing',
      status: 200,
      body: Buffer.from('\n{ "choices"\t:[ ] ,\r\n "usage" : null }\n\n'),
      headers: JSON_TYPE,
    },
    {
      what: 'fields nobody knows',
      status: 200,
      body: Buffer.from('{"choices":[],"new":{"deep":[1,{"x":null}]},"new":2}'),
      headers: JSON_TYPE,
    },
    {
      what: 'integers beyond 2^53 and odd numbers',
      status: 200,
      body: Buffer.from('{"seed":9007199254740993,"tiny":1.0e-400,"long":12345678901234567890123,"zero":-0.0}'),
      headers: JSON_TYPE,
    },
    {
      what: 'escapes as they were written',
      status: 200,
      body: Buffer.from('{"text":"\\u00e9\\/\\ud83d\\ude00 é 😀"}'),
      headers: JSON_TYPE,
    },
    { what: 'what is no JSON', status: 200, body: Buffer.from('this is not { JSON'), headers: JSON_TYPE },
    {
      what: 'gzip',
      status: 200,
      body: gzipSync(text),
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip', vary: 'Accept-Encoding' },
    },
    { what: 'br', status: 200, body: brotliCompressSync(text), headers: { ...JSON_TYPE, 'content-encoding': 'br' } },
    {
      what: 'a coding nobody knows',
      status: 200,
      body: Buffer.from('??'),
      headers: { ...JSON_TYPE, 'content-encoding': 'zz' },
    },
    {
      what: 'a compressed error',
      status: 400,
      body: gzipSync('{"error":{"code":"content_filter"}}'),
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
    },
    {
      what: 'bytes that are not UTF-8',
      status: 200,
      body: Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28, 0x80]),
      headers: { 'content-type': 'text/plain' },
    },
    { what: 'sound', status: 200, body: Buffer.alloc(300_000, 0xa5), headers: { 'content-type': 'audio/mpeg' } },
    { what: 'nothing', status: 200, body: Buffer.alloc(0), headers: JSON_TYPE },
    { what: 'an answer of 201', status: 201, body: text, headers: JSON_TYPE },
    {
      what: 'a redirection',
      status: 302,
      body: Buffer.from('moved'),
      headers: { location: 'https://elsewhere.test/', 'content-type': 'text/html' },
    },
    { what: 'a permanent redirection', status: 308, body: Buffer.alloc(0), headers: { location: '/openai/v2' } },
    {
      what: 'a refusal',
      status: 400,
      body: Buffer.from('{"error":{ "code":"bad","message":"no" } }'),
      headers: JSON_TYPE,
    },
    {
      what: 'a refusal in HTML',
      status: 413,
      body: Buffer.from('<html>too large</html>'),
      headers: { 'content-type': 'text/html' },
    },
    { what: 'a conflict', status: 409, body: text, headers: JSON_TYPE },
    { what: 'an unprocessable request', status: 422, body: text, headers: JSON_TYPE },
    { what: 'a legal reason', status: 451, body: text, headers: JSON_TYPE },
  ])('$what ($status)', async ({ status, body, headers }) => {
    const { answer } = await through(raw(status, body, headers));
    expect(answer.status).toBe(status);
    expect(answer.body.equals(body)).toBe(true);
    expect(answer.whole).toBe(true);
    for (const [name, value] of Object.entries(headers)) expect(answer.headers[name]).toBe(value);
  });

  it.each([204, 205, 304])('%i comes without a body, and the connection can be used again', async (status) => {
    await using upstream = await startUpstream((_, response) => void response.writeHead(status, { etag: '"x"' }).end());
    await using router = await startRouter(fleet([upstream.url]));
    using agent = keepAlive();
    for (const _ of [1, 2]) {
      const answer = await ask(router.url, { body: QUESTION, agent });
      expect(answer.status).toBe(status);
      expect(answer.body).toHaveLength(0);
      expect(answer.headers['etag']).toBe('"x"');
    }
    expect(upstream.received).toHaveLength(2);
  });

  it('20 MB come whole, though the router does not wait for them', async () => {
    const body = Buffer.alloc(20 * 1024 * 1024, 'answer ');
    const { answer } = await through(raw(200, body, { 'content-type': 'application/json' }));
    expect(answer.body.equals(body)).toBe(true);
  });

  it('an answer in many chunks has no byte more or less', async () => {
    const pieces = Array.from({ length: 50 }, (_, at) => Buffer.from(`${at},`.repeat(at)));
    const { answer } = await through((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (const piece of pieces) response.write(piece);
      response.end();
    });
    expect(answer.body.equals(Buffer.concat(pieces))).toBe(true);
  });
});

describe('a stream comes down byte for byte', () => {
  const EVENT = (text: string) => chunk(text);
  const crlf = (text: string): string => text.replaceAll('\n', '\r\n');
  const cr = (text: string): string => text.replaceAll('\n', '\r');
  const plain = FILTER_CHUNK + EVENT('one') + EVENT('two 😀 Ärzte') + DONE;

  const STREAMS = [
    { what: 'lines that end in LF', body: plain },
    { what: 'lines that end in CRLF', body: crlf(plain) },
    { what: 'lines that end in CR', body: cr(plain) },
    {
      what: 'comments between events',
      body: `: hello\n\n${FILTER_CHUNK}: wait\n\n${EVENT('x')}: more\n: and more\n\n${EVENT('y')}${DONE}`,
    },
    {
      what: 'ids, names, retry and unknown fields',
      body: `retry: 500\nid: 7\nevent: message\nodd: field\n${EVENT('x')}id\n${EVENT('y')}${DONE}`,
    },
    {
      what: 'data in several lines',
      body: `data: {"choices":[{"delta":\ndata: {"content":"x"}}]}\n\n${EVENT('y')}${DONE}`,
    },
    { what: 'blank lines to spare', body: `\n\n\n${EVENT('x')}\n\n\n\n${EVENT('y')}\n${DONE}\n\n` },
    { what: 'no blank line at the end', body: `${EVENT('x')}${EVENT('y')}data: [DONE]` },
    { what: 'no [DONE]', body: `${EVENT('x')}${EVENT('y')}` },
    {
      what: 'integers beyond 2^53',
      body: `data: {"choices":[{"delta":{"content":"x"}}],"seed":9007199254740993}\n\n${DONE}`,
    },
    {
      what: 'an error event after content',
      body: `${EVENT('x')}data: {"error":{"code":"server_error","message":"sorry"}}\n\n`,
    },
    { what: 'an event of 300 kB', body: EVENT('x') + EVENT('long '.repeat(60_000)) + DONE },
  ];

  it.each(STREAMS)('with $what', async ({ body }) => {
    const { answer } = await through(stream([body]), { body: STREAMED });
    expect(answer.text).toBe(body);
    expect(answer.whole).toBe(true);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    expect(answer.headers['content-length']).toBeUndefined();
  });

  it.each(STREAMS.filter(({ body }) => body.length < 2_000))(
    'cut in two at every byte, with $what',
    async ({ body }) => {
      const bytes = Buffer.from(body);
      let at = 0;
      await using upstream = await startUpstream((request, response) =>
        stream([bytes.subarray(0, at), bytes.subarray(at)])(request, response),
      );
      // Errors in streams count: no breaker shall open for them here.
      await using router = await startRouter(fleet([upstream.url], { breaker: { failures: 1_000_000 } }));
      using agent = keepAlive();
      for (at = 1; at < bytes.length; at++) {
        const answer = await ask(router.url, { body: STREAMED, agent });
        if (!answer.body.equals(bytes)) expect.fail(`cut at byte ${at}: ${JSON.stringify(answer.text)}`);
      }
      expect(upstream.received).toHaveLength(bytes.length - 1);
    },
  );

  it.each([
    { what: 'LF', body: plain },
    { what: 'CRLF', body: crlf(plain) },
    { what: 'CR', body: cr(plain) },
  ])('one byte at a time, with $what', async ({ body }) => {
    const bytes = Buffer.from(body);
    const { answer } = await through(stream(Array.from(bytes, (byte) => Buffer.of(byte))), { body: STREAMED });
    expect(answer.body.equals(bytes)).toBe(true);
  });

  it('that is compressed although nobody asked for it', async () => {
    const body = gzipSync(plain);
    const script: Script = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      response.end(body);
    };
    const { answer } = await through(script, { body: STREAMED });
    expect(answer.body.equals(body)).toBe(true);
    expect(answer.headers['content-encoding']).toBe('gzip');
  });

  it('asks proxies in between not to collect it, unless the deployment said how', async () => {
    const plainStream = await through(stream([plain]), { body: STREAMED });
    expect(plainStream.answer.headers['x-accel-buffering']).toBe('no');
    const script: Script = (_, response) =>
      void response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'yes' }).end(plain);
    expect((await through(script, { body: STREAMED })).answer.headers['x-accel-buffering']).toBe('yes');
  });

  it('event by event: each one is out before the next one is in', async () => {
    const sent: ServerResponse[] = [];
    await using upstream = await startUpstream((_, response) => {
      sent.push(response);
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(FILTER_CHUNK + EVENT('1'));
    });
    await using router = await startRouter(fleet([upstream.url]));
    const response = await fetch(router.url + CHAT, { method: 'POST', body: JSON.stringify(STREAMED) });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    for (let number = 1; number <= 5; number++) {
      while (!seen.includes(EVENT(String(number)))) seen += (await reader?.read())?.value ?? '';
      if (number < 5) sent[0]?.write(EVENT(String(number + 1)));
    }
    sent[0]?.end();
    expect((await reader?.read())?.done).toBe(true);
  });

  it.each([
    { what: 'LF', end: '\n' },
    { what: 'CRLF', end: '\r\n' },
    { what: 'CR', end: '\r' },
  ])('event by event, wherever an event is cut in two ($what)', async ({ end }) => {
    const event = chunk('é').replaceAll('\n', end);
    const bytes = Buffer.from(event);
    const begun = Promise.withResolvers<ServerResponse>();
    await using upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(event);
      begun.resolve(response);
    });
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await begin(router.url, { body: STREAMED });
    const pieces = answer.iterator();
    const response = await begun.promise;
    const write = (part: Buffer): Promise<void> =>
      new Promise((resolve) => response.write(part, () => setTimeout(resolve, 1)));
    let seen = Buffer.alloc(0);
    for (let cut = 0; cut < bytes.length; cut++) {
      if (cut > 0) {
        await write(bytes.subarray(0, cut));
        await write(bytes.subarray(cut));
      }
      while (seen.length < (cut + 1) * bytes.length) {
        seen = Buffer.concat([seen, (await pieces.next()).value as Buffer]);
      }
    }
    expect(seen.toString()).toBe(event.repeat(bytes.length));
    response.end();
  });
});

describe('towards a dated deployment', () => {
  it.each([
    { what: 'odd spacing', body: '\r\n { "messages" : [ ] ,\t"model":\n"m" } \n' },
    { what: 'no model at all', body: '{"messages":[]}' },
    { what: "another deployment's name as model", body: '{"model":"whatever","messages":[]}' },
    { what: 'a model that is no text', body: '{"model":17,"messages":[]}' },
    { what: 'the same key twice', body: '{"model":"a","messages":[],"model":"b","n":1,"n":2}' },
    { what: 'integers beyond 2^53', body: '{"messages":[],"seed":9007199254740993,"big":1e999}' },
    { what: 'unicode, escaped and not', body: '{"messages":[{"content":"\\u00e9 é 😀 \\ud83d\\ude00"}]}' },
    {
      what: 'bytes in a text that are not UTF-8',
      body: Buffer.from([...Buffer.from('{"messages":["'), 0xff, 0xc3, 0x28, ...Buffer.from('"]}')]),
    },
    { what: 'a body of 3 MB', body: `{"messages":["${'x'.repeat(3_000_000)}"]}` },
  ])('the body stays the very same: $what', async ({ body }) => {
    const path = '/openai/deployments/m/chat/completions?api-version=2024-10-21';
    const { sent, answer } = await through(json(200, {}), { path, body }, (url) => endpoint(url, '2025-01-01-preview'));
    expect(answer.status).toBe(200);
    expect(sent.body.equals(Buffer.from(body))).toBe(true);
    expect(sent.url).toBe('/openai/deployments/its-name/chat/completions?api-version=2025-01-01-preview');
    expect(sent.headers['content-length']).toBe(String(sent.body.length));
  });

  it('the body stays the very same where a v1 caller named the model in it', async () => {
    const body = '{ "model": "m", "messages": [] , "seed":9007199254740993}';
    const { sent } = await through(json(200, {}), { body }, (url) => endpoint(url, '2025-01-01-preview'));
    expect(sent.body.toString()).toBe(body);
    expect(sent.url).toBe('/openai/deployments/its-name/chat/completions?api-version=2025-01-01-preview');
  });

  it("a response names the deployment in its body, in the endpoint's version", async () => {
    const { sent } = await through(
      json(200, { id: 'resp_1' }),
      { path: '/v1/responses', body: '{"input":"x", "model":"m"}' },
      (url) => endpoint(url, '2025-04-01-preview'),
    );
    expect(sent.url).toBe('/openai/responses?api-version=2025-04-01-preview');
    expect(sent.body.toString()).toBe('{"input":"x", "model":"its-name"}');
  });

  it("a deployment's odd name is encoded in the path", async () => {
    const { sent } = await through(json(200, {}), { body: '{"model":"A/odd+name:1@x"}' }, (url) => ({
      ...endpoint(url, '2024-10-21', 'odd+name:1@x'),
      pools: { m: { members: ['A/odd+name:1@x'] } },
    }));
    expect(sent.url).toBe('/openai/deployments/odd%2Bname%3A1%40x/chat/completions?api-version=2024-10-21');
  });
});

describe('towards v1 nothing but the value of model differs', () => {
  it.each([
    { what: 'first', body: '{"model":"m","messages":[]}', sent: '{"model":"its-name","messages":[]}' },
    {
      what: 'last, with odd spacing',
      body: '{ "messages" : [] ,\n"model"\t: "m"\r\n}',
      sent: '{ "messages" : [] ,\n"model"\t: "its-name"\r\n}',
    },
    {
      what: 'its key written with escapes',
      body: '{"\\u006dodel":"m","x":1}',
      sent: '{"\\u006dodel":"its-name","x":1}',
    },
    { what: 'its value written with escapes', body: '{"model":"\\u006d","x":1}', sent: '{"model":"its-name","x":1}' },
    {
      what: 'given twice',
      body: '{"model":"other","x":1,"model":"m"}',
      sent: '{"model":"its-name","x":1,"model":"its-name"}',
    },
    {
      what: 'and also within',
      body: '{"messages":[{"model":"m"}],"model":"m","tools":{"model":"m"}}',
      sent: '{"messages":[{"model":"m"}],"model":"its-name","tools":{"model":"m"}}',
    },
    {
      what: 'spelled in a text',
      body: '{"a":"\\"model\\":\\"m\\"","model":"m"}',
      sent: '{"a":"\\"model\\":\\"m\\"","model":"its-name"}',
    },
    {
      what: 'beside integers beyond 2^53',
      body: '{"seed":9007199254740993,"model":"m","t":1.10}',
      sent: '{"seed":9007199254740993,"model":"its-name","t":1.10}',
    },
    {
      what: 'beside unicode',
      body: '{"user":"Ärztin 😀","model":"m"}',
      sent: '{"user":"Ärztin 😀","model":"its-name"}',
    },
    { what: 'named already as the deployment is', body: '{"model":"its-name" }', sent: '{"model":"its-name" }' },
  ])('$what', async ({ body, sent: expected }) => {
    const config = (url: string) => ({
      ...endpoint(url, 'v1'),
      pools: { m: { members: ['A/its-name'] }, 'its-name': { members: ['A/its-name'] } },
    });
    const { sent, answer } = await through(json(200, {}), { body }, config);
    expect(answer.status).toBe(200);
    expect(sent.body.toString()).toBe(expected);
    expect(sent.url).toBe('/openai/v1/chat/completions');
    expect(sent.headers['content-length']).toBe(String(Buffer.byteLength(expected)));
  });

  it.each([
    { what: 'none', body: '{"messages":[]}', sent: '{"model":"its-name","messages":[]}' },
    { what: 'none in an empty object', body: ' { } ', sent: ' {"model":"its-name" } ' },
    { what: 'another one', body: '{"model":"gpt-x","messages":[]}', sent: '{"model":"its-name","messages":[]}' },
    { what: 'one that is no text', body: '{"model":null,"x":[1]}', sent: '{"model":"its-name","x":[1]}' },
  ])('a dated caller with $what in the body gets it put in', async ({ body, sent: expected }) => {
    const { sent } = await through(
      json(200, {}),
      { path: '/openai/deployments/m/chat/completions?api-version=2024-10-21', body },
      (url) => endpoint(url, 'v1'),
    );
    expect(sent.body.toString()).toBe(expected);
  });
});

describe('a multipart form', () => {
  const noise = Buffer.from([0, 0xff, 0x0d, 0x0a, 0x2d, 0x2d, 0x80, 0x0d, 0x0a]);
  const part = (headers: string, value: Buffer | string): Buffer =>
    Buffer.concat([Buffer.from(`--b0undary\r\n${headers}\r\n\r\n`), Buffer.from(value), Buffer.from('\r\n')]);
  const file = part(
    'Content-Disposition: form-data; name="file"; filename="model.wav"\r\nContent-Type: audio/wav',
    noise,
  );
  const language = part('Content-Disposition: form-data; name="language"', 'de');
  const model = (name: string): Buffer => part('content-disposition: form-data; name="model"', name);
  const form = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, Buffer.from('--b0undary--\r\n')]);
  const headers = [['content-type', 'multipart/form-data; boundary=b0undary']] as const;

  it.each([
    { where: 'first', body: form(model('m'), file, language), sent: form(model('its-name'), file, language) },
    { where: 'last', body: form(file, language, model('m')), sent: form(file, language, model('its-name')) },
  ])('reaches v1 with its model, which stands $where, exchanged', async ({ body, sent: expected }) => {
    const { sent } = await through(json(200, {}), { path: '/v1/audio/transcriptions', headers, body }, (url) =>
      endpoint(url, 'v1'),
    );
    expect(sent.url).toBe('/openai/v1/audio/transcriptions');
    expect(sent.body.equals(expected)).toBe(true);
    expect(sent.headers['content-type']).toBe('multipart/form-data; boundary=b0undary');
  });

  it('reaches v1 with a model put in where a dated caller had none', async () => {
    const { sent } = await through(
      json(200, {}),
      { path: '/openai/deployments/m/audio/transcriptions', headers, body: form(file, language) },
      (url) => endpoint(url, 'v1'),
    );
    const text = sent.body.toString('latin1');
    expect(text.endsWith(form(file, language).toString('latin1'))).toBe(true);
    expect(text.match(/name="model"\r\n\r\nits-name\r\n/g)).toHaveLength(1);
  });

  it('reaches a dated deployment untouched', async () => {
    const body = form(file, model('m'), language);
    const { sent } = await through(json(200, {}), { path: '/v1/audio/transcriptions', headers, body }, (url) =>
      endpoint(url, '2024-10-21'),
    );
    expect(sent.url).toBe('/openai/deployments/its-name/audio/transcriptions?api-version=2024-10-21');
    expect(sent.body.equals(body)).toBe(true);
  });
});

describe('headers on the way up', () => {
  const KEPT_BACK = [
    ['api-key', 'of the caller'],
    ['Authorization', 'Bearer of-the-caller'],
    ['x-api-key', 'of the caller'],
    ['Cookie', 'a=b'],
    ['x-functions-key', 'secret'],
    ['Ocp-Apim-Subscription-Key', 'secret'],
    ['Proxy-Authorization', 'Basic secret'],
    ['X-Forwarded-For', '10.0.0.1'],
    ['X-Forwarded-Host', 'internal'],
    ['Forwarded', 'for=10.0.0.1'],
    ['X-Real-IP', '10.0.0.1'],
    ['X-ARR-SSL', 'x'],
    ['X-MS-CLIENT-PRINCIPAL', 'who'],
    ['X-MS-TOKEN-AAD-ACCESS-TOKEN', 'token'],
    ['x-agent-name', 'cpt_agent'],
    ['X-Creator', 'c'],
    ['X-Operation', 'o'],
    ['x-router-failover', 'on'],
    ['X-Router-Deadline-Ms', '5000'],
    ['Keep-Alive', 'timeout=5'],
    ['TE', 'trailers'],
    ['Upgrade', 'h2c'],
    ['Proxy-Connection', 'of-that-proxy'],
  ] as const;
  const PASSED = [
    ['x-unknown', 'of the caller'],
    ['X-MS-Client-Request-Id', '7'],
    ['User-Agent', 'AzureOpenAI/JS 7.55.0'],
    ['x-stainless-lang', 'js'],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['Accept', 'application/json'],
    ['Accept-Encoding', 'gzip, br'],
    ['OpenAI-Beta', 'assistants=v2'],
    ['x-latin1', 'caf\u00e9'],
  ] as const;

  it.each(KEPT_BACK)('%s stays behind', async (name, value) => {
    const { sent, answer } = await through(json(200, {}), { headers: [[name, value]] });
    expect(answer.status).toBe(200);
    const ours = name === 'api-key' ? ['key-of-A'] : [];
    expect(valuesOf(sent, name.toLowerCase())).toEqual(ours);
    if (value.length > 3) expect(sent.rawHeaders.join('\n')).not.toContain(`${value}\n`);
  });

  it.each(PASSED)('%s goes up as it came', async (name, value) => {
    const { sent } = await through(json(200, {}), { headers: [[name, value]] });
    expect(valuesOf(sent, name.toLowerCase())).toEqual([value]);
  });

  it('a header that comes several times goes up as often', async () => {
    const { sent } = await through(json(200, {}), {
      headers: [
        ['x-many', 'one'],
        ['x-other', 'x'],
        ['X-Many', 'two'],
      ],
    });
    expect(valuesOf(sent, 'x-many')).toEqual(['one', 'two']);
  });

  it('what Connection names is of that connection only', async () => {
    const { sent } = await through(json(200, {}), {
      headers: [
        ['Connection', 'close, X-Private , x-other'],
        ['x-private', 'yes'],
        ['X-Other', 'yes'],
        ['x-public', 'yes'],
      ],
    });
    expect(valuesOf(sent, 'x-private')).toEqual([]);
    expect(valuesOf(sent, 'x-other')).toEqual([]);
    expect(valuesOf(sent, 'x-public')).toEqual(['yes']);
  });

  it('what a second Connection header names is, too', async () => {
    const { sent } = await through(json(200, {}), {
      headers: [
        ['Connection', 'keep-alive'],
        ['Connection', 'x-private'],
        ['x-private', 'yes'],
      ],
    });
    expect(valuesOf(sent, 'x-private')).toEqual([]);
  });

  it("the endpoint's own key and host are put on, once", async () => {
    const { sent } = await through(json(200, {}), { headers: [['host', 'router.example.test']] });
    expect(valuesOf(sent, 'api-key')).toEqual(['key-of-A']);
    expect(valuesOf(sent, 'host')).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  });

  it('a stream is asked for uncompressed, so that its events can be read', async () => {
    const { sent } = await through(stream([chunk('x'), DONE]), {
      body: STREAMED,
      headers: [['accept-encoding', 'gzip']],
    });
    expect(valuesOf(sent, 'accept-encoding')).toEqual(['identity']);
  });

  it('a body in chunks of unknown number goes up with its length', async () => {
    const { sent } = await through(json(200, {}), { headers: [['transfer-encoding', 'chunked']] });
    expect(sent.headers['transfer-encoding']).toBeUndefined();
    expect(sent.body.toString()).toBe(JSON.stringify(QUESTION));
  });
});

describe('headers on the way down', () => {
  const PASSED = {
    'x-ms-region': 'East US 2',
    'x-ms-client-request-id': '7',
    'apim-request-id': 'a-b-c',
    'x-request-id': 'r',
    'x-ratelimit-remaining-requests': '99',
    'x-ratelimit-remaining-tokens': '-1',
    'openai-processing-ms': '12',
    'openai-model': 'gpt',
    'azure-openai-deployment-utilization': '12.5%',
    'retry-after': '3',
    'retry-after-ms': '2500',
    'x-content-type-options': 'nosniff',
    'x-new-header': 'of tomorrow',
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-cache, must-revalidate',
    etag: 'W/"1"',
    date: 'Tue, 01 Jan 2030 00:00:00 GMT',
  };

  it('the end-to-end ones come as they were', async () => {
    const { answer } = await through(raw(200, Buffer.from('{}'), PASSED));
    for (const [name, value] of Object.entries(PASSED)) expect([name, valuesOf(answer, name)]).toEqual([name, [value]]);
  });

  it('those of one connection, those it names, and those of a host stay behind', async () => {
    const { answer } = await through(
      raw(200, Buffer.from('{}'), {
        connection: 'close, x-private',
        'keep-alive': 'timeout=99',
        'x-private': 'yes',
        'proxy-authenticate': 'Basic',
        'strict-transport-security': 'max-age=1',
        'alt-svc': 'h3=":443"',
        'x-router-route': 'forged',
        'x-public': 'yes',
      }),
    );
    for (const name of ['x-private', 'proxy-authenticate', 'strict-transport-security', 'alt-svc'])
      expect([name, answer.headers[name]]).toEqual([name, undefined]);
    expect(answer.headers['keep-alive']).not.toBe('timeout=99');
    expect(answer.headers['x-router-route']).toBe('A/gpt-4.1:ok');
    expect(answer.headers['x-public']).toBe('yes');
  });

  it('several Set-Cookie headers stay several', async () => {
    const cookies = ['a=1; Path=/; HttpOnly', 'b=2; Expires=Tue, 01 Jan 2030 00:00:00 GMT', 'c=3'];
    const { answer } = await through(raw(200, Buffer.from('{}'), { 'set-cookie': cookies }));
    expect(valuesOf(answer, 'set-cookie')).toEqual(cookies);
  });

  it('our key comes down in none of them', async () => {
    const { answer } = await through(json(401, { statusCode: 401 }), { headers: [['x-router-failover', 'off']] });
    expect(answer.status).toBe(401);
    expect(answer.rawHeaders.join('\n') + answer.text).not.toContain('key-of-A');
  });
});

describe('the query', () => {
  it.each([
    {
      what: "the caller's version is replaced",
      query: '?api-version=2023-05-15',
      api: '2025-01-01-preview',
      sent: '?api-version=2025-01-01-preview',
    },
    {
      what: 'a version is put on where there was none',
      query: '',
      api: '2025-01-01-preview',
      sent: '?api-version=2025-01-01-preview',
    },
    { what: 'and taken away towards v1', query: '?api-version=2023-05-15', api: 'v1', sent: '' },
    {
      what: 'other parameters stay, as written',
      query: '?x=1&api-version=1&x=%C3%A9+&y',
      api: '2025-01-01-preview',
      sent: '?api-version=2025-01-01-preview&x=1&x=%C3%A9+&y',
    },
    { what: 'a Functions key stays behind', query: '?code=s3cret&x=1', api: 'v1', sent: '?x=1' },
    { what: 'also with its name in escapes', query: '?%63ode=s3cret&API-VERSION=1', api: 'v1', sent: '' },
    { what: 'an API Management key stays behind', query: '?subscription-key=s3cret', api: 'v1', sent: '' },
    {
      what: 'api-version=preview means something to v1',
      query: '?api-version=preview',
      api: 'v1',
      sent: '?api-version=preview',
    },
  ])('$what', async ({ query, api, sent: expected }) => {
    const { sent } = await through(json(200, {}), { path: `${CHAT}${query}`, body: { model: 'm' } }, (url) =>
      endpoint(url, api),
    );
    expect(sent.url.replace(/^[^?]*/, '')).toBe(expected);
  });
});

describe('what only one endpoint can answer', () => {
  it.each([
    {
      what: 'files',
      method: 'GET',
      path: '/openai/v1/files?limit=5',
      body: undefined,
      sent: '/openai/v1/files?limit=5',
    },
    {
      what: 'a file under the dated dialect',
      method: 'GET',
      path: '/openai/files/f-1/content?api-version=1',
      body: undefined,
      sent: '/openai/v1/files/f-1/content',
    },
    {
      what: 'a deletion',
      method: 'DELETE',
      path: '/v1/vector_stores/x%2Fy',
      body: undefined,
      sent: '/openai/v1/vector_stores/x%2Fy',
    },
    { what: 'a body that is no JSON', method: 'POST', path: '/v1/odd', body: 'any bytes', sent: '/openai/v1/odd' },
    { what: 'a PATCH', method: 'PATCH', path: '/v1/things/1', body: '{"a":1}', sent: '/openai/v1/things/1' },
  ])('$what: goes to the default pool’s first endpoint as it came', async ({ method, path, body, sent: expected }) => {
    const call: RawCall = { method, path, ...(body === undefined ? {} : { body }) };
    await using upstream = await startUpstream(json(200, { ok: 1 }));
    await using other = await startUpstream(json(200, {}));
    await using router = await startRouter({
      endpoints: {
        A: { url: upstream.url, apiKey: 'key-of-A', api: 'v1', deployments: { 'gpt-4.1': {} } },
        B: { url: other.url, apiKey: 'key-of-B', api: 'v1', deployments: { 'gpt-4.1': {} } },
      },
    });
    const answer = await ask(router.url, call);
    expect(answer.status).toBe(200);
    const [sent] = upstream.received;
    expect([sent?.method, sent?.url, sent?.body.toString()]).toEqual([method, expected, body ?? '']);
    expect(other.received).toHaveLength(0);
  });

  it('HEAD is answered without a body', async () => {
    const { answer, sent } = await through((_, response) => void response.writeHead(200, { 'x-size': '7' }).end(), {
      method: 'HEAD',
      path: '/v1/files',
      body: '',
    });
    expect([answer.status, answer.headers['x-size'], answer.body.length]).toEqual([200, '7', 0]);
    expect(sent.method).toBe('HEAD');
  });

  it.each([
    { what: 'HEAD', status: 200, call: { method: 'HEAD', path: '/v1/files/f/content', body: '' } },
    { what: 'not modified', status: 304, call: { method: 'GET', path: '/v1/files/f', body: '' } },
  ])('tells the length of what does not follow, and of no tokens: $what', async ({ status, call }) => {
    await using upstream = await startUpstream(
      (_, response) => void response.writeHead(status, { 'content-length': '4711' }).end(),
    );
    await using router = await startRouter(fleet([upstream.url]));
    using agent = keepAlive();
    for (const _ of [1, 2]) {
      const { headers, body, ...answer } = await ask(router.url, { ...call, agent });
      expect([answer.status, headers['content-length'], body.length]).toEqual([status, '4711', 0]);
      expect([headers['x-router-tokens'], headers['x-router-cost-usd']]).toEqual([undefined, undefined]);
    }
  });
});

describe('what the router says of an answer', () => {
  it('stands in headers: who served, after how many attempts, by which route, for how long', async () => {
    const { answer } = await through(json(200, {}), { path: DATED_CHAT });
    expect(answer.headers).toMatchObject({
      'x-router-deployment': 'A/gpt-4.1',
      'x-router-endpoint': 'A',
      'x-router-attempts': '1',
      'x-router-route': 'A/gpt-4.1:ok',
      'x-router-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'server-timing': expect.stringMatching(/router;dur=[\d.]+, upstream;dur=[\d.]+$/) as string,
    });
  });

  it("keeps the deployment's own server-timing", async () => {
    const { answer } = await through(json(200, {}, { 'server-timing': 'model;dur=5' }));
    expect(answer.headers['server-timing']).toMatch(/^model;dur=5, router;dur=/);
  });
});
