/** What every answer of the data plane says, those of the router itself too. */
import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/domain/errors.ts';
import type { App } from '../../src/http/app.ts';
import { configOf, fleet } from '../harness/router.ts';
import { never, ok, type Script, status } from '../relay/fakes.ts';
import { type AppStage, appFor, ask, type Question } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com'], {
    tiers: { premium: { chain: ['gpt-4.1'] } },
    retries: { sameDeployment: 0 },
  }),
);
const CHAT: Question = { target: '/v1/chat/completions', body: { model: 'gpt-4.1', messages: [] } };
const TIMING = /^router;dur=\d+\.\d\d, upstream;dur=\d+\.\d\d$/;

interface Case {
  readonly what: string;
  readonly question: Question;
  readonly code: number;
  readonly scripts?: readonly Script[];
  readonly prepare?: (stage: AppStage) => void;
  readonly gate?: Parameters<typeof appFor>[2];
  readonly tells?: Readonly<Record<string, string>>;
}

const unable = { body: { ...(CHAT.body as object), model: 'B/gpt-4.1' } };

const CASES: readonly Case[] = [
  { what: 'a body that is no JSON', question: { ...CHAT, body: '{"a":' }, code: 400 },
  { what: 'a wrong header', question: { ...CHAT, headers: { 'x-router-tier': 'gold' } }, code: 400 },
  { what: 'a path that leads upwards', question: { target: '/openai/v1/../x', body: '{}' }, code: 400 },
  { what: 'no key', question: CHAT, code: 401, gate: { callerKeys: ['k'] } },
  { what: 'an unknown model', question: { ...CHAT, body: { model: 'nope' } }, code: 404 },
  { what: 'an unknown model in the list', question: { target: '/v1/models/nope' }, code: 404 },
  { what: 'the list of models', question: { target: '/v1/models' }, code: 200 },
  { what: 'one model', question: { target: '/openai/models/gpt-4.1?api-version=v' }, code: 200 },
  { what: 'a wrong method of generate', question: { target: '/router/generate/text' }, code: 405 },
  { what: 'an order that generate cannot read', question: { target: '/router/generate/text', body: {} }, code: 400 },
  {
    what: 'a generated text of a model that is not there',
    question: { target: '/router/generate/text', body: { model: 'nope', prompt: 'p' } },
    code: 404,
  },
  {
    what: 'nobody left to ask',
    question: CHAT,
    code: 429,
    prepare: ({ record }) => {
      for (const id of ['A/gpt-4.1', 'B/gpt-4.1'] as const) record(id, 'throttled', { retryAfterMs: 9_000 });
    },
  },
  {
    what: 'failures everywhere',
    question: CHAT,
    code: 503,
    scripts: [status(503)],
    tells: { 'x-router-attempts': '2', 'x-router-route': 'A/gpt-4.1:failing,B/gpt-4.1:failing' },
  },
  {
    what: 'nobody who takes our key',
    question: { ...CHAT, ...unable },
    code: 502,
    scripts: [status(401)],
    tells: { 'x-router-attempts': '1', 'x-router-route': 'B/gpt-4.1:misconfigured' },
  },
  {
    what: 'failures on the way of a tier',
    question: { ...CHAT, headers: { 'x-router-tier': 'premium', 'x-router-cache': 'on' } },
    code: 503,
    scripts: [status(503)],
    tells: { 'x-router-attempts': '2', 'x-router-tier': 'premium', 'x-router-cache': 'miss' },
  },
];

async function answerIn({ question, scripts = [ok], prepare, gate = {} }: Case) {
  const stage = appFor(CONFIG, scripts, gate);
  prepare?.(stage);
  return ask(stage.app, question);
}

describe('an answer for which no deployment spoke', () => {
  test.each(CASES)('says how it came about: $what', async (one) => {
    const { status: code, headers } = await answerIn(one);
    expect(code).toBe(one.code);
    expect(headers.get('server-timing')).toMatch(TIMING);
    const told = { 'x-router-attempts': '0', 'x-router-cache': 'off', ...one.tells };
    expect(Object.fromEntries(headers)).toMatchObject(told);
    expect(headers.has('x-router-route')).toBe(told['x-router-attempts'] !== '0');
    expect(headers.has('x-router-tier')).toBe('x-router-tier' in told);
  });

  test('says each thing once', async () => {
    const { app } = appFor(CONFIG, [status(503)]);
    const answer = await app.handle(rawQuestion(Buffer.from(JSON.stringify(CHAT.body))));
    const names = answer.headers.filter((_, at) => at % 2 === 0);
    expect(names).toEqual([...new Set(names)]);
  });

  test('tells the time of the deployment from its own', async () => {
    const { app, clock } = appFor(CONFIG, [never]);
    const asked = ask(app, { ...CHAT, headers: { 'x-router-deadline-ms': '1000' } });
    await clock.pass(1_000);
    const { status: code, headers } = await asked;
    expect(code).toBe(504);
    expect(headers.get('server-timing')).toBe('router;dur=500.00, upstream;dur=500.00');
  });

  test('says so of a body that is too large', async () => {
    const { app } = appFor(CONFIG);
    const tooLarge = new RouterError('request_too_large', 'Too large.');
    const { status: code, headers } = await app.handle({
      ...rawQuestion(Buffer.alloc(0)),
      readBody: () => Promise.reject(tooLarge),
    });
    expect(code).toBe(413);
    expect(headers).toContain('server-timing');
  });

  test('leaves the control plane as it is', async () => {
    const { app } = appFor(CONFIG);
    const { headers } = await ask(app, { target: '/router/pools/nope' });
    expect(headers.has('server-timing')).toBe(false);
  });
});

test('an answer from the cache names the tier it was made for', async () => {
  const { app } = appFor(CONFIG, [ok]);
  const question = { ...CHAT, headers: { 'x-router-tier': 'premium', 'x-router-cache': 'on' } };
  await ask(app, question);
  const { headers } = await ask(app, question);
  expect(Object.fromEntries(headers)).toMatchObject({ 'x-router-cache': 'hit', 'x-router-tier': 'premium' });
});

function rawQuestion(bytes: Buffer): Parameters<App['handle']>[0] {
  return {
    method: 'POST',
    target: '/v1/chat/completions',
    headers: [],
    source: '127.0.0.1',
    caller: { gone: false, onGone: () => () => undefined },
    readBody: () => Promise.resolve(bytes),
  };
}
