/** `/router/generate/…`: for callers, with their own keys. */
import { DATA_ERRORS, LABEL_REFERENCES } from './dataPaths.ts';
import { json, operation, type PathItem } from './operation.ts';
import { anything, count, flag, list, nullable, object, oneOf, ref, type Schema, text, told, usd } from './schema.ts';

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'];
const ROLES = ['system', 'developer', 'user', 'assistant', 'tool'];

const order = {
  prompt: told({ type: 'string', minLength: 1 }, 'the question; this, or messages'),
  messages: told(
    {
      type: 'array',
      minItems: 1,
      items: { type: 'object', required: ['role'], properties: { role: oneOf(ROLES) } },
    },
    'a conversation, as chat completions take it',
  ),
  system: told(text, 'stands before everything else'),
  model: told({ type: 'string', minLength: 1, default: 'auto' }, 'a pool, a tier, a deployment or auto'),
  maxTokens: { type: 'integer', minimum: 1 },
  temperature: { type: 'number', minimum: 0, maximum: 2 },
  reasoningEffort: oneOf(EFFORTS),
  stream: told({ type: 'boolean' }, 'false: there are no streams here'),
};

const made = {
  model: told(text, 'as the answer names it'),
  deployment: nullable(text),
  usage: told(nullable(ref('GeneratedUsage')), 'of all calls together; null: an answer did not say'),
  requestId: text,
};
const cached = told(flag, 'from the response cache');

const mismatch = object({ path: text, found: text, allowed: text });
const failure = {
  type: nullable(text),
  code: nullable(text),
  param: nullable(text),
  faults: list(mismatch),
  raw: text,
  refusal: text,
  finishReason: text,
  ...made,
  cached,
};

export const GENERATE_SCHEMAS: Readonly<Record<string, Schema>> = {
  TextOrder: object({}, order),
  StructuredOrder: object(
    { schema: told({ type: ['object', 'boolean'] }, 'a JSON Schema, drafts 4 to 2020-12') },
    { ...order, name: { type: 'string', pattern: '^[\\w-]{1,64}$' }, strict: flag },
  ),
  GeneratedUsage: object({
    promptTokens: count,
    cachedTokens: count,
    completionTokens: count,
    reasoningTokens: count,
    totalTokens: count,
    costUsd: nullable(usd),
  }),
  GeneratedText: object({ text, finishReason: text, ...made }, { refusal: text, cached }),
  GeneratedData: object({ data: told(anything, 'what matches the schema'), repaired: flag, ...made }, { cached }),
  // A deployment's own errors have members of their own.
  GenerateError: object({ error: { ...object({ message: text }, failure), additionalProperties: true } }),
};

function generated(id: string, summary: string, { takes, gives }: { takes: string; gives: string }): PathItem {
  const failed = (description: string) => ({ description, content: json(ref('GenerateError')) });
  return {
    post: operation({
      id,
      tag: 'data plane',
      summary,
      parameters: LABEL_REFERENCES,
      body: { schema: takes },
      answer: gives,
      errors: DATA_ERRORS,
      also: {
        400: failed('the order is not what it should be (faults says where), or the deployment refuses it'),
        422: failed('what the model answered is of no use: it does not match, was cut off, or refused'),
      },
    }),
  };
}

export const GENERATE_PATHS: Readonly<Record<string, PathItem>> = {
  '/router/generate/structured': generated('generateStructured', 'A prompt and a schema in, checked data out', {
    takes: 'StructuredOrder',
    gives: 'GeneratedData',
  }),
  '/router/generate/text': generated('generateText', 'A prompt in, a text out', {
    takes: 'TextOrder',
    gives: 'GeneratedText',
  }),
};
