/** A request to generate text, whatever dialect it came in: what chat completions and responses share. */
import { isList, isObject, type Json, type JsonObject, numberAt, objectAt, stringAt } from './json.ts';
import { badRequest } from './refusal.ts';
import { seedOf } from './seeded.ts';
import {
  TOKENS_PER_IMAGE,
  TOKENS_PER_LOW_DETAIL_IMAGE,
  TOKENS_PER_MESSAGE,
  TOKENS_PER_REQUEST,
  tokensIn,
} from './tokens.ts';

export interface Tool {
  readonly name: string;
  readonly kind: 'function' | 'custom';
  readonly parameters: JsonObject;
}

export type ToolChoice =
  | { readonly kind: 'auto' }
  | { readonly kind: 'none' }
  | { readonly kind: 'required' }
  | { readonly kind: 'named'; readonly name: string };

export type Format =
  | { readonly kind: 'text' }
  | { readonly kind: 'json' }
  | { readonly kind: 'schema'; readonly schema: JsonObject };

export interface Message {
  readonly role: string;
  readonly text: string;
  readonly images: Images;
}

export interface Images {
  readonly tokens: number;
  /** Tells prompts with other images apart; costs no tokens of its own. */
  readonly fingerprint: string;
}

export const NO_IMAGES: Images = { tokens: 0, fingerprint: '' };

export interface Ask {
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice;
  readonly parallelTools: boolean;
  readonly format: Format;
  /** `null`: as long as it comes. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly seed: string;
  readonly effort: string;
  readonly cacheKey: string | null;
}

/** The prompt as one text, tools first as Azure lays it out, so that equal beginnings are equal prefixes. */
export function promptOf(ask: Ask): string {
  const tools = ask.tools.length === 0 ? '' : `${JSON.stringify(ask.tools)}\n`;
  return tools + ask.messages.map(({ role, text, images }) => `${role}\n${text}${images.fingerprint}\n`).join('');
}

export function promptTokensOf(ask: Ask): number {
  const tools = ask.tools.length === 0 ? 0 : tokensIn(JSON.stringify(ask.tools));
  const format = ask.format.kind === 'schema' ? tokensIn(JSON.stringify(ask.format.schema)) : 0;
  const messages = ask.messages.reduce(
    (sum, { text, images }) => sum + TOKENS_PER_MESSAGE + tokensIn(text) + images.tokens,
    0,
  );
  return TOKENS_PER_REQUEST + tools + format + messages;
}

export function lastUserText(ask: Ask): string {
  return ask.messages.findLast(({ role }) => role === 'user')?.text ?? '';
}

/** Reads a message's content: a text, or a list of text, image, audio and file parts. */
export function readContent(content: Json | undefined): { text: string; images: Images } {
  if (typeof content === 'string') return { text: content, images: NO_IMAGES };
  if (!isList(content)) return { text: '', images: NO_IMAGES };
  let text = '';
  let tokens = 0;
  const fingerprints: string[] = [];
  for (const part of content.filter(isObject)) {
    const words = stringAt(part, 'text') ?? stringAt(part, 'refusal');
    if (words !== null) {
      text += words;
      continue;
    }
    const image = objectAt(part, 'image_url') ?? part;
    tokens += stringAt(image, 'detail') === 'low' ? TOKENS_PER_LOW_DETAIL_IMAGE : TOKENS_PER_IMAGE;
    fingerprints.push(`<${seedOf(stringAt(image, 'url') ?? stringAt(image, 'image_url') ?? JSON.stringify(part))}>`);
  }
  return { text, images: { tokens, fingerprint: fingerprints.join('') } };
}

export function readStop(stop: Json | undefined): readonly string[] {
  if (typeof stop === 'string') return [stop];
  return isList(stop) ? stop.filter((word): word is string => typeof word === 'string' && word !== '') : [];
}

export function readMaxTokens(body: JsonObject, name: string): number | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  const tokens = numberAt(body, name);
  if (tokens === null || !Number.isInteger(tokens)) {
    throw badRequest(
      `Invalid type for '${name}': expected an integer, but got ${typeof value} instead.`,
      name,
      'invalid_type',
    );
  }
  if (tokens < 1)
    throw badRequest(
      `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${tokens} instead.`,
      name,
      'integer_below_min_value',
    );
  return tokens;
}
