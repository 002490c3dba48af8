/** A chat completions body, read into an ask. */
import {
  type Ask,
  type Format,
  type Message,
  readContent,
  readMaxTokens,
  readStop,
  type Tool,
  type ToolChoice,
} from './ask.ts';
import type { Model } from './catalog.ts';
import { flagAt, isObject, type JsonObject, listAt, objectAt, objectsAt, stringAt } from './json.ts';
import { badRequest } from './refusal.ts';

export function readChatAsk(body: JsonObject, model: Model): Ask {
  if (body['messages'] === undefined)
    throw badRequest("Missing required parameter: 'messages'.", 'messages', 'missing_required_parameter');
  const messages = objectsAt(body, 'messages').map(readMessage);
  if (messages.length === 0)
    throw badRequest(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      'messages',
      'empty_array',
    );
  refuseUnsupported(body, model);
  const tools = objectsAt(body, 'tools').map(readTool);
  const choice = readChoice(body);
  if (tools.length === 0 && body['tool_choice'] !== undefined && body['tool_choice'] !== 'none') {
    throw badRequest(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      'tool_choice',
      null,
    );
  }
  return {
    messages,
    tools,
    toolChoice: choice,
    parallelTools: flagAt(body, 'parallel_tool_calls') ?? true,
    format: readFormat(body, messages),
    maxTokens: readMaxTokens(body, 'max_completion_tokens') ?? readMaxTokens(body, 'max_tokens'),
    stop: readStop(body['stop']),
    seed: JSON.stringify(body['seed'] ?? null),
    effort: stringAt(body, 'reasoning_effort') ?? 'medium',
    cacheKey: stringAt(body, 'prompt_cache_key'),
  };
}

/** Reasoning models refuse what only others take. */
function refuseUnsupported(body: JsonObject, model: Model): void {
  if (!model.reasoning) return;
  if (body['max_tokens'] !== undefined && body['max_tokens'] !== null) {
    throw badRequest(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      'max_tokens',
      'unsupported_parameter',
    );
  }
  const temperature = body['temperature'];
  if (temperature !== undefined && temperature !== null && temperature !== 1) {
    throw badRequest(
      `Unsupported value: 'temperature' does not support ${JSON.stringify(temperature)} with this model. Only the default (1) value is supported.`,
      'temperature',
      'unsupported_value',
    );
  }
}

function readMessage(message: JsonObject): Message {
  const { text, images } = readContent(message['content']);
  const calls = listAt(message, 'tool_calls');
  return {
    role: stringAt(message, 'role') ?? 'user',
    text: calls.length > 0 ? `${text}${JSON.stringify(calls)}` : text,
    images,
  };
}

function readTool(tool: JsonObject): Tool {
  const custom = objectAt(tool, 'custom');
  if (custom) return { name: stringAt(custom, 'name') ?? 'tool', kind: 'custom', parameters: {} };
  const described = objectAt(tool, 'function') ?? {};
  return {
    name: stringAt(described, 'name') ?? 'tool',
    kind: 'function',
    parameters: objectAt(described, 'parameters') ?? { type: 'object' },
  };
}

function readChoice(body: JsonObject): ToolChoice {
  const choice = body['tool_choice'];
  if (choice === 'none' || choice === 'required') return { kind: choice };
  if (!isObject(choice)) return { kind: 'auto' };
  const allowed = objectAt(choice, 'allowed_tools');
  if (allowed) return { kind: stringAt(allowed, 'mode') === 'required' ? 'required' : 'auto' };
  const named = objectAt(choice, 'function') ?? objectAt(choice, 'custom') ?? {};
  return { kind: 'named', name: stringAt(named, 'name') ?? '' };
}

function readFormat(body: JsonObject, messages: readonly Message[]): Format {
  const format = objectAt(body, 'response_format');
  switch (format ? stringAt(format, 'type') : null) {
    case 'json_object':
      if (!messages.some(({ text }) => /json/i.test(text))) {
        throw badRequest(
          "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
          'messages',
          null,
        );
      }
      return { kind: 'json' };
    case 'json_schema':
      return { kind: 'schema', schema: objectAt(objectAt(format ?? {}, 'json_schema') ?? {}, 'schema') ?? {} };
    default:
      return { kind: 'text' };
  }
}
