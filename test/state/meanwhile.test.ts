/** What an instance sees while it has not heard yet what the fleet says by then. */
import { describe, expect, test } from 'vitest';
import { BrittleStore } from './brittleStore.ts';
import { A, B, C, converge, fleetOf, type Instance, learn } from './fleet.ts';

function kindsOf(instances: readonly Instance[]): string[] {
  return instances.map(({ state }) => state.health(A).breaker.kind);
}

function countsOf(instances: readonly Instance[]): number[] {
  return instances.map(({ operations }) => operations.failuresOf(A));
}

describe('before an instance hears that an operator has restored a deployment', () => {
  test('what the deployment asks of it stays, though it had been asked for a longer rest before', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'throttled', { retryAfterMs: 60_000 });
    await converge(instances);
    await one.operations.restore(A);
    await clock.pass(10);
    learn(two, clock, 'throttled', { retryAfterMs: 20_000 });
    const restUntil = clock.now() + 20_000;
    await clock.pass(200);
    await converge(instances);
    expect(two.state.health(A).restUntil).toBe(restUntil);
    expect(one.state.health(A).restUntil).toBeGreaterThanOrEqual(restUntil);
  });

  test('a failure counts, together with those after it', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    await one.operations.restore(A);
    await clock.pass(10);
    learn(two, clock, 'failing');
    await clock.pass(500);
    await converge(instances);
    learn(two, clock, 'failing');
    await converge(instances);
    expect(countsOf(instances)).toEqual([2, 2]);
  });

  test('an answer clears what has failed since then', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing');
    await converge(instances);
    await clock.pass(10);
    await two.operations.restore(A);
    await clock.pass(10);
    learn(two, clock, 'failing');
    await two.state.exchange();
    await clock.pass(10);
    learn(one, clock, 'ok');
    await converge(instances);
    expect(countsOf(instances)).toEqual([0, 0]);
  });

  test('failures open no breaker for good that were enough only with those from before', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(two, clock, 'failing', { times: 3 });
    await clock.pass(10);
    await one.operations.restore(A);
    await clock.pass(10);
    learn(two, clock, 'failing', { times: 2 });
    expect(kindsOf([two])).toEqual(['open']);
    await converge(instances);
    expect([kindsOf(instances), countsOf(instances)]).toEqual([
      ['closed', 'closed'],
      [2, 2],
    ]);
  });
});

describe('once an instance hears that an operator has restored a deployment', () => {
  test('a window that it has opened since then is as long as before, though others opened theirs a little earlier', async () => {
    const { clock, instances } = fleetOf({ count: 3 });
    const [operators, early, late] = instances as [Instance, Instance, Instance];
    await operators.operations.restore(A);
    await clock.pass(10);
    learn(early, clock, 'failing', { times: 5 });
    await early.state.exchange();
    clock.advance(5);
    learn(late, clock, 'failing', { times: 5 });
    const { breaker } = late.state.health(A);
    await late.state.exchange();
    expect(late.state.health(A).breaker).toEqual(breaker);
  });
});

describe('before an instance hears that a window has been opened, and closed again', () => {
  /** One has probed it, and told nobody yet that it was answered; the other has heard of nothing. */
  async function answered() {
    const fleet = fleetOf({ count: 2 });
    const [one, two] = fleet.instances as [Instance, Instance];
    await two.state.exchange();
    learn(one, fleet.clock, 'failing', { times: 5 });
    await one.state.exchange();
    await fleet.clock.pass(31_000);
    expect(await one.state.claimProbe(A, fleet.clock.now())).toBe(true);
    learn(one, fleet.clock, 'ok', { probe: true });
    fleet.clock.advance(1);
    return { ...fleet, one, two };
  }

  test('what it sees fail after that opens another window', async () => {
    const { clock, instances, one, two } = await answered();
    learn(two, clock, 'failing', { times: 5 });
    const { breaker } = two.state.health(A);
    await two.state.exchange();
    expect(two.state.health(A).breaker).toEqual(breaker);
    await one.state.exchange();
    await converge(instances);
    expect(instances.map(({ state }) => state.health(A).breaker)).toEqual([breaker, breaker]);
  });

  test('no failure after that is lost, and the next ones add to them', async () => {
    const { clock, instances, one, two } = await answered();
    learn(two, clock, 'failing', { times: 2 });
    await two.state.exchange();
    await one.state.exchange();
    await converge(instances);
    expect(countsOf(instances)).toEqual([2, 2]);
    learn(two, clock, 'failing', { times: 3 });
    expect(kindsOf([two])).toEqual(['open']);
  });

  test('what it sees fail before that is past', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await one.state.exchange();
    await clock.pass(31_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    learn(two, clock, 'failing', { times: 5 });
    await two.state.exchange();
    await clock.pass(10);
    learn(one, clock, 'ok', { probe: true });
    await converge(instances);
    expect([kindsOf(instances), countsOf(instances)]).toEqual([
      ['closed', 'closed'],
      [0, 0],
    ]);
  });
});

