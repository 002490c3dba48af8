/**
 * What models can do, for whoever must choose parameters or tell a caller that a model is the wrong one. The facts are data
 * (catalogue.ts); here they are looked up. What is not in the catalogue is not known, and nothing is refused for that.
 */
import { CATALOGUE } from './catalogue.ts';

/** What a model is asked for, apart from the paths of the API. */
export type Use =
  | 'chat'
  | 'responses'
  | 'completions'
  | 'embeddings'
  | 'images'
  | 'transcription'
  | 'translation'
  | 'speech'
  | 'realtime'
  | 'video';

export type Effort = 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh';

export interface Dimensions {
  readonly most: number;
  /** Whether fewer may be asked for with `dimensions`. */
  readonly fewer: boolean;
}

/** `null`: nobody says. */
export interface Capabilities {
  /** As the catalogue names it, without version. */
  readonly model: string;
  readonly contextTokens: number | null;
  readonly maxOutputTokens: number | null;
  readonly serves: readonly Use[];
  /** Neither promised nor ruled out; whatever is in neither list the model cannot do. */
  readonly mayServe: readonly Use[];
  readonly streaming: boolean | null;
  readonly tools: boolean | null;
  readonly vision: boolean | null;
  /** `response_format: json_schema`. */
  readonly structuredOutput: boolean | null;
  /** `response_format: json_object`. */
  readonly jsonMode: boolean | null;
  /** The values of `reasoning_effort`; `null`: it does not reason. Who reasons takes no temperature and no `max_tokens`. */
  readonly efforts: readonly Effort[] | null;
  readonly dimensions: Dimensions | null;
  /** Where that is written: a page and its date. */
  readonly source: string;
}

/** What may stand behind a model's name: a date, a version of four digits, a stage; each of them several times. */
const VERSION = /^(?:[-_@](?:\d{4}-\d{2}-\d{2}|\d{4}|v\d|preview|latest))*$/;

const BY_NAME = new Map(CATALOGUE.flatMap(({ names, ...facts }) => names.map((name) => [name, facts] as const)));
const LONGEST_FIRST = [...BY_NAME.keys()].sort((one, other) => other.length - one.length);

/** Names come from configurations: few, and always the same. */
const REMEMBERED = 1_000;
const known = new Map<string, Capabilities | null>();

/** By its name, with or without a version; `null`: not in the catalogue. */
export function capabilitiesOf(model: string): Capabilities | null {
  const before = known.get(model);
  if (before !== undefined) return before;
  const found = lookUp(model.trim().toLowerCase());
  if (known.size < REMEMBERED) known.set(model, found);
  return found;
}

function lookUp(model: string): Capabilities | null {
  const name = LONGEST_FIRST.find((one) => model.startsWith(one) && VERSION.test(model.slice(one.length)));
  return (name === undefined ? undefined : BY_NAME.get(name)) ?? null;
}

const USES: Readonly<Record<string, Use>> = {
  'chat/completions': 'chat',
  completions: 'completions',
  embeddings: 'embeddings',
  responses: 'responses',
  'responses/compact': 'responses',
  'responses/input_tokens': 'responses',
  'images/generations': 'images',
  'images/edits': 'images',
  'images/variations': 'images',
  'audio/transcriptions': 'transcription',
  'audio/translations': 'translation',
  'audio/speech': 'speech',
};

/** What an operation of the API is a use of; `null`: none that the catalogue speaks of. */
export function useOf(operation: string): Use | null {
  return Object.hasOwn(USES, operation) ? (USES[operation] as Use) : null;
}

/** `null`: not known. */
export function canServe(model: string | null, use: Use): boolean | null {
  const capabilities = model === null ? null : capabilitiesOf(model);
  if (capabilities === null) return null;
  if (capabilities.serves.includes(use)) return true;
  return capabilities.mayServe.includes(use) ? null : false;
}
