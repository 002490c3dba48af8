/**
 * What each model can do, with the page that says so. A family is one entry; versions are told apart only where they differ.
 * Whatever the sources leave open is `null` or in `mayServe`, never a guess: a wrong "cannot" would refuse a good request.
 */
import type { Capabilities, Effort, Use } from './capabilities.ts';

export interface CatalogueEntry extends Capabilities {
  /** In small letters, without version; the longest that fits is the one. */
  readonly names: readonly string[];
}

/** learn.microsoft.com, as of the date that each page bears. */
const MODELS_PAGE = 'Microsoft Learn, "Azure OpenAI in Microsoft Foundry Models", 2026-06-11';
const REASONING_PAGE = 'Microsoft Learn, "Azure OpenAI reasoning models" (API & feature support), 2026-02-24';
const STRUCTURED_PAGE = 'Microsoft Learn, "Structured outputs" (Supported models), 2025-12-06';
const JSON_PAGE = 'Microsoft Learn, "Azure OpenAI legacy models" and "JSON mode"';
const SOLD_PAGE = 'Microsoft Learn, "Foundry Models sold directly by Azure" (GPT-5.6, versions 2026-07-09)';
const PROFILES = 'models.dev, as in @langchain/openai 1.6.0 (not yet in a page of Microsoft that was read)';

/** What chat models of the present may do beside what they are said to: nothing. Old `completions` is not among it. */
const TALK: readonly Use[] = ['chat', 'responses'];
const NONE: readonly Use[] = [];

const TEXT = {
  mayServe: NONE,
  streaming: true,
  tools: true,
  vision: true,
  structuredOutput: true,
  jsonMode: true,
  efforts: null,
  dimensions: null,
} as const;

/** Before gpt-4o; of which other operations they still serve the pages say different things. */
const EARLY = {
  ...TEXT,
  serves: ['chat'],
  mayServe: ['responses', 'completions'],
  vision: false,
  structuredOutput: false,
} as const satisfies Partial<Capabilities>;

const GPT_41 = {
  ...TEXT,
  serves: TALK,
  contextTokens: 1_047_576,
  maxOutputTokens: 32_768,
  source: MODELS_PAGE,
} as const;
const GPT_4O = { ...TEXT, serves: TALK, contextTokens: 128_000, maxOutputTokens: 16_384, source: MODELS_PAGE } as const;

/** Of these the reasoning page says that `low`, `medium` and `high` hold for all, `minimal` for gpt-5, `none` since gpt-5.1. */
const USUAL: readonly Effort[] = ['low', 'medium', 'high'];
const SINCE_5: readonly Effort[] = ['minimal', ...USUAL];
const SINCE_51: readonly Effort[] = ['none', ...USUAL];
const SINCE_52: readonly Effort[] = ['none', ...USUAL, 'xhigh'];

const O_SERIES = {
  ...TEXT,
  serves: TALK,
  contextTokens: 200_000,
  maxOutputTokens: 100_000,
  jsonMode: null,
  efforts: USUAL,
  source: `${MODELS_PAGE}; ${REASONING_PAGE}`,
} as const;
const GPT_5 = { ...O_SERIES, contextTokens: 400_000, maxOutputTokens: 128_000, efforts: SINCE_5 } as const;
const WIDE_5 = { ...GPT_5, contextTokens: 1_050_000, efforts: SINCE_52 } as const;
/** "Responses API only." */
const CODEX = { ...GPT_5, serves: ['responses'], efforts: USUAL } as const satisfies Partial<Capabilities>;
/** The table has no mark under "Chat Completions API", and no word that rules it out. */
const PRO = { ...CODEX, mayServe: ['chat'], streaming: null } as const satisfies Partial<Capabilities>;
/** They reason, but which efforts they take no page says: none is sent to them. */
const CHAT_5 = { ...GPT_5, contextTokens: 128_000, maxOutputTokens: 16_384, vision: null, efforts: [] } as const;

const NO_TEXT = {
  contextTokens: null,
  maxOutputTokens: null,
  mayServe: NONE,
  streaming: null,
  tools: false,
  vision: false,
  structuredOutput: false,
  jsonMode: false,
  efforts: null,
  dimensions: null,
  source: MODELS_PAGE,
} as const;
const EMBEDDING = { ...NO_TEXT, serves: ['embeddings'], contextTokens: 8_192, streaming: false } as const;
const IMAGE = { ...NO_TEXT, serves: ['images'] } as const;
const TRANSCRIPTION = { ...NO_TEXT, serves: ['transcription'], mayServe: ['translation'] } as const;
const SPEECH = { ...NO_TEXT, serves: ['speech'] } as const;
const REALTIME = {
  ...NO_TEXT,
  serves: ['realtime'],
  mayServe: ['chat', 'responses', 'transcription', 'speech'],
} as const;
/** Hear and speak within a chat. Structured output is ruled out for the first of them by name. */
const AUDIO_CHAT = {
  ...TEXT,
  serves: ['chat'],
  mayServe: ['responses', 'transcription', 'speech'],
  contextTokens: 128_000,
  maxOutputTokens: 16_384,
  vision: false,
  structuredOutput: null,
  jsonMode: null,
  source: MODELS_PAGE,
} as const;

