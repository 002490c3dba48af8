import { hash, timingSafeEqual } from 'node:crypto';
import { RouterError } from '../domain/errors.ts';
import { type HeaderList, headerValue } from '../domain/message.ts';

export interface Gate {
  /** Throws unless the request may use the data plane. */
  admitCaller(headers: HeaderList): void;
  /** Throws unless the request may use the control plane. */
  admitAdmin(headers: HeaderList): void;
  isAdmin(headers: HeaderList): boolean;
}

export interface GateSettings {
  readonly adminKey: string | null;
  readonly callerKeys: readonly string[];
  /** Reachable from this machine alone: until a key is configured, none is needed. */
  readonly loopbackOnly: boolean;
}

export function createGate({ adminKey, callerKeys, loopbackOnly }: GateSettings): Gate {
  const admin = adminKey === null ? null : digest(adminKey);
  const callers = callerKeys.map(digest);
  const openToCallers = loopbackOnly && callers.length === 0;
  const openToAdmins = loopbackOnly && admin === null && callers.length === 0;
  const isAdminKey = (key: Buffer): boolean => admin !== null && timingSafeEqual(key, admin);
  const isCallerKey = (key: Buffer): boolean =>
    callers.reduce((found, one) => timingSafeEqual(key, one) || found, false);

  return {
    admitCaller(headers) {
      if (openToCallers) return;
      const key = keyDigest(headers);
      if (!isCallerKey(key) && !isAdminKey(key)) throw unauthorized('The key is not known here.');
    },
    admitAdmin(headers) {
      if (openToAdmins) return;
      const key = keyDigest(headers);
      if (isAdminKey(key)) return;
      if (isCallerKey(key)) throw new RouterError('forbidden', 'This needs the admin key.');
      throw unauthorized('The key is not known here.');
    },
    isAdmin(headers) {
      const key = keyIn(headers);
      return openToAdmins || (key !== null && isAdminKey(digest(key)));
    },
  };
}

function keyIn(headers: HeaderList): string | null {
  const bearer = headerValue(headers, 'authorization');
  const match = bearer === null ? null : /^Bearer\s+(\S+)\s*$/i.exec(bearer);
  const apiKey = headerValue(headers, 'api-key')?.trim() ?? '';
  return apiKey === '' ? (match?.[1] ?? null) : apiKey;
}

function keyDigest(headers: HeaderList): Buffer {
  const key = keyIn(headers);
  if (key === null) throw unauthorized('A key is needed: send it as "api-key: …" or "Authorization: Bearer …".');
  return digest(key);
}

/** Compared as digests: of one length, whatever was sent. */
function digest(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

function unauthorized(message: string): RouterError {
  return new RouterError('unauthorized', message, { headers: ['www-authenticate', 'Bearer'] });
}
