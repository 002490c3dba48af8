import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RequestRecord } from '../../src/domain/usage.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Row, Store } from '../../src/store/port.ts';
import type { StoredLedger } from '../../src/usage/ledger.ts';
import { GROUPS } from '../../src/usage/port.ts';
import { runEmulator } from '../harness/emulator.ts';
import { listAll } from '../store/contract.ts';
import { record, tokens } from './facts.ts';
import {
  BrittleBatches,
  DAY_MS,
  EVER,
  type LedgerStage,
  plainReport,
  plainSum,
  ShortPages,
  stageOn,
  unordered,
} from './ledgers.ts';

async function rowsOf(store: Store): Promise<Row[]> {
  const { rows } = await listAll(store, { table: 'usage', partitions: { to: 'a' }, limit: 1_000 });
  return rows;
}

/** As many processes as asked for have counted a request for each creator, and are gone. */
async function countedBy(
  processes: number,
  { clock, open }: LedgerStage,
  creators = ['anna', 'bert'],
): Promise<RequestRecord[]> {
  const records: RequestRecord[] = [];
  for (let count = 0; count < processes; count++) {
    const ledger = open(`i${count}`);
    for (const creator of creators) {
      const one = record(clock.now(), { as: { creator }, costNanoUsd: count });
      ledger.enter(one);
      records.push(one);
    }
    await ledger.close();
  }
  return records;
}

describe('the timer', () => {
  test('makes one row of those of a day that is over for good, for each set of labels', async () => {
    const store = new MemoryStore();
    const stage = stageOn(store);
    const records = await countedBy(150, stage);
    const ledger = stage.open('timer');
    await stage.clock.pass(2.5 * DAY_MS);
    expect(await ledger.compact(stage.clock.now())).toEqual({ done: true, merged: 0, removed: 0 });
    await stage.clock.pass(DAY_MS / 24 + 1);
    expect(await ledger.compact(stage.clock.now())).toEqual({ done: true, merged: 2, removed: 300 });
    expect(await rowsOf(store)).toHaveLength(2);
    expect((await ledger.report({ ...EVER, by: ['creator'] })).total).toEqual(plainSum(records));
    expect(await ledger.compact(stage.clock.now())).toEqual({ done: true, merged: 0, removed: 0 });
  });

  test('leaves alone what is one row already', async () => {
    const store = new MemoryStore();
    const stage = stageOn(store);
    await countedBy(1, stage);
    const before = await rowsOf(store);
    await stage.clock.pass(4 * DAY_MS);
    expect(await stage.open('timer').compact(stage.clock.now())).toEqual({ done: true, merged: 0, removed: 0 });
    expect(await rowsOf(store)).toEqual(before);
  });

  test('does not look again at days that it has done', async () => {
    const store = new BrittleBatches();
    const stage = stageOn(store);
    await countedBy(3, stage);
    await stage.clock.pass(10 * DAY_MS);
    await stage.open('timer').compact(stage.clock.now());
    const { calls } = store;
    await stage.open('timer').compact(stage.clock.now());
    expect(store.calls - calls).toBe(2);
  });

  test('leaves rows of a form that it does not know as they are, and those beside them', async () => {
    const store = new MemoryStore();
    const stage = stageOn(store);
    await countedBy(3, stage, ['anna']);
    const [row] = await rowsOf(store);
    await store.put({ table: 'usage', partition: row!.partition, row: row!.row }, { ...row!.values, schema: 2 });
    const before = await rowsOf(store);
    await stage.clock.pass(4 * DAY_MS);
    await stage.open('timer').compact(stage.clock.now());
    expect(await rowsOf(store)).toEqual(before);
    expect((await stage.open('i').report({ ...EVER, by: [] })).total.requests).toBe(2);
  });

  test('removes days beyond those that are kept', async () => {
    const store = new MemoryStore();
    const stage = stageOn(store, 10);
    const [ledger, timer] = [stage.open('i1'), stage.open('timer')];
    for (let day = 0; day < 15; day++) {
      ledger.enter(record(stage.clock.now()));
      await ledger.flush();
      await timer.compact(stage.clock.now());
      await stage.clock.pass(DAY_MS);
    }
    expect((await rowsOf(store)).map(({ partition }) => partition)).toEqual(
      Array.from({ length: 10 }, (_, day) => `2026-${day < 5 ? `11-${26 + day}` : `12-0${day - 4}`}`),
    );
  });

  test('does nothing while the store is down, and says so', async () => {
    const store = new BrittleBatches();
    const { clock, episodes, open } = stageOn(store);
    store.trouble = 'down';
    expect(await open('timer').compact(clock.now())).toEqual({ done: false, merged: 0, removed: 0 });
    expect(episodes).toEqual(['lost']);
  });

  test('dies at any point, and the next one finishes its work; reports are right at every point', async () => {
    const records = (await countedBy(5, stageOn(new MemoryStore()))).length;
    for (let callsLeft = 0; ; callsLeft++) {
      const store = new BrittleBatches(new ShortPages());
      const stage = stageOn(store);
      await countedBy(5, stage);
      await stage.clock.pass(4 * DAY_MS);
      let left = callsLeft;
      store.gate = async () => {
        if (left-- <= 0) store.trouble = 'down';
      };
      const { done } = await stage.open('dying').compact(stage.clock.now());
      store.gate = () => Promise.resolve();
      store.trouble = 'none';
      expect((await stage.open('i').report({ ...EVER, by: [] })).total.requests).toBe(records);
      await stage.open('timer').compact(stage.clock.now());
      expect(await rowsOf(store.inner)).toHaveLength(2);
      expect((await stage.open('i').report({ ...EVER, by: [] })).total.requests).toBe(records);
      if (done) break;
    }
  });

  test('may run several times at once, amid reports, whoever is answered first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 6 }), async (scheduler, processes) => {
        const store = new BrittleBatches(new ShortPages());
        const stage = stageOn(store);
        const records = await countedBy(processes, stage);
        await stage.clock.pass(3.6 * DAY_MS);
        const total = plainSum(records);
        store.gate = () => scheduler.schedule(Promise.resolve());
        const timers = ['t1', 't2', 't3'].map((name) => stage.open(name).compact(stage.clock.now()));
        const readers = ['r1', 'r2', 'r3'].map(async (name) => {
          for (let count = 0; count < 3; count++) {
            expect((await stage.open(name).report({ from: '2026-11-21', to: '2026-11-21', by: [] })).total).toEqual(
              total,
            );
          }
        });
        await scheduler.waitFor(Promise.all([...timers, ...readers]));
        store.gate = () => Promise.resolve();
        expect(await rowsOf(store.inner)).toHaveLength(2);
        expect((await stage.open('i').report({ ...EVER, by: [] })).total).toEqual(total);
      }),
      { numRuns: 150 },
    );
  });

  test('may run several times at once on real tables', async () => {
    await using emulator = await runEmulator();
    const store = emulator.openStore();
    const stage = stageOn(store);
    const records = await countedBy(105, stage);
    const total = plainSum(records);
    await stage.clock.pass(3.6 * DAY_MS);
    const timers = [1, 2, 3].map(async (at) => {
      await stageOn(emulator.openStore()).open(`t${at}`).compact(stage.clock.now());
    });
    const readers = [1, 2, 3].map(async () => {
      const reader = stageOn(emulator.openStore()).open('reader');
      for (let time = 0; time < 10; time++) expect((await reader.report({ ...EVER, by: [] })).total).toEqual(total);
    });
    await Promise.all([...timers, ...readers]);
    // A timer may give up where others were first each time; the next one is alone.
    expect(await stage.open('timer').compact(stage.clock.now())).toMatchObject({ done: true });
    expect(await rowsOf(store)).toHaveLength(2);
    expect((await stage.open('i').report({ ...EVER, by: [] })).total).toEqual(total);
  });
});

