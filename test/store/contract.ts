/** What every store does, whatever it is made of: memory.test.ts and tables.test.ts run all of it. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Change,
  LARGEST_BATCH,
  type Page,
  type Range,
  type Row,
  type Store,
  type Value,
} from '../../src/store/port.ts';

export const WITHIN_MS = 10_000;

/** Pages one after the other until there is none. */
export async function listAll(store: Store, range: Range): Promise<{ rows: Row[]; pages: Page[] }> {
  const pages: Page[] = [];
  let after: string | null = null;
  do {
    const page: Page = await store.list({ ...range, after }, WITHIN_MS);
    pages.push(page);
    after = page.next;
  } while (after !== null);
  return { rows: pages.flatMap(({ rows }) => rows), pages };
}

/** Adds one to the row until it is written, however many others do the same. */
export async function countUp(store: Store, row: string): Promise<void> {
  const key = { table: 'quota', partition: 'race', row } as const;
  for (;;) {
    const found = await store.get(key, WITHIN_MS);
    const written =
      found === null
        ? await store.insert(key, { count: 1 }, WITHIN_MS)
        : await store.replace(key, { count: Number(found.values['count']) + 1 }, found.etag, WITHIN_MS);
    if (written.kind === 'written') return;
  }
}

const NUMBERS = [0, -1, 1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 1.5, -0.1, 0.1 + 0.2, 1e21, 1e300, 5e-324];
const INSTANTS = [Date.UTC(2026, 10, 21, 12, 0, 0, 1), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 53];

const TEXTS: Readonly<Record<string, string>> = {
  'the empty one': '',
  'one with quotes': `it's "quoted" & <tagged> \\ \n\t\r {}`,
  'one of other scripts': 'naïve 日本語 🙂 \u{10ffff}',
  'a date': '2026-11-21T12:00:00.000Z',
  'one of digits': '9007199254740993',
  'one as long as a piece': 'p'.repeat(32_000),
  'one a little longer': 'p'.repeat(32_001),
  'one of several pieces': 'abc'.repeat(50_000),
  'one of pairs that no cut may part': `x${'🙂'.repeat(40_000)}`,
  'nearly a mebibyte': 'm'.repeat(520_000),
};

const KEYS = [
  '',
  '!',
  ' ',
  'A/gpt-4.1',
  'A\\b',
  'a#b?c',
  "o'clock",
  'per%20cent',
  '\u0000\u001f\u007f\u009f',
  'a+b,c:d@e_f~g',
  'Größe',
  '日本',
  '🙂',
  '\ud83d',
  'deployments()',
  '{}[]`|^;<=>',
];

