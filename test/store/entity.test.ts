import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromEntity, toEntity } from '../../src/store/entity.ts';

const KEY = { partitionKey: 'p', rowKey: 'r' };

/** What the service would not take or not give back, though the emulator does. */
describe('an entity', () => {
  test('types every number that is no Int32: the service would refuse it, or make another of it', () => {
    const numbers = {
      small: 1,
      most: 2 ** 31 - 1,
      more: 2 ** 31,
      least: -(2 ** 31),
      less: -(2 ** 31) - 1,
      part: 1.5,
      vast: 1e21,
    };
    expect(toEntity(KEY, numbers)).toEqual({
      ...KEY,
      small: 1,
      most: 2 ** 31 - 1,
      more: { type: 'Int64', value: '2147483648' },
      least: -(2 ** 31),
      less: { type: 'Int64', value: '-2147483649' },
      part: { type: 'Double', value: 1.5 },
      vast: { type: 'Double', value: 1e21 },
    });
  });

  test('holds texts in pieces of at most 64 KiB, none of which ends within a character, and gives them back whole', () => {
    const unit = fc.constantFrom('x', '🙂', 'é');
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 3 }),
        unit,
        fc.integer({ min: 15_900, max: 33_000 }),
        (start, rest, times) => {
          const text = `${start.join('')}${rest.repeat(times)}`;
          const entity = toEntity(KEY, { text });
          const { partitionKey: _, rowKey: __, ...pieces } = entity;
          for (const piece of Object.values(pieces)) {
            expect(typeof piece === 'string' && piece.isWellFormed() && piece.length * 2 <= 64 * 1024).toBe(true);
          }
          expect(fromEntity({ ...entity, etag: 'e' }).values['text'] === text).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('puts pieces together in their order, whatever order they come in', () => {
    const pieces = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`text__${index + 1}`, `${index + 1},`]),
    );
    const shuffled = Object.fromEntries(Object.entries(pieces).reverse());
    const { values } = fromEntity({ ...shuffled, ...KEY, etag: 'e', text: '0,' });
    expect(values).toEqual({ text: '0,1,2,3,4,5,6,7,8,9,10,11,12,' });
  });

  test('leaves out what is not ours: annotations, and kinds that this router does not write', () => {
    const foreign = {
      'odata.metadata': 'x',
      timestamp: 'x',
      bytes: new Uint8Array(1),
      guid: { type: 'Guid', value: 'x' },
    };
    expect(fromEntity({ ...KEY, etag: 'e', ...foreign, own: 5n })).toEqual({
      partition: 'p',
      row: 'r',
      etag: 'e',
      values: { own: 5 },
    });
  });
});
