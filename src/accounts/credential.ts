/** What a request shows of who sent it, and what it is told where that will not do. */
import { hash } from 'node:crypto';
import { RouterError } from '../domain/errors.ts';
import { type HeaderList, headerValue } from '../domain/message.ts';

/** `api-key: K`, else `Authorization: Bearer K`; `null`: neither. */
export function credentialIn(headers: HeaderList): string | null {
  const apiKey = headerValue(headers, 'api-key')?.trim() ?? '';
  if (apiKey !== '') return apiKey;
  const bearer = headerValue(headers, 'authorization');
  return bearer === null ? null : (/^Bearer\s+(\S+)\s*$/i.exec(bearer)?.[1] ?? null);
}

/** Credentials are compared and remembered as digests: of one length whatever was sent, and worth nothing to whoever reads them. */
export function digestOf(credential: string): string {
  return hash('sha256', credential, 'hex');
}

export function unauthorized(message: string): RouterError {
  return new RouterError('unauthorized', message, { headers: ['www-authenticate', 'Bearer'] });
}

/** It may well be good: 503 has the caller try again, where 401 would have it give up. */
export function cannotBeChecked(what: 'Keys' | 'Tokens', retryAfterMs: number, cause?: unknown): RouterError {
  const message = `${what} cannot be checked at the moment. Try again.`;
  return new RouterError('internal', message, { status: 503, retryAfterMs, cause });
}
