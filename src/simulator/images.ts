/** `images/generations` and `images/edits`: a tiny PNG whose colour depends on the prompt. */
import { crc32, deflateSync } from 'node:zlib';
import { type Answer, dataFrame, eventStream, type Frame, jsonAnswer, type Usage } from './answer.ts';
import { type Job, type ModelCall, nowInSeconds } from './call.ts';
import { FILTER_MARK } from './chat.ts';
import { flagAt, type JsonObject, numberAt, stringAt } from './json.ts';
import { fieldOf, filesOf } from './multipart.ts';
import { badRequest, promptFiltered } from './refusal.ts';
import { seedOf } from './seeded.ts';
import { TOKENS_PER_IMAGE, tokensIn } from './tokens.ts';

const OUTPUT_TOKENS: Readonly<Record<string, number>> = { low: 272, medium: 1_056, high: 4_160 };
const SIDE_PIXELS = 16;

interface Order {
  readonly prompt: string;
  readonly count: number;
  readonly size: string;
  readonly quality: string;
  readonly inputImages: number;
  readonly stream: boolean;
}

export function generateImages(call: ModelCall): Job {
  const { json } = call;
  return draw(call, {
    prompt: wanted(stringAt(json, 'prompt')),
    count: numberAt(json, 'n') ?? 1,
    size: stringAt(json, 'size') ?? '1024x1024',
    quality: stringAt(json, 'quality') ?? 'medium',
    inputImages: 0,
    stream: flagAt(json, 'stream') === true,
  });
}

export function editImages(call: ModelCall): Job {
  const { form } = call;
  const images = filesOf(form, 'image').length;
  if (images === 0) throw badRequest("Missing required parameter: 'image'.", 'image', 'missing_required_parameter');
  return draw(call, {
    prompt: wanted(fieldOf(form, 'prompt')),
    count: Number(fieldOf(form, 'n') ?? 1),
    size: fieldOf(form, 'size') ?? '1024x1024',
    quality: fieldOf(form, 'quality') ?? 'medium',
    inputImages: images,
    stream: fieldOf(form, 'stream') === 'true',
  });
}

function wanted(prompt: string | null): string {
  if (prompt === null || prompt === '')
    throw badRequest("Missing required parameter: 'prompt'.", 'prompt', 'missing_required_parameter');
  return prompt;
}

function draw(call: ModelCall, order: Order): Job {
  if (!Number.isInteger(order.count) || order.count < 1 || order.count > 10) {
    throw badRequest(
      `Invalid 'n': expected a value from 1 to 10, but got ${order.count} instead.`,
      'n',
      'invalid_value',
    );
  }
  const usage: Usage = {
    promptTokens: tokensIn(order.prompt) + order.inputImages * TOKENS_PER_IMAGE,
    cachedTokens: 0,
    completionTokens: order.count * (OUTPUT_TOKENS[order.quality] ?? 1_056),
    reasoningTokens: 0,
  };
  return { estimate: usage.promptTokens, run: () => answerImages(call, order, usage) };
}

function answerImages(call: ModelCall, order: Order, usage: Usage): Answer {
  if (order.prompt.includes(FILTER_MARK)) throw promptFiltered();
  const { size, quality } = order;
  const pictures = Array.from({ length: order.count }, (_, index) =>
    pngFor(`${order.prompt}#${index}`).toString('base64'),
  );
  const about = { background: 'opaque', output_format: 'png', quality, size };
  const told = usageBody(order, usage);
  const created = nowInSeconds(call);
  const kind = call.operation === 'images/edits' ? 'image_edit' : 'image_generation';
  if (order.stream)
    return eventStream(
      imageFrames(kind, pictures, { ...about, created_at: created, usage: told }, usage),
      usage,
      'chat',
    );
  return jsonAnswer({ created, ...about, data: pictures.map((b64_json) => ({ b64_json })), usage: told }, usage);
}

function usageBody({ inputImages }: Order, { promptTokens, completionTokens }: Usage): JsonObject {
  const imageTokens = inputImages * TOKENS_PER_IMAGE;
  return {
    input_tokens: promptTokens,
    input_tokens_details: { image_tokens: imageTokens, text_tokens: promptTokens - imageTokens },
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

function* imageFrames(kind: string, pictures: readonly string[], about: JsonObject, usage: Usage): Generator<Frame> {
  const type = `${kind}.completed`;
  for (const b64_json of pictures) {
    const frame = dataFrame({ type, b64_json, ...about }, true, usage.completionTokens / pictures.length);
    yield { ...frame, bytes: Buffer.concat([Buffer.from(`event: ${type}\n`), frame.bytes]) };
  }
}

function pngFor(prompt: string): Buffer {
  const colour = Buffer.alloc(4);
  colour.writeUInt32LE(seedOf(prompt));
  // Each row begins with its filter: none.
  const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: SIDE_PIXELS }, () => colour.subarray(0, 3))]);
  const header = Buffer.from([0, 0, 0, SIDE_PIXELS, 0, 0, 0, SIDE_PIXELS, 8, 2, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.concat(Array.from({ length: SIDE_PIXELS }, () => row)))),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
