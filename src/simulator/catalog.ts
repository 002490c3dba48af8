/** The models that the simulator knows, with the sizes that Azure publishes for them. */
export type Ability = 'chat' | 'completion' | 'embedding' | 'image' | 'transcription' | 'speech';

export interface Model {
  readonly name: string;
  /** What an answer's `model` says: the name with the model's version. */
  readonly version: string;
  readonly ability: Ability;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly reasoning: boolean;
  readonly dimensions: number;
}

const PLAIN = { contextTokens: 128_000, maxOutputTokens: 16_384, reasoning: false, dimensions: 0 } as const;
const LONG = { ...PLAIN, contextTokens: 1_047_576, maxOutputTokens: 32_768 } as const;
const REASONING = { ...PLAIN, contextTokens: 200_000, maxOutputTokens: 100_000, reasoning: true } as const;
const GPT_5 = { ...REASONING, contextTokens: 400_000, maxOutputTokens: 128_000 } as const;
const EMBEDDING = { ...PLAIN, contextTokens: 8_191, maxOutputTokens: 0, dimensions: 1_536 } as const;

const MODELS: readonly Model[] = [
  { name: 'gpt-4.1', version: 'gpt-4.1-2025-04-14', ability: 'chat', ...LONG },
  { name: 'gpt-4.1-mini', version: 'gpt-4.1-mini-2025-04-14', ability: 'chat', ...LONG },
  { name: 'gpt-4.1-nano', version: 'gpt-4.1-nano-2025-04-14', ability: 'chat', ...LONG },
  { name: 'gpt-4o', version: 'gpt-4o-2024-11-20', ability: 'chat', ...PLAIN },
  { name: 'gpt-4o-mini', version: 'gpt-4o-mini-2024-07-18', ability: 'chat', ...PLAIN },
  { name: 'gpt-4-turbo', version: 'gpt-4-turbo-2024-04-09', ability: 'chat', ...PLAIN, maxOutputTokens: 4_096 },
  { name: 'gpt-4', version: 'gpt-4-0613', ability: 'chat', ...PLAIN, contextTokens: 8_192, maxOutputTokens: 8_192 },
  {
    name: 'gpt-35-turbo',
    version: 'gpt-35-turbo',
    ability: 'chat',
    ...PLAIN,
    contextTokens: 16_385,
    maxOutputTokens: 4_096,
  },
  {
    name: 'gpt-35-turbo-instruct',
    version: 'gpt-35-turbo-instruct',
    ability: 'completion',
    ...PLAIN,
    contextTokens: 4_097,
    maxOutputTokens: 4_097,
  },
  { name: 'gpt-5', version: 'gpt-5-2025-08-07', ability: 'chat', ...GPT_5 },
  { name: 'gpt-5-mini', version: 'gpt-5-mini-2025-08-07', ability: 'chat', ...GPT_5 },
  { name: 'gpt-5-nano', version: 'gpt-5-nano-2025-08-07', ability: 'chat', ...GPT_5 },
  { name: 'o1', version: 'o1-2024-12-17', ability: 'chat', ...REASONING },
  { name: 'o3', version: 'o3-2025-04-16', ability: 'chat', ...REASONING },
  { name: 'o3-mini', version: 'o3-mini-2025-01-31', ability: 'chat', ...REASONING },
  { name: 'o4-mini', version: 'o4-mini-2025-04-16', ability: 'chat', ...REASONING },
  { name: 'text-embedding-3-small', version: 'text-embedding-3-small', ability: 'embedding', ...EMBEDDING },
  {
    name: 'text-embedding-3-large',
    version: 'text-embedding-3-large',
    ability: 'embedding',
    ...EMBEDDING,
    dimensions: 3_072,
  },
  { name: 'text-embedding-ada-002', version: 'text-embedding-ada-002', ability: 'embedding', ...EMBEDDING },
  { name: 'gpt-image-1', version: 'gpt-image-1', ability: 'image', ...PLAIN },
  { name: 'dall-e-3', version: 'dall-e-3', ability: 'image', ...PLAIN },
  { name: 'whisper', version: 'whisper', ability: 'transcription', ...PLAIN },
  { name: 'gpt-4o-transcribe', version: 'gpt-4o-transcribe', ability: 'transcription', ...PLAIN },
  { name: 'tts', version: 'tts', ability: 'speech', ...PLAIN },
  { name: 'tts-hd', version: 'tts-hd', ability: 'speech', ...PLAIN },
  { name: 'gpt-4o-mini-tts', version: 'gpt-4o-mini-tts', ability: 'speech', ...PLAIN },
];

/** A model that is not in the list chats; o-series and gpt-5 names reason. */
export function modelCalled(name: string): Model {
  const known = MODELS.find((model) => model.name === name);
  if (known) return known;
  const sizes = name.startsWith('gpt-5') ? GPT_5 : /^o\d/.test(name) ? REASONING : PLAIN;
  const ability: Ability = name.includes('embedding') ? 'embedding' : 'chat';
  return ability === 'embedding'
    ? { name, version: name, ability, ...EMBEDDING }
    : { name, version: name, ability, ...sizes };
}
