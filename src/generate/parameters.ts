/** Which parameters a chat is sent with: by what its models are known to take, and by what they have refused before. */
import { capabilitiesOf } from '../models/capabilities.ts';
import type { Schema } from './check.ts';
import type { Message, TextOrder } from './form.ts';
import type { Candidate } from './port.ts';

/** What the router puts in of its own accord, and may leave out again. */
export const OWN = ['response_format', 'temperature', 'reasoning_effort', 'max_completion_tokens'] as const;
export type Own = (typeof OWN)[number];

export interface Format {
  readonly name: string;
  readonly schema: Schema;
  readonly strict: boolean;
}

/** Small, so that the same question has the same answer; not 0, at which some models repeat themselves. */
const TEMPERATURE = 0.1;
const EFFORT = 'low';
export const INSTRUCTION = 'Generate JSON output matching the schema.';

export type Parameters = Readonly<Record<string, unknown>> & { readonly messages: readonly Message[] };

export interface Chat extends TextOrder {
  /** `null`: plain text is wanted. */
  readonly format: Format | null;
}

/** `given up`: what this request goes without. What the caller asked for by name is sent whatever is known. */
export function parametersFor(chat: Chat, candidates: readonly Candidate[], givenUp: ReadonlySet<Own>): Parameters {
  const { model, messages, format, maxTokens } = chat;
  const temperature =
    chat.temperature ?? (takesTemperature(candidates) && !givenUp.has('temperature') ? TEMPERATURE : null);
  const effort = chat.reasoningEffort ?? (takesEffort(candidates) && !givenUp.has('reasoning_effort') ? EFFORT : null);
  const asFormat = format !== null && fitsFormat(format.schema, candidates) && !givenUp.has('response_format');
  return {
    model,
    messages: format === null || asFormat ? messages : [instruction(format.schema), ...messages],
    ...(temperature === null ? {} : { temperature }),
    ...(effort === null ? {} : { reasoning_effort: effort }),
    ...(maxTokens === null
      ? {}
      : { [givenUp.has('max_completion_tokens') ? 'max_tokens' : 'max_completion_tokens']: maxTokens }),
    ...(asFormat ? { response_format: { type: 'json_schema', json_schema: format } } : {}),
  };
}

function instruction(schema: Schema): Message {
  return { role: 'system', content: `${INSTRUCTION}\n\n${JSON.stringify(schema)}` };
}

/** One that reasons refuses it; of who is not known the most are taken to be the usual ones. */
function takesTemperature(candidates: readonly Candidate[]): boolean {
  return candidates.every(({ model }) => model === null || (capabilitiesOf(model)?.efforts ?? null) === null);
}

/** One that does not reason refuses it, so all must be known to. */
function takesEffort(candidates: readonly Candidate[]): boolean {
  return (
    candidates.length > 0 &&
    candidates.every(({ model }) => model !== null && capabilitiesOf(model)?.efforts?.includes(EFFORT) === true)
  );
}

function fitsFormat(schema: Schema, candidates: readonly Candidate[]): boolean {
  if (typeof schema !== 'object' || schema['type'] !== 'object' || schema['anyOf'] !== undefined) return false;
  return candidates.every(({ model }) => knowsFormat(model) !== false);
}

export function knowsFormat(model: string | null): boolean | null {
  return model === null ? null : (capabilitiesOf(model)?.structuredOutput ?? null);
}

/** Microsoft Learn, "Structured outputs" (2025-12-06): what `strict` takes; anything else is refused before the model sees it. */
const STRICT_KEYWORDS = new Set(
  '$schema $ref $defs type properties required additionalProperties items anyOf enum const title description'.split(
    ' ',
  ),
);

export function isStrict(schema: unknown): boolean {
  if (!isMap(schema) || !Object.keys(schema).every((keyword) => STRICT_KEYWORDS.has(keyword))) return false;
  const { type, required, additionalProperties, items, anyOf } = schema;
  const properties = isMap(schema['properties']) ? schema['properties'] : {};
  const named = isMap(schema['$defs']) ? Object.values(schema['$defs']) : [];
  const names = Object.keys(properties);
  const isObject = listOf(type).includes('object') || names.length > 0;
  if (isObject && additionalProperties !== false) return false;
  if (!names.every((name) => listOf(required).includes(name))) return false;
  return [...Object.values(properties), ...named, ...listOf(anyOf), ...listOf(items)].every(isStrict);
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

/** Who refused what: what is left out for a model once is left out from then on. */
export class Refusals {
  readonly #byModel = new Map<string, Set<Own>>();

  /** What one of these has refused. */
  by(candidates: readonly Candidate[]): Set<Own> {
    return new Set(candidates.flatMap((one) => [...(this.#byModel.get(keyOf(one)) ?? [])]));
  }

  add(candidate: Candidate, own: Own): void {
    // Whoever is known to take formats has refused this schema, not the format.
    if (own === 'response_format' && knowsFormat(candidate.model) === true) return;
    const key = keyOf(candidate);
    this.#byModel.set(key, (this.#byModel.get(key) ?? new Set()).add(own));
  }
}

function keyOf({ id, model }: Candidate): string {
  return model ?? id;
}
