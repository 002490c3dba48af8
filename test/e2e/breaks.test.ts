import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import OpenAI, { APIError } from 'openai';
import { describe, expect, it } from 'vitest';
import {
  ask,
  begin,
  CHAT,
  contentOf,
  eventsOf,
  keepAlive,
  payloadsOf,
  QUESTION,
  type SentEvent,
  STREAMED,
} from '../harness/raw.ts';
import { fleet, startRouter } from '../harness/router.ts';
import { startSimulated } from '../harness/simulated.ts';
import { unasked } from '../harness/unasked.ts';
import {
  azureError,
  chunk,
  DONE,
  FILTER_CHUNK,
  json,
  raw,
  type Script,
  startUpstream,
  stream,
} from '../harness/upstream.ts';

const RESPONSE = { path: '/openai/v1/responses', body: { model: 'gpt-4.1', input: '[[words:200]]', stream: true } };
const RESTART = [['x-router-on-break', 'restart']] as const;
const SHORT = { timeouts: { streamIdleMs: 200 } };

/** Counted in bytes they break inside an event. */
const BREAKS = [
  'reset;chunks=3',
  'cut;chunks=3',
  'stall;chunks=3',
  'reset;bytes=1500',
  'cut;bytes=1500',
  'stall;bytes=1500',
];
const RESPONSE_BREAKS = BREAKS.map((fault) => fault.replace('1500', '7000'));

function errorsIn(events: readonly SentEvent[]): Record<string, unknown>[] {
  const data = events.flatMap(({ data: text }) =>
    text === null || text === '[DONE]' ? [] : [JSON.parse(text) as Record<string, unknown>],
  );
  return data.filter((one) => 'error' in one || one['type'] === 'error');
}

/** An upstream whose answer the test goes on writing, and whose end it can wait for. */
async function startOpenEnded(...first: string[]) {
  const begun = Promise.withResolvers<ServerResponse>();
  const upstream = await startUpstream((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const piece of first) response.write(piece);
    begun.resolve(response);
  });
  return { upstream, begun: begun.promise };
}

async function readUntil(answer: IncomingMessage, wanted: string): Promise<string> {
  let seen = '';
  for await (const piece of answer.iterator({ destroyOnReturn: false })) {
    seen += String(piece);
    if (seen.includes(wanted)) return seen;
  }
  throw new Error(`the stream ended without ${JSON.stringify(wanted)}: ${seen}`);
}

