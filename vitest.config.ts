import { defineConfig } from 'vitest/config';

/** Eight routers, their callers and their store want the machine to themselves. */
const FLEETS = 'test/fleet-processes/**/*.test.ts';
const OTHERS = ['test/bench/**', 'node_modules/**'];

export default defineConfig({
  test: {
    // Real servers, the storage emulator and child processes: slow on a busy machine, never endless.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [...OTHERS, FLEETS],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'fleets', include: [FLEETS], exclude: OTHERS, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
