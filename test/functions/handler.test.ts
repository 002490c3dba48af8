/** The handler alone, called with the library's own types: outside the host the library runs in its test mode. */
import { HttpRequest, type HttpResponseInit, InvocationContext } from '@azure/functions';
import { describe, expect, test } from 'vitest';
import type { Answer, IncomingRequest } from '../../src/domain/message.ts';
import { HostCallers } from '../../src/functions/callers.ts';
import { httpHandler } from '../../src/functions/register.ts';
import { ManualClock } from '../harness/manualClock.ts';

function post(path: string, body: string | null = '{}', headers: Record<string, string> = {}): HttpRequest {
  return new HttpRequest({
    url: `https://router.azurewebsites.net${path}`,
    method: 'POST',
    headers,
    ...(body === null ? {} : { body: { string: body } }),
  });
}

async function handled(
  request: HttpRequest,
  answer: Answer | ((incoming: IncomingRequest) => Promise<Answer>),
): Promise<HttpResponseInit> {
  const router = {
    handle: (incoming: IncomingRequest) => (typeof answer === 'function' ? answer(incoming) : Promise.resolve(answer)),
  };
  return httpHandler(router, new ManualClock())(request, new InvocationContext());
}

function bodyText(response: HttpResponseInit): string {
  return Buffer.isBuffer(response.body) ? response.body.toString() : '';
}

/** As the library has it, and broken in one place. */
function brokenIn(place: 'url' | 'headers' | 'method' | 'body'): HttpRequest {
  const request = post('/');
  Object.defineProperty(request, place, {
    get: () => {
      throw new TypeError(`no ${place}`);
    },
  });
  return request;
}

/** What a careless library rejects with. */
const nothing = undefined as unknown as Error;

describe('a caller', () => {
  const bytes = async function* (): AsyncGenerator<Buffer, undefined> {
    yield await Promise.resolve(Buffer.from('one'));
    return undefined;
  };

  test.each<{ what: string; answer: Answer; isHere: boolean }>([
    { what: 'of a whole answer', answer: { status: 200, headers: [], body: Buffer.from('x') }, isHere: false },
    { what: 'of no body', answer: { status: 204, headers: [], body: null }, isHere: false },
    {
      what: 'of a stream',
      answer: { status: 200, headers: [], body: { [Symbol.asyncIterator]: bytes } },
      isHere: true,
    },
  ])('$what is here until it has all of it', async ({ answer, isHere }) => {
    const clock = new ManualClock();
    const callers = new HostCallers();
    const router = { handle: () => Promise.resolve(answer) };
    const { body } = await httpHandler(router, clock, callers)(post('/'), new InvocationContext());
    let dismissed = false;
    const dismissing = callers.dismiss(clock).then(() => {
      dismissed = true;
    });
    await clock.pass(100);
    expect(dismissed).toBe(!isHere);
    if (body instanceof ReadableStream) for await (const _ of body as ReadableStream<Uint8Array>);
    await clock.pass(100);
    await dismissing;
  });
});

