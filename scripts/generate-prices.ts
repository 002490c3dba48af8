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
import type { ModelNames, PricedModel, PricePeriod, Rates } from '../src/usage/priceTable.ts';

export const PRICES_FILE = fileURLToPath(new URL('../src/usage/priceTable.ts', import.meta.url));

/** What a name means on Azure comes first. */
const PROVIDERS = ['azure', 'openai'];

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

/** How a model is called: in any one of these ways. All but the patterns take no heed of capitals. */
export interface ModelNames {
  readonly equals?: readonly string[];
  readonly startsWith?: readonly string[];
  readonly contains?: readonly string[];
  readonly patterns?: readonly string[];
}

/** USD per million tokens. What has no rate of its own costs what it is a part of: cached input what input costs, and so on. */
export interface Rates {
  readonly input?: number;
  readonly cached?: number;
  readonly cacheWrite?: number;
  readonly output?: number;
  readonly inputAudio?: number;
  readonly cachedAudio?: number;
  readonly outputAudio?: number;
}

/** Prompts of more than \`above\` tokens cost these rates, for every token. */
export interface LongPromptRates extends Rates {
  readonly above: number;
}

export interface PricePeriod extends Rates {
  /** The day it begins on; absent: from the beginning. */
  readonly from?: string;
  /** By rising length. */
  readonly longPrompts?: readonly LongPromptRates[];
}

export interface PricedModel {
  readonly id: string;
  readonly names: ModelNames;
  /** By rising day. */
  readonly prices: readonly PricePeriod[];
}

/** The first one that a name fits is the one. */
export const PRICE_TABLE: readonly PricedModel[] = [
`;

export function generatePrices(): string {
  const lines = pricedModels().map((model) => `  ${literal(model)},\n`);
  return `${HEAD}${lines.join('')}];\n`;
}

export function pricedModels(): PricedModel[] {
  return PROVIDERS.flatMap((id) => {
    const provider = findProvider({ providerId: id });
    if (provider === undefined) throw new Error(`The package knows no provider '${id}'.`);
    return provider.models.filter(isPricedByToken).map(toPriced);
  });
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