type Facts = Omit<CatalogueEntry, 'names' | 'model'>;

/** The first name is the model's own. */
function entry(names: readonly [string, ...string[]], facts: Facts): CatalogueEntry {
  return { ...facts, names, model: names[0] };
}

const EARLIER: readonly CatalogueEntry[] = [
  entry(['gpt-4.1'], GPT_41),
  entry(['gpt-4.1-mini'], GPT_41),
  entry(['gpt-4.1-nano'], GPT_41),
  entry(['gpt-4o'], { ...GPT_4O, source: `${MODELS_PAGE}; ${STRUCTURED_PAGE}` }),
  entry(['gpt-4o-2024-05-13'], { ...GPT_4O, maxOutputTokens: 4_096, structuredOutput: false }),
  entry(['gpt-4o-mini'], { ...GPT_4O, source: `${MODELS_PAGE}; ${STRUCTURED_PAGE}` }),
  entry(['gpt-4o-audio-preview', 'gpt-4o-mini-audio-preview'], {
    ...AUDIO_CHAT,
    structuredOutput: false,
    source: STRUCTURED_PAGE,
  }),
  entry(['gpt-audio', 'gpt-audio-mini', 'gpt-audio-1.5'], AUDIO_CHAT),
  entry(['gpt-4-turbo', 'gpt-4-1106-preview', 'gpt-4-0125-preview', 'gpt-4-vision-preview', 'gpt-4-turbo-2024-04-09'], {
    ...EARLY,
    contextTokens: 128_000,
    maxOutputTokens: 4_096,
    vision: null,
    source: `${MODELS_PAGE}; ${JSON_PAGE}`,
  }),
  entry(['gpt-4'], { ...EARLY, contextTokens: 8_192, maxOutputTokens: 8_192, jsonMode: null, source: JSON_PAGE }),
  entry(['gpt-4-32k'], { ...EARLY, contextTokens: 32_768, maxOutputTokens: 32_768, jsonMode: null, source: JSON_PAGE }),
  entry(['gpt-35-turbo', 'gpt-3.5-turbo', 'gpt-35-turbo-16k', 'gpt-3.5-turbo-16k'], {
    ...EARLY,
    contextTokens: 16_385,
    maxOutputTokens: 4_096,
    jsonMode: null,
    source: JSON_PAGE,
  }),
  entry(['gpt-35-turbo-instruct', 'gpt-3.5-turbo-instruct'], {
    ...EARLY,
    serves: ['completions'],
    mayServe: NONE,
    tools: false,
    jsonMode: false,
    contextTokens: 4_097,
    maxOutputTokens: 4_097,
    source: JSON_PAGE,
  }),
];

