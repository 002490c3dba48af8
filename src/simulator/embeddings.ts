/** `embeddings`: unit vectors that depend on the text alone, and lie near each other for texts that share words. */
import { type Answer, jsonAnswer, type Usage } from './answer.ts';
import type { Job, ModelCall } from './call.ts';
import { FILTER_MARK } from './chat.ts';
import { isList, type Json, numberAt, stringAt } from './json.ts';
import { badRequest, contextTooLong, promptFiltered } from './refusal.ts';
import { drawFrom, seedOf } from './seeded.ts';
import { tokensIn } from './tokens.ts';

/** A text, or the tokens it was split into. */
type Input = string | readonly Json[];

const MOST_INPUTS = 2_048;

export function embeddings(call: ModelCall): Job {
  const { model } = call.deployment;
  const inputs = readInputs(call.json['input']);
  const dimensions = numberAt(call.json, 'dimensions') ?? model.dimensions;
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > model.dimensions) {
    throw badRequest(
      `Invalid value for 'dimensions' = ${dimensions}. Must be less than or equal to ${model.dimensions}.`,
      'dimensions',
      null,
    );
  }
  const counts = inputs.map(tokensOf);
  const longest = Math.max(...counts);
  if (longest > model.contextTokens) throw contextTooLong(model.contextTokens, longest, 'input');
  const promptTokens = counts.reduce((sum, tokens) => sum + tokens, 0);
  return { estimate: promptTokens, run: () => answerEmbeddings(call, inputs, { dimensions, promptTokens }) };
}

function answerEmbeddings(
  call: ModelCall,
  inputs: readonly Input[],
  { dimensions, promptTokens }: { dimensions: number; promptTokens: number },
): Answer {
  if (inputs.some((input) => typeof input === 'string' && input.includes(FILTER_MARK))) throw promptFiltered();
  const { model } = call.deployment;
  const packed = stringAt(call.json, 'encoding_format') === 'base64';
  const data = inputs.map((input, index) => {
    const vector = vectorFor(typeof input === 'string' ? input : JSON.stringify(input), dimensions, model.name);
    return { object: 'embedding', index, embedding: packed ? packVector(vector) : [...vector] };
  });
  const usage: Usage = { promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };
  return jsonAnswer(
    { object: 'list', data, model: model.version, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } },
    usage,
  );
}

/** One text, a list of texts, the tokens of one text, or a list of such. */
function readInputs(input: Json | undefined): readonly Input[] {
  if (input === undefined || input === null)
    throw badRequest("Missing required parameter: 'input'.", 'input', 'missing_required_parameter');
  if (typeof input === 'string' && input !== '') return [input];
  if (isList(input) && input.length > 0 && input.length <= MOST_INPUTS) {
    if (input.every((item) => typeof item === 'number')) return [input];
    const inputs = input.filter((item): item is Input => (typeof item === 'string' && item !== '') || isList(item));
    if (inputs.length === input.length) return inputs;
  }
  throw badRequest(
    "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
    null,
    null,
  );
}

function tokensOf(input: Input): number {
  return typeof input === 'string' ? tokensIn(input) : input.length;
}

function vectorFor(text: string, dimensions: number, model: string): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of [
    text,
    ...(text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.slice(0, 64) ?? []),
  ]) {
    const draw = drawFrom(seedOf(model, word));
    for (let i = 0; i < dimensions; i++) vector[i] = (vector[i] ?? 0) + draw() - 0.5;
  }
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function packVector(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}