export function describeStore(open: () => Promise<Store>): void {
  let store: Store;
  let partitions = 0;
  const newPartition = (): string => `p${++partitions}`;
  const newKey = (row = 'r') => ({ table: 'deployments', partition: newPartition(), row }) as const;

  beforeAll(async () => {
    store = await open();
  });

  describe('a row', () => {
    test('that nobody wrote is not there', async () => {
      await expect(store.get(newKey(), WITHIN_MS)).resolves.toBeNull();
    });

    test('comes back as it was inserted, with its key and the etag that the write named', async () => {
      const key = newKey();
      const written = await store.insert(key, { text: 'a', number: 1, truth: true }, WITHIN_MS);
      expect(await store.get(key, WITHIN_MS)).toEqual({
        partition: key.partition,
        row: 'r',
        etag: written.kind === 'written' ? written.etag : 'none',
        values: { text: 'a', number: 1, truth: true },
      });
    });

    test('is inserted once: the second is told of a conflict and changes nothing', async () => {
      const key = newKey();
      await store.insert(key, { by: 'first' }, WITHIN_MS);
      await expect(store.insert(key, { by: 'second' }, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
      expect((await store.get(key, WITHIN_MS))?.values).toEqual({ by: 'first' });
    });

    test('may hold no values at all', async () => {
      const key = newKey();
      await store.put(key, {}, WITHIN_MS);
      expect((await store.get(key, WITHIN_MS))?.values).toEqual({});
    });

    test('is replaced as a whole where the etag is the current one', async () => {
      const key = newKey();
      const first = await store.insert(key, { old: 1, both: 1 }, WITHIN_MS);
      if (first.kind !== 'written') throw new Error('not inserted');
      const second = await store.replace(key, { both: 2, new: 2 }, first.etag, WITHIN_MS);
      expect(second.kind).toBe('written');
      const found = await store.get(key, WITHIN_MS);
      expect(found?.values).toEqual({ both: 2, new: 2 });
      expect(second).toEqual({ kind: 'written', etag: found?.etag });
    });

    test('is not replaced by whoever knows an older one', async () => {
      const key = newKey();
      const first = await store.insert(key, { by: 'first' }, WITHIN_MS);
      if (first.kind !== 'written') throw new Error('not inserted');
      await store.replace(key, { by: 'second' }, first.etag, WITHIN_MS);
      await expect(store.replace(key, { by: 'third' }, first.etag, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
      expect((await store.get(key, WITHIN_MS))?.values).toEqual({ by: 'second' });
    });

    test('that is gone is not replaced but told as a conflict', async () => {
      const key = newKey();
      const first = await store.insert(key, { by: 'first' }, WITHIN_MS);
      if (first.kind !== 'written') throw new Error('not inserted');
      await store.remove(key, null, WITHIN_MS);
      await expect(store.replace(key, { by: 'second' }, first.etag, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
      await expect(store.get(key, WITHIN_MS)).resolves.toBeNull();
    });

    test('is put whatever was there, as a whole', async () => {
      const key = newKey();
      await store.put(key, { old: 1, both: 1 }, WITHIN_MS);
      await store.put(key, { both: 2 }, WITHIN_MS);
      expect((await store.get(key, WITHIN_MS))?.values).toEqual({ both: 2 });
    });

    test('has another etag after every write, also where the values stay', async () => {
      const key = newKey();
      const seen = new Set<string | undefined>();
      for (let write = 0; write < 20; write++) {
        await store.put(key, { same: true }, WITHIN_MS);
        seen.add((await store.get(key, WITHIN_MS))?.etag);
      }
      expect(seen.size).toBe(20);
    });

    test('is not changed by what its writer does to the values afterwards', async () => {
      const key = newKey();
      const values: Record<string, Value> = { count: 1 };
      await store.put(key, values, WITHIN_MS);
      values['count'] = 2;
      expect((await store.get(key, WITHIN_MS))?.values).toEqual({ count: 1 });
    });

    test('is removed with its current etag or with none, and is no more', async () => {
      for (const withEtag of [true, false]) {
        const key = newKey();
        const written = await store.insert(key, {}, WITHIN_MS);
        const etag = withEtag && written.kind === 'written' ? written.etag : null;
        await expect(store.remove(key, etag, WITHIN_MS)).resolves.toBe(true);
        await expect(store.get(key, WITHIN_MS)).resolves.toBeNull();
      }
    });

    test('stays where the etag to remove it by is an older one', async () => {
      const key = newKey();
      const first = await store.insert(key, { by: 'first' }, WITHIN_MS);
      await store.put(key, { by: 'second' }, WITHIN_MS);
      const etag = first.kind === 'written' ? first.etag : null;
      await expect(store.remove(key, etag, WITHIN_MS)).resolves.toBe(false);
      expect((await store.get(key, WITHIN_MS))?.values).toEqual({ by: 'second' });
    });

    test('that is not there counts as removed, with an etag too', async () => {
      const key = newKey();
      await expect(store.remove(key, null, WITHIN_MS)).resolves.toBe(true);
      const written = await store.insert(key, {}, WITHIN_MS);
      await store.remove(key, null, WITHIN_MS);
      const etag = written.kind === 'written' ? written.etag : null;
      await expect(store.remove(key, etag, WITHIN_MS)).resolves.toBe(true);
    });
  });

  describeValues(() => store, newKey);
  describeKeys(() => store, newPartition);
  describeRanges(() => store, newPartition);
  describeBatches(() => store, newPartition);
  describeRaces(() => store, newPartition);
}

type Opened = () => Store;
type NewKey = () => { readonly table: 'deployments'; readonly partition: string; readonly row: string };

function describeValues(store: Opened, newKey: NewKey): void {
  describe('a value', () => {
    test.each([...NUMBERS, ...INSTANTS])('of %d comes back as it went', async (number) => {
      const key = newKey();
      await store().put(key, { number }, WITHIN_MS);
      expect((await store().get(key, WITHIN_MS))?.values['number']).toBe(number);
    });

    test.each(Object.entries(TEXTS))('that is a text, %s, comes back as it went', async (_, text) => {
      const key = newKey();
      await store().put(key, { text, behind: 1 }, WITHIN_MS);
      const { text: found, ...rest } = (await store().get(key, WITHIN_MS))?.values ?? {};
      expect(found === text).toBe(true);
      expect(rest).toEqual({ behind: 1 });
      const { rows } = await listAll(store(), { ...only(key), limit: 1 });
      expect(rows[0]?.values['text'] === text).toBe(true);
    });

    test('that is a truth value comes back as one', async () => {
      const key = newKey();
      await store().put(key, { yes: true, no: false }, WITHIN_MS);
      expect((await store().get(key, WITHIN_MS))?.values).toEqual({ yes: true, no: false });
    });

    test('that JSON cannot tell comes back as its nearest: -0 as 0, half a pair as U+FFFD', async () => {
      const key = newKey();
      await store().put(key, { zero: -0, half: 'a\ud83d' }, WITHIN_MS);
      expect((await store().get(key, WITHIN_MS))?.values).toEqual({ zero: 0, half: 'a\ufffd' });
    });

    test('may grow shorter: no piece of the longer text stays behind', async () => {
      const key = newKey();
      await store().put(key, { text: 'x'.repeat(100_000) }, WITHIN_MS);
      await store().put(key, { text: 'short' }, WITHIN_MS);
      expect((await store().get(key, WITHIN_MS))?.values).toEqual({ text: 'short' });
    });

    test.each(['partitionKey', 'RowKey', 'timestamp', 'etag', 'odata.type', 'id', 'a__1', 'a-b', '1st', '_a', ''])(
      'called %j is refused before anything is written',
      async (name) => {
        const key = newKey();
        await expect(store().put(key, { [name]: 1 }, WITHIN_MS)).rejects.toThrow(TypeError);
        await expect(store().insert(key, { [name]: 1 }, WITHIN_MS)).rejects.toThrow(TypeError);
        await expect(store().get(key, WITHIN_MS)).resolves.toBeNull();
      },
    );

    test.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, null, {}, 1n])('of %s is refused', async (value) => {
      const key = newKey();
      await expect(store().put(key, { value: value as Value }, WITHIN_MS)).rejects.toThrow(TypeError);
    });

    test('that makes its row larger than the service takes is refused before it is sent', async () => {
      const key = newKey();
      const tooLarge = { failure: 'failed', message: expect.stringMatching(/larger than/) as string };
      await expect(store().put(key, { text: 'x'.repeat(530_000) }, WITHIN_MS)).rejects.toMatchObject(tooLarge);
      const many = Object.fromEntries(Array.from({ length: 253 }, (_, index) => [`v${index}`, index]));
      await expect(store().put(key, many, WITHIN_MS)).rejects.toMatchObject({ failure: 'failed' });
      await expect(store().get(key, WITHIN_MS)).resolves.toBeNull();
    });
  });
}

function describeKeys(store: Opened, newPartition: () => string): void {
  describe('a key', () => {
    test.each(KEYS)('such as %j is its own row, and comes back as it went', async (text) => {
      const partition = `${newPartition()}${text}`;
      const key = { table: 'keys', partition, row: text } as const;
      await expect(store().insert(key, { step: 1 }, WITHIN_MS)).resolves.toMatchObject({ kind: 'written' });
      const found = await store().get(key, WITHIN_MS);
      expect(found).toMatchObject({ partition, row: text, values: { step: 1 } });
      expect((await listAll(store(), { ...only(key), limit: 10 })).rows).toEqual([found]);
      await store().batch('keys', partition, [{ kind: 'put', row: text, values: { step: 2 } }], WITHIN_MS);
      const changed = await store().get(key, WITHIN_MS);
      expect(changed?.values).toEqual({ step: 2 });
      const replaced = await store().replace(key, { step: 3 }, changed?.etag ?? '', WITHIN_MS);
      await expect(store().remove(key, 'etag' in replaced ? replaced.etag : '', WITHIN_MS)).resolves.toBe(true);
    });

    test('that is only like another is another row', async () => {
      const partition = newPartition();
      for (const row of KEYS) await store().put({ table: 'keys', partition, row }, { row }, WITHIN_MS);
      const { rows } = await listAll(store(), { ...only({ table: 'keys', partition }), limit: 1000 });
      expect(rows.map(({ row }) => row)).toEqual([...KEYS].sort());
      expect(rows.every(({ row, values }) => values['row'] === row.toWellFormed())).toBe(true);
    });

    test('longer than the service takes is refused', async () => {
      const partition = newPartition();
      const longest = { table: 'keys', partition, row: 'r'.repeat(512) } as const;
      await store().put(longest, { fits: true }, WITHIN_MS);
      expect((await store().get(longest, WITHIN_MS))?.values).toEqual({ fits: true });
      const tooLong = { table: 'keys', partition, row: 'r'.repeat(513) } as const;
      await expect(store().put(tooLong, {}, WITHIN_MS)).rejects.toMatchObject({ failure: 'failed' });
      await expect(store().get(tooLong, WITHIN_MS)).rejects.toMatchObject({ failure: 'failed' });
    });
  });
}

function describeRanges(store: Opened, newPartition: () => string): void {
  const table = 'events';

  async function fill(partitions: readonly string[], rows: readonly string[]): Promise<string> {
    const prefix = newPartition();
    for (const partition of partitions) {
      const changes = rows.map((row): Change => ({ kind: 'put', row, values: { at: `${partition} ${row}` } }));
      await store().batch(table, `${prefix}-${partition}`, changes, WITHIN_MS);
    }
    return `${prefix}-`;
  }

  async function found(range: Range): Promise<unknown[]> {
    return (await listAll(store(), range)).rows.map(({ values }) => values['at']);
  }

  describe('a range', () => {
    test('gives rows by partition and by row, ascending', async () => {
      const prefix = await fill(['b', 'a', 'B'], ['2', '1', '10']);
      const all = { table, partitions: { from: prefix, to: `${prefix}~` }, limit: 100 } as const;
      expect(await found(all)).toEqual(['B 1', 'B 10', 'B 2', 'a 1', 'a 10', 'a 2', 'b 1', 'b 10', 'b 2']);
    });

    test('begins with its lower bound and ends before its upper one, for partitions and for rows', async () => {
      const prefix = await fill(['a', 'b', 'c'], ['1', '2', '3']);
      const partitions = { from: `${prefix}a`, to: `${prefix}c` };
      expect(await found({ table, partitions, rows: { from: '2', to: '3' }, limit: 9 })).toEqual(['a 2', 'b 2']);
      expect(await found({ table, partitions, rows: { from: '3' }, limit: 9 })).toEqual(['a 3', 'b 3']);
      expect(await found({ table, partitions, rows: { to: '2' }, limit: 9 })).toEqual(['a 1', 'b 1']);
      expect(await found({ table, partitions: { from: `${prefix}c`, to: `${prefix}a` }, limit: 9 })).toEqual([]);
    });

    test('of one partition is that partition alone', async () => {
      const prefix = await fill(['a', 'a!', 'a/b', 'ab'], ['1']);
      const partitions = { from: `${prefix}a`, to: `${prefix}a\u0000` };
      expect(await found({ table, partitions, limit: 9 })).toEqual(['a 1']);
    });

    test('by prefix holds whatever begins so, whichever characters follow', async () => {
      const prefix = await fill(['A/x', 'A/é', 'A.x', 'A0', 'A'], ['1']);
      const partitions = { from: `${prefix}A/`, to: `${prefix}A0` };
      expect(await found({ table, partitions, limit: 9 })).toEqual(['A/x 1', 'A/é 1']);
    });

    test('comes in pages of at most the limit, each row once, and the last page says so', async () => {
      const rows = Array.from({ length: 25 }, (_, index) => String(index).padStart(2, '0'));
      const prefix = await fill(['a', 'b'], rows);
      for (const limit of [1, 7, 25, 50, 1000]) {
        const all = { table, partitions: { from: prefix, to: `${prefix}~` }, limit } as const;
        const { rows: listed, pages } = await listAll(store(), all);
        expect(listed.map(({ values }) => values['at'])).toEqual(
          ['a', 'b'].flatMap((p) => rows.map((r) => `${p} ${r}`)),
        );
        expect(Math.max(...pages.map((page) => page.rows.length))).toBeLessThanOrEqual(limit);
      }
    });

    test('goes on behind its last page also where rows there were removed or written meanwhile', async () => {
      const prefix = await fill(['a'], ['1', '2', '3', '4']);
      const range = { table, ...partitionOf(`${prefix}a`), limit: 2 } as const;
      const first = await store().list(range, WITHIN_MS);
      await store().remove({ table, partition: `${prefix}a`, row: '3' }, null, WITHIN_MS);
      await store().put({ table, partition: `${prefix}a`, row: '1' }, { at: 'late' }, WITHIN_MS);
      const second = await store().list({ ...range, after: first.next }, WITHIN_MS);
      expect(second.rows.map(({ row }) => row)).toEqual(['4']);
    });

    test('of no rows is one empty page', async () => {
      const range = { table, ...partitionOf(newPartition()), limit: 5 } as const;
      await expect(store().list(range, WITHIN_MS)).resolves.toEqual({ rows: [], next: null });
    });

    test('asks for at least one row', async () => {
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        await expect(store().list({ table, limit }, WITHIN_MS)).rejects.toThrow(TypeError);
      }
    });

    test('does not begin behind a page that the store never named', async () => {
      await expect(store().list({ table, limit: 5, after: '¿' }, WITHIN_MS)).rejects.toMatchObject({
        failure: 'failed',
      });
    });
  });
}

function describeBatches(store: Opened, newPartition: () => string): void {
  const table = 'usage';
  const put = (row: string, count: number): Change => ({ kind: 'put', row, values: { count } });
  const remove = (row: string): Change => ({ kind: 'remove', row });

  async function counts(partition: string): Promise<Record<string, unknown>> {
    const { rows } = await listAll(store(), { table, ...partitionOf(partition), limit: 1000 });
    return Object.fromEntries(rows.map(({ row, values }) => [row, values['count']]));
  }

  describe('a batch', () => {
    test('writes and removes rows of one partition together', async () => {
      const partition = newPartition();
      await store().batch(table, partition, [put('a', 1), put('b', 1)], WITHIN_MS);
      await store().batch(table, partition, [put('a', 2), remove('b'), put('c', 2)], WITHIN_MS);
      expect(await counts(partition)).toEqual({ a: 2, c: 2 });
    });

    test('takes as many changes as there may be', async () => {
      const partition = newPartition();
      const changes = Array.from({ length: LARGEST_BATCH }, (_, index) => put(String(index), index));
      await store().batch(table, partition, changes, WITHIN_MS);
      expect(Object.keys(await counts(partition))).toHaveLength(LARGEST_BATCH);
      const removals = changes.map(({ row }) => remove(row));
      await store().batch(table, partition, removals, WITHIN_MS);
      expect(await counts(partition)).toEqual({});
    });

    test('removes what is not there without a failure, alone and among others', async () => {
      const partition = newPartition();
      await store().batch(table, partition, [remove('x'), remove('y')], WITHIN_MS);
      await store().batch(table, partition, [put('a', 1), remove('x'), put('b', 1)], WITHIN_MS);
      await store().batch(table, partition, [remove('y'), remove('a'), remove('z'), put('c', 1)], WITHIN_MS);
      expect(await counts(partition)).toEqual({ b: 1, c: 1 });
    });

    test('keeps long texts of any script', async () => {
      const partition = newPartition();
      const text = `x${'🙂é'.repeat(40_000)}`;
      await store().batch(table, partition, [put('a', 1), { kind: 'put', row: 'b', values: { text } }], WITHIN_MS);
      const found = await store().get({ table, partition, row: 'b' }, WITHIN_MS);
      expect(found?.values['text'] === text).toBe(true);
    });

    test('of no changes does nothing', async () => {
      await expect(store().batch(table, newPartition(), [], WITHIN_MS)).resolves.toEqual({ kind: 'written' });
    });

    test('of too many changes, or with one row twice, is a fault of its writer', async () => {
      const partition = newPartition();
      const tooMany = Array.from({ length: LARGEST_BATCH + 1 }, (_, index) => put(String(index), index));
      await expect(store().batch(table, partition, tooMany, WITHIN_MS)).rejects.toThrow(TypeError);
      await expect(store().batch(table, partition, [put('a', 1), remove('a')], WITHIN_MS)).rejects.toThrow(TypeError);
      expect(await counts(partition)).toEqual({});
    });

    test('of which one change cannot be is not made at all', async () => {
      const partition = newPartition();
      const large: Change = { kind: 'put', row: 'b', values: { text: 'x'.repeat(530_000) } };
      const faulty: Change = { kind: 'put', row: 'b', values: { 'a-b': 1 } };
      const longKey = put('r'.repeat(513), 1);
      const others: Change[] = [
        { ...faulty, kind: 'insert' },
        { ...large, kind: 'insert' },
        { ...faulty, kind: 'replace', etag: '*' },
      ];
      for (const change of [large, faulty, longKey, ...others]) {
        await expect(store().batch(table, partition, [put('a', 1), change], WITHIN_MS)).rejects.toThrow();
      }
      expect(await counts(partition)).toEqual({});
    });

    test('larger than the service takes is refused before it is sent', async () => {
      const partition = newPartition();
      const large = (row: string): Change => ({ kind: 'put', row, values: { text: 'x'.repeat(500_000) } });
      await store().batch(table, partition, ['1', '2', '3'].map(large), WITHIN_MS);
      const rows = Array.from({ length: 9 }, (_, index) => String(index));
      await expect(store().batch(table, partition, rows.map(large), WITHIN_MS)).rejects.toMatchObject({
        failure: 'failed',
      });
      expect(Object.keys(await counts(partition))).toEqual(['1', '2', '3']);
    });
  });

  describe('a batch with conditions', () => {
    const insert = (row: string, count: number): Change => ({ kind: 'insert', row, values: { count } });
    const replace = (row: string, count: number, etag: string): Change => ({
      kind: 'replace',
      row,
      values: { count },
      etag,
    });

    /** Rows `a` and `b`, the latter written twice: its etags, the stale one first. */
    async function stage(): Promise<{ partition: string; stale: string; etag: string }> {
      const partition = newPartition();
      const key = { table, partition, row: 'b' } as const;
      await store().put({ ...key, row: 'a' }, { count: 1 }, WITHIN_MS);
      const first = await store().insert(key, { count: 1, more: true }, WITHIN_MS);
      if (first.kind !== 'written') throw new Error('not inserted');
      const second = await store().replace(key, { count: 2, more: true }, first.etag, WITHIN_MS);
      if (second.kind !== 'written') throw new Error('not replaced');
      return { partition, stale: first.etag, etag: second.etag };
    }

    test('is written where the rows are as they ask, beside changes without any', async () => {
      const { partition, etag } = await stage();
      const changes = [remove('a'), put('c', 3), insert('d', 3), replace('b', 3, etag), remove('x')];
      await expect(store().batch(table, partition, changes, WITHIN_MS)).resolves.toEqual({ kind: 'written' });
      expect(await counts(partition)).toEqual({ b: 3, c: 3, d: 3 });
      const replaced = await store().get({ table, partition, row: 'b' }, WITHIN_MS);
      expect(replaced?.values).toEqual({ count: 3 });
      expect(replaced?.etag).not.toBe(etag);
    });

    test.each<[string, (stage: { stale: string; etag: string }) => Change[]]>([
      ['a row to be inserted is there', () => [put('c', 3), insert('a', 3)]],
      ['… and another is as it should be', ({ etag }) => [replace('b', 3, etag), insert('a', 3), remove('x')]],
      ['a row to be replaced has changed', ({ stale }) => [put('c', 3), replace('b', 3, stale)]],
      ['… and stands before the others', ({ stale }) => [replace('b', 3, stale), put('c', 3), remove('a')]],
      ['… and a row to be removed is gone', ({ stale }) => [remove('x'), replace('b', 3, stale), remove('a')]],
      ['… and it is alone', ({ stale }) => [replace('b', 3, stale)]],
      ['a row to be replaced is gone', ({ etag }) => [put('c', 3), replace('x', 3, etag)]],
      ['… and so is one to be removed', ({ etag }) => [remove('y'), replace('x', 3, etag), remove('a')]],
      ['… and another is inserted', ({ etag }) => [insert('c', 3), replace('x', 3, etag)]],
    ])('is a conflict where %s, and nothing of it happens', async (_, changesFor) => {
      const { partition, ...etags } = await stage();
      const changes = changesFor(etags);
      await expect(store().batch(table, partition, changes, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
      expect(await counts(partition)).toEqual({ a: 1, b: 2 });
      expect((await store().get({ table, partition, row: 'b' }, WITHIN_MS))?.etag).toBe(etags.etag);
    });

    test('meets its own success as a conflict when it is sent again', async () => {
      const { partition, etag } = await stage();
      for (const changes of [[replace('b', 3, etag)], [insert('c', 3)]]) {
        await expect(store().batch(table, partition, changes, WITHIN_MS)).resolves.toEqual({ kind: 'written' });
        await expect(store().batch(table, partition, changes, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
      }
    });
  });
}

function describeRaces(store: Opened, newPartition: () => string): void {
  describe('of many writers at once', () => {
    test('exactly one inserts a row', async () => {
      const key = { table: 'cursors', partition: newPartition(), row: 'r' } as const;
      const all = await Promise.all(
        Array.from({ length: 30 }, (_, index) => store().insert(key, { index }, WITHIN_MS)),
      );
      const winner = all.findIndex(({ kind }) => kind === 'written');
      expect(all.filter(({ kind }) => kind === 'written')).toHaveLength(1);
      expect((await store().get(key, WITHIN_MS))?.values).toEqual({ index: winner });
    });

    test('exactly one replaces a row of a given etag', async () => {
      const key = { table: 'cursors', partition: newPartition(), row: 'r' } as const;
      const first = await store().insert(key, {}, WITHIN_MS);
      if (first.kind !== 'written') throw new Error('not inserted');
      const all = await Promise.all(
        Array.from({ length: 30 }, (_, index) => store().replace(key, { index }, first.etag, WITHIN_MS)),
      );
      expect(all.filter(({ kind }) => kind === 'written')).toHaveLength(1);
    });

    test('all batches get through that remove the same rows', async () => {
      const partition = newPartition();
      const rows = Array.from({ length: 20 }, (_, index) => String(index));
      await store().batch(
        'usage',
        partition,
        rows.map((row): Change => ({ kind: 'put', row, values: {} })),
        WITHIN_MS,
      );
      const sweep = (by: number): Change[] => [
        { kind: 'put', row: `by${by}`, values: {} },
        ...rows.map((row): Change => ({ kind: 'remove', row })),
      ];
      await Promise.all(Array.from({ length: 10 }, (_, by) => store().batch('usage', partition, sweep(by), WITHIN_MS)));
      const { rows: left } = await listAll(store(), { table: 'usage', ...partitionOf(partition), limit: 100 });
      expect(left.map(({ row }) => row)).toEqual(Array.from({ length: 10 }, (_, by) => `by${by}`));
    });

    test('exactly one batch is written of those that are made from the same row, and nothing of the others', async () => {
      const partition = newPartition();
      const batches = (condition: (index: number) => Change) =>
        Promise.all(
          Array.from({ length: 20 }, (_, index) => {
            const own: Change = { kind: 'put', row: `by${index}`, values: {} };
            return store().batch('cursors', partition, [own, condition(index)], WITHIN_MS);
          }),
        );
      const rows = async () =>
        (await listAll(store(), { table: 'cursors', ...partitionOf(partition), limit: 99 })).rows;
      const inserted = await batches((index) => ({ kind: 'insert', row: 'r', values: { index } }));
      const [own, found] = await rows();
      if (own === undefined || found === undefined) throw new Error('not inserted');
      expect(inserted.filter(({ kind }) => kind === 'written')).toHaveLength(1);
      expect(own.row).toBe(`by${Number(found.values['index'])}`);
      await store().remove({ table: 'cursors', partition, row: own.row }, null, WITHIN_MS);
      const { etag } = found;
      const replaced = await batches((index) => ({ kind: 'replace', row: 'r', values: { index }, etag }));
      const winner = replaced.findIndex(({ kind }) => kind === 'written');
      expect(replaced.filter(({ kind }) => kind === 'written')).toHaveLength(1);
      expect((await rows()).map(({ row }) => row)).toEqual([`by${winner}`, 'r']);
    });

    test('no change is lost where 50 of them count up one row', async () => {
      await Promise.all(Array.from({ length: 50 }, () => countUp(store(), 'counter')));
      const found = await store().get({ table: 'quota', partition: 'race', row: 'counter' }, WITHIN_MS);
      expect(found?.values).toEqual({ count: 50 });
    });
  });
}

function partitionOf(partition: string): Pick<Range, 'partitions'> {
  return { partitions: { from: partition, to: `${partition}\u0000` } };
}

function only({ table, partition }: Pick<Range, 'table'> & { partition: string }): Omit<Range, 'limit'> {
  return { table, ...partitionOf(partition) };
}
