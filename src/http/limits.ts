import type { Limits } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import type { HeaderList } from '../domain/message.ts';

/** RFC 6585, 5: one status for too many fields and for too large ones. */
const TOO_LARGE_STATUS = 431;

export function checkHeaders(headers: HeaderList, { headerCount, headerKb }: Limits): void {
  const count = headers.length / 2;
  if (count > headerCount) throw tooLarge(`${count} header fields`, `${headerCount}`);
  let size = 0;
  for (const text of headers) size += text.length;
  if (size > headerKb * 1024) throw tooLarge(`${size} bytes of headers`, `${headerKb * 1024}`);
}

function tooLarge(found: string, allowed: string): RouterError {
  return new RouterError('request_too_large', `The request has ${found}; allowed are ${allowed}.`, {
    status: TOO_LARGE_STATUS,
  });
}

export function bodyTooLarge(maxBytes: number): RouterError {
  return new RouterError('request_too_large', `The body is larger than the ${maxBytes} bytes allowed here.`);
}

export function bodyTooSlow(withinMs: number): RouterError {
  const message = `The body did not arrive within ${withinMs} ms.`;
  return new RouterError('deadline_exceeded', message, { status: 408 });
}

export function bodyCutOff(cause?: unknown): RouterError {
  return new RouterError('invalid_request', 'The body broke off before its end.', { cause });
}
