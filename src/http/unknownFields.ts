import { RouterError } from '../domain/errors.ts';
import { nearMiss } from '../domain/nearest.ts';

/** A field that nobody reads is most likely a misspelt one: what its sender meant would be left undone without a word. */
export function refuseUnknownFields(json: object, known: readonly string[], whose: string): void {
  const name = Object.keys(json).find((one) => !known.includes(one));
  if (name === undefined) return;
  const meant = nearMiss(name, known);
  const hint = meant === null ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`;
  const message = `${JSON.stringify(name.slice(0, 100))} is not a field of ${whose}. ${hint}`;
  throw new RouterError('invalid_request', message, { param: name.slice(0, 100) });
}
