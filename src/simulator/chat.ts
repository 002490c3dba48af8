/** `chat/completions`, in one piece and as a stream, with Azure's filter results around every part. */
import { type Answer, DONE_FRAME, dataFrame, eventStream, type Frame, jsonAnswer, type Usage } from './answer.ts';
import { type Ask, promptOf, promptTokensOf } from './ask.ts';
import { ESTIMATED_OUTPUT_TOKENS, type Job, type ModelCall, nowInSeconds } from './call.ts';
import { readChatAsk } from './chat-ask.ts';
import { flagAt, type JsonObject, numberAt, objectAt } from './json.ts';
import { badRequest, contextTooLong, FILTERED_CONTENT, promptFiltered, SAFE_CONTENT, SAFE_PROMPT } from './refusal.ts';
import { type Reply, replyTo, type ToolCall } from './reply.ts';
import { drawFrom, makeHexId, makeId, seedOf } from './seeded.ts';
import { piecesOf, tokensIn } from './tokens.ts';

export const FILTER_MARK = '[[content_filter]]';

const PROMPT_FILTER_RESULTS = [{ prompt_index: 0, content_filter_results: SAFE_PROMPT }];

export function chat(call: ModelCall): Job {
  const { model } = call.deployment;
  const ask = readChatAsk(call.json, model);
  const promptTokens = promptTokensOf(ask);
  if (promptTokens > model.contextTokens) throw contextTooLong(model.contextTokens, promptTokens, 'messages');
  const choices = readChoices(call.json);
  return {
    estimate: promptTokens + choices * (ask.maxTokens ?? ESTIMATED_OUTPUT_TOKENS),
    run: () => answerChat(call, ask, { promptTokens, choices }),
  };
}

function readChoices(body: JsonObject): number {
  const n = numberAt(body, 'n') ?? 1;
  if (n < 1 || n > 128)
    throw badRequest(`Invalid 'n': expected a value from 1 to 128, but got ${n} instead.`, 'n', 'invalid_value');
  return Math.floor(n);
}

function answerChat(call: ModelCall, ask: Ask, asked: { promptTokens: number; choices: number }): Answer {
  if (ask.messages.some(({ text }) => text.includes(FILTER_MARK))) throw promptFiltered();
  const { model, cache } = call.deployment;
  const replies = Array.from({ length: asked.choices }, (_, choice) => replyTo(ask, model, choice));
  const usage = usageOf(replies, asked.promptTokens, cache.reuse(promptOf(ask), ask.cacheKey));
  const base = {
    created: nowInSeconds(call),
    id: makeId('chatcmpl-', call.draw),
    model: model.version,
    system_fingerprint: fingerprintOf(model.version),
  };
  const chosen = replies.map((reply) => ({ reply, ids: reply.toolCalls.map(() => makeId('call_', call.draw, 24)) }));
  if (flagAt(call.json, 'stream') !== true) return jsonAnswer(wholeBody(base, chosen, usage), usage);
  const options = objectAt(call.json, 'stream_options') ?? {};
  return eventStream(
    streamFrames(base, chosen, flagAt(options, 'include_usage') === true ? usage : null),
    usage,
    'chat',
  );
}

type Base = Readonly<Record<'id' | 'model' | 'system_fingerprint', string> & Record<'created', number>>;
interface Chosen {
  readonly reply: Reply;
  readonly ids: readonly string[];
}

function fingerprintOf(version: string): string {
  return makeHexId('fp_', drawFrom(seedOf(version)), 10);
}

export function usageOf(replies: readonly Reply[], promptTokens: number, cachedTokens: number): Usage {
  return {
    promptTokens,
    cachedTokens: Math.min(cachedTokens, promptTokens),
    completionTokens: replies.reduce((sum, reply) => sum + reply.completionTokens, 0),
    reasoningTokens: replies.reduce((sum, reply) => sum + reply.reasoningTokens, 0),
  };
}

