/** What the version row tells, and how desks write it that stand on several instances. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changesSince,
  type Entry,
  type KeyChange,
  type KeyLog,
  toVersionRow,
  versionOf,
  versionValues,
  withEntry,
} from '../../src/accounts/keyLog.ts';
import { type Key, toValues } from '../../src/accounts/keyRow.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import {
  type Batched,
  type Change,
  type Page,
  type Range,
  type Row,
  type RowKey,
  StoreError,
  type Table,
  type Values,
} from '../../src/store/port.ts';
import { settled } from '../harness/manualClock.ts';
import { type Instance, instanceOn, ORDER, OUTLIVE_MS, refusalOf, showing, verdict } from './instances.ts';

const NOW = Date.UTC(2026, 10, 21);
const MINUTE_MS = 60_000;
const VERSION = { table: 'keys', partition: 'keys', row: 'version' } as const;

const KEY: Key = { ...ORDER, id: 'abcdefghij', digest: 'd1', createdAt: NOW };

function rowOf(values: Values): Row {
  return { partition: 'keys', row: 'version', etag: 'e1', values };
}

/** As everybody else reads it. */
function read(log: KeyLog) {
  return toVersionRow(rowOf(versionValues('abcdefghij', NOW, log)));
}

function logOf(entries: readonly Entry[]): KeyLog {
  return entries.reduce<KeyLog | null>(withEntry, null) ?? { since: null, entries: [] };
}

function revoked(version: string, at = NOW, digests: readonly string[] = [`of ${version}`]): Entry {
  return { version, at, change: { kind: 'revoked', digests } };
}

describe('the log', () => {
  const text = fc.string({ minLength: 1, maxLength: 128 }).map((label) => label.toWellFormed());
  const made = fc.record({ account: text, agent: fc.option(text), pools: fc.option(fc.array(text, { minLength: 1 })) });
  const change: fc.Arbitrary<KeyChange> = fc.oneof(
    made.map((order): KeyChange => ({ kind: 'made', key: { ...KEY, ...order } })),
    fc.array(text, { minLength: 1, maxLength: 200 }).map((digests): KeyChange => ({ kind: 'revoked', digests })),
  );
  const steps = fc.array(fc.record({ change, laterMs: fc.integer({ min: 0, max: 3 * MINUTE_MS }) }), {
    minLength: 1,
    maxLength: 15,
  });

  test('tells whoever knows a version in it exactly what came after, and anybody else nothing', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let [log, at]: [KeyLog | null, number] = [null, NOW];
        for (const [index, { change, laterMs }] of all.entries()) {
          at += laterMs;
          log = withEntry(log, { version: `v${index}`, at, change });
          const row = read(log);
          expect(versionOf(row)).toBe(`v${index}`);
          expect(changesSince(`v${index}`, row)).toEqual([]);
          const first = index - log.entries.length;
          for (let known = 0; known < index; known++) {
            const missed = all.slice(known + 1, index + 1).map((step) => step.change);
            expect(changesSince(`v${known}`, row)).toEqual(known >= first ? missed : null);
          }
          for (const stranger of ['', 'v99', null]) expect(changesSince(stranger, row)).toBeNull();
        }
      }),
    );
  });

  test('is small and recent, whatever is entered', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let [log, at]: [KeyLog | null, number] = [null, NOW];
        for (const [index, { change, laterMs }] of all.entries()) {
          at += laterMs;
          log = withEntry(log, { version: `v${index}`, at, change });
          expect(log.entries.length).toBeLessThanOrEqual(8);
          expect(String(versionValues('id', at, log)['log']).length).toBeLessThanOrEqual(8_000);
          for (const entry of log.entries) expect(at - entry.at).toBeLessThanOrEqual(5 * MINUTE_MS);
        }
      }),
    );
  });

  test('keeps as many entries as it may', () => {
    const entries = Array.from({ length: 9 }, (_, index) => revoked(`v${index}`));
    expect(logOf(entries.slice(0, 8))).toEqual({ since: null, entries: entries.slice(0, 8) });
    expect(logOf(entries)).toEqual({ since: 'v0', entries: entries.slice(1) });
    const apart = [revoked('v0'), revoked('v1', NOW + 1), revoked('v2', NOW + 5 * MINUTE_MS + 1)];
    expect(logOf(apart)).toEqual({ since: 'v0', entries: apart.slice(1) });
  });

  test('is begun anew by an entry that is too large for it, and goes on behind it', () => {
    const large = revoked('v1', NOW, ['x'.repeat(8_000)]);
    const log = logOf([revoked('v0'), large]);
    expect(log).toEqual({ since: 'v1', entries: [] });
    expect(changesSince('v0', read(log))).toBeNull();
    const next = withEntry(read(log).log, revoked('v2'));
    expect(changesSince('v1', read(next))).toEqual([revoked('v2').change]);
    expect(changesSince('v0', read(next))).toBeNull();
  });

  const entries = [{ version: 'v1', at: '2026-11-21T00:00:00.000Z', revoked: ['d1'] }];
  const readable = { schema: 2, changed: 'id', at: '2026-11-21T00:00:00.000Z', since: 'v0', log: '' };

  test.each<[string, Values]>([
    ['of the form without a log', { schema: 1, changed: 'id', at: '2026-11-21T00:00:00.000Z' }],
    ['of an older form with one', { ...readable, schema: 1, log: JSON.stringify(entries) }],
    ['of a newer form', { ...readable, schema: 3, log: JSON.stringify(entries) }],
    ['of nothing', {}],
    ['without a beginning', { schema: 2, log: JSON.stringify(entries) }],
    ['whose log is a figure', { ...readable, log: 1 }],
    ['whose log is no JSON', { ...readable, log: '[' }],
    ['whose log is no list', { ...readable, log: '{}' }],
    ...[
      null,
      'v1',
      {},
      { ...entries[0], version: '' },
      { ...entries[0], version: 1 },
      { ...entries[0], at: 'once' },
      { ...entries[0], at: 1 },
      { ...entries[0], revoked: 'd1' },
      { ...entries[0], revoked: [1] },
      { ...entries[0], revoked: undefined, moved: ['d1'] },
      { ...entries[0], revoked: undefined, made: 'd1' },
      { ...entries[0], revoked: undefined, made: 1, values: toValues(KEY) },
      { ...entries[0], revoked: undefined, made: 'd1', values: { ...toValues(KEY), schema: 2 } },
    ].map((entry): [string, Values] => [
      `whose log has ${JSON.stringify(entry)} behind a good entry`,
      { ...readable, log: JSON.stringify([...entries, entry]) },
    ]),
  ])('cannot be read in a row %s', (_, values) => {
    const row = toVersionRow(rowOf(values));
    expect(row).toEqual({ etag: 'e1', log: null });
    expect(versionOf(row)).toBeNull();
    for (const version of ['v0', 'v1', '', null]) expect(changesSince(version, row)).toBeNull();
  });

  test('can be read where it is as it should be', () => {
    const row = toVersionRow(rowOf({ ...readable, log: JSON.stringify(entries) }));
    expect(changesSince('v0', row)).toEqual([{ kind: 'revoked', digests: ['d1'] }]);
    expect(toVersionRow(null)).toEqual({ etag: null, log: null });
  });
});

