/**
 * What goes over the wire for one answer, and when: a list of steps, worked out apart from the socket so that every fault is
 * a change to the list.
 */
import type { Outcome } from '../domain/outcome.ts';
import type { Answer, Frame, StreamAnswer, WholeAnswer } from './answer.ts';
import { errorFrame, faultAnswer, nonsenseAnswer } from './fault-answers.ts';
import type { Fault, Mark } from './faults.ts';
import type { Latency } from './fleet.ts';

export type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'head'; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'body'; readonly frame: Frame }
  | { readonly kind: 'end' }
  /** The connection goes away: with a reset, or in good order but too early. */
  | { readonly kind: 'close'; readonly reset: boolean }
  /** Nothing more, until the caller has had enough. */
  | { readonly kind: 'silence' };

/** A fault that needs no model: the whole exchange, or `null` where the operation runs. */
export function planWithoutModel(
  fault: Fault | null,
  latency: Latency,
): { steps: Iterable<Step>; outcome: Outcome } | null {
  switch (fault?.kind) {
    case 'status':
      return planInstead(faultAnswer(fault), latency);
    case 'nonsense':
      return planInstead(nonsenseAnswer(), latency);
    case 'hang':
      return { steps: [{ kind: 'silence' }], outcome: 'failing' };
    case 'down':
      return { steps: [{ kind: 'close', reset: false }], outcome: 'failing' };
    case 'reset-before':
      return { steps: [{ kind: 'close', reset: true }], outcome: 'failing' };
    default:
      return null;
  }
}

function planInstead(answer: WholeAnswer, latency: Latency): { steps: Iterable<Step>; outcome: Outcome } {
  return { steps: wholeSteps(answer, null, latency), outcome: answer.outcome };
}

export function planAnswer(answer: Answer, fault: Fault | null, latency: Latency): Iterable<Step> {
  const pace = slowed(latency, fault);
  const steps = answer.kind === 'whole' ? wholeSteps(answer, fault, pace) : streamSteps(answer, pace);
  const size = answer.kind === 'whole' ? answer.body.length : null;
  switch (fault?.kind) {
    case 'reset-after-headers':
      return interrupt(steps, { unit: 'bytes', count: 0 }, [{ kind: 'close', reset: true }]);
    case 'reset':
      return interrupt(steps, inBytes(fault.after, size), [{ kind: 'close', reset: true }]);
    case 'cut':
      return interrupt(steps, inBytes(fault.after, size), [{ kind: 'close', reset: false }]);
    case 'stall':
      return interrupt(steps, inBytes(fault.after, size), [{ kind: 'silence' }]);
    case 'truncated-json':
      return interrupt(steps, inBytes({ unit: 'chunks', count: 1 }, size), [{ kind: 'close', reset: false }]);
    case 'empty-stream':
      return interrupt(emptied(steps), { unit: 'bytes', count: 0 }, [{ kind: 'end' }]);
    case 'error-event':
      if (answer.kind === 'whole') return planAnswer(faultAnswer(errorInstead(fault.code)), null, latency);
      return interrupt(steps, { unit: 'chunks', count: fault.chunks }, [
        { kind: 'body', frame: errorFrame(fault, answer.errors) },
        { kind: 'end' },
      ]);
    default:
      return steps;
  }
}

function slowed(latency: Latency, fault: Fault | null): Latency {
  switch (fault?.kind) {
    case 'slow-head':
      return { ...latency, headMs: fault.ms };
    case 'slow-first-token':
      return { ...latency, firstTokenMs: fault.ms };
    case 'slow-chunks':
    case 'slow-body':
      return { ...latency, chunkMs: fault.ms };
    default:
      return latency;
  }
}

/** An answer in one piece has no chunks: counted in chunks, it breaks in its middle. */
function inBytes(mark: Mark, size: number | null): Mark {
  if (size === null || mark.unit === 'bytes') return mark;
  return { unit: 'bytes', count: mark.count === 0 ? 0 : Math.floor(size / 2) };
}

function errorInstead(code: string): Extract<Fault, { kind: 'status' }> {
  const status = code === '429' || code === 'rate_limit_exceeded' ? 429 : 500;
  return { kind: 'status', status, retryAfterMs: null, retryAfter: null, body: 'usual' };
}

function* wholeSteps(answer: WholeAnswer, fault: Fault | null, pace: Latency): Generator<Step> {
  yield { kind: 'wait', ms: pace.headMs + pace.firstTokenMs };
  yield {
    kind: 'head',
    status: answer.status,
    headers: { ...answer.headers, 'content-length': String(answer.body.length) },
  };
  const pieces = fault?.kind === 'slow-body' ? fault.pieces : 1;
  const length = Math.ceil(answer.body.length / pieces);
  for (let i = 0; i < pieces; i++) {
    if (i > 0) yield { kind: 'wait', ms: pace.chunkMs };
    const tokens = i === 0 ? answer.usage.completionTokens : 0;
    yield { kind: 'body', frame: { bytes: answer.body.subarray(i * length, (i + 1) * length), content: true, tokens } };
  }
  yield { kind: 'end' };
}

function* streamSteps(answer: StreamAnswer, pace: Latency): Generator<Step> {
  yield { kind: 'wait', ms: pace.headMs };
  yield { kind: 'head', status: 200, headers: answer.headers };
  let begun = false;
  for (const frame of answer.frames) {
    if (frame.content) {
      yield { kind: 'wait', ms: begun ? pace.chunkMs : pace.firstTokenMs };
      begun = true;
    }
    yield { kind: 'body', frame };
  }
  yield { kind: 'end' };
}

function* emptied(steps: Iterable<Step>): Generator<Step> {
  for (const step of steps) {
    if (step.kind !== 'head') yield step;
    else
      yield {
        ...step,
        headers: Object.fromEntries(Object.entries(step.headers).filter(([name]) => name !== 'content-length')),
      };
  }
}

/** Lets steps through up to the mark, cutting the frame that crosses it, and goes on with `ending` instead. */
function* interrupt(steps: Iterable<Step>, after: Mark, ending: readonly Step[]): Generator<Step> {
  let left = after.count;
  for (const step of steps) {
    if (step.kind !== 'body') {
      if (step.kind === 'end') break;
      yield step;
      continue;
    }
    const { frame } = step;
    if (after.unit === 'chunks') {
      if (frame.content && left-- <= 0) break;
      yield step;
      continue;
    }
    if (left < frame.bytes.length) {
      if (left > 0) yield { kind: 'body', frame: { ...frame, bytes: frame.bytes.subarray(0, left) } };
      break;
    }
    left -= frame.bytes.length;
    yield step;
  }
  yield* ending;
}
