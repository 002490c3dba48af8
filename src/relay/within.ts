import type { Clock } from '../domain/clock.ts';
import type { Call } from './call.ts';

/** What is left of a request's time. */
export function remainingMs(call: Pick<Call, 'arrivedAt' | 'wishes'>, clock: Clock): number {
  return call.arrivedAt + call.wishes.deadlineMs - clock.monotonicMs();
}

export interface Waiting<T> {
  readonly ms: number;
  /** Takes the place of what did not come in time. */
  readonly otherwise: () => T;
  /** It came all the same, when nobody waited for it any more. */
  readonly tooLate?: (value: T) => void;
}

const OVER = Symbol('over');

/** The store may be slow to say something, and a request has only so much time for it. */
export async function within<T>(clock: Clock, promise: Promise<T>, waiting: Waiting<T>): Promise<T> {
  const { ms, otherwise, tooLate } = waiting;
  let cancel: () => void = () => undefined;
  const over = new Promise<typeof OVER>((resolve) => {
    cancel = clock.after(ms, () => resolve(OVER));
  });
  const first = await Promise.race([promise, over]).finally(cancel);
  if (first !== OVER) return first;
  // Should it fail after all, that is nobody's concern any more.
  promise.then(tooLate, () => undefined);
  return otherwise();
}
