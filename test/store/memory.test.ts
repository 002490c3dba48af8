import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/port.ts';
import { describeStore, listAll, WITHIN_MS } from './contract.ts';

describe('the store in memory', () => {
  describeStore(() => Promise.resolve(new MemoryStore()));

  test('gives large ranges in several pages, so that whoever forgets the next one is found out', async () => {
    const store: Store = new MemoryStore();
    for (let row = 0; row < 250; row++) {
      await store.put({ table: 'usage', partition: 'p', row: String(row) }, {}, WITHIN_MS);
    }
    const { rows, pages } = await listAll(store, { table: 'usage', limit: 1000 });
    expect(rows).toHaveLength(250);
    expect(pages).toHaveLength(3);
  });
});
