/** What a request may use at most, told before it is sent. */
import { describe, expect, test } from 'vitest';
import type { QuotaAsk } from '../../src/accounts/port.ts';
import { scanBody } from '../../src/body/fields.ts';
import { UNLIMITED } from '../../src/domain/account.ts';
import type { Plan } from '../../src/domain/config.ts';
import { askFor } from '../../src/relay/reserve.ts';
import type { Prices } from '../../src/usage/port.ts';
import { configFor } from '../routing/facts.ts';
import { type CallFacts, stageFor } from './fakes.ts';

const CONFIG = configFor({
  pools: {
    cheap: { strategy: 'priority', members: ['A/m'] },
    middle: { strategy: 'priority', members: ['B/m', 'A/m'] },
    dear: { strategy: 'priority', members: ['C/m', 'D/m'] },
    free: { strategy: 'priority', members: ['A/n'] },
  },
  tiers: { premium: { chain: ['dear', 'cheap'] }, standard: { chain: ['middle'] }, economy: { chain: ['cheap'] } },
});
const NANO_USD: Readonly<Record<string, number>> = { 'A/m': 1, 'B/m': 5, 'C/m': 100, 'D/m': 50 };
const PRICES: Prices = {
  costOf: () => 0,
  rates: ({ id }) => ({ prompt: NANO_USD[id] ?? 0, output: 10 * (NANO_USD[id] ?? 0) }),
};
const LIMITED = { quota: { ...UNLIMITED, tokensPerMinute: 1_000, usdPerDay: 1 } };

function asked(json: object | string, facts: CallFacts & { readonly operation?: string } = {}): QuotaAsk {
  const { operation = 'chat/completions', ...rest } = facts;
  const bytes = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  const scan = scanBody(bytes, 50);
  if (!scan.ok) throw new Error(scan.problem);
  const call = stageFor(CONFIG).call({
    payload: { kind: 'json', bytes, fields: scan.fields },
    target: { kind: 'deployment', operation, namedBy: 'body', name: null },
    principal: LIMITED,
    name: 'cheap',
    ...rest,
  });
  return askFor(CONFIG, PRICES, call);
}

const picture = (url: string) => ({ type: 'image_url', image_url: { url } });
const SMALL_PICTURE = `data:image/png;base64,${'A'.repeat(120)}`;
const LARGE_PICTURE = `data:image/png;base64,${'A'.repeat(400_000)}`;

describe('a prompt looks like a token for four bytes', () => {
  test.each([
    { what: 'a picture by its address', parts: [picture('https://a.test/cat.png')], count: 1 },
    { what: 'two of them', parts: [picture('https://a.test/cat.png'), picture('https://a.test/dog.png')], count: 2 },
    { what: 'a small picture in a small body', parts: [picture(SMALL_PICTURE)], count: 1 },
    { what: 'a large one', parts: [picture(LARGE_PICTURE)], count: 1 },
    { what: 'both', parts: [picture(LARGE_PICTURE), picture('https://a.test/cat.png')], count: 2 },
    {
      what: 'one of the Responses API',
      parts: [{ type: 'input_image', image_url: 'https://a.test/cat.png' }],
      count: 1,
    },
    { what: 'one that was uploaded before', parts: [{ type: 'input_image', file_id: 'file-1' }], count: 1 },
    {
      what: 'a recording',
      parts: [{ type: 'input_audio', input_audio: { data: 'A'.repeat(99), format: 'wav' } }],
      count: 1,
    },
    { what: 'a file', parts: [{ type: 'file', file: { file_id: 'file-1' } }], count: 1 },
    { what: 'a file of the Responses API', parts: [{ type: 'input_file', file_id: 'file-1' }], count: 1 },
    {
      what: 'none: words about them',
      parts: [{ type: 'text', text: '{"type": "image_url"} or ["input_audio"]' }],
      count: 0,
    },
  ])('and 1,200 for each attachment: $what', ({ parts, count }) => {
    const { promptTokens } = asked({ messages: [{ role: 'user', content: parts }] });
    expect(Math.floor(promptTokens / 1_200)).toBe(count);
    expect(promptTokens % 1_200).toBeLessThan(120);
  });

  test('however the body is laid out', () => {
    const text = JSON.stringify(
      { messages: [{ role: 'user', content: [picture('https://a.test/cat.png')] }] },
      null,
      2,
    );
    expect(Math.floor(asked(text).promptTokens / 1_200)).toBe(1);
  });

  test('a tool whose argument is called like an attachment is none', () => {
    const parameters = { type: 'object', properties: { file: { type: 'string' } }, required: ['file'] };
    expect(asked({ messages: [], tools: [{ type: 'function', function: { parameters } }] }).promptTokens).toBeLessThan(
      100,
    );
  });

  test.each([
    { what: 'embeddings', operation: 'embeddings', json: { input: Array(1_000).fill(7) } },
    {
      what: 'embeddings, several',
      operation: 'embeddings',
      json: { input: [Array(600).fill(71_234), Array(400).fill(0)] },
    },
    { what: 'completions', operation: 'completions', json: { prompt: Array(1_000).fill(15_339), max_tokens: 1 } },
  ])('but one for each number where tokens are sent: $what', ({ operation, json }) => {
    const { promptTokens } = asked(json, { operation });
    expect(promptTokens).toBeGreaterThanOrEqual(1_000);
    expect(promptTokens).toBeLessThan(1_020);
  });

  test('and texts with numbers in them are texts', () => {
    const input = ['1, 2, 3 "4" \\ 5, '.repeat(100)];
    expect(asked({ input }, { operation: 'embeddings' }).promptTokens).toBeLessThan(600);
  });
});

