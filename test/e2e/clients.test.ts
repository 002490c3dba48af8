import OpenAI, { APIConnectionError, AzureOpenAI, BadRequestError, NotFoundError, toFile } from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type SimulatedRouter, startSimulated } from '../harness/simulated.ts';

const OPTIONS = { apiKey: 'any', maxRetries: 0 };

/** The stock clients, changed in nothing but the address. */
const CLIENTS = [
  {
    client: 'AzureOpenAI',
    connect: (endpoint: string) => new AzureOpenAI({ ...OPTIONS, endpoint, apiVersion: '2024-10-21' }),
  },
  {
    client: 'OpenAI under /openai/v1',
    connect: (url: string) => new OpenAI({ ...OPTIONS, baseURL: `${url}/openai/v1` }),
  },
  { client: 'OpenAI under /v1', connect: (url: string) => new OpenAI({ ...OPTIONS, baseURL: `${url}/v1` }) },
] as const;

/** How the endpoints behind the router want to be spoken to. */
const DIALECTS = ['v1', '2025-04-01-preview'] as const;

const PAIRS = DIALECTS.flatMap((api) => CLIENTS.map(({ client, connect }) => ({ api, client, connect })));

const MODEL = 'gpt-4.1';
const messages = [{ role: 'user' as const, content: 'How tall is the house?' }];
const QUESTION = { model: MODEL, messages };

const WEATHER: OpenAI.Chat.ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: ['Berlin', 'Oslo'] } },
      required: ['city'],
    },
  },
};
const TOOLS = { model: MODEL, messages: [{ role: 'user' as const, content: 'call get_weather' }], tools: [WEATHER] };

const FLEET = {
  pools: {
    'gpt-4.1': { members: ['A/gpt-4.1', 'B/gpt-4.1'] },
    chat: { members: ['A/gpt-4o', 'B/gpt-4o'] },
  },
  tiers: { premium: { chain: ['gpt-4.1'] }, economy: { chain: ['chat'] } },
  defaultPool: 'gpt-4.1',
};

async function textOf(stream: AsyncIterable<OpenAI.Chat.ChatCompletionChunk>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  return text;
}

function callIn({ choices }: OpenAI.Chat.ChatCompletion) {
  const [call] = choices[0]?.message.tool_calls ?? [];
  return call?.type === 'function'
    ? { name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }
    : null;
}