describe('a stream that breaks after its first content', () => {
  it.each(BREAKS)('ends with one readable error event on a boundary, and then for good: %s', async (fault) => {
    await using both = await startSimulated({ config: SHORT });
    both.simulator.faults.add({ fault, endpoint: 'A' });
    const answer = await ask(both.url, { body: STREAMED });
    expect([answer.status, answer.whole, answer.headers['x-router-route']]).toEqual([200, true, 'A/gpt-4.1:ok']);
    const events = eventsOf(answer.text);
    expect(errorsIn(events)).toEqual([
      {
        error: {
          message: expect.stringContaining('broke') as string,
          type: 'server_error',
          code: 'upstream_failed',
          param: null,
        },
      },
    ]);
    expect(events.at(-1)?.data).toContain('"upstream_failed"');
    expect(contentOf(answer.text)).not.toBe('');
    expect(answer.text).not.toContain('[DONE]');
  });

  it.each(BREAKS)(
    'is thrown as APIError by the stock client, neither hanging nor ending silently: %s',
    async (fault) => {
      await using both = await startSimulated({ config: SHORT });
      both.simulator.faults.add({ fault, endpoint: 'A' });
      const client = new OpenAI({ baseURL: `${both.url}/v1`, apiKey: 'any' });
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { choices } of await client.chat.completions.create({
          ...QUESTION,
          messages: [{ role: 'user', content: 'x' }],
          stream: true,
        })) {
          seen.push(choices[0]?.delta.content ?? '');
        }
      })();
      const failure = await reading.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(APIError);
      expect(failure).toMatchObject({ code: 'upstream_failed' });
      expect(seen.join('')).not.toBe('');
    },
  );

  it.each(RESPONSE_BREAKS)(
    'ends with a typed error event under the Responses API, which the stock client throws: %s',
    async (fault) => {
      await using both = await startSimulated({ config: SHORT });
      both.simulator.faults.add({ fault, endpoint: 'A' });
      const answer = await ask(both.url, RESPONSE);
      const events = eventsOf(answer.text);
      expect(errorsIn(events)).toHaveLength(1);
      expect(events.at(-1)).toMatchObject({ event: 'error' });
      expect(JSON.parse(events.at(-1)?.data ?? '')).toMatchObject({
        type: 'error',
        code: 'upstream_failed',
        message: expect.any(String) as string,
        param: null,
      });
      const client = new OpenAI({ baseURL: `${both.url}/v1`, apiKey: 'any' });
      const reading = (async () => {
        for await (const _ of await client.responses.create({ ...RESPONSE.body, stream: true }));
      })();
      await expect(reading).rejects.toBeInstanceOf(APIError);
    },
  );

  it('ends with the typed error event also where a stored response is streamed again', async () => {
    const events = [
      'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1"}}\n\n',
      'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"one"}\n\n',
    ];
    await using upstream = await startUpstream(stream(events, 'reset'));
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await ask(router.url, { path: '/v1/responses/resp_1?stream=true' });
    expect(answer.text.startsWith(events.join(''))).toBe(true);
    const last = eventsOf(answer.text).at(-1);
    expect([last?.event, JSON.parse(last?.data ?? '{}')]).toMatchObject(['error', { type: 'error' }]);
  });

  const EVENTS = [FILTER_CHUNK, chunk('one'), chunk('two 😀'), ': a comment\n\n', chunk('three'), DONE];
  const FORMS = [
    { what: 'LF', body: EVENTS.join('') },
    { what: 'CRLF', body: EVENTS.join('').replaceAll('\n', '\r\n') },
    { what: 'CR', body: EVENTS.join('').replaceAll('\n', '\r') },
  ];

  it.each(FORMS)(
    'at whichever byte it breaks, the caller has whole events and then the error event ($what)',
    async ({ body }) => {
      const bytes = Buffer.from(body);
      const firstContent = body.indexOf('one');
      let at = 0;
      await using upstream = await startUpstream((request, response) =>
        stream([bytes.subarray(0, at)], 'reset')(request, response),
      );
      await using router = await startRouter(
        fleet([upstream.url], { breaker: { failures: 1_000_000 }, retries: { sameDeployment: 0 } }),
      );
      using agent = keepAlive();
      for (at = firstContent; at < bytes.length; at++) {
        const answer = await ask(router.url, { body: STREAMED, agent });
        // Before the first content's event is whole nothing is committed.
        if (answer.status === 503) continue;
        const marked = answer.text.indexOf('data: {"error"');
        const before = answer.text.slice(0, marked);
        const problem = `broken at byte ${at}: ${JSON.stringify(answer.text)}`;
        if (marked === -1 || !body.startsWith(before) || before.length > at) expect.fail(problem);
        expect(errorsIn(eventsOf(answer.text)), problem).toHaveLength(1);
        const whole = eventsOf(body).filter((_, index, all) => body.length > 0 && index < all.length).length;
        expect(eventsOf(before).length, problem).toBeLessThanOrEqual(whole);
      }
      expect(upstream.received.length).toBeGreaterThan(100);
    },
  );

  it('holds a half event back, and lets it go when the rest comes', async () => {
    const { upstream, begun } = await startOpenEnded(chunk('one'), 'data: {"choices":[{"delta":{"con');
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await begin(router.url, { body: STREAMED });
    const early = await readUntil(answer, 'one');
    expect(early).toBe(chunk('one'));
    (await begun).end('tent":"two"}}]}\n\n');
    expect(early + (await readUntil(answer, 'two'))).toBe(
      `${chunk('one')}data: {"choices":[{"delta":{"content":"two"}}]}\n\n`,
    );
  });

  it('lets an event without an end through after 1 MB, and closes it before the error event', async () => {
    const endless = `data: {"choices":[{"delta":{"content":"${'x'.repeat(1_500_000)}`;
    await using upstream = await startUpstream(stream([chunk('one'), endless], 'reset'));
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await ask(router.url, { body: STREAMED });
    expect(answer.text.length).toBeGreaterThan(1_000_000);
    const last = eventsOf(answer.text).at(-1);
    expect(JSON.parse(last?.data ?? '')).toMatchObject({ error: { code: 'upstream_failed' } });
  });

  it('counts against the deployment, whose breaker opens', async () => {
    await using both = await startSimulated({ config: { breaker: { failures: 2 } } });
    both.simulator.faults.add({ fault: 'reset;chunks=3', endpoint: 'A' });
    for (let turn = 0; turn < 3; turn++) await ask(both.url, { body: STREAMED });
    const { headers } = await ask(both.url, { body: STREAMED });
    expect(headers['x-router-route']).toBe('B/gpt-4.1:ok');
  });

  it("passes the deployment's own error event on as it came, and adds none", async () => {
    await using both = await startSimulated();
    both.simulator.faults.add({ fault: 'error-event-after;chunks=3', endpoint: 'A' });
    const answer = await ask(both.url, { body: STREAMED });
    expect(errorsIn(eventsOf(answer.text))).toMatchObject([{ error: { code: 'server_error' } }]);
    const sent = both.simulator.sent(String(answer.headers['apim-request-id']));
    expect(unasked(sent)?.equals(answer.body)).toBe(true);
  });

  it('counts the error event of its own as a break, of the deployment and in the log', async () => {
    const error = 'data: {"error":{"code":"server_error","message":"m"}}\n\n';
    await using a = await startUpstream(stream([chunk('one'), error, DONE]));
    await using b = await startUpstream(stream([chunk('two'), DONE]));
    await using router = await startRouter(fleet([a.url, b.url], { breaker: { failures: 2 } }));
    for (let turn = 0; turn < 2; turn++)
      expect((await ask(router.url, { body: STREAMED })).text).toBe(chunk('one') + error + DONE);
    const { headers } = await ask(router.url, { body: STREAMED });
    expect(headers['x-router-route']).toBe('B/gpt-4.1:ok');
    expect(router.log.filter((line) => line.includes('"Stream broke"'))).toHaveLength(2);
  });

  it('five times in a row opens its breaker, though each stream began well', async () => {
    await using upstream = await startUpstream(stream([chunk('one')], 'reset'));
    await using router = await startRouter(fleet([upstream.url], { breaker: { failures: 5 } }));
    const breakerOf = async (): Promise<unknown> => {
      const { text } = await ask(router.url, { method: 'GET', path: '/router/deployments/A/gpt-4.1' });
      return (JSON.parse(text) as { state: string }).state;
    };
    for (let turn = 0; turn < 5; turn++) {
      expect(await breakerOf()).toBe('closed');
      await ask(router.url, { body: STREAMED });
    }
    expect(await breakerOf()).toBe('open');
  });

  it('three times in a row moves the agent that is at home there', async () => {
    const good = stream([chunk('one'), DONE]);
    await using a = await startUpstream(stream([chunk('one')], 'reset'));
    await using b = await startUpstream(good);
    const agents = { homes: { ada: 'A/gpt-4.1' } };
    await using router = await startRouter(fleet([a.url, b.url], { agents, breaker: { failures: 100 } }));
    const call = { body: STREAMED, headers: [['x-agent-name', 'ada']] } as const;
    const routes: unknown[] = [];
    for (let turn = 0; turn < 5; turn++) routes.push((await ask(router.url, call)).headers['x-router-route']);
    expect(routes).toEqual([...Array<string>(3).fill('A/gpt-4.1:ok'), ...Array<string>(2).fill('B/gpt-4.1:ok')]);
    const { text } = await ask(router.url, { method: 'GET', path: '/router/agents/ada' });
    expect(JSON.parse(text)).toMatchObject({ assignment: 'B/gpt-4.1', cause: 'failing' });
  });

  it('amid an event, though its connection ended in order, has the error event instead of the half', async () => {
    await using upstream = await startUpstream(stream([chunk('one'), chunk('two').slice(0, -12)]));
    await using router = await startRouter(fleet([upstream.url]));
    const { text } = await ask(router.url, { body: STREAMED });
    expect(text.startsWith(chunk('one'))).toBe(true);
    expect(errorsIn(eventsOf(text.slice(chunk('one').length)))).toMatchObject([{ error: { code: 'upstream_failed' } }]);
    expect(router.log.some((line) => line.includes('Stream broke'))).toBe(true);
  });

  it('closes the connection where no event can tell: sound', async () => {
    await using upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'audio/mpeg' });
      response.write(Buffer.alloc(1_000, 1), () => setTimeout(() => response.destroy(), 20));
    });
    const deployments = { tts: { model: 'tts' } };
    await using router = await startRouter({
      endpoints: { A: { url: upstream.url, apiKey: 'k', api: 'v1', deployments } },
    });
    const answer = await ask(router.url, {
      path: '/v1/audio/speech',
      body: { model: 'tts', input: 'x', voice: 'alloy' },
    });
    expect([answer.status, answer.whole]).toEqual([200, false]);
    expect(answer.body.equals(Buffer.alloc(1_000, 1))).toBe(true);
  });
});

