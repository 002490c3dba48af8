import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/domain/errors.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { GROUPS } from '../../src/usage/port.ts';
import { settled } from '../harness/manualClock.ts';
import { record, tokens } from './facts.ts';
import {
  BrittleBatches,
  DAY_MS,
  EVER,
  FLUSH_MS,
  plainReport,
  plainSum,
  rowsIn,
  stageOn,
  unordered,
} from './ledgers.ts';

describe('what was used', () => {
  test('is told by the instance that counted it at once, and by others once it is written', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const [one, other] = [open('i1'), open('i2')];
    one.start();
    one.enter(record(clock.now()));
    const by = { ...EVER, by: [] };
    expect((await one.report(by)).total.requests).toBe(1);
    expect((await other.report(by)).total.requests).toBe(0);
    await clock.pass(FLUSH_MS);
    expect((await one.report(by)).total.requests).toBe(1);
    expect((await other.report(by)).total.requests).toBe(1);
    await one.close();
  });

  test('is summed by every label, by day, and by any of them together', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const ledger = open('i1');
    const today = clock.now();
    const records = [
      record(today, { as: { creator: 'anna' } }),
      record(today, { as: { creator: 'bert', model: 'gpt-5' }, costNanoUsd: null, estimated: true, end: 'broken' }),
      record(today + DAY_MS, { as: { agent: 'icd_agent', operation: 'other' }, tokens: tokens({ prompt: 7 }) }),
      record(today, { as: { account: 'clinic-8' }, costNanoUsd: 3 }),
    ];
    await clock.pass(1.5 * DAY_MS);
    for (const one of records) ledger.enter(one);
    await ledger.flush();
    for (const by of [[], [...GROUPS], ...GROUPS.map((group) => [group]), ['creator', 'model'] as const]) {
      const report = await open('i2').report({ ...EVER, by });
      expect(unordered(report)).toEqual(unordered(plainReport(records, by)));
    }
    const { rows, total } = await ledger.report({ from: '2026-11-22', to: '2026-11-22', by: ['day'] });
    expect([rows.length, rows[0]?.day, total]).toEqual([1, '2026-11-22', plainSum(records.slice(2, 3))]);
  });

  test('comes in order of cost, then of tokens, then of labels', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const ledger = open('i1');
    const enter = (creator: string, costNanoUsd: number, prompt: number): void =>
      ledger.enter(record(clock.now(), { as: { creator }, costNanoUsd, tokens: tokens({ prompt }) }));
    for (const [creator, cost, prompt] of [
      ['d', 1, 5],
      ['b', 1, 5],
      ['c', 1, 9],
      ['a', 2, 1],
    ] as const) {
      enter(creator, cost, prompt);
    }
    const { rows } = await ledger.report({ ...EVER, by: ['creator'] });
    expect(rows.map(({ creator }) => creator)).toEqual(['a', 'c', 'b', 'd']);
  });

  test('costs what it costs to the billionth, also beyond what a double can add', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const ledger = open('i1');
    for (let count = 0; count < 3; count++) ledger.enter(record(clock.now(), { costNanoUsd: 9_007_199_254_740_991 }));
    ledger.enter(record(clock.now(), { costNanoUsd: 29 }));
    await ledger.flush();
    expect((await open('i2').report({ ...EVER, by: [] })).total.costUsd).toBe(27_021_597.764223002);
  });

  test('is counted whatever a deployment or a caller says', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const ledger = open('i1');
    const odd = tokens({ prompt: Number.POSITIVE_INFINITY, completion: -5, cached: 1.5, reasoning: Number.NaN });
    ledger.enter(record(clock.now(), { tokens: odd, costNanoUsd: Number.NaN }));
    ledger.enter(record(clock.now(), { as: { creator: '\ud83d/\\#?\u0000\n', agent: 'x'.repeat(100_000) } }));
    await ledger.flush();
    const { total, rows } = await open('i2').report({ ...EVER, by: ['agent'] });
    expect(total).toEqual({ ...plainSum([record(0)]), requests: 2 });
    expect(new Set(rows.map(({ agent }) => agent?.length))).toEqual(new Set([256, 'cpt_agent'.length]));
  });

  test('is read over many pages, and asked for over 400 days at most', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const ledger = open('i1');
    for (let count = 0; count < 450; count++) ledger.enter(record(clock.now(), { as: { creator: `c${count}` } }));
    await ledger.flush();
    const { rows, total } = await open('i2').report({ from: '2025-10-18', to: '2026-11-21', by: ['creator'] });
    expect([rows.length, total.requests]).toEqual([450, 450]);
    const refusal = await ledger
      .report({ from: '2025-10-17', to: '2026-11-21', by: [] })
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_request', param: 'from' });
  });

  test('cannot be told while the store does not answer', async () => {
    const store = new BrittleBatches();
    const { open } = stageOn(store);
    store.trouble = 'down';
    const refusal = await open('i1')
      .report({ ...EVER, by: [] })
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RouterError);
    expect(refusal).toMatchObject({ status: 503, retryAfterMs: 5_000 });
  });

  test('counts once where it is written while the report is read', async () => {
    const store = new BrittleBatches();
    const { clock, open } = stageOn(store);
    const ledger = open('i1');
    ledger.enter(record(clock.now()));
    await ledger.flush();
    ledger.enter(record(clock.now()));
    let isFlushed = false;
    store.gate = async () => {
      if (isFlushed) return;
      isFlushed = true;
      await ledger.flush();
    };
    expect((await ledger.report({ ...EVER, by: [] })).total.requests).toBe(2);
  });
});

