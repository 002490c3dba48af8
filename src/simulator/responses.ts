/** `responses`: create. The finished response is made first; a stream tells how it came about. */
import { type Answer, eventStream, jsonAnswer, type Usage } from './answer.ts';
import { type Ask, promptOf, promptTokensOf } from './ask.ts';
import { ESTIMATED_OUTPUT_TOKENS, type Job, type ModelCall, nowInSeconds } from './call.ts';
import { FILTER_MARK, usageOf } from './chat.ts';
import { flagAt, type Json, type JsonObject, listAt, objectAt, stringAt } from './json.ts';
import { badRequest, contextTooLong, FILTERED_CONTENT, promptFiltered, SAFE_CONTENT, SAFE_PROMPT } from './refusal.ts';
import { type Reply, replyTo } from './reply.ts';
import { type BackgroundState, bodyNow, findPrevious, type StoredResponse } from './response-store.ts';
import { readItems, readResponsesAsk } from './responses-ask.ts';
import { responseFrames } from './responses-events.ts';
import { makeHexId, makeId } from './seeded.ts';

const BACKGROUND_MS = 50;

interface Turn {
  readonly ask: Ask;
  readonly items: readonly JsonObject[];
  readonly history: readonly JsonObject[];
  readonly promptTokens: number;
}

export function createResponse(call: ModelCall): Job {
  const { model } = call.deployment;
  const previousId = stringAt(call.json, 'previous_response_id');
  const history = previousId === null ? [] : findPrevious(call, previousId).history;
  const items = readItems(call.json['input']).map((item) => ({
    ...item,
    id: item['id'] ?? makeHexId('msg_', call.draw, 48),
  }));
  refuseForeignReasoning(items, call.endpoint.name);
  const ask = readResponsesAsk(call.json, history, items);
  const promptTokens = promptTokensOf(ask);
  if (promptTokens > model.contextTokens) throw contextTooLong(model.contextTokens, promptTokens, 'input');
  return {
    estimate: promptTokens + (ask.maxTokens ?? ESTIMATED_OUTPUT_TOKENS),
    run: () => answerTurn(call, { ask, items, history, promptTokens }),
  };
}

function answerTurn(call: ModelCall, { ask, items, history, promptTokens }: Turn): Answer {
  if (ask.messages.some(({ text }) => text.includes(FILTER_MARK))) throw promptFiltered();
  const { model, cache } = call.deployment;
  const reply = replyTo(ask, model);
  const usage = usageOf([reply], promptTokens, cache.reuse(promptOf(ask), ask.cacheKey));
  const output = outputItems(call, reply);
  const id = makeHexId('resp_', call.draw, 48);
  const body: JsonObject = { id, object: 'response', ...responseBody(call, { reply, output, usage }) };
  const background = flagAt(call.json, 'background') === true;
  const { headMs, firstTokenMs } = call.deployment.latency;
  const state: BackgroundState = background
    ? { kind: 'queued', doneAt: call.clock.now() + Math.max(BACKGROUND_MS, headMs + firstTokenMs) }
    : { kind: 'done' };
  const stored: StoredResponse = { body, inputItems: items, history: [...history, ...items, ...output], state };
  if (flagAt(call.json, 'store') !== false) call.endpoint.responses.set(id, stored);
  if (flagAt(call.json, 'stream') === true) return eventStream(responseFrames(body, reply), usage, 'responses');
  return jsonAnswer(bodyNow(body, state, call.clock.now()), usage);
}

/** Encrypted reasoning can be read only by the resource that wrote it. */
function refuseForeignReasoning(items: readonly JsonObject[], endpoint: string): void {
  for (const item of items) {
    const sealed = item['type'] === 'reasoning' ? stringAt(item, 'encrypted_content') : null;
    if (sealed === null || Buffer.from(sealed, 'base64').toString('utf8').startsWith(`${endpoint}:`)) continue;
    throw badRequest(
      `The encrypted content for item ${JSON.stringify(item['id'] ?? null)} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`,
      null,
      'invalid_encrypted_content',
    );
  }
}

function outputItems(call: ModelCall, reply: Reply): JsonObject[] {
  const status = isIncomplete(reply) ? 'incomplete' : 'completed';
  const id = (prefix: string) => makeHexId(prefix, call.draw, 48);
  const items: JsonObject[] = [];
  if (reply.reasoningTokens > 0) {
    const sealed = listAt(call.json, 'include').includes('reasoning.encrypted_content');
    const content = Buffer.from(`${call.endpoint.name}:${id('')}`).toString('base64');
    items.push({ id: id('rs_'), type: 'reasoning', summary: [], ...(sealed ? { encrypted_content: content } : {}) });
  }
  for (const { name, kind, input } of reply.toolCalls) {
    const call_id = makeId('call_', call.draw, 24);
    items.push(
      kind === 'custom'
        ? { id: id('ctc_'), type: 'custom_tool_call', status, call_id, input, name }
        : { id: id('fc_'), type: 'function_call', status, arguments: input, call_id, name },
    );
  }
  // Reasoning that used up every token leaves nothing to say.
  if (reply.toolCalls.length === 0 && (reply.text !== '' || reply.reasoningTokens === 0)) {
    const content = [{ type: 'output_text', annotations: [], logprobs: [], text: reply.text }];
    items.push({ id: id('msg_'), type: 'message', status, role: 'assistant', content });
  }
  return items;
}

function isIncomplete({ finish }: Reply): boolean {
  return finish === 'length' || finish === 'content_filter';
}

function responseBody(
  call: ModelCall,
  made: { reply: Reply; output: readonly JsonObject[]; usage: Usage },
): JsonObject {
  const { json, deployment } = call;
  const { reply, output, usage } = made;
  const given = (name: string, otherwise: Json): Json => json[name] ?? otherwise;
  const filtered = reply.finish === 'content_filter';
  const reason = filtered ? 'content_filter' : 'max_output_tokens';
  return {
    created_at: nowInSeconds(call),
    status: isIncomplete(reply) ? 'incomplete' : 'completed',
    background: given('background', false),
    content_filters: [
      { blocked: false, source_type: 'prompt', content_filter_results: SAFE_PROMPT },
      {
        blocked: filtered,
        source_type: 'completion',
        content_filter_results: filtered ? FILTERED_CONTENT : SAFE_CONTENT,
      },
    ],
    error: null,
    incomplete_details: isIncomplete(reply) ? { reason } : null,
    instructions: given('instructions', null),
    max_output_tokens: given('max_output_tokens', null),
    max_tool_calls: given('max_tool_calls', null),
    model: deployment.model.version,
    output,
    parallel_tool_calls: given('parallel_tool_calls', true),
    previous_response_id: given('previous_response_id', null),
    prompt_cache_key: given('prompt_cache_key', null),
    reasoning: { effort: null, summary: null, ...objectAt(json, 'reasoning') },
    safety_identifier: given('safety_identifier', null),
    service_tier: 'default',
    store: given('store', true),
    temperature: given('temperature', 1),
    text: {
      verbosity: 'medium',
      ...objectAt(json, 'text'),
      format: objectAt(json, 'text')?.['format'] ?? { type: 'text' },
    },
    tool_choice: given('tool_choice', 'auto'),
    tools: given('tools', []),
    top_logprobs: 0,
    top_p: given('top_p', 1),
    truncation: given('truncation', 'disabled'),
    usage: usageBody(usage),
    user: given('user', null),
    metadata: given('metadata', {}),
  };
}

function usageBody({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Usage): JsonObject {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens },
    total_tokens: promptTokens + completionTokens,
  };
}