type Batch = () => Promise<Batched>;

/** Tells what it was asked, and lets the test decide what becomes of a batch. */
class ToldStore extends MemoryStore {
  readonly asked: string[] = [];
  onBatch: (perform: Batch, changes: readonly Change[]) => Promise<Batched> = (perform) => perform();
  isBusy = false;
  /** Answers that tell of a key wait for it. */
  answering = Promise.resolve();

  override async get(key: RowKey): Promise<Row | null> {
    const what = key.row === 'version' ? 'version' : 'key';
    this.asked.push(`get ${what}`);
    const row = await super.get(key);
    if (what === 'key') await this.answering;
    return row;
  }

  override async list(range: Range): Promise<Page> {
    this.asked.push('list');
    if (this.isBusy) throw new StoreError('throttled', 'slower');
    return await super.list(range);
  }

  override batch(table: Table, partition: string, changes: readonly Change[]): Promise<Batched> {
    return this.onBatch(() => super.batch(table, partition, changes), changes);
  }

  /** What it was asked meanwhile. */
  async during(work: () => Promise<unknown>): Promise<string[]> {
    const before = this.asked.length;
    await work();
    return this.asked.slice(before);
  }
}

/** `here` and `there`, both up to date, and a key of each that both know. */
async function stage() {
  const store = new ToldStore();
  const [here, there, third] = [instanceOn({ store }), instanceOn({ store }), instanceOn({ store })];
  const [mine, yours] = [await here.desk.make(ORDER), await there.desk.make(ORDER)];
  for (const { ring } of [here, there, third]) await ring.refresh();
  return { store, here, there, third, mine, yours };
}

function isIn({ gate }: Instance, { text }: { readonly text: string }): Promise<string> {
  return verdict(() => gate.admitCaller(showing(text), 'a'));
}

