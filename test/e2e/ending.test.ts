/** A router that ends while it serves: what its callers get, and what is counted. */
import { once } from 'node:events';
import { HttpRequest, InvocationContext } from '@azure/functions';
import OpenAI, { APIError } from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { HostCallers } from '../../src/functions/callers.ts';
import { httpHandler } from '../../src/functions/register.ts';
import { startServer } from '../../src/server/server.ts';
import { runEmulator } from '../harness/emulator.ts';
import { PATIENT } from '../harness/processes.ts';
import { ask, begin, CHAT, eventsOf, QUESTION, STREAMED } from '../harness/raw.ts';
import { composeFor, configOf, fleet, startRouter } from '../harness/router.ts';
import { chunk, hang, type Script, startUpstream } from '../harness/upstream.ts';

const RESPONSE = { path: '/openai/v1/responses', body: { model: 'gpt-4.1', input: 'x', stream: true } };
const DELTA = 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"one"}\n\n';
const HALF = 'data: {"choices":[{"del';

/** Begins a stream and never ends it; tells when the router has let go of it. */
function endless(text: string) {
  const gone = Promise.withResolvers<void>();
  const script: Script = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text);
    response.once('close', gone.resolve);
  };
  return { script, gone: gone.promise };
}

async function startEnding(document: object, storage: { kind: 'connectionString'; text: string } | null = null) {
  const log: string[] = [];
  const composition = composeFor(configOf(document), storage === null ? {} : { storage }, log);
  const { app, clock } = composition;
  const server = await startServer({ app, clock, host: '127.0.0.1', port: 0 });
  return {
    url: server.url,
    /** As the process does it, with less grace. */
    async end() {
      await server.drain(100);
      await composition.close();
      return log.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

describe('the end of the grace', () => {
  it.each([
    { what: 'a chat', call: { body: STREAMED }, sent: chunk('one') + HALF, seen: chunk('one'), event: null },
    { what: 'a response', call: RESPONSE, sent: DELTA + HALF, seen: DELTA, event: 'error' },
  ])('ends $what that is streamed with one error event on a boundary', async ({ call, sent, seen, event }) => {
    const { script, gone } = endless(sent);
    await using upstream = await startUpstream(script);
    const router = await startEnding(fleet([upstream.url]));
    const answer = await begin(router.url, call);
    let text = '';
    answer.on('data', (piece: Buffer) => {
      text += piece.toString();
    });
    const ended = once(answer, 'end');
    await vi.waitFor(() => expect(text).toBe(seen), PATIENT);
    const log = await router.end();
    await Promise.all([ended, gone]);
    expect(answer.complete).toBe(true);
    expect(text.startsWith(seen)).toBe(true);
    const rest = eventsOf(text.slice(seen.length));
    expect(rest.map((one) => [one.event, JSON.parse(one.data ?? '') as unknown])).toMatchObject([
      [event, { error: { code: 'internal', type: 'server_error' } }],
    ]);
    expect(log).toContainEqual(
      expect.objectContaining({ message: 'Stream broke', status: 200, estimated: true, attempts: 1 }),
    );
  });

  it('is thrown by the stock client', async () => {
    const { script } = endless(chunk('one'));
    await using upstream = await startUpstream(script);
    const router = await startEnding(fleet([upstream.url]));
    const client = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'any', maxRetries: 0 });
    const first = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const _ of await client.chat.completions.create({
        model: 'gpt-4.1',
        messages: [{ role: 'user', content: 'x' }],
        stream: true,
      }))
        first.resolve();
    })().catch((error: unknown) => error);
    await first.promise;
    await router.end();
    expect(await reading).toBeInstanceOf(APIError);
  });

  it('answers what is not streamed with a 503 that may be tried again, and lets its deployment go', async () => {
    await using upstream = await startUpstream(hang);
    const router = await startEnding(fleet([upstream.url]));
    const asking = ask(router.url, { body: QUESTION });
    await vi.waitFor(() => expect(upstream.received).toHaveLength(1), PATIENT);
    const log = await router.end();
    const { status, text, headers } = await asking;
    expect([status, headers['x-should-retry'], headers['retry-after-ms']]).toEqual([503, 'true', '500']);
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'internal', type: 'server_error', param: null } });
    expect(log).toContainEqual(expect.objectContaining({ status: 503, estimated: true, code: 'internal' }));
    await vi.waitFor(async () => expect(await upstream.connections()).toBe(0), PATIENT);
  });

  it('finds the cut stream in the ledger, which another instance shows', async () => {
    await using emulator = await runEmulator();
    const storage = { kind: 'connectionString', text: emulator.connectionString } as const;
    const { script } = endless(chunk('one'));
    await using upstream = await startUpstream(script);
    const document = fleet([upstream.url]);
    await using other = await startRouter(document, { storage });
    const router = await startEnding(document, storage);
    const answer = await begin(router.url, { body: STREAMED, headers: [['x-creator', 'cut']] });
    await once(answer, 'data');
    await router.end();
    await vi.waitFor(async () => {
      const { text } = await ask(other.url, { method: 'GET', path: '/router/usage?by=creator' });
      const { rows } = JSON.parse(text) as { rows: Record<string, unknown>[] };
      expect(rows).toMatchObject([{ creator: 'cut', requests: 1, estimatedRequests: 1 }]);
    }, PATIENT);
  });
});

describe('the function app that ends', () => {
  it('ends its streams with an error event, counts them, and answers the rest with 503', async () => {
    const { script, gone } = endless(chunk('one') + HALF);
    await using upstream = await startUpstream(script, hang);
    const log: string[] = [];
    const { app, clock, close } = composeFor(configOf(fleet([upstream.url])), {}, log);
    const callers = new HostCallers();
    const handler = httpHandler(app, clock, callers);
    const send = (body: object) =>
      handler(
        new HttpRequest({
          url: `https://router.azurewebsites.net${CHAT}`,
          method: 'POST',
          body: { string: JSON.stringify(body) },
        }),
        new InvocationContext(),
      );
    const streamed = await send(STREAMED);
    const reading = new Response(streamed.body as ReadableStream<Uint8Array>).text();
    const asking = send(QUESTION);
    await vi.waitFor(() => expect(upstream.received).toHaveLength(2), PATIENT);
    await callers.dismiss(clock);
    await close();
    const text = await reading;
    expect(text.startsWith(chunk('one'))).toBe(true);
    expect(eventsOf(text.slice(chunk('one').length))).toHaveLength(1);
    expect(text).toContain('shutting down');
    expect(await asking).toMatchObject({ status: 503 });
    await gone;
    const lines = log.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(expect.objectContaining({ message: 'Stream broke', estimated: true }));
    expect(lines).toContainEqual(expect.objectContaining({ status: 503, estimated: true }));
  });
});