describe.each(PAIRS)('the stock client $client before endpoints that speak $api', ({ api, connect }) => {
  let fleet: SimulatedRouter;
  let client: OpenAI;
  /** The same client class at the endpoint itself: what it says is what must come through. */
  let direct: OpenAI;

  beforeAll(async () => {
    fleet = await startSimulated({ api });
    client = connect(fleet.url);
    const [a] = fleet.simulator.endpoints;
    direct = new OpenAI({ ...OPTIONS, baseURL: `${a?.url}/openai/v1`, apiKey: a?.apiKey ?? '' });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  it('gets a chat answer as the endpoint itself gives it', async () => {
    const { data, response } = await client.chat.completions.create(QUESTION).withResponse();
    expect(data.choices).toEqual((await direct.chat.completions.create(QUESTION)).choices);
    expect(data.usage?.total_tokens).toBeGreaterThan(0);
    expect(response.headers.get('x-router-deployment')).toBe('A/gpt-4.1');
    expect(response.headers.get('x-router-attempts')).toBe('1');
    const sent = fleet.simulator.received(response.headers.get('apim-request-id') ?? '');
    expect(sent?.path).toBe(
      api === 'v1' ? '/openai/v1/chat/completions' : `/openai/deployments/gpt-4.1/chat/completions?api-version=${api}`,
    );
    expect(sent?.headers['api-key']).toBe('simulator');
    expect(sent?.headers.authorization).toBeUndefined();
  });

  it('gets the same text streamed as unstreamed', async () => {
    const whole = await client.chat.completions.create(QUESTION);
    const stream = await client.chat.completions.create({ ...QUESTION, stream: true });
    expect(await textOf(stream)).toBe(whole.choices[0]?.message.content);
  });

  it('gets the usage chunk where stream_options ask for it, and only there', async () => {
    const usages = async (options: object): Promise<unknown[]> => {
      const seen: unknown[] = [];
      for await (const chunk of await client.chat.completions.create({ ...QUESTION, stream: true, ...options })) {
        if (chunk.usage) seen.push(chunk.usage);
      }
      return seen;
    };
    expect(await usages({})).toEqual([]);
    expect(await usages({ stream_options: { include_usage: true } })).toEqual([
      expect.objectContaining({ completion_tokens: expect.any(Number) as number }),
    ]);
  });

  it('sends pictures among the parts of a message', async () => {
    const question: OpenAI.Chat.ChatCompletionCreateParamsNonStreaming = {
      model: 'gpt-4o',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            {
              type: 'image_url',
              image_url: { url: `data:image/png;base64,${'iVBORw0KGgo'.repeat(5_000)}`, detail: 'high' },
            },
          ],
        },
      ],
    };
    const answer = await client.chat.completions.create(question);
    const expected = await direct.chat.completions.create(question);
    expect(answer.choices).toEqual(expected.choices);
    // Prompt caching would make these differ, so only the whole is compared.
    expect(answer.usage?.prompt_tokens).toBe(expected.usage?.prompt_tokens);
  });

  it('calls tools, unstreamed and streamed, with the same arguments', async () => {
    const called = callIn(await client.chat.completions.create(TOOLS));
    expect(called).toEqual({
      name: 'get_weather',
      input: { city: expect.stringMatching(/^(Berlin|Oslo)$/) as string },
    });
    expect(callIn(await client.chat.completions.stream(TOOLS).finalChatCompletion())).toEqual(called);
  });

  it('gets structured output, parsed', async () => {
    const Visit = z.object({ code: z.string().regex(/^\d{5}$/), urgent: z.boolean() });
    const answer = await client.chat.completions.parse({
      ...QUESTION,
      response_format: zodResponseFormat(Visit, 'visit'),
    });
    expect(Visit.safeParse(answer.choices[0]?.message.parsed).success).toBe(true);
  });

  it.each([
    { encoding: "the client's own choice", wish: {} },
    { encoding: 'float', wish: { encoding_format: 'float' as const } },
    { encoding: 'base64', wish: { encoding_format: 'base64' as const } },
  ])('gets embeddings in $encoding', async ({ wish }) => {
    const params = { model: 'text-embedding-3-small', input: ['one', 'two'] };
    const answer = await client.embeddings.create({ ...params, ...wish });
    expect(answer.data).toHaveLength(2);
    expect(answer.data).toEqual((await direct.embeddings.create({ ...params, ...wish })).data);
  });

  it('creates a response, reads it again, lists its input and deletes it', async () => {
    const made = await client.responses.create({ model: MODEL, input: 'Remember this.' });
    expect(made.output_text).not.toBe('');
    expect((await client.responses.retrieve(made.id)).output_text).toBe(made.output_text);
    expect((await client.responses.inputItems.list(made.id)).data).toHaveLength(1);
    await client.responses.delete(made.id);
    await expect(client.responses.retrieve(made.id)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('goes on from a response with previous_response_id', async () => {
    const first = await client.responses.create({ model: MODEL, input: 'My name is Ada.' });
    const next = await client.responses.create({ model: MODEL, input: 'And?', previous_response_id: first.id });
    expect(next.previous_response_id).toBe(first.id);
    expect(next.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? 0);
  });

  it('streams a response, with the text of the whole one', async () => {
    let streamed = '';
    const kinds: string[] = [];
    for await (const event of await client.responses.create({ model: MODEL, input: 'Tell me.', stream: true })) {
      kinds.push(event.type);
      if (event.type === 'response.output_text.delta') streamed += event.delta;
    }
    expect(kinds[0]).toBe('response.created');
    expect(kinds.at(-1)).toBe('response.completed');
    expect(streamed).toBe((await client.responses.create({ model: MODEL, input: 'Tell me.' })).output_text);
  });

  it('reads again and deletes a response that was streamed', async () => {
    const final = await client.responses.stream({ model: MODEL, input: 'Keep this.' }).finalResponse();
    const { response } = await client.responses.retrieve(final.id).withResponse();
    expect(response.headers.get('x-router-attempts')).toBe('1');
    await client.responses.delete(final.id);
  });

  it('cancels a background response', async () => {
    const queued = await client.responses.create({ model: MODEL, input: 'Take your time.', background: true });
    expect(queued.status).toBe('queued');
    expect(['cancelled', 'completed']).toContain((await client.responses.cancel(queued.id)).status);
  });

  it('gets a structured response, parsed', async () => {
    const Answer = z.object({ height: z.number().int() });
    const parsed = await client.responses.parse({
      model: MODEL,
      input: 'How tall?',
      text: { format: zodTextFormat(Answer, 'answer') },
    });
    expect(Answer.safeParse(parsed.output_parsed).success).toBe(true);
  });

  it('generates an image', async () => {
    const image = { model: 'gpt-image-1', prompt: 'a house' };
    const answer = await client.images.generate(image);
    expect(answer.data?.[0]?.b64_json).toBe((await direct.images.generate(image)).data?.[0]?.b64_json);
  });

  it('edits an image that it uploads', async () => {
    const image = await toFile(Buffer.from('a picture'), 'house.png', { type: 'image/png' });
    const answer = await client.images.edit({ model: 'gpt-image-1', prompt: 'a red door', image });
    expect(answer.data?.[0]?.b64_json).toBeDefined();
  });

  it('has an uploaded recording written down', async () => {
    const file = await toFile(Buffer.alloc(70_000, 7), 'visit.wav');
    const { data, response } = await client.audio.transcriptions.create({ model: 'whisper', file }).withResponse();
    expect(data.text).toBe('Transcript of visit.wav (70000 bytes).');
    const sent = fleet.simulator.received(response.headers.get('apim-request-id') ?? '');
    expect(sent?.body.includes(Buffer.alloc(70_000, 7))).toBe(true);
  });

  it('gets speech, byte for byte', async () => {
    const spoken = { model: 'tts', input: 'Good morning.', voice: 'alloy' as const };
    const [heard, expected] = await Promise.all(
      [client, direct].map(async (one) => (await one.audio.speech.create(spoken)).arrayBuffer()),
    );
    expect(Buffer.from(heard as ArrayBuffer)).toEqual(Buffer.from(expected as ArrayBuffer));
    expect((heard as ArrayBuffer).byteLength).toBeGreaterThan(100);
  });

  it('gets a completion of the old kind, unstreamed and streamed', async () => {
    const prompt = { model: 'gpt-35-turbo-instruct', prompt: 'Once upon a time' };
    const whole = await client.completions.create(prompt);
    let streamed = '';
    for await (const chunk of await client.completions.create({ ...prompt, stream: true }))
      streamed += chunk.choices[0]?.text ?? '';
    expect(whole.choices[0]?.text).not.toBe('');
    expect(streamed).toBe(whole.choices[0]?.text);
  });

  it('is told with NotFoundError which names there are, where it asks for an unknown one', async () => {
    const failure = await client.chat.completions
      .create({ ...QUESTION, model: 'gpt-4.l' })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NotFoundError);
    expect(failure).toMatchObject({
      status: 404,
      code: 'unknown_model',
      param: 'model',
      type: 'invalid_request_error',
    });
    expect((failure as Error).message).toContain('These exist: gpt-4.1,');
  });

  it.each([
    {
      kind: 'chat',
      send: () =>
        client.chat.completions.create({ model: MODEL, messages: [{ role: 'user', content: '[[content_filter]]' }] }),
    },
    {
      kind: 'streamed chat',
      send: () =>
        client.chat.completions.create({
          model: MODEL,
          stream: true,
          messages: [{ role: 'user', content: '[[content_filter]]' }],
        }),
    },
  ])('is told with BadRequestError that a prompt was filtered ($kind), after one attempt', async ({ send }) => {
    fleet.simulator.resetBooks();
    const failure = await send().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BadRequestError);
    expect(failure).toMatchObject({
      status: 400,
      code: 'content_filter',
      error: { innererror: { code: 'ResponsibleAIPolicyViolation' } },
    });
    const { headers } = failure as BadRequestError;
    expect(headers.get('x-router-route')).toBe('A/gpt-4.1:filtered');
    expect(headers.get('x-router-attempts')).toBe('1');
    expect(fleet.simulator.books().total.calls).toBe(1);
  });

  it('reaches a deployment by its id, with a slash in it', async () => {
    const { response } = await client.chat.completions.create({ ...QUESTION, model: 'B/gpt-4.1' }).withResponse();
    expect(response.headers.get('x-router-deployment')).toBe('B/gpt-4.1');
    expect(response.headers.get('x-ms-region')).toBe('West Europe');
  });

  it('is not harmed by a router that went away: it hears of it as a connection error', async () => {
    const gone = await startSimulated({ api });
    const late = connect(gone.url);
    await gone[Symbol.asyncDispose]();
    await expect(late.chat.completions.create(QUESTION)).rejects.toBeInstanceOf(APIConnectionError);
  });
});

