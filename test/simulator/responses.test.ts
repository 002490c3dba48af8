import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { call, eventsIn, manualClock, type Stage, simulate, v1Client } from './fixture.ts';

const HELLO = { model: 'gpt-4.1', input: 'Good morning' };
const TOOL: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'find_code',
  strict: true,
  parameters: {
    type: 'object',
    properties: { code: { type: 'string', pattern: '^[A-Z]\\d{4}$' } },
    required: ['code'],
    additionalProperties: false,
  },
};

describe('a response', () => {
  it.each([
    { dialect: 'dated', pick: ({ azure }: Stage) => azure },
    { dialect: 'v1', pick: ({ v1 }: Stage) => v1 },
  ])('reaches the stock client of the $dialect dialect', async ({ pick }) => {
    const stage = await simulate();
    const response = await pick(stage).responses.create(HELLO);
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'gpt-4.1-2025-04-14',
      store: true,
      error: null,
    });
    expect(response.output_text).toContain('You said: "Good morning"');
    expect(response.usage?.total_tokens).toBe(
      (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
    );
  });

  it('takes items, instructions and images', async () => {
    const { v1 } = await simulate();
    const response = await v1.responses.create({
      model: 'gpt-4o',
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: 'first' },
        { role: 'assistant', content: 'yes' },
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'and this?' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'high' },
          ],
        },
      ],
    });
    expect(response.output_text).toContain('and this?');
    expect(response.usage?.input_tokens).toBeGreaterThan(765);
    expect(response.instructions).toBe('Be brief.');
  });

  it('is incomplete where the tokens did not suffice', async () => {
    const { v1 } = await simulate();
    const response = await v1.responses.create({ ...HELLO, max_output_tokens: 16, input: '[[words:100]]' });
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 16 },
    });
  });

  it('of a reasoning model shows that it reasoned', async () => {
    const { v1 } = await simulate();
    const response = await v1.responses.create({ ...HELLO, model: 'gpt-5-mini', reasoning: { effort: 'low' } });
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    expect(response.usage?.output_tokens_details.reasoning_tokens).toBe(64);
  });

  it('keeps to a schema', async () => {
    const { v1 } = await simulate();
    const schema = {
      type: 'object',
      properties: { ok: { type: 'boolean' } },
      required: ['ok'],
      additionalProperties: false,
    };
    const response = await v1.responses.create({
      ...HELLO,
      text: { format: { type: 'json_schema', name: 'verdict', strict: true, schema } },
    });
    expect(JSON.parse(response.output_text)).toEqual({ ok: expect.any(Boolean) as boolean });
  });

  it('is refused for a filtered prompt', async () => {
    const { v1 } = await simulate();
    await expect(v1.responses.create({ ...HELLO, input: '[[content_filter]]' })).rejects.toMatchObject({
      status: 400,
      code: 'content_filter',
    });
  });

  it.each([
    { fault: 'no input', body: { model: 'gpt-4.1' } },
    { fault: 'an input of nothing', body: { model: 'gpt-4.1', input: [] } },
    { fault: 'no model', body: { input: 'hello' } },
  ])('$fault is refused', async ({ body }) => {
    const { a } = await simulate();
    expect((await call(a, '/openai/v1/responses', { body })).status).toBe(400);
  });
});

describe('tools of a response', () => {
  it('are called, and answered in the next turn', async () => {
    const { v1 } = await simulate();
    const first = await v1.responses.create({ ...HELLO, input: 'call find_code', tools: [TOOL] });
    const [called] = first.output;
    if (called?.type !== 'function_call') throw new Error('no tool was called');
    expect((JSON.parse(called.arguments) as { code: string }).code).toMatch(/^[A-Z]\d{4}$/);
    const second = await v1.responses.create({
      ...HELLO,
      previous_response_id: first.id,
      tools: [TOOL],
      input: [{ type: 'function_call_output', call_id: called.call_id, output: 'A0001' }],
    });
    expect(second.output_text).toContain('The tool answered A0001');
  });

  it.each([
    { choice: 'required', input: 'hello' },
    { choice: { type: 'function', name: 'find_code' }, input: 'hello' },
    { choice: { type: 'allowed_tools', mode: 'required', tools: [] }, input: 'hello' },
    { choice: 'auto', input: 'call find_code' },
  ] as const)('are called for the choice $choice', async ({ choice, input }) => {
    const { v1 } = await simulate();
    const response = await v1.responses.create({
      ...HELLO,
      input,
      tools: [TOOL],
      tool_choice: choice as OpenAI.Responses.ToolChoiceOptions,
    });
    expect(response.output.map(({ type }) => type)).toEqual(['function_call']);
  });

  it('of the custom kind get a free text', async () => {
    const { v1 } = await simulate();
    const response = await v1.responses.create({
      ...HELLO,
      input: 'call note',
      tools: [{ type: 'custom', name: 'note' }],
    });
    expect(response.output).toMatchObject([
      { type: 'custom_tool_call', name: 'note', input: expect.stringContaining('You said') as string },
    ]);
  });
});

