/** Writes `src/usage/priceTable.ts` from the prices that `@pydantic/genai-prices` keeps. `npm run generate` runs it. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type ConditionalPrice,
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
} from '@pydantic/genai-prices';
import type { ModelNames, PricedModel, PricePeriod, Rates } from '../src/usage/tariff.ts';

export const PRICES_FILE = fileURLToPath(new URL('../src/usage/priceTable.ts', import.meta.url));

/** Ours, and the package's, in the order they are written. */
const RATE_KEYS: readonly (readonly [keyof Rates, string])[] = [
  ['input', 'input_mtok'],
  ['cached', 'cache_read_mtok'],
  ['cacheWrite', 'cache_write_mtok'],
  ['output', 'output_mtok'],
  ['inputAudio', 'input_audio_mtok'],
  ['cachedAudio', 'cache_audio_read_mtok'],
  ['outputAudio', 'output_audio_mtok'],
];

const HEAD = `/** Made by scripts/generate-prices.ts from @pydantic/genai-prices (MIT). Do not edit: \`npm run generate\` writes it anew. */
// biome-ignore-all format: one model, one line

import type { PricedModel } from './tariff.ts';

/** The first one that a name fits is the one. */
export const PRICE_TABLE: readonly PricedModel[] = [
`;

export function generatePrices(): string {
  const lines = pricedModels().map((model) => `  ${literal(model)},\n`);
  return `${HEAD}${lines.join('')}];\n`;
}

/** What a name means on Azure comes first. */
export function pricedModels(): PricedModel[] {
  const openai = modelsOf('openai');
  const exact = new Map(openai.map((model) => [model.id, model]));
  return [...modelsOf('azure').map((model) => unrounded(model, exact.get(model.id))), ...openai];
}

function modelsOf(providerId: string): PricedModel[] {
  const provider = findProvider({ providerId });
  if (provider === undefined) throw new Error(`The package knows no provider '${providerId}'.`);
  return provider.models.filter(isPricedByToken).map(toPriced);
}

/** What differs by more is another price, and not the same one rounded. */
const LARGEST_ROUNDING = 0.02;

/** Azure takes OpenAI's prices; its list has some of them rounded to the cent: 0.28 for 0.275. Then OpenAI's figure is the true one. */
function unrounded(model: PricedModel, exact: PricedModel | undefined): PricedModel {
  const [period, ...later] = model.prices;
  const [other, ...others] = exact?.prices ?? [];
  if (period === undefined || other === undefined || later.length + others.length > 0) return model;
  const rates = RATE_KEYS.flatMap(([name]) => {
    const [ours, theirs] = [period[name], other[name]];
    const isRounded =
      ours !== undefined && theirs !== undefined && Math.abs(ours - theirs) <= LARGEST_ROUNDING * theirs;
    return isRounded ? [[name, theirs] as const] : [];
  });
  return { ...model, prices: [{ ...period, ...Object.fromEntries(rates) }] };
}

/** Pictures have rates of their own that no answer's token counts tell apart. */
function isPricedByToken({ id, prices }: ModelInfo): boolean {
  if (id.includes('image')) return false;
  const all = Array.isArray(prices) ? prices.map((one) => one.prices) : [prices];
  return all.every((price) => price['input_mtok'] !== undefined);
}

function toPriced({ id, match, prices }: ModelInfo): PricedModel {
  const periods = Array.isArray(prices) ? prices.map((one) => toPeriod(one, id)) : [toPeriod({ prices }, id)];
  const starts = periods.map(({ from }) => from ?? '');
  if (starts.some((start, at) => at > 0 && start <= (starts[at - 1] ?? ''))) {
    throw new Error(`The prices of '${id}' do not begin one after the other.`);
  }
  return { id, names: toNames(match, id), prices: periods };
}

function toPeriod({ constraint, prices }: ConditionalPrice, id: string): PricePeriod {
  if (constraint?.type === 'time_of_date') throw new Error(`The prices of '${id}' change with the hour.`);
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  );
  const longPrompts = [...new Set(starts)]
    .sort((left, right) => left - right)
    .map((above) => ({ above, ...ratesAt(prices, above + 1) }));
  return {
    ...(constraint === undefined ? {} : { from: constraint.start_date }),
    ...ratesAt(prices, 0),
    ...(longPrompts.length === 0 ? {} : { longPrompts }),
  };
}

function ratesAt(prices: ModelPrice, promptTokens: number): Rates {
  const rates = RATE_KEYS.flatMap(([name, key]) => {
    const price = prices[key];
    if (price === undefined) return [];
    if (typeof price === 'number') return [[name, price] as const];
    const tier = price.tiers.findLast(({ start }) => promptTokens > start);
    return [[name, tier?.price ?? price.base] as const];
  });
  return Object.fromEntries(rates);
}

function toNames(match: MatchLogic, id: string): ModelNames {
  const ways = 'or' in match ? match.or : [match];
  const named = (pick: (way: MatchLogic) => string | undefined) => ways.map(pick).filter((name) => name !== undefined);
  const found: Required<ModelNames> = {
    equals: named((way) => ('equals' in way ? way.equals : undefined)),
    startsWith: named((way) => ('starts_with' in way ? way.starts_with : undefined)),
    contains: named((way) => ('contains' in way ? way.contains : undefined)),
    patterns: named((way) => ('regex' in way ? way.regex : undefined)),
  };
  if (Object.values(found).flat().length !== ways.length) {
    throw new Error(`The names of '${id}' are told in a way that is new: ${JSON.stringify(match)}.`);
  }
  return Object.fromEntries(Object.entries(found).filter(([, names]) => names.length > 0));
}

/** As one would write it by hand. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, field]) => `${name}: ${literal(field)}`);
  return `{ ${fields.join(', ')} }`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(PRICES_FILE, generatePrices());
