import { describe, expect, it } from 'vitest';
import { Checker, type Schema, Uncheckable } from '../../src/generate/check.ts';

const faults = (schema: Schema, value: unknown) => new Checker(schema).mismatches(value);
const AT_MOST = { $defs: { few: { type: 'integer', maximum: 3 } }, type: 'array', items: { $ref: '#/$defs/few' } };

describe('a value that does not match', () => {
  it.each<[string, Schema, unknown, object[]]>([
    ['a type', { type: 'string' }, 5, [{ path: '', found: '5', allowed: 'string' }]],
    ['one of types', { type: ['string', 'null'] }, 5, [{ path: '', found: '5', allowed: 'string or null' }]],
    ['a choice of values', { enum: ['a', 2] }, 'b', [{ path: '', found: '"b"', allowed: 'one of "a", 2' }]],
    ['a constant', { const: 1 }, 2, [{ path: '', found: '2', allowed: '1' }]],
    ['a reference', AT_MOST, [1, 9], [{ path: '/1', found: '9', allowed: 'maximum 3' }]],
    [
      'a choice of schemas',
      { anyOf: [{ type: 'string' }, { type: 'object', required: ['z'] }] },
      5,
      [{ path: '', found: '5', allowed: 'string, or object' }],
    ],
    [
      'properties with signs of their own',
      { properties: { 'a/b ~%é': { type: 'integer' } }, required: ['x/y'] },
      { 'a/b ~%é': 'no' },
      [
        { path: '/x~1y', found: 'nothing', allowed: 'a value: it is required' },
        { path: '/a~1b ~0%é', found: '"no"', allowed: 'integer' },
      ],
    ],
    ['nothing at all', false, 1, [{ path: '', found: '1', allowed: 'nothing: there is no place for it' }]],
    [
      'what is ruled out',
      { not: { type: 'string' } },
      'x',
      [{ path: '', found: '"x"', allowed: 'not {"type":"string"}' }],
    ],
  ])('is told where and why: %s', (_what, schema, value, expected) => {
    expect(faults(schema, value)).toEqual(expected);
  });

  it('is told in full, up to a limit, and with long values cut', () => {
    const list = Array.from({ length: 50 }, () => 'x'.repeat(500));
    const found = faults({ items: { type: 'integer' } }, list);
    expect(found).toHaveLength(20);
    expect(found[0]?.found).toHaveLength(121);
  });

  it('is judged by the draft that the schema names', () => {
    const tuple = { items: [{ type: 'integer' }], additionalItems: false };
    expect(faults({ $schema: 'http://json-schema.org/draft-07/schema#', ...tuple }, [1, 2])).toHaveLength(1);
    const beside = { $ref: '#/definitions/a', maxLength: 1, definitions: { a: { type: 'string' } } };
    expect(faults({ $schema: 'http://json-schema.org/draft-07/schema#', ...beside }, 'long')).toEqual([]);
    expect(faults(beside, 'long')).toHaveLength(1);
    expect(faults({ prefixItems: [{ type: 'integer' }], items: false }, [1, 2])).toHaveLength(1);
  });
});

describe('a schema that would never end', () => {
  it('is given up after a short while where a pattern runs for ever', () => {
    const startedAt = performance.now();
    const checker = new Checker({ type: 'string', pattern: '^(a+)+$' });
    expect(() => checker.mismatches(`${'a'.repeat(60)}!`)).toThrow(Uncheckable);
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect(checker.mismatches('aaa')).toEqual([]);
  });

  it('is given up at once where it refers to itself', () => {
    expect(() => faults({ $ref: '#' }, 1)).toThrow('it refers to itself without end');
  });
});

it('leaves the schema as it was', () => {
  const schema = { $defs: { a: { type: 'string' } }, $ref: '#/$defs/a' };
  const before = structuredClone(schema);
  faults(schema, 5);
  expect(Reflect.ownKeys(schema)).toEqual(Reflect.ownKeys(before));
});
