import { describe, expect, it } from 'vitest';
import { call, chatRaw, QUESTION, STREAMED, simulate } from './fixture.ts';

const LONG_STREAM = { ...STREAMED, messages: [{ role: 'user', content: '[[words:2000]]' }] };

describe('the books', () => {
  it('sum calls, outcomes and tokens by endpoint, deployment and operation', async () => {
    const { simulator, azure, a } = await simulate();
    const first = await azure.chat.completions.create(QUESTION);
    await azure.chat.completions.stream(STREAMED).finalChatCompletion();
    await chatRaw(a, QUESTION, { headers: { 'x-simulator-fault': '429' } });
    await azure.embeddings.create({ model: 'text-embedding-3-small', input: 'hello' });
    const { rows, total } = simulator.books();
    expect(rows).toMatchObject([
      {
        endpoint: 'A',
        deployment: 'gpt-4.1',
        operation: 'chat/completions',
        calls: 3,
        streams: 1,
        outcomes: { ok: 2, throttled: 1 },
        statuses: { 200: 2, 429: 1 },
        promptTokens: (first.usage?.prompt_tokens ?? 0) * 2,
        completionTokens: (first.usage?.completion_tokens ?? 0) * 2,
      },
      {
        endpoint: 'A',
        deployment: 'text-embedding-3-small',
        operation: 'embeddings',
        calls: 1,
        promptTokens: 2,
        completionTokens: 0,
      },
    ]);
    expect(total.calls).toBe(4);
  });

  it('count reasoning and cached tokens apart', async () => {
    const { simulator, azure } = await simulate();
    const body = { model: 'gpt-5-mini', messages: [{ role: 'user' as const, content: 'x'.repeat(5_000) }] };
    await azure.chat.completions.create(body);
    await azure.chat.completions.create(body);
    expect(simulator.books().total).toMatchObject({ reasoningTokens: 384, cachedTokens: 1_152 });
  });

  it('are the same over a control call, and begin anew when they are cleared', async () => {
    const { simulator, a } = await simulate();
    await chatRaw(a);
    expect(JSON.parse((await call(a, '/simulator/books')).body)).toEqual(JSON.parse(JSON.stringify(simulator.books())));
    await call(a, '/simulator/books', { method: 'DELETE' });
    expect(simulator.books()).toMatchObject({ rows: [], total: { calls: 0 } });
  });

  it('tell how far a stream got when its caller left', async () => {
    const { simulator, azure } = await simulate({
      endpoints: [{ name: 'A', deployments: { 'gpt-4.1': { model: 'gpt-4.1', latency: { chunkMs: 2 } } } }],
    });
    const stream = await azure.chat.completions.create({
      ...LONG_STREAM,
      messages: [{ role: 'user', content: '[[words:2000]]' }],
    });
    let seen = 0;
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content && ++seen === 5) break;
    await expect.poll(() => simulator.calls()).toMatchObject([{ outcome: 'aborted', status: 200, stream: true }]);
    const [aborted] = simulator.calls();
    expect(aborted?.completionTokens).toBeGreaterThanOrEqual(5);
    expect(aborted?.completionTokens).toBeLessThan(500);
    expect(aborted?.promptTokens).toBeGreaterThan(0);
  });

  it('tell of a caller who left before the headers', async () => {
    const { simulator, a } = await simulate({
      endpoints: [{ name: 'A', deployments: { 'gpt-4.1': { model: 'gpt-4.1' } }, latency: { headMs: 60_000 } }],
    });
    await chatRaw(a, QUESTION, { headPatienceMs: 30 });
    await expect.poll(() => simulator.calls()).toMatchObject([{ outcome: 'aborted', status: 0, completionTokens: 0 }]);
  });

  it('count what was generated before a fault broke the stream', async () => {
    const { simulator, a } = await simulate();
    await chatRaw(a, STREAMED, { headers: { 'x-simulator-fault': 'reset;chunks=2' } });
    await expect.poll(() => simulator.calls()).toMatchObject([{ outcome: 'failing', completionTokens: 3 }]);
  });

  it.each([
    { what: 'a refused prompt', body: { model: 'gpt-4.1', messages: [] }, outcome: 'refused' },
    {
      what: 'a filtered prompt',
      body: { ...QUESTION, messages: [{ role: 'user', content: '[[content_filter]]' }] },
      outcome: 'filtered',
    },
    { what: 'an unknown deployment', body: { ...QUESTION, model: 'none' }, outcome: 'misconfigured' },
  ])('book $what as $outcome, without tokens', async ({ body, outcome }) => {
    const { simulator, a } = await simulate();
    await chatRaw(a, body);
    expect(simulator.calls()).toMatchObject([{ outcome, promptTokens: 0, completionTokens: 0 }]);
  });
});
