import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/clocks.ts';
import { asRouterError } from '../../src/domain/errors.ts';
import type { Answer, IncomingRequest } from '../../src/domain/message.ts';
import { errorAnswer } from '../../src/http/errors.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { answersIn, rawClient } from './rawClient.ts';

type Handle = (request: IncomingRequest) => Answer | Promise<Answer>;

const text = (body: string, status = 200): Answer => ({
  status,
  headers: ['content-type', 'text/plain'],
  body: Buffer.from(body),
});
const echo: Handle = async (request) =>
  text(
    `${request.method} ${request.target} ${(await request.readBody({ maxBytes: 1_000, withinMs: 60_000 })).toString()}`,
  );

async function serving(handle: Handle, clock = systemClock): Promise<RunningServer> {
  const app = {
    handle: async (request: IncomingRequest) => {
      try {
        return await handle(request);
      } catch (error) {
        return errorAnswer(asRouterError(error), 'id');
      }
    },
  };
  const server = await startServer({ app, clock, host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.drain(0));
  return server;
}

/** A stream that the test feeds by hand. */
function handStream() {
  const chunks: (Buffer | 'end' | 'fail')[] = [];
  let wake: () => void = () => undefined;
  const state = { returned: false };
  async function* read(): AsyncGenerator<Buffer, undefined> {
    try {
      for (;;) {
        while (chunks.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const next = chunks.shift();
        if (next === 'end' || next === undefined) return undefined;
        if (next === 'fail') throw new Error('the rest was lost');
        yield next;
      }
    } finally {
      state.returned = true;
    }
  }
  const push = (chunk: string): void => {
    chunks.push(chunk === 'end' || chunk === 'fail' ? chunk : Buffer.from(chunk));
    wake();
  };
  return { body: read(), push, state };
}

describe('broken HTTP', () => {
  test.each([
    { what: 'no HTTP at all', bytes: 'hello\r\n\r\n' },
    { what: 'the beginning of TLS', bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
    { what: 'a header without a colon', bytes: 'GET / HTTP/1.1\r\nhost: x\r\nbroken\r\n\r\n' },
    { what: 'a space in a header’s name', bytes: 'GET / HTTP/1.1\r\nhost: x\r\na b: c\r\n\r\n' },
    { what: 'two lengths', bytes: 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab' },
    {
      what: 'a length and chunks',
      bytes: 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    },
    { what: 'a length that is no number', bytes: 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n' },
  ])('is answered 400 in OpenAI’s shape for $what, and the connection closed', async ({ bytes }) => {
    const { url } = await serving(echo);
    const client = await rawClient(url);
    client.write(Buffer.from(bytes, 'latin1'));
    const [answer] = answersIn(await client.closed);
    expect(answer?.status).toBe(400);
    expect(answer?.head).toContain('content-type: application/json');
    expect(answer?.head).toContain('connection: close');
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({
      error: { code: 'invalid_request', type: 'invalid_request_error' },
    });
  });

  test('is answered 431 for headers without end', async () => {
    const { url } = await serving(echo);
    const client = await rawClient(url);
    client.write(`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(300_000)}\r\n\r\n`);
    const [answer] = answersIn(await client.closed);
    expect(answer?.status).toBe(431);
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: { code: 'request_too_large' } });
  });

  test('hands thousands of headers to the app, which has its own bounds', async () => {
    const { url } = await serving((request) => text(String(request.headers.length / 2)));
    const client = await rawClient(url);
    client.write(`GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(5_000)}\r\n`);
    expect(await client.until('5001')).toContain('HTTP/1.1 200');
  });

  test('is not what expects something that nobody knows', async () => {
    const { url } = await serving(echo);
    const client = await rawClient(url);
    client.write('GET /a HTTP/1.1\r\nhost: x\r\nexpect: miracles\r\n\r\n');
    expect(await client.until('/a')).toContain('HTTP/1.1 200');
  });

  test('disturbs nobody else', async () => {
    const { url } = await serving(echo);
    const broken = await rawClient(url);
    const other = await rawClient(url);
    other.write('GET /a HTTP/1.1\r\nhost: x\r\n');
    broken.write('nonsense\r\n\r\n');
    await broken.closed;
    other.write('\r\n');
    expect(await other.until('GET /a')).toContain('200 OK');
  });
});

describe('one connection', () => {
  test('takes one request after the other, also behind an error', async () => {
    const { url } = await serving((request) => (request.target === '/bad' ? text('no', 400) : echo(request)));
    const client = await rawClient(url);
    client.write('GET /bad HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.until('\r\n\r\nno');
    client.write('POST /good HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi');
    await client.until('POST /good hi');
    expect(answersIn(client.text).map(({ status, head }) => [status, head.includes('connection: close')])).toEqual([
      [400, false],
      [200, false],
    ]);
  });

  test('answers requests that came all at once in their order', async () => {
    const release: (() => void)[] = [];
    const { url } = await serving(async (request) => {
      if (request.target === '/1') await new Promise<void>((resolve) => release.push(resolve));
      return echo(request);
    });
    const client = await rawClient(url);
    client.write(
      'GET /1 HTTP/1.1\r\nhost: x\r\n\r\nPOST /2 HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nbGET /3 HTTP/1.1\r\nhost: x\r\n\r\n',
    );
    while (release.length === 0) await settled();
    await settled();
    expect(client.text).toBe('');
    release[0]?.();
    await client.until('GET /3');
    expect(answersIn(client.text).map(({ body }) => body)).toEqual(['GET /1 ', 'POST /2 b', 'GET /3 ']);
  });

  test('is closed behind an answer whose request’s body nobody read: its rest would be taken for a request', async () => {
    const { url } = await serving(() => text('refused', 401));
    const client = await rawClient(url);
    client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n');
    const answers = answersIn(await client.closed);
    expect(answers.map(({ status }) => status)).toEqual([401]);
    expect(answers[0]?.head).toContain('connection: close');
  });

  test.each([
    { what: 'by its length', head: 'content-length: 100000', body: 'x' },
    { what: 'by what came of it', head: 'transfer-encoding: chunked', body: `2000\r\n${'x'.repeat(0x2000)}\r\n` },
  ])('is answered 413 and closed for a body too large $what', async ({ head, body }) => {
    const { url } = await serving(echo);
    const client = await rawClient(url);
    client.write(`POST / HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n${body}`);
    const [answer] = answersIn(await client.closed);
    expect(answer?.status).toBe(413);
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: { code: 'request_too_large' } });
  });

  test('is answered 408 and closed for a body that stalls', async () => {
    const clock = new ManualClock();
    const { url } = await serving(echo, clock);
    const client = await rawClient(url);
    client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf');
    while (clock.pending === 0) await settled();
    clock.advance(60_000);
    const [answer] = answersIn(await client.closed);
    expect(answer?.status).toBe(408);
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ error: { code: 'deadline_exceeded' } });
  });

  test('that breaks off within a body leaves nothing behind', async () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const { url } = await serving(async (request) => {
      try {
        return await echo(request);
      } catch (error) {
        errors.push(error);
        throw error;
      }
    }, clock);
    const client = await rawClient(url);
    client.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf');
    while (clock.pending === 0) await settled();
    client.destroy();
    while (errors.length === 0) await settled();
    expect(errors[0]).toMatchObject({ code: 'invalid_request' });
    expect(clock.pending).toBe(0);
  });

  test('gets a whole body that comes in chunks', async () => {
    const { url } = await serving(echo);
    const client = await rawClient(url);
    client.write('POST /c HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
    expect(await client.until('POST /c abcde')).toContain('200 OK');
  });
});

