import { describe, expect, it } from 'vitest';
import { describeError } from '../../src/telemetry/describe.ts';

const SECRET = 'the patient said';

function thrown(error: Error, change: Partial<Error> = {}): Error {
  return Object.assign(error, change);
}

describe('an error told of', () => {
  it('is its kind and its place', () => {
    expect(describeError(new RangeError(SECRET))).toMatch(/^RangeError at .+describe\.test\.ts:\d+:\d+\)?$/);
  });

  it.each<[string, unknown]>([
    ['has it in its message', new Error(SECRET)],
    ['has a message that looks like a place', new Error(`bad\n    at ${SECRET} (file.ts:1:1)`)],
    ['has a message whose last line looks like a place', new Error(`\n    at ${SECRET}:1:1`)],
    ['has it as its name', thrown(new Error('x'), { name: SECRET })],
    ['got another message later', thrown(new Error(`a\n    at ${SECRET}:1:1`), { message: 'other' })],
    ['has it in its cause', new Error('x', { cause: new Error(SECRET) })],
    ['is no error at all', SECRET],
  ])('never says what it is about where it %s', (_how, error) => {
    expect(describeError(error)).not.toContain(SECRET);
  });

  it('says of what is no error only what type it has', () => {
    expect(describeError(SECRET)).toBe('string');
    expect(describeError(undefined)).toBe('undefined');
  });
});
