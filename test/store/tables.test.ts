import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/port.ts';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { countUp, describeStore, WITHIN_MS } from './contract.ts';

let emulator: RunningEmulator;
beforeAll(async () => {
  emulator = await runEmulator();
});
afterAll(() => emulator.close());

describe('the store in tables', () => {
  // First, as long as there are no tables.
  describe('where a table has not been made yet', () => {
    const key = { table: 'affinity', partition: 'p', row: 'r' } as const;

    test('there is nothing in it, and looking does not make it', async () => {
      const store = emulator.openStore();
      await expect(store.get(key, WITHIN_MS)).resolves.toBeNull();
      await expect(store.list({ table: 'affinity', limit: 5 }, WITHIN_MS)).resolves.toEqual({ rows: [], next: null });
      await expect(store.remove(key, null, WITHIN_MS)).resolves.toBe(true);
      await expect(store.replace(key, {}, `W/"datetime'2026'"`, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
      await store.batch('affinity', 'p', [{ kind: 'remove', row: 'r' }], WITHIN_MS);
      const replacing = { kind: 'replace', row: 'r', values: {}, etag: `W/"datetime'2026'"` } as const;
      await expect(store.batch('affinity', 'p', [replacing], WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
      expect(await tableNames()).not.toContain('affinity');
    });

    test.each<[string, string, (store: Store) => Promise<unknown>]>([
      ['insert', 'affinity', (store) => store.insert(key, { made: true }, WITHIN_MS)],
      ['put', 'assignments', (store) => store.put({ ...key, table: 'assignments' }, { made: true }, WITHIN_MS)],
      [
        'batch',
        'failures',
        (store) =>
          store.batch(
            'failures',
            'p',
            [
              { kind: 'remove', row: 'x' },
              { kind: 'put', row: 'r', values: { made: true } },
            ],
            WITHIN_MS,
          ),
      ],
      [
        'batch with an insert',
        'cursors',
        (store) => store.batch('cursors', 'p', [{ kind: 'insert', row: 'r', values: { made: true } }], WITHIN_MS),
      ],
    ])('%s makes it', async (_, table, write) => {
      expect(await tableNames()).not.toContain(table);
      await write(emulator.openStore());
      expect(await tableNames()).toContain(table);
    });

    test('many instances may make it at once', async () => {
      const stores = Array.from({ length: 20 }, () => emulator.openStore());
      await Promise.all(
        stores.map((store, index) => store.put({ ...key, table: 'usage', row: String(index) }, { index }, WITHIN_MS)),
      );
      const { rows } = await emulator.openStore().list({ table: 'usage', limit: 100 }, WITHIN_MS);
      expect(rows).toHaveLength(20);
    });
  });

  describeStore(() => Promise.resolve(emulator.openStore()));

  test('loses no change where 50 instances count up one row', async () => {
    await Promise.all(Array.from({ length: 50 }, () => countUp(emulator.openStore(), 'fleet')));
    const found = await emulator.openStore().get({ table: 'quota', partition: 'race', row: 'fleet' }, WITHIN_MS);
    expect(found?.values).toEqual({ count: 50 });
  });
});

async function tableNames(): Promise<(string | undefined)[]> {
  const { TableServiceClient } = await import('@azure/data-tables');
  const service = TableServiceClient.fromConnectionString(emulator.connectionString, { allowInsecureConnection: true });
  const names: (string | undefined)[] = [];
  for await (const { name } of service.listTables()) names.push(name);
  return names;
}