const count = fc.nat(1_000_000);
const used = fc.record({ prompt: count, cached: count, completion: count, reasoning: count }).map(tokens);
const name = fc.constantFrom('a', 'b', 'unknown_creator');
const entry = fc.record({
  kind: fc.constant('enter' as const),
  on: fc.nat(2),
  facts: fc.record({
    as: fc.record({ account: name, agent: name, creator: name, operation: name, model: name }, { requiredKeys: [] }),
    tokens: used,
    costNanoUsd: fc.option(fc.nat(2 ** 40)),
    estimated: fc.boolean(),
  }),
});
const step = fc.oneof(
  { weight: 6, arbitrary: entry },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush' as const), on: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('trouble' as const),
      trouble: fc.constantFrom('none', 'down', 'answersLost'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), on: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), hours: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('compact' as const), dies: fc.option(fc.nat(12)) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function perform(
  one: Step,
  stage: LedgerStage,
  store: BrittleBatches,
  fleet: StoredLedger[],
  entered: RequestRecord[],
) {
  switch (one.kind) {
    case 'enter': {
      const made = record(stage.clock.now(), one.facts);
      fleet[one.on]!.enter(made);
      entered.push(made);
      break;
    }
    case 'flush':
      await fleet[one.on]!.flush();
      break;
    case 'trouble':
      store.trouble = one.trouble;
      break;
    case 'restart':
      store.trouble = 'none';
      await fleet[one.on]!.close();
      fleet[one.on] = stage.open(`i${one.on}-${entered.length}-${stage.clock.now()}`);
      break;
    case 'pass':
      // Longer outages are given up, and told: another test's matter.
      store.trouble = 'none';
      for (const ledger of fleet) await ledger.flush();
      await stage.clock.pass(one.hours * 3_600_000);
      break;
    case 'compact': {
      let left = one.dies ?? Number.POSITIVE_INFINITY;
      store.gate = async () => {
        if (left-- <= 0) store.trouble = 'down';
      };
      await Promise.all(fleet.map((ledger) => ledger.compact(stage.clock.now())));
      store.gate = () => Promise.resolve();
      if (one.dies !== null) store.trouble = 'none';
      break;
    }
    default:
      one satisfies never;
  }
}

test('whatever is entered wherever, written however badly and merged whenever, the report is the plain sum', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
      const store = new BrittleBatches(new ShortPages());
      const stage = stageOn(store);
      const fleet = ['i0', 'i1', 'i2'].map((instance) => stage.open(instance));
      const entered: RequestRecord[] = [];
      for (const one of steps) await perform(one, stage, store, fleet, entered);
      store.trouble = 'none';
      const [, ...others] = fleet;
      for (const ledger of others) await ledger.flush();
      const range = { from: '2026-11-01', to: '2027-06-30' };
      const report = await fleet[0]!.report({ ...range, by: [...GROUPS] });
      expect(unordered(report)).toEqual(unordered(plainReport(entered, [...GROUPS])));
      await fleet[0]!.close();
      await stage.clock.pass(5 * DAY_MS);
      await others[0]!.compact(stage.clock.now());
      expect((await stage.open('reader').report({ ...range, by: [] })).total).toEqual(plainSum(entered));
      expect(stage.lost).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
