/** Whatever happens to a fleet, in whatever order, it keeps what docs/state.md says. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { type DeedFacts, deeds, World } from './deeds.ts';

const count = fc.integer({ min: 2, max: 4 });
const seed = fc.integer();

type Plots = readonly (readonly [string, DeedFacts['plot']])[];

const EVERYDAY: Plots = [
  ['to its deployments, agents, operators and store', 'everyday'],
  ['while one deployment breaks down and is probed', 'probing'],
];
const ALL: Plots = [...EVERYDAY, ['while somebody empties rows or writes nonsense into them', 'spoiling']];

describe('the fleet keeps what it promises', () => {
  test.each(ALL)('whatever happens %s, one thing after the other', async (_, plot) => {
    await fc.assert(
      fc.asyncProperty(count, seed, deeds({ most: 40, plot }), async (instances, drawn, commands) => {
        const world = new World({ count: instances, seed: drawn });
        await fc.asyncModelRun(() => ({ model: world.guarantees, real: world }), commands);
        await world.converge();
      }),
      { numRuns: 200 },
    );
  });

  test.each(EVERYDAY)('whatever happens %s, with calls of the store that overlap', async (_, plot) => {
    const inOrder = fc.scheduler();
    await fc.assert(
      fc.asyncProperty(inOrder, count, seed, deeds({ most: 30, plot }), async (order, instances, drawn, commands) => {
        const gate = () => order.schedule(Promise.resolve());
        const world = new World({ count: instances, seed: drawn, gate });
        await fc.scheduledModelRun(order, () => ({ model: world.guarantees, real: world }), commands);
        await world.finish(() => order.waitIdle());
        world.look();
        await world.converge();
      }),
      { numRuns: 200 },
    );
  });
});
