import { describe, expect, test } from 'vitest';
import { availability } from '../../src/routing/availability.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/port.ts';
import { BrittleStore } from './brittleStore.ts';
import { A, B, converge, fleetOf, type Instance, learn } from './fleet.ts';

const SHEET = { table: 'deployments' as const, partition: 'fleet', row: 'sheet' };

function isOut({ state }: Instance, now: number, id = A): boolean {
  return availability(state.health(id), now).kind === 'out';
}

describe('while the store is down', () => {
  test('each instance goes on by what it knows and learns, and says so once', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store, started: true });
    const [one, two] = instances as [Instance, Instance];
    await clock.pass(2_000);
    store.trouble = 'down';
    await clock.pass(2_000);
    learn(one, clock, 'failing', { times: 5 });
    await clock.pass(5_000);
    expect(isOut(one, clock.now())).toBe(true);
    expect(isOut(two, clock.now())).toBe(false);
    expect(one.episodes).toEqual(['lost: unreachable: nobody is there']);
    expect(one.operations.store()).toMatchObject({ healthy: false, problem: 'unreachable: nobody is there' });
    expect(one.told).toMatchObject([{ kind: 'opened', deployment: A }]);
  });

  test('what was learnt reaches everybody within two refresh periods after it is back', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 3, store, started: true });
    const [one, two] = instances as [Instance, Instance];
    await clock.pass(2_000);
    store.trouble = 'down';
    await clock.pass(1_000);
    learn(one, clock, 'failing', { times: 5 });
    learn(two, clock, 'throttled', { on: B, retryAfterMs: 60_000 });
    await clock.pass(5_000);
    store.trouble = 'none';
    await clock.pass(2_000);
    for (const instance of instances) {
      expect([isOut(instance, clock.now()), isOut(instance, clock.now(), B)]).toEqual([true, true]);
      expect(instance.episodes).toHaveLength(2);
    }
  });

  test('a breaker still finds out for itself whether its deployment is back, and opens for longer each time', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    store.trouble = 'down';
    await one.state.exchange();
    learn(one, clock, 'failing', { times: 5 });
    for (const openings of [1, 2, 3]) {
      expect(one.state.health(A).breaker).toMatchObject({ kind: 'open', openings });
      await clock.pass(30_000 * 2 ** (openings - 1));
      expect(await one.state.claimProbe(A, clock.now())).toBe(true);
      expect(await one.state.claimProbe(A, clock.now())).toBe(false);
      learn(one, clock, 'failing', { probe: true });
    }
    await clock.pass(300_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    learn(one, clock, 'ok', { probe: true });
    expect(isOut(one, clock.now())).toBe(false);
  });

  test('an operator is told that nothing was changed', async () => {
    const store = new BrittleStore();
    const { instances } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    store.trouble = 'down';
    await expect(one.operations.drain(A)).rejects.toMatchObject({ status: 503, code: 'internal' });
    await expect(one.operations.assign('x', B, true)).rejects.toMatchObject({ status: 503 });
  });
});

describe('writes whose answers are lost', () => {
  test('count nothing twice', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store, extra: { breaker: { failures: 9 } } });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 4 });
    store.trouble = 'answersLost';
    await one.state.exchange();
    await one.state.exchange();
    store.trouble = 'none';
    await converge(instances);
    expect(two.operations.failuresOf(A)).toBe(4);
  });

  test('leave a claimed probe with whoever claimed it', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(30_000);
    store.trouble = 'answersLost';
    const mine = await one.state.claimProbe(A, clock.now());
    store.trouble = 'none';
    await two.state.exchange();
    const theirs = await two.state.claimProbe(A, clock.now());
    expect([mine, theirs]).toEqual([true, false]);
    learn(one, clock, 'ok', { probe: true });
    await converge(instances);
    expect(isOut(two, clock.now())).toBe(false);
  });
});

test('a store that was emptied gets back from the instances what they know', async () => {
  const store: Store = new MemoryStore();
  const { clock, instances } = fleetOf({ count: 2, store });
  const [one, two] = instances as [Instance, Instance];
  learn(one, clock, 'failing', { times: 5 });
  await one.operations.drain(B);
  await converge(instances);
  expect(await store.remove(SHEET, null, 100)).toBe(true);
  await two.state.exchange();
  expect(await store.get(SHEET, 100)).not.toBeNull();
  await converge(instances);
  for (const instance of instances) {
    expect([isOut(instance, clock.now()), isOut(instance, clock.now(), B)]).toEqual([true, true]);
  }
});

test('a store that was emptied and begun anew by somebody who knew nothing gets it back all the same', async () => {
  const store: Store = new MemoryStore();
  const { clock, instances, add } = fleetOf({ count: 2, store });
  const [one, two] = instances as [Instance, Instance];
  learn(one, clock, 'failing', { times: 5 });
  await one.operations.drain(B);
  await one.operations.assign('cpt_agent', B, true);
  await converge(instances);
  for (const table of ['deployments', 'assignments'] as const) await store.remove({ ...SHEET, table }, null, 100);
  await clock.pass(1);
  const fresh = add('fresh');
  await fresh.state.exchange();
  await fresh.operations.assign('icd_agent', A, true);
  await converge([two, one, fresh]);
  for (const instance of [one, two, fresh]) {
    expect([isOut(instance, clock.now()), isOut(instance, clock.now(), B)]).toEqual([true, true]);
    expect(instance.state.assignment('cpt_agent')?.deployment).toBe(B);
    expect(instance.state.assignment('icd_agent')?.deployment).toBe(A);
  }
});

test('a row that somebody has spoilt is written anew with the next change', async () => {
  const store: Store = new MemoryStore();
  const { clock, instances } = fleetOf({ count: 2, store });
  const [one, two] = instances as [Instance, Instance];
  await store.put(SHEET, { schema: 1, content: 'not what it was' }, 100);
  await one.state.exchange();
  learn(one, clock, 'failing', { times: 5 });
  await converge(instances);
  expect(isOut(two, clock.now())).toBe(true);
});

test('an untroubled fleet reads two rows in each cycle and writes nothing but the census', async () => {
  const store = new BrittleStore();
  const { clock, instances } = fleetOf({ count: 3, store, started: true });
  await clock.pass(5_000);
  const { calls, writes } = store;
  for (let request = 0; request < 1_000; request++) for (const one of instances) learn(one, clock, 'ok');
  await clock.pass(60_000);
  expect(store.writes - writes).toBeLessThanOrEqual(3);
  // A cycle takes 0.725 s here; 60 s hold 83 of them.
  expect(store.calls - calls).toBeLessThanOrEqual(3 * 2 * 84);
});
