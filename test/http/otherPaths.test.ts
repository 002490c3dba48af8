/** Operations that the router does not know: they go to one endpoint, that of whoever path or body names, and stay there. */
import { describe, expect, test } from 'vitest';
import { configOf } from '../harness/router.ts';
import { ok, status } from '../relay/fakes.ts';
import { appFor, ask } from './ask.ts';

const endpoint = (name: string, api: string, deployment: string) => ({
  url: `https://${name}.openai.azure.com`,
  apiKey: 'k',
  api,
  deployments: { [deployment]: {} },
});

const CONFIG = configOf({
  endpoints: {
    A: endpoint('a', 'v1', 'chat-a'),
    B: endpoint('b', 'v1', 'sora-b'),
    C: endpoint('c', '2025-04-01-preview', 'sora-c'),
  },
  pools: {
    chat: { members: ['A/chat-a'] },
    video: { strategy: 'roundRobin', block: 1, members: ['B/sora-b', 'C/sora-c'] },
    dated: { members: ['C/sora-c', 'B/sora-b'] },
  },
  tiers: { premium: { chain: ['video', 'chat'] }, economy: { chain: ['chat'] } },
  retries: { sameDeployment: 0 },
});

const JSON_TYPE = { 'content-type': 'application/json' };

async function sent(target: string, body: string, headers: Readonly<Record<string, string>> = JSON_TYPE) {
  const stage = appFor(CONFIG, [ok]);
  const answer = await ask(stage.app, { target, body, headers });
  const put = stage.upstream.sent[0]?.request;
  const bytes = Array.isArray(put?.body) ? Buffer.concat(put.body) : (put?.body as Buffer | undefined);
  return { answer, to: put?.endpoint.name, path: put?.path, body: bytes?.toString() };
}

describe('an operation that the router does not know', () => {
  test.each([
    { what: 'a pool', model: 'video', to: 'B', name: 'sora-b' },
    { what: 'a deployment', model: 'C/sora-c', to: 'C', name: 'sora-c' },
    { what: 'a tier', model: 'premium', to: 'B', name: 'sora-b' },
    { what: 'nobody, by auto', model: 'auto', to: 'A', name: 'chat-a' },
    { what: 'a pool whose first endpoint speaks the dated dialect', model: 'dated', to: 'C', name: 'sora-c' },
    { what: 'something that only the endpoint knows', model: 'sora-2', to: 'A', name: 'sora-2' },
  ])('goes where its body says, and names the deployment there: $what', async ({ model, to, name }) => {
    const found = await sent('/openai/v1/videos', `{"n":12345678901234567890, "model":"${model}"}`);
    const path = to === 'C' ? '/openai/videos?api-version=2025-04-01-preview' : '/openai/v1/videos';
    expect([found.answer.status, found.to, found.path]).toEqual([200, to, path]);
    expect(found.body).toBe(`{"n":12345678901234567890, "model":"${name}"}`);
  });

  test('reads forms as well, and leaves their files alone', async () => {
    const form = (model: string) =>
      `--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n${model}\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n{"model":"video"}\r\n--b--\r\n`;
    const found = await sent('/v1/videos', form('video'), { 'content-type': 'multipart/form-data; boundary=b' });
    expect([found.to, found.body]).toEqual(['B', form('sora-b')]);
  });

  test.each([
    { what: 'a file', headers: { 'content-type': 'application/jsonl' }, body: '{"model":"video"}' },
    { what: 'bytes', headers: { 'content-type': 'application/octet-stream' }, body: '{"model":"video"}' },
    { what: 'what is compressed', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: '{"model":"video"}' },
    { what: 'what is no JSON', headers: JSON_TYPE, body: '{"model":"video"' },
    { what: 'what names nobody', headers: JSON_TYPE, body: '{"input":"x"}' },
    { what: 'a form that is none', headers: { 'content-type': 'multipart/form-data; boundary=b' }, body: 'x' },
  ])('goes to the default, byte for byte, with $what', async ({ headers, body }) => {
    expect(await sent('/v1/files', body, headers)).toMatchObject({ answer: { status: 200 }, to: 'A', body });
  });

  test('takes a body of no said type for JSON', async () => {
    expect(await sent('/v1/videos', '{"model":"video"}', {})).toMatchObject({ to: 'B', body: '{"model":"sora-b"}' });
  });

  test('that its path names somebody for goes there, whatever its body says', async () => {
    const found = await sent('/openai/deployments/video/jobs?api-version=v', '{"model":"chat"}');
    expect(found).toMatchObject({ to: 'B', path: '/openai/v1/jobs', body: '{"model":"sora-b"}' });
    const dated = await sent('/openai/deployments/dated/jobs?api-version=v', '{"model":"chat"}');
    expect(dated).toMatchObject({ to: 'C', body: '{"model":"chat"}' });
    expect(dated.path).toBe('/openai/deployments/sora-c/jobs?api-version=2025-04-01-preview');
    expect((await sent('/openai/deployments/nope/jobs', '{}')).answer.status).toBe(404);
  });

  test('goes where its tier leads, and says so; a deployment named wins over that', async () => {
    const headers = { ...JSON_TYPE, 'x-router-tier': 'premium' };
    const found = await sent('/v1/videos', '{"model":"chat"}', headers);
    expect(found).toMatchObject({ to: 'B', body: '{"model":"sora-b"}' });
    expect(found.answer.headers.get('x-router-tier')).toBe('premium');
    expect(await sent('/v1/videos', '{"model":"sora-2"}', headers)).toMatchObject({
      to: 'B',
      body: '{"model":"sora-2"}',
    });
    expect(await sent('/v1/videos', '{"model":"A/chat-a"}', headers)).toMatchObject({ to: 'A' });
  });

  test('is pinned: it goes to the first member every time, and nowhere else', async () => {
    const stage = appFor(CONFIG, [ok, ok, status(503)]);
    const question = { target: '/v1/videos', body: { model: 'video' } };
    for (let count = 0; count < 3; count++) await ask(stage.app, question);
    expect(stage.upstream.sent.map(({ endpoint: at }) => at)).toEqual(['B', 'B', 'B']);
  });
});
