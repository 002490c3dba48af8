import type { Cookie } from '@azure/functions';

/**
 * What the worker's cookie library accepts (RFC 6265, 4.1.1). It throws at anything else, while the answer is being written,
 * and the caller would wait for ever.
 */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DOMAIN = /^\.?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const PATH = /^[\x20-\x3a\x3c-\x7e]*$/;

/** One `Set-Cookie` value as the worker wants it (RFC 6265, 5.2); `null` where it cannot be put that way. */
export function parseSetCookie(header: string): Cookie | null {
  const [pair = '', ...attributes] = header.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals)).trim();
  if (!NAME.test(name)) return null;
  const cookie: Cookie = { name, value: decoded(pair.slice(equals + 1).trim()) };
  for (const attribute of attributes) apply(cookie, attribute);
  return cookie;
}

function apply(cookie: Cookie, attribute: string): void {
  const equals = attribute.indexOf('=');
  const name = (equals === -1 ? attribute : attribute.slice(0, equals)).trim().toLowerCase();
  const value = equals === -1 ? '' : attribute.slice(equals + 1).trim();
  switch (name) {
    case 'domain':
      if (DOMAIN.test(value)) cookie.domain = value;
      return;
    case 'path':
      if (PATH.test(value)) cookie.path = value;
      return;
    case 'expires':
      if (!Number.isNaN(Date.parse(value))) cookie.expires = new Date(value);
      return;
    case 'max-age':
      if (/^-?\d+$/.test(value)) cookie.maxAge = Number(value);
      return;
    case 'secure':
      cookie.secure = true;
      return;
    case 'httponly':
      cookie.httpOnly = true;
      return;
    case 'samesite':
      cookie.sameSite = sameSite(value);
      return;
    default:
  }
}

function sameSite(value: string): 'Strict' | 'Lax' | 'None' | undefined {
  return (['Strict', 'Lax', 'None'] as const).find((one) => one.toLowerCase() === value.toLowerCase());
}

/** The worker encodes the value again. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
