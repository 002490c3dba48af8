import { expect, test } from 'vitest';
import { startRouter } from '../harness/router.ts';
import { json, startUpstream } from '../harness/upstream.ts';

const WORDS = 'He said \\"no\\" and she wrote it down.\\nÄ new line came. '.repeat(20_000);

test.each([
  { what: 'a picture', content: 'A'.repeat(3 * 1024 * 1024) },
  { what: 'prose full of escapes', content: WORDS },
])('a large body with $what reaches a v1 deployment with only its model exchanged', async ({ content }) => {
  await using broken = await startUpstream(json(503, { error: { code: '503', message: 'no' } }));
  await using upstream = await startUpstream();
  const endpoint = (url: string) => ({ url, apiKey: 'k', api: 'v1', deployments: { mine: { model: 'gpt-4.1' } } });
  await using router = await startRouter({
    endpoints: { A: endpoint(broken.url), B: endpoint(upstream.url) },
    pools: { pool: { strategy: 'priority', members: ['A/mine', 'B/mine'] } },
  });
  const bodyFor = (model: string) =>
    `{"seed":9007199254740993, "model" : "${model}","messages":[{"role":"user","content":"${content}"}]}`;
  const answer = await fetch(`${router.url}/v1/chat/completions`, { method: 'POST', body: bodyFor('pool') });
  expect(answer.headers.get('x-router-route')).toBe('A/mine:failing,B/mine:ok');
  for (const { received } of [broken, upstream]) {
    expect(received[0]?.body.equals(Buffer.from(bodyFor('mine')))).toBe(true);
    expect(received[0]?.headers['content-length']).toBe(String(Buffer.byteLength(bodyFor('mine'))));
    expect(received[0]?.headers['transfer-encoding']).toBeUndefined();
  }
});
