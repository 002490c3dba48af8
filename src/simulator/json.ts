/** JSON from outside, read without trusting its shape. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

export function objectAt(from: JsonObject, key: string): JsonObject | null {
  const value = from[key];
  return isObject(value) ? value : null;
}

export function stringAt(from: JsonObject, key: string): string | null {
  const value = from[key];
  return typeof value === 'string' ? value : null;
}

export function numberAt(from: JsonObject, key: string): number | null {
  const value = from[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function flagAt(from: JsonObject, key: string): boolean | null {
  const value = from[key];
  return typeof value === 'boolean' ? value : null;
}

export function listAt(from: JsonObject, key: string): readonly Json[] {
  const value = from[key];
  return isList(value) ? value : [];
}

export function objectsAt(from: JsonObject, key: string): JsonObject[] {
  return listAt(from, key).filter(isObject);
}

export function stringsAt(from: JsonObject, key: string): string[] {
  return listAt(from, key).filter((value) => typeof value === 'string');
}

/** `undefined` where the text is not JSON: `null` is a value. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
