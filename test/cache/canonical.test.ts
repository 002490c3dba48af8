import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/cache/canonical.ts';

const of = (text: string) => canonical(Buffer.from(text));

/** The same value with its members the other way round, and spaces in between. */
function shuffled(value: unknown): string {
  if (Array.isArray(value)) return `[ ${value.map(shuffled).join(' , ')} ]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).reverse();
  return `{ ${members.map(([name, member]) => `${JSON.stringify(name)} : ${shuffled(member)}`).join(' ,\n')} }`;
}

describe('the canonical form of a body', () => {
  test('is the same whatever the order of members and the spaces, and another where a value is', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (one, other) => {
          const text = JSON.stringify(one);
          expect(of(shuffled(JSON.parse(text)))).toBe(of(text));
          const same =
            JSON.stringify(JSON.parse(of(text) ?? '')) === JSON.stringify(JSON.parse(of(JSON.stringify(other)) ?? ''));
          expect(of(text) === of(JSON.stringify(other))).toBe(same);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('tells numbers apart that a double does not', () => {
    expect(of('{"seed":9007199254740993}')).not.toBe(of('{"seed":9007199254740992}'));
    expect(of('{"a":1.0}')).not.toBe(of('{"a":"1.0"}'));
  });

  test.each(['', '{', 'nonsense'])('is none of %j', (text) => {
    expect(of(text)).toBeNull();
  });
});
