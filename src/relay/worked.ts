/** What a deployment worked for a request: read from its answer where that says it, else to be estimated. */
import type { Deployment } from '../domain/deployment.ts';
import { NO_TOKENS } from '../domain/usage.ts';
import { modelIn, usageIn } from '../usage/answer.ts';
import type { Unsaid } from '../usage/port.ts';
import type { StreamMeter } from '../usage/streamMeter.ts';
import type { Abandoned } from './attempts.ts';
import type { Call } from './call.ts';
import type { Tally } from './tally.ts';

/** A request is kept for an estimate up to this size: streams live long, and are many. */
const LARGEST_KEPT = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** Answers of these are made of tokens: where they do not say how many, it is estimated. */
const OF_TOKENS: ReadonlySet<string> = new Set(['chat/completions', 'completions', 'embeddings', 'responses']);

export function isOfTokens({ method, target }: Call): boolean {
  return method === 'POST' && target.kind === 'deployment' && OF_TOKENS.has(target.operation);
}

/** Only what is asked of a deployment is work; what is asked about it, or about what it has done, is none. */
export function isWork({ method, target }: Call): boolean {
  return method === 'POST' && target.kind === 'deployment';
}

export interface WholeAnswer {
  readonly deployment: Deployment;
  readonly status: number;
  /** As it can be read. */
  readonly bytes: Buffer;
}

export function tallyWhole(tally: Tally, call: Call, { deployment, status, bytes }: WholeAnswer): void {
  if (status >= 300 || !isWork(call)) return;
  const said = usageIn(bytes);
  if (said !== null) {
    const unsaid = () => ({ ...requestOf(call), deployment, answer: bytes, answerBytes: bytes.length });
    if (isOfTokens(call)) tally.learn(deployment, unsaid, said.tokens);
    return tally.used(deployment, modelIn(bytes), said.tokens);
  }
  if (!isOfTokens(call)) return tally.used(deployment, modelIn(bytes), NO_TOKENS);
  tally.unsaid({ ...requestOf(call), deployment, answer: bytes, answerBytes: bytes.length }, modelIn(bytes));
}

/** The request as an estimate needs it. */
export type KeptRequest = Pick<Unsaid, 'request' | 'requestBytes'>;

export function requestOf({ payload }: Call): KeptRequest {
  const bytes = payload.kind === 'none' ? NOTHING : payload.bytes;
  return { request: bytes.length <= LARGEST_KEPT ? bytes : null, requestBytes: bytes.length };
}

/** A part of a stream that is over: what its meter read, or an estimate from what it saw. */
export function tallyStream(tally: Tally, unsaid: Omit<Unsaid, 'answer' | 'answerBytes'>, meter: StreamMeter): void {
  const { deployment } = unsaid;
  const { tokens, model } = meter;
  const whole = () => ({ ...unsaid, answer: meter.beginning, answerBytes: meter.bytes });
  if (tokens === null) return tally.unsaid(whole(), model);
  tally.learn(deployment, whole, tokens);
  tally.used(deployment, model, tokens);
}

/** An attempt that came to nothing though its deployment had begun to work. */
export function tallyAbandoned(tally: Tally, call: Call, { deployment, partial }: Abandoned): void {
  if (!isOfTokens(call)) return;
  const said = usageIn(partial.bytes);
  const model = modelIn(partial.bytes);
  if (said !== null) return tally.used(deployment, model, said.tokens);
  tally.unsaid({ ...requestOf(call), deployment, answer: partial.bytes, answerBytes: partial.size }, model);
}