describe('a streamed response', () => {
  it('tells its events in order, numbered, and ends with the whole response', async () => {
    const { a } = await simulate();
    const answer = await call(a, '/openai/v1/responses', { body: { ...HELLO, stream: true, max_output_tokens: 4 } });
    const events = eventsIn(answer.body);
    expect(events.map(({ type }) => type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...Array.from({ length: 4 }, () => 'response.output_text.delta'),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete',
    ]);
    expect(events.map((event) => event['sequence_number'])).toEqual(events.map((_, index) => index));
    expect(events.at(-1)).toMatchObject({ response: { status: 'incomplete', usage: { output_tokens: 4 } } });
    expect(answer.body).not.toContain('[DONE]');
  });

  it.each([
    { what: 'text', body: HELLO },
    { what: 'reasoning and text', body: { ...HELLO, model: 'gpt-5-mini' } },
    { what: 'a tool call', body: { ...HELLO, input: 'call find_code', tools: [TOOL] } },
  ])('of $what is put together by the stock client to the same response', async ({ body }) => {
    const { v1, simulator } = await simulate();
    const whole = await v1.responses.create(body);
    const streamed = await v1.responses.stream(body).finalResponse();
    expect(streamed.output_text).toBe(whole.output_text);
    expect(streamed.output.map(({ type }) => type)).toEqual(whole.output.map(({ type }) => type));
    expect(streamed.usage?.output_tokens).toBe(whole.usage?.output_tokens);
    const [first, second] = simulator.calls();
    expect(second?.completionTokens).toBe(first?.completionTokens);
    expect(second?.reasoningTokens).toBe(first?.reasoningTokens);
  });
});

describe('stored responses', () => {
  it('are read, listed and deleted on the endpoint that made them, and unknown on another', async () => {
    const { v1, azure, b } = await simulate();
    const { id } = await v1.responses.create(HELLO);
    expect((await azure.responses.retrieve(id)).id).toBe(id);
    const items = await v1.responses.inputItems.list(id);
    expect(items.data).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Good morning' }] },
    ]);
    await expect(v1Client(b).responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
    await v1.responses.delete(id);
    await expect(v1.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it('are not kept where the caller says so', async () => {
    const { v1 } = await simulate();
    const { id } = await v1.responses.create({ ...HELLO, store: false });
    await expect(v1.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it('go before the next turn, on their own endpoint alone', async () => {
    const { v1, b } = await simulate();
    const first = await v1.responses.create(HELLO);
    const next = { ...HELLO, input: 'and then?', previous_response_id: first.id };
    const second = await v1.responses.create(next);
    expect(second.usage?.input_tokens).toBeGreaterThan(
      (first.usage?.input_tokens ?? 0) + (first.usage?.output_tokens ?? 0),
    );
    await expect(v1Client(b).responses.create(next)).rejects.toMatchObject({
      status: 400,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    });
  });

  it('are listed in pages', async () => {
    const { v1 } = await simulate();
    const input = ['one', 'two', 'three'].map((content) => ({ role: 'user' as const, content }));
    const { id } = await v1.responses.create({ ...HELLO, input });
    const texts: unknown[] = [];
    for await (const item of v1.responses.inputItems.list(id, { limit: 2, order: 'asc' })) texts.push(item);
    expect(texts).toMatchObject(['one', 'two', 'three'].map((text) => ({ content: [{ text }] })));
  });

  it('carry reasoning that no other endpoint can read', async () => {
    const { v1, b } = await simulate();
    const { output } = await v1.responses.create({
      ...HELLO,
      model: 'gpt-5-mini',
      store: false,
      include: ['reasoning.encrypted_content'],
    });
    const [reasoning] = output;
    if (reasoning?.type !== 'reasoning') throw new Error('no reasoning came');
    const next = { model: 'gpt-5-mini', input: [reasoning, { role: 'user' as const, content: 'go on' }] };
    expect((await v1.responses.create(next)).status).toBe('completed');
    await expect(v1Client(b).responses.create(next)).rejects.toMatchObject({
      status: 400,
      code: 'invalid_encrypted_content',
    });
  });
});

describe('background responses', () => {
  it('are queued first and complete in time', async () => {
    const clock = manualClock();
    const { v1 } = await simulate({ clock });
    const queued = await v1.responses.create({ ...HELLO, background: true });
    expect(queued).toMatchObject({ status: 'queued', output: [] });
    clock.advance(50);
    expect(await v1.responses.retrieve(queued.id)).toMatchObject({
      status: 'completed',
      output: [{ type: 'message' }],
    });
  });

  it('can be cancelled while they are queued', async () => {
    const clock = manualClock();
    const { v1 } = await simulate({ clock });
    const { id } = await v1.responses.create({ ...HELLO, background: true });
    expect(await v1.responses.cancel(id)).toMatchObject({ status: 'cancelled' });
    clock.advance(50);
    expect(await v1.responses.retrieve(id)).toMatchObject({ status: 'cancelled' });
  });

  it('alone can be cancelled', async () => {
    const { v1 } = await simulate();
    const { id } = await v1.responses.create(HELLO);
    await expect(v1.responses.cancel(id)).rejects.toMatchObject({ status: 400 });
  });
});
