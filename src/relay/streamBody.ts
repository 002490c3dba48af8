import type { StreamMeter } from '../usage/streamMeter.ts';
import type { LiveAnswer, LiveSink } from './attempt.ts';
import { brokenEvent, dismissedEvent, HEARTBEAT, restartEvent, wholeEventsEnd } from './events.ts';
import { isLongEnd, isWholeEnd, lastWordOf } from './lastWord.ts';
import { COMPLETE, type Restarted, StreamBroken, type StreamEnd, type StreamOptions } from './streamPort.ts';

/** A slow caller may lag this far behind before its deployment is asked to wait. */
const HIGH_WATER = 256 * 1024;
/** An event that never ends is let through after this much of it. */
const LONGEST_EVENT = 1024 * 1024;
const EVENTS_END = Buffer.from('\n\n');
/** A connection whose stream is complete, and that does not end, is waited for no longer. */
const END_GRACE_MS = 1_000;

type State = 'flowing' | 'restarting' | 'ended' | 'failed';

/**
 * A committed answer on its way to the caller. Bytes pass unchanged; events leave only whole, so that an error event can
 * always follow. Written as an iterator by hand: one promise a chunk is all it costs.
 */
export class StreamBody implements AsyncIterableIterator<Buffer, undefined>, LiveSink {
  readonly #options: StreamOptions;
  readonly #endsAt: number;
  #live: LiveAnswer;
  #meter: StreamMeter;
  #state: State = 'flowing';
  #queue: Buffer[] = [];
  #queued = 0;
  #paused = false;
  #waiter: ((result: IteratorResult<Buffer, undefined>) => void) | null = null;
  #rejecter: ((error: Error) => void) | null = null;
  /** The beginning of an event whose end has not come yet. */
  #half: Buffer | null = null;
  /** An event is on its way that was too long to be held; `end`: the stream is complete with it. */
  #long: 'end' | 'more' | null = null;
  /** How the stream ends if nothing more comes: its last word has been said. */
  #lastWord: StreamEnd | null = null;
  /** The deployment's own error event, which the caller gets only if nobody begins again. */
  #withheld: Buffer | null = null;
  #heardAt: number;
  #sentAt: number;
  #stopTimer: () => void = () => undefined;
  readonly #forgetCaller: () => void;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#live = options.live;
    this.#meter = options.meter;
    const now = options.clock.monotonicMs();
    this.#heardAt = now;
    this.#sentAt = now;
    this.#endsAt = now + options.limits.maxMs;
    this.#forgetCaller = options.caller.onGone(() => this.#leave());
    this.#armTimer(now);
    options.live.attach(this);
    if (options.caller.dismissed === true) this.#leave();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#queue.length > 0) return Promise.resolve({ done: false, value: this.#take() });
    if (this.#state === 'ended') return Promise.resolve({ done: true, value: undefined });
    if (this.#state === 'failed') return Promise.reject(new StreamBroken('the answer broke off'));
    return new Promise((resolve, reject) => {
      this.#waiter = resolve;
      this.#rejecter = reject;
    });
  }

  /** The host stops reading: its caller is gone. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  onData(chunk: Buffer): void {
    if (this.#state !== 'flowing') return;
    this.#heardAt = this.#options.clock.monotonicMs();
    if (!this.#live.events) return this.#send(chunk);
    const half = this.#half;
    const bytes = half === null ? chunk : Buffer.concat([half, chunk]);
    // A blank line may straddle the seam, by three bytes at most.
    const end = wholeEventsEnd(bytes, half === null ? 0 : Math.max(0, half.length - 3));
    if (end > 0) {
      const long = this.#long;
      this.#long = null;
      this.#half = end === bytes.length ? null : bytes.subarray(end);
      this.#sendEvents(end === bytes.length ? bytes : bytes.subarray(0, end));
      return long === 'end' ? this.#expectEnd(COMPLETE) : undefined;
    }
    if (bytes.length <= LONGEST_EVENT) {
      this.#half = bytes;
      return;
    }
    this.#half = null;
    this.#long ??= isLongEnd(bytes) ? 'end' : 'more';
    this.#send(bytes);
  }

  onEnd(): void {
    if (this.#state !== 'flowing') return;
    const half = this.#half;
    const isLeft = half !== null && isWholeEnd(half);
    // What the deployment sent goes to the caller to the last byte, unless it ended amid an event.
    if (isLeft) this.#sendEvents(half);
    const isCut = this.#live.events && (this.#long !== null || (half !== null && !isLeft));
    if (isCut && this.#lastWord === null) return this.#break({ kind: 'broken', cause: 'it ended amid an event' });
    this.#complete();
  }

  onBroken(cause: string): void {
    if (this.#lastWord !== null) return this.#complete();
    if (this.#state === 'flowing') this.#break({ kind: 'broken', cause });
  }

  #complete(): void {
    if (this.#state !== 'flowing') return;
    this.#options.onPartEnd(this.#lastWord ?? COMPLETE);
    this.#finish('ended');
  }

  #break(end: StreamEnd): void {
    this.#options.onPartEnd(end);
    this.#half = null;
    if (!this.#live.events) return this.#finish('failed');
    const { restart } = this.#options;
    const cause = end.kind === 'broken' ? end.cause : '';
    if (restart === null) return this.#endWithError(cause);
    this.#state = 'restarting';
    restart.begin().then(
      (next) => this.#goOn(next, cause),
      () => this.#goOn(null, cause),
    );
  }

  #goOn(next: Restarted | null, cause: string): void {
    if (this.#state !== 'restarting') {
      next?.live.abort();
      return;
    }
    if (next === null) return this.#endWithError(cause);
    this.#state = 'flowing';
    this.#withheld = null;
    this.#heardAt = this.#options.clock.monotonicMs();
    this.#closeEvent();
    this.#send(restartEvent(next.from, next.to, this.#options.typed));
    this.#live = next.live;
    this.#meter = next.meter;
    if (this.#paused) next.live.pause();
    next.live.attach(this);
  }

  #endWithError(cause: string): void {
    this.#endWith(this.#withheld ?? brokenEvent(cause, this.#options.typed));
  }

  #endWith(event: Buffer): void {
    this.#closeEvent();
    this.#send(event);
    this.#finish('ended');
  }

  #closeEvent(): void {
    if (this.#long !== null) this.#send(EVENTS_END);
    this.#long = null;
  }

  #sendEvents(events: Buffer): void {
    const word = lastWordOf(events);
    if (word.kind === 'error' && this.#options.restart?.isDue(word.code) === true) {
      this.#pass(events.subarray(0, word.at));
      this.#withheld = this.#meter.pass(events.subarray(word.at));
      this.#live.abort();
      return this.#break({ kind: 'erred', code: word.code });
    }
    this.#pass(events);
    if (word.kind === 'error') this.#expectEnd({ kind: 'erred', code: word.code });
    else if (word.kind === 'end') this.#expectEnd(COMPLETE);
    else if (word.kind === 'more' && this.#lastWord !== null) this.#expectMore();
  }

  #pass(events: Buffer): void {
    const left = this.#meter.pass(events);
    if (left.length > 0) this.#send(left);
  }

  /** The stream has said its last word: whatever its connection does now is no news. */
  #expectEnd(end: StreamEnd): void {
    // Of several last words the first is the one that tells: `[DONE]` behind an error changes nothing.
    this.#lastWord ??= end;
    this.#stopTimer();
    this.#stopTimer = this.#options.clock.after(END_GRACE_MS, () => {
      this.#live.abort();
      this.#complete();
    });
  }

  #expectMore(): void {
    this.#lastWord = null;
    this.#stopTimer();
    this.#armTimer(this.#heardAt);
  }

  #send(bytes: Buffer): void {
    this.#sentAt = this.#heardAt;
    if (this.#deliver(bytes)) return;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (this.#queued > HIGH_WATER && !this.#paused) {
      this.#paused = true;
      this.#live.pause();
    }
  }

  /** Hands bytes to a caller who waits for them; false where nobody does. */
  #deliver(bytes: Buffer): boolean {
    const waiter = this.#waiter;
    if (waiter === null) return false;
    this.#waiter = null;
    waiter({ done: false, value: bytes });
    return true;
  }

  #take(): Buffer {
    const [first] = this.#queue;
    const bytes = this.#queue.length === 1 && first !== undefined ? first : Buffer.concat(this.#queue);
    this.#queue = [];
    this.#queued = 0;
    if (this.#paused) {
      this.#paused = false;
      this.#heardAt = this.#options.clock.monotonicMs();
      this.#live.resume();
    }
    return bytes;
  }

  /** The caller has left, and nobody will read on; or it is dismissed, and shall know that there was more. */
  #leave(): void {
    if (!this.#isOpen()) return;
    const { caller, typed, onPartEnd } = this.#options;
    const isDismissed = caller.dismissed === true && !caller.gone;
    // Stock clients close the connection themselves once they have the last word.
    const end = isDismissed || this.#queue.length === 0 ? this.#lastWord : null;
    if (this.#state === 'flowing') onPartEnd(end ?? { kind: isDismissed ? 'dismissed' : 'gone' });
    this.#live.abort();
    if (!isDismissed || end !== null) this.#finish('ended');
    else if (this.#live.events) this.#endWith(dismissedEvent(typed));
    else this.#finish('failed');
  }

  #finish(state: 'ended' | 'failed'): void {
    this.#state = state;
    this.#stopTimer();
    this.#forgetCaller();
    this.#options.onEnd();
    if (this.#waiter === null) return;
    if (state === 'ended') this.#waiter({ done: true, value: undefined });
    else this.#rejecter?.(new StreamBroken('the answer broke off'));
    this.#waiter = null;
  }

  #armTimer(now: number): void {
    const { idleMs, heartbeatMs } = this.#options.limits;
    const beatAt = heartbeatMs === 0 ? Number.POSITIVE_INFINITY : this.#sentAt + heartbeatMs;
    const next = Math.min(this.#endsAt, this.#heardAt + idleMs, beatAt);
    this.#stopTimer = this.#options.clock.after(Math.max(1, next - now), () => this.#tick());
  }

  #tick(): void {
    if (!this.#isOpen()) return;
    const now = this.#options.clock.monotonicMs();
    const { idleMs, heartbeatMs, maxMs } = this.#options.limits;
    if (this.#paused || this.#state === 'restarting') this.#heardAt = now;
    if (now >= this.#endsAt) this.#cut(`it lasted longer than ${maxMs} ms`, false);
    else if (now >= this.#heardAt + idleMs) this.#cut(`it was silent for ${idleMs} ms`, true);
    else if (heartbeatMs > 0 && now >= this.#sentAt + heartbeatMs) this.#beat(now);
    if (this.#isOpen()) this.#armTimer(now);
  }

  #isOpen(): boolean {
    return this.#state === 'flowing' || this.#state === 'restarting';
  }

  #beat(now: number): void {
    this.#sentAt = now;
    if (this.#live.events && this.#long === null && !this.#paused) this.#deliver(HEARTBEAT);
  }

  #cut(cause: string, mayRestart: boolean): void {
    this.#live.abort();
    if (this.#state === 'flowing' && mayRestart) return this.#break({ kind: 'broken', cause });
    if (this.#state === 'flowing') this.#options.onPartEnd({ kind: 'broken', cause });
    this.#half = null;
    if (this.#live.events) this.#endWithError(cause);
    else this.#finish('failed');
  }
}
