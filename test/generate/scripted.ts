/** Routers before endpoints that say what a test has them say. */
import { ask, type RawAnswer } from '../harness/raw.ts';
import { json, type Received, type Script } from '../harness/upstream.ts';

export interface Saying {
  readonly finish?: string;
  readonly refusal?: string;
  readonly model?: string;
  readonly usage?: object | null;
}

export const USAGE = {
  prompt_tokens: 100,
  completion_tokens: 20,
  total_tokens: 120,
  prompt_tokens_details: { cached_tokens: 10 },
  completion_tokens_details: { reasoning_tokens: 5 },
};

/** A chat completion with this content. */
export function says(content: string | null, said: Saying = {}): Script {
  const { finish = 'stop', refusal = null, model = 'gpt-4.1-2025-04-14', usage = USAGE } = said;
  const choices = [{ index: 0, finish_reason: finish, message: { role: 'assistant', content, refusal } }];
  return json(200, {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model,
    choices,
    ...(usage === null ? {} : { usage }),
  });
}

/** 400, as OpenAI tells that it does not take a parameter. */
export function refuses(
  param: string | null,
  message = `Unsupported parameter: '${param}'.`,
  code: string | null = null,
): Script {
  return json(400, { error: { message, type: 'invalid_request_error', param, code } });
}

export interface Asked {
  readonly kind?: 'structured' | 'text';
  readonly headers?: readonly (readonly [string, string])[];
}

export interface Told {
  readonly raw: RawAnswer;
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
  readonly error: Readonly<Record<string, unknown>>;
}

export async function generate(
  url: string,
  body: object | string,
  { kind = 'structured', headers = [] }: Asked = {},
): Promise<Told> {
  const raw = await ask(url, { path: `/router/generate/${kind}`, body, headers });
  const told = JSON.parse(raw.text) as Record<string, unknown>;
  return { raw, status: raw.status, json: told, error: (told['error'] ?? {}) as Record<string, unknown> };
}

export function sentTo(received: readonly Received[]): Record<string, unknown>[] {
  return received.map(({ body }) => JSON.parse(body.toString('utf8')) as Record<string, unknown>);
}

export const VISIT = {
  type: 'object',
  properties: { code: { type: 'string', pattern: '^\\d{5}$' }, urgent: { type: 'boolean' } },
  required: ['code', 'urgent'],
  additionalProperties: false,
};
export const GOOD = { code: '99213', urgent: false };
export const ORDER = { prompt: 'Which code?', schema: VISIT };
