/** A responses body, with the turns before it, read into an ask. */
import {
  type Ask,
  type Format,
  type Message,
  NO_IMAGES,
  readContent,
  readMaxTokens,
  type Tool,
  type ToolChoice,
} from './ask.ts';
import { flagAt, isObject, type Json, type JsonObject, objectAt, objectsAt, stringAt } from './json.ts';
import { badRequest } from './refusal.ts';

/** `history` is what `previous_response_id` stands for; instructions are not carried over, as on the service. */
export function readResponsesAsk(body: JsonObject, history: readonly JsonObject[], items: readonly JsonObject[]): Ask {
  const instructions = stringAt(body, 'instructions');
  const system: Message[] = instructions === null ? [] : [{ role: 'system', text: instructions, images: NO_IMAGES }];
  const reasoning = objectAt(body, 'reasoning') ?? {};
  return {
    messages: [...system, ...[...history, ...items].flatMap(readItem)],
    tools: objectsAt(body, 'tools').flatMap(readTool),
    toolChoice: readChoice(body['tool_choice']),
    parallelTools: flagAt(body, 'parallel_tool_calls') ?? true,
    format: readFormat(objectAt(objectAt(body, 'text') ?? {}, 'format') ?? {}),
    maxTokens: readMaxTokens(body, 'max_output_tokens'),
    stop: [],
    seed: 'null',
    effort: stringAt(reasoning, 'effort') ?? 'medium',
    cacheKey: stringAt(body, 'prompt_cache_key'),
  };
}

/** The input as items: a bare text is one user message. */
export function readItems(input: Json | undefined): JsonObject[] {
  if (input === undefined || input === null)
    throw badRequest("Missing required parameter: 'input'.", 'input', 'missing_required_parameter');
  if (typeof input === 'string')
    return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
  const items = Array.isArray(input) ? (input as readonly Json[]).filter(isObject) : [];
  if (items.length === 0)
    throw badRequest(
      "Invalid type for 'input': expected one of a string or array of input items.",
      'input',
      'invalid_type',
    );
  return items.map((item) => {
    const message = item['type'] === undefined || item['type'] === 'message';
    if (!message || typeof item['content'] !== 'string') return item;
    const type = item['role'] === 'assistant' ? 'output_text' : 'input_text';
    return { ...item, type: 'message', content: [{ type, text: item['content'] }] };
  });
}

function readItem(item: JsonObject): Message[] {
  switch (item['type'] ?? 'message') {
    case 'message':
      return [{ role: stringAt(item, 'role') ?? 'user', ...readContent(item['content']) }];
    case 'function_call':
    case 'custom_tool_call':
      return [
        {
          role: 'assistant',
          text: JSON.stringify([item['name'], item['arguments'] ?? item['input']]),
          images: NO_IMAGES,
        },
      ];
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [
        {
          role: 'tool',
          text: typeof item['output'] === 'string' ? item['output'] : JSON.stringify(item['output'] ?? null),
          images: NO_IMAGES,
        },
      ];
    default:
      return [];
  }
}

function readTool(tool: JsonObject): Tool[] {
  const kind = tool['type'];
  // Tools that the service runs itself are left to it.
  if (kind !== 'function' && kind !== 'custom') return [];
  return [
    { name: stringAt(tool, 'name') ?? 'tool', kind, parameters: objectAt(tool, 'parameters') ?? { type: 'object' } },
  ];
}

function readChoice(choice: Json | undefined): ToolChoice {
  if (choice === 'none' || choice === 'required') return { kind: choice };
  if (!isObject(choice)) return { kind: 'auto' };
  if (choice['type'] === 'allowed_tools') return { kind: choice['mode'] === 'required' ? 'required' : 'auto' };
  return { kind: 'named', name: stringAt(choice, 'name') ?? '' };
}

function readFormat(format: JsonObject): Format {
  switch (stringAt(format, 'type')) {
    case 'json_schema':
      return { kind: 'schema', schema: objectAt(format, 'schema') ?? {} };
    case 'json_object':
      return { kind: 'json' };
    default:
      return { kind: 'text' };
  }
}