describe.each(CLIENTS)('the models list of $client', ({ connect }) => {
  it('names pools, tiers, deployments and auto, each of which can be asked about and used', async () => {
    await using fleet = await startSimulated({ config: FLEET });
    const client = connect(fleet.url);
    const names = (await client.models.list()).data.map(({ id }) => id);
    expect(names.slice(0, 4)).toEqual(['gpt-4.1', 'chat', 'premium', 'economy']);
    expect(names).toEqual(expect.arrayContaining(['A/gpt-4.1', 'B/gpt-4o', 'auto']));
    for (const id of ['gpt-4.1', 'premium', 'B/gpt-4o', 'auto']) {
      expect(await client.models.retrieve(id)).toMatchObject({ id, object: 'model' });
      const { response } = await client.chat.completions.create({ ...QUESTION, model: id }).withResponse();
      expect(response.status).toBe(200);
    }
  });

  it('gives NotFoundError for a name it does not hold', async () => {
    await using fleet = await startSimulated({ config: FLEET });
    await expect(connect(fleet.url).models.retrieve('gpt-9')).rejects.toMatchObject({
      status: 404,
      code: 'unknown_model',
    });
  });

  it('leads a tier to its chain, by name and by header', async () => {
    await using fleet = await startSimulated({ config: FLEET });
    const client = connect(fleet.url);
    const byName = await client.chat.completions.create({ ...QUESTION, model: 'economy' }).withResponse();
    expect(byName.response.headers.get('x-router-deployment')).toBe('A/gpt-4o');
    expect(byName.response.headers.get('x-router-tier')).toBe('economy');
    const byHeader = await client.chat.completions
      .create(QUESTION, { headers: { 'x-router-tier': 'economy' } })
      .withResponse();
    expect(byHeader.response.headers.get('x-router-deployment')).toBe('A/gpt-4o');
  });
});