describe('a stream that is complete', () => {
  const FINISH = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`;
  const USAGE = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', choices: [], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 } })}\n\n`;
  const COMPLETED = `event: response.completed\ndata: ${JSON.stringify({ type: 'response.completed', response: { id: 'resp_1', usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 } } })}\n\n`;
  const DELTA = 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"one"}\n\n';
  const KINDS = [
    { what: 'a chat', call: { body: STREAMED }, pieces: [chunk('one'), FINISH, USAGE, DONE], unseen: USAGE },
    { what: 'a response', call: RESPONSE, pieces: [DELTA, COMPLETED], unseen: '' },
  ];
  const ENDINGS = ['end', 'reset', 'stay'] as const;

  it.each(KINDS.flatMap((kind) => ENDINGS.map((ending) => ({ ...kind, ending }))))(
    'ends quietly and is paid for once, whatever its connection does: $what, $ending',
    async ({ call, pieces, unseen, ending }) => {
      await using a = await startUpstream(stream(pieces, ending));
      await using b = await startUpstream(stream(pieces));
      await using router = await startRouter(fleet([a.url, b.url], { breaker: { failures: 1 } }));
      const from = performance.now();
      const answer = await ask(router.url, { ...call, headers: RESTART });
      expect(performance.now() - from).toBeLessThan(10_000);
      expect([answer.status, answer.whole]).toEqual([200, true]);
      expect(answer.text).toBe(pieces.filter((piece) => piece !== unseen).join(''));
      expect([a.received.length, b.received.length]).toEqual([1, 0]);
      const lines = router.log.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines.filter(({ requestId }) => requestId === answer.headers['x-router-request-id'])).toMatchObject([
        { message: 'Request successful', estimated: false, tokens: { prompt: 7, completion: 3 } },
      ]);
      expect((await ask(router.url, call)).headers['x-router-route']).toBe('A/gpt-4.1:ok');
    },
  );
});

