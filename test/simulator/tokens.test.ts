import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPrefixCache, cutToTokens, piecesOf, tokensIn } from '../../src/simulator/tokens.ts';
import { azureClient, manualClock, simulate } from './fixture.ts';

describe('counting tokens', () => {
  it.each([
    { text: '', tokens: 0 },
    { text: 'a', tokens: 1 },
    { text: 'four', tokens: 1 },
    { text: 'fives', tokens: 2 },
  ])('"$text" has $tokens', ({ text, tokens }) => {
    expect(tokensIn(text)).toBe(tokens);
  });

  it('the pieces of a text make the text and its tokens', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const pieces = [...piecesOf(text)];
        expect(pieces.map((piece) => piece.text).join('')).toBe(text);
        expect(pieces.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(tokensIn(text));
      }),
    );
  });

  it('a cut text has no more than its tokens and no half characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, tokens) => {
        const cut = cutToTokens(text, tokens);
        expect(tokensIn(cut)).toBeLessThanOrEqual(tokens);
        expect(text.startsWith(cut)).toBe(true);
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('the prefix cache', () => {
  const base = 'p'.repeat(1_500 * 4);

  it.each([
    { second: 'the same prompt', prompt: base, cached: 1_408 },
    { second: 'a longer prompt', prompt: `${base}${'q'.repeat(9_999)}`, cached: 1_408 },
    {
      second: 'a prompt that differs after 1,200 tokens',
      prompt: `${base.slice(0, 1_200 * 4)}${'q'.repeat(4_000)}`,
      cached: 1_152,
    },
    { second: 'a prompt that differs at once', prompt: `q${base}`, cached: 0 },
    { second: 'a prompt below 1,024 tokens', prompt: base.slice(0, 1_023 * 4), cached: 0 },
  ])('gives $second $cached tokens', ({ prompt, cached }) => {
    const cache = createPrefixCache(manualClock());
    expect(cache.reuse(base, null)).toBe(0);
    expect(cache.reuse(prompt, null)).toBe(cached);
  });

  it('keeps keys apart and forgets in time', () => {
    const clock = manualClock();
    const cache = createPrefixCache(clock);
    cache.reuse(base, 'one');
    expect(cache.reuse(base, 'two')).toBe(0);
    expect(cache.reuse(base, 'one')).toBe(1_408);
    clock.advance(600_000);
    expect(cache.reuse(base, 'one')).toBe(0);
  });

  it('belongs to one endpoint: shuffled calls find nothing', async () => {
    const { a, b } = await simulate();
    const ask = async (endpoint: typeof a) => {
      const answer = await azureClient(endpoint).chat.completions.create({
        model: 'gpt-4.1',
        messages: [
          { role: 'system', content: base },
          { role: 'user', content: 'go' },
        ],
      });
      return answer.usage?.prompt_tokens_details?.cached_tokens;
    };
    expect([await ask(a), await ask(a), await ask(b), await ask(b)]).toEqual([0, 1_408, 0, 1_408]);
  });
});
