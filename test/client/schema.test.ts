import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type JsonSchema, toJsonSchema } from '../../src/client/schema.ts';

/** A library that writes itself down as it is told to. */
function written(jsonSchema: JsonSchema) {
  const validate = (value: unknown) => ({ value });
  return {
    '~standard': { version: 1 as const, vendor: 'homemade', validate, jsonSchema: { input: () => jsonSchema } },
  };
}

const OPEN = { type: 'object', properties: { a: { type: 'string' } } };
const CLOSED = { ...OPEN, additionalProperties: false };

describe('what a library writes down', () => {
  it.each([
    { where: 'at the root', given: OPEN, sent: CLOSED },
    {
      where: 'in a property',
      given: { properties: { b: OPEN } },
      sent: { properties: { b: CLOSED }, additionalProperties: false },
    },
    { where: 'in a list', given: { items: OPEN }, sent: { items: CLOSED } },
    { where: 'at a place of a list', given: { prefixItems: [OPEN] }, sent: { prefixItems: [CLOSED] } },
    { where: 'among others', given: { anyOf: [OPEN, true] }, sent: { anyOf: [CLOSED, true] } },
    { where: 'among exclusive others', given: { oneOf: [OPEN] }, sent: { oneOf: [CLOSED] } },
    { where: 'in a definition', given: { $defs: { x: OPEN } }, sent: { $defs: { x: CLOSED } } },
  ])('has its objects closed: $where', ({ given, sent }) => {
    expect(toJsonSchema(written(given))).toEqual(sent);
  });

  it.each([
    { what: 'objects that add up', given: { allOf: [OPEN, { properties: { b: {} } }] } },
    { what: 'objects that others add to', given: { ...OPEN, allOf: [{ properties: { b: {} } }] } },
    { what: 'objects that may have more', given: { ...OPEN, additionalProperties: true } },
    { what: 'maps', given: { type: 'object', additionalProperties: { type: 'string' } } },
    { what: 'objects of any kind', given: { type: 'object' } },
    { what: 'what must not be', given: { not: OPEN } },
    { what: 'values that look like schemas', given: { enum: [OPEN], default: OPEN } },
  ])('keeps $what as they are', ({ given }) => {
    expect(toJsonSchema(written(given))).toEqual(given);
  });

  it('is left alone where the caller wrote it', () => {
    expect(toJsonSchema(OPEN)).toBe(OPEN);
  });

  it('is closed also where it refers to itself', () => {
    const Node = z.object({
      value: z.string(),
      get next() {
        return Node.nullable();
      },
    });
    expect(JSON.stringify(toJsonSchema(z.object({ one: Node, two: Node })))).toContain('"$ref"');
    expect(
      JSON.stringify(toJsonSchema(z.object({ one: Node, two: Node }))).match(/"additionalProperties":false/g),
    ).toHaveLength(2);
  });
});
