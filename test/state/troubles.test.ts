/** What comes together in a bad hour: stores that are slow or half away, clocks that are wrong, rows that were spoilt. */
import { describe, expect, test } from 'vitest';
import { counted, instancesIn, NO_CENSUS } from '../../src/fleet/census.ts';
import { decodeDeployments } from '../../src/fleet/sheets.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { type Batched, type RowKey, StoreError, type Table } from '../../src/store/port.ts';
import { BrittleStore } from './brittleStore.ts';
import { A, B, C, converge, finding, fleetOf, type Instance, learn } from './fleet.ts';

const SHEET: RowKey = { table: 'deployments', partition: 'fleet', row: 'sheet' };

/** One table does not take anything; the others are well. */
class BusyTable extends MemoryStore {
  readonly #table: Table;

  constructor(table: Table) {
    super();
    this.#table = table;
  }

  override async batch(...asked: Parameters<MemoryStore['batch']>): Promise<Batched> {
    this.#refuse(asked[0]);
    return await super.batch(...asked);
  }

  override async put(...asked: Parameters<MemoryStore['put']>): Promise<void> {
    this.#refuse(asked[0].table);
    await super.put(...asked);
  }

  #refuse(table: Table): void {
    if (table === this.#table) throw new StoreError('throttled', `${table}: busy`);
  }
}

/** As if there were a thousand instances: hardly any lot falls on one of these. */
async function crowdedStore(now: number): Promise<BrittleStore> {
  const store = new BrittleStore();
  const census = { epoch: Math.floor(now / 600_000), marks: [], before: 1_000 };
  const content = JSON.stringify({ deployments: {}, census });
  await store.inner.put(SHEET, { schema: 1, content, at: '', by: 'i0', born: 'i0' }, 1_000);
  return store;
}

describe('a deployment that fails more often than it serves', () => {
  test.each([
    ['three times out of four', 'FFFS'],
    ['every other time', 'FS'],
    ['two times out of three', 'FFS'],
  ])('is left alone though answers come in between: %s', async (_, pattern) => {
    const { clock, instances } = fleetOf({ count: 2, started: true });
    const [one, two] = instances as [Instance, Instance];
    await clock.pass(2_000);
    for (let at = 0; at < 24 && one.state.health(A).breaker.kind === 'closed'; at++) {
      learn(one, clock, pattern[at % pattern.length] === 'F' ? 'failing' : 'ok');
      await clock.pass(300);
    }
    await clock.pass(1_000);
    expect([one, two].map(({ state }) => state.health(A).breaker.kind)).toEqual(['open', 'open']);
  });

  test('is left alone though all of it comes within a millisecond', async () => {
    const { clock, instances } = fleetOf({ count: 1, extra: { breaker: { failures: 3 } } });
    const [one] = instances as [Instance];
    await one.state.exchange();
    for (const outcome of ['failing', 'ok', 'failing', 'ok', 'failing'] as const) {
      learn(one, clock, outcome);
      await one.state.exchange();
    }
    expect(one.state.health(A).breaker.kind).toBe('open');
  });

  test('is left alone by the instance it fails, though it serves another one', async () => {
    const { clock, instances } = fleetOf({ count: 2, started: true });
    const [one, two] = instances as [Instance, Instance];
    await clock.pass(2_000);
    for (let at = 0; at < 12; at++) {
      learn(one, clock, 'failing');
      await clock.pass(200);
      learn(two, clock, 'ok');
      await clock.pass(200);
    }
    expect(one.state.health(A).breaker.kind).toBe('open');
  });
});

