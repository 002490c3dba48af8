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
import { configFor } from '../routing/facts.ts';
import { never, ok, type Script, type Stage, stageFor, status } from './fakes.ts';

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

describe('a stored response that another instance has seen made', () => {
  const goesOn = respond('{"model":"gpt-4.1","previous_response_id":"resp_1"}');

  test('is asked of its deployment at once, by the word of the store', async () => {
    for (const facts of [STORED, goesOn]) {
      const stage = stageFor(CONFIG, [ok]);
      stage.watched.holders.set('resp_1', 'C/gpt-4.1');
      await createRelay(stage.deps).serve(stage.call(facts));
      expect([sentTo(stage), stage.watched.told.sought]).toEqual(['C', ['resp_1']]);
    }
  });

  test('is not asked of the store by those who know it', async () => {
    for (const facts of [STORED, goesOn]) {
      const stage = stageFor(CONFIG, [ok]);
      stage.state.remember('resp_1', 'B/gpt-4.1');
      await createRelay(stage.deps).serve(stage.call(facts));
      expect([sentTo(stage), stage.watched.told.sought]).toEqual(['B', []]);
    }
  });

  test('on a deployment that is no longer configured is nowhere in particular', async () => {
    const stage = stageFor(CONFIG, [by({ A: missing, B: ok })]);
    stage.watched.holders.set('resp_1', 'Z/gpt-4.1');
    expect((await createRelay(stage.deps).serve(stage.call(STORED))).status).toBe(200);
    expect(sentTo(stage)).toBe('AB');
    const other = stageFor(CONFIG, [ok]);
    other.state.remember('resp_1', 'Z/gpt-4.1');
    await createRelay(other.deps).serve(other.call(goesOn));
    expect(sentTo(other)).toBe('A');
  });

  test('is not sought for what names none', async () => {
    const stage = stageFor(CONFIG, [ok]);
    await createRelay(stage.deps).serve(stage.call(respond('{"model":"gpt-4.1"}')));
    expect(stage.watched.told.sought).toEqual([]);
  });
});

