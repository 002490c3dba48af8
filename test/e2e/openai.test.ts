/** OpenAI itself, or whoever speaks its API, beside Azure. */
import { describe, expect, it } from 'vitest';
import { ask, DATED_CHAT, QUESTION, STREAMED } from '../harness/raw.ts';
import { startRouter } from '../harness/router.ts';
import { startUpstream } from '../harness/upstream.ts';

describe('an endpoint of plain OpenAI', () => {
  const documentFor = (azure: string, plain: string) => ({
    endpoints: {
      A: {
        url: azure,
        apiKey: 'key-of-azure',
        api: '2025-01-01-preview',
        deployments: { 'gpt-4.1': { model: 'gpt-4.1' } },
      },
      O: { kind: 'openai', url: `${plain}/v1`, apiKey: 'key-of-openai', deployments: { 'gpt-4.1-2025-04-14': {} } },
    },
    pools: { 'gpt-4.1': { strategy: 'priority', members: ['A/gpt-4.1', 'O/gpt-4.1-2025-04-14'] } },
  });

  it.each([
    { what: 'a chat', path: DATED_CHAT, body: QUESTION },
    { what: 'a stream', path: '/openai/v1/chat/completions', body: STREAMED },
  ])('takes over $what in its own dialect where Azure does not serve', async ({ path, body }) => {
    await using azure = await startUpstream((_, response) => {
      response.writeHead(503, { 'content-type': 'application/json' });
      response.end('{"error":{"code":"503","message":"m"}}');
    });
    await using plain = await startUpstream();
    await using router = await startRouter(documentFor(azure.url, plain.url));
    const answer = await ask(router.url, { path, body });
    expect([answer.status, answer.headers['x-router-route']]).toEqual([
      200,
      'A/gpt-4.1:failing,O/gpt-4.1-2025-04-14:ok',
    ]);
    const [received] = plain.received;
    expect(received?.url).toBe('/v1/chat/completions');
    expect(received?.headers.authorization).toBe('Bearer key-of-openai');
    expect(received?.headers['api-key']).toBeUndefined();
    expect(JSON.parse(received?.body.toString() ?? '')).toMatchObject({ model: 'gpt-4.1-2025-04-14' });
  });
});
