/** Several instances whose calls of the store are answered in whatever order fast-check thinks up. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Clock } from '../../src/domain/clock.ts';
import { decodeDeployments } from '../../src/fleet/sheets.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { RowKey, Values, Written } from '../../src/store/port.ts';
import { BrittleStore } from './brittleStore.ts';
import { A, B, converge, finding, fleetOf, type Instance } from './fleet.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

/** Keeps what the row of the deployments said, write after write. */
class RecordingStore extends MemoryStore {
  readonly sheets: string[] = [];

  override async insert(key: RowKey, values: Values): Promise<Written> {
    return this.#recorded(key, values, await super.insert(key, values));
  }

  override async replace(key: RowKey, values: Values, etag: string): Promise<Written> {
    return this.#recorded(key, values, await super.replace(key, values, etag));
  }

  #recorded({ table }: RowKey, { content }: Values, written: Written): Written {
    if (written.kind === 'written' && table === 'deployments') this.sheets.push(String(content));
    return written;
  }
}

/** Time that the test sets; what is to happen later happens when fast-check says so. */
function scheduledTime(scheduler: fc.Scheduler): Clock & { at: number } {
  return {
    at: NOW,
    now() {
      return this.at;
    },
    monotonicMs() {
      return this.at - NOW + 1_000_000;
    },
    after(_delayMs, fn) {
      let isCancelled = false;
      void scheduler.schedule(Promise.resolve()).then(() => (isCancelled ? undefined : fn()));
      return () => {
        isCancelled = true;
      };
    },
  };
}

interface Stage {
  readonly time: Clock & { at: number };
  readonly record: RecordingStore;
  readonly brittle: BrittleStore;
  readonly instances: readonly Instance[];
}

function stageFor(scheduler: fc.Scheduler, count: number, extra: object): Stage {
  const time = scheduledTime(scheduler);
  const record = new RecordingStore();
  const brittle = new BrittleStore(record);
  const { instances } = fleetOf({ count, extra, store: brittle, time });
  return { time, record, brittle, instances };
}

/** From here on the store answers in the scheduler's order; afterwards at once again. */
async function interleaved(scheduler: fc.Scheduler, { brittle }: Stage, runs: readonly Promise<void>[]): Promise<void> {
  brittle.gate = () => scheduler.schedule(Promise.resolve());
  await scheduler.waitFor(Promise.all(runs));
  await scheduler.waitIdle();
  brittle.gate = () => Promise.resolve();
}

/** An open window on the sheet ends no earlier than it did the write before, unless a probe ended it. */
function expectNoShorterWindow(sheets: readonly string[]): void {
  let openUntil = 0;
  let openings = 0;
  for (const text of sheets) {
    const breaker = decodeDeployments(text)?.deployments.get(A)?.breaker;
    if (breaker?.kind === 'open' && breaker.openings === openings)
      expect(breaker.openUntil).toBeGreaterThanOrEqual(openUntil);
    openings = breaker === undefined || breaker.kind === 'closed' ? 0 : breaker.openings;
    openUntil = breaker?.kind === 'open' ? breaker.openUntil : 0;
  }
}

test('no failure is lost and none is counted twice, whoever is answered first', async () => {
  const counts = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), counts, async (scheduler, failures) => {
      const stage = stageFor(scheduler, failures.length, { breaker: { failures: 1_000 } });
      const runs = stage.instances.map(async ({ state }, at) => {
        for (let count = 0; count < (failures[at] ?? 0); count++) {
          state.record(finding(A, 'failing', { at: ++stage.time.at }));
          await state.exchange();
        }
      });
      await interleaved(scheduler, stage, runs);
      await converge(stage.instances);
      const all = failures.reduce((sum, one) => sum + one, 0);
      expect(stage.instances.map(({ operations }) => operations.failuresOf(A))).toEqual(failures.map(() => all));
    }),
    { numRuns: 150 },
  );
});

test('one probe is granted for each interval, however many ask for it at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 4 }), async (scheduler, count) => {
      const stage = stageFor(scheduler, count, {});
      const { time, instances } = stage;
      const [first] = instances as [Instance];
      for (let failure = 0; failure < 5; failure++) first.state.record(finding(A, 'failing', { at: time.at }));
      await converge(instances);
      for (const openings of [1, 2, 3]) {
        time.at += 30_000 * 2 ** (openings - 1);
        let granted = 0;
        const runs = instances.map(async ({ state }) => {
          const mine = await state.claimProbe(A, time.now());
          if (!mine) return;
          granted++;
          await state.exchange();
          state.record(finding(A, 'failing', { at: time.at, probe: true }));
          await state.exchange();
        });
        await interleaved(scheduler, stage, runs);
        expect(granted).toBe(1);
        await converge(instances);
        for (const { state } of instances) {
          expect(state.health(A).breaker).toMatchObject({ kind: 'open', openings: openings + 1 });
        }
      }
      expectNoShorterWindow(stage.record.sheets);
    }),
    { numRuns: 100 },
  );
});

type Step = 'ok' | 'failing' | 'throttled' | 'misconfigured' | 'exchange' | 'drain' | 'restore' | 'later';
const steps = fc.array(
  fc.constantFrom<Step>(
    'ok',
    'failing',
    'failing',
    'failing',
    'throttled',
    'misconfigured',
    'exchange',
    'exchange',
    'drain',
    'restore',
    'later',
  ),
  { maxLength: 12 },
);

async function take(step: Step, { state, operations }: Instance, time: { at: number }): Promise<void> {
  switch (step) {
    case 'exchange':
      return state.exchange();
    case 'drain':
      return operations.drain(B);
    case 'restore':
      return operations.restore(A);
    case 'later':
      time.at += 7_000;
      return;
    default:
      state.record(finding(A, step, { at: ++time.at, retryAfterMs: 2_000 }));
  }
}

test('all instances come to the same word in the end, and no open window shortens on the way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.tuple(steps, steps, steps), async (scheduler, plans) => {
      const stage = stageFor(scheduler, 3, {});
      const runs = stage.instances.map(async (instance, at) => {
        for (const step of plans[at] ?? []) await take(step, instance, stage.time);
      });
      await interleaved(scheduler, stage, runs);
      stage.time.at += 10;
      await converge(stage.instances);
      const [first, ...others] = stage.instances.map(({ state }) => {
        const [a, b] = [state.health(A), state.health(B)];
        return { breaker: a.breaker.kind, misconfigured: a.misconfigured, drained: b.drainedSince };
      });
      for (const other of others) expect(other).toEqual(first);
      if (!plans.flat().includes('restore')) expectNoShorterWindow(stage.record.sheets);
    }),
    { numRuns: 300 },
  );
});

test('an agent moves with the third failure of the fleet, once, whoever is answered first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 3, max: 5 }), async (scheduler, count) => {
      const stage = stageFor(scheduler, count, { agents: { homes: { cpt_agent: A }, failureThreshold: 3 } });
      const { time, instances } = stage;
      const failed = { agent: 'cpt_agent', on: A, failed: true, fallback: B, cause: 'throttled' };
      const runs = instances.map(async ({ state }) => {
        state.recordAgent({ ...failed, at: ++time.at });
        await state.exchange();
      });
      await interleaved(scheduler, stage, runs);
      await converge(instances);
      expect(instances.map(({ state }) => state.assignment('cpt_agent')?.deployment)).toEqual(instances.map(() => B));
      expect(instances.flatMap(({ told }) => told).filter(({ kind }) => kind === 'agentMoved')).toHaveLength(1);
    }),
    { numRuns: 150 },
  );
});
