/**
 * Counting tokens by one rule that anybody can do in the head: four UTF-16 code units make a token, rounded up. A message
 * costs four more, a request three. The prefix cache follows Azure: from 1,024 tokens on, in steps of 128.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';

const UNITS_PER_TOKEN = 4;
export const TOKENS_PER_MESSAGE = 4;
export const TOKENS_PER_REQUEST = 3;
export const TOKENS_PER_IMAGE = 765;
export const TOKENS_PER_LOW_DETAIL_IMAGE = 85;

export function tokensIn(text: string): number {
  return Math.ceil(text.length / UNITS_PER_TOKEN);
}

export function cutToTokens(text: string, tokens: number): string {
  const cut = text.slice(0, Math.max(0, tokens) * UNITS_PER_TOKEN);
  const last = cut.charCodeAt(cut.length - 1);
  // Half a surrogate pair would not survive UTF-8.
  return last >= 0xd800 && last <= 0xdbff ? cut.slice(0, -1) : cut;
}

export interface Piece {
  readonly text: string;
  readonly tokens: number;
}

/** Splits generated text into the pieces a stream sends; their tokens add up to `tokensIn(text)`. */
export function* piecesOf(text: string): Generator<Piece> {
  let sent = 0;
  for (const [piece] of text.matchAll(/\s*\S{1,8}|\s+/gu)) {
    const before = Math.ceil(sent / UNITS_PER_TOKEN);
    sent += piece.length;
    yield { text: piece, tokens: Math.ceil(sent / UNITS_PER_TOKEN) - before };
  }
}

const CACHE_FROM_TOKENS = 1_024;
const CACHE_STEP_TOKENS = 128;
const CACHE_TTL_MS = 10 * 60_000;
const CACHE_ENTRIES = 20_000;

/** Remembers the beginnings of prompts, for one deployment: a call on another deployment finds nothing here. */
export interface PrefixCache {
  /** The tokens of this prompt's beginning that were seen before; remembers the prompt. */
  reuse(prompt: string, cacheKey: string | null): number;
}

export function createPrefixCache(clock: Clock): PrefixCache {
  const seenUntil = new Map<string, number>();
  return {
    reuse(prompt, cacheKey) {
      const now = clock.now();
      let cached = 0;
      let unbroken = true;
      for (const { tokens, key } of prefixesOf(prompt, cacheKey ?? '')) {
        unbroken &&= (seenUntil.get(key) ?? 0) > now;
        if (unbroken) cached = tokens;
        seenUntil.delete(key);
        seenUntil.set(key, now + CACHE_TTL_MS);
      }
      for (const oldest of seenUntil.keys()) {
        if (seenUntil.size <= CACHE_ENTRIES) break;
        seenUntil.delete(oldest);
      }
      return cached;
    },
  };
}

function* prefixesOf(prompt: string, cacheKey: string): Generator<{ tokens: number; key: string }> {
  let key = cacheKey;
  let from = 0;
  for (let tokens = CACHE_FROM_TOKENS; tokens * UNITS_PER_TOKEN <= prompt.length; tokens += CACHE_STEP_TOKENS) {
    const to = tokens * UNITS_PER_TOKEN;
    key = createHash('sha1').update(key).update(prompt.slice(from, to)).digest('base64');
    from = to;
    yield { tokens, key };
  }
}