describe('a store that is slow', () => {
  test('is not asked faster than it answers: who claims a probe waits for a few calls, not for all news there was', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 1, store, started: true });
    const [one] = instances as [Instance];
    await clock.pass(3_000);
    learn(one, clock, 'failing', { on: C, times: 5 });
    await clock.pass(100);
    store.gate = () => new Promise((resolve) => void clock.after(75, resolve));
    const pattern = 'FFSSSSSSSS';
    const traffic = async (): Promise<void> => {
      for (const outcome of pattern) {
        learn(one, clock, outcome === 'F' ? 'failing' : 'ok', { on: B });
        one.state.recordAgent({ agent: 'a', on: B, failed: outcome === 'F', at: clock.now(), fallback: C, cause: '' });
        await clock.pass(10);
      }
    };
    for (let turn = 0; turn < 300; turn++) await traffic();
    const since = clock.now();
    const answers: boolean[] = [];
    void one.state.claimProbe(C, clock.now(), true).then((granted) => answers.push(granted));
    while (answers.length === 0 && clock.now() - since < 20_000) await traffic();
    expect(answers).toEqual([true]);
    expect(clock.now() - since).toBeLessThan(3_000);
  });

  test('hears what can wait about once in a period from each, however much there is of it', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 1, store, started: true });
    const [one] = instances as [Instance];
    await clock.pass(3_000);
    const before = store.writes;
    for (let at = 0; at < 1_000; at++) {
      const agent = `agent-${at % 50}`;
      one.state.recordAgent({ agent, on: A, failed: true, at: clock.now(), fallback: null, cause: 'failing' });
      await clock.pass(10);
    }
    // Ten seconds: those of the exchanges, and those in between.
    expect(store.writes - before).toBeLessThan(60);
  });
});

describe('a table that takes nothing', () => {
  test.each(['events', 'affinity'] as const)('does not make the store lost: %s', async (table) => {
    const { clock, instances } = fleetOf({ count: 2, store: new BusyTable(table), started: true });
    const [one] = instances as [Instance];
    await clock.pass(2_000);
    learn(one, clock, 'failing', { times: 5 });
    one.state.remember('resp_1', B);
    await clock.pass(30_500);
    expect(one.episodes).toEqual([]);
    const claims = await Promise.all(instances.map(({ state }) => state.claimProbe(A, clock.now(), true)));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });
});

describe('a window', () => {
  test('that has opened again and again while the store was away is as long once the store is back', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store });
    const [one, two] = instances as [Instance, Instance];
    await converge(instances);
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    store.trouble = 'down';
    await one.state.exchange();
    for (const waitMs of [30_000, 60_000, 120_000]) {
      await clock.pass(waitMs);
      expect(await one.state.claimProbe(A, clock.now())).toBe(true);
      learn(one, clock, 'failing', { probe: true });
    }
    const before = one.state.health(A).breaker;
    expect(before).toMatchObject({ kind: 'open', openUntil: clock.now() + 240_000 });
    store.trouble = 'none';
    await converge(instances);
    expect(one.state.health(A).breaker).toEqual(before);
    expect(two.state.health(A).breaker).toMatchObject({ kind: 'open', openUntil: clock.now() + 240_000 });
  });
});

