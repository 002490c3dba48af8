import { readFileSync } from 'node:fs';
import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { generatePrices, PRICES_FILE } from '../../scripts/generate-prices.ts';
import type { Deployment } from '../../src/domain/deployment.ts';
import type { Tokens } from '../../src/domain/usage.ts';
import type { Prices } from '../../src/usage/port.ts';
import { createPrices } from '../../src/usage/prices.ts';
import { PRICE_TABLE } from '../../src/usage/priceTable.ts';
import type { PricedModel } from '../../src/usage/tariff.ts';
import { deployment, tokens } from './facts.ts';

const NOW = Date.UTC(2026, 10, 21);

function pricesAt(now = NOW): { prices: Prices; told: string[] } {
  const told: string[] = [];
  const journal = { priceUnknown: ({ model }: { model: string }) => void told.push(model) };
  return { prices: createPrices({ journal, now: () => now }), told };
}

function costOf(of: Partial<Deployment>, used: Partial<Tokens>, responseModel: string | null = null): number | null {
  return pricesAt().prices.costOf(deployment(of), responseModel, tokens(used));
}

/** A name for every way in which a model can be called. */
function namesOf({ names }: PricedModel): string[] {
  const { equals = [], startsWith = [], contains = [], patterns = [] } = names;
  return [
    ...equals,
    ...startsWith.map((text) => `${text}2026-01-31`),
    ...contains.map((text) => `my-${text}-deployment`),
    ...patterns.map((text) => text.replaceAll(/[\^$\\]/g, '').replace('d{4}-d{2}-d{2}', '2026-01-31')),
  ];
}

const anyUse = fc
  .record({
    text: fc.nat(400_000),
    audio: fc.nat(50_000),
    cached: fc.double({ min: 0, max: 1, noNaN: true }),
    completion: fc.nat(50_000),
    reasoning: fc.nat(10_000),
    completionAudio: fc.nat(10_000),
  })
  .map(({ text, audio, cached, completion, reasoning, completionAudio }) =>
    tokens({
      prompt: text + audio,
      promptAudio: audio,
      cached: Math.round((text + audio) * cached),
      completion: completion + reasoning + completionAudio,
      reasoning,
      completionAudio,
    }),
  );

/** The one model of Azure's list whose figures are OpenAI's, rounded. */
const ROUNDED = 'o4-mini';

/** The package has the request's cached audio told; here the text is taken to be cached first. */
function byPackage(name: string, used: Tokens, now: number): number {
  const text = used.prompt - used.promptAudio;
  const usage = {
    input_tokens: used.prompt,
    cache_read_tokens: used.cached,
    cache_write_tokens: 0,
    input_audio_tokens: used.promptAudio,
    cache_audio_read_tokens: Math.max(0, used.cached - text),
    input_image_tokens: 0,
    cache_image_read_tokens: 0,
    output_tokens: used.completion,
    output_audio_tokens: used.completionAudio,
  };
  // OpenAI knows the model by its name alone, and Azure by any that has it in it.
  const [model, providerId] = name.includes(ROUNDED) ? [ROUNDED, 'openai'] : [name, 'azure'];
  return (calcPrice(usage, model, { providerId, timestamp: new Date(now) })?.total_price ?? Number.NaN) * 1e9;
}

