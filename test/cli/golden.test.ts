import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CASES } from './cases.ts';
import { golden, IS_UPDATING, keep, screenOf } from './goldens.ts';
import { HERE } from './stage.ts';

describe('what is seen of the command line', () => {
  it.each(CASES)('$name: openai-router $line', async (one) => {
    const { seen, screen } = await screenOf(one);
    if (IS_UPDATING) keep(one, screen);
    expect(screen).toBe(golden(one));
    expect(seen.exit).toBe(one.exit);
    expect(screen).not.toMatch(/secret-of-one|nothing-that-is-shown|\n\s+at /);
  });

  it('has no golden that nothing is held against', () => {
    const kept = readdirSync(join(HERE, 'golden')).sort();
    expect(kept).toEqual(CASES.map(({ name }) => `${name}.txt`).sort());
  });
});
