/** What an answer says it used: found in its bytes, from the end, without reading the rest. */
import type { Tokens } from '../domain/usage.ts';

const KEY = Buffer.from('"usage"');
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** No report of usage is longer. */
const LONGEST_REPORT = 4_096;
/** Places of that name that may turn out to be something else, such as a property in a tool's schema. */
const MOST_LOOKED_AT = 8;

export interface Said {
  readonly tokens: Tokens;
  /** The bytes of the report, from its brace to behind its last one. */
  readonly start: number;
  readonly end: number;
}

/** The last report of usage in these bytes: quotes within strings are escaped, so that no text can look like one. */
export function usageIn(bytes: Buffer): Said | null {
  let at = bytes.lastIndexOf(KEY);
  for (let looked = 0; at !== -1 && looked < MOST_LOOKED_AT; looked++) {
    const said = reportAt(bytes, at + KEY.length);
    if (said !== null) return said;
    at = at === 0 ? -1 : bytes.lastIndexOf(KEY, at - 1);
  }
  return null;
}

function reportAt(bytes: Buffer, behindKey: number): Said | null {
  const colon = behindSpace(bytes, behindKey);
  if (bytes[colon] !== COLON) return null;
  const start = behindSpace(bytes, colon + 1);
  if (bytes[start] !== OPEN_OBJECT) return null;
  const text = bytes.toString('latin1', start, start + LONGEST_REPORT);
  const to = closingBrace(text);
  if (to === -1) return null;
  const tokens = tokensOf(parsed(text.slice(0, to + 1)));
  return tokens === null ? null : { tokens, start, end: start + to + 1 };
}

/** RFC 8259, 2: space, tab, line feed, carriage return. */
function behindSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d; byte = bytes[at]) at++;
  return at;
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = closingQuote(text, at);
      if (at === -1) return -1;
    } else if (char === OPEN_OBJECT) depth++;
    else if (char === CLOSE_OBJECT && --depth === 0) return at;
  }
  return -1;
}

function closingQuote(text: string, opening: number): number {
  let at = text.indexOf('"', opening + 1);
  while (at !== -1 && isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at;
}

/** An odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

type Json = Readonly<Record<string, unknown>>;

/** Chat, completions and embeddings count prompt and completion, the younger APIs input and output. */
function tokensOf(report: unknown): Tokens | null {
  if (!isObject(report)) return null;
  const prompt = count(report, 'prompt_tokens') ?? count(report, 'input_tokens');
  const completion = count(report, 'completion_tokens') ?? count(report, 'output_tokens');
  if (prompt === null && completion === null) return null;
  const into = details(report, 'prompt_tokens_details', 'input_tokens_details', 'input_token_details');
  const out = details(report, 'completion_tokens_details', 'output_tokens_details', 'output_token_details');
  return {
    prompt: prompt ?? 0,
    completion: completion ?? 0,
    cached: atMost(count(into, 'cached_tokens'), prompt),
    reasoning: atMost(count(out, 'reasoning_tokens'), completion),
    promptAudio: atMost(count(into, 'audio_tokens'), prompt),
    completionAudio: atMost(count(out, 'audio_tokens'), completion),
  };
}

function details(report: Json, ...names: readonly string[]): Json {
  for (const name of names) {
    const found = report[name];
    if (isObject(found)) return found;
  }
  return {};
}

function count(report: Json, name: string): number | null {
  const value = report[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

function atMost(part: number | null, whole: number | null): number {
  return Math.min(part ?? 0, whole ?? 0);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MODEL = Buffer.from('"model"');
const LONGEST_MODEL = 128;

/** The model as the answer names it last: its own, as no text can look like a name of JSON. */
export function modelIn(bytes: Buffer): string | null {
  const at = bytes.lastIndexOf(MODEL);
  if (at === -1) return null;
  const colon = behindSpace(bytes, at + MODEL.length);
  if (bytes[colon] !== COLON) return null;
  const start = behindSpace(bytes, colon + 1) + 1;
  if (bytes[start - 1] !== QUOTE) return null;
  const end = bytes.indexOf(QUOTE, start);
  if (end <= start || end - start > LONGEST_MODEL) return null;
  const name = bytes.toString('latin1', start, end);
  return name.includes('\\') ? null : name;
}