describe('stored responses', () => {
  it('are found on the endpoint that holds them by an instance that did not see them made', async () => {
    await using fleet = await startSimulated();
    const b = fleet.simulator.endpoints[1];
    const made = await new OpenAI({
      ...OPTIONS,
      baseURL: `${b?.url}/openai/v1`,
      apiKey: b?.apiKey ?? '',
    }).responses.create({
      model: MODEL,
      input: 'Made elsewhere.',
    });
    const client = CLIENTS[1].connect(fleet.url);
    const { data, response } = await client.responses.retrieve(made.id).withResponse();
    expect(data.id).toBe(made.id);
    expect(response.headers.get('x-router-endpoint')).toBe('B');
    const again = await client.responses.retrieve(made.id).withResponse();
    expect(again.response.headers.get('x-router-attempts')).toBe('1');
  });

  it.each([
    { what: 'answers 503', fault: '503' },
    { what: 'is throttled', fault: '429' },
    { what: 'refuses our key', fault: '401' },
    { what: 'breaks off', fault: 'reset-before' },
    { what: 'hangs', fault: 'hang' },
  ])('are found behind an endpoint that $what', async ({ fault }) => {
    await using fleet = await startSimulated({ config: { timeouts: { answerMs: 300 } } });
    const b = fleet.simulator.endpoints[1];
    const direct = new OpenAI({ ...OPTIONS, baseURL: `${b?.url}/openai/v1`, apiKey: b?.apiKey ?? '' });
    const made = await direct.responses.create({ model: MODEL, input: 'Made elsewhere.' });
    fleet.simulator.faults.add({ fault, endpoint: 'A' });
    const { data, response } = await CLIENTS[1].connect(fleet.url).responses.retrieve(made.id).withResponse();
    expect(data.id).toBe(made.id);
    expect(response.headers.get('x-router-endpoint')).toBe('B');
  });

  it('stay with the deployment that made them while it is the second choice', async () => {
    await using fleet = await startSimulated();
    const client = CLIENTS[1].connect(fleet.url);
    fleet.simulator.faults.add({ fault: '503', endpoint: 'A', count: 1 });
    const made = await client.responses.create({ model: MODEL, input: 'Made on B.' }).withResponse();
    expect(made.response.headers.get('x-router-endpoint')).toBe('B');
    const next = await client.responses
      .create({ model: MODEL, input: 'And?', previous_response_id: made.data.id })
      .withResponse();
    expect(next.response.headers.get('x-router-route')).toBe('B/gpt-4.1:ok');
    const { response } = await client.responses.retrieve(next.data.id).withResponse();
    expect(response.headers.get('x-router-route')).toBe('B/gpt-4.1:ok');
  });
});

describe('the retries of a stock client', () => {
  it('do not hammer a fleet that rests longer than the client would wait', async () => {
    await using fleet = await startSimulated();
    fleet.simulator.faults.add({ fault: '429;retry-after-ms=90000' });
    const client = new OpenAI({ baseURL: `${fleet.url}/v1`, apiKey: 'any', maxRetries: 2 });
    await expect(client.chat.completions.create(QUESTION)).rejects.toMatchObject({
      status: 429,
      code: 'no_deployment_available',
    });
    expect(fleet.simulator.books().total.calls).toBe(2);
  });

  it('succeed once the soonest deployment is back, without another call in between', async () => {
    await using fleet = await startSimulated({ config: { retries: { sameDeployment: 0 } } });
    fleet.simulator.faults.add({ fault: '429;retry-after-ms=300', endpoint: 'A', count: 1 });
    fleet.simulator.faults.add({ fault: '429;retry-after-ms=60000', endpoint: 'B', count: 1 });
    const client = new OpenAI({ baseURL: `${fleet.url}/v1`, apiKey: 'any', maxRetries: 2 });
    const { response } = await client.chat.completions.create(QUESTION).withResponse();
    expect(response.headers.get('x-router-route')).toBe('A/gpt-4.1:ok');
    expect(fleet.simulator.books().total.calls).toBe(3);
  });
});
