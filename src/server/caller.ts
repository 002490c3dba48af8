import type { ServerResponse } from 'node:http';
import type { Caller } from '../domain/message.ts';

/** The caller at the other end of a socket: it has left when the response closes before it is finished. */
export class SocketCaller implements Caller {
  #waiting: (() => void)[] = [];
  gone = false;

  constructor(response: ServerResponse) {
    response.once('close', () => {
      if (response.writableFinished) return;
      this.gone = true;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const fn of waiting) fn();
    });
  }

  onGone(fn: () => void): () => void {
    this.#waiting.push(fn);
    return () => {
      const at = this.#waiting.indexOf(fn);
      if (at !== -1) this.#waiting.splice(at, 1);
    };
  }
}
