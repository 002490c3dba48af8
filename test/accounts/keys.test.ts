import { hash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/accounts/credential.ts';
import { fromRow, type KeyOrder, toValues } from '../../src/accounts/keyRow.ts';
import { isKeyText, makeKeyText } from '../../src/accounts/keyText.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Row, RowKey } from '../../src/store/port.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { BrittleStore } from '../state/brittleStore.ts';
import { listAll } from '../store/contract.ts';
import { instanceOn, ORDER, REFRESH_MS, refusalOf, showing, verdict } from './instances.ts';

/** Counts what is asked of it, and by which key. */
class CountingStore extends MemoryStore {
  readonly reads: string[] = [];
  listings = 0;

  override get(key: RowKey): Promise<Row | null> {
    this.reads.push(key.row);
    return super.get(key);
  }

  override list(range: Parameters<MemoryStore['list']>[0]): ReturnType<MemoryStore['list']> {
    this.listings++;
    return super.list(range);
  }
}

async function rowsOf(store: MemoryStore | BrittleStore): Promise<Row[]> {
  return (await listAll(store, { table: 'keys', limit: 100 })).rows;
}

describe('the text of a key', () => {
  test('is a prefix, a short id and 32 random bytes', () => {
    const { id, text } = makeKeyText(randomBytes);
    expect(text).toMatch(/^aor_[a-z2-7]{10}_[A-Za-z0-9_-]{43}$/);
    expect(text.slice(4, 14)).toBe(id);
    expect(isKeyText(text)).toBe(true);
  });

  test('is made of the random bytes that were handed in, all of them', () => {
    const made = makeKeyText((count) => Buffer.alloc(count, count === 32 ? 0xff : 0));
    expect(made.text).toBe(`aor_aaaaaaaaaa_${Buffer.alloc(32, 0xff).toString('base64url')}`);
  });

  test.each([
    '',
    'aor_',
    'aor_aaaaaaaaaa_',
    `aor_aaaaaaaaaa_${'x'.repeat(42)}`,
    `aor_aaaaaaaaaa_${'x'.repeat(44)}`,
    `aor_aaaaaaaaaA_${'x'.repeat(43)}`,
    `aor_aaaaaaaaa1_${'x'.repeat(43)}`,
    `aor_aaaaaaaaaa_${'x'.repeat(42)}.`,
    `xaor_aaaaaaaaaa_${'x'.repeat(43)}`,
  ])('is not %j', (text) => {
    expect(isKeyText(text)).toBe(false);
  });
});

describe('a row of a key', () => {
  const label = fc.string({ minLength: 1, maxLength: 128 }).map((text) => text.toWellFormed());
  const instant = fc.integer({ min: 0, max: 8e12 });

  test('is read as it was written', async () => {
    const orders = fc.record<KeyOrder>({
      account: label,
      plan: fc.option(label),
      agent: fc.option(label),
      creator: fc.option(label),
      operation: fc.option(label),
      pools: fc.option(fc.array(label, { minLength: 1, maxLength: 5 })),
      expiresAt: fc.option(instant),
    });
    await fc.assert(
      fc.asyncProperty(orders, instant, async (order, createdAt) => {
        const store = new MemoryStore();
        const key = { ...order, digest: 'd1', id: 'abcdefghij', createdAt };
        await store.put({ table: 'keys', partition: 'keys', row: 'd1' }, toValues(key));
        const row = await store.get({ table: 'keys', partition: 'keys', row: 'd1' });
        expect(row === null ? null : fromRow(row)).toEqual(key);
      }),
    );
  });

  test.each<[string, object]>([
    ['of a newer form', { schema: 2 }],
    ['without a form', { schema: '1' }],
    ['whose account is empty', { account: '' }],
    ['whose account is no text', { account: 1 }],
    ['whose id is empty', { keyId: '' }],
    ['whose plan is no text', { plan: 1 }],
    ['whose operation is no text', { operation: true }],
    ['whose pools are no list', { pools: '{}' }],
    ['whose pools are a list of figures', { pools: '[1]' }],
    ['whose pools are no JSON', { pools: '[' }],
    ['whose expiry is no instant', { expiresAt: 'never' }],
    ['whose expiry is a figure', { expiresAt: 1 }],
    ['without an instant of its making', { createdAt: '' }],
  ])('%s lets nobody in, and is left as it is', async (_, wrong) => {
    const store = new MemoryStore();
    const { desk, gate } = instanceOn({ store });
    const { key, text } = await desk.make(ORDER);
    const place = { table: 'keys', partition: 'keys', row: key.digest } as const;
    const values = { ...toValues(key), ...wrong };
    await store.put(place, values);
    await store.put({ ...place, row: 'version' }, {});
    const other = instanceOn({ store });
    await other.ring.refresh();
    expect(await verdict(() => other.gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
    expect(await other.desk.list()).toEqual([]);
    expect(other.ring.hasKeys).toBe(true);
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('in');
    expect((await store.get(place))?.values).toEqual(values);
  });
});

describe('a made key', () => {
  test('is honoured at once where it was made, without a question to the store, and by nobody else before', async () => {
    const store = new CountingStore();
    const { desk, gate } = instanceOn({ store });
    const { key, text } = await desk.make({ ...ORDER, agent: 'cpt_agent', pools: ['gpt-4.1'] });
    const before = store.reads.length;
    expect(gate.admitCaller(showing(text), 'a')).toMatchObject({
      account: 'clinic-7',
      agent: 'cpt_agent',
      creator: null,
      pools: new Set(['gpt-4.1']),
      keyId: key.id,
    });
    expect(store.reads.length).toBe(before);
  });

  test('is stored by its hash, and its text is nowhere: not in a row, not in a list, not in an error', async () => {
    const store = new BrittleStore();
    const { desk, gate, ring, clock, told } = instanceOn({ store });
    const { key, text } = await desk.make({ ...ORDER, expiresAt: clock.now() + 1_000 });
    const secret = text.slice(15);
    const rows = await rowsOf(store);
    expect(rows.map(({ row }) => row).sort()).toEqual([hash('sha256', text, 'hex'), 'version'].sort());
    const seen: unknown[] = [rows, key, await desk.list()];
    clock.advance(1_000);
    seen.push(String(await refusalOf(() => gate.admitCaller(showing(text), 'a'))));
    seen.push(String(await refusalOf(() => gate.admitAdmin(showing(text), 'a'))));
    seen.push(await desk.revoke(key.id));
    seen.push(String(await refusalOf(() => gate.admitCaller(showing(text), 'a'))));
    store.trouble = 'down';
    await ring.refresh();
    seen.push(String(await refusalOf(() => gate.admitCaller(showing(text), 'a'))), told);
    expect(JSON.stringify(seen)).not.toContain(secret);
    expect(seen.filter((one) => typeof one === 'string')).not.toContain('null');
  });

  test('expires at its instant, and says so however often it is asked', async () => {
    const { desk, gate, clock } = instanceOn({ perMinute: 2 });
    const { text } = await desk.make({ ...ORDER, expiresAt: clock.now() + 1_000 });
    clock.advance(999);
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('in');
    clock.advance(1);
    for (let count = 0; count < 5; count++) {
      const refusal = await refusalOf(() => gate.admitCaller(showing(text), 'a'));
      expect(refusal).toMatchObject({ status: 401, message: 'The key expired on 2026-11-21T00:00:01.000Z.' });
    }
    expect(await verdict(() => gate.admitAdmin(showing(text), 'a'))).toBe('401 unauthorized');
  });

  test('is listed until it is revoked, oldest first; a second time there is nothing to revoke', async () => {
    const { desk, clock, gate } = instanceOn();
    const first = await desk.make(ORDER);
    clock.advance(5);
    const second = await desk.make({ ...ORDER, account: 'b' });
    expect((await desk.list()).map(({ id }) => id)).toEqual([first.key.id, second.key.id]);
    expect(await desk.revoke(first.key.id)).toEqual(first.key);
    expect((await desk.list()).map(({ id }) => id)).toEqual([second.key.id]);
    expect(await desk.revoke(first.key.id)).toBeNull();
    expect(await verdict(() => gate.admitCaller(showing(first.text), 'a'))).toBe('401 unauthorized');
    expect(await verdict(() => gate.admitCaller(showing(second.text), 'a'))).toBe('in');
  });

  test('is made for certain or not at all: without the store the operator is told', async () => {
    const store = new BrittleStore();
    const { desk, ring } = instanceOn({ store });
    const { key } = await desk.make(ORDER);
    store.trouble = 'down';
    const refusals = [await refusalOf(() => desk.make(ORDER)), await refusalOf(() => desk.revoke(key.id))];
    expect(refusals.map((refusal) => refusal?.status)).toEqual([503, 503]);
    expect(refusals[0]?.message).toMatch(/could not be read/);
    expect((await desk.list()).map(({ id }) => id)).toEqual([key.id]);
    const fresh = instanceOn({ store });
    expect((await refusalOf(() => fresh.desk.list()))?.status).toBe(503);
    store.trouble = 'none';
    store.batch = () =>
      store.get({ table: 'keys', partition: '', row: 'x'.repeat(600) }, 1).then(() => ({ kind: 'written' }));
    expect(await refusalOf(() => desk.make(ORDER))).toMatchObject({
      status: 503,
      message: expect.stringContaining('did not take') as string,
    });
    expect(await refusalOf(() => desk.revoke(key.id))).toMatchObject({ status: 503 });
    await ring.refresh();
    expect((await desk.list()).map(({ id }) => id)).toEqual([key.id]);
  });
});

describe('keys of other instances', () => {
  test('that were just made are honoured at once, by one read of the store', async () => {
    const store = new CountingStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store })];
    await there.ring.refresh();
    const { text } = await here.desk.make(ORDER);
    store.reads.length = 0;
    const burst = Array.from({ length: 50 }, () => verdict(() => there.gate.admitCaller(showing(text), 'a')));
    expect(new Set(await Promise.all(burst))).toEqual(new Set(['in']));
    expect(store.reads.filter((row) => row === digestOf(text))).toHaveLength(1);
    expect(there.gate.admitCaller(showing(text), 'a')).not.toBeInstanceOf(Promise);
  });

  test('that were revoked are refused after the next refresh', async () => {
    const store = new MemoryStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store })];
    const { key, text } = await here.desk.make(ORDER);
    await there.ring.refresh();
    await here.desk.revoke(key.id);
    expect(await verdict(() => there.gate.admitCaller(showing(text), 'a'))).toBe('in');
    await there.ring.refresh();
    expect(await verdict(() => there.gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
  });

  test('are revoked by their id, also where this instance has not heard of them yet', async () => {
    const store = new MemoryStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store })];
    await there.ring.refresh();
    const { key, text } = await here.desk.make(ORDER);
    expect(await there.desk.revoke(key.id)).toEqual(key);
    await here.ring.refresh();
    expect(await verdict(() => here.gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
  });

  test('that went while they were being read are not kept', async () => {
    const store = new BrittleStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store })];
    await there.ring.refresh();
    const { key, text } = await here.desk.make(ORDER);
    const { promise, resolve } = Promise.withResolvers<void>();
    let passed = 0;
    store.gate = () => (++passed === 2 ? promise : Promise.resolve());
    const admitted = verdict(() => there.gate.admitCaller(showing(text), 'a'));
    await settled();
    await here.desk.revoke(key.id);
    await there.ring.refresh();
    resolve();
    expect(await admitted).toBe('in');
    expect(await verdict(() => there.gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
  });

  test('are listed, though this instance has not heard of them yet', async () => {
    const store = new MemoryStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store })];
    await there.ring.refresh();
    const { key } = await here.desk.make(ORDER);
    expect(await there.desk.list()).toEqual([key]);
  });

  test('that were removed by hand are refused after a while', async () => {
    const store = new MemoryStore();
    const { desk, ring, gate, clock } = instanceOn({ store });
    const { key, text } = await desk.make(ORDER);
    await ring.refresh();
    await store.remove({ table: 'keys', partition: 'keys', row: key.digest }, null);
    clock.advance(30 * 60_000);
    await ring.refresh();
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
  });

  test('are followed without end: one row is read in each period, and keys only where they moved', async () => {
    const store = new CountingStore();
    const clock = new ManualClock();
    const [here, there] = [instanceOn({ store, clock }), instanceOn({ store, clock })];
    const { key, text } = await here.desk.make(ORDER);
    there.ring.start();
    await settled();
    expect(store.listings).toBeGreaterThan(0);
    store.reads.length = 0;
    store.listings = 0;
    await clock.pass(100 * REFRESH_MS);
    expect(store.reads.length).toBeGreaterThanOrEqual(100);
    expect(store.reads.length).toBeLessThan(160);
    expect(new Set(store.reads)).toEqual(new Set(['version']));
    expect(store.listings).toBe(0);
    await here.desk.revoke(key.id);
    await clock.pass(REFRESH_MS);
    expect(await verdict(() => there.gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
    there.ring.close();
    expect(clock.pending).toBeLessThanOrEqual(1);
    await clock.pass(20 * REFRESH_MS);
    expect(there.told.filter((one) => typeof one === 'object' && one !== null && 'error' in one)).toEqual([]);
  });

  test('are all read, however many pages they fill', async () => {
    const store = new MemoryStore();
    const here = instanceOn({ store });
    const texts: string[] = [];
    for (let count = 0; count < 250; count++) texts.push((await here.desk.make(ORDER)).text);
    const there = instanceOn({ store });
    await there.ring.refresh();
    expect(texts.every((text) => there.ring.recall(digestOf(text)) !== null)).toBe(true);
    expect(await there.desk.list()).toHaveLength(250);
  });
});

