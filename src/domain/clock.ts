/** Time, passed in wherever it is needed so that tests can own it. */
export interface Clock {
  /** The instant, in milliseconds since 1970. Compare it with other instants only. */
  now(): number;
  /** A clock that never runs backwards, for measuring lengths. */
  monotonicMs(): number;
  /** Calls `fn` once after `delayMs`; the answer cancels it. */
  after(delayMs: number, fn: () => void): () => void;
}

/** A random draw in [0, 1). */
export type Draw = () => number;