describe('x-router-on-break: restart', () => {
  it.each([
    { code: 'server_error', again: true },
    { code: 'rate_limit_exceeded', again: true },
    { code: 'content_filter', again: false },
    { code: 'context_length_exceeded', again: false },
  ])("takes the deployment's own error event for a break unless it is the caller's affair: $code", async (facts) => {
    const { code, again } = facts;
    const error = `data: {"error":{"code":"${code}","message":"m"}}\n\n`;
    await using a = await startUpstream(stream([chunk('one'), error]));
    await using b = await startUpstream(stream([chunk('two'), DONE]));
    await using router = await startRouter(fleet([a.url, b.url], { breaker: { failures: 1 } }));
    const { text } = await ask(router.url, { body: STREAMED, headers: RESTART });
    if (!again) expect(text).toBe(chunk('one') + error);
    else expect(text).toMatch(/^data: [^\n]*one[^\n]*\n\n: router restart, [\s\S]*two[\s\S]*\[DONE\]\n\n$/);
    expect(b.received).toHaveLength(again ? 1 : 0);
    const { text: deployment } = await ask(router.url, { method: 'GET', path: '/router/deployments/A/gpt-4.1' });
    const state = { server_error: 'open', rate_limit_exceeded: 'throttled' }[code] ?? 'closed';
    expect(JSON.parse(deployment)).toMatchObject({ state });
  });

  it.each(BREAKS)('begins the answer again on the next deployment, marked: %s', async (fault) => {
    await using both = await startSimulated({ config: SHORT });
    both.simulator.faults.add({ fault, endpoint: 'A' });
    const answer = await ask(both.url, { body: STREAMED, headers: RESTART });
    const marker = answer.text.indexOf(': router restart');
    expect(marker).toBeGreaterThan(0);
    const events = eventsOf(answer.text);
    expect(events.filter(({ event }) => event === 'router.restart')).toHaveLength(1);
    const restart = events.find(({ event }) => event === 'router.restart');
    expect(JSON.parse(restart?.data ?? '')).toMatchObject({
      choices: [],
      restart: { from: 'A/gpt-4.1', to: 'B/gpt-4.1' },
    });
    expect(errorsIn(events)).toEqual([]);
    // What follows the marker is B's answer from its first byte to its last.
    const from = answer.text.indexOf('\n\n', marker) + 2;
    const ofB = both.simulator.calls().find(({ endpoint }) => endpoint === 'B');
    const sent = unasked(both.simulator.sent(ofB?.id ?? ''));
    expect(sent?.toString()).toBe(answer.text.slice(from));
    // And what stands before it are A's first events, whole.
    expect(contentOf(answer.text.slice(0, marker))).not.toBe('');
  });

  it.each(BREAKS.slice(0, 3))(
    'is iterated by the stock clients without a throw, and their last part is the full answer: %s',
    async (fault) => {
      await using both = await startSimulated({ config: SHORT });
      const client = new OpenAI({
        baseURL: `${both.url}/v1`,
        apiKey: 'any',
        maxRetries: 0,
        defaultHeaders: { 'x-router-on-break': 'restart' },
      });
      const ours = { model: 'gpt-4.1', messages: [{ role: 'user' as const, content: 'Tell me.' }] };
      const whole = (await client.chat.completions.create(ours)).choices[0]?.message.content;
      both.simulator.faults.add({ fault, endpoint: 'A' });
      let text = '';
      for await (const part of await client.chat.completions.create({ ...ours, stream: true })) {
        if ('restart' in part) text = '';
        text += part.choices[0]?.delta.content ?? '';
      }
      expect(text).toBe(whole);
      let spoken = '';
      const kinds: string[] = [];
      for await (const event of await client.responses.create({ model: 'gpt-4.1', input: 'Tell me.', stream: true })) {
        kinds.push(event.type);
        if ((event.type as string) === 'router.restart') spoken = '';
        if (event.type === 'response.output_text.delta') spoken += event.delta;
      }
      expect(kinds).toContain('router.restart');
      expect(kinds.at(-1)).toBe('response.completed');
      expect(spoken).not.toBe('');
    },
  );

  it('runs through the helper that puts a chat stream together', async () => {
    await using both = await startSimulated({ config: SHORT });
    both.simulator.faults.add({ fault: 'reset;chunks=3', endpoint: 'A' });
    const client = new OpenAI({
      baseURL: `${both.url}/v1`,
      apiKey: 'any',
      maxRetries: 0,
      defaultHeaders: { 'x-router-on-break': 'restart' },
    });
    const final = await client.chat.completions
      .stream({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'Tell me.' }] })
      .finalChatCompletion();
    expect(final.choices[0]?.finish_reason).toBe('stop');
  });

  it('ends with the error event where no other deployment is left', async () => {
    await using both = await startSimulated({ config: SHORT });
    both.simulator.faults.add({ fault: 'reset;chunks=3' });
    const answer = await ask(both.url, { body: STREAMED, headers: RESTART });
    const events = eventsOf(answer.text);
    expect(events.filter(({ event }) => event === 'router.restart')).toHaveLength(1);
    expect(errorsIn(events)).toHaveLength(1);
    expect(events.at(-1)?.data).toContain('upstream_failed');
  });

  it('passes over a deployment that fails before its first content', async () => {
    await using a = await startUpstream(stream([chunk('from A')], 'reset'));
    await using b = await startUpstream(azureError(503, 'x'));
    await using c = await startUpstream(stream([chunk('from C'), DONE]));
    await using router = await startRouter(fleet([a.url, b.url, c.url]));
    const answer = await ask(router.url, { body: STREAMED, headers: RESTART });
    const restart = payloadsOf(answer.text).find((one) => 'restart' in one);
    expect(restart?.['restart']).toEqual({ from: 'A/gpt-4.1', to: 'C/gpt-4.1' });
    expect(answer.text.endsWith(chunk('from C') + DONE)).toBe(true);
  });

  it('does not begin again on a deployment that has been tried before', async () => {
    await using a = await startUpstream(azureError(503, 'x'));
    await using b = await startUpstream(stream([chunk('from B')], 'reset'));
    await using router = await startRouter(fleet([a.url, b.url]));
    const answer = await ask(router.url, { body: STREAMED, headers: RESTART });
    expect([a.received.length, b.received.length]).toEqual([1, 1]);
    expect(errorsIn(eventsOf(answer.text))).toHaveLength(1);
  });

  it('does not happen to a request that did not ask for it', async () => {
    await using a = await startUpstream(stream([chunk('from A')], 'reset'));
    await using b = await startUpstream(stream([chunk('from B'), DONE]));
    await using router = await startRouter(fleet([a.url, b.url]));
    expect((await ask(router.url, { body: STREAMED })).text).not.toContain('from B');
    expect(b.received).toHaveLength(0);
  });
});