describe('writing', () => {
  test('happens behind the requests, in batches of what has changed, and at times of its own', async () => {
    const store = new BrittleBatches();
    const { clock, open } = stageOn(store);
    const [early, late] = [open('i1', 0), open('i2', 0.999)];
    for (let count = 0; count < 250; count++) early.enter(record(clock.now(), { as: { creator: `c${count}` } }));
    late.enter(record(clock.now()));
    await settled();
    expect(store.calls).toBe(0);
    early.start();
    late.start();
    await clock.pass(0.8 * FLUSH_MS);
    expect(store.sizes).toEqual([100, 100, 50]);
    await clock.pass(0.2 * FLUSH_MS);
    expect(store.sizes).toEqual([100, 100, 50, 1]);
    early.enter(record(clock.now(), { as: { creator: 'c7' } }));
    await clock.pass(10 * FLUSH_MS);
    expect(store.sizes).toEqual([100, 100, 50, 1, 1]);
    await Promise.all([early.close(), late.close()]);
    expect(clock.pending).toBe(0);
  });

  test('is as much less frequent as a fleet is larger: all together stay below what a partition bears', async () => {
    const store = new BrittleBatches();
    const { clock, open } = stageOn(store);
    const ledger = open('i1', 0.5, 1_000);
    ledger.start();
    const seconds = 120;
    for (let second = 0; second < seconds; second++) {
      for (let count = 0; count < 20; count++) ledger.enter(record(clock.now(), { as: { creator: `c${count}` } }));
      await clock.pass(1_000);
    }
    const rows = store.sizes.reduce((sum, size) => sum + size, 0);
    expect((rows * 1_000) / seconds).toBeLessThan(2_000);
    await ledger.close();
    expect((await open('i2').report({ ...EVER, by: [] })).total.requests).toBe(20 * seconds);
  });

  test('that failed is done again, and an answer that was lost changes nothing', async () => {
    const store = new BrittleBatches();
    const { clock, lost, episodes, open } = stageOn(store);
    const ledger = open('i1');
    ledger.start();
    for (const trouble of ['down', 'answersLost', 'down', 'none'] as const) {
      store.trouble = trouble;
      ledger.enter(record(clock.now()));
      await clock.pass(FLUSH_MS);
    }
    expect((await open('i2').report({ ...EVER, by: [] })).total).toEqual(
      plainSum(Array.from({ length: 4 }, () => record(0))),
    );
    expect([lost, episodes]).toEqual([[], ['lost']]);
    await ledger.close();
  });

  test('asks a store that is down once in a cycle, however much there is', async () => {
    const store = new BrittleBatches();
    const { clock, open } = stageOn(store);
    const ledger = open('i1');
    for (let count = 0; count < 1_000; count++) ledger.enter(record(clock.now(), { as: { creator: `c${count}` } }));
    store.trouble = 'down';
    await ledger.flush();
    expect(store.calls).toBe(1);
  });

  test('is done once more where an older write whose answer was lost may have arrived behind it', async () => {
    const inner = new MemoryStore();
    const store = new BrittleBatches(inner);
    const { clock, open } = stageOn(store);
    const ledger = open('i1');
    const older: Parameters<MemoryStore['batch']>[] = [];
    const send = inner.batch.bind(inner);
    inner.batch = (...sent) => {
      older.push(sent);
      return send(...sent);
    };
    store.trouble = 'answersLost';
    ledger.enter(record(clock.now()));
    ledger.start();
    await clock.pass(FLUSH_MS);
    store.trouble = 'none';
    ledger.enter(record(clock.now()));
    await clock.pass(FLUSH_MS);
    const [late] = older;
    await send(...late!);
    await clock.pass(60_000 + FLUSH_MS);
    expect((await open('i2').report({ ...EVER, by: [] })).total.requests).toBe(2);
    const { calls } = store;
    await clock.pass(10 * FLUSH_MS);
    expect(store.calls).toBe(calls);
    await ledger.close();
  });

  test('goes on in the same rows as long as the day lasts', async () => {
    const store = new MemoryStore();
    const { clock, open } = stageOn(store);
    const ledger = open('i1');
    for (let time = 0; time < 3; time++) {
      ledger.enter(record(clock.now()));
      await ledger.flush();
      await clock.pass(3_600_000);
    }
    expect(await rowsIn(store)).toBe(1);
  });

  test.each([
    ['during the day', 0],
    ['after it is over', DAY_MS],
  ])('misses nothing that is counted meanwhile, %s', async (_, passed) => {
    const store = new BrittleBatches();
    const { clock, open } = stageOn(store);
    const ledger = open('i1');
    const { at } = record(clock.now());
    ledger.enter(record(at));
    await clock.pass(passed);
    let left = 2;
    store.gate = async () => {
      if (left-- > 0) ledger.enter(record(at));
    };
    await ledger.flush();
    await ledger.flush();
    expect((await open('i2').report({ ...EVER, by: [] })).total.requests).toBe(3);
  });

  test('happens in order: an older figure does not follow a newer one', async () => {
    const store = new BrittleBatches();
    const { clock, open } = stageOn(store);
    const ledger = open('i1');
    let isFirst = true;
    store.gate = async () => {
      const waits = isFirst;
      isFirst = false;
      if (waits) await settled();
    };
    ledger.enter(record(clock.now()));
    const first = ledger.flush();
    await Promise.resolve();
    ledger.enter(record(clock.now()));
    await Promise.all([first, ledger.flush()]);
    expect((await open('i2').report({ ...EVER, by: [] })).total.requests).toBe(2);
  });

  test('is done by whoever closes; what cannot be written then is lost, and told', async () => {
    const store = new BrittleBatches();
    const { clock, lost, open } = stageOn(store);
    const [one, other] = [open('i1'), open('i2')];
    for (const ledger of [one, other, other]) ledger.enter(record(clock.now()));
    await one.close();
    expect((await open('i3').report({ ...EVER, by: [] })).total.requests).toBe(1);
    await other.flush();
    other.enter(record(clock.now()));
    store.trouble = 'down';
    await other.close();
    expect(lost).toEqual([1]);
  });

  test('a crash loses what came since the last flush, and nothing else', async () => {
    const { clock, open } = stageOn(new MemoryStore());
    const crashed = open('i1');
    for (let count = 0; count < 5; count++) crashed.enter(record(clock.now()));
    await crashed.flush();
    crashed.enter(record(clock.now()));
    const anew = open('i1-anew');
    anew.enter(record(clock.now()));
    await anew.flush();
    expect((await anew.report({ ...EVER, by: [] })).total.requests).toBe(6);
  });
});