describe('its kind', () => {
  test('is the name asked for and the operation, and whether it goes on from a stored response', () => {
    expect(asked({}).kind).toBe('cheap chat/completions');
    expect(asked({}, { operation: 'embeddings', name: 'other' }).kind).toBe('other embeddings');
    const goesOn = { previous_response_id: 'resp_1' };
    expect(asked(goesOn, { operation: 'responses' }).kind).toBe('cheap responses continued');
  });

  test('is none where no tokens are limited', () => {
    const principal = { quota: { ...UNLIMITED, requestsPerMinute: 5 } };
    expect(asked({}, { principal })).toMatchObject({ kind: null, promptTokens: 0 });
  });
});

const PLAN: Plan = {
  name: 'small',
  tiers: ['economy', 'standard'],
  onHigherTier: 'downgrade',
  downgradeWhenUnavailable: false,
  quota: UNLIMITED,
};

describe('its price is that of the dearest deployment it may lead to', () => {
  test.each<{ what: string; facts: CallFacts; json?: object; nanoUsd: number }>([
    { what: 'a pool', facts: { name: 'middle' }, nanoUsd: 5 },
    { what: 'a deployment', facts: { name: 'A/m' }, nanoUsd: 1 },
    { what: 'a tier named', facts: { name: 'premium' }, nanoUsd: 100 },
    { what: 'a tier wanted beside a pool', facts: { name: 'cheap', wishes: { tier: 'premium' } }, nanoUsd: 100 },
    { what: 'a deployment, whatever tier is wanted', facts: { name: 'B/m', wishes: { tier: 'premium' } }, nanoUsd: 5 },
    { what: 'a tier that the plan lowers', facts: { name: 'premium', plan: PLAN }, nanoUsd: 5 },
    { what: 'a pool that the plan lacks', facts: { name: 'dear', plan: PLAN }, nanoUsd: 5 },
    {
      what: 'a tier that may be lowered when nobody is there',
      facts: { name: 'economy', plan: { ...PLAN, tiers: ['premium', 'economy'], downgradeWhenUnavailable: true } },
      nanoUsd: 1,
    },
    {
      what: 'a cheap one that may become a dearer one',
      facts: {
        name: 'standard',
        plan: { ...PLAN, tiers: ['economy', 'premium'], downgradeWhenUnavailable: true },
      },
      nanoUsd: 1,
    },
    { what: 'auto: any', facts: { name: 'auto' }, nanoUsd: 100 },
    { what: 'a name that nobody has: any', facts: { name: 'nobody' }, nanoUsd: 100 },
    { what: 'whoever holds a stored response', facts: {}, json: { previous_response_id: 'r' }, nanoUsd: 100 },
  ])('$what', ({ facts, json = {}, nanoUsd }) => {
    const ask = asked(json, facts);
    expect([ask.nanoUsdPerPromptToken, ask.nanoUsdPerOutputToken]).toEqual([nanoUsd, 10 * nanoUsd]);
  });
});