function isKnown({ ring }: Instance, { key }: { readonly key: Key }): boolean {
  return ring.recall(key.digest) !== null;
}

function lost(): never {
  throw new StoreError('late', 'the answer was lost');
}

const LISTING = ['get version', 'list'];
const READING = ['get version'];

describe('an instance that was up to date', () => {
  test('reads what others have made and revoked from the version row alone', async () => {
    const { store, here, there, mine, yours } = await stage();
    const made = await here.desk.make({ ...ORDER, agent: 'cpt_agent', pools: ['gpt-4.1'], expiresAt: NOW + 5_000 });
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(there.ring.recall(made.key.digest)).toEqual(made.key);
    await here.desk.revoke(yours.key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect([isKnown(there, yours), isKnown(there, mine)]).toEqual([false, true]);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(there.ring.keys).toEqual([mine.key, made.key]);
  });

  test('reads its own changes from it no more than those of others', async () => {
    const { store, here, mine } = await stage();
    expect(await store.during(() => here.desk.make(ORDER))).toEqual(READING);
    expect(await store.during(() => here.desk.revoke(mine.key.id))).toEqual(READING);
    expect(await store.during(() => here.ring.refresh())).toEqual(READING);
    expect(here.ring.keys).toHaveLength(2);
  });

  test('may have missed eight changes, and lists where it missed more', async () => {
    const { store, here, there, third, yours } = await stage();
    await here.desk.revoke(yours.key.id);
    for (let count = 0; count < 7; count++) await here.desk.make(ORDER);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    await here.desk.make(ORDER);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(await store.during(() => third.ring.refresh())).toEqual(LISTING);
    for (const { ring } of [here, there, third]) expect(ring.keys).toHaveLength(9);
    expect([isKnown(there, yours), isKnown(third, yours)]).toEqual([false, false]);
  });

  test('lists where the change is too large for the row, and goes on from there', async () => {
    const { store, here, there, yours } = await stage();
    const pools = Array.from({ length: 400 }, (_, at) => `a pool that is named ${at}`);
    const large = await here.desk.make({ ...ORDER, pools });
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    expect(there.ring.recall(large.key.digest)).toEqual(large.key);
    await here.desk.revoke(yours.key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(isKnown(there, yours)).toBe(false);
  });

  test('reads of all rows of an id that are revoked together', async () => {
    const { store, here, there, mine } = await stage();
    const { key } = mine;
    const twins = Array.from({ length: 90 }, (_, at) => String(at).padStart(64, '0'));
    for (const digest of twins) await store.put({ ...VERSION, row: digest }, toValues(key));
    await store.put(VERSION, {});
    for (const { ring } of [here, there]) await ring.refresh();
    expect(there.ring.keys).toHaveLength(92);
    await there.desk.make(ORDER);
    await here.desk.revoke(key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(there.ring.keys).toHaveLength(2);
  });

  test('does not keep a key that it was reading when the row told that it is gone', async () => {
    const { store, here, there } = await stage();
    const made = await here.desk.make(ORDER);
    const { promise, resolve } = Promise.withResolvers<void>();
    store.answering = promise;
    const admitted = isIn(there, made);
    await settled();
    await here.desk.revoke(made.key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    resolve();
    expect(await admitted).toBe('in');
    expect(await isIn(there, made)).toBe('401 unauthorized');
  });

  test('knows that rows are left which it cannot read, when all it can read are revoked', async () => {
    const { store, here, there, mine, yours } = await stage();
    await store.put({ ...VERSION, row: 'a1' }, { schema: 9 });
    await store.put(VERSION, {});
    await here.desk.make(ORDER);
    await there.ring.refresh();
    await there.ring.find((await here.desk.make(ORDER)).key.digest);
    for (const { id } of await here.desk.list()) await here.desk.revoke(id);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect([isKnown(there, mine), isKnown(there, yours)]).toEqual([false, false]);
    expect(there.ring).toMatchObject({ keys: [], hasKeys: true });
  });
});

describe('a version row that is not of this form', () => {
  const digestOf = ({ key }: { readonly key: Key }) => key.digest;

  test.each<[string, Values]>([
    ['of an older instance', { schema: 1, changed: 'abcdefghij', at: '2026-11-21T00:00:00.000Z' }],
    ['of a newer one', { schema: 3, changed: 'abcdefghij', entries: 'b64:…' }],
    ['of nonsense', { schema: 2, since: 'v0', log: '[{"version":"v1"}]' }],
  ])('%s has everybody list, once, and is replaced with the next change', async (_, values) => {
    const { store, here, there, third, mine, yours } = await stage();
    // As older instances write: whatever was there.
    await store.batch('keys', 'keys', [
      { kind: 'remove', row: digestOf(yours) },
      { kind: 'put', row: 'version', values },
    ]);
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    expect([isKnown(there, mine), isKnown(there, yours)]).toEqual([true, false]);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    await here.desk.revoke(mine.key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    const made = await here.desk.make(ORDER);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    // Who knew a version before that row finds it nowhere, however short the log is.
    expect(await store.during(() => third.ring.refresh())).toEqual(LISTING);
    for (const { ring } of [here, there, third]) expect(ring.keys).toEqual([made.key]);
  });

  test('that is gone has everybody list, and is made anew', async () => {
    const { store, here, there, mine, yours } = await stage();
    await store.remove({ ...VERSION, row: digestOf(yours) }, null);
    await store.remove(VERSION, null);
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    await here.desk.make(ORDER);
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    await here.desk.revoke(mine.key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(there.ring.keys).toHaveLength(1);
  });

  test('that was removed right after a change of one’s own is missed all the same', async () => {
    const { store, here, mine } = await stage();
    await here.desk.make(ORDER);
    await store.remove({ ...VERSION, row: digestOf(mine) }, null);
    await store.remove(VERSION, null);
    await here.ring.refresh();
    expect(isKnown(here, mine)).toBe(false);
  });
});

describe('two desks at once', () => {
  test('both get through, and a third instance reads of both', async () => {
    const { store, here, there, third, mine, yours } = await stage();
    let batches = 0;
    store.onBatch = async (perform) => {
      // `there` is first, between what `here` has read and what it writes.
      if (++batches === 1) await there.desk.revoke(mine.key.id);
      return await perform();
    };
    expect(await here.desk.revoke(yours.key.id)).toEqual(yours.key);
    expect(batches).toBe(3);
    expect(isKnown(here, mine)).toBe(false);
    expect(await store.during(() => third.ring.refresh())).toEqual(READING);
    expect([isKnown(third, mine), isKnown(third, yours)]).toEqual([false, false]);
  });

  test('an older instance that writes in between is not written over', async () => {
    const { store, here, third, mine } = await stage();
    let batches = 0;
    store.onBatch = async (perform) => {
      if (++batches === 1) await store.put(VERSION, { schema: 1, changed: 'x', at: '2026-11-21T00:00:00.000Z' });
      return await perform();
    };
    await here.desk.revoke(mine.key.id);
    expect(batches).toBe(2);
    expect(await store.during(() => third.ring.refresh())).toEqual(LISTING);
    expect(isKnown(third, mine)).toBe(false);
  });

  test('of two that revoke the same key the slower one finds none', async () => {
    const { store, here, there, mine } = await stage();
    let batches = 0;
    store.onBatch = async (perform) => {
      if (++batches === 1) expect(await there.desk.revoke(mine.key.id)).toEqual(mine.key);
      return await perform();
    };
    expect(await here.desk.revoke(mine.key.id)).toBeNull();
    expect(batches).toBe(2);
  });

  test('the first keys of all are made by both', async () => {
    const store = new ToldStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store })];
    let batches = 0;
    store.onBatch = async (perform) => {
      if (++batches === 1) await there.desk.make(ORDER);
      return await perform();
    };
    await here.desk.make(ORDER);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    for (const { ring } of [here, there]) expect(ring.keys).toHaveLength(2);
  });

  test('a revocation gets through though others are always first: then everybody lists', async () => {
    const { store, here, there, mine } = await stage();
    const conditions: (string | undefined)[] = [];
    let isOurs = true;
    store.onBatch = async (perform, changes) => {
      if (!isOurs) return await perform();
      conditions.push(changes.at(-1)?.kind);
      isOurs = false;
      await there.desk.make(ORDER);
      isOurs = true;
      return await perform();
    };
    const revoking = here.desk.revoke(mine.key.id);
    await here.clock.pass(10_000);
    expect(await revoking).toEqual(mine.key);
    expect(conditions).toEqual([...Array.from({ length: 7 }, () => 'replace'), 'put']);
    // What was made in between is in no log.
    for (const { ring } of [here, there]) {
      expect(await store.during(() => ring.refresh())).toEqual(LISTING);
      expect(ring.keys).toHaveLength(9);
    }
    expect(isKnown(there, mine)).toBe(false);
  });
});

describe('a write whose answer was lost', () => {
  test('has happened: the operator is told that nobody knows, and everybody reads of it', async () => {
    const { store, here, there, mine, yours } = await stage();
    store.onBatch = (perform) => perform().then(lost);
    expect(await refusalOf(() => here.desk.revoke(mine.key.id))).toMatchObject({ status: 503 });
    expect(await refusalOf(() => here.desk.make(ORDER))).toMatchObject({ status: 503 });
    store.onBatch = (perform) => perform();
    for (const { ring } of [here, there]) {
      expect(await store.during(() => ring.refresh())).toEqual(READING);
      expect(ring.keys).toHaveLength(2);
      expect(ring.keys).toContainEqual(yours.key);
    }
    expect(await here.desk.revoke(mine.key.id)).toBeNull();
  });

  test('has not happened: nothing has changed, and it is made again', async () => {
    const { store, here, there, mine } = await stage();
    store.onBatch = () => Promise.resolve().then(lost);
    expect(await refusalOf(() => here.desk.revoke(mine.key.id))).toMatchObject({ status: 503 });
    store.onBatch = (perform) => perform();
    await here.ring.refresh();
    expect(isKnown(here, mine)).toBe(true);
    expect(await here.desk.revoke(mine.key.id)).toEqual(mine.key);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(isKnown(there, mine)).toBe(false);
  });

  test.each([false, true])(
    'happens when nobody waits for it any more: others have written meanwhile: %s',
    async (met) => {
      const { store, here, there, third, mine, yours } = await stage();
      let late: Batch = lost;
      store.onBatch = (perform) => {
        late = perform;
        return Promise.resolve().then(lost);
      };
      expect(await refusalOf(() => here.desk.revoke(mine.key.id))).toMatchObject({ status: 503 });
      store.onBatch = (perform) => perform();
      if (met) await there.desk.revoke(yours.key.id);
      expect(await late()).toEqual({ kind: met ? 'conflict' : 'written' });
      for (const instance of [here, there, third]) {
        expect(await store.during(() => instance.ring.refresh())).toEqual(READING);
        expect([isKnown(instance, mine), isKnown(instance, yours)]).toEqual([met, !met]);
      }
    },
  );
});

describe('while the store is too busy for lists', () => {
  /** `there` would have to list, and cannot. */
  async function behind() {
    const { store, here, there, mine, yours } = await stage();
    for (let count = 0; count < 8; count++) await here.desk.make(ORDER);
    const made = await here.desk.make(ORDER);
    store.isBusy = true;
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    return { store, here, there, mine, yours, made };
  }

  test('it is not lost: keys that are known are honoured, and others asked for', async () => {
    const { store, there, mine, made } = await behind();
    expect(there.told).toEqual([]);
    expect(await store.during(() => isIn(there, mine))).toEqual([]);
    expect(await store.during(async () => expect(await isIn(there, made)).toBe('in'))).toEqual(['get key']);
    expect(await refusalOf(() => there.desk.revoke(made.key.id))).toMatchObject({ status: 503 });
  });

  test('keys that are known are asked for as well when they have been believed for long enough', async () => {
    const { store, here, there, mine, yours } = await behind();
    await here.desk.revoke(yours.key.id);
    there.clock.advance(OUTLIVE_MS);
    expect(await isIn(there, yours)).toBe('in');
    there.clock.advance(1);
    expect(await isIn(there, yours)).toBe('401 unauthorized');
    expect(await store.during(async () => expect(await isIn(there, mine)).toBe('in'))).toEqual(['get key']);
  });

  test('it is listed again with each refresh, and all is as before', async () => {
    const { store, here, there, mine, yours } = await behind();
    await here.desk.revoke(yours.key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    store.isBusy = false;
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    expect([isKnown(there, mine), isKnown(there, yours)]).toEqual([true, false]);
    await here.desk.revoke(mine.key.id);
    expect(await store.during(() => there.ring.refresh())).toEqual(READING);
    expect(isKnown(there, mine)).toBe(false);
  });

  test('what the version row tells is heard, though a list is due for rows that were changed by hand', async () => {
    const { store, here, there, mine } = await stage();
    here.clock.advance(60 * MINUTE_MS);
    there.clock.advance(60 * MINUTE_MS);
    await here.desk.revoke(mine.key.id);
    store.isBusy = true;
    expect(await store.during(() => there.ring.refresh())).toEqual(LISTING);
    expect(isKnown(there, mine)).toBe(false);
  });

  test('one that has read nothing yet asks for each key', async () => {
    const { store, yours } = await stage();
    store.isBusy = true;
    const fresh = instanceOn({ store });
    for (let count = 0; count < 2; count++) expect(await isIn(fresh, yours)).toBe('in');
    expect(fresh.ring.keys).toBeNull();
  });
});
