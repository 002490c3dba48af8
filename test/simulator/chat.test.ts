import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { chatRaw, eventsIn, QUESTION, STREAMED, type Stage, simulate } from './fixture.ts';

type Body = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;

const WEATHER: OpenAI.Chat.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string', enum: ['Berlin', 'Oslo'] },
        days: { type: 'integer', minimum: 1, maximum: 5 },
      },
      required: ['city', 'days'],
      additionalProperties: false,
    },
  },
};
const CLOCK: OpenAI.Chat.ChatCompletionFunctionTool = {
  type: 'function',
  function: { name: 'get_time', parameters: { type: 'object', properties: {} } },
};

function ask(content: string, rest: Partial<Body> = {}): Body {
  return { model: 'gpt-4.1', messages: [{ role: 'user', content }], ...rest };
}

describe('a chat answer', () => {
  it.each([
    { dialect: 'dated', pick: ({ azure }: Stage) => azure },
    { dialect: 'v1', pick: ({ v1 }: Stage) => v1 },
  ])('reaches the stock client of the $dialect dialect', async ({ pick }) => {
    const stage = await simulate();
    const answer = await pick(stage).chat.completions.create(QUESTION);
    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-4.1-2025-04-14',
      choices: [{ finish_reason: 'stop', message: { role: 'assistant' } }],
    });
    expect(answer.choices[0]?.message.content).toContain('You said: "How tall is the house?"');
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  it('is the same for the same question on every endpoint, and another for another', async () => {
    const { a, b } = await simulate();
    const text = async (endpoint: typeof a, body: unknown) =>
      (JSON.parse((await chatRaw(endpoint, body)).body) as OpenAI.Chat.ChatCompletion).choices[0]?.message.content;
    expect(await text(a, ask('one'))).toBe(await text(b, ask('one')));
    expect(await text(a, ask('one'))).not.toBe(await text(a, ask('two')));
    expect(await text(a, { ...ask('one'), seed: 1 })).not.toBe(await text(a, { ...ask('one'), seed: 2 }));
  });

  it('says what the filters found', async () => {
    const { a } = await simulate();
    expect(JSON.parse((await chatRaw(a)).body)).toMatchObject({
      prompt_filter_results: [
        { prompt_index: 0, content_filter_results: { jailbreak: { filtered: false, detected: false } } },
      ],
      choices: [{ content_filter_results: { hate: { filtered: false, severity: 'safe' } } }],
      system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{10}$/) as string,
    });
  });

  it.each(['max_tokens', 'max_completion_tokens'])('ends for its length at %s', async (limit) => {
    const { azure } = await simulate();
    const answer = await azure.chat.completions.create(ask('tell me all', { [limit]: 5 }));
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.completion_tokens).toBe(5);
    expect(answer.choices[0]?.message.content).toHaveLength(20);
  });

  it('ends before a stop word', async () => {
    const { azure } = await simulate();
    const answer = await azure.chat.completions.create(ask('tell me all', { stop: [' me'] }));
    expect(answer.choices[0]?.message.content).toBe('You said: "tell');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
  });

  it('comes in as many choices as were asked for, each another', async () => {
    const { azure } = await simulate();
    const { choices } = await azure.chat.completions.create(ask('choose', { n: 3 }));
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3);
  });

  it('is as long as the prompt asks in words', async () => {
    const { azure } = await simulate();
    const { choices } = await azure.chat.completions.create(ask('[[words:300]]'));
    expect(choices[0]?.message.content?.split(' ').length).toBeGreaterThan(300);
  });

  it.each([
    { detail: 'high', tokens: 765 },
    { detail: 'low', tokens: 85 },
  ] as const)('counts an image of $detail detail as $tokens tokens', async ({ detail, tokens }) => {
    const { azure } = await simulate();
    const parts = (url: string): Body => ({
      model: 'gpt-4o',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url, detail } },
          ],
        },
      ],
    });
    const plain = await azure.chat.completions.create({ ...ask('What is this?'), model: 'gpt-4o' });
    const seen = await azure.chat.completions.create(parts('data:image/png;base64,AAAA'));
    const other = await azure.chat.completions.create(parts('data:image/png;base64,BBBB'));
    expect((seen.usage?.prompt_tokens ?? 0) - (plain.usage?.prompt_tokens ?? 0)).toBe(tokens);
    expect(seen.choices[0]?.message.content).not.toBe(other.choices[0]?.message.content);
  });
});

