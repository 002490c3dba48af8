/** `completions`, the form before chat; a few deployments still speak it. */
import { type Answer, DONE_FRAME, dataFrame, eventStream, type Frame, jsonAnswer, type Usage } from './answer.ts';
import { type Ask, NO_IMAGES, promptOf, readMaxTokens, readStop } from './ask.ts';
import { type Job, type ModelCall, nowInSeconds } from './call.ts';
import { FILTER_MARK, usageOf } from './chat.ts';
import { flagAt, isList, type Json, type JsonObject, numberAt, objectAt } from './json.ts';
import { badRequest, contextTooLong, promptFiltered, SAFE_CONTENT, SAFE_PROMPT } from './refusal.ts';
import { type Reply, replyTo } from './reply.ts';
import { makeId } from './seeded.ts';
import { piecesOf, tokensIn } from './tokens.ts';

/** The service's own default for this operation. */
const DEFAULT_MAX_TOKENS = 16;

export function completion(call: ModelCall): Job {
  const { model } = call.deployment;
  const prompts = readPrompts(call.json['prompt']);
  const choices = Math.max(1, Math.floor(numberAt(call.json, 'n') ?? 1));
  const maxTokens = readMaxTokens(call.json, 'max_tokens') ?? DEFAULT_MAX_TOKENS;
  const promptTokens = prompts.reduce((sum, prompt) => sum + tokensIn(prompt), 0);
  if (promptTokens + maxTokens > model.contextTokens)
    throw contextTooLong(model.contextTokens, promptTokens + maxTokens, 'prompt');
  const asks = prompts.map((prompt) => askFor(call.json, prompt, maxTokens));
  return {
    estimate: promptTokens + maxTokens * choices * prompts.length,
    run: () => answerCompletion(call, asks, { choices, promptTokens }),
  };
}

function readPrompts(prompt: Json | undefined): string[] {
  if (prompt === undefined) return ['<|endoftext|>'];
  if (typeof prompt === 'string') return [prompt];
  if (isList(prompt) && prompt.length > 0 && prompt.every((item) => typeof item === 'string')) return [...prompt];
  throw badRequest(
    "'$.prompt' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
    null,
    null,
  );
}

function askFor(body: JsonObject, prompt: string, maxTokens: number): Ask {
  return {
    messages: [{ role: 'user', text: prompt, images: NO_IMAGES }],
    tools: [],
    toolChoice: { kind: 'none' },
    parallelTools: false,
    format: { kind: 'text' },
    maxTokens,
    stop: readStop(body['stop']),
    seed: JSON.stringify(body['seed'] ?? null),
    effort: 'none',
    cacheKey: null,
  };
}

function answerCompletion(
  call: ModelCall,
  asks: readonly Ask[],
  { choices, promptTokens }: { choices: number; promptTokens: number },
): Answer {
  if (asks.some((ask) => promptOf(ask).includes(FILTER_MARK))) throw promptFiltered();
  const { model } = call.deployment;
  const replies = asks.flatMap((ask) => Array.from({ length: choices }, (_, choice) => replyTo(ask, model, choice)));
  const usage = usageOf(replies, promptTokens, 0);
  const base = {
    id: makeId('cmpl-', call.draw),
    object: 'text_completion',
    created: nowInSeconds(call),
    model: model.version,
  };
  if (flagAt(call.json, 'stream') === true) {
    const wanted = flagAt(objectAt(call.json, 'stream_options') ?? {}, 'include_usage') === true;
    return eventStream(completionFrames(base, replies, wanted ? usage : null), usage, 'chat');
  }
  const filters = asks.map((_, prompt_index) => ({ prompt_index, content_filter_results: SAFE_PROMPT }));
  const body = {
    ...base,
    prompt_filter_results: filters,
    choices: replies.map((reply, index) => choiceBody(index, reply.text, reply.finish)),
    usage: usageBody(usage),
  };
  return jsonAnswer(body, usage);
}

function choiceBody(index: number, text: string, finish: Reply['finish'] | null): JsonObject {
  return { text, index, finish_reason: finish, logprobs: null, content_filter_results: SAFE_CONTENT };
}

function usageBody({ promptTokens, completionTokens }: Usage): JsonObject {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

function* completionFrames(base: JsonObject, replies: readonly Reply[], usage: Usage | null): Generator<Frame> {
  for (const [index, reply] of replies.entries()) {
    for (const { text, tokens } of piecesOf(reply.text))
      yield dataFrame({ ...base, choices: [choiceBody(index, text, null)] }, true, tokens);
    yield dataFrame({ ...base, choices: [choiceBody(index, '', reply.finish)] });
  }
  if (usage) yield dataFrame({ ...base, choices: [], usage: usageBody(usage) });
  yield DONE_FRAME;
}