describe('a caller that leaves', () => {
  it('in the middle of a stream ends the exchange with the deployment', async () => {
    const { upstream, begun } = await startOpenEnded(chunk('one'));
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await begin(router.url, { body: STREAMED });
    await readUntil(answer, 'one');
    const closed = once(await begun, 'close');
    answer.destroy();
    await closed;
  });

  it('through the abort of a stock client does so too', async () => {
    const { upstream, begun } = await startOpenEnded(chunk('one'));
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url]));
    const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'any' });
    const parts = await client.chat.completions.create({ model: 'gpt-4.1', messages: [], stream: true });
    const closed = once(await begun, 'close');
    for await (const _part of parts) break;
    await closed;
  });

  it.each([
    { what: 'unstreamed', body: QUESTION },
    { what: 'streamed', body: STREAMED },
  ])('before the first byte ends it as well, asks nobody else and blames nobody ($what)', async ({ body }) => {
    const begun = Promise.withResolvers<ServerResponse>();
    await using a = await startUpstream((_, response) => begun.resolve(response), json(200, {}));
    await using b = await startUpstream();
    await using router = await startRouter(fleet([a.url, b.url], { breaker: { failures: 1 } }));
    const leaving = new AbortController();
    const request = fetch(router.url + CHAT, {
      method: 'POST',
      body: JSON.stringify(body),
      signal: leaving.signal,
    }).catch(() => 'left');
    const closed = once(await begun.promise, 'close');
    leaving.abort();
    expect(await request).toBe('left');
    await closed;
    const { headers } = await ask(router.url, { body: QUESTION });
    expect(headers['x-router-route']).toBe('A/gpt-4.1:ok');
    expect(b.received).toHaveLength(0);
  });

  it('while the router waits before a repeat ends the waiting', async () => {
    const answered = Promise.withResolvers<void>();
    await using a = await startUpstream((_, response) => {
      response.writeHead(429, { 'retry-after-ms': '400' }).end();
      response.once('finish', answered.resolve);
    });
    await using router = await startRouter(fleet([a.url]));
    const leaving = new AbortController();
    const request = fetch(router.url + CHAT, {
      method: 'POST',
      body: JSON.stringify(QUESTION),
      signal: leaving.signal,
    }).catch(() => 'left');
    await answered.promise;
    leaving.abort();
    await request;
    const from = performance.now();
    // The next request waits the same rest out; the first one must not have gone up in the meantime.
    await ask(router.url, { body: QUESTION, headers: [['x-router-deadline-ms', '1000']] });
    expect(performance.now() - from).toBeGreaterThan(200);
    expect(a.received.length).toBeLessThanOrEqual(3);
  });
});