describe('a probe', () => {
  test('that takes long keeps its lease, however many instances there are', async () => {
    const { clock } = fleetOf({ count: 0 });
    const store = await crowdedStore(clock.now());
    // The lot falls on nobody.
    const { instances } = fleetOf({ count: 2, store, time: clock, draw: () => 0.999, started: true });
    const [one, two] = instances as [Instance, Instance];
    await clock.pass(2_000);
    expect(one.operations.store().instances).toBe(1_000);
    learn(one, clock, 'failing', { times: 5 });
    await clock.pass(32_000);
    expect(await one.state.claimProbe(A, clock.now(), true)).toBe(true);
    for (let second = 0; second < 60; second++) {
      await clock.pass(1_000);
      expect(await two.state.claimProbe(A, clock.now(), true)).toBe(false);
    }
  });

  test('keeps its lease where the fleet is refreshed seldom', async () => {
    const extra = { breaker: { refreshMs: 15_000, openMs: 2_000 } };
    const { clock, instances } = fleetOf({ count: 2, extra, started: true });
    const [one, two] = instances as [Instance, Instance];
    await clock.pass(30_000);
    learn(one, clock, 'failing', { times: 5 });
    await clock.pass(30_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    for (let second = 0; second < 100; second++) {
      await clock.pass(1_000);
      expect(await two.state.claimProbe(A, clock.now())).toBe(false);
    }
  });

  test('whose lease was lost, and that another one has settled, has nothing to say any more', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [slow, other] = instances as [Instance, Instance];
    await converge(instances);
    learn(slow, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(30_000);
    expect(await slow.state.claimProbe(A, clock.now())).toBe(true);
    await clock.pass(11_000);
    await other.state.exchange();
    expect(await other.state.claimProbe(A, clock.now())).toBe(true);
    learn(other, clock, 'failing', { probe: true });
    await other.state.exchange();
    await slow.state.exchange();
    await clock.pass(61_000);
    await converge(instances);
    expect(other.state.health(A).breaker.kind).toBe('open');
    expect(await other.state.claimProbe(A, clock.now())).toBe(true);
    const probing = other.state.health(A).breaker;
    learn(slow, clock, 'failing', { probe: true });
    await converge(instances);
    expect(other.state.health(A).breaker).toMatchObject({ kind: 'halfOpen', openings: 2 });
    expect(probing.kind).toBe('halfOpen');
  });
});

describe('a row that was spoilt by hand', () => {
  test('is written anew with all that was known', async () => {
    const store = new MemoryStore();
    const { clock, instances } = fleetOf({ count: 2, store });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await one.operations.drain(B);
    await converge(instances);
    const row = await store.get(SHEET);
    await store.put(SHEET, { ...row?.values, content: `${String(row?.values['content'])}x` });
    await converge(instances);
    for (const { state } of [one, two]) {
      expect([state.health(A).breaker.kind, state.health(B).drainedSince]).toEqual(['open', clock.now()]);
    }
    expect(decodeDeployments(String((await store.get(SHEET))?.values['content']))?.deployments.size).toBe(2);
  });

  test('is left to those who know what was in it by one who has just begun', async () => {
    const store = new MemoryStore();
    const { instances, add } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    await one.operations.drain(B);
    const row = await store.get(SHEET);
    await store.put(SHEET, { ...row?.values, content: 'nonsense' });
    const late = add('late');
    await late.state.exchange();
    await converge([one, late]);
    expect([one, late].map(({ state }) => state.health(B).drainedSince !== null)).toEqual([true, true]);
  });

  test('of a newer version takes no changes of operators from an older one, who are told so', async () => {
    const store = new MemoryStore();
    const { instances } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    await one.operations.drain(B);
    const row = await store.get(SHEET);
    await store.put(SHEET, { ...row?.values, schema: 2 });
    await one.state.exchange();
    await expect(one.operations.drain(A)).rejects.toMatchObject({ status: 503 });
    expect(one.state.health(A).drainedSince).toBeNull();
  });
});

describe('a clock that is wrong', () => {
  test('a minute ahead does not keep the others from seeing an outage', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [right, ahead] = instances as [Instance, Instance];
    learn(right, clock, 'failing', { times: 2 });
    await converge(instances);
    ahead.state.record(finding(A, 'ok', { at: clock.now() + 60_000 }));
    await converge(instances);
    await clock.pass(100);
    learn(right, clock, 'failing', { times: 5 });
    await converge(instances);
    expect(right.state.health(A).breaker.kind).toBe('open');
  });

  test('eleven minutes ahead does not spoil the count of instances', () => {
    const start = 1_795_219_200_000 + 120_000;
    const names = Array.from({ length: 1_000 }, (_, at) => `i${at}`);
    let census = names.reduce((all, name) => counted(all, name, start), NO_CENSUS);
    for (let epoch = 0; epoch < 4; epoch++) {
      const now = start + epoch * 600_000;
      census = counted(census, 'ahead', now + 11 * 60_000);
      for (const name of names) census = counted(census, name, now);
      expect(instancesIn(census)).toBeGreaterThan(400);
    }
  });
});

describe('names that callers choose', () => {
  test('do not make a row larger than a row may be', async () => {
    const extra = { agents: { homes: {}, defaultHome: A } };
    const { clock, instances } = fleetOf({ count: 2, extra });
    const [one, two] = instances as [Instance, Instance];
    for (let at = 0; at < 2_000; at++) {
      const agent = `${String(at).padStart(8, '0')}${'x'.repeat(120)}`;
      for (let time = 0; time < 3; time++) {
        one.state.recordAgent({ agent, on: A, failed: true, at: clock.now() + time, fallback: B, cause: 'failing' });
      }
    }
    await converge(instances);
    expect([one.operations.store().healthy, one.episodes]).toEqual([true, []]);
    expect(two.operations.agents().length).toBeGreaterThan(1_000);
  });
});
