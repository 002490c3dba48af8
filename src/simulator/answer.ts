/** What an operation answers, before latency and faults have their say. */
import type { Outcome } from '../domain/outcome.ts';
import type { JsonObject } from './json.ts';
import { outcomeOf } from './refusal.ts';

export interface Usage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Reasoning included, as in Azure's `usage`. */
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

export const NO_USAGE: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 };

/** One server-sent event, or one piece of binary audio. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** Whether it carries something that the model generated. */
  readonly content: boolean;
  /** The completion tokens that were generated for it. */
  readonly tokens: number;
}

export type Answer = WholeAnswer | StreamAnswer;

export interface WholeAnswer {
  readonly kind: 'whole';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly usage: Usage;
  readonly outcome: Outcome;
}

export interface StreamAnswer {
  readonly kind: 'stream';
  readonly headers: Readonly<Record<string, string>>;
  readonly frames: Iterable<Frame>;
  /** The dialect of an error event inside the stream. */
  readonly errors: 'chat' | 'responses';
  readonly usage: Usage;
}

export function jsonAnswer(body: JsonObject, usage: Usage = NO_USAGE, status = 200): WholeAnswer {
  return {
    kind: 'whole',
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    usage,
    outcome: outcomeOf(status, body),
  };
}

export function bytesAnswer(body: Uint8Array, contentType: string, usage: Usage = NO_USAGE): WholeAnswer {
  return { kind: 'whole', status: 200, headers: { 'content-type': contentType }, body, usage, outcome: 'ok' };
}

export function eventStream(frames: Iterable<Frame>, usage: Usage, errors: StreamAnswer['errors']): StreamAnswer {
  return { kind: 'stream', headers: { 'content-type': 'text/event-stream; charset=utf-8' }, frames, errors, usage };
}

export function dataFrame(data: JsonObject, content = false, tokens = 0): Frame {
  return { bytes: Buffer.from(`data: ${JSON.stringify(data)}\n\n`), content, tokens };
}

export const DONE_FRAME: Frame = { bytes: Buffer.from('data: [DONE]\n\n'), content: false, tokens: 0 };
