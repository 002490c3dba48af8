import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { retryAfterMs } from '../../src/routing/retryAfter.ts';
import { NOW } from './facts.ts';

function waitFor(headers: Readonly<Record<string, string>>): number | null {
  return retryAfterMs((name) => headers[name] ?? null, NOW);
}

describe('retryAfterMs', () => {
  test.each([
    { what: 'nothing', headers: {}, ms: null },
    { what: 'milliseconds', headers: { 'retry-after-ms': '1500' }, ms: 1_500 },
    { what: 'milliseconds before seconds', headers: { 'retry-after-ms': '1500', 'retry-after': '60' }, ms: 1_500 },
    { what: 'seconds', headers: { 'retry-after': '2' }, ms: 2_000 },
    { what: 'zero milliseconds', headers: { 'retry-after-ms': '0', 'retry-after': '9' }, ms: 0 },
    { what: 'zero seconds', headers: { 'retry-after': '0' }, ms: 0 },
    { what: 'a fraction of a second', headers: { 'retry-after': '0.25' }, ms: 250 },
    { what: 'a fraction of a millisecond, rounded up', headers: { 'retry-after-ms': '10.2' }, ms: 11 },
    { what: 'space around', headers: { 'retry-after': ' 3 ' }, ms: 3_000 },
    { what: 'a day', headers: { 'retry-after': '86400' }, ms: 86_400_000 },
    { what: 'a date ahead', headers: { 'retry-after': new Date(NOW + 5_000).toUTCString() }, ms: 5_000 },
    { what: 'a date that has passed', headers: { 'retry-after': new Date(NOW - 5_000).toUTCString() }, ms: 0 },
    {
      what: 'garbage milliseconds, then seconds',
      headers: { 'retry-after-ms': 'soon', 'retry-after': '4' },
      ms: 4_000,
    },
    { what: 'negative milliseconds, then seconds', headers: { 'retry-after-ms': '-1', 'retry-after': '4' }, ms: 4_000 },
    { what: 'garbage', headers: { 'retry-after': 'soon' }, ms: null },
    { what: 'an empty text', headers: { 'retry-after': '' }, ms: null },
    { what: 'a unit', headers: { 'retry-after': '5s' }, ms: null },
    { what: 'an exponent', headers: { 'retry-after-ms': '1e3' }, ms: null },
    { what: 'a hexadecimal number', headers: { 'retry-after-ms': '0x10' }, ms: null },
    { what: 'infinity', headers: { 'retry-after': 'Infinity' }, ms: null },
    // Date.parse makes a date of these.
    { what: 'negative seconds', headers: { 'retry-after': '-5' }, ms: null },
    { what: 'a sign', headers: { 'retry-after': '+5' }, ms: null },
    { what: 'garbage that ends in a number', headers: { 'retry-after': 'not before 2099' }, ms: null },
    { what: 'two values in one', headers: { 'retry-after': '5, 7' }, ms: null },
  ])('reads $what as $ms', ({ headers, ms }) => {
    expect(waitFor(headers)).toBe(ms);
  });

  test('is never negative and never no number, whatever the headers', () => {
    const value = fc.oneof(fc.string({ maxLength: 12 }), fc.integer().map(String), fc.double().map(String));
    fc.assert(
      fc.property(fc.option(value), fc.option(value), (ms, seconds) => {
        const wait = retryAfterMs((name) => (name === 'retry-after-ms' ? ms : seconds), NOW);
        expect(wait).toSatisfy((one) => one === null || (typeof one === 'number' && one >= 0));
      }),
      { numRuns: 2_000 },
    );
  });
});
