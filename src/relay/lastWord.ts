/**
 * What the last of the events that have come says of its stream. It is looked at with every chunk: from the back, by its first and
 * last bytes, and only what may be an end or an error is read.
 */
import { dataOf, meaningOf, parseData, wholeEventsEnd } from './events.ts';

export type LastWord =
  | { readonly kind: 'more' }
  /** A comment or an empty line, which leaves everything as it was. */
  | { readonly kind: 'nothing' }
  /** Nothing is missing, whatever becomes of the connection. */
  | { readonly kind: 'end' }
  /** The deployment's own error; `at` is where its event begins. */
  | { readonly kind: 'error'; readonly code: string | null; readonly at: number };

const MORE: LastWord = { kind: 'more' };
const NOTHING: LastWord = { kind: 'nothing' };
const END: LastWord = { kind: 'end' };

/** Typed events that end a stream; the other APIs say `[DONE]`. */
const ENDING_TYPES = new Set([
  'response.completed',
  'response.incomplete',
  'response.cancelled',
  'transcript.text.done',
  'speech.audio.done',
  'image_generation.completed',
  'image_edit.completed',
]);

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LETTER_D = 0x64;
const LETTER_E = 0x65;
const LETTER_T = 0x74;
/** `data:` */
const DATA_LENGTH = 5;
/** No type that matters is named farther behind. */
const NAME_WITHIN = 64;
const DELTA = Buffer.from('delta');
const BLANK_LINE = Buffer.from('\n\n');
const TYPE_DELTA = /^ ?\{\s*"type"\s*:\s*"[\w.]*delta"/;

/** Whole events in. */
export function lastWordOf(events: Buffer): LastWord {
  if (endsInChunk(events)) return MORE;
  let end = events.length;
  while (end > 0 && (events[end - 1] === LF || events[end - 1] === CR)) end--;
  if (end === 0) return NOTHING;
  const at = eventStart(events, end);
  if (saysMore(events, at, end)) return MORE;
  const word = read(events.toString('utf8', at, end), at);
  if (at === 0 || (word.kind !== 'end' && word.kind !== 'nothing')) return word;
  // A comment is no word, and some say `[DONE]` behind their error all the same.
  const before = lastWordOf(events.subarray(0, at));
  return word.kind === 'nothing' || before.kind === 'error' ? before : word;
}

/** Of the beginning of an event behind which nothing will come: whether nothing is missing. */
export function isWholeEnd(half: Buffer): boolean {
  const { kind } = read(half.toString('utf8'), 0);
  return kind === 'end' || kind === 'nothing';
}

const NAMED_TYPE = /^(?:event: ?|data: ?\{\s*"type"\s*:\s*")([\w.]+)/;

/** Of an event too long to be held, by its beginning: whether it ends its stream. A picture may be in it. */
export function isLongEnd(beginning: Buffer): boolean {
  return ENDING_TYPES.has(NAMED_TYPE.exec(beginning.toString('latin1', 0, NAME_WITHIN))?.[1] ?? '');
}

/**
 * By far the most frequent case, and told without looking for where the last event begins: the first one is a chunk of a chat, and
 * the last one ends like such. Neither `[DONE]` does, nor an error, whose braces close with those of its event.
 */
function endsInChunk(events: Buffer): boolean {
  const { length } = events;
  if (events[length - 1] !== LF || events[length - 2] !== LF) return false;
  if (events[length - 3] !== CLOSE_OBJECT || events[length - 4] === CLOSE_OBJECT) return false;
  const first = firstMember(events, 0);
  return first !== null && first !== LETTER_E && first !== LETTER_T;
}

/** The first letter of the first member of an event's data; `null`: the event has another form. */
function firstMember(events: Buffer, at: number): number | null {
  if (events[at] !== LETTER_D) return null;
  const value = at + DATA_LENGTH + (events[at + DATA_LENGTH] === SPACE ? 1 : 0);
  return events[value] === OPEN_OBJECT && events[value + 1] === QUOTE ? (events[value + 2] ?? null) : null;
}

/** Where the last event begins, which ends at `end`; a stream ends its lines in one way. */
function eventStart(events: Buffer, end: number): number {
  if (events[end] !== LF) return wholeEventsEnd(events, 0, end);
  const before = events.lastIndexOf(BLANK_LINE, end - 1);
  return before === -1 ? 0 : before + BLANK_LINE.length;
}

/** False: it has to be read. */
function saysMore(events: Buffer, at: number, end: number): boolean {
  if (events[at] === LETTER_E) return isDelta(events, events.indexOf(LF, at));
  const first = firstMember(events, at);
  if (first === null || first === LETTER_E) return false;
  if (first === LETTER_T) return TYPE_DELTA.test(events.toString('latin1', at + DATA_LENGTH, at + NAME_WITHIN));
  return events[end - 1] !== CLOSE_OBJECT || events[end - 2] !== CLOSE_OBJECT;
}

/** Whether the line that ends there ends in `delta`. */
function isDelta(events: Buffer, lineEnd: number): boolean {
  for (let at = 0; at < DELTA.length; at++) if (events[lineEnd - DELTA.length + at] !== DELTA[at]) return false;
  return true;
}

function read(event: string, at: number): LastWord {
  const data = dataOf(event);
  if (data === null) return event.split(/[\r\n]+/).every((line) => line === '' || isComment(line)) ? NOTHING : MORE;
  if (data === '[DONE]') return END;
  const meaning = meaningOf(data);
  if (meaning.kind === 'error') return { kind: 'error', code: meaning.code === '' ? null : meaning.code, at };
  const type = data.includes('"type"') ? parseData(data)?.['type'] : null;
  return typeof type === 'string' && ENDING_TYPES.has(type) ? END : MORE;
}

function isComment(line: string): boolean {
  return line.charCodeAt(0) === COLON;
}
