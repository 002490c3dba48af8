import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../src/store/memory.ts';
import { record } from './facts.ts';
import { BrittleBatches, DAY_MS, EVER, FLUSH_MS, rowsIn, stageOn } from './ledgers.ts';

describe('what waits to be written', () => {
  test('has room for 5,000 sets of labels a day; who comes later is counted by account, and told apart no further', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const ledger = open('i1');
    for (let count = 0; count < 5_000; count++) ledger.enter(record(clock.now(), { as: { agent: `a${count}` } }));
    for (const account of ['clinic-8', 'clinic-9']) {
      for (let count = 0; count < 10; count++)
        ledger.enter(record(clock.now(), { as: { account, agent: `b${count}` } }));
    }
    ledger.enter(record(clock.now(), { as: { agent: 'a0' } }));
    const { rows, total } = await ledger.report({ ...EVER, by: ['account', 'agent', 'creator'] });
    expect([rows.length, total.requests]).toEqual([5_002, 5_021]);
    const folded = rows.filter(({ creator }) => creator === 'other');
    expect(folded).toMatchObject(
      ['clinic-8', 'clinic-9'].map((account) => ({ account, agent: 'other', requests: 10 })),
    );
    expect(rows.find(({ agent }) => agent === 'a0')?.requests).toBe(2);
  });

  test('is bounded even where everybody has an account of their own', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const ledger = open('i1');
    for (let count = 0; count < 7_000; count++) ledger.enter(record(clock.now(), { as: { account: `k${count}` } }));
    const { rows, total } = await ledger.report({ ...EVER, by: ['account'] });
    expect([rows.length, total.requests]).toEqual([6_001, 7_000]);
  });

  test('is held for three days, then given up and told once', async () => {
    const store = new BrittleBatches();
    const { clock, lost, open } = stageOn(store);
    const ledger = open('i1');
    ledger.start();
    store.trouble = 'down';
    for (let count = 0; count < 3; count++) ledger.enter(record(clock.now()));
    await clock.pass(2.4 * DAY_MS);
    expect(lost).toEqual([]);
    ledger.enter(record(clock.now()));
    await clock.pass(0.2 * DAY_MS);
    expect(lost).toEqual([3]);
    store.trouble = 'none';
    await clock.pass(2 * FLUSH_MS);
    expect((await open('i2').report({ ...EVER, by: [] })).total.requests).toBe(1);
    ledger.enter(record(clock.now() - 3 * DAY_MS));
    await ledger.close();
    expect(lost).toEqual([3, 1]);
  });

  test('is not written any more once its rows may have been merged, not even by a flush that began in time', async () => {
    const store = new BrittleBatches();
    const { clock, lost, open } = stageOn(store);
    const ledger = open('i1');
    for (let count = 0; count < 150; count++) ledger.enter(record(clock.now(), { as: { creator: `c${count}` } }));
    await clock.pass(2.5 * DAY_MS - 1_000);
    store.gate = async () => clock.advance(1_000);
    await ledger.flush();
    expect(store.sizes).toEqual([100]);
    await ledger.flush();
    expect(lost).toEqual([50]);
  });

  test('is let go of when its day is over and written; what comes late for it counts beside it', async () => {
    const store = new MemoryStore();
    const { clock, open } = stageOn(store);
    const ledger = open('i1');
    const yesterday = clock.now();
    ledger.enter(record(yesterday));
    await ledger.flush();
    await clock.pass(DAY_MS);
    await ledger.flush();
    ledger.enter(record(yesterday));
    await ledger.flush();
    expect(await rowsIn(store)).toBe(2);
    expect((await open('i2').report({ ...EVER, by: ['day'] })).rows).toMatchObject([
      { day: '2026-11-21', requests: 2 },
    ]);
  });
});