describe('the table of prices', () => {
  test('is what the package says today', () => {
    expect(readFileSync(PRICES_FILE, 'utf8')).toBe(generatePrices());
  });

  test('costs what the package makes it cost, for every model under every name, at any time', () => {
    const names = PRICE_TABLE.flatMap(namesOf);
    expect(names.length).toBeGreaterThan(200);
    const instants = fc.constantFrom(Date.UTC(2025, 0, 1), Date.UTC(2026, 6, 30), Date.UTC(2026, 7, 20, 23, 59), NOW);
    fc.assert(
      fc.property(anyUse, instants, (used, now) => {
        const { prices } = pricesAt(now);
        for (const name of names) {
          const cost = prices.costOf(deployment({ model: name }), null, used);
          expect(Math.abs((cost ?? Number.NaN) - byPackage(name, used, now)), name).toBeLessThanOrEqual(0.501);
        }
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ['gpt-4o', 2.5, 1.25, 10],
    ['gpt-4o-mini', 0.15, 0.075, 0.6],
    ['gpt-4.1', 2, 0.5, 8],
    ['gpt-4.1-mini', 0.4, 0.1, 1.6],
    ['gpt-4.1-nano', 0.1, 0.025, 0.4],
    ['gpt-5', 1.25, 0.125, 10],
    ['gpt-5-mini', 0.25, 0.025, 2],
    // 0.28 in the package's list of Azure, which is rounded.
    ['o4-mini', 1.1, 0.275, 4.4],
    ['gpt-4-turbo', 10, 10, 30],
    ['gpt-4', 30, 30, 60],
    ['gpt-35-turbo', 0.5, 0.5, 1.5],
    ['gpt-35-turbo-1106', 1, 1, 2],
    ['gpt-4.1-20250414', 2, 0.5, 8],
    ['GPT-4o', 2.5, 1.25, 10],
    ['text-embedding-3-small', 0.02, 0.02, 0],
  ])('has %s at %d, %d cached and %d USD per million tokens', (model, input, cached, output) => {
    const million = 100_000;
    expect(costOf({ model }, { prompt: million })).toBe(Math.round(input * 1e8));
    expect(costOf({ model }, { prompt: million, cached: million })).toBe(Math.round(cached * 1e8));
    expect(costOf({ model }, { completion: million })).toBe(Math.round(output * 1e8));
  });
});

describe('a cost', () => {
  test('grows with what is used, is never negative, and is less where a part of it was cached', () => {
    const model = fc
      .constantFrom(...PRICE_TABLE.map(({ id }) => id))
      .filter((id) => costOf({ model: id }, {}) !== null);
    fc.assert(
      fc.property(model, anyUse, fc.integer({ min: 2, max: 5 }), (id, used, times) => {
        const once = costOf({ model: id }, used) ?? Number.NaN;
        const uncached = costOf({ model: id }, { ...used, cached: 0 }) ?? Number.NaN;
        expect(Number.isSafeInteger(once) && once >= 0 && once <= uncached).toBe(true);
        if (used.prompt * times > 271_999) return;
        const many = Object.fromEntries(Object.entries(used).map(([name, count]) => [name, count * times]));
        expect(Math.abs((costOf({ model: id }, many) ?? Number.NaN) - once * times)).toBeLessThanOrEqual(times);
      }),
      { numRuns: 300 },
    );
  });

  test('counts reasoning as output, once', () => {
    const used = { prompt: 10, completion: 100 };
    expect(costOf({ model: 'gpt-5' }, { ...used, reasoning: 80 })).toBe(costOf({ model: 'gpt-5' }, used));
  });

  test('of a long prompt is that of long prompts for every token, the last one too', () => {
    expect(costOf({ model: 'gpt-5.4' }, { prompt: 271_999, completion: 10 })).toBe(271_999 * 2_500 + 10 * 15_000);
    expect(costOf({ model: 'gpt-5.4' }, { prompt: 272_000, completion: 10 })).toBe(272_000 * 5_000 + 10 * 22_500);
  });

  test('follows a price that changed, from its day on', () => {
    const model = deployment({ model: 'gpt-5.6-luna' });
    const [before, after] = [Date.UTC(2026, 6, 29, 23, 59), Date.UTC(2026, 6, 30)].map((now) =>
      pricesAt(now).prices.costOf(model, null, tokens({ prompt: 1_000 })),
    );
    expect([before, after]).toEqual([1_000_000, 200_000]);
  });
});

describe('the price is', () => {
  const used = { prompt: 1_000, cached: 400, completion: 100 };
  const price = { input: 2.75, cached: 1.375, output: 11 };

  test('nothing per token where the throughput is paid for, whatever else is configured', () => {
    expect(costOf({ kind: 'ptu', model: 'gpt-4.1', price }, used)).toBe(0);
    expect(costOf({ kind: 'ptu', model: 'nobody-knows' }, used)).toBe(0);
  });

  test('the configured one before that of the model; without one for cached tokens, they cost what others do', () => {
    expect(costOf({ model: 'gpt-4.1', price }, used)).toBe(600 * 2_750 + 400 * 1_375 + 100 * 11_000);
    expect(costOf({ price: { ...price, cached: null } }, used)).toBe(1_000 * 2_750 + 100 * 11_000);
    expect(costOf({ price: { input: 0, cached: 0, output: 0 }, model: 'gpt-4.1' }, used)).toBe(0);
  });

  test('that of the configured model, else of the one that the answer names, else of the name', () => {
    const mini = costOf({ model: 'gpt-4.1-mini' }, used);
    expect(costOf({ model: 'gpt-4.1-mini', name: 'gpt-5' }, used, 'gpt-4.1-2025-04-14')).toBe(mini);
    expect(costOf({ name: 'gpt-5' }, used, 'gpt-4.1-mini-2025-04-14')).toBe(mini);
    expect(costOf({ name: 'gpt-4.1-mini' }, used)).toBe(mini);
    expect(costOf({ model: 'our-finetune' }, used, 'gpt-4.1-mini-2025-04-14')).toBe(mini);
  });

  test('not that of the name where somebody says that it is another model', () => {
    expect(costOf({ name: 'gpt-4.1', model: 'our-finetune' }, used)).toBeNull();
    expect(costOf({ name: 'gpt-4.1' }, used, 'our-finetune')).toBeNull();
  });

  test('unknown where no table has it, which is told once for each model', () => {
    const { prices, told } = pricesAt();
    for (let count = 0; count < 3; count++) {
      expect(prices.costOf(deployment({ model: 'model-x' }), null, tokens(used))).toBeNull();
      expect(prices.costOf(deployment(), 'model-y', tokens(used))).toBeNull();
    }
    expect(told).toEqual(['model-x', 'model-y']);
  });

  test('looked up anew for every model that answers name, however many there are', () => {
    const { prices } = pricesAt();
    for (let count = 0; count < 3_000; count++) prices.costOf(deployment(), `model-${count}`, tokens(used));
    expect(prices.costOf(deployment(), 'gpt-4.1', tokens({ prompt: 1 }))).toBe(2_000);
    expect(prices.costOf(deployment(), 'gpt-4o', tokens({ prompt: 1 }))).toBe(2_500);
  });
});

describe('the most a token can cost', () => {
  test('is that of the longest prompts, and of audio', () => {
    const { prices } = pricesAt();
    expect(prices.rates(deployment({ model: 'gpt-5.4' }))).toEqual({ prompt: 5_000, output: 22_500 });
    expect(prices.rates(deployment({ model: 'gpt-realtime' }))).toEqual({ prompt: 32_000, output: 64_000 });
  });

  test('is nothing while no price is known, and that of the model once an answer has named it', () => {
    const { prices, told } = pricesAt();
    expect(prices.rates(deployment())).toEqual({ prompt: 0, output: 0 });
    prices.costOf(deployment(), 'gpt-4.1', tokens({ prompt: 1 }));
    expect(prices.rates(deployment())).toEqual({ prompt: 2_000, output: 8_000 });
    expect([prices.rates(deployment({ kind: 'ptu' })), told]).toEqual([{ prompt: 0, output: 0 }, []]);
  });
});
