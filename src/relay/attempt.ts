import type { Clock } from '../domain/clock.ts';
import type { Caller } from '../domain/message.ts';
import type {
  Exchange,
  Upstream,
  UpstreamError,
  UpstreamHeaders,
  UpstreamListener,
  UpstreamRequest,
} from '../upstream/port.ts';
import { CommitGate } from './commitGate.ts';
import { firstValue } from './headers.ts';

/** An unstreamed answer up to this size is taken in whole before the caller gets any of it. */
const LARGEST_WHOLE_ANSWER = 16 * 1024 * 1024;

export interface Head {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  /** From sending the request to the answer's head. */
  readonly headMs: number;
}

/** What one try of one request on one deployment came to. */
export type AttemptEnd =
  | { readonly kind: 'whole'; readonly head: Head; readonly body: Buffer }
  | { readonly kind: 'live'; readonly head: Head; readonly live: LiveAnswer }
  /** A 200 whose stream reported an error before any content. */
  | { readonly kind: 'streamError'; readonly head: Head; readonly live: LiveAnswer; readonly code: string | null }
  | { readonly kind: 'broken'; readonly how: 'lost' | 'late' | 'credential'; readonly cause: string }
  | { readonly kind: 'gone' };

export interface LiveSink {
  onData(chunk: Buffer): void;
  onEnd(): void;
  onBroken(cause: string): void;
}

/** A committed answer that is still coming in. */
export interface LiveAnswer {
  readonly events: boolean;
  readonly responseId: string | null;
  /** Hands over what has come so far and everything that follows. */
  attach(sink: LiveSink): void;
  abort(): void;
  pause(): void;
  resume(): void;
}

/** What had come when an attempt was given up or broke, though its deployment was at work. */
export interface Partial {
  /** The beginning of it. */
  readonly bytes: Buffer;
  readonly size: number;
}

export interface AttemptOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly request: UpstreamRequest;
  readonly caller: Caller;
  /** How long until the answer is whole, or its first content has come. */
  readonly limitMs: number;
  /** Called before the end is told, where the deployment has most likely worked in vain. */
  readonly onAbandoned?: (partial: Partial) => void;
}

export function attempt(options: AttemptOptions): Promise<AttemptEnd> {
  return new Promise((resolve) => new Attempt(options.clock, resolve).start(options));
}

const EVENT_STREAM = /^text\/event-stream/i;
/** Events, sounds and files are passed on as they come; everything else is taken in whole. */
const FLOWING = /^(text\/event-stream|audio\/|video\/|application\/octet-stream)/i;

type Phase =
  | { kind: 'waiting' }
  | { kind: 'collecting'; head: Head; chunks: Buffer[]; size: number }
  | { kind: 'holding'; head: Head; gate: CommitGate }
  | { kind: 'live'; sink: LiveSink | null; backlog: Buffer[]; ending: (() => void) | null }
  | { kind: 'over' };

const OVER: Phase = { kind: 'over' };

/** As much of it as an estimate needs. */
const LARGEST_PARTIAL = 16 * 1024;

/** `null`: nothing shows that anybody worked. Where nothing came at all, that is likely if it was us who lost patience. */
function partialIn(phase: Phase, end: AttemptEnd): Partial | null {
  if (phase.kind === 'waiting') {
    const isOurs = end.kind === 'gone' || (end.kind === 'broken' && end.how === 'late');
    return isOurs ? { bytes: Buffer.alloc(0), size: 0 } : null;
  }
  if (phase.kind === 'holding') return partialOf(phase.gate.held);
  if (phase.kind !== 'collecting' || phase.head.status >= 300) return null;
  return partialOf(Buffer.concat(phase.chunks));
}

function partialOf(bytes: Buffer): Partial {
  return { bytes: bytes.subarray(0, LARGEST_PARTIAL), size: bytes.length };
}

class Attempt implements UpstreamListener, LiveAnswer {
  readonly #clock: Clock;
  readonly #resolve: (end: AttemptEnd) => void;
  readonly #startedAt: number;
  #phase: Phase = { kind: 'waiting' };
  #exchange: Exchange | null = null;
  #onAbandoned: ((partial: Partial) => void) | undefined;
  #stopTimer: () => void = () => undefined;
  #forgetCaller: () => void = () => undefined;
  events = false;
  responseId: string | null = null;

  constructor(clock: Clock, resolve: (end: AttemptEnd) => void) {
    this.#clock = clock;
    this.#resolve = resolve;
    this.#startedAt = clock.monotonicMs();
  }