describe('a silent stream', () => {
  const BEATS = { timeouts: { heartbeatMs: 40, streamIdleMs: 10_000 } };

  it('is kept open by comments, which stand between events', async () => {
    const { upstream, begun } = await startOpenEnded(chunk('one'));
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url], BEATS));
    const answer = await begin(router.url, { body: STREAMED });
    let seen = '';
    while (seen.split(': keep-alive\n\n').length < 4) seen += await readUntil(answer, ': keep-alive\n\n');
    (await begun).end(chunk('two') + DONE);
    seen += await readUntil(answer, DONE);
    expect(seen.replaceAll(': keep-alive\n\n', '')).toBe(chunk('one') + chunk('two') + DONE);
    expect(eventsOf(seen).filter(({ comments }) => comments.length > 0).length).toBeGreaterThanOrEqual(3);
  });

  it('also inside an event that came half: the comment never falls into it', async () => {
    const [half, rest] = [chunk('two').slice(0, 30), chunk('two').slice(30)];
    const { upstream, begun } = await startOpenEnded(chunk('one'), half);
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url], BEATS));
    const answer = await begin(router.url, { body: STREAMED });
    let seen = await readUntil(answer, ': keep-alive\n\n');
    (await begun).end(rest + DONE);
    seen += await readUntil(answer, DONE);
    expect(seen.replaceAll(': keep-alive\n\n', '')).toBe(chunk('one') + chunk('two') + DONE);
    expect(contentOf(seen)).toBe('onetwo');
  });

  it('reads like any other to a stock client', async () => {
    await using both = await startSimulated({ config: BEATS });
    both.simulator.faults.add({ fault: 'slow-chunks;ms=90' });
    const client = new OpenAI({ baseURL: `${both.url}/v1`, apiKey: 'any' });
    const ours = { model: 'gpt-4.1', messages: [{ role: 'user' as const, content: 'x' }], max_tokens: 5 };
    let text = '';
    for await (const { choices } of await client.chat.completions.create({ ...ours, stream: true }))
      text += choices[0]?.delta.content ?? '';
    expect(text).toBe((await client.chat.completions.create(ours)).choices[0]?.message.content);
  });

  it('gets no comments where heartbeatMs is 0', async () => {
    const { upstream, begun } = await startOpenEnded(chunk('one'));
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url], { timeouts: { heartbeatMs: 0, streamIdleMs: 250 } }));
    const answer = await begin(router.url, { body: STREAMED });
    const gone = once(await begun, 'close');
    const seen = await readUntil(answer, 'upstream_failed');
    await gone;
    expect(seen.split(': keep-alive').length - 1).toBe(0);
  });

  it('is given up after streamIdleMs, and its deployment let go', async () => {
    const { upstream, begun } = await startOpenEnded(chunk('one'));
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url], { timeouts: { streamIdleMs: 150, heartbeatMs: 20 } }));
    const from = performance.now();
    const answering = ask(router.url, { body: STREAMED });
    await once(await begun, 'close');
    const answer = await answering;
    expect(performance.now() - from).toBeGreaterThan(140);
    expect(performance.now() - from).toBeLessThan(3_000);
    expect(errorsIn(eventsOf(answer.text))).toMatchObject([
      { error: { message: expect.stringContaining('150 ms') as string } },
    ]);
  });
});

