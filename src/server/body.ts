import type { IncomingMessage } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import type { BodyLimits } from '../domain/message.ts';
import { bodyCutOff, bodyTooLarge, bodyTooSlow } from '../http/limits.ts';

const EMPTY = Buffer.alloc(0);

/** Takes the whole body in, within its bounds. */
export function readBody(request: IncomingMessage, { maxBytes, withinMs }: BodyLimits, clock: Clock): Promise<Buffer> {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (length === undefined && encoding === undefined) return Promise.resolve(EMPTY);
  if (Number(length) > maxBytes) return Promise.reject(bodyTooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (): void => {
      stop();
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
    };
    const fail = (error: Error): void => {
      settle();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) fail(bodyTooLarge(maxBytes));
    };
    const onEnd = (): void => {
      settle();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    };
    const onClose = (cause?: unknown): void => fail(bodyCutOff(cause));
    const stop = clock.after(withinMs, () => fail(bodyTooSlow(withinMs)));
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}