  /** The request is not kept: a stream may outlive its use by minutes. */
  start({ upstream, request, caller, clock, limitMs, onAbandoned }: AttemptOptions): void {
    if (caller.gone) return this.#settle({ kind: 'gone' });
    this.#stopTimer = clock.after(limitMs, () =>
      this.#giveUp({ kind: 'broken', how: 'late', cause: `no answer within ${Math.round(limitMs)} ms` }),
    );
    this.#forgetCaller = caller.onGone(() => this.#giveUp({ kind: 'gone' }));
    this.#onAbandoned = onAbandoned;
    this.#exchange = upstream.send(request, this);
  }

  onHead(status: number, headers: UpstreamHeaders): void {
    const head = { status, headers, headMs: this.#clock.monotonicMs() - this.#startedAt };
    const contentType = firstValue(headers, 'content-type');
    const compressed = (firstValue(headers, 'content-encoding') ?? 'identity') !== 'identity';
    const flows = status < 300 && contentType !== null && FLOWING.test(contentType);
    this.events = flows && EVENT_STREAM.test(contentType) && !compressed;
    if (this.events) this.#phase = { kind: 'holding', head, gate: new CommitGate() };
    else this.#phase = { kind: 'collecting', head, chunks: [], size: flows ? LARGEST_WHOLE_ANSWER : 0 };
  }

  onData(chunk: Buffer): void {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'live':
        if (phase.sink === null) phase.backlog.push(chunk);
        else phase.sink.onData(chunk);
        return;
      case 'collecting':
        phase.chunks.push(chunk);
        phase.size += chunk.length;
        if (phase.size > LARGEST_WHOLE_ANSWER) this.#goLive(phase.head, phase.chunks, undefined);
        return;
      case 'holding':
        return this.#hold(phase.head, phase.gate, chunk);
      case 'waiting':
      case 'over':
        return;
      default:
        return phase satisfies never;
    }
  }

  onEnd(): void {
    const phase = this.#phase;
    switch (phase.kind) {
      case 'live':
        return this.#end(phase, () => phase.sink?.onEnd());
      case 'collecting': {
        const [only] = phase.chunks;
        const body = phase.chunks.length === 1 && only !== undefined ? only : Buffer.concat(phase.chunks);
        return this.#settle({ kind: 'whole', head: phase.head, body });
      }
      case 'holding':
        return this.#settle({ kind: 'broken', how: 'lost', cause: 'stream ended before any content' });
      case 'waiting':
      case 'over':
        return;
      default:
        return phase satisfies never;
    }
  }

  onError(error: UpstreamError): void {
    const phase = this.#phase;
    if (phase.kind === 'live') return this.#end(phase, () => phase.sink?.onBroken(error.message));
    this.#settle({ kind: 'broken', how: error.kind === 'credential' ? 'credential' : 'lost', cause: error.message });
  }

  attach(sink: LiveSink): void {
    const phase = this.#phase;
    if (phase.kind !== 'live') return;
    phase.sink = sink;
    for (const chunk of phase.backlog) sink.onData(chunk);
    phase.backlog = [];
    phase.ending?.();
  }

  abort(): void {
    this.#phase = OVER;
    this.#release();
    this.#exchange?.abort();
  }

  pause(): void {
    this.#exchange?.pause();
  }

  resume(): void {
    this.#exchange?.resume();
  }

  #hold(head: Head, gate: CommitGate, chunk: Buffer): void {
    const verdict = gate.push(chunk);
    if (verdict.kind === 'wait') return;
    this.responseId = gate.responseId;
    this.#goLive(head, [gate.held], verdict.kind === 'error' ? verdict.code : undefined);
  }

  #goLive(head: Head, backlog: Buffer[], errorCode: string | null | undefined): void {
    this.#phase = { kind: 'live', sink: null, backlog, ending: null };
    this.#release();
    if (errorCode === undefined) this.#resolve({ kind: 'live', head, live: this });
    else this.#resolve({ kind: 'streamError', head, live: this, code: errorCode });
  }

  #end(phase: Phase & { kind: 'live' }, ending: () => void): void {
    if (phase.sink === null) {
      phase.ending = ending;
      return;
    }
    this.#phase = OVER;
    ending();
  }

  #giveUp(end: AttemptEnd): void {
    this.#exchange?.abort();
    this.#settle(end);
  }

  #settle(end: AttemptEnd): void {
    const phase = this.#phase;
    if (phase.kind === 'over' || phase.kind === 'live') return;
    if (end.kind === 'broken' || end.kind === 'gone') this.#abandon(phase, end);
    this.#phase = OVER;
    this.#release();
    this.#resolve(end);
  }

  #abandon(phase: Phase, end: AttemptEnd): void {
    const partial = partialIn(phase, end);
    if (partial !== null && this.#exchange !== null) this.#onAbandoned?.(partial);
  }

  #release(): void {
    this.#stopTimer();
    this.#forgetCaller();
  }
}
