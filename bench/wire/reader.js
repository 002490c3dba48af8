/**
 * Just enough of HTTP/1.1 framing for the two ends of the bench, so that they cost less than what stands between them.
 * It reads either side's messages; it is strict about nothing and fit for no other use.
 */

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length:\s*(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding:\s*chunked/i;

/**
 * @typedef {object} MessageSink
 * @property {(head: string) => void} onHead
 * @property {(bytes: Buffer) => void} onBody Called for every piece, framing removed.
 * @property {() => void} onEnd
 */

/** Takes bytes as they come and tells its sink of heads, bodies and ends. */
export class MessageReader {
  /** @type {'head' | 'sized' | 'chunkSize' | 'chunk' | 'chunkEnd' | 'trailer'} */
  #state = 'head';
  /** @type {Buffer | null} */
  #partial = null;
  #left = 0;
  #line = '';
  /** @type {MessageSink} */
  #sink;

  /** @param {MessageSink} sink */
  constructor(sink) {
    this.#sink = sink;
  }

  /** @param {Buffer} bytes */
  push(bytes) {
    let at = 0;
    while (at < bytes.length) at = this.#step(bytes, at);
  }

  /**
   * @param {Buffer} bytes
   * @param {number} at
   * @returns {number} where to go on
   */
  #step(bytes, at) {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'sized':
      case 'chunk':
        return this.#readBody(bytes, at);
      default:
        return this.#readLine(bytes, at);
    }
  }

  #readHead(bytes, at) {
    const whole = this.#partial === null ? bytes.subarray(at) : Buffer.concat([this.#partial, bytes.subarray(at)]);
    const end = whole.indexOf(HEAD_END);
    if (end === -1) {
      this.#partial = whole;
      return bytes.length;
    }
    const before = this.#partial === null ? 0 : this.#partial.length;
    this.#partial = null;
    this.#begin(whole.latin1Slice(0, end));
    return at + end + HEAD_END.length - before;
  }

  /** @param {string} head */
  #begin(head) {
    this.#sink.onHead(head);
    if (CHUNKED.test(head)) {
      this.#state = 'chunkSize';
      return;
    }
    this.#left = Number(LENGTH.exec(head)?.[1] ?? 0);
    if (this.#left === 0) this.#end();
    else this.#state = 'sized';
  }

  #readBody(bytes, at) {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    this.#sink.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#left > 0) return end;
    if (this.#state === 'sized') this.#end();
    else this.#state = 'chunkEnd';
    return end;
  }

  /** A chunk's size, the line break behind a chunk, or a trailer. */
  #readLine(bytes, at) {
    const end = bytes.indexOf(10, at);
    this.#line += bytes.latin1Slice(at, end === -1 ? bytes.length : end);
    if (end === -1) return bytes.length;
    const line = this.#line.trim();
    this.#line = '';
    if (this.#state === 'chunkEnd') this.#state = 'chunkSize';
    else if (this.#state === 'chunkSize') this.#beginChunk(Number.parseInt(line, 16));
    else if (line === '') this.#end();
    return end + 1;
  }

  /** @param {number} size */
  #beginChunk(size) {
    this.#left = size;
    this.#state = size === 0 ? 'trailer' : 'chunk';
  }

  #end() {
    this.#state = 'head';
    this.#sink.onEnd();
  }
}
