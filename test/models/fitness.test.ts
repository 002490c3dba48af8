/** What a caller is told that asks a model for what it cannot do. */
import { describe, expect, it } from 'vitest';
import { configOf } from '../harness/router.ts';
import { appFor, ask } from '../http/ask.ts';
import { ok } from '../relay/fakes.ts';

const ENDPOINT = { url: 'https://a.openai.azure.com', apiKey: 'k', api: 'v1' };

function config(deployments: Readonly<Record<string, string | null>>, extra: object = {}) {
  const made = Object.fromEntries(
    Object.entries(deployments).map(([name, model]) => [name, model === null ? {} : { model }]),
  );
  return configOf({ endpoints: { A: { ...ENDPOINT, deployments: made } }, ...extra });
}

const ALL = {
  talk: 'gpt-4.1-2025-04-14',
  codex: 'gpt-5-codex',
  small: 'text-embedding-3-small',
  pictures: 'gpt-image-1',
  voice: 'tts',
  mine: 'medical-llm',
  bare: null,
};

describe('a model that cannot serve what is asked', () => {
  it.each([
    ['talk', 'embeddings', 'talk cannot serve embeddings; these here can: small.'],
    ['A/talk', 'images/generations', 'A/talk cannot serve images; these here can: pictures.'],
    ['small', 'chat/completions', 'small cannot serve chat completions; these here can: talk.'],
    ['small', 'responses', 'small cannot serve the Responses API; these here can: talk, codex.'],
    ['pictures', 'chat/completions', 'pictures cannot serve chat completions; these here can: talk.'],
    ['talk', 'audio/speech', 'talk cannot serve speech; these here can: voice.'],
    ['codex', 'chat/completions', 'codex cannot serve chat completions; these here can: talk.'],
  ])('%s is not sent %s', async (model, operation, message) => {
    const { app, upstream } = appFor(config(ALL), [ok]);
    const { status, json } = await ask(app, { target: `/v1/${operation}`, body: { model, input: 'x' } });
    expect([status, json]).toEqual([
      400,
      { error: { message, type: 'invalid_request_error', code: 'invalid_request', param: 'model' } },
    ]);
    expect(upstream.sent).toHaveLength(0);
  });

  it.each([
    ['talk', 'chat/completions'],
    ['codex', 'responses'],
    ['small', 'embeddings'],
    ['talk', 'audio/transcriptions'],
    ['small', 'audio/translations'],
    ['mine', 'embeddings'],
    ['mine', 'images/generations'],
    ['bare', 'embeddings'],
    ['mixed', 'embeddings'],
    ['unsure', 'embeddings'],
  ])('%s is sent %s', async (model, operation) => {
    const alone = Object.fromEntries(Object.keys(ALL).map((name) => [name, { members: [`A/${name}`] }]));
    const pools = { ...alone, mixed: { members: ['A/talk', 'A/small'] }, unsure: { members: ['A/talk', 'A/mine'] } };
    const { app, upstream } = appFor(config(ALL, { pools }), [ok]);
    const { status } = await ask(app, { target: `/v1/${operation}`, body: { model, input: 'x' } });
    expect([status, upstream.sent.length]).toEqual([200, 1]);
  });

  it('is known by all members of its pool, those that rest as well', async () => {
    const pools = { chat: { members: ['A/talk', 'A/codex'] } };
    const { app, upstream, record } = appFor(config(ALL, { pools }), [ok]);
    record('A/talk', 'throttled', { retryAfterMs: 60_000 });
    const { json } = await ask(app, { target: '/v1/embeddings', body: { model: 'chat', input: 'x' } });
    expect(json).toMatchObject({
      error: { message: expect.stringContaining('chat cannot serve embeddings') as string },
    });
    expect(upstream.sent).toHaveLength(0);
  });

  it('is asked where one who rests may be able to', async () => {
    const pools = { chat: { members: ['A/mine', 'A/talk'] } };
    const { app, upstream, record } = appFor(config(ALL, { pools }), [ok]);
    record('A/mine', 'throttled', { retryAfterMs: 60_000 });
    await ask(app, { target: '/v1/embeddings', body: { model: 'chat', input: 'x' } });
    expect(upstream.sent).toHaveLength(1);
  });

  it('is named where the caller named none', async () => {
    const { app } = appFor(config({ talk: 'gpt-4.1', small: 'text-embedding-3-small' }), [ok]);
    const { json } = await ask(app, { target: '/v1/embeddings', body: { model: 'auto', input: 'x' } });
    expect(json).toMatchObject({
      error: { message: 'gpt-4.1 cannot serve embeddings; these here can: small.', param: 'model' },
    });
  });

  it.each(['embeddings', 'completions', 'images/generations', 'images/edits', 'audio/speech', 'audio/translations'])(
    'has the last word on %s where nobody here is known to serve it',
    async (operation) => {
      const { app, upstream } = appFor(config({ talk: 'gpt-4.1', 'talk-2': 'gpt-4.1-mini' }), [ok]);
      const { status } = await ask(app, { target: `/v1/${operation}`, body: { model: 'talk', input: 'x' } });
      expect([status, upstream.sent.length]).toEqual([200, 1]);
    },
  );

  it('is refused by the deployment that the tier leads to, not by the name', async () => {
    const pools = { talking: { members: ['A/talk'] }, vectors: { members: ['A/small'] } };
    const { app, upstream } = appFor(config(ALL, { pools, tiers: { economy: { chain: ['vectors'] } } }), [ok]);
    const headers = { 'x-router-tier': 'economy' };
    const { status } = await ask(app, { target: '/v1/embeddings', headers, body: { model: 'talking', input: 'x' } });
    expect([status, upstream.sent.length]).toEqual([200, 1]);
  });

  it('leaves unknown names what they were: 404', async () => {
    const { app } = appFor(config(ALL), [ok]);
    const { status, json } = await ask(app, { target: '/v1/embeddings', body: { model: 'nope', input: 'x' } });
    expect([status, json]).toMatchObject([404, { error: { code: 'unknown_model' } }]);
  });
});