describe('the handler', () => {
  test.each<{ what: string; request: HttpRequest; handle: (incoming: IncomingRequest) => Promise<Answer> }>([
    { what: 'an app that rejects', request: post('/'), handle: () => Promise.reject(new Error('a bug')) },
    {
      what: 'an app that throws at once',
      request: post('/'),
      handle: () => {
        throw new Error('a bug');
      },
    },
    {
      what: 'an app that rejects with nothing',
      request: post('/'),
      handle: () => Promise.reject(nothing),
    },
    {
      what: 'a request without a URL',
      request: brokenIn('url'),
      handle: () => Promise.reject(new Error('never called')),
    },
    {
      what: 'a request without headers',
      request: brokenIn('headers'),
      handle: () => Promise.reject(new Error('never called')),
    },
    {
      what: 'a request without a method',
      request: brokenIn('method'),
      handle: () => Promise.reject(new Error('never called')),
    },
    {
      what: 'an app that answers nothing',
      request: post('/'),
      handle: () => Promise.resolve(undefined as unknown as Answer),
    },
  ])('answers 500 in OpenAI’s shape for $what', async ({ request, handle }) => {
    const response = await handled(request, handle);
    expect(response.status).toBe(500);
    expect(JSON.parse(bodyText(response))).toMatchObject({ error: { code: 'internal', type: 'server_error' } });
  });

  test('hands in path and query as they were sent', async () => {
    const seen: string[] = [];
    await handled(post('/openai/deployments/A%2Fgpt-4.1/chat/completions?x=1&x=2&y=%2B'), (incoming) => {
      seen.push(incoming.method, incoming.target);
      return Promise.resolve({ status: 200, headers: [], body: null });
    });
    expect(seen).toEqual(['POST', '/openai/deployments/A%2Fgpt-4.1/chat/completions?x=1&x=2&y=%2B']);
  });

  test('keeps several cookies apart: of several Set-Cookie headers the worker would keep one', async () => {
    const response = await handled(post('/'), {
      status: 200,
      headers: ['set-cookie', 'a=1; Path=/', 'x-a', '1', 'Set-Cookie', 'b=2; HttpOnly'],
      body: null,
    });
    expect(response.cookies).toEqual([
      { name: 'a', value: '1', path: '/' },
      { name: 'b', value: '2', httpOnly: true },
    ]);
    expect(response.headers).toEqual([['x-a', '1']]);
  });

  test('writes the length of a body that is whole, and none for a stream', async () => {
    const whole = await handled(post('/'), { status: 200, headers: [], body: Buffer.from('é') });
    expect(whole.headers).toEqual([['content-length', '2']]);
    const stream = await handled(post('/'), { status: 200, headers: [], body: pieces('a') });
    expect(stream.headers).toEqual([]);
  });

  test('tells the stream behind a body that nobody reads on', async () => {
    let returned = false;
    async function* endless(): AsyncGenerator<Buffer, undefined> {
      try {
        for (;;) yield await Promise.resolve(Buffer.from('x'));
      } finally {
        returned = true;
      }
    }
    const { body } = await handled(post('/'), { status: 200, headers: [], body: endless() });
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    expect(returned).toBe(true);
  });

  test('ends a stream that fails: a body that errors would never end for the caller', async () => {
    const { body } = await handled(post('/'), { status: 200, headers: [], body: pieces('a', 'b', null) });
    const chunks: string[] = [];
    for await (const chunk of body as ReadableStream<Uint8Array>) chunks.push(Buffer.from(chunk).toString());
    expect(chunks).toEqual(['a', 'b']);
  });
});

/** Pieces one after the other; `null` throws. */
async function* pieces(...parts: readonly (string | null)[]): AsyncGenerator<Buffer, undefined> {
  for (const part of parts) {
    if (part === null) throw new Error('the rest was lost');
    yield await Promise.resolve(Buffer.from(part));
  }
}

describe('the source of a request', () => {
  test.each([
    { what: 'the address that the front end appended', forwarded: '6.6.6.6, 203.0.113.9:51234', source: '203.0.113.9' },
    { what: 'an address without a port', forwarded: '203.0.113.9', source: '203.0.113.9' },
    { what: 'an address of version 6', forwarded: '[2001:db8::1]:443', source: '[2001:db8::1]' },
    { what: 'one of version 6 without a port', forwarded: '2001:db8::1', source: '2001:db8::1' },
    { what: 'nothing where nobody says', forwarded: null, source: '' },
  ])('is $what', async ({ forwarded, source }) => {
    const seen: string[] = [];
    await handled(post('/', '{}', forwarded === null ? {} : { 'x-forwarded-for': forwarded }), (incoming) => {
      seen.push(incoming.source);
      return Promise.resolve({ status: 200, headers: [], body: null });
    });
    expect(seen).toEqual([source]);
  });
});
