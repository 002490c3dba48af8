/** Between the Functions worker's idea of HTTP and the app's. */
import type { Cookie, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Clock } from '../domain/clock.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer, AnswerStream, BodyLimits, Caller, IncomingRequest } from '../domain/message.ts';
import { errorAnswer } from '../http/errors.ts';
import { bodyCutOff, bodyTooLarge, bodyTooSlow } from '../http/limits.ts';
import { parseSetCookie } from './cookies.ts';

export function fromHttpRequest(request: HttpRequest, clock: Clock, caller: Caller): IncomingRequest {
  const headers: string[] = [];
  for (const [name, value] of request.headers) headers.push(name, value);
  return {
    method: request.method,
    target: targetOf(request.url),
    headers,
    source: sourceOf(request.headers.get('x-forwarded-for')),
    caller,
    readBody: (limits) => readBody(request, limits, clock),
  };
}

/** Azure's front end appends the address it sees, with its port, to whatever a caller put there. */
function sourceOf(forwardedFor: string | null): string {
  const last = forwardedFor?.split(',').at(-1)?.trim() ?? '';
  return last.replace(/^(\[.*\]|[^:]+):\d+$/, '$1');
}

/** Path and query as they stand in the URL: the worker's own query object joins what came twice. */
function targetOf(url: string): string {
  const path = url.indexOf('/', url.indexOf('://') + 3);
  return path === -1 ? '/' : url.slice(path);
}

async function readBody(request: HttpRequest, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  const { maxBytes, withinMs } = limits;
  if (Number(request.headers.get('content-length')) > maxBytes) throw bodyTooLarge(maxBytes);
  const { body } = request;
  if (body === null) return Buffer.alloc(0);
  const reader = new StoppableReader(body.getReader());
  let stop: () => void = () => undefined;
  const tooSlow = new Promise<never>((_, reject) => {
    stop = clock.after(withinMs, () => reject(bodyTooSlow(withinMs)));
  });
  try {
    return await Promise.race([reader.collect(maxBytes), tooSlow]);
  } catch (error) {
    // Cancelling would destroy the socket on which the answer has to go out: the rest is read into the void.
    reader.discard();
    throw error;
  } finally {
    stop();
  }
}

interface ChunkReader {
  read(): Promise<{ done: boolean; value?: Uint8Array }>;
}

/** Reads a body to its end, keeping it as long as somebody wants it. */
class StoppableReader {
  readonly #reader: ChunkReader;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #wanted = true;
  #reading = false;

  constructor(reader: ChunkReader) {
    this.#reader = reader;
  }

  async collect(maxBytes: number): Promise<Buffer> {
    this.#reading = true;
    for (;;) {
      const { done, value } = await this.#reader.read().catch((cause: unknown) => {
        this.#reading = false;
        throw bodyCutOff(cause);
      });
      if (done || value === undefined) break;
      if (!this.#wanted) continue;
      this.#chunks.push(value);
      this.#size += value.length;
      if (this.#size > maxBytes) {
        this.#reading = false;
        throw bodyTooLarge(maxBytes);
      }
    }
    this.#reading = false;
    return Buffer.concat(this.#chunks, this.#size);
  }

  /** Lets go of what came, and of what will come. */
  discard(): void {
    this.#wanted = false;
    this.#chunks = [];
    this.#size = 0;
    if (!this.#reading) void this.#drain();
  }

  async #drain(): Promise<void> {
    try {
      while (!(await this.#reader.read()).done);
    } catch {
      // The caller is gone, and so is the rest of its body.
    }
  }
}

/** `onOver` is called once nothing more of the answer is to come. */
export function toHttpResponse(answer: Answer, onOver: () => void): HttpResponseInit {
  const { status, headers, body } = answer.status >= 200 && answer.status <= 599 ? answer : impossible(answer);
  const pairs: [string, string][] = [];
  const cookies: Cookie[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (name.toLowerCase() !== 'set-cookie') pairs.push([name, value]);
    else cookies.push(...cookieIn(value));
  }
  if (Buffer.isBuffer(body)) pairs.push(['content-length', String(body.length)]);
  const init: HttpResponseInit = { status, headers: pairs, cookies };
  if (body !== null && !Buffer.isBuffer(body)) return { ...init, body: toReadable(body, onOver) };
  onOver();
  return body === null ? init : { ...init, body };
}

/** Of several Set-Cookie headers the worker keeps the last one only; its cookie list keeps them all. */
function cookieIn(value: string): Cookie[] {
  const cookie = parseSetCookie(value);
  return cookie === null ? [] : [cookie];
}

/** The worker's Response cannot carry such a status and would throw. */
function impossible({ status }: Answer): Answer {
  const message = `The deployment answered with status ${status}, which cannot be passed on.`;
  return errorAnswer(new RouterError('upstream_failed', message), '-');
}

/** A body that fails would leave the caller waiting for ever: this one ends instead. */
function toReadable(stream: AnswerStream, onOver: () => void): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Buffer, undefined> = stream[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (done !== true) return controller.enqueue(value);
      } catch {
        // What came is all there will be.
      }
      controller.close();
      onOver();
    },
    async cancel() {
      onOver();
      await chunks.return?.();
    },
  });
}
