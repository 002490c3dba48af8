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

/** The store may be slow to say something, and a request has only so much time for it. */
export function within<T>(clock: Clock, promise: Promise<T>, { ms, otherwise, tooLate }: Waiting<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const cancel = clock.after(ms, () => {
      isOver = true;
      try {
        resolve(otherwise());
      } catch (error) {
        reject(error);
      }
    });
    promise.then(
      (value) => {
        cancel();
        if (isOver) tooLate?.(value);
        else resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
