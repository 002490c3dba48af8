import { describe, expect, test } from 'vitest';
import { sweep } from '../../src/state/sweep.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { settled } from '../harness/manualClock.ts';
import { BrittleStore } from './brittleStore.ts';
import { A, B, converge, fleetOf, type Instance, learn } from './fleet.ts';

const DAY_MS = 86_400_000;

describe('the holder of a stored response', () => {
  test('is known to every instance once it has been told', async () => {
    const { instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    one.state.remember('resp_1', B);
    await settled();
    expect(two.state.holderOf('resp_1')).toBeNull();
    expect(await two.state.findHolder('resp_1')).toBe(B);
    expect(two.state.holderOf('resp_1')).toBe(B);
    expect(await two.state.findHolder('resp_2')).toBeNull();
  });

  test('is found for thirty days, and gone from the store after six weeks', async () => {
    const { clock, store, instances, add } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    one.state.remember('resp_1', B);
    await settled();
    await clock.pass(30 * DAY_MS);
    expect(await add('late').state.findHolder('resp_1')).toBe(B);
    await sweep({ state: one.state, store, now: () => clock.now() });
    expect(await add('later').state.findHolder('resp_1')).toBe(B);
    await clock.pass(13 * DAY_MS);
    expect((await sweep({ state: one.state, store, now: () => clock.now() })).expiredRows).toBe(1);
  });

  test('that could not be told is told when the store is back', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store });
    const [one, two] = instances as [Instance, Instance];
    store.trouble = 'down';
    one.state.remember('resp_1', B);
    await settled();
    expect(await two.state.findHolder('resp_1')).toBeNull();
    store.trouble = 'none';
    await clock.pass(1_000);
    await converge(instances);
    await settled();
    expect(await two.state.findHolder('resp_1')).toBe(B);
  });
});

describe('what people may read', () => {
  const failover = { agent: 'cpt_agent', from: A, to: B, cause: 'failing' } as const;

  test('is the same on every instance, newest first, requests that went elsewhere counted together', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(1_000);
    for (let count = 1; count <= 7; count++)
      one.state.recordFailover({ ...failover, at: clock.now(), requestId: `request-${count}` });
    await clock.pass(5_000);
    await converge(instances);
    const told = await two.operations.events(0, 10);
    const latest = { kind: 'failover', agent: 'cpt_agent', count: 7, requestId: 'request-7' };
    expect(told).toMatchObject([latest, { kind: 'opened' }]);
    expect(await two.operations.events(clock.now() - 5_500, 10)).toHaveLength(1);
    expect(await two.operations.events(0, 1)).toHaveLength(1);
  });

  test('is shown by the instance that saw it before it is written', async () => {
    const { clock, instances } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    one.state.recordFailover({ ...failover, at: clock.now() });
    expect(await one.operations.events(0, 10)).toMatchObject([{ kind: 'failover', count: 1 }]);
  });

  test('reaches back over midnight, and for thirty days', async () => {
    const { clock, store, instances } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    for (let day = 0; day < 40; day++) {
      one.state.recordFailover({ ...failover, at: clock.now() });
      await clock.pass(10_000);
      await one.state.exchange();
      await clock.pass(DAY_MS - 10_000);
    }
    await sweep({ state: one.state, store, now: () => clock.now() });
    const told = await one.operations.events(0, 100);
    expect(told.length).toBeGreaterThanOrEqual(29);
    expect(told.length).toBeLessThanOrEqual(31);
  });
});

describe('the timer', () => {
  test('sends agents home once, however many run at once, amid traffic', async () => {
    const store = new MemoryStore();
    const { clock, instances } = fleetOf({ count: 3, store });
    const [one] = instances as [Instance];
    const failed = { agent: 'cpt_agent', on: A, failed: true, fallback: B, cause: 'throttled' };
    for (let count = 0; count < 3; count++) one.state.recordAgent({ ...failed, at: clock.now() });
    await converge(instances);
    await clock.pass(300_000);
    const now = () => clock.now();
    const sweeps = instances.map(({ state }) => sweep({ state, store, now }));
    for (const instance of instances) learn(instance, clock, 'failing', { on: B });
    await clock.pass(1_000);
    expect((await Promise.all(sweeps)).every(({ done }) => done)).toBe(true);
    await converge(instances);
    expect(instances.map(({ state }) => state.assignment('cpt_agent'))).toEqual([null, null, null]);
    const told = instances.flatMap((instance) => instance.told).filter(({ kind }) => kind === 'agentReturned');
    expect(told).toHaveLength(1);
    expect(one.operations.failuresOf(B)).toBe(3);
  });

  test('keeps an agent away from a home that is still out', async () => {
    const { clock, store, instances } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    const failed = { agent: 'cpt_agent', on: A, failed: true, fallback: B, cause: 'throttled' };
    for (let count = 0; count < 3; count++) one.state.recordAgent({ ...failed, at: clock.now() });
    await clock.pass(300_000);
    learn(one, clock, 'failing', { times: 5 });
    await sweep({ state: one.state, store, now: () => clock.now() });
    expect(one.state.assignment('cpt_agent')?.deployment).toBe(B);
  });

  test('does nothing while the store is down, and says so', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    store.trouble = 'down';
    expect(await sweep({ state: one.state, store, now: () => clock.now() })).toEqual({ done: false, expiredRows: 0 });
  });
});
