/** Whatever is done to it, the store in memory answers as real tables do: code that was tried on one works on the other. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Change, Range, Row, RowKey, Store, Values } from '../../src/store/port.ts';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { listAll, WITHIN_MS } from './contract.ts';

let emulator: RunningEmulator;
beforeAll(async () => {
  emulator = await runEmulator();
});
afterAll(() => emulator.close());

const PARTITIONS = ['', 'a', 'a/b', 'é'];
const ROWS = ['', '1', '1/', '2', '~'];

const values: fc.Arbitrary<Values> = fc.dictionary(
  fc.constantFrom('text', 'count', 'flag'),
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
  ),
);
const place = fc.record({ partition: fc.constantFrom(...PARTITIONS), row: fc.constantFrom(...ROWS) });
const bound = fc.option(fc.constantFrom(...ROWS, ...PARTITIONS, '0', 'a\u0000'), { nil: undefined });
/** `etag`: the n-th newest that its writer saw of this row. */
const etag = fc.nat({ max: 2 });
const change = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), row: fc.constantFrom(...ROWS), values }),
  fc.record({ kind: fc.constant('insert' as const), row: fc.constantFrom(...ROWS), values }),
  fc.record({ kind: fc.constant('replace' as const), row: fc.constantFrom(...ROWS), values, etag }),
  fc.record({ kind: fc.constant('remove' as const), row: fc.constantFrom(...ROWS) }),
);

const operation = fc.oneof(
  fc.record({ kind: fc.constant('get' as const), at: place }),
  fc.record({ kind: fc.constant('insert' as const), at: place, values }),
  fc.record({ kind: fc.constant('replace' as const), at: place, values, etag }),
  fc.record({ kind: fc.constant('put' as const), at: place, values }),
  fc.record({ kind: fc.constant('remove' as const), at: place, etag: fc.option(etag, { nil: null }) }),
  fc.record({
    kind: fc.constant('batch' as const),
    at: place,
    changes: fc.uniqueArray(change, { selector: ({ row }) => row, maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('list' as const),
    from: bound,
    to: bound,
    rowFrom: bound,
    rowTo: bound,
    limit: fc.integer({ min: 1, max: 6 }),
  }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** One store as one run sees it: its own partitions, and the etags it came across. */
class Subject {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #etags = new Map<string, string[]>();

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  /** What came of it, without what may differ: etags. */
  async do(operation: Operation): Promise<unknown> {
    if (operation.kind === 'list') return await this.#list(operation);
    const { partition, row } = operation.at;
    const key = { table: 'deployments', partition: `${this.#prefix}${partition}`, row } as const;
    switch (operation.kind) {
      case 'get':
        return this.#seen(await this.#store.get(key, WITHIN_MS));
      case 'insert':
        return (await this.#store.insert(key, operation.values, WITHIN_MS)).kind;
      case 'replace': {
        const etag = await this.#etagOf(key, operation.etag);
        return etag === null ? null : (await this.#store.replace(key, operation.values, etag, WITHIN_MS)).kind;
      }
      case 'put':
        return await this.#store.put(key, operation.values, WITHIN_MS);
      case 'remove': {
        const etag = operation.etag === null ? null : await this.#etagOf(key, operation.etag);
        return await this.#store.remove(key, etag, WITHIN_MS);
      }
      case 'batch':
        return await this.#store.batch(key.table, key.partition, await this.#changes(key, operation), WITHIN_MS);
    }
  }

  async #changes(key: RowKey, { changes }: Operation & { kind: 'batch' }): Promise<Change[]> {
    const known = changes.map(async (one): Promise<Change[]> => {
      if (one.kind !== 'replace') return [one];
      const found = await this.#etagOf({ ...key, row: one.row }, one.etag);
      return found === null ? [] : [{ ...one, etag: found }];
    });
    return (await Promise.all(known)).flat();
  }

  async #list({ from, to, rowFrom, rowTo, limit }: Operation & { kind: 'list' }): Promise<unknown> {
    const range: Range = {
      table: 'deployments',
      partitions: { from: `${this.#prefix}${from ?? ''}`, to: `${this.#prefix}${to ?? '\uffff'}` },
      rows: { ...(rowFrom === undefined ? {} : { from: rowFrom }), ...(rowTo === undefined ? {} : { to: rowTo }) },
      limit,
    };
    const { rows, pages } = await listAll(this.#store, range);
    return { rows: rows.map((row) => this.#seen(row)), pages: pages.map((page) => page.rows.length) };
  }

  async #etagOf(key: RowKey, newest: number): Promise<string | null> {
    this.#seen(await this.#store.get(key, WITHIN_MS));
    return this.#etags.get(`${key.partition} ${key.row}`)?.at(-1 - newest) ?? null;
  }

  #seen(row: Row | null): unknown {
    if (row === null) return null;
    const { etag, ...rest } = row;
    const place = `${row.partition} ${row.row}`;
    const known = this.#etags.get(place) ?? [];
    if (known.at(-1) !== etag) this.#etags.set(place, [...known, etag]);
    return rest;
  }
}

test('memory and tables answer any sequence of calls alike', async () => {
  const stores = [new MemoryStore(), emulator.openStore()];
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
      // Rows of other runs lie before and behind.
      const prefix = `${1000 + run++}-`;
      const [memory, tables] = stores.map((store) => new Subject(store, prefix));
      for (const one of operations) expect(await tables?.do(one)).toEqual(await memory?.do(one));
      const all = {
        kind: 'list',
        from: undefined,
        to: undefined,
        rowFrom: undefined,
        rowTo: undefined,
        limit: 3,
      } as const;
      expect(await tables?.do(all)).toEqual(await memory?.do(all));
    }),
    { numRuns: 150 },
  );
}, 60_000);
