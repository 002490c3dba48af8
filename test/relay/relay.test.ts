import { describe, expect, test } from 'vitest';
import { scanBody } from '../../src/body/fields.ts';
import { RouterError } from '../../src/domain/errors.ts';
import type { Answer } from '../../src/domain/message.ts';
import type { Call } from '../../src/relay/call.ts';
import { createRelay } from '../../src/relay/relay.ts';
import type { Payload } from '../../src/upstream/dialect.ts';
import { UpstreamError } from '../../src/upstream/port.ts';
import { settled } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { ok, type Script, type Stage, stageFor, status } from './fakes.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com', 'https://c.openai.azure.com']),
);
const STORED: Partial<Call> = {
  method: 'GET',
  target: { kind: 'response', id: 'resp_1', rest: '' },
  payload: { kind: 'none' },
  name: null,
};

function json(text: string): Payload {
  const bytes = Buffer.from(text);
  const scan = scanBody(bytes, 10);
  if (!scan.ok) throw new Error(scan.problem);
  return { kind: 'json', bytes, fields: scan.fields };
}

const respond = (text: string, more: Partial<Call> = {}): Partial<Call> => ({
  target: { kind: 'deployment', operation: 'responses', namedBy: 'body', name: null },
  payload: json(text),
  ...more,
});

const missing: Script = (sent) => sent.answer(404, { error: { code: 'not_found', message: 'm' } });
const by =
  (answers: Readonly<Record<string, Script>>): Script =>
  (sent) =>
    answers[sent.endpoint]?.(sent);

function sentTo({ upstream }: Stage): string {
  return upstream.sent.map(({ endpoint }) => endpoint).join('');
}

async function textOf({ body }: Answer): Promise<string> {
  if (body === null || Buffer.isBuffer(body)) return body?.toString() ?? '';
  let text = '';
  for await (const chunk of body) text += chunk.toString();
  return text;
}

describe('a stored response', () => {
  test('is asked of the deployment that made it', async () => {
    const made: Script = (sent) => sent.answer(200, { id: 'resp_1' });
    const stage = stageFor(CONFIG, [by({ A: status(503), B: made })]);
    const relay = createRelay(stage.deps);
    await relay.serve(stage.call(respond('{"model":"gpt-4.1"}')));
    expect(sentTo(stage)).toBe('AB');
    await relay.serve(stage.call(STORED));
    await relay.serve(stage.call(respond('{"model":"gpt-4.1","previous_response_id":"resp_1"}')));
    expect(sentTo(stage)).toBe('ABBB');
  });

  test('is not remembered where the caller asked not to store it', async () => {
    const stage = stageFor(CONFIG, [(sent) => sent.answer(200, { id: 'resp_1' })]);
    await createRelay(stage.deps).serve(stage.call(respond('{"model":"gpt-4.1","store":false}')));
    expect(stage.state.holderOf('resp_1')).toBeNull();
  });

  test('that nobody here has seen made is looked for, endpoint by endpoint, and then remembered', async () => {
    const stage = stageFor(CONFIG, [by({ A: missing, B: ok })]);
    const relay = createRelay(stage.deps);
    expect((await relay.serve(stage.call(STORED))).status).toBe(200);
    expect((await relay.serve(stage.call(STORED))).status).toBe(200);
    expect(sentTo(stage)).toBe('ABB');
  });

  test.each<{ what: string; script: Script }>([
    { what: 'fails', script: status(503) },
    { what: 'throttles', script: status(429) },
    { what: 'does not take our key', script: status(401) },
  ])('is found behind an endpoint that $what', async ({ script }) => {
    const stage = stageFor(CONFIG, [by({ A: script, B: ok, C: missing })]);
    expect((await createRelay(stage.deps).serve(stage.call(STORED))).status).toBe(200);
  });

  test('is found at once behind an endpoint that rests', async () => {
    const stage = stageFor(CONFIG, [by({ A: ok, B: ok })]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 3_000 });
    void createRelay(stage.deps).serve(stage.call(STORED));
    await settled();
    expect(sentTo(stage)).toBe('B');
  });

  test('is found behind an endpoint that hangs, within the deadline', async () => {
    const stage = stageFor(CONFIG, [by({ B: ok })]);
    const answer = createRelay(stage.deps)
      .serve(stage.call(STORED))
      .catch((error: unknown) => error);
    await stage.clock.pass(CONFIG.timeouts.deadlineMs);
    expect(await answer).toMatchObject({ status: 200 });
    expect(sentTo(stage)).toBe('AB');
  });

  test('that exists nowhere is a 404, as the last endpoint told it', async () => {
    const stage = stageFor(CONFIG, [missing]);
    const answer = await createRelay(stage.deps).serve(stage.call(STORED));
    expect(answer.status).toBe(404);
    expect(await textOf(answer)).toContain('not_found');
    expect(sentTo(stage)).toBe('ABC');
  });
});

