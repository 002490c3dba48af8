import type { ServerResponse } from 'node:http';
import type { Caller } from '../domain/message.ts';

/** Everybody whose answer is not complete, so that they can be told when the router ends. */
export class Callers {
  readonly #present = new Set<SocketCaller>();
  #dismissed = false;

  get dismissed(): boolean {
    return this.#dismissed;
  }

  welcome(response: ServerResponse): Caller {
    const caller = new SocketCaller(this, () => this.#present.delete(caller));
    this.#present.add(caller);
    response.once('close', () => caller.close(response.writableFinished));
    return caller;
  }

  /** Whoever is here, or comes now, gets an end of its answer instead of the answer. */
  dismiss(): void {
    this.#dismissed = true;
    for (const caller of [...this.#present]) caller.tell();
  }
}

/** The caller at the other end of a socket: it has left when the response closes before it is finished. */
class SocketCaller implements Caller {
  readonly #callers: Callers;
  readonly #onClose: () => void;
  #waiting: (() => void)[] = [];
  gone = false;

  constructor(callers: Callers, onClose: () => void) {
    this.#callers = callers;
    this.#onClose = onClose;
  }

  get dismissed(): boolean {
    return this.#callers.dismissed;
  }

  onGone(fn: () => void): () => void {
    this.#waiting.push(fn);
    return () => {
      const at = this.#waiting.indexOf(fn);
      if (at !== -1) this.#waiting.splice(at, 1);
    };
  }

  close(isFinished: boolean): void {
    this.#onClose();
    if (isFinished) return;
    this.gone = true;
    this.tell();
  }

  tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const fn of waiting) fn();
  }
}
