/** Server-sent events as bytes: where they end, what the first ones say, and the few the router writes itself. */

const LF = 0x0a;
const CR = 0x0d;

/**
 * How many of the bytes are whole events: up to and including the last blank line, which is looked for from `ceiling` down to `floor`.
 * Lines end in LF, CRLF or CR (WHATWG HTML, 9.2.5).
 */
export function wholeEventsEnd(bytes: Buffer, floor = 0, ceiling = bytes.length): number {
  for (let end = ceiling; end > floor; end--) {
    const last = bytes[end - 1];
    if (last === LF) {
      const before = bytes[end - 2];
      if (before === LF) return end;
      if (before === CR && bytes[end - 3] === LF) return end;
    } else if (last === CR && bytes[end - 2] === CR) {
      return end;
    }
  }
  return 0;
}

/** What one event says about whether content has begun. */
export type EventMeaning =
  | { readonly kind: 'prelude' }
  | { readonly kind: 'content' }
  | { readonly kind: 'error'; readonly code: string | null };

const PRELUDE: EventMeaning = { kind: 'prelude' };
const CONTENT: EventMeaning = { kind: 'content' };

/** Typed events that come before any content: what follows may still fail unseen. */
const PRELUDE_TYPES = new Set([
  'keepalive',
  'response.created',
  'response.queued',
  'response.in_progress',
  'response.output_item.added',
  'response.content_part.added',
  'response.reasoning_summary_part.added',
]);

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The data of one event, lines joined as the standard says; `null` for comments and events without data. */
export function dataOf(event: string): string | null {
  const lines: string[] = [];
  for (const line of event.split(/\r\n|\n|\r/)) {
    if (line === 'data') lines.push('');
    else if (line.startsWith('data:')) lines.push(line.slice(line[5] === ' ' ? 6 : 5));
  }
  return lines.length === 0 ? null : lines.join('\n');
}

export function splitEvents(text: string): string[] {
  return text.split(/(?:\r\n|\n|\r(?!\n)){2}/).filter((event) => event !== '');
}

export function parseData(data: string): Json | null {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function meaningOf(data: string): EventMeaning {
  if (data === '[DONE]') return CONTENT;
  const json = parseData(data);
  if (json === null) return CONTENT;
  const failure = errorIn(json);
  if (failure !== null) return { kind: 'error', code: failure };
  if (typeof json['type'] === 'string') return PRELUDE_TYPES.has(json['type']) ? PRELUDE : CONTENT;
  return Array.isArray(json['choices']) && !json['choices'].some(choiceHasContent) ? PRELUDE : CONTENT;
}

/** The code of the error an event carries (empty where it has none), or `null` where it carries none. */
function errorIn(json: Json): string | null {
  if (isObject(json['error'])) return errorCode(json['error']);
  if (json['type'] === 'error') return errorCode(json);
  if (json['type'] !== 'response.failed') return null;
  const response = isObject(json['response']) ? json['response'] : {};
  return errorCode(isObject(response['error']) ? response['error'] : {});
}

function errorCode({ code, type }: Json): string {
  if (typeof code === 'string') return code;
  if (typeof code === 'number') return String(code);
  return typeof type === 'string' && type !== 'error' ? type : '';
}

const CONTENT_FIELDS = ['content', 'tool_calls', 'function_call', 'refusal', 'audio', 'reasoning_content', 'reasoning'];

function choiceHasContent(choice: unknown): boolean {
  if (!isObject(choice)) return true;
  if (typeof choice['finish_reason'] === 'string') return true;
  if (typeof choice['text'] === 'string') return choice['text'] !== '';
  const delta = choice['delta'];
  if (!isObject(delta)) return false;
  return CONTENT_FIELDS.some((field) => delta[field] !== undefined && delta[field] !== null && delta[field] !== '');
}

/** The id of the stored response a typed event speaks of. */
export function responseIdIn(data: string): string | null {
  const json = parseData(data);
  const response = json === null ? null : json['response'];
  return isObject(response) && typeof response['id'] === 'string' ? response['id'] : null;
}

/** Both shapes stock clients know: `error` as an object for chat, and the typed event for the Responses API. */
export function errorEvent(error: { message: string; code: string }, typed: boolean): Buffer {
  const body = { message: error.message, type: 'server_error', code: error.code, param: null };
  if (!typed) return Buffer.from(`data: ${JSON.stringify({ error: body })}\n\n`);
  const event = { type: 'error', code: error.code, message: error.message, param: null, error: body };
  return Buffer.from(`event: error\ndata: ${JSON.stringify(event)}\n\n`);
}

/** The deployment's stream broke off. */
export function brokenEvent(cause: string, typed: boolean): Buffer {
  const message = `The deployment's stream broke after it had begun (${cause}). What came so far is incomplete.`;
  return errorEvent({ message, code: 'upstream_failed' }, typed);
}

/** The router ends before the stream does. */
export function dismissedEvent(typed: boolean): Buffer {
  return errorEvent(
    { message: 'The router is shutting down. What came so far is incomplete.', code: 'internal' },
    typed,
  );
}

/**
 * Tells that the answer begins again from its beginning. Stock clients hand every event to their caller, so this one has
 * the shape of a chunk that says nothing: no choices for chat, an unknown type for the Responses API.
 */
export function restartEvent(from: string, to: string, typed: boolean): Buffer {
  const restart = { from, to };
  const data = typed
    ? { type: 'router.restart', restart }
    : { id: '', object: 'chat.completion.chunk', created: 0, model: '', choices: [], restart };
  return Buffer.from(
    `: router restart, ${from} broke, ${to} begins again\nevent: router.restart\ndata: ${JSON.stringify(data)}\n\n`,
  );
}

export const HEARTBEAT = Buffer.from(': keep-alive\n\n');
