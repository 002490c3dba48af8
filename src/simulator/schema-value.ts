/**
 * Makes a JSON value that is valid against a JSON Schema, for structured output and tool arguments. Covers what the service
 * takes for structured output and a little more; a keyword outside of it is ignored.
 */
import type { Draw } from '../domain/clock.ts';
import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  objectsAt,
  stringAt,
} from './json.ts';
import { stringFor } from './schema-string.ts';
import { wholeBetween } from './seeded.ts';

/** From here on only what must be there is made, so that recursive schemas end. */
const DEPTH_FOR_ESSENTIALS = 5;
const DEEPEST = 40;

interface Maker {
  readonly root: JsonObject;
  readonly draw: Draw;
}

export function jsonForSchema(schema: JsonObject, draw: Draw): string {
  return JSON.stringify(valueFor(schema, draw));
}

export function valueFor(schema: Json, draw: Draw): Json {
  return makeValue(schema, { root: isObject(schema) ? schema : {}, draw }, 0);
}

function makeValue(schema: Json | undefined, maker: Maker, depth: number): Json {
  if (!isObject(schema) || depth > DEEPEST) return null;
  const resolved = resolve(schema, maker.root);
  if (resolved['const'] !== undefined) return resolved['const'];
  const choices = listAt(resolved, 'enum');
  if (choices.length > 0) return choices[wholeBetween(maker.draw, 0, choices.length - 1)] ?? null;
  const options = [...objectsAt(resolved, 'anyOf'), ...objectsAt(resolved, 'oneOf')];
  if (options.length > 0)
    return makeValue(merge(withoutOptions(resolved), chooseOption(options, maker, depth)), maker, depth + 1);
  switch (typeOf(resolved, maker, depth)) {
    case 'object':
      return makeObject(resolved, maker, depth);
    case 'array':
      return makeArray(resolved, maker, depth);
    case 'integer':
      return makeNumber(resolved, maker.draw, true);
    case 'number':
      return makeNumber(resolved, maker.draw, false);
    case 'boolean':
      return maker.draw() < 0.5;
    case 'null':
      return null;
    default:
      return stringFor(resolved, maker.draw);
  }
}

/** Follows `$ref` and folds `allOf` in. */
function resolve(schema: JsonObject, root: JsonObject): JsonObject {
  let current = schema;
  for (let hops = 0; hops < DEEPEST; hops++) {
    const ref = stringAt(current, '$ref');
    if (ref !== null) {
      const { $ref: _, ...beside } = current;
      current = merge(target(ref, root), beside);
      continue;
    }
    const parts = objectsAt(current, 'allOf');
    if (parts.length === 0) return current;
    const { allOf: _, ...beside } = current;
    current = parts.reduce((whole, part) => merge(whole, resolve(part, root)), beside);
  }
  return current;
}

function target(ref: string, root: JsonObject): JsonObject {
  if (ref === '#') return root;
  if (!ref.startsWith('#/')) return {};
  let at: Json | undefined = root;
  for (const step of ref.slice(2).split('/')) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    at = isObject(at) ? at[key] : isList(at) ? at[Number(key)] : undefined;
  }
  return isObject(at) ? at : {};
}

