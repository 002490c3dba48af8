import type { IncomingMessage } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import { type BodyLimits, headerValue } from '../domain/message.ts';
import { bodyCutOff, bodyTooLarge, bodyTooSlow } from '../http/limits.ts';

const EMPTY = Buffer.alloc(0);

/** Takes the whole body in, within its bounds. */
export function readBody(request: IncomingMessage, { maxBytes, withinMs }: BodyLimits, clock: Clock): Promise<Buffer> {
  // Looked up in what came: `request.headers` would first be built for every request.
  const length = headerValue(request.rawHeaders, 'content-length');
  if (length === null && headerValue(request.rawHeaders, 'transfer-encoding') === null) return Promise.resolve(EMPTY);
  if (Number(length) > maxBytes) return Promise.reject(bodyTooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let settled = false;
    const fail = (error: Error): void => {
      stop();
      settled = true;
      reject(error);
    };
    const stop = clock.after(withinMs, () => fail(bodyTooSlow(withinMs)));
    request.on('data', (chunk: Buffer) => {
      // What comes behind a refusal is read into the void.
      if (settled) return;
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) fail(bodyTooLarge(maxBytes));
    });
    request.on('end', () => {
      stop();
      settled = true;
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    });
    request.on('close', () => {
      if (!settled) fail(bodyCutOff());
    });
  });
}
