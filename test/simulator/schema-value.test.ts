import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../src/simulator/json.ts';
import { textFor } from '../../src/simulator/pattern-text.ts';
import { valueFor } from '../../src/simulator/schema-value.ts';
import { drawFrom } from '../../src/simulator/seeded.ts';

/** A checker of its own, so that the generator is not its own judge. Says where a value breaks its schema. */
function problemsIn(value: Json | undefined, schema: JsonObject, root: JsonObject, at = '$'): string[] {
  const ref = schema['$ref'];
  if (typeof ref === 'string') {
    const resolved = ref === '#' ? root : ((root['$defs'] as JsonObject)[ref.slice('#/$defs/'.length)] as JsonObject);
    return problemsIn(value, resolved, root, at);
  }
  const say = (broken: boolean, keyword: string) => (broken ? [`${at}: ${keyword}, got ${JSON.stringify(value)}`] : []);
  const same = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);
  const options = (schema['anyOf'] ?? schema['oneOf']) as JsonObject[] | undefined;
  const parts = (schema['allOf'] ?? []) as JsonObject[];
  const type = schema['type'];
  const types = (type === undefined ? [] : Array.isArray(type) ? type : [type]) as string[];
  return [
    ...say(types.length > 0 && !types.some((each) => isOf(value, each)), `type ${types.join('|')}`),
    ...say('const' in schema && !same(value, schema['const']), 'const'),
    ...say('enum' in schema && !(schema['enum'] as Json[]).some((each) => same(each, value)), 'enum'),
    ...say(options !== undefined && !options.some((option) => problemsIn(value, option, root).length === 0), 'anyOf'),
    ...parts.flatMap((part) => problemsIn(value, part, root, at)),
    ...problemsInNumber(value, schema, say),
    ...problemsInString(value, schema, say),
    ...problemsInArray(value, schema, root, at),
    ...problemsInObject(value, schema, root, at),
  ];
}

function isOf(value: Json | undefined, type: string): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

type Say = (broken: boolean, keyword: string) => string[];

function problemsInNumber(value: Json | undefined, schema: JsonObject, say: Say): string[] {
  if (typeof value !== 'number') return [];
  const bound = (name: string) => schema[name] as number | undefined;
  const times = value / (bound('multipleOf') ?? 1);
  return [
    ...say(value < (bound('minimum') ?? value), 'minimum'),
    ...say(value > (bound('maximum') ?? value), 'maximum'),
    ...say(value <= (bound('exclusiveMinimum') ?? value - 1), 'exclusiveMinimum'),
    ...say(value >= (bound('exclusiveMaximum') ?? value + 1), 'exclusiveMaximum'),
    ...say(bound('multipleOf') !== undefined && Math.abs(times - Math.round(times)) > 1e-6, 'multipleOf'),
  ];
}

function problemsInString(value: Json | undefined, schema: JsonObject, say: Say): string[] {
  if (typeof value !== 'string') return [];
  return [
    ...say(value.length < ((schema['minLength'] as number | undefined) ?? 0), 'minLength'),
    ...say(value.length > ((schema['maxLength'] as number | undefined) ?? value.length), 'maxLength'),
    ...say(typeof schema['pattern'] === 'string' && !new RegExp(schema['pattern'], 'u').test(value), 'pattern'),
  ];
}

function problemsInArray(value: Json | undefined, schema: JsonObject, root: JsonObject, at: string): string[] {
  if (!Array.isArray(value)) return [];
  const items = value as Json[];
  const unique = new Set(items.map((item) => JSON.stringify(item))).size === items.length;
  const prefix = (schema['prefixItems'] ?? []) as JsonObject[];
  return [
    ...(items.length < ((schema['minItems'] as number | undefined) ?? 0) ? [`${at}: minItems`] : []),
    ...(items.length > ((schema['maxItems'] as number | undefined) ?? items.length) ? [`${at}: maxItems`] : []),
    ...(schema['uniqueItems'] === true && !unique ? [`${at}: uniqueItems`] : []),
    ...items.flatMap((item, index) =>
      problemsIn(item, prefix[index] ?? ((schema['items'] ?? {}) as JsonObject), root, `${at}[${index}]`),
    ),
  ];
}

function problemsInObject(value: Json | undefined, schema: JsonObject, root: JsonObject, at: string): string[] {
  if (!isOf(value, 'object')) return [];
  const object = value as JsonObject;
  const properties = (schema['properties'] ?? {}) as Record<string, JsonObject>;
  const missing = ((schema['required'] ?? []) as string[]).filter((name) => !Object.hasOwn(object, name));
  const unknown = Object.keys(object).filter((name) => !Object.hasOwn(properties, name));
  return [
    ...missing.map((name) => `${at}: required ${name}`),
    ...(schema['additionalProperties'] === false ? unknown.map((name) => `${at}: additional ${name}`) : []),
    ...Object.entries(properties).flatMap(([name, each]) =>
      Object.hasOwn(object, name) ? problemsIn(object[name], each, root, `${at}.${name}`) : [],
    ),
  ];
}

