import { UnprocessableEntityError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createRouterClient, isUnavailable, RouterApiError, StructuredOutputError } from '../../src/client/index.ts';
import { fleet, startRouter, type TestRouter } from '../harness/router.ts';
import { type SimulatedRouter, startSimulated } from '../harness/simulated.ts';
import { json, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

const MODEL = 'gpt-4.1';
const Visit = z.object({ code: z.string().regex(/^\d{5}$/), urgent: z.boolean() });
const PLAIN = {
  type: 'object',
  properties: { code: { type: 'string' }, urgent: { type: 'boolean' } },
  required: ['code', 'urgent'],
  additionalProperties: false,
} as const;

const connect = (baseUrl: string) => createRouterClient({ baseUrl, apiKey: 'any', maxRetries: 0 });

describe('generateStructured, before simulated deployments', () => {
  let simulated: SimulatedRouter;
  beforeAll(async () => {
    simulated = await startSimulated();
  });
  afterAll(() => simulated[Symbol.asyncDispose]());

  it.each([
    { form: 'a zod schema', schema: Visit },
    { form: 'JSON Schema', schema: PLAIN },
  ])('gives data that fits $form', async ({ schema }) => {
    const answer = await connect(simulated.url).generateStructured({ prompt: 'A visit.', schema, model: MODEL });
    expect(answer.data).toEqual({ code: expect.any(String) as string, urgent: expect.any(Boolean) as boolean });
    expect(answer).toMatchObject({
      repaired: false,
      deployment: 'A/gpt-4.1',
      usage: { completionTokens: expect.any(Number) as number },
    });
    expect(answer.route).toMatchObject({ requestId: answer.requestId, deployment: 'A/gpt-4.1', attempts: 1 });
    if (schema === Visit) expect(answer.data.code).toMatch(/^\d{5}$/);
  });

  it('says where an answer was cut off', async () => {
    const request = { prompt: 'A visit.', schema: PLAIN, model: MODEL, maxTokens: 1 };
    const error = await connect(simulated.url)
      .generateStructured(request)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StructuredOutputError);
    expect(error).toMatchObject({ finishReason: 'length', faults: [], refusal: null, param: 'maxTokens' });
  });
});

/** What a model that does as it likes says, one after the other. */
function says(...contents: string[]) {
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  return contents.map((content) =>
    json(200, {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'gpt-4.1',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
      usage,
    }),
  );
}

