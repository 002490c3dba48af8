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
/** `data:` and `event:` up to their values. */
const DATA_LENGTH = 5;
const EVENT_LENGTH = 6;
/** No type that matters is named farther behind. */
const NAME_WITHIN = 64;
const DELTA = /^ ?[\w.]*delta[\r\n]/;
const TYPE_DELTA = /^\{\s*"type"\s*:\s*"[\w.]*delta"/;

/** Whole events in. */
export function lastWordOf(events: Buffer): LastWord {
  let end = events.length;
  while (end > 0 && (events[end - 1] === LF || events[end - 1] === CR)) end--;
  if (end === 0) return NOTHING;
  const at = wholeEventsEnd(events, 0, end);
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

/** By far the most frequent case; false: it has to be read. */
function saysMore(events: Buffer, at: number, end: number): boolean {
  const first = events[at];
  if (first === LETTER_E) return DELTA.test(events.toString('latin1', at + EVENT_LENGTH, at + NAME_WITHIN));
  if (first !== LETTER_D) return false;
  const value = at + DATA_LENGTH + (events[at + DATA_LENGTH] === SPACE ? 1 : 0);
  if (events[value] !== OPEN_OBJECT) return false;
  if (events[value + 1] !== QUOTE) return false;
  // An error stands first, or its braces close with those of the event.
  if (events[value + 2] === LETTER_E) return false;
  if (events[value + 2] === LETTER_T) return TYPE_DELTA.test(events.toString('latin1', value, value + NAME_WITHIN));
  return events[end - 1] !== CLOSE_OBJECT || events[end - 2] !== CLOSE_OBJECT;
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
