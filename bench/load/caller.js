import { connect } from 'node:net';
import { MessageReader } from '../wire/reader.js';

/**
 * @typedef {object} Answered
 * @property {number} status
 * @property {number} firstByteMs From the request to the first byte of the answer's body.
 * @property {number} totalMs
 * @property {string} tail The answer's last bytes.
 */

const STATUS_AT = 'HTTP/1.1 '.length;
const TAIL_BYTES = 64;

/** One connection that makes one request after the other. */
export class Caller {
  #socket;
  #sentAt = 0;
  #firstAt = 0;
  #status = 0;
  /** @type {Buffer} */
  #last = Buffer.alloc(0);
  /** @type {((answered: Answered) => void) | null} */
  #onAnswer = null;
  #onLost;
  /** Bytes of bodies received so far. */
  received = 0;

  /**
   * @param {number} port
   * @param {(error: Error) => void} onLost The connection went away while it was needed.
   */
  constructor(port, onLost) {
    this.#onLost = onLost;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const reader = new MessageReader({
      onHead: (head) => {
        this.#status = Number(head.slice(STATUS_AT, STATUS_AT + 3));
        this.#firstAt = 0;
      },
      onBody: (bytes) => {
        if (this.#firstAt === 0) this.#firstAt = performance.now();
        this.received += bytes.length;
        this.#last = bytes;
      },
      onEnd: () => this.#end(),
    });
    this.#socket.on('data', (bytes) => reader.push(bytes));
    this.#socket.on('error', (error) => this.#lose(error));
    this.#socket.on('close', () => this.#lose(new Error('the connection was closed before the answer was complete')));
  }

  opened() {
    return new Promise((resolve) => this.#socket.once('connect', resolve));
  }

  /**
   * @param {Buffer} request
   * @param {(answered: Answered) => void} onAnswer
   */
  send(request, onAnswer) {
    this.#onAnswer = onAnswer;
    this.#sentAt = performance.now();
    this.#socket.write(request);
  }

  close() {
    this.#onAnswer = null;
    this.#socket.destroy();
  }

  #end() {
    const now = performance.now();
    const onAnswer = this.#onAnswer;
    this.#onAnswer = null;
    onAnswer?.({
      status: this.#status,
      firstByteMs: (this.#firstAt === 0 ? now : this.#firstAt) - this.#sentAt,
      totalMs: now - this.#sentAt,
      tail: this.#last.latin1Slice(Math.max(0, this.#last.length - TAIL_BYTES)),
    });
  }

  #lose(error) {
    if (this.#onAnswer === null) return;
    this.#onAnswer = null;
    this.#onLost(error);
  }
}
