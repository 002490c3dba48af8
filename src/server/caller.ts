import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '../domain/message.ts';

/**
 * Everybody whose answer is not complete, so that they can be told when the router ends. Each connection keeps its own: one set of all
 * would be written with every request, and as old objects that point to young ones are dear, so would each request be.
 */
export class Callers {
  readonly #seats = new Map<Socket, SocketCaller[]>();
  #dismissed = false;

  get dismissed(): boolean {
    return this.#dismissed;
  }

  connected(socket: Socket): void {
    this.#seats.set(socket, []);
    socket.once('close', () => this.#seats.delete(socket));
  }

  welcome(response: ServerResponse): Caller {
    const present = (response.socket === null ? null : this.#seats.get(response.socket)) ?? [];
    const caller = new SocketCaller(this);
    present.push(caller);
    response.once('close', () => {
      present.splice(present.indexOf(caller), 1);
      caller.close(response.writableFinished);
    });
    return caller;
  }

  /** Whoever is here, or comes now, gets an end of its answer instead of the answer. */
  dismiss(): void {
    this.#dismissed = true;
    for (const caller of [...this.#seats.values()].flat()) caller.tell();
  }
}

/** The caller at the other end of a socket: it has left when the response closes before it is finished. */
class SocketCaller implements Caller {
  readonly #callers: Callers;
  #waiting: (() => void)[] = [];
  gone = false;

  constructor(callers: Callers) {
    this.#callers = callers;
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