describe('before an instance hears that another one has claimed the probe after it', () => {
  /** The first claim's lease is over, and its request still on its way. */
  async function overtaken() {
    const fleet = fleetOf({ count: 2 });
    const [slow, other] = fleet.instances as [Instance, Instance];
    learn(slow, fleet.clock, 'failing', { times: 5 });
    await converge(fleet.instances);
    await fleet.clock.pass(31_000);
    expect(await slow.state.claimProbe(A, fleet.clock.now())).toBe(true);
    await other.state.exchange();
    await fleet.clock.pass(11_000);
    expect(await other.state.claimProbe(A, fleet.clock.now())).toBe(true);
    fleet.clock.advance(1);
    return { ...fleet, slow, other };
  }

  test('it does not take the probe back when that one has given it up', async () => {
    const { clock, instances, slow, other } = await overtaken();
    other.state.dropProbe(A);
    await other.state.exchange();
    clock.advance(1);
    // News of something else is told without the sheet being read first.
    learn(slow, clock, 'failing', { on: B, times: 5 });
    await clock.pass(200);
    expect(slow.state.health(A).breaker.kind).toBe('open');
    await converge(instances);
    expect(kindsOf(instances)).toEqual(['open', 'open']);
  });

  test('and its own fails after it has heard of that, it opens no window by itself', async () => {
    const { clock, instances, slow, other } = await overtaken();
    await slow.state.exchange();
    learn(slow, clock, 'failing', { probe: true });
    expect(kindsOf([slow])).toEqual(['halfOpen']);
    learn(other, clock, 'ok', { probe: true });
    await converge(instances);
    expect(kindsOf(instances)).toEqual(['closed', 'closed']);
  });
});

describe('an agent that two instances have moved there and back', () => {
  test('is in one place for both, and nothing is told again and again', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store });
    for (const { state } of instances) {
      for (const [on, fallback] of [
        [A, C],
        [C, A],
      ] as const) {
        clock.advance(1);
        const failure = { agent: 'a', on, failed: true, at: clock.now(), fallback, cause: 'failing' };
        for (let count = 0; count < 3; count++) state.recordAgent(failure);
      }
    }
    await converge(instances);
    const places = instances.map(({ state }) => state.assignment('a'));
    expect(places[0]).toEqual(places[1]);
    const before = store.writes;
    await converge(instances);
    expect(store.writes).toBe(before);
  });
});

describe('a probe that an instance makes by its own leave', () => {
  test('counts where a claim stands on the sheet that nothing has been heard of', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 3, store });
    const [gone, , lonely] = instances as [Instance, Instance, Instance];
    learn(gone, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(31_000);
    expect(await gone.state.claimProbe(A, clock.now())).toBe(true);
    await converge(instances);
    store.trouble = 'down';
    await lonely.state.exchange();
    await clock.pass(200_000);
    expect(await lonely.state.claimProbe(A, clock.now())).toBe(true);
    learn(lonely, clock, 'ok', { probe: true });
    store.trouble = 'none';
    await converge(instances);
    expect(kindsOf(instances)).toEqual(['closed', 'closed', 'closed']);
  });

  test('and that nothing was heard of leaves it with the word of the fleet', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store });
    const [one] = instances as [Instance];
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    store.trouble = 'down';
    await one.state.exchange();
    await clock.pass(31_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    await clock.pass(500_000);
    store.trouble = 'none';
    await converge(instances);
    expect(kindsOf(instances)).toEqual(['open', 'open']);
  });

  test('is like any other once the fleet has been told of it: whoever takes it over is heard', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 2, store });
    const [slow, other] = instances as [Instance, Instance];
    learn(slow, clock, 'failing', { times: 5 });
    await converge(instances);
    store.trouble = 'down';
    await slow.state.exchange();
    await clock.pass(31_000);
    expect(await slow.state.claimProbe(A, clock.now())).toBe(true);
    store.trouble = 'none';
    await converge(instances);
    await clock.pass(11_000);
    expect(await other.state.claimProbe(A, clock.now())).toBe(true);
    const { breaker } = other.state.health(A);
    await clock.pass(11_000);
    learn(slow, clock, 'ok', { probe: true });
    await converge(instances);
    expect(other.state.health(A).breaker).toMatchObject({ kind: 'halfOpen', openings: 1 });
    expect(breaker.kind).toBe('halfOpen');
  });
});
