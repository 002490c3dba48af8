import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeKey, encodeBound, encodeKey } from '../../src/store/keys.ts';

/** Any text, also of half surrogate pairs, with plenty of what lies around the borders of the encoding. */
const unit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom(..."\u0000 !'*+,-./0129:;<>?@AZ[\\]^_`az{|}~\u007f\ud83d\ude42".split('')),
);
const text = fc.array(unit, { maxLength: 12 }).map((units) => units.join(''));

const sign = (left: string, right: string): number => (left < right ? -1 : Number(left > right));

describe('the encoding of keys', () => {
  test.each([
    ['gpt-4.1', 'gpt-4.1'],
    ['agent_7:a@b+c,d', 'agent_7:a@b+c,d'],
    ['A/gpt-4.1', 'A.~gpt-4.1'],
    ['', '!'],
    ['!', '!0021'],
    ['a b', 'a!0020b'],
    ['~', '|007e'],
    ['é', '|00e9'],
  ])('writes %j as %j', (plain, encoded) => {
    expect(encodeKey(plain)).toBe(encoded);
  });

  test('leads back to any text there is', () => {
    fc.assert(
      fc.property(text, (plain) => {
        expect(decodeKey(encodeKey(plain))).toBe(plain);
      }),
      { numRuns: 2000 },
    );
  });

  test('keeps the order of any two texts', () => {
    fc.assert(
      fc.property(text, text, text, (start, left, right) => {
        expect(sign(encodeBound(start + left), encodeBound(start + right))).toBe(sign(left, right));
      }),
      { numRuns: 5000 },
    );
  });

  test('uses nothing that a table refuses, and no quote', () => {
    fc.assert(
      fc.property(text, (plain) => {
        expect(encodeBound(plain)).toMatch(/^[!+,\-.0-9:;@A-Z[_`a-z|~]+$/);
      }),
      { numRuns: 1000 },
    );
  });

  test('leaves a key that somebody else wrote readable', () => {
    expect(decodeKey('some~thing!else|')).toBe('some~thing!else|');
  });
});