describe('reasoning models', () => {
  it.each([
    { effort: 'minimal', tokens: 0 },
    { effort: 'low', tokens: 64 },
    { effort: undefined, tokens: 192 },
    { effort: 'high', tokens: 512 },
  ] as const)('think $tokens tokens with effort $effort', async ({ effort, tokens }) => {
    const { azure } = await simulate();
    const { usage } = await azure.chat.completions.create({
      ...ask('think'),
      model: 'gpt-5-mini',
      ...(effort ? { reasoning_effort: effort } : {}),
    });
    expect(usage?.completion_tokens_details?.reasoning_tokens).toBe(tokens);
    expect(usage?.completion_tokens).toBeGreaterThan(tokens);
  });

  it('have nothing left to say where thinking took every token', async () => {
    const { azure } = await simulate();
    const { choices, usage } = await azure.chat.completions.create({
      ...ask('think', { max_completion_tokens: 50 }),
      model: 'gpt-5-mini',
    });
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '' } });
    expect(usage?.completion_tokens).toBe(50);
  });

  it.each([
    { parameter: 'max_tokens', body: { max_tokens: 5 }, code: 'unsupported_parameter' },
    { parameter: 'temperature', body: { temperature: 0 }, code: 'unsupported_value' },
  ])('refuse $parameter', async ({ body, parameter, code }) => {
    const { azure } = await simulate();
    await expect(azure.chat.completions.create({ ...ask('think', body), model: 'gpt-5-mini' })).rejects.toMatchObject({
      status: 400,
      code,
      param: parameter,
    });
  });
});

describe('tools', () => {
  const toolsIn = (answer: OpenAI.Chat.ChatCompletion) =>
    answer.choices[0]?.message.tool_calls?.flatMap((each) => (each.type === 'function' ? [each.function] : []));

  it.each([
    {
      why: 'the prompt calls it',
      body: ask('please call get_weather now', { tools: [CLOCK, WEATHER] }),
      names: ['get_weather'],
      finish: 'tool_calls',
    },
    {
      why: 'the prompt calls both',
      body: ask('call get_weather and call get_time', { tools: [WEATHER, CLOCK] }),
      names: ['get_weather', 'get_time'],
      finish: 'tool_calls',
    },
    {
      why: 'one at a time',
      body: ask('call get_weather and call get_time', { tools: [WEATHER, CLOCK], parallel_tool_calls: false }),
      names: ['get_weather'],
      finish: 'tool_calls',
    },
    {
      why: 'a tool is required',
      body: ask('hello', { tools: [WEATHER], tool_choice: 'required' }),
      names: ['get_weather'],
      finish: 'tool_calls',
    },
    {
      why: 'it is named',
      body: ask('hello', {
        tools: [CLOCK, WEATHER],
        tool_choice: { type: 'function', function: { name: 'get_weather' } },
      }),
      names: ['get_weather'],
      finish: 'stop',
    },
    { why: 'nothing asks for one', body: ask('hello', { tools: [WEATHER] }), names: undefined, finish: 'stop' },
    {
      why: 'none may be called',
      body: ask('call get_weather', { tools: [WEATHER], tool_choice: 'none' }),
      names: undefined,
      finish: 'stop',
    },
  ] as const)('$why: $names', async ({ body, names, finish }) => {
    const { azure } = await simulate();
    const answer = await azure.chat.completions.create(body);
    expect(toolsIn(answer)?.map(({ name }) => name)).toEqual(names);
    expect(answer.choices[0]?.finish_reason).toBe(finish);
  });

  it('are called with arguments that their schema allows', async () => {
    const { azure } = await simulate();
    const [called] = toolsIn(await azure.chat.completions.create(ask('call get_weather', { tools: [WEATHER] }))) ?? [];
    const { city, days } = JSON.parse(called?.arguments ?? '') as { city: string; days: number };
    expect(['Berlin', 'Oslo']).toContain(city);
    expect(days).toBeGreaterThanOrEqual(1);
    expect(days).toBeLessThanOrEqual(5);
  });

  it('that have answered are spoken of, not called again', async () => {
    const { azure } = await simulate();
    const messages: Body['messages'] = [
      { role: 'user', content: 'call get_weather' },
      {
        role: 'assistant',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
    ];
    const answer = await azure.chat.completions.create({ model: 'gpt-4.1', messages, tools: [WEATHER] });
    expect(answer.choices[0]?.message.content).toContain('The tool answered rain');
  });

  it('are streamed in fragments that the stock client puts together', async () => {
    const { azure } = await simulate();
    const stream = azure.chat.completions.stream({
      ...ask('call get_weather and call get_time', { tools: [WEATHER, CLOCK] }),
      stream: true,
    });
    const answer = await stream.finalChatCompletion();
    const whole = await azure.chat.completions.create(
      ask('call get_weather and call get_time', { tools: [WEATHER, CLOCK] }),
    );
    expect(toolsIn(answer)?.map(({ name, arguments: input }) => ({ name, input }))).toEqual(
      toolsIn(whole)?.map(({ name, arguments: input }) => ({ name, input })),
    );
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
  });
});

describe('structured output', () => {
  const schema = {
    type: 'object',
    properties: { codes: { type: 'array', items: { type: 'string', pattern: '^\\d{5}$' }, minItems: 2 } },
    required: ['codes'],
    additionalProperties: false,
  };

  it('keeps to the schema', async () => {
    const { azure } = await simulate();
    const answer = await azure.chat.completions.create(
      ask('codes', { response_format: { type: 'json_schema', json_schema: { name: 'codes', strict: true, schema } } }),
    );
    const { codes } = JSON.parse(answer.choices[0]?.message.content ?? '') as { codes: string[] };
    expect(codes.length).toBeGreaterThanOrEqual(2);
    for (const code of codes) expect(code).toMatch(/^\d{5}$/);
  });

  it('is a JSON object where no schema is given', async () => {
    const { azure } = await simulate();
    const answer = await azure.chat.completions.create(
      ask('answer in json', { response_format: { type: 'json_object' } }),
    );
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toHaveProperty('answer');
  });

  it('is refused where the messages do not speak of JSON', async () => {
    const { azure } = await simulate();
    await expect(
      azure.chat.completions.create(ask('answer', { response_format: { type: 'json_object' } })),
    ).rejects.toMatchObject({ status: 400, param: 'messages' });
  });
});

describe('refusals of the model', () => {
  it('a filtered prompt is refused with the filter result', async () => {
    const { azure } = await simulate();
    await expect(azure.chat.completions.create(ask('[[content_filter]]'))).rejects.toMatchObject({
      status: 400,
      code: 'content_filter',
      param: 'prompt',
      error: {
        status: 400,
        innererror: {
          code: 'ResponsibleAIPolicyViolation',
          content_filter_result: { violence: { filtered: true, severity: 'high' } },
        },
      },
    });
  });

  it('a filtered answer ends early and says why', async () => {
    const { azure } = await simulate();
    const answer = await azure.chat.completions.create(ask('[[content_filter_output]] and more'));
    expect(answer.choices[0]).toMatchObject({
      finish_reason: 'content_filter',
      content_filter_results: { violence: { filtered: true } },
    });
  });

  it('a prompt beyond the context is refused with its code', async () => {
    const { azure } = await simulate({
      endpoints: [{ name: 'A', deployments: { small: { model: 'gpt-4', contextTokens: 100 } } }],
    });
    await expect(azure.chat.completions.create({ ...ask('x'.repeat(500)), model: 'small' })).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    });
  });

  it.each([
    { fault: 'no messages', body: { model: 'gpt-4.1' }, code: 'missing_required_parameter' },
    { fault: 'empty messages', body: { model: 'gpt-4.1', messages: [] }, code: 'empty_array' },
    { fault: 'a limit of nothing', body: { ...QUESTION, max_tokens: 0 }, code: 'integer_below_min_value' },
    { fault: 'a limit that is a text', body: { ...QUESTION, max_tokens: 'many' }, code: 'invalid_type' },
    { fault: 'no choices', body: { ...QUESTION, n: 0 }, code: 'invalid_value' },
    { fault: 'a choice of tools without tools', body: { ...QUESTION, tool_choice: 'auto' }, code: null },
  ])('$fault is refused', async ({ body, code }) => {
    const { a } = await simulate();
    const answer = await chatRaw(a, body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code, type: 'invalid_request_error' } });
  });

  it('a field that nobody knows is let through', async () => {
    const { a } = await simulate();
    expect((await chatRaw(a, { ...QUESTION, unheard_of: { deep: 1 } })).status).toBe(200);
  });
});