const bounds = fc.tuple(fc.integer({ min: -1_000, max: 1_000 }), fc.nat(500));
const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constantFrom<JsonObject>(
    { type: 'boolean' },
    { type: 'null' },
    { type: 'string' },
    { type: ['string', 'null'] },
    { const: 'fixed' },
  ),
  fc
    .uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 4 })
    .map((choices): JsonObject => ({ enum: choices })),
  bounds.map(([minimum, size]): JsonObject => ({ type: 'integer', minimum, maximum: minimum + size })),
  bounds.map(
    ([from, size]): JsonObject => ({ type: 'number', exclusiveMinimum: from, exclusiveMaximum: from + size + 1 }),
  ),
  fc.constantFrom(0.5, 1, 2, 5, 0.25).map((multipleOf): JsonObject => ({ type: 'number', minimum: 3, multipleOf })),
  fc
    .tuple(fc.nat(20), fc.nat(20))
    .map(([minLength, more]): JsonObject => ({ type: 'string', minLength, maxLength: minLength + more })),
  fc
    .constantFrom('^[A-Z]{2,4}-\\d+$', '^(yes|no)$', '^\\d{5}(-\\d{4})?$')
    .map((pattern): JsonObject => ({ type: 'string', pattern })),
  fc.constantFrom('date', 'date-time', 'uuid', 'email').map((format): JsonObject => ({ type: 'string', format })),
  fc.constant<JsonObject>({ $ref: '#/$defs/node' }),
);

const { schema: schemas } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc
      .record({
        properties: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), tie('schema'), { maxKeys: 4 }),
        closed: fc.boolean(),
        all: fc.boolean(),
      })
      .map(
        ({ properties, closed, all }): JsonObject => ({
          type: 'object',
          properties,
          required: all ? Object.keys(properties) : Object.keys(properties).slice(1),
          additionalProperties: !closed,
        }),
      ),
    fc
      .tuple(tie('schema'), fc.nat(3), fc.nat(3))
      .map(([items, minItems, more]): JsonObject => ({ type: 'array', items, minItems, maxItems: minItems + more })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map((anyOf): JsonObject => ({ anyOf })),
    fc
      .tuple(tie('schema'), tie('schema'))
      .map((prefixItems): JsonObject => ({ type: 'array', prefixItems, items: { type: 'integer' }, minItems: 2 })),
  ),
}));

/** A recursion through a list and one through an alternative. */
const NODE: JsonObject = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    children: { type: 'array', items: { $ref: '#/$defs/node' } },
    parent: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
  },
  required: ['name', 'children', 'parent'],
  additionalProperties: false,
};

describe('a value for a schema', () => {
  it('is valid, whatever the schema and the draw', () => {
    fc.assert(
      fc.property(schemas, fc.nat(), (schema, seed) => {
        const root = { ...schema, $defs: { node: NODE } };
        expect(problemsIn(valueFor(root, drawFrom(seed)), root, root)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for the same draw', () => {
    fc.assert(
      fc.property(schemas, fc.nat(), (schema, seed) => {
        const root = { ...schema, $defs: { node: NODE } };
        expect(valueFor(root, drawFrom(seed))).toEqual(valueFor(root, drawFrom(seed)));
      }),
    );
  });

  it.each<{ name: string; schema: JsonObject }>([
    { name: 'nothing at all', schema: {} },
    {
      name: 'parts that all hold',
      schema: {
        allOf: [
          { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
          { properties: { b: { type: 'string' } }, required: ['b'] },
        ],
      },
    },
    {
      name: 'itself',
      schema: {
        type: 'object',
        properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
        required: ['next'],
        additionalProperties: false,
      },
    },
    {
      name: 'different items',
      schema: { type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 3, maxItems: 3, uniqueItems: true },
    },
    { name: 'a required name that no property describes', schema: { type: 'object', required: ['free'] } },
    {
      name: 'a property called __proto__',
      schema: JSON.parse(
        '{"type":"object","properties":{"__proto__":{"type":"integer"}},"required":["__proto__"]}',
      ) as JsonObject,
    },
    { name: 'an integer between two', schema: { type: 'integer', exclusiveMinimum: 4, exclusiveMaximum: 6 } },
    { name: 'a multiple within bounds', schema: { type: 'integer', minimum: 11, maximum: 19, multipleOf: 5 } },
  ])('that asks for $name is valid', ({ schema }) => {
    for (let seed = 0; seed < 50; seed++)
      expect(problemsIn(valueFor(schema, drawFrom(seed)), schema, schema)).toEqual([]);
  });
});

describe('a text for a pattern', () => {
  it.each([
    '^\\d{5}$',
    '^[A-TV-Z][0-9][0-9AB](\\.[0-9A-TV-Z]{1,4})?$',
    '^(?:a|bc|)d*e+$',
    '^[^\\s,]{3}$',
    'x?y{2,}',
    '^\\w+@\\w+\\.(com|org)$',
    '^\\u0041\\x42$',
    '^[\\-\\]a]+$',
    '^(?<year>20\\d\\d)-(0[1-9]|1[0-2])$',
    '^\\$\\(\\)$',
  ])('matches %s', (pattern) => {
    for (let seed = 0; seed < 50; seed++) expect(textFor(pattern, drawFrom(seed))).toMatch(new RegExp(pattern));
  });
});