describe('a text that is no key', () => {
  const GUESS = `aor_aaaaaaaaaa_${'x'.repeat(43)}`;

  test('is asked of the store once in a refresh period', async () => {
    const store = new CountingStore();
    const { ring, clock } = instanceOn({ store });
    await ring.refresh();
    store.reads.length = 0;
    for (let count = 0; count < 10; count++) expect(await ring.find(digestOf(GUESS))).toBeNull();
    expect(store.reads).toEqual([digestOf(GUESS)]);
    clock.advance(REFRESH_MS);
    await Promise.all(Array.from({ length: 10 }, () => ring.find(digestOf(GUESS))));
    expect(store.reads).toHaveLength(2);
  });

  test('is not asked of the store at all where it does not look like one', async () => {
    const store = new CountingStore();
    const { gate, ring } = instanceOn({ store });
    await ring.refresh();
    store.reads.length = 0;
    for (const text of ['secret', 'aor_short', `${GUESS}x`]) {
      expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
    }
    expect(store.reads).toEqual([]);
  });

  test('takes the store from nobody: of many at once few are asked', async () => {
    const store = new BrittleStore();
    const { ring } = instanceOn({ store });
    await ring.refresh();
    const { promise, resolve } = Promise.withResolvers<void>();
    store.gate = () => promise;
    store.calls = 0;
    const verdicts = Array.from({ length: 100 }, (_, at) => verdict(() => ring.find(digestOf(`${at}`))));
    await settled();
    expect(store.calls).toBe(32);
    resolve();
    expect((await Promise.all(verdicts)).filter((one) => one === '503 internal')).toHaveLength(68);
  });
});