describe('a chat stream', () => {
  it('opens with the prompt filter, then the role, and ends with the finish and [DONE]', async () => {
    const { a } = await simulate();
    const answer = await chatRaw(a, STREAMED);
    expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const events = eventsIn(answer.body);
    expect(events[0]).toMatchObject({ choices: [], id: '', model: '', prompt_filter_results: [{ prompt_index: 0 }] });
    expect(events[1]).toMatchObject({
      choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }],
      object: 'chat.completion.chunk',
    });
    expect(events[2]).toMatchObject({
      choices: [{ delta: { content: 'You' }, content_filter_results: { hate: { severity: 'safe' } } }],
    });
    expect(events.at(-1)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }] });
    expect(answer.body.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(events.some((event) => 'usage' in event)).toBe(false);
  });

  it('tells its usage last, in a chunk without choices, where it was asked', async () => {
    const { a } = await simulate();
    const events = eventsIn((await chatRaw(a, { ...STREAMED, stream_options: { include_usage: true } })).body);
    expect(events.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) as number } });
    expect(events.slice(1, -1).every((event) => event['usage'] === null)).toBe(true);
  });

  it('says the same as the whole answer, with the same usage', async () => {
    const { azure } = await simulate();
    const whole = await azure.chat.completions.create(QUESTION);
    const streamed = await azure.chat.completions
      .stream({ ...STREAMED, stream_options: { include_usage: true } })
      .finalChatCompletion();
    expect(streamed.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
    expect(streamed.usage?.completion_tokens).toBe(whole.usage?.completion_tokens);
  });

  it('streams every choice', async () => {
    const { azure } = await simulate();
    const streamed = await azure.chat.completions.stream({ ...STREAMED, n: 2 }).finalChatCompletion();
    expect(streamed.choices.map(({ finish_reason }) => finish_reason)).toEqual(['stop', 'stop']);
  });
});
