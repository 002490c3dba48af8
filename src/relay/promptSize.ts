/** How many tokens a prompt looks like, from its bytes alone. Asked only where an account's tokens are limited. */
import { QuoteFinder } from '../body/quotes.ts';
import type { Call } from './call.ts';

/** A token of a prompt is seldom shorter than this; the JSON around the words makes up for messages' own tokens. */
const BYTES_PER_TOKEN = 4;
const TOKENS_PER_REQUEST = 3;
/** A picture, a recording or a file, whatever its size in bytes and wherever it lies. */
const TOKENS_PER_ATTACHMENT = 1_200;
/** Bodies below this hold no attachments that the marks do not tell of. */
const SMALL_BODY = 16 * 1024;

/** Their prompts may be given as tokens, in numbers. */
const OF_NUMBERS: ReadonlySet<string> = new Set(['embeddings', 'completions']);

export function promptTokens({ payload, target }: Call): number {
  if (payload.kind === 'none') return 0;
  const { bytes } = payload;
  const attached = attachmentsIn(bytes);
  const mayBeNumbers = target.kind === 'deployment' && OF_NUMBERS.has(target.operation);
  const numbers = mayBeNumbers ? numbersIn(bytes) : NOTHING;
  const words = bytes.length - attached.bytes - numbers.bytes;
  const given = numbers.count + attached.count * TOKENS_PER_ATTACHMENT;
  return Math.ceil(words / BYTES_PER_TOKEN) + TOKENS_PER_REQUEST + given;
}

interface Found {
  readonly count: number;
  readonly bytes: number;
}

const NOTHING: Found = { count: 0, bytes: 0 };

/** What parts of a message say they are: `"type": "image_url"`. The same names are keys too, and count once. */
const MARKS = ['"image_url"', '"input_image"', '"input_audio"', '"input_file"', '"file"'];
/** Pictures as data URIs, recordings and files as Base64. */
const OPENINGS = ['"data:', '"data":"', '"data": "'];

function attachmentsIn(bytes: Buffer): Found {
  let marked = 0;
  for (const mark of MARKS) {
    for (let at = bytes.indexOf(mark); at !== -1; at = bytes.indexOf(mark, at + mark.length)) {
      if (isValue(bytes, at)) marked++;
    }
  }
  if (marked === 0 && bytes.length < SMALL_BODY) return NOTHING;
  const carried = carriedIn(bytes);
  return { count: Math.max(marked, carried.count), bytes: carried.bytes };
}

const COLON = 0x3a;

function isValue(bytes: Buffer, start: number): boolean {
  let at = start - 1;
  while (isBlank(bytes[at])) at--;
  return bytes[at] === COLON;
}

function carriedIn(bytes: Buffer): Found {
  let count = 0;
  let size = 0;
  for (const opening of OPENINGS) {
    for (let at = bytes.indexOf(opening); at !== -1; ) {
      const from = at + opening.length;
      const end = bytes.indexOf(0x22, from);
      const to = end === -1 ? bytes.length : end;
      count++;
      size += to - from;
      at = bytes.indexOf(opening, to);
    }
  }
  return { count, bytes: size };
}

const QUOTE = 0x22;
const COMMA = 0x2c;

/** Numbers outside of texts, with the commas and blanks between them. */
function numbersIn(bytes: Buffer): Found {
  const quotes = new QuoteFinder(bytes);
  let count = 0;
  let size = 0;
  let isNumber = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      const end = quotes.closing(at + 1, at + 1);
      if (end === -1) break;
      at = end;
      isNumber = false;
      continue;
    }
    const wasNumber = isNumber;
    isNumber = isDigit(byte);
    if (isNumber && !wasNumber) count++;
    if (isNumber || byte === COMMA || isBlank(byte)) size++;
  }
  return { count, bytes: size };
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
