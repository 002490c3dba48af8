import type { Cookie } from '@azure/functions';

/** One `Set-Cookie` value as the worker wants it (RFC 6265, 5.2); `null` where it is none. */
export function parseSetCookie(header: string): Cookie | null {
  const [pair = '', ...attributes] = header.split(';');
  const equals = pair.indexOf('=');
  if (equals < 1) return null;
  const cookie: Cookie = { name: pair.slice(0, equals).trim(), value: decoded(pair.slice(equals + 1).trim()) };
  for (const attribute of attributes) apply(cookie, attribute);
  return cookie;
}

function apply(cookie: Cookie, attribute: string): void {
  const equals = attribute.indexOf('=');
  const name = (equals === -1 ? attribute : attribute.slice(0, equals)).trim().toLowerCase();
  const value = equals === -1 ? '' : attribute.slice(equals + 1).trim();
  switch (name) {
    case 'domain':
      cookie.domain = value;
      return;
    case 'path':
      cookie.path = value;
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
