/** The `openai` package over the router's own data plane: a `fetch` that never leaves the process. */
import OpenAI, { APIError } from 'openai';
import { RouterError } from '../domain/errors.ts';
import { type Answer, type HeaderList, headerValue } from '../domain/message.ts';
import { decoded } from '../relay/judge.ts';
import type { Parameters } from './parameters.ts';
import type { CacheWish, Line } from './port.ts';

export type Completion = OpenAI.Chat.ChatCompletion;

/** The deployment's answer, whole. */
export interface WholeAnswer extends Answer {
  readonly body: Buffer | null;
}

export type Turn =
  | { readonly kind: 'completed'; readonly completion: Completion; readonly answer: WholeAnswer }
  | { readonly kind: 'refused'; readonly param: string | null; readonly answer: WholeAnswer };

/** One chat completion. What the router itself refuses is thrown as it is. */
export async function chat(line: Line, parameters: Parameters, cache: CacheWish): Promise<Turn> {
  const kept: { answer?: WholeAnswer; failure?: Error } = {};
  const client = new OpenAI({
    baseURL: 'http://router.invalid/v1',
    apiKey: 'none',
    // The relay retries, by rules of its own.
    maxRetries: 0,
    // What callers say is in no log.
    logLevel: 'off',
    // Its headers stay here, with whatever the environment put into them: the caller's own go with the call.
    fetch: async (_url, init) => {
      try {
        kept.answer = await whole(await line.chat(bodyOf(init?.body), cache));
        return responseOf(kept.answer);
      } catch (error) {
        kept.failure = error instanceof Error ? error : new Error('The data plane failed.', { cause: error });
        throw error;
      }
    },
  });
  try {
    const request = parameters as unknown as OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;
    const completion = await client.chat.completions.create(request);
    if (kept.answer === undefined || !isCompletion(completion)) throw noCompletion();
    return { kind: 'completed', completion, answer: kept.answer };
  } catch (error) {
    if (kept.failure !== undefined) throw kept.failure;
    const { answer } = kept;
    if (answer !== undefined && answer.status >= 300 && error instanceof APIError)
      return { kind: 'refused', param: error.param ?? null, answer };
    throw error instanceof RouterError ? error : noCompletion(error);
  }
}

function bodyOf(body: unknown): string {
  if (typeof body !== 'string') throw new TypeError('The client sends its bodies as text.');
  return body;
}

async function whole({ status, headers, body }: Answer): Promise<WholeAnswer> {
  if (body === null || Buffer.isBuffer(body)) return { status, headers, body };
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return { status, headers, body: Buffer.concat(chunks) };
}

function responseOf({ status, headers, body }: WholeAnswer): Response {
  const type = headerValue(headers, 'content-type');
  const bytes = body === null || body.length === 0 ? null : plain(body, headers);
  return new Response(bytes, { status, headers: type === null ? {} : { 'content-type': type } });
}

/** Nobody unpacks within the process. */
export function plain(body: Buffer, headers: HeaderList): Buffer<ArrayBuffer> {
  const encoding = headerValue(headers, 'content-encoding');
  return (encoding === null ? body : decoded(body, { 'content-encoding': encoding })) as Buffer<ArrayBuffer>;
}

function isCompletion(value: unknown): value is Completion {
  const choices = (value as Completion | null)?.choices;
  return Array.isArray(choices) && typeof choices[0]?.message === 'object';
}

function noCompletion(cause?: unknown): RouterError {
  return new RouterError('upstream_failed', 'The deployment answered with something that is no chat completion.', {
    cause,
  });
}
