import { RouterError } from '../domain/errors.ts';
import { nearMiss } from '../domain/nearest.ts';

/** The object that the control plane is sent; `form` says what it may look like. */
export function objectIn(body: Buffer, form: string): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new RouterError('invalid_request', 'The body is not valid JSON.', { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('body', `an object ${form}`);
  return json as Readonly<Record<string, unknown>>;
}

export function wrong(param: string, allowed: string): RouterError {
  return new RouterError('invalid_request', `${param} must be ${allowed}.`, { param });
}

/** A field that nobody reads is most likely a misspelt one: what its sender meant would be left undone without a word. */
export function refuseUnknownFields(json: object, known: readonly string[], whose: string): void {
  const name = Object.keys(json).find((one) => !known.includes(one));
  if (name === undefined) return;
  const meant = nearMiss(name, known);
  const hint = meant === null ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`;
  const message = `${JSON.stringify(name.slice(0, 100))} is not a field of ${whose}. ${hint}`;
  throw new RouterError('invalid_request', message, { param: name.slice(0, 100) });
}