describe('a stream without end', () => {
  it('is ended after streamMaxMs with the error event, and its deployment let go', async () => {
    const closed = Promise.withResolvers<void>();
    const talker: Script = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const timer = setInterval(() => response.write(chunk('more ')), 10);
      response.once('close', () => {
        clearInterval(timer);
        closed.resolve();
      });
    };
    await using upstream = await startUpstream(talker);
    await using router = await startRouter(fleet([upstream.url], { timeouts: { streamMaxMs: 300 } }));
    const from = performance.now();
    const answer = await ask(router.url, { body: STREAMED, headers: RESTART });
    expect(performance.now() - from).toBeLessThan(3_000);
    expect(contentOf(answer.text).length).toBeGreaterThan(20);
    expect(errorsIn(eventsOf(answer.text))).toMatchObject([
      { error: { message: expect.stringContaining('300 ms') as string } },
    ]);
    expect(answer.whole).toBe(true);
    await closed.promise;
  });

  it('ends also where it says nothing but comments', async () => {
    const { upstream } = await startOpenEnded(chunk('one'));
    await using _ = upstream;
    await using router = await startRouter(fleet([upstream.url], { timeouts: { streamMaxMs: 200, heartbeatMs: 30 } }));
    const answer = await ask(router.url, { body: STREAMED });
    expect(errorsIn(eventsOf(answer.text))).toHaveLength(1);
  });
});