const REASONING: readonly CatalogueEntry[] = [
  entry(['o1'], { ...O_SERIES, mayServe: NONE }),
  entry(['o1-mini'], {
    ...O_SERIES,
    serves: ['chat'],
    mayServe: ['responses'],
    contextTokens: 128_000,
    maxOutputTokens: 65_536,
    vision: false,
    tools: false,
    structuredOutput: false,
    efforts: [],
  }),
  entry(['o1-preview'], {
    ...O_SERIES,
    serves: ['chat'],
    mayServe: ['responses'],
    contextTokens: 128_000,
    maxOutputTokens: 32_768,
    vision: false,
    tools: false,
    structuredOutput: false,
    efforts: [],
  }),
  entry(['o3'], O_SERIES),
  entry(['o3-mini'], { ...O_SERIES, vision: false }),
  entry(['o4-mini'], O_SERIES),
  entry(['o3-pro', 'o1-pro'], { ...O_SERIES, serves: ['responses'], mayServe: ['chat'], streaming: null }),
  entry(['codex-mini'], { ...O_SERIES, serves: ['responses'], mayServe: ['chat'] }),
  entry(['gpt-5'], GPT_5),
  entry(['gpt-5-mini'], GPT_5),
  entry(['gpt-5-nano'], GPT_5),
  entry(['gpt-5-chat'], { ...GPT_4O, structuredOutput: null, tools: null, jsonMode: null }),
  entry(['gpt-5-codex'], CODEX),
  entry(['gpt-5-pro'], { ...PRO, efforts: ['high'] }),
  entry(['gpt-5.1', 'gpt-5-1'], { ...GPT_5, efforts: SINCE_51 }),
  entry(['gpt-5.1-chat', 'gpt-5-1-chat'], CHAT_5),
  entry(['gpt-5.1-codex', 'gpt-5-1-codex', 'gpt-5.1-codex-mini', 'gpt-5-1-codex-mini'], {
    ...CODEX,
    efforts: SINCE_51,
  }),
  entry(['gpt-5.1-codex-max', 'gpt-5-1-codex-max'], { ...CODEX, efforts: [...USUAL, 'xhigh'] }),
  entry(['gpt-5.2', 'gpt-5-2'], { ...GPT_5, efforts: SINCE_52 }),
  entry(['gpt-5.2-chat', 'gpt-5-2-chat', 'gpt-5.3-chat', 'gpt-5-3-chat', 'gpt-chat'], CHAT_5),
  entry(['gpt-5.2-codex', 'gpt-5-2-codex', 'gpt-5.3-codex', 'gpt-5-3-codex'], { ...CODEX, mayServe: ['chat'] }),
  entry(['gpt-5.2-pro', 'gpt-5-2-pro'], { ...PRO, efforts: [], source: PROFILES }),
  entry(['gpt-5.4', 'gpt-5-4', 'gpt-5.5', 'gpt-5-5'], WIDE_5),
  entry(['gpt-5.4-mini', 'gpt-5-4-mini', 'gpt-5.4-nano', 'gpt-5-4-nano'], { ...GPT_5, efforts: SINCE_52 }),
  entry(['gpt-5.4-pro', 'gpt-5-4-pro'], { ...PRO, contextTokens: 1_050_000, structuredOutput: null, efforts: [] }),
  entry(['gpt-5.5-pro', 'gpt-5-5-pro'], {
    ...PRO,
    contextTokens: 1_050_000,
    structuredOutput: null,
    efforts: [],
    source: PROFILES,
  }),
  entry(
    [
      'gpt-5.6',
      'gpt-5.6-sol',
      'gpt-5.6-terra',
      'gpt-5.6-luna',
      'gpt-5-6',
      'gpt-5-6-sol',
      'gpt-5-6-terra',
      'gpt-5-6-luna',
    ],
    { ...WIDE_5, source: SOLD_PAGE },
  ),
  entry(['gpt-6-astra'], { ...WIDE_5, mayServe: NONE, source: PROFILES }),
  entry(['gpt-6-sol', 'gpt-6-luna'], {
    ...WIDE_5,
    contextTokens: null,
    maxOutputTokens: null,
    structuredOutput: null,
    source: PROFILES,
  }),
  entry(['gpt-oss-120b', 'gpt-oss-20b'], {
    ...TEXT,
    serves: ['chat'],
    mayServe: ['responses', 'completions'],
    vision: false,
    jsonMode: null,
    contextTokens: 131_072,
    maxOutputTokens: 131_072,
    efforts: USUAL,
    source: MODELS_PAGE,
  }),
];

const OTHERS: readonly CatalogueEntry[] = [
  entry(['text-embedding-3-large'], { ...EMBEDDING, dimensions: { most: 3_072, fewer: true } }),
  entry(['text-embedding-3-small'], { ...EMBEDDING, dimensions: { most: 1_536, fewer: true } }),
  entry(['text-embedding-ada-002', 'text-embedding-ada-002-v2', 'text-embedding-ada-002-2'], {
    ...EMBEDDING,
    dimensions: { most: 1_536, fewer: false },
  }),
  entry(['gpt-image-1', 'gpt-image-1-mini', 'gpt-image-1.5', 'gpt-image-2'], IMAGE),
  entry(['dall-e-3', 'dalle3', 'dall-e-2', 'dalle2'], { ...IMAGE, source: JSON_PAGE }),
  entry(['whisper', 'whisper-1'], { ...TRANSCRIPTION, serves: ['transcription', 'translation'], mayServe: NONE }),
  entry(['gpt-4o-transcribe', 'gpt-4o-mini-transcribe', 'gpt-4o-transcribe-diarize'], TRANSCRIPTION),
  entry(['tts', 'tts-1', 'tts-hd', 'tts-1-hd', 'gpt-4o-mini-tts'], SPEECH),
  entry(
    [
      'gpt-realtime',
      'gpt-realtime-mini',
      'gpt-realtime-1.5',
      'gpt-realtime-2',
      'gpt-realtime-2.1',
      'gpt-realtime-2.1-mini',
      'gpt-4o-realtime-preview',
      'gpt-4o-mini-realtime-preview',
    ],
    REALTIME,
  ),
  entry(['sora', 'sora-2'], { ...NO_TEXT, serves: ['video'] }),
];

export const CATALOGUE: readonly CatalogueEntry[] = [...EARLIER, ...REASONING, ...OTHERS];
