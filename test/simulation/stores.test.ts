import { describe, expect, it } from 'vitest';
import { CountingStore, type StoreCall } from '../../src/simulation/countingStore.ts';
import { DistantStore, type Weather } from '../../src/simulation/distantStore.ts';
import { StoreLedger } from '../../src/simulation/storeLedger.ts';
import { ThrottlingStore } from '../../src/simulation/throttlingStore.ts';
import { VirtualTime } from '../../src/simulation/virtualTime.ts';
import { drawFrom } from '../../src/simulator/seeded.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { StoreError } from '../../src/store/port.ts';
import { describeStore } from '../store/contract.ts';

const WITHIN_MS = 1_000;
const KEY = { table: 'deployments', partition: 'fleet', row: 'sheet' } as const;

describe('the counting store', () => {
  describeStore(() => Promise.resolve(new CountingStore(new MemoryStore(), () => undefined)));

  it('tells of each call what it was, what it touched and what it came to', async () => {
    const calls: StoreCall[] = [];
    const store = new CountingStore(new MemoryStore(), (call) => calls.push(call));
    await store.get(KEY, WITHIN_MS);
    await store.insert(KEY, { content: 'abcd' }, WITHIN_MS);
    await store.insert(KEY, { content: 'abcd' }, WITHIN_MS);
    await store.replace(KEY, { content: 'ef' }, 'an old one', WITHIN_MS);
    await store.get(KEY, WITHIN_MS);
    await store.put({ ...KEY, partition: 'other' }, { content: 'x' }, WITHIN_MS);
    await store.list({ table: 'deployments', limit: 10 }, WITHIN_MS);
    await store.batch(
      'events',
      'day',
      [
        { kind: 'put', row: 'a', values: {} },
        { kind: 'remove', row: 'b' },
      ],
      WITHIN_MS,
    );
    const replacing = { kind: 'replace', row: 'a', values: { content: 'abc' }, etag: 'an old one' } as const;
    await store.batch('events', 'day', [{ kind: 'insert', row: 'c', values: { content: 'ab' } }], WITHIN_MS);
    await store.batch('events', 'day', [replacing], WITHIN_MS);
    await store.remove(KEY, 'an old one', WITHIN_MS);
    const told = calls.map(({ operation, result, entities, characters, written }) =>
      [operation, result, JSON.stringify([...entities]), characters, written.length].join(' '),
    );
    expect(told).toEqual([
      'get done [["fleet",1]] 0 0',
      'insert done [["fleet",1]] 4 1',
      'insert conflict [["fleet",1]] 4 0',
      'replace conflict [["fleet",1]] 2 0',
      'get done [["fleet",1]] 4 0',
      'put done [["other",1]] 1 1',
      'list done [["fleet",1],["other",1]] 5 0',
      'batch done [["day",2]] 0 1',
      'batch done [["day",1]] 2 1',
      'batch conflict [["day",1]] 3 0',
      'remove conflict [["fleet",1]] 0 0',
    ]);
  });

  it('tells of calls that failed as well', async () => {
    const calls: StoreCall[] = [];
    const full = new ThrottlingStore(new MemoryStore(), { nowMs: () => 0, entitiesPerSecond: 0 });
    const store = new CountingStore(full, (call) => calls.push(call));
    await expect(store.get(KEY, WITHIN_MS)).rejects.toThrow(StoreError);
    expect(calls.map(({ result }) => result)).toEqual(['failed']);
  });
});

describe('the ledger', () => {
  it('adds up by second, partition and table, and knows the busiest second', async () => {
    const ledger = new StoreLedger();
    let nowMs = 0;
    const store = new CountingStore(new MemoryStore(), (call) => ledger.add(call, nowMs));
    for (nowMs of [100, 900, 1_500, 2_100, 2_200, 2_999]) await store.put(KEY, {}, WITHIN_MS);
    nowMs = 2_500;
    await store.put({ ...KEY, partition: 'fleet-2' }, {}, WITHIN_MS);
    await store.insert(KEY, {}, WITHIN_MS);
    expect(ledger.series('entities', { partition: 'deployments/fleet' })).toEqual([2, 1, 4]);
    expect(ledger.series('entities')).toEqual([2, 1, 5]);
    expect(ledger.peak('entities', 60_000, { partition: 'deployments/fleet' })).toBe(4);
    expect(ledger.sum('writes', { fromMs: 1_000, toMs: 3_000 }, { table: 'deployments' })).toBe(5);
    expect(ledger.sum('conflicts', { fromMs: 0, toMs: 3_000 })).toBe(1);
    expect(ledger.sum('calls', { fromMs: 0, toMs: 3_000 }, { table: 'events' })).toBe(0);
  });
});

describe('the throttling store', () => {
  it('refuses what a partition is asked for beyond its target, and nothing of any other', async () => {
    let nowMs = 0;
    const store = new ThrottlingStore(new MemoryStore(), { nowMs: () => nowMs, entitiesPerSecond: 10 });
    for (let call = 0; call < 10; call++) await store.get(KEY, WITHIN_MS);
    await expect(store.get(KEY, WITHIN_MS)).rejects.toMatchObject({ failure: 'throttled' });
    await expect(store.get({ ...KEY, partition: 'other' }, WITHIN_MS)).resolves.toBeNull();
    nowMs = 100;
    await expect(store.get(KEY, WITHIN_MS)).resolves.toBeNull();
    await expect(store.get(KEY, WITHIN_MS)).rejects.toMatchObject({ failure: 'throttled' });
  });
});

describe('the distant store', () => {
  function distant(weather: () => Weather) {
    const time = new VirtualTime(Date.UTC(2026, 10, 21));
    const service = new MemoryStore();
    const store = new DistantStore(service, { clock: time, draw: drawFrom(7), weather, onEnded: () => undefined });
    return { time, service, store };
  }

  it('takes the time of the way there and back', async () => {
    const { time, store } = distant(() => ({ kind: 'open', latency: { medianMs: 8, spread: 0 } }));
    const ended = store.insert(KEY, {}, WITHIN_MS).then(() => time.monotonicMs());
    await time.runUntil(100);
    expect(await ended).toBe(8);
  });

  it('gives up in time on an answer that is long in coming, though the write is made', async () => {
    const { time, store, service } = distant(() => ({ kind: 'open', latency: { medianMs: 3_000, spread: 0 } }));
    const ended = store.put(KEY, { content: 'x' }, WITHIN_MS).catch((error: unknown) => [error, time.monotonicMs()]);
    await time.runUntil(5_000);
    expect(await ended).toEqual([expect.objectContaining({ failure: 'late' }), WITHIN_MS]);
    expect((await service.get(KEY))?.values).toEqual({ content: 'x' });
  });

  it('gives up in time on a service that is gone, and nothing is written', async () => {
    const { time, store, service } = distant(() => ({ kind: 'gone' }));
    const ended = store.put(KEY, { content: 'x' }, WITHIN_MS).catch((error: unknown) => [error, time.monotonicMs()]);
    await time.runUntil(5_000);
    expect(await ended).toEqual([expect.objectContaining({ failure: 'late' }), WITHIN_MS]);
    expect(await service.get(KEY)).toBeNull();
  });
});
