/** What a stream on its way to its caller is handed, and what it tells of its end. */
import type { Clock } from '../domain/clock.ts';
import type { Caller } from '../domain/message.ts';
import type { StreamMeter } from '../usage/streamMeter.ts';
import type { LiveAnswer } from './attempt.ts';

export type StreamEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'broken'; readonly cause: string }
  /** The deployment ended it with an error event of its own. */
  | { readonly kind: 'erred'; readonly code: string | null }
  | { readonly kind: 'gone' }
  /** The router itself is about to end. */
  | { readonly kind: 'dismissed' };

export const COMPLETE: StreamEnd = { kind: 'complete' };

export interface StreamLimits {
  readonly idleMs: number;
  readonly maxMs: number;
  /** 0: none. */
  readonly heartbeatMs: number;
}

export interface Restarted {
  readonly live: LiveAnswer;
  readonly meter: StreamMeter;
  readonly from: string;
  readonly to: string;
}

/** Begins the answer again elsewhere. */
export interface Restart {
  /** Whether an error of the deployment's own is a reason to, or the caller's affair. */
  isDue(code: string | null): boolean;
  /** `null`: nowhere is left. */
  begin(): Promise<Restarted | null>;
}

export interface StreamOptions {
  readonly live: LiveAnswer;
  /** Reads what the stream used, and what the caller shall not see is taken out there. */
  readonly meter: StreamMeter;
  readonly clock: Clock;
  readonly caller: Caller;
  readonly limits: StreamLimits;
  /** The Responses API names its events by type. */
  readonly typed: boolean;
  /** `null`: the request did not ask for it. */
  readonly restart: Restart | null;
  /** Called once for every deployment that served: how its part of the stream ended. */
  readonly onPartEnd: (end: StreamEnd) => void;
  /** Called once, when nothing more will come from anywhere. */
  readonly onEnd: () => void;
}

/** The rest of the answer was lost where no event can say so. */
export class StreamBroken extends Error {
  override readonly name = 'StreamBroken';
}