describe('a request about files', () => {
  test('goes to one endpoint always, and is not tried elsewhere', async () => {
    const stage = stageFor(CONFIG, [ok]);
    const call = { ...STORED, target: { kind: 'other' as const, path: 'files', name: null } };
    for (let count = 0; count < 3; count++) await createRelay(stage.deps).serve(stage.call(call));
    expect(sentTo(stage)).toBe('AAA');
  });
});

describe('a restart', () => {
  const content = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n';
  const begins: Script = (sent) => {
    sent.listener.onHead(200, { 'content-type': 'text/event-stream' });
    sent.listener.onData(Buffer.from(content));
  };
  const streamed: Partial<Call> = { stream: true, payload: json('{"model":"gpt-4.1","stream":true}') };

  test('goes to a deployment that has not been tried, and says so', async () => {
    const stage = stageFor(CONFIG, [by({ A: status(503), B: begins, C: begins })]);
    const answer = await createRelay(stage.deps).serve({
      ...stage.call(streamed),
      wishes: { ...stage.call().wishes, onBreak: 'restart' },
    });
    const [, onB] = stage.upstream.sent;
    onB?.listener.onError(new UpstreamError('reset', 'connection lost'));
    await settled();
    expect(sentTo(stage)).toBe('ABC');
    stage.upstream.last.listener.onEnd();
    const text = await textOf(answer);
    expect(text.split(content)).toHaveLength(3);
    expect(text).toContain('"restart":{"from":"B/gpt-4.1","to":"C/gpt-4.1"}');
    expect(stage.state.health('B/gpt-4.1').breaker).toMatchObject({ kind: 'closed', failedAt: [stage.clock.now()] });
  });

  test('does not happen unless it was asked for', async () => {
    const stage = stageFor(CONFIG, [begins]);
    const answer = await createRelay(stage.deps).serve(stage.call(streamed));
    stage.upstream.last.listener.onError(new UpstreamError('reset', 'connection lost'));
    expect(await textOf(answer)).toContain('upstream_failed');
    expect(sentTo(stage)).toBe('A');
  });

  test('that finds no deployment ends in the error event', async () => {
    const stage = stageFor(CONFIG, [by({ A: begins, B: status(401), C: status(401) })]);
    const answer = await createRelay(stage.deps).serve({
      ...stage.call(streamed),
      wishes: { ...stage.call().wishes, onBreak: 'restart' },
    });
    stage.upstream.last.listener.onError(new UpstreamError('reset', 'connection lost'));
    expect(await textOf(answer)).toContain('upstream_failed');
    expect(sentTo(stage)).toBe('ABC');
  });
});

describe('a plan', () => {
  test('is the route without its consequences', () => {
    const stage = stageFor(CONFIG);
    const relay = createRelay(stage.deps);
    expect(relay.plan(stage.call()).candidates.map(({ deployment }) => deployment.id)).toEqual([
      'A/gpt-4.1',
      'B/gpt-4.1',
      'C/gpt-4.1',
    ]);
    expect(stage.upstream.sent).toEqual([]);
    expect(() => relay.plan(stage.call({ name: 'none' }))).toThrow(RouterError);
  });
});
