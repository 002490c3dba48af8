import { createAzure } from '@ai-sdk/azure';
import { HumanMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { AzureChatOpenAI, AzureOpenAIEmbeddings, ChatOpenAI } from '@langchain/openai';
import { APICallError, tool as aiTool, embed, embedMany, generateText, jsonSchema, Output, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type SimulatedRouter, startSimulated } from '../harness/simulated.ts';

const PROMPT = 'How tall is the house?';
const REPLY = 'You said: "How tall is the house?"';
const DIALECTS = [{ api: 'v1' }, { api: '2025-04-01-preview' }];

describe.each(DIALECTS)(
  '@ai-sdk/azure, changed in nothing but URL and key, before endpoints that speak $api',
  ({ api }) => {
    let fleet: SimulatedRouter;
    beforeAll(async () => {
      fleet = await startSimulated({ api });
    });
    afterAll(() => fleet[Symbol.asyncDispose]());

    const providers = [
      { form: 'its v1 URLs', make: (url: string) => createAzure({ baseURL: `${url}/openai`, apiKey: 'any' }) },
      {
        form: 'deployment URLs',
        make: (url: string) =>
          createAzure({
            baseURL: `${url}/openai`,
            apiKey: 'any',
            useDeploymentBasedUrls: true,
            apiVersion: '2025-04-01-preview',
          }),
      },
    ];

    describe.each(providers)('by $form', ({ make }) => {
      it('generates text by chat', async () => {
        const { text, usage, finishReason } = await generateText({
          model: make(fleet.url).chat('gpt-4.1'),
          prompt: PROMPT,
          maxRetries: 0,
        });
        expect(text).toContain(REPLY);
        expect(usage.outputTokens).toBeGreaterThan(0);
        expect(finishReason).toBe('stop');
      });

      it('streams text by chat, the same as unstreamed', async () => {
        const model = make(fleet.url).chat('gpt-4.1');
        const { textStream, usage } = streamText({ model, prompt: PROMPT, maxRetries: 0 });
        let text = '';
        for await (const part of textStream) text += part;
        expect(text).toBe((await generateText({ model, prompt: PROMPT })).text);
        expect((await usage).totalTokens).toBeGreaterThan(0);
      });

      it('calls tools', async () => {
        const city = z.object({ city: z.enum(['Berlin', 'Oslo']) });
        const weather = aiTool({ description: 'weather', inputSchema: city, execute: () => 'rain' });
        const { toolCalls } = await generateText({
          model: make(fleet.url).chat('gpt-4.1'),
          prompt: 'call weather',
          tools: { weather },
        });
        expect(toolCalls).toMatchObject([{ toolName: 'weather', input: { city: expect.any(String) as string } }]);
      });

      it('gets structured output', async () => {
        const schema = jsonSchema<{ floors: number }>({
          type: 'object',
          properties: { floors: { type: 'integer', minimum: 1, maximum: 3 } },
          required: ['floors'],
          additionalProperties: false,
        });
        const { output } = await generateText({
          model: make(fleet.url).chat('gpt-4.1'),
          prompt: PROMPT,
          output: Output.object({ schema }),
        });
        expect(output.floors).toBeGreaterThanOrEqual(1);
      });

      it('embeds one value and many', async () => {
        const model = make(fleet.url).embedding('text-embedding-3-small');
        const one = await embed({ model, value: 'a house' });
        expect(one.embedding).toHaveLength(1_536);
        const many = await embedMany({ model, values: ['a house', 'a street'] });
        expect(many.embeddings[0]).toEqual(one.embedding);
      });
    });

    it('generates and streams text by responses, which is its default', async () => {
      const model = createAzure({ baseURL: `${fleet.url}/openai`, apiKey: 'any' })('gpt-4.1');
      const whole = await generateText({ model, prompt: PROMPT, maxRetries: 0 });
      expect(whole.text).toContain(REPLY);
      const { textStream } = streamText({ model, prompt: PROMPT, maxRetries: 0 });
      let text = '';
      for await (const part of textStream) text += part;
      expect(text).toBe(whole.text);
    });
  },
);

describe('@ai-sdk/azure on a bad day', () => {
  it('sees nothing of a primary that fails', async () => {
    await using fleet = await startSimulated();
    fleet.simulator.faults.add({ fault: 'error-event;code=429', endpoint: 'A' });
    const model = createAzure({ baseURL: `${fleet.url}/openai`, apiKey: 'any' }).chat('gpt-4.1');
    const { textStream, response } = streamText({ model, prompt: PROMPT, maxRetries: 0 });
    let text = '';
    for await (const part of textStream) text += part;
    expect(text).toContain(REPLY);
    expect((await response).headers?.['x-router-route']).toBe('A/gpt-4.1:throttled,B/gpt-4.1:ok');
  });

  it.each([
    { kind: 'chat', pick: (azure: ReturnType<typeof createAzure>) => azure.chat('gpt-4.1') },
    { kind: 'responses', pick: (azure: ReturnType<typeof createAzure>) => azure('gpt-4.1') },
  ])('is told of a stream that breaks: $kind', async ({ pick }) => {
    await using fleet = await startSimulated();
    fleet.simulator.faults.add({ fault: 'reset;chunks=3', endpoint: 'A' });
    const errors: unknown[] = [];
    const { stream } = streamText({
      model: pick(createAzure({ baseURL: `${fleet.url}/openai`, apiKey: 'any' })),
      prompt: PROMPT,
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    const kinds: string[] = [];
    for await (const part of stream) kinds.push(part.type);
    expect(kinds).toContain('text-delta');
    expect(kinds).toContain('error');
    expect(JSON.stringify(errors[0]) + String((errors[0] as Error).message)).toContain('upstream_failed');
  });

  it('goes through a marked restart without an error', async () => {
    await using fleet = await startSimulated();
    fleet.simulator.faults.add({ fault: 'reset;chunks=3', endpoint: 'A' });
    const model = createAzure({
      baseURL: `${fleet.url}/openai`,
      apiKey: 'any',
      headers: { 'x-router-on-break': 'restart' },
    }).chat('gpt-4.1');
    const { text, finishReason } = streamText({ model, prompt: PROMPT, maxRetries: 0 });
    expect(await text).toContain(REPLY);
    expect(await finishReason).toBe('stop');
  });

  it("reads the router's own errors", async () => {
    await using fleet = await startSimulated();
    const failure = await generateText({
      model: createAzure({ baseURL: `${fleet.url}/openai`, apiKey: 'any' }).chat('gpt-9'),
      prompt: PROMPT,
      maxRetries: 0,
    }).catch((error: unknown) => error);
    expect(APICallError.isInstance(failure)).toBe(true);
    expect(failure).toMatchObject({
      statusCode: 404,
      isRetryable: false,
      message: expect.stringContaining('These exist: gpt-') as string,
    });
  });
});

describe.each(DIALECTS)(
  '@langchain/openai, changed in nothing but URL and key, before endpoints that speak $api',
  ({ api }) => {
    let fleet: SimulatedRouter;
    beforeAll(async () => {
      fleet = await startSimulated({ api });
    });
    afterAll(() => fleet[Symbol.asyncDispose]());

    const azureOptions = () => ({
      azureOpenAIEndpoint: fleet.url,
      azureOpenAIApiKey: 'any',
      azureOpenAIApiVersion: '2024-10-21',
      maxRetries: 0,
    });
    const models = [
      {
        name: 'AzureChatOpenAI',
        make: () => new AzureChatOpenAI({ ...azureOptions(), azureOpenAIApiDeploymentName: 'gpt-4.1' }),
      },
      {
        name: 'ChatOpenAI',
        make: () =>
          new ChatOpenAI({
            model: 'gpt-4.1',
            apiKey: 'any',
            maxRetries: 0,
            configuration: { baseURL: `${fleet.url}/v1` },
          }),
      },
    ];

    describe.each(models)('$name', ({ make }) => {
      it('answers', async () => {
        const answer = await make().invoke([new HumanMessage(PROMPT)]);
        expect(answer.text).toContain(REPLY);
        expect(answer).toMatchObject({ usage_metadata: { total_tokens: expect.any(Number) as number } });
      });

      it('streams the same', async () => {
        let text = '';
        for await (const part of await make().stream([new HumanMessage(PROMPT)])) text += part.text;
        expect(text).toBe((await make().invoke([new HumanMessage(PROMPT)])).text);
      });

      it('calls tools, unstreamed and streamed', async () => {
        const weather = tool(() => 'rain', {
          name: 'get_weather',
          description: 'weather',
          schema: z.object({ city: z.enum(['Berlin', 'Oslo']) }),
        });
        const model = make().bindTools([weather]);
        const { tool_calls: called } = await model.invoke('call get_weather');
        expect(called).toMatchObject([{ name: 'get_weather', args: { city: expect.any(String) as string } }]);
        let streamed: Awaited<ReturnType<typeof model.invoke>> | undefined;
        for await (const part of await model.stream('call get_weather'))
          streamed = streamed === undefined ? part : streamed.concat(part);
        expect(streamed?.tool_calls?.[0]?.args).toEqual(called?.[0]?.args);
      });

      it('gets structured output', async () => {
        const answer = await make()
          .withStructuredOutput(z.object({ floors: z.number().int() }))
          .invoke(PROMPT);
        expect(Number.isInteger(answer.floors)).toBe(true);
      });

      it('sees nothing of a primary that fails', async () => {
        fleet.simulator.faults.add({ fault: '503', endpoint: 'A', count: 1 });
        expect((await make().invoke(PROMPT)).text).toContain(REPLY);
      });
    });

    it('embeds', async () => {
      // This class takes its address by another setting than the chat class does.
      const address = {
        azureOpenAIBasePath: `${fleet.url}/openai/deployments`,
        azureOpenAIApiDeploymentName: 'text-embedding-3-small',
      };
      const embeddings = new AzureOpenAIEmbeddings({ ...azureOptions(), ...address });
      const [one, two] = await embeddings.embedDocuments(['a house', 'a street']);
      expect(one).toHaveLength(1_536);
      expect(await embeddings.embedQuery('a street')).toEqual(two);
    });
  },
);