describe('a slow reader', () => {
  /** More than the sockets in between can hold: what is left over must wait at the deployment. */
  const MANY = Array.from({ length: 400 }, (_, at) => chunk(`${at} ${'x'.repeat(100_000)}`));

  it('gets everything, while the deployment is made to wait', async () => {
    let written = 0;
    let heldUp = false;
    const body = Buffer.from(MANY.join('') + DONE);
    await using upstream = await startUpstream((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const next = (): void => {
        const piece = MANY[written];
        if (piece === undefined) return void response.end(DONE);
        written++;
        if (response.write(piece)) return void setImmediate(next);
        heldUp = true;
        response.once('drain', next);
      };
      next();
    });
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await begin(router.url, { body: STREAMED });
    // Not read at all for as long as the deployment still gets rid of something.
    for (let before = -1; before !== written; ) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(heldUp).toBe(true);
    expect(written).toBeLessThan(MANY.length);
    const chunks: Buffer[] = [];
    for await (const piece of answer) chunks.push(piece as Buffer);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });

  it('that is silent for longer than streamIdleMs is not taken for a silent deployment', async () => {
    await using upstream = await startUpstream(stream([...MANY, DONE]));
    await using router = await startRouter(fleet([upstream.url], { timeouts: { streamIdleMs: 500 } }));
    const answer = await begin(router.url, { body: STREAMED });
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    const chunks: Buffer[] = [];
    for await (const piece of answer) chunks.push(piece as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe(MANY.join('') + DONE);
  });

  it('that never reads on lets its deployment go at streamMaxMs', async () => {
    const begun = Promise.withResolvers<ServerResponse>();
    await using upstream = await startUpstream((request, response) => {
      begun.resolve(response);
      stream([...MANY, DONE])(request, response);
    });
    await using router = await startRouter(fleet([upstream.url], { timeouts: { streamMaxMs: 300 } }));
    const answer = await begin(router.url, { body: STREAMED });
    const response = await begun.promise;
    await once(response, 'close');
    expect(response.writableFinished).toBe(false);
    answer.destroy();
  });

  it('of an unstreamed answer gets everything, too', async () => {
    const body = Buffer.alloc(24 * 1024 * 1024, 'large ');
    await using upstream = await startUpstream(raw(200, body, { 'content-type': 'application/json' }));
    await using router = await startRouter(fleet([upstream.url]));
    const answer = await begin(router.url, { body: QUESTION });
    await new Promise((resolve) => setTimeout(resolve, 150));
    const chunks: Buffer[] = [];
    for await (const piece of answer) chunks.push(piece as Buffer);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });
});
