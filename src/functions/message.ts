/** Between the Functions worker's idea of HTTP and the app's. */
import type { Cookie, HttpRequest, HttpResponseInit } from '@azure/functions';
import type { Clock } from '../domain/clock.ts';
import type { Answer, AnswerStream, BodyLimits, Caller, IncomingRequest } from '../domain/message.ts';
import { RouterError } from '../domain/errors.ts';
import { errorAnswer } from '../http/errors.ts';
import { bodyCutOff, bodyTooLarge, bodyTooSlow } from '../http/limits.ts';
import { parseSetCookie } from './cookies.ts';

/** The worker gives no sign when a caller leaves. */
const STAYS: Caller = { gone: false, onGone: () => () => undefined };

export function fromHttpRequest(request: HttpRequest, clock: Clock): IncomingRequest {
  const headers: string[] = [];
  for (const [name, value] of request.headers) headers.push(name, value);
  return {
    method: request.method,
    target: targetOf(request.url),
    headers,
    caller: STAYS,
    readBody: (limits) => readBody(request, limits, clock),
  };
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
  const reader: ChunkReader = body.getReader();
  let stop: () => void = () => undefined;
  const tooSlow = new Promise<never>((_, reject) => {
    stop = clock.after(withinMs, () => reject(bodyTooSlow(withinMs)));
  });
  try {
    return await Promise.race([collect(reader, maxBytes), tooSlow]);
  } catch (error) {
    // Cancelling would destroy the socket on which the answer has to go out: the rest is read into the void.
    void discard(reader);
    throw error;
  } finally {
    stop();
  }
}

interface ChunkReader {
  read(): Promise<{ done: boolean; value?: Uint8Array }>;
}

async function collect(reader: ChunkReader, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw bodyCutOff(cause);
    });
    if (done || value === undefined) return Buffer.concat(chunks, size);
    chunks.push(value);
    size += value.length;
    if (size > maxBytes) throw bodyTooLarge(maxBytes);
  }
}

async function discard(reader: ChunkReader): Promise<void> {
  try {
    while (!(await reader.read()).done);
  } catch {
    // The caller is gone, and so is the rest of its body.
  }
}

export function toHttpResponse(answer: Answer): HttpResponseInit {
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
  if (body === null) return init;
  return { ...init, body: Buffer.isBuffer(body) ? body : toReadable(body) };
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
function toReadable(stream: AnswerStream): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Buffer, undefined> = stream[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch {
        controller.close();
      }
    },
    async cancel() {
      await chunks.return?.();
    },
  });
}
