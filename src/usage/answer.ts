/** What an answer says it used: found in its bytes, from the end, without reading the rest. */
import type { Tokens } from '../domain/usage.ts';

const KEY = '"usage"';
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
  const text = bytes.toString('latin1', behindKey, behindKey + LONGEST_REPORT);
  const opening = /^\s*:\s*\{/.exec(text);
  if (opening === null) return null;
  const from = opening[0].length - 1;
  const to = closingBrace(text, from);
  if (to === -1) return null;
  const tokens = tokensOf(parsed(text.slice(from, to + 1)));
  return tokens === null ? null : { tokens, start: behindKey + from, end: behindKey + to + 1 };
}

function closingBrace(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = closingQuote(text, at);
      if (at === -1) return -1;
    } else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return at;
  }
  return -1;
}

function closingQuote(text: string, opening: number): number {
  for (let at = opening + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return -1;
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

const MODEL = /"model"\s*:\s*"([^"\\]{1,128})"/;
/** Azure puts the model behind the choices, others before them. */
const NEAR_AN_END = 1_024;

/** The model as the answer names it; only its two ends are looked at. */
export function modelIn(bytes: Buffer): string | null {
  const beginning = bytes.toString('latin1', 0, NEAR_AN_END);
  const found = MODEL.exec(beginning);
  if (found !== null || bytes.length <= NEAR_AN_END) return found?.[1] ?? null;
  return MODEL.exec(bytes.toString('latin1', Math.max(NEAR_AN_END, bytes.length - NEAR_AN_END)))?.[1] ?? null;
}
