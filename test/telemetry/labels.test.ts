import { describe, expect, it } from 'vitest';
import { BoundedLabels } from '../../src/telemetry/labels.ts';

describe('bounded labels', () => {
  it('keep the first values of each label and count later ones as other', () => {
    const labels = new BoundedLabels(2);
    expect(['a', 'b', 'c', 'a', 'd', 'b'].map((agent) => labels.of('agent', agent))).toEqual([
      'a',
      'b',
      'other',
      'a',
      'other',
      'b',
    ]);
    expect(labels.of('creator', 'c')).toBe('c');
  });

  it('may be bounded to a single value', () => {
    const labels = new BoundedLabels(1);
    expect([labels.of('agent', 'a'), labels.of('agent', 'b')]).toEqual(['a', 'other']);
  });
});