export function chatUsage(usage: Usage): JsonObject {
  return {
    completion_tokens: usage.completionTokens,
    completion_tokens_details: {
      accepted_prediction_tokens: 0,
      audio_tokens: 0,
      reasoning_tokens: usage.reasoningTokens,
      rejected_prediction_tokens: 0,
    },
    prompt_tokens: usage.promptTokens,
    prompt_tokens_details: { audio_tokens: 0, cached_tokens: usage.cachedTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}

function wholeBody(base: Base, chosen: readonly Chosen[], usage: Usage): JsonObject {
  const choices = chosen.map(({ reply, ids }, index) => {
    const calls = reply.toolCalls.map((toolCall, at) => toolCallBody(toolCall, ids[at] ?? '', toolCall.input));
    const called = calls.length > 0;
    return {
      ...(called
        ? {}
        : { content_filter_results: reply.finish === 'content_filter' ? FILTERED_CONTENT : SAFE_CONTENT }),
      finish_reason: reply.finish,
      index,
      logprobs: null,
      message: {
        annotations: [],
        content: called ? null : reply.text,
        refusal: null,
        role: 'assistant',
        ...(called ? { tool_calls: calls } : {}),
      },
    };
  });
  const { system_fingerprint, ...head } = base;
  return {
    choices,
    ...head,
    object: 'chat.completion',
    prompt_filter_results: PROMPT_FILTER_RESULTS,
    system_fingerprint,
    usage: chatUsage(usage),
  };
}

function toolCallBody({ name, kind }: ToolCall, id: string, input: string): JsonObject {
  return kind === 'custom'
    ? { custom: { input, name }, id, type: 'custom' }
    : { function: { arguments: input, name }, id, type: 'function' };
}

function* streamFrames(base: Base, chosen: readonly Chosen[], usage: Usage | null): Generator<Frame> {
  const { created, id, model, system_fingerprint } = base;
  // The usage key stands in every chunk once usage was asked for, empty until the last.
  const noUsage = usage ? { usage: null } : {};
  const chunk = (choice: JsonObject): JsonObject => ({
    choices: [choice],
    created,
    id,
    model,
    object: 'chat.completion.chunk',
    system_fingerprint,
    ...noUsage,
  });
  yield dataFrame({
    choices: [],
    created: 0,
    id: '',
    model: '',
    object: '',
    prompt_filter_results: PROMPT_FILTER_RESULTS,
  });
  for (const [index, { reply, ids }] of chosen.entries()) {
    const part = (delta: JsonObject, filter: JsonObject = {}, finish: string | null = null) =>
      chunk({ content_filter_results: filter, delta, finish_reason: finish, index, logprobs: null });
    if (reply.toolCalls.length > 0) yield* toolFrames(reply, ids, part);
    else yield* textFrames(reply, part);
    const filtered = reply.finish === 'content_filter';
    yield dataFrame(part({}, filtered ? FILTERED_CONTENT : {}, reply.finish));
  }
  if (usage)
    yield dataFrame({
      choices: [],
      created,
      id,
      model,
      object: 'chat.completion.chunk',
      system_fingerprint,
      usage: chatUsage(usage),
    });
  yield DONE_FRAME;
}

type Part = (delta: JsonObject, filter?: JsonObject) => JsonObject;

function* textFrames(reply: Reply, part: Part): Generator<Frame> {
  yield dataFrame(part({ content: '', refusal: null, role: 'assistant' }));
  // Reasoning is done before the first word is seen.
  let unseen = reply.reasoningTokens;
  for (const { text, tokens } of piecesOf(reply.text)) {
    yield dataFrame(part({ content: text }, SAFE_CONTENT), true, tokens + unseen);
    unseen = 0;
  }
}

function* toolFrames(reply: Reply, ids: readonly string[], part: Part): Generator<Frame> {
  let unseen = reply.reasoningTokens;
  for (const [index, toolCall] of reply.toolCalls.entries()) {
    const opening = { index, ...toolCallBody(toolCall, ids[index] ?? '', '') };
    const role = index === 0 ? { content: null, refusal: null, role: 'assistant' } : {};
    yield dataFrame(part({ ...role, tool_calls: [opening] }), true, tokensIn(toolCall.name) + unseen);
    unseen = 0;
    for (const { text, tokens } of piecesOf(toolCall.input)) {
      const fragment = toolCall.kind === 'custom' ? { custom: { input: text } } : { function: { arguments: text } };
      yield dataFrame(part({ tool_calls: [{ index, ...fragment }] }), true, tokens);
    }
  }
}
