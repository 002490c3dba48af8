/** Who may call an endpoint: holders of its key, in either header, and of a token that counts as Entra's. */
import type { IncomingHttpHeaders } from 'node:http';
import { Refusal, UNAUTHORIZED_KEY, UNAUTHORIZED_TOKEN } from './refusal.ts';

export function authenticate(headers: IncomingHttpHeaders, apiKey: string, acceptedTokens: readonly string[]): void {
  const key = headers['api-key'];
  if (typeof key === 'string') {
    if (key === apiKey) return;
    throw new Refusal(401, UNAUTHORIZED_KEY);
  }
  const token = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token !== undefined && (token === apiKey || acceptedTokens.includes(token))) return;
  // The gateway in front answers these, in its own flat form.
  throw new Refusal(401, UNAUTHORIZED_TOKEN);
}
