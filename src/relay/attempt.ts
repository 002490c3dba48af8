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

export interface AttemptOptions {
  readonly upstream: Upstream;
  readonly clock: Clock;
  readonly request: UpstreamRequest;
  readonly caller: Caller;
  /** How long until the answer is whole, or its first content has come. */
  readonly limitMs: number;
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

class Attempt implements UpstreamListener, LiveAnswer {
  readonly #clock: Clock;
  readonly #resolve: (end: AttemptEnd) => void;
  readonly #startedAt: number;
  #phase: Phase = { kind: 'waiting' };
  #exchange: Exchange | null = null;
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
  start({ upstream, request, caller, clock, limitMs }: AttemptOptions): void {
    if (caller.gone) return this.#settle({ kind: 'gone' });
    this.#stopTimer = clock.after(limitMs, () =>
      this.#giveUp({ kind: 'broken', how: 'late', cause: `no answer within ${Math.round(limitMs)} ms` }),
    );
    this.#forgetCaller = caller.onGone(() => this.#giveUp({ kind: 'gone' }));
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
    if (this.#phase.kind === 'over' || this.#phase.kind === 'live') return;
    this.#phase = OVER;
    this.#release();
    this.#resolve(end);
  }

  #release(): void {
    this.#stopTimer();
    this.#forgetCaller();
  }
}