describe('generateStructured, before a model with a will of its own', () => {
  let upstream: ScriptedUpstream;
  let router: TestRouter;
  beforeAll(async () => {
    upstream = await startUpstream();
    router = await startRouter(fleet([upstream.url], { cache: { ttlMs: 0 } }));
  });
  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  const ask = <const Schema extends z.ZodType>(schema: Schema) =>
    connect(router.url).generateStructured({ prompt: crypto.randomUUID(), schema, model: MODEL });

  it('says that the answer had to be repaired', async () => {
    upstream.script(...says('{"code": 1}', '{"code": "12345", "urgent": true}'));
    expect(await ask(Visit)).toMatchObject({
      repaired: true,
      data: { code: '12345', urgent: true },
      usage: { totalTokens: 10 },
    });
  });

  it('fails with what the model said and where it is wrong', async () => {
    upstream.script(...says('{"code": 1}'));
    const error = await ask(Visit).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StructuredOutputError);
    expect(error).toBeInstanceOf(UnprocessableEntityError);
    expect(error).toBeInstanceOf(RouterApiError);
    expect(isUnavailable(error)).toBe(false);
    const { raw, faults, status, requestId } = error as StructuredOutputError & RouterApiError;
    expect({ raw, status }).toEqual({ raw: '{"code": 1}', status: 422 });
    expect(requestId).toMatch(/^[\w-]{36}$/);
    expect(faults).toContainEqual({ path: '/code', found: '1', allowed: 'string' });
    expect(faults.map(({ path }) => path)).toContain('/urgent');
  });

  it('applies defaults and transformations of the schema', async () => {
    upstream.script(...says('{"day": "2026-01-02"}'));
    const { data } = await ask(
      z.object({ day: z.string().transform((text) => new Date(text)), count: z.number().default(3) }),
    );
    expect(data).toEqual({ day: new Date('2026-01-02'), count: 3 });
    const [, asked] = /"schema":(\{.*\})/s.exec(upstream.received.at(-1)!.body.toString()) ?? [];
    expect(asked).toContain('"day":{"type":"string"}');
  });

  const Place = z.object({ zip: z.string() });
  it.each([
    { what: 'an object', schema: z.object({ code: z.string() }), answer: { code: 'a' } },
    { what: 'objects in objects', schema: z.object({ place: Place }), answer: { place: { zip: 'a' } } },
    { what: 'objects in lists', schema: z.object({ places: z.array(Place) }), answer: { places: [{ zip: 'a' }] } },
    {
      what: 'one object of several',
      schema: z.object({ at: z.union([Place, z.null()]) }),
      answer: { at: { zip: 'a' } },
    },
  ])('has the deployment enforce the schema of $what', async ({ schema, answer }) => {
    upstream.script(...says(JSON.stringify(answer)));
    expect((await ask(schema)).data).toEqual(answer);
    expect(JSON.parse(upstream.received.at(-1)!.body.toString())).toMatchObject({
      response_format: { json_schema: { strict: true, schema: { additionalProperties: false } } },
    });
  });

  it.each([
    { what: 'of two schemas together', schema: z.intersection(Place, z.object({ city: z.string() })) },
    { what: 'that may have more', schema: z.looseObject({ zip: z.string() }) },
    { what: 'with names of all kinds', schema: z.record(z.string(), z.string()) },
  ])('takes an object $what', async ({ schema }) => {
    const answer = { zip: '12345', city: 'Bonn' };
    upstream.script(...says(JSON.stringify(answer)));
    expect(await ask(schema)).toMatchObject({ data: answer, repaired: false });
  });

  it('fails in the same way where only the library can see what is wrong', async () => {
    upstream.script(...says('{"days": [{"from": 5, "to/until": 3}]}'));
    const Days = z.object({ from: z.number(), 'to/until': z.number() }).superRefine((day, context) => {
      if (day.from > day['to/until'])
        context.addIssue({ code: 'custom', message: 'a day after from', path: ['to/until'] });
    });
    const error = await ask(z.object({ days: z.array(Days) })).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StructuredOutputError);
    expect(error).toBeInstanceOf(RouterApiError);
    expect(error).toMatchObject({
      status: 422,
      raw: '{"days":[{"from":5,"to/until":3}]}',
      faults: [{ path: '/days/0/to~1until', found: '3', allowed: 'a day after from' }],
      route: { deployment: 'A/gpt-4.1' },
    });
  });

  it('takes schemas that cannot write themselves down, with their JSON Schema beside them', async () => {
    const isEven = {
      '~standard': {
        version: 1 as const,
        vendor: 'homemade',
        validate: (value: unknown) =>
          typeof value === 'number' && value % 2 === 0 ? { value } : { issues: [{ message: 'an even number' }] },
        types: undefined as { input: number; output: number } | undefined,
      },
    };
    const client = connect(router.url);
    const request = { prompt: 'x', schema: isEven, model: MODEL };
    await expect(client.generateStructured(request)).rejects.toThrow('This homemade schema cannot say what it is');
    upstream.script(...says('7'));
    const odd = client.generateStructured({ ...request, jsonSchema: { type: 'number' } });
    await expect(odd).rejects.toMatchObject({ faults: [{ path: '', found: '7', allowed: 'an even number' }] });
    upstream.script(...says('8'));
    const even = await client.generateStructured({ ...request, prompt: 'y', jsonSchema: { type: 'number' } });
    expect(even.data).toBe(8);
  });
});