function merge(base: JsonObject, over: JsonObject): JsonObject {
  const properties = { ...objectAt(base, 'properties'), ...objectAt(over, 'properties') };
  const required = [...new Set([...listAt(base, 'required'), ...listAt(over, 'required')])];
  return {
    ...base,
    ...over,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

function withoutOptions(schema: JsonObject): JsonObject {
  const { anyOf: _, oneOf: __, ...rest } = schema;
  return rest;
}

function chooseOption(options: readonly JsonObject[], maker: Maker, depth: number): JsonObject {
  const weights = options.map((option) => weightOf(option, maker.root));
  const lightest = options[weights.indexOf(Math.min(...weights))];
  if (depth >= DEPTH_FOR_ESSENTIALS && lightest) return lightest;
  return options[wholeBetween(maker.draw, 0, options.length - 1)] ?? {};
}

/** How much more a branch is likely to ask for: a leaf ends a recursion, a reference may go on for ever. */
function weightOf(option: JsonObject, root: JsonObject): number {
  const resolved = resolve(option, root);
  if (resolved['const'] !== undefined || resolved['enum'] !== undefined) return 0;
  const type = resolved['type'];
  const types = isList(type) ? type : [type];
  if (types.includes('null')) return 0;
  if (resolved['anyOf'] !== undefined || resolved['oneOf'] !== undefined) return 3;
  if (types.includes('object') || resolved['properties'] !== undefined)
    return listAt(resolved, 'required').length === 0 ? 2 : 4;
  if (types.includes('array') || resolved['items'] !== undefined)
    return (numberAt(resolved, 'minItems') ?? 0) === 0 ? 2 : 4;
  return 1;
}

function typeOf(schema: JsonObject, maker: Maker, depth: number): string {
  const type = schema['type'];
  if (typeof type === 'string') return type;
  if (isList(type) && type.length > 0) {
    if (depth >= DEPTH_FOR_ESSENTIALS && type.includes('null')) return 'null';
    const chosen = type[wholeBetween(maker.draw, 0, type.length - 1)];
    return typeof chosen === 'string' ? chosen : 'string';
  }
  if (
    schema['properties'] !== undefined ||
    schema['additionalProperties'] !== undefined ||
    schema['required'] !== undefined
  )
    return 'object';
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'array';
  if (
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].some(
      (key) => schema[key] !== undefined,
    )
  )
    return 'number';
  return 'string';
}

function makeObject(schema: JsonObject, maker: Maker, depth: number): Json {
  const properties = objectAt(schema, 'properties') ?? {};
  const required = listAt(schema, 'required').filter((name) => typeof name === 'string');
  const names = depth >= DEPTH_FOR_ESSENTIALS ? required : [...new Set([...Object.keys(properties), ...required])];
  const others = schema['additionalProperties'];
  const value: Record<string, Json> = {};
  const put = (name: string, from: Json | undefined) => {
    // Assigning to `__proto__` would set the prototype instead of a property.
    Object.defineProperty(value, name, {
      value: makeValue(from ?? {}, maker, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  };
  for (const name of names)
    put(name, Object.hasOwn(properties, name) ? properties[name] : others === false ? {} : others);
  const fewest = numberAt(schema, 'minProperties') ?? 0;
  for (let i = 1; others !== false && Object.keys(value).length < fewest; i++) put(`field_${i}`, others);
  return value;
}

function makeArray(schema: JsonObject, maker: Maker, depth: number): Json {
  const first = listAt(schema, 'prefixItems');
  const fewest = numberAt(schema, 'minItems') ?? 0;
  const most = Math.max(fewest, numberAt(schema, 'maxItems') ?? Math.max(fewest, 3));
  const wanted =
    depth >= DEPTH_FOR_ESSENTIALS
      ? fewest
      : wholeBetween(maker.draw, Math.max(fewest, Math.min(1, most)), Math.min(most, fewest + 2));
  const length = schema['items'] === false ? Math.min(wanted, first.length) : wanted;
  const items: Json[] = [];
  const seen = new Set<string>();
  // A set of few possible values may not hold as many different ones as were wished for.
  for (let tries = 0; items.length < length && tries < length * 50; tries++) {
    const item = makeValue(first[items.length] ?? schema['items'] ?? {}, maker, depth + 1);
    const key = JSON.stringify(item);
    if (schema['uniqueItems'] === true && seen.has(key)) continue;
    seen.add(key);
    items.push(item);
  }
  return items;
}

function makeNumber(schema: JsonObject, draw: Draw, whole: boolean): number {
  const step = numberAt(schema, 'multipleOf') ?? (whole ? 1 : 0.01);
  // An integer that must be a multiple of a fraction: the multiples that are whole.
  const unit = whole && !Number.isInteger(step) ? 1 / greatestFraction(step) : step;
  const above = numberAt(schema, 'exclusiveMinimum');
  const below = numberAt(schema, 'exclusiveMaximum');
  const low = Math.max(numberAt(schema, 'minimum') ?? Number.NEGATIVE_INFINITY, above ?? Number.NEGATIVE_INFINITY);
  const high = Math.min(numberAt(schema, 'maximum') ?? Number.POSITIVE_INFINITY, below ?? Number.POSITIVE_INFINITY);
  const from = Number.isFinite(low) ? low : Number.isFinite(high) ? high - 100 * unit : 0;
  const to = Number.isFinite(high) ? high : from + 100 * unit;
  let lowest = Math.ceil(from / unit);
  let highest = Math.floor(to / unit);
  if (above !== null && lowest * unit <= above) lowest += 1;
  if (below !== null && highest * unit >= below) highest -= 1;
  if (lowest > highest) return whole ? Math.ceil(from) : from + (to - from) / 2;
  return tidy(wholeBetween(draw, lowest, Math.min(highest, lowest + 1_000)) * unit);
}

function greatestFraction(step: number): number {
  for (let times = 1; times <= 1_000; times++) if (Number.isInteger(tidy(step * times))) return 1 / (step * times);
  return 1;
}

/** 0.1 * 3 is 0.30000000000000004 to the machine, and no multiple of anything to a reader. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