describe('HEAD', () => {
  test.each([
    { what: 'a whole body', answer: text('hello') },
    { what: 'no body', answer: { status: 200, headers: [], body: null } },
  ])('is answered with headers alone where the app has $what, and the connection goes on', async ({ answer }) => {
    const { url } = await serving((request) => (request.method === 'HEAD' ? answer : echo(request)));
    const client = await rawClient(url);
    client.write('HEAD / HTTP/1.1\r\nhost: x\r\n\r\n');
    await client.until('\r\n\r\n');
    client.write('GET /next HTTP/1.1\r\nhost: x\r\n\r\n');
    const all = await client.until('GET /next');
    const [head, rest = ''] = all.split('\r\n\r\n', 2);
    expect(head).toMatch(/^HTTP\/1\.1 200/);
    expect(head?.toLowerCase()).not.toContain('transfer-encoding');
    expect(rest).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('a stream', () => {
  test('leaves as it comes, and its failure breaks the connection off', async () => {
    const hand = handStream();
    const { url } = await serving(() => ({ status: 200, headers: [], body: hand.body }));
    const client = await rawClient(url);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    hand.push('first');
    await client.until('first');
    hand.push('fail');
    expect(await client.closed).not.toContain('\r\n0\r\n\r\n');
  });

  test('is ended upstream when its caller leaves', async () => {
    const gone: boolean[] = [];
    const hand = handStream();
    const { url } = await serving((request) => {
      request.caller.onGone(() => {
        gone.push(request.caller.gone);
        hand.push('more');
      });
      return { status: 200, headers: [], body: hand.body };
    });
    const client = await rawClient(url);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    hand.push('first');
    await client.until('first');
    client.destroy();
    while (!hand.state.returned) await settled();
    expect(gone).toEqual([true]);
  });

  test('is not begun for a caller who left before: it is told so', async () => {
    const asked: string[] = [];
    const body: AsyncIterableIterator<Buffer, undefined> = {
      [Symbol.asyncIterator]: () => body,
      next: () => {
        asked.push('next');
        return Promise.resolve({ done: true, value: undefined });
      },
      return: () => {
        asked.push('return');
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    const { url } = await serving(async (request) => {
      await new Promise<void>((resolve) => void request.caller.onGone(resolve));
      return { status: 200, headers: [], body };
    });
    const client = await rawClient(url);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await settled();
    client.destroy();
    while (asked.length === 0) await settled();
    expect(asked).toEqual(['return']);
  });

  test('waits for a caller who reads slowly', async () => {
    let taken = 0;
    const piece = Buffer.alloc(256 * 1024, 'x');
    async function* endless(): AsyncGenerator<Buffer, undefined> {
      for (;;) {
        taken++;
        yield await Promise.resolve(piece);
      }
    }
    const { url } = await serving(() => ({ status: 200, headers: [], body: endless() }));
    const { connect } = await import('node:net');
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    let before = -1;
    while (before !== taken || taken === 0) {
      before = taken;
      for (let round = 0; round < 50; round++) await settled();
    }
    // What the two ends of a loopback connection hold, and no more.
    expect(taken).toBeLessThan(200);
  });
});

describe('draining', () => {
  test('lets a running stream end, refuses new connections, and resolves once all is over', async () => {
    const hand = handStream();
    const server = await serving(
      (request) => (request.target === '/' ? { status: 200, headers: [], body: hand.body } : echo(request)),
      new ManualClock(),
    );
    const running = await rawClient(server.url);
    const idle = await rawClient(server.url);
    idle.write('GET /done HTTP/1.1\r\nhost: x\r\n\r\n');
    await idle.until('GET /done');
    running.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    hand.push('first');
    await running.until('first');
    let drained = false;
    const draining = server.drain(10_000).then(() => {
      drained = true;
    });
    await idle.closed;
    await expect(rawClient(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(drained).toBe(false);
    hand.push('last');
    hand.push('end');
    expect(await running.closed).toMatch(/last\r\n0\r\n\r\n$/);
    await draining;
  });

  test('does not wait for a connection on which nothing was ever asked', async () => {
    const server = await serving(echo, new ManualClock());
    const silent = await rawClient(server.url);
    await settled();
    await server.drain(10_000);
    expect(await silent.closed).toBe('');
  }, 3_000);

  test('ends what is still running after its grace', async () => {
    const clock = new ManualClock();
    const hand = handStream();
    const server = await serving(() => ({ status: 200, headers: [], body: hand.body }), clock);
    const running = await rawClient(server.url);
    running.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    hand.push('first');
    await running.until('first');
    const draining = server.drain(10_000);
    clock.advance(10_000);
    await settled();
    clock.advance(1_000);
    await running.closed;
    await draining;
    expect(clock.pending).toBe(0);
  });

  test('tells who is left at the end of its grace, and lets their answers end in order', async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    let here = 0;
    const server = await serving(async (request) => {
      const { target, caller } = request;
      here++;
      await new Promise<void>((resolve) => void caller.onGone(resolve));
      told.push(`${target}: ${caller.gone} ${caller.dismissed ?? false}`);
      return text('the last word', 503);
    }, clock);
    const [one, other] = await Promise.all([rawClient(server.url), rawClient(server.url)]);
    one.write('GET /1 HTTP/1.1\r\nhost: x\r\n\r\n');
    other.write('GET /2 HTTP/1.1\r\nhost: x\r\n\r\n');
    await vi.waitFor(() => expect(here).toBe(2));
    const draining = server.drain(10_000);
    clock.advance(10_000);
    for (const client of [one, other]) {
      const answer = await client.closed;
      expect(answer).toMatch(/^HTTP\/1\.1 503 /);
      expect(answer.toLowerCase()).toContain('connection: close');
      expect(answer).toMatch(/the last word$/);
    }
    await draining;
    expect(told.sort()).toEqual(['/1: false true', '/2: false true']);
    expect(clock.pending).toBe(0);
  });
});

describe('the address', () => {
  test('that is taken is told, not thrown later', async () => {
    const { url } = await serving(echo);
    const again = startServer({
      app: { handle: () => Promise.resolve(text('')) },
      clock: systemClock,
      host: '127.0.0.1',
      port: Number(new URL(url).port),
    });
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('may be one of IPv6', async ({ skip }) => {
    const app = { handle: () => Promise.resolve(text('six')) };
    const server = await startServer({ app, clock: systemClock, host: '::1', port: 0 }).catch((error: unknown) => {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      skip(code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT', 'this machine has no IPv6');
      throw error;
    });
    onTestFinished(() => server.drain(0));
    expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect(await (await fetch(server.url)).text()).toBe('six');
  });
});
