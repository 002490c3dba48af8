/** Streams of the simulated Azure OpenAI, whole or cut off, with what was used by its own count. */
import type { Tokens } from '../../src/domain/usage.ts';
import type { Frame, Usage } from '../../src/simulator/answer.ts';
import type { ModelCall } from '../../src/simulator/call.ts';
import { modelCalled } from '../../src/simulator/catalog.ts';
import { chat } from '../../src/simulator/chat.ts';
import { defaultFleet } from '../../src/simulator/fleet.ts';
import type { JsonObject } from '../../src/simulator/json.ts';
import { createResponse } from '../../src/simulator/responses.ts';
import { drawFrom, pick, wholeBetween } from '../../src/simulator/seeded.ts';
import { proseFor } from '../../src/simulator/words.ts';
import { createWorld } from '../../src/simulator/world.ts';
import type { Unsaid } from '../../src/usage/port.ts';
import { deployment, tokens } from './facts.ts';

const WORLD = createWorld({ endpoints: defaultFleet(), draw: drawFrom(1) });

export interface Asked {
  readonly request: JsonObject;
  readonly promptTexts: readonly string[];
  readonly frames: readonly Frame[];
  readonly usage: Usage;
}

export interface Told {
  readonly unsaid: Unsaid;
  /** By the simulator's rule, as far as the answer has come. */
  readonly used: Tokens;
  readonly promptTexts: readonly string[];
  /** What the model wrote, as far as it has come. */
  readonly written: string;
}

export interface Question {
  readonly kind: 'chat' | 'responses';
  readonly texts: readonly string[];
}

export function questionFor(seed: number): Question {
  const draw = drawFrom(seed);
  const words = wholeBetween(draw, 20, 400);
  const kind = pick(draw, ['chat', 'chat', 'responses'] as const);
  const system = proseFor(`[[words:${wholeBetween(draw, 10, 300)}]] house rules`, draw);
  return { kind, texts: [system, `${proseFor('[[words:30]] question', draw)} [[words:${words}]]`] };
}

export function ask(model: string, { kind, texts }: Question): Asked {
  const messages = texts.map((content, at) => ({ role: at === 0 ? 'system' : 'user', content }));
  const request: JsonObject = { model, stream: true, ...(kind === 'chat' ? { messages } : { input: messages }) };
  const endpoint = WORLD.endpoints.get('A');
  const [of] = endpoint?.deployments.values() ?? [];
  if (endpoint === undefined || of === undefined) throw new Error(`the simulated fleet has no ${model}`);
  const call: ModelCall = {
    endpoint,
    deployment: { ...of, model: modelCalled(model) },
    operation: 'chat/completions',
    ids: [],
    query: new URLSearchParams(),
    headers: {},
    json: request,
    form: new Map() as never,
    clock: WORLD.clock,
    draw: WORLD.draw,
  };
  const job = kind === 'chat' ? chat(call) : createResponse(call);
  const answer = job.run();
  if (answer.kind !== 'stream') throw new Error('the simulator did not stream');
  return { request, promptTexts: texts, frames: [...answer.frames], usage: answer.usage };
}

export function wholeAnswer(asked: Asked): Told {
  return told(asked, Number.POSITIVE_INFINITY, null);
}

/** Cut anywhere, in the middle of an event too; often enough only the beginning was kept. */
export function cutAnswer(asked: Asked, seed: number): Told {
  const draw = drawFrom(seed);
  const all = asked.frames.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return told(asked, wholeBetween(draw, 0, all), draw() < 0.3 ? 8_192 : null);
}

function told({ request, promptTexts, frames, usage }: Asked, cutAt: number, kept: number | null): Told {
  const bytes = Buffer.concat(frames.map((frame) => frame.bytes)).subarray(0, Math.min(cutAt, Number.MAX_SAFE_INTEGER));
  let end = 0;
  let completionTokens = 0;
  let written = '';
  for (const frame of frames) {
    end += frame.bytes.length;
    if (end > bytes.length) break;
    completionTokens += frame.tokens;
    if (frame.content) written += textOf(frame.bytes);
  }
  const body = Buffer.from(JSON.stringify(request));
  const { promptTokens, reasoningTokens } = usage;
  const reasoning = completionTokens > 0 ? reasoningTokens : 0;
  return {
    unsaid: {
      deployment: deployment(),
      request: body,
      requestBytes: body.length,
      answer: kept === null ? bytes : bytes.subarray(0, kept),
      answerBytes: bytes.length,
    },
    used: tokens({ prompt: promptTokens, completion: completionTokens, reasoning }),
    promptTexts,
    written,
  };
}

function textOf(event: Uint8Array): string {
  const data = /^data: (.*)$/m.exec(Buffer.from(event).toString())?.[1] ?? '{}';
  const json = JSON.parse(data) as { delta?: string; choices?: { delta?: { content?: string } }[] };
  return json.delta ?? json.choices?.[0]?.delta?.content ?? '';
}
