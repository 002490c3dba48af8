import { expect, test } from 'vitest';
import { Contended } from '../../src/state/cell.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Written } from '../../src/store/port.ts';
import { settled } from '../harness/manualClock.ts';
import { A, B, fleetOf, HOMES, type Instance, learn } from './fleet.ts';

/** Answers well, and somebody else is always first. */
class BusyStore extends MemoryStore {
  isBusy = false;

  override async replace(...facts: Parameters<MemoryStore['replace']>): Promise<Written> {
    return this.isBusy ? { kind: 'conflict' } : await super.replace(...facts);
  }
}

const STRICT = { pools: { strict: { strategy: 'roundRobin', block: 1, members: [A] } } };

test('what could not be told because others were first is told later, and the store is not called lost for that', async () => {
  const store = new BusyStore();
  const { clock, instances } = fleetOf({ count: 2, store, started: true });
  const [one, two] = instances as [Instance, Instance];
  await clock.pass(2_000);
  store.isBusy = true;
  learn(one, clock, 'failing', { times: 5 });
  await clock.pass(10_000);
  expect(two.state.health(A).breaker.kind).toBe('closed');
  expect([one.operations.store().healthy, one.episodes]).toEqual([true, []]);
  store.isBusy = false;
  await clock.pass(5_000);
  expect(two.state.health(A).breaker.kind).toBe('open');
});

test('whoever is never first does not probe', async () => {
  const store = new BusyStore();
  const { clock, instances } = fleetOf({ count: 1, store, started: true });
  const [one] = instances as [Instance];
  await clock.pass(2_000);
  learn(one, clock, 'failing', { times: 5 });
  await clock.pass(31_000);
  store.isBusy = true;
  const claim = one.state.claimProbe(A, clock.now());
  await clock.pass(5_000);
  expect(await claim).toBe(false);
  store.isBusy = false;
  expect(await one.state.claimProbe(A, clock.now())).toBe(true);
});

test('strict order waits a while for its turn, goes on in an order of its own, and asks again later', async () => {
  const store = new BusyStore();
  const { clock, instances } = fleetOf({ count: 1, store, extra: { ...HOMES, ...STRICT }, started: true });
  const [one] = instances as [Instance];
  const pool = one.state.config.pools.get('strict')!;
  await clock.pass(2_000);
  expect(await one.state.turn(pool)).toBe(0);
  store.isBusy = true;
  let turn: number | null = null;
  void Promise.resolve(one.state.turn(pool)).then((given) => {
    turn = given;
  });
  await clock.pass(4_000);
  expect(turn).toBeNull();
  await clock.pass(4_000);
  expect(turn).toBe(1);
  expect(one.state.turn(pool)).toBe(2);
  store.isBusy = false;
  await clock.pass(5_000);
  // Behind those that were given meanwhile.
  expect(await one.state.turn(pool)).toBe(3);
  await settled();
  expect(one.episodes).toEqual([]);
});

test('what an instance read while others were first counts for it at once, not only when the row changes again', async () => {
  const store = new BusyStore();
  const { clock, instances } = fleetOf({ count: 2, store });
  const [one, two] = instances as [Instance, Instance];
  await one.state.exchange();
  await two.state.exchange();
  learn(one, clock, 'failing', { times: 5 });
  await one.state.exchange();
  store.isBusy = true;
  // It knows nothing of what one has found out, and has something of its own to tell.
  learn(two, clock, 'throttled', { on: B, retryAfterMs: 60_000 });
  const told = two.state.deploymentSheet.publish().catch((error: unknown) => error);
  await clock.pass(5_000);
  expect(await told).toBeInstanceOf(Contended);
  expect(two.state.health(A).breaker.kind).toBe('open');
});
