/** Most of this is for the type checker, which fails where a line is not as it says; run, it shows that the lines are there. */
import { APIError } from 'openai';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  createRouterClient,
  type ErrorCode,
  type FromJsonSchema,
  isQuotaExceeded,
  isRouterError,
  type JsonSchema,
  type Route,
  RouterApiError,
  type RouterClient,
  type RouterClientOptions,
  routeOf,
  type Structured,
  type StructuredRequest,
} from '../../src/client/index.ts';
import type { ERROR_CODES } from '../../src/domain/errors.ts';

const client = createRouterClient({ baseUrl: 'http://127.0.0.1:7071', apiKey: 'any' });

/** Of the call's result nothing but the type. */
async function typeOf<T>(_call: () => Promise<Structured<T>>): Promise<T> {
  return undefined as T;
}

describe('the types of generateStructured', () => {
  it('come from a zod schema: what it gives, not what it takes', async () => {
    const schema = z.object({
      code: z.string(),
      day: z.string().transform((text) => new Date(text)),
      n: z.number().default(1),
    });
    const data = await typeOf(() => client.generateStructured({ prompt: 'x', schema }));
    expectTypeOf(data).toEqualTypeOf<{ code: string; day: Date; n: number }>();
  });

  it('come from a JSON Schema that is written out', async () => {
    const data = await typeOf(() =>
      client.generateStructured({
        prompt: 'x',
        schema: {
          type: 'object',
          properties: {
            code: { type: 'string' },
            level: { enum: ['low', 'high'] },
            kind: { const: 'visit' },
            tags: { type: 'array', items: { type: 'string' } },
            note: { type: ['string', 'null'] },
            size: { anyOf: [{ type: 'integer' }, { type: 'boolean' }] },
            place: { type: 'object', properties: { zip: { type: 'number' } }, required: ['zip'] },
            any: {},
          },
          required: ['code', 'level', 'kind', 'tags', 'note', 'size', 'any'],
        },
      }),
    );
    expectTypeOf(data).toEqualTypeOf<{
      code: string;
      level: 'low' | 'high';
      kind: 'visit';
      tags: string[];
      note: string | null;
      size: number | boolean;
      place?: { zip: number };
      any: unknown;
    }>();
  });

  it('are what the caller says, for a schema that comes from elsewhere', async () => {
    interface Visit {
      code: string;
    }
    const schema = JSON.parse('{}') as JsonSchema;
    expectTypeOf(await typeOf(() => client.generateStructured<Visit>({ prompt: 'x', schema }))).toEqualTypeOf<Visit>();
    expectTypeOf(await typeOf(() => client.generateStructured({ prompt: 'x', schema }))).toEqualTypeOf<unknown>();
  });

  it('are unknown where a schema says nothing that is understood', () => {
    expectTypeOf<FromJsonSchema<{ $ref: '#/x' }>>().toEqualTypeOf<unknown>();
    expectTypeOf<FromJsonSchema<{ type: 'object' }>>().toEqualTypeOf<Record<string, unknown>>();
    expectTypeOf<FromJsonSchema<{ type: 'array' }>>().toEqualTypeOf<unknown[]>();
  });

  it('want a prompt or messages, and a schema', () => {
    type Request = StructuredRequest<JsonSchema>;
    const schema = { type: 'object' };
    const good: readonly Request[] = [
      { prompt: 'x', schema },
      { messages: [{ role: 'user', content: 'x' }], schema, maxTokens: 3, reasoningEffort: 'low' },
    ];
    // @ts-expect-error: both
    const both: Request = { prompt: 'x', messages: [], schema };
    // @ts-expect-error: neither
    const neither: Request = { schema };
    // @ts-expect-error: no schema
    const none: Request = { prompt: 'x' };
    // @ts-expect-error: the chat API's name for it
    const foreign: Request = { prompt: 'x', schema, max_tokens: 3 };
    expectTypeOf([good, both, neither, none, foreign]).not.toBeNever();
  });
});

describe('the types of the client', () => {
  it('are its own also after withOptions and forAgent', () => {
    expectTypeOf(client.forAgent('x')).toEqualTypeOf<RouterClient>();
    expectTypeOf(client.withOptions({ tier: 'economy', timeout: 3 })).toEqualTypeOf<RouterClient>();
  });

  it('know the options of the router and of the stock client, and no others', () => {
    const base = { baseUrl: 'https://router.example.com', apiKey: 'k' };
    const good: readonly RouterClientOptions[] = [
      base,
      { ...base, timeout: 3, maxRetries: 0, tier: 'premium', agent: undefined },
      { ...base, apiKey: () => Promise.resolve('token') },
    ];
    // @ts-expect-error: no such tier
    const tier: RouterClientOptions = { ...base, tier: 'gold' };
    // @ts-expect-error: the router's address says where the API is
    const address: RouterClientOptions = { ...base, baseURL: 'https://x/v1' };
    // @ts-expect-error: no key
    const keyless: RouterClientOptions = { baseUrl: base.baseUrl };
    expectTypeOf([good, tier, address, keyless]).not.toBeNever();
  });

  it('narrow errors by class and by code', () => {
    expectTypeOf<RouterApiError['code']>().toEqualTypeOf<ErrorCode>();
    expectTypeOf<(typeof ERROR_CODES)[number]>().toEqualTypeOf<ErrorCode>();
    const error: unknown = new Error('x');
    if (error instanceof RouterApiError) {
      expectTypeOf(error.retryAfterMs).toEqualTypeOf<number | null>();
      expectTypeOf(error.route).toEqualTypeOf<Route>();
      expectTypeOf(error).toExtend<APIError>();
    }
    if (isQuotaExceeded(error)) expectTypeOf(error.code).toEqualTypeOf<'quota_exceeded'>();
    if (isRouterError(error)) expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    if (isRouterError(error, 'forbidden', 'internal'))
      expectTypeOf(error.code).toEqualTypeOf<'forbidden' | 'internal'>();
    // @ts-expect-error: no such code
    expectTypeOf(isRouterError(error, 'no_such_code')).toBeBoolean();
  });

  it('read routes of responses and of errors', () => {
    expectTypeOf(routeOf(new Response())).toEqualTypeOf<Route | null>();
    expectTypeOf(routeOf(new APIError(undefined, undefined, undefined, undefined))).toEqualTypeOf<Route | null>();
  });
});
