import { describe, expect, test } from 'vitest';
import { closest, nearMiss } from '../../src/domain/nearest.ts';

describe('nearMiss', () => {
  const names = ['priority', 'roundRobin', 'weighted', 'spread', 'leastLatency', 'mostHeadroom'];

  test.each([
    ['other case', 'roundrobin', 'roundRobin'],
    ['other separators', 'round_robin', 'roundRobin'],
    ['a letter missing', 'prioity', 'priority'],
    ['two letters swapped', 'sperad', 'spread'],
    ['nothing like it', 'chaos', null],
    ['an empty name', '', null],
  ])('%s: %s -> %s', (_, name, meant) => {
    expect(nearMiss(name, names)).toBe(meant);
  });

  test('nothing is near where there is nothing', () => {
    expect(nearMiss('priority', [])).toBeNull();
  });
});

describe('closest', () => {
  test('names every candidate once, those spelled alike first, equals in their own order', () => {
    expect(closest('gpt-4.1', ['zz', 'gpt-4o', 'gpt-4.1-mini', 'gpt-41', 'gpt-4.1', 'yy'])).toEqual([
      'gpt-4.1',
      'gpt-41',
      'gpt-4o',
      'gpt-4.1-mini',
      'zz',
      'yy',
    ]);
  });

  test('a huge name costs no more than a long one', () => {
    expect(closest('x'.repeat(10_000_000), ['a', 'b'])).toEqual(['a', 'b']);
  });
});
