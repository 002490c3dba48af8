/** Made by scripts/generate-prices.ts from @pydantic/genai-prices (MIT). Do not edit: `npm run generate` writes it anew. */
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

/** Prompts of more than `above` tokens cost these rates, for every token. */
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
  { id: 'ada', names: { equals: ['ada', 'text-embedding-ada', 'text-embedding-ada-002', 'text-embedding-ada-002-v2'] }, prices: [{ input: 0.1 }] },
  { id: 'babbage', names: { equals: ['babbage', 'babbage-002'] }, prices: [{ input: 0.4 }] },
  { id: 'curie', names: { equals: ['curie', 'text-curie', 'text-curie-001'] }, prices: [{ input: 2 }] },
  { id: 'davinci', names: { equals: ['davinci', 'davinci-002', 'text-davinci', 'text-davinci-002'] }, prices: [{ input: 2 }] },
  { id: 'o1', names: { equals: ['o1', 'o1-2024-12-17'] }, prices: [{ input: 15, cached: 7.5, output: 60 }] },
  { id: 'o1-mini', names: { equals: ['o1-mini', 'o1-mini-2024-09-12'] }, prices: [{ input: 1.1, cached: 0.55, output: 4.4 }] },
  { id: 'o1-preview', names: { equals: ['o1-preview', 'o1-preview-2024-09-12'] }, prices: [{ input: 15, cached: 7.5, output: 60 }] },
  { id: 'o3-2025-04-16', names: { equals: ['o3', 'o3-2025-04-16'] }, prices: [{ input: 2, cached: 0.5, output: 8 }] },
  { id: 'o3-mini', names: { equals: ['o3-mini', 'o3-mini-2025-01-31'] }, prices: [{ input: 1.1, cached: 0.55, output: 4.4 }] },
  { id: 'o4-mini', names: { contains: ['o4-mini', 'o4-mini-2025-04-16'] }, prices: [{ input: 1.1, cached: 0.28, output: 4.4 }] },
  { id: 'phi-3-medium-128k-instruct', names: { equals: ['phi-3-medium-128k-instruct'] }, prices: [{ input: 1, output: 1 }] },
  { id: 'phi-3-mini-128k-instruct', names: { equals: ['phi-3-mini-128k-instruct'] }, prices: [{ input: 0.1, output: 0.1 }] },
  { id: 'phi-3.5-mini-128k-instruct', names: { equals: ['phi-3.5-mini-128k-instruct'] }, prices: [{ input: 0.1, output: 0.1 }] },
  { id: 'phi-4', names: { equals: ['phi-4'] }, prices: [{ input: 0.07, output: 0.14 }] },
  { id: 'phi-4-mini-instruct', names: { equals: ['phi-4-mini-instruct'] }, prices: [{ input: 0.08, output: 0.35 }] },
  { id: 'phi-4-multimodal-instruct', names: { equals: ['phi-4-multimodal-instruct'] }, prices: [{ input: 0.05, output: 0.1 }] },
  { id: 'phi-4-reasoning-plus', names: { equals: ['phi-4-reasoning-plus'] }, prices: [{ input: 0.07, output: 0.35 }] },
  { id: 'text-embedding-3-large', names: { equals: ['text-embedding-3-large'] }, prices: [{ input: 0.13 }] },
  { id: 'text-embedding-3-small', names: { equals: ['text-embedding-3-small'] }, prices: [{ input: 0.02 }] },
  { id: 'wizardlm-2-8x22b', names: { equals: ['wizardlm-2-8x22b'] }, prices: [{ input: 0.48, output: 0.48 }] },
  { id: 'ada', names: { equals: ['ada', 'text-ada-001'] }, prices: [{ input: 0.4, output: 0.4 }] },
  { id: 'babbage', names: { equals: ['babbage'] }, prices: [{ input: 0.5, output: 0.5 }] },
  { id: 'chatgpt-4o-latest', names: { equals: ['chatgpt-4o-latest'] }, prices: [{ input: 5, output: 15 }] },
  { id: 'codex-mini', names: { equals: ['codex-mini', 'codex-mini-latest'] }, prices: [{ input: 1.5, cached: 0.375, output: 6 }] },
  { id: 'computer-use', names: { startsWith: ['computer-use'] }, prices: [{ input: 3, output: 12 }] },
  { id: 'curie', names: { equals: ['curie', 'text-curie-001'] }, prices: [{ input: 2, output: 2 }] },
  { id: 'davinci', names: { equals: ['davinci', 'text-davinci-001'] }, prices: [{ input: 20, output: 20 }] },
  { id: 'ft:gpt-3.5-turbo-', names: { startsWith: ['ft:gpt-3.5-turbo'] }, prices: [{ input: 3, output: 6 }] },
  { id: 'ft:gpt-4o', names: { startsWith: ['ft:gpt-4o-2024-'] }, prices: [{ input: 3.75, output: 15 }] },
  { id: 'ft:gpt-4o-mini', names: { startsWith: ['ft:gpt-4o-mini-2024-'] }, prices: [{ input: 0.3, output: 1.2 }] },
  { id: 'gpt-3.5-0301', names: { equals: ['gpt-3.5-turbo-0301', 'gpt-3.5-0301'] }, prices: [{ input: 1.5, output: 2 }] },
  { id: 'gpt-3.5-turbo', names: { equals: ['gpt-3.5-turbo', 'gpt-35-turbo', 'gpt-3.5-turbo-0125'] }, prices: [{ input: 0.5, output: 1.5 }] },
  { id: 'gpt-3.5-turbo-0613', names: { equals: ['gpt-3.5-turbo-0613'] }, prices: [{ input: 1.5, output: 2 }] },
  { id: 'gpt-3.5-turbo-1106', names: { equals: ['gpt-3.5-turbo-1106'] }, prices: [{ input: 1, output: 2 }] },
  { id: 'gpt-3.5-turbo-16k', names: { equals: ['gpt-3.5-turbo-16k', 'gpt-3.5-turbo-16k-0613', 'gpt-35-turbo-16k-0613', 'gpt-35-turbo-16k'] }, prices: [{ input: 3, output: 4 }] },
  { id: 'gpt-3.5-turbo-instruct', names: { equals: ['gpt-3.5-turbo-instruct-0914'], startsWith: ['gpt-3.5-turbo-instruct'] }, prices: [{ input: 1.5, output: 2 }] },
  { id: 'gpt-4', names: { equals: ['gpt-4', 'gpt-4-0314', 'gpt-4-0613'], startsWith: ['ft:gpt-4-0'] }, prices: [{ input: 30, output: 60 }] },
  { id: 'gpt-4-32k', names: { equals: ['gpt-4-32k', 'gpt-4-32k-0314', 'gpt-4-32k-0613'] }, prices: [{ input: 60, output: 120 }] },
  { id: 'gpt-4-turbo', names: { equals: ['gpt-4-turbo', 'gpt-4-turbo-2024-04-09', 'gpt-4-turbo-0125-preview', 'gpt-4-0125-preview', 'gpt-4-1106-preview', 'gpt-4-turbo-preview'] }, prices: [{ input: 10, output: 30 }] },
  { id: 'gpt-4-vision-preview', names: { equals: ['gpt-4-vision-preview', 'gpt-4-1106-vision-preview'] }, prices: [{ input: 10, output: 30 }] },
  { id: 'gpt-4.1', names: { equals: ['gpt-4.1', 'gpt-4.1-2025-04-14'] }, prices: [{ input: 2, cached: 0.5, output: 8 }] },
  { id: 'gpt-4.1-mini', names: { equals: ['gpt-4.1-mini', 'gpt-4.1-mini-2025-04-14'] }, prices: [{ input: 0.4, cached: 0.1, output: 1.6 }] },
  { id: 'gpt-4.1-nano', names: { equals: ['gpt-4.1-nano', 'gpt-4.1-nano-2025-04-14'] }, prices: [{ input: 0.1, cached: 0.025, output: 0.4 }] },
  { id: 'gpt-4.5-preview', names: { startsWith: ['gpt-4.5-preview'] }, prices: [{ input: 75, cached: 37.5, output: 150 }] },
  { id: 'gpt-4o', names: { equals: ['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-2024-11-20'] }, prices: [{ input: 2.5, cached: 1.25, output: 10 }] },
  { id: 'gpt-4o-2024-05-13', names: { equals: ['gpt-4o-2024-05-13'] }, prices: [{ input: 5, output: 15 }] },
  { id: 'gpt-4o-audio-preview', names: { startsWith: ['gpt-4o-audio-preview'] }, prices: [{ input: 2.5, output: 10 }] },
  { id: 'gpt-4o-mini', names: { equals: ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18', 'gpt-4o-mini-search-preview', 'gpt-4o-mini-search-preview-2025-03-11'] }, prices: [{ input: 0.15, cached: 0.075, output: 0.6 }] },
  { id: 'gpt-4o-mini-2024-07-18.ft-', names: { startsWith: ['gpt-4o-mini-2024-07-18.ft-'] }, prices: [{ input: 0.3, output: 1.2 }] },
  { id: 'gpt-4o-mini-audio-preview', names: { startsWith: ['gpt-4o-mini-audio'] }, prices: [{ input: 0.15, output: 0.6 }] },
  { id: 'gpt-4o-mini-realtime-preview', names: { startsWith: ['gpt-4o-mini-realtime'] }, prices: [{ input: 0.6, cached: 0.3, output: 2.4, inputAudio: 10, cachedAudio: 0.3, outputAudio: 20 }] },
  { id: 'gpt-4o-mini-transcribe', names: { equals: ['gpt-4o-mini-transcribe'] }, prices: [{ input: 1.25, output: 5, inputAudio: 3 }] },
  { id: 'gpt-4o-mini-tts', names: { equals: ['gpt-4o-mini-tts'] }, prices: [{ input: 0.6, output: 12 }] },
  { id: 'gpt-4o-realtime-preview', names: { startsWith: ['gpt-4o-realtime'] }, prices: [{ input: 5, cached: 2.5, output: 20, inputAudio: 40, cachedAudio: 2.5, outputAudio: 80 }] },
  { id: 'gpt-4o-search-preview', names: { equals: ['gpt-4o-search-preview', 'gpt-4o-search-preview-2025-03-11'] }, prices: [{ input: 2.5, output: 10 }] },
  { id: 'gpt-4o-transcribe', names: { equals: ['gpt-4o-transcribe', 'gpt-4o-transcribe-diarize'] }, prices: [{ input: 2.5, output: 10, inputAudio: 6 }] },
  { id: 'gpt-4o:extended', names: { equals: ['gpt-4o:extended'] }, prices: [{ input: 6, output: 18 }] },
  { id: 'gpt-5', names: { equals: ['gpt-5', 'gpt-5-2025-08-07', 'gpt-5-chat', 'gpt-5-chat-latest', 'gpt-5-codex'] }, prices: [{ input: 1.25, cached: 0.125, output: 10 }] },
  { id: 'gpt-5-mini', names: { equals: ['gpt-5-mini', 'gpt-5-mini-2025-08-07'] }, prices: [{ input: 0.25, cached: 0.025, output: 2 }] },
  { id: 'gpt-5-nano', names: { equals: ['gpt-5-nano'], startsWith: ['gpt-5-nano-'] }, prices: [{ input: 0.05, cached: 0.005, output: 0.4 }] },
  { id: 'gpt-5-pro', names: { equals: ['gpt-5-pro', 'gpt-5-pro-2025-10-06'] }, prices: [{ input: 15, output: 120 }] },
  { id: 'gpt-5.1', names: { equals: ['gpt-5.1', 'gpt-5.1-2025-11-13', 'gpt-5.1-codex', 'gpt-5.1-codex-max', 'gpt-5.1-chat', 'gpt-5.1-chat-latest', 'gpt-5-1', 'gpt-5-1-2025-11-13', 'gpt-5-1-codex', 'gpt-5-1-codex-max', 'gpt-5-1-chat', 'gpt-5-1-chat-latest'] }, prices: [{ input: 1.25, cached: 0.125, output: 10 }] },
  { id: 'gpt-5.1-codex-mini', names: { equals: ['gpt-5.1-codex-mini', 'gpt-5.1-mini', 'gpt-5-1-codex-mini', 'gpt-5-1-mini'] }, prices: [{ input: 0.25, cached: 0.025, output: 2 }] },
  { id: 'gpt-5.2', names: { equals: ['gpt-5.2', 'gpt-5.2-2025-12-11', 'gpt-5-2', 'gpt-5-2-2025-12-11', 'gpt-5.2-chat', 'gpt-5.2-chat-latest', 'gpt-5-2-chat', 'gpt-5-2-chat-latest', 'gpt-5.2-codex', 'gpt-5-2-codex'] }, prices: [{ input: 1.75, cached: 0.175, output: 14 }] },
  { id: 'gpt-5.2-pro', names: { equals: ['gpt-5.2-pro', 'gpt-5.2-pro-2025-12-11', 'gpt-5-2-pro-2025-12-11'] }, prices: [{ input: 21, output: 168 }] },
  { id: 'gpt-5.3', names: { equals: ['gpt-5.3', 'gpt-5-3', 'gpt-5.3-chat', 'gpt-5.3-chat-latest', 'gpt-5-3-chat', 'gpt-5-3-chat-latest'] }, prices: [{ input: 1.75, cached: 0.175, output: 14 }] },
  { id: 'gpt-5.3-codex', names: { equals: ['gpt-5.3-codex', 'gpt-5-3-codex'] }, prices: [{ input: 1.75, cached: 0.175, output: 14 }] },
  { id: 'gpt-5.4', names: { equals: ['gpt-5.4', 'gpt-5.4-2026-03-05', 'gpt-5-4', 'gpt-5-4-2026-03-05'] }, prices: [{ input: 2.5, cached: 0.25, output: 15, longPrompts: [{ above: 271999, input: 5, cached: 0.5, output: 22.5 }] }] },
  { id: 'gpt-5.4-mini', names: { equals: ['gpt-5.4-mini', 'gpt-5.4-mini-2026-03-17', 'gpt-5-4-mini', 'gpt-5-4-mini-2026-03-17'] }, prices: [{ input: 0.75, cached: 0.075, output: 4.5 }] },
  { id: 'gpt-5.4-nano', names: { equals: ['gpt-5.4-nano', 'gpt-5.4-nano-2026-03-17', 'gpt-5-4-nano', 'gpt-5-4-nano-2026-03-17'] }, prices: [{ input: 0.2, cached: 0.02, output: 1.25 }] },
  { id: 'gpt-5.4-pro', names: { equals: ['gpt-5.4-pro', 'gpt-5.4-pro-2026-03-05', 'gpt-5-4-pro', 'gpt-5-4-pro-2026-03-05'] }, prices: [{ input: 30, output: 180, longPrompts: [{ above: 271999, input: 60, output: 270 }] }] },
  { id: 'gpt-5.5', names: { equals: ['gpt-5.5', 'gpt-5.5-2026-04-23', 'gpt-5.5-2026-04-24', 'gpt-5-5', 'gpt-5-5-2026-04-23', 'gpt-5-5-2026-04-24', 'gpt-5.5-chat', 'gpt-5.5-chat-latest', 'gpt-5-5-chat', 'gpt-5-5-chat-latest', 'gpt-5.5-codex', 'gpt-5-5-codex'] }, prices: [{ input: 5, cached: 0.5, output: 30, longPrompts: [{ above: 271999, input: 10, cached: 1, output: 45 }] }] },
  { id: 'gpt-5.5-pro', names: { equals: ['gpt-5.5-pro', 'gpt-5.5-pro-2026-04-23', 'gpt-5-5-pro', 'gpt-5-5-pro-2026-04-23'] }, prices: [{ input: 30, output: 180, longPrompts: [{ above: 271999, input: 60, output: 270 }] }] },
  { id: 'gpt-5.6-luna', names: { equals: ['gpt-5.6-luna', 'gpt-5-6-luna'], patterns: ['^gpt-5\\.6-luna-\\d{4}-\\d{2}-\\d{2}$', '^gpt-5-6-luna-\\d{4}-\\d{2}-\\d{2}$'] }, prices: [{ input: 1, cached: 0.1, cacheWrite: 1.25, output: 6, longPrompts: [{ above: 271999, input: 2, cached: 0.2, cacheWrite: 2.5, output: 9 }] }, { from: '2026-07-30', input: 0.2, cached: 0.02, cacheWrite: 0.25, output: 1.2, longPrompts: [{ above: 271999, input: 0.4, cached: 0.04, cacheWrite: 0.5, output: 1.8 }] }] },
  { id: 'gpt-5.6-sol', names: { equals: ['gpt-5.6-sol', 'gpt-5-6-sol', 'gpt-5.6', 'gpt-5-6'], patterns: ['^gpt-5\\.6-sol-\\d{4}-\\d{2}-\\d{2}$', '^gpt-5-6-sol-\\d{4}-\\d{2}-\\d{2}$'] }, prices: [{ input: 5, cached: 0.5, cacheWrite: 6.25, output: 30, longPrompts: [{ above: 271999, input: 10, cached: 1, cacheWrite: 12.5, output: 45 }] }, { from: '2026-08-21', input: 4, cached: 0.4, cacheWrite: 5, output: 20, longPrompts: [{ above: 271999, input: 8, cached: 0.8, cacheWrite: 10, output: 30 }] }] },
  { id: 'gpt-5.6-terra', names: { equals: ['gpt-5.6-terra', 'gpt-5-6-terra'], patterns: ['^gpt-5\\.6-terra-\\d{4}-\\d{2}-\\d{2}$', '^gpt-5-6-terra-\\d{4}-\\d{2}-\\d{2}$'] }, prices: [{ input: 2.5, cached: 0.25, cacheWrite: 3.125, output: 15, longPrompts: [{ above: 271999, input: 5, cached: 0.5, cacheWrite: 6.25, output: 22.5 }] }, { from: '2026-07-30', input: 2, cached: 0.2, cacheWrite: 2.5, output: 12, longPrompts: [{ above: 271999, input: 4, cached: 0.4, cacheWrite: 5, output: 18 }] }] },
  { id: 'gpt-6-astra', names: { equals: ['gpt-6-astra'], patterns: ['^gpt-6-astra-\\d{4}-\\d{2}-\\d{2}$'] }, prices: [{ input: 10, cached: 1, cacheWrite: 12.5, output: 50, longPrompts: [{ above: 271999, input: 20, cached: 2, cacheWrite: 25, output: 75 }] }] },
  { id: 'gpt-6-luna', names: { equals: ['gpt-6-luna'], patterns: ['^gpt-6-luna-\\d{4}-\\d{2}-\\d{2}$'] }, prices: [{ input: 0.1, cached: 0.01, cacheWrite: 0.125, output: 0.5, longPrompts: [{ above: 272000, input: 0.2, cached: 0.02, cacheWrite: 0.25, output: 0.75 }] }] },
  { id: 'gpt-6-sol', names: { equals: ['gpt-6-sol'], patterns: ['^gpt-6-sol-\\d{4}-\\d{2}-\\d{2}$'] }, prices: [{ input: 2, cached: 0.2, cacheWrite: 2.5, output: 10, longPrompts: [{ above: 272000, input: 4, cached: 0.4, cacheWrite: 5, output: 15 }] }] },
  { id: 'gpt-audio', names: { equals: ['gpt-audio', 'gpt-audio-2025-08-28', 'gpt-audio-1.5'] }, prices: [{ input: 2.5, output: 10, inputAudio: 32, outputAudio: 64 }] },
  { id: 'gpt-audio-mini', names: { equals: ['gpt-audio-mini', 'gpt-audio-mini-2025-10-06', 'gpt-audio-mini-2025-12-15'] }, prices: [{ input: 0.6, output: 2.4, inputAudio: 10, outputAudio: 20 }] },
  { id: 'gpt-chat-latest', names: { equals: ['gpt-chat-latest'] }, prices: [{ input: 5, cached: 0.5, output: 30 }] },
  { id: 'gpt-oss-120b', names: { equals: ['gpt-oss-120b'] }, prices: [{ input: 0.039, output: 0.18 }] },
  { id: 'gpt-oss-20b', names: { equals: ['gpt-oss-20b'] }, prices: [{ input: 0.029, output: 0.14 }] },
  { id: 'gpt-oss-safeguard-20b', names: { equals: ['gpt-oss-safeguard-20b'] }, prices: [{ input: 0.075, cached: 0.037, output: 0.3 }] },
  { id: 'gpt-realtime', names: { equals: ['gpt-realtime', 'gpt-realtime-2025-08-28', 'gpt-realtime-1.5'] }, prices: [{ input: 4, cached: 0.4, output: 16, inputAudio: 32, cachedAudio: 0.4, outputAudio: 64 }] },
  { id: 'gpt-realtime-2', names: { equals: ['gpt-realtime-2', 'gpt-realtime-2.1'] }, prices: [{ input: 4, cached: 0.4, output: 24, inputAudio: 32, cachedAudio: 0.4, outputAudio: 64 }] },
  { id: 'gpt-realtime-mini', names: { equals: ['gpt-realtime-mini', 'gpt-realtime-2.1-mini', 'gpt-realtime-mini-2025-12-15', 'gpt-realtime-mini-2025-10-06'] }, prices: [{ input: 0.6, cached: 0.06, output: 2.4, inputAudio: 10, cachedAudio: 0.3, outputAudio: 20 }] },
  { id: 'o1', names: { equals: ['o1', 'o1-2024-12-17'] }, prices: [{ input: 15, cached: 7.5, output: 60 }] },
  { id: 'o1-mini', names: { equals: ['o1-mini', 'o1-mini-2024-09-12'] }, prices: [{ input: 1.1, cached: 0.55, output: 4.4 }] },
  { id: 'o1-preview', names: { equals: ['o1-preview', 'o1-preview-2024-09-12'] }, prices: [{ input: 15, cached: 7.5, output: 60 }] },
  { id: 'o1-pro', names: { equals: ['o1-pro', 'o1-pro-2025-03-19'] }, prices: [{ input: 150, output: 600 }] },
  { id: 'o3', names: { equals: ['o3', 'o3-2025-04-16'] }, prices: [{ input: 10, cached: 0.5, output: 40 }, { from: '2025-06-10', input: 2, cached: 0.5, output: 8 }] },
  { id: 'o3-deep-research', names: { equals: ['o3-deep-research', 'o3-deep-research-2025-06-26'] }, prices: [{ input: 10, cached: 2.5, output: 40 }] },
  { id: 'o3-mini', names: { equals: ['o3-mini', 'o3-mini-2025-01-31', 'o3-mini-high'] }, prices: [{ input: 1.1, cached: 0.55, output: 4.4 }] },
  { id: 'o3-pro', names: { equals: ['o3-pro', 'o3-pro-2025-06-10'] }, prices: [{ input: 20, output: 80 }] },
  { id: 'o4-mini', names: { equals: ['o4-mini-2025-04-16', 'o4-mini-high', 'o4-mini'] }, prices: [{ input: 1.1, cached: 0.275, output: 4.4 }] },
  { id: 'o4-mini-deep-research', names: { equals: ['o4-mini-deep-research', 'o4-mini-deep-research-2025-06-26'] }, prices: [{ input: 2, cached: 0.5, output: 8 }] },
  { id: 'text-davinci-002', names: { equals: ['text-davinci-002'] }, prices: [{ input: 20, output: 20 }] },
  { id: 'text-davinci-003', names: { equals: ['text-davinci-003'] }, prices: [{ input: 20, output: 20 }] },
  { id: 'text-embedding-3-large', names: { equals: ['text-embedding-3-large'] }, prices: [{ input: 0.13 }] },
  { id: 'text-embedding-3-small', names: { equals: ['text-embedding-3-small'] }, prices: [{ input: 0.02 }] },
  { id: 'text-embedding-ada-002', names: { equals: ['text-embedding-ada', 'text-embedding-ada-002', 'text-embedding-ada-002-v2'] }, prices: [{ input: 0.1 }] },
];
