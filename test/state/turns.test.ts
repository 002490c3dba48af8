import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Pool } from '../../src/domain/config.ts';
import { settled } from '../harness/manualClock.ts';
import { BrittleStore } from './brittleStore.ts';
import { fleetOf, type Instance } from './fleet.ts';

function pool(block: number, name = 'even'): Pool {
  return {
    name,
    strategy: 'roundRobin',
    members: ['A/m', 'B/m', 'C/m'].map((deployment) => ({ deployment: deployment as 'A/m', weight: 1 })),
    failoverOn: new Set(),
    block,
    preferRegion: null,
    cache: false,
  };
}

describe('strict order', () => {
  test('gives every turn once, whoever asks, in the order of asking', async () => {
    const { instances } = fleetOf({ count: 4 });
    const turns: number[] = [];
    for (let asked = 0; asked < 40; asked++) {
      turns.push(await (instances[asked % 4] as Instance).state.turn(pool(1)));
    }
    expect(turns).toEqual(Array.from({ length: 40 }, (_, at) => at));
  });

  test('holds for requests that come at once, those of one instance sharing a lease', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 4, store });
    const asked = Array.from(
      { length: 400 },
      async (_, at) => await (instances[at % 4] as Instance).state.turn(pool(1)),
    );
    await clock.pass(1_000);
    const turns = await Promise.all(asked);
    expect([...turns].sort((left, right) => left - right)).toEqual(Array.from({ length: 400 }, (_, at) => at));
    expect(store.writes).toBeLessThan(100);
  });

  test('gives way to an order of its own while the store is down, and nobody waits', async () => {
    const store = new BrittleStore();
    const { instances } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    await one.state.turn(pool(1));
    store.trouble = 'down';
    expect(await one.state.turn(pool(1))).toBe(1);
    expect(one.state.turn(pool(1))).toBe(2);
  });

  test('goes on behind the turns that were given before the store could be asked', async () => {
    const store = new BrittleStore();
    store.trouble = 'down';
    const { clock, instances } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    const turns: number[] = [];
    const take = async (count: number) => {
      for (let taken = 0; taken < count; taken++) turns.push(await one.state.turn(pool(1)));
    };
    await take(1);
    await take(6);
    store.trouble = 'none';
    await one.state.exchange();
    await clock.pass(10);
    await take(8);
    expect(turns).toEqual(Array.from({ length: 15 }, (_, at) => at));
  });
});

describe('blocks', () => {
  test('are taken ahead, so that no request waits and none of the turns is given twice', async () => {
    const { clock, instances } = fleetOf({ count: 3 });
    for (const { state } of instances) void state.turn(pool(17));
    await clock.pass(100);
    const turns: number[] = [];
    for (let asked = 0; asked < 600; asked++) {
      const turn = (instances[asked % 3] as Instance).state.turn(pool(17));
      if (typeof turn !== 'number') throw new Error('the request would have waited');
      turns.push(turn);
      await clock.pass(20);
    }
    expect(new Set(turns).size).toBe(turns.length);
  });

  test('are paid with the turns that were given before the store was open', async () => {
    const { instances } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    const turns = [one.state.turn(pool(17)), one.state.turn(pool(17))];
    await settled();
    for (let asked = 0; asked < 8; asked++) turns.push(one.state.turn(pool(17)));
    expect(turns).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('spread requests evenly, within one block for each instance', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(4), { minLength: 100, maxLength: 400 }),
        fc.integer({ min: 2, max: 30 }),
        async (askers, block) => {
          const { clock, instances } = fleetOf({ count: 5 });
          const counts = [0, 0, 0];
          for (const asker of askers) {
            const turn = await (instances[asker] as Instance).state.turn(pool(block));
            counts[turn % 3] = (counts[turn % 3] ?? 0) + 1;
            await clock.pass(20);
          }
          // Turns in a row are even but for one; so are the two gaps that each instance may have left in them: its block's rest, and the next one.
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1 + 2 * 5);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('grow while an instance uses them up quickly, so that its leases stay few', async () => {
    const store = new BrittleStore();
    const { clock, instances } = fleetOf({ count: 1, store });
    const [one] = instances as [Instance];
    for (let asked = 0; asked < 10_000; asked++) {
      void one.state.turn(pool(17));
      if (asked % 10 === 0) {
        await clock.pass(5);
      }
    }
    expect(store.writes).toBeLessThan(20);
  });
});
