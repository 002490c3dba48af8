/** Whatever clients ask of a store at the same time, some order of their calls explains what each of them is answered. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/port.ts';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { CLIENTS, commandsOf, stageOf, unexplained } from './clients.ts';

let emulator: RunningEmulator;
beforeAll(async () => {
  emulator = await runEmulator();
});
afterAll(() => emulator.close());

interface Subject {
  readonly open: () => Store;
  readonly numRuns: number;
  /** Whether batches that overlap with other calls remove rows: of those in tables batches.test.ts speaks. */
  readonly removing: boolean;
}

const STORES: readonly (readonly [string, Subject])[] = [
  ['in memory', { open: () => new MemoryStore(), numRuns: 400, removing: true }],
  ['in tables', { open: () => emulator.openStore(), numRuns: 100, removing: false }],
];

let runs = 0;
/** Rows of other runs lie before and behind. */
const newPrefix = (): string => `${1_000 + runs++}-`;

describe.each(STORES)('a store %s', (_, { open, numRuns, removing }) => {
  test('answers one call after the other as a map of rows with etags does', async () => {
    const store = open();
    await fc.assert(
      fc.asyncProperty(commandsOf({ behind: false, removing: true, most: 40 }), async (commands) => {
        const gate = () => Promise.resolve();
        const stage = stageOf({ store, prefix: newPrefix(), count: CLIENTS, gate });
        await fc.asyncModelRun(() => ({ model: stage.history, real: stage }), commands);
        expect(unexplained(stage.history)).toEqual([]);
      }),
      { numRuns },
    );
  });

  test('answers calls that overlap as if they had come in some order', async () => {
    const store = open();
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        commandsOf({ behind: true, removing, most: 40 }),
        async (scheduler, commands) => {
          const gate = () => scheduler.schedule(Promise.resolve());
          const stage = stageOf({ store, prefix: newPrefix(), count: CLIENTS, gate });
          await fc.scheduledModelRun(scheduler, () => ({ model: stage.history, real: stage }), commands);
          await scheduler.waitFor(Promise.all(stage.clients.map(({ idle }) => idle)));
          expect(unexplained(stage.history)).toEqual([]);
        },
      ),
      { numRuns },
    );
  });
});