describe('a request', () => {
  const WORLD = configFor({
    pools: {
      plain: { strategy: 'priority', members: ['A/m', 'B/m'] },
      even: { strategy: 'roundRobin', members: ['A/m', 'B/m'] },
      spare: { strategy: 'roundRobin', members: ['C/m', 'D/m'] },
    },
    tiers: { premium: { chain: ['even', 'spare'] }, economy: { chain: ['spare'] } },
    plans: { free: { tiers: ['economy'] }, strict: { tiers: ['economy'], onHigherTier: 'refuse' } },
  });

  test.each([
    { what: 'asks for it by header', facts: { name: 'plain', wishes: { tier: 'premium' as const } } },
    { what: 'asks for it by header, naming nothing', facts: { name: null, wishes: { tier: 'premium' as const } } },
    { what: 'asks for it as its model', facts: { name: 'premium' } },
  ])('a tier that lies outside the pools of a key is refused to whoever $what: 403', async ({ facts }) => {
    const stage = stageFor(WORLD, [ok]);
    const call = stage.call({ ...facts, principal: { pools: new Set(['plain']) } });
    await expect(createRelay(stage.deps).serve(call)).rejects.toMatchObject({
      code: 'forbidden',
      status: 403,
      message: 'The key does not permit "premium". It permits these pools: plain.',
    });
    expect(stage.upstream.sent).toHaveLength(0);
  });

  test.each(['plain', 'even', 'premium', 'A/m', 'auto'])(
    'for %s waits for nothing but its deployment where all is well',
    (name) => {
      const stage = stageFor(WORLD, [never]);
      void createRelay(stage.deps).serve(stage.call({ name }));
      expect(stage.upstream.sent).toHaveLength(1);
    },
  );

  test('in strict order waits for its turn, and goes where that leads', async () => {
    const stage = stageFor(WORLD, [ok]);
    const turn = Promise.withResolvers<number>();
    const deps = { ...stage.deps, state: { ...stage.watched, turn: () => turn.promise } };
    const answer = createRelay(deps).serve(stage.call({ name: 'even' }));
    await settled();
    expect(stage.upstream.sent).toEqual([]);
    turn.resolve(1);
    await answer;
    expect(sentTo(stage)).toBe('B');
  });

  test('takes its turn from the pool that serves it, so that the second of a chain is even too', async () => {
    const stage = stageFor(WORLD, [ok]);
    for (const id of ['A/m', 'B/m'] as const) stage.record(id, 'throttled', { retryAfterMs: 60_000 });
    const relay = createRelay(stage.deps);
    for (let count = 0; count < 4; count++) await relay.serve(stage.call({ name: 'premium' }));
    expect(sentTo(stage)).toBe('CDCD');
    expect([stage.state.peekTurn('even'), stage.state.peekTurn('spare')]).toEqual([0, 4]);
  });

  test.each([
    { what: 'nothing of tiers where none was asked for', name: 'plain', plan: null, is: undefined },
    { what: 'its tier', name: 'premium', plan: null, is: 'premium' },
    { what: 'what its plan lowered', name: 'premium', plan: 'free', is: 'economy;downgraded-from=premium;reason=plan' },
    { what: 'its tier where the plan has it', name: 'economy', plan: 'strict', is: 'economy' },
  ])('is told $what', async ({ name, plan, is }) => {
    const stage = stageFor(WORLD, [ok]);
    const call = stage.call({ name, plan: plan === null ? null : (WORLD.plans.get(plan) ?? null) });
    const { headers } = await createRelay(stage.deps).serve(call);
    const at = headers.indexOf('x-router-tier');
    expect(at === -1 ? undefined : headers[at + 1]).toBe(is);
  });

  test('is told by whom it was served where its tier was unavailable', async () => {
    const stage = stageFor(WORLD, [by({ A: status(503), B: status(503), C: ok, D: ok })]);
    const plan = WORLD.plans.get('free');
    if (plan === undefined) throw new Error('there is no such plan');
    const config = {
      ...WORLD,
      tiers: new Map([
        ['premium' as const, ['even']],
        ['economy' as const, ['spare']],
      ]),
    };
    const all = { ...plan, tiers: ['premium' as const, 'economy' as const], downgradeWhenUnavailable: true };
    const { headers } = await createRelay({ ...stage.deps, config }).serve(stage.call({ name: 'premium', plan: all }));
    expect(headers[headers.indexOf('x-router-tier') + 1]).toBe('economy;downgraded-from=premium;reason=unavailable');
    expect(sentTo(stage)).toBe('ABC');
  });

  test.each([
    { name: 'premium', says: 'The plan "strict" does not include the tier premium. It has economy.' },
    {
      name: 'even',
      says: 'The plan "strict" does not include the pool even, which is of the tier premium. It has economy.',
    },
    { name: 'A/m', says: null },
  ])('for $name is refused where its plan does not include that: 403 forbidden', async ({ name, says }) => {
    const stage = stageFor(WORLD, [ok]);
    const call = stage.call({ name, plan: WORLD.plans.get('strict') ?? null });
    const result = await createRelay(stage.deps)
      .serve(call)
      .catch((error: unknown) => error);
    // A/m is in the pool plain as well, which is everybody's.
    if (says === null) expect(result).toMatchObject({ status: 200 });
    else expect(result).toMatchObject({ code: 'forbidden', status: 403, message: says });
    expect(stage.upstream.sent).toHaveLength(says === null ? 1 : 0);
  });
});

test('mostHeadroom goes by what deployments say is left, though they do not say of how much', async () => {
  const pools = { free: { strategy: 'mostHeadroom', members: ['A/gpt-4.1', 'B/gpt-4.1'] } };
  const config = configOf({ ...fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com']), pools });
  const left =
    (tokens: number): Script =>
    (sent) =>
      sent.answer(200, {}, { 'x-ratelimit-remaining-tokens': String(tokens) });
  const stage = stageFor(config, [left(100), left(9_000), left(50), ok]);
  const relay = createRelay(stage.deps);
  for (let count = 0; count < 4; count++) await relay.serve(stage.call({ name: 'free' }));
  // Each is tried once before anything is known; then B has more left until it says 50.
  expect(sentTo(stage)).toBe('ABBA');
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

describe('the route of a call', () => {
  test('is told without its consequences', () => {
    const stage = stageFor(CONFIG);
    const relay = createRelay(stage.deps);
    expect(relay.route(stage.call()).candidates.map(({ deployment }) => deployment.id)).toEqual([
      'A/gpt-4.1',
      'B/gpt-4.1',
      'C/gpt-4.1',
    ]);
    expect(stage.upstream.sent).toEqual([]);
    expect(() => relay.route(stage.call({ name: 'none' }))).toThrow(RouterError);
  });
});
