/** Desks that change keys at the same time, while calls of the store are answered in whatever order, or not at all. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/accounts/credential.ts';
import type { Key } from '../../src/accounts/keyRow.ts';
import { toValues } from '../../src/accounts/keyRow.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { type Batched, type Change, StoreError, type Table } from '../../src/store/port.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { BrittleStore } from '../state/brittleStore.ts';
import { listAll } from '../store/contract.ts';
import { type Instance, instanceOn, ORDER } from './instances.ts';

const RUNS = Number(process.env['ROUTER_RUNS'] ?? 300);
const WITHIN_MS = 1_000;

/** What is to happen later happens when fast-check says so. */
class ScheduledClock extends ManualClock {
  readonly #scheduler: fc.Scheduler;

  constructor(scheduler: fc.Scheduler) {
    super();
    this.#scheduler = scheduler;
  }

  override after(_delayMs: number, fn: () => void): () => void {
    let isCancelled = false;
    void this.#scheduler.schedule(Promise.resolve()).then(() => (isCancelled ? undefined : fn()));
    return () => {
      isCancelled = true;
    };
  }
}

type Fate = 'answered' | 'lost' | 'refused';

/** Of each batch it is settled beforehand what becomes of it; of those that are sent when there is no more: it is answered. */
class FatefulStore extends BrittleStore {
  fates: Fate[] = [];

  override async batch(
    table: Table,
    partition: string,
    changes: readonly Change[],
    withinMs: number,
  ): Promise<Batched> {
    const fate = this.fates.shift() ?? 'answered';
    if (fate === 'refused') throw new StoreError('throttled', 'slower');
    const batched = await super.batch(table, partition, changes, withinMs);
    if (fate === 'lost') throw new StoreError('late', 'the answer was lost');
    return batched;
  }
}

type Step = 'make' | 'revoke' | 'refresh' | 'olderMake' | 'olderRevoke';
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Step>('make', 'revoke', 'revoke', 'refresh') },
  { weight: 1, arbitrary: fc.constantFrom<Step>('olderMake', 'olderRevoke') },
);
const fate = fc.constantFrom<Fate>('answered', 'answered', 'answered', 'lost', 'refused');

class Stage {
  readonly store = new FatefulStore();
  readonly instances: readonly Instance[];
  /** Keys that nobody has begun to revoke. */
  readonly #free: Key[] = [];
  readonly #made = new Set<string>();
  readonly #revoked = new Set<string>();
  #count = 0;

  constructor(clock: ManualClock, count: number) {
    this.instances = Array.from({ length: count }, () => instanceOn({ store: this.store, clock }));
  }

  async do(step: Step, instance: Instance): Promise<void> {
    switch (step) {
      case 'make':
        return this.#keep((await instance.desk.make(ORDER)).key);
      case 'olderMake':
        return this.#keep(await this.#olderMake());
      case 'revoke':
      case 'olderRevoke':
        return await this.#revoke(step, instance);
      case 'refresh':
        return await this.#refresh(instance);
    }
  }

  /** Rows and instances agree, with what operators were told. */
  async expectAgreement(): Promise<void> {
    for (const instance of this.instances) await this.#refresh(instance);
    const { rows } = await listAll(this.store.inner, { table: 'keys', rows: { to: 'g' }, limit: 100 });
    const there = rows.map(({ row }) => row).sort();
    for (const { ring } of this.instances) expect(ring.keys?.map(({ digest }) => digest).sort()).toEqual(there);
    expect(there).toEqual(expect.arrayContaining([...this.#made]));
    expect(there.filter((digest) => this.#revoked.has(digest))).toEqual([]);
  }

  #keep(key: Key): void {
    this.#made.add(key.digest);
    this.#free.push(key);
  }

  async #revoke(step: 'revoke' | 'olderRevoke', { desk }: Instance): Promise<void> {
    const key = this.#free.shift();
    if (key === undefined) return;
    this.#made.delete(key.digest);
    if (step === 'revoke') await desk.revoke(key.id);
    else await this.#olderWrite({ kind: 'remove', row: key.digest });
    this.#revoked.add(key.digest);
  }

  /** Whoever asks after an operator was told finds it so. */
  async #refresh({ ring }: Instance): Promise<void> {
    const [made, revoked] = [[...this.#made], [...this.#revoked]];
    await ring.refresh();
    for (const digest of revoked) expect(ring.recall(digest)).toBeNull();
    for (const digest of made) if (this.#made.has(digest)) expect(ring.recall(digest)).not.toBeNull();
  }

  async #olderMake(): Promise<Key> {
    const at = ++this.#count;
    const key: Key = { ...ORDER, id: `older${at}`, digest: digestOf(`older${at}`), createdAt: at };
    await this.#olderWrite({ kind: 'put', row: key.digest, values: toValues(key) });
    return key;
  }

  /** As instances write that know of no log. */
  async #olderWrite(change: Change): Promise<void> {
    const values = { schema: 1, changed: 'older', at: '2026-11-21T00:00:00.000Z' };
    await this.store.batch('keys', 'keys', [change, { kind: 'put', row: 'version', values }], WITHIN_MS);
  }
}

/** Of one instance one after the other; what is refused is not done again. */
async function inTurn(stage: Stage, instance: Instance, steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    try {
      await stage.do(one, instance);
    } catch (error) {
      if (!(error instanceof RouterError) && !(error instanceof StoreError)) throw error;
    }
  }
}

test('nobody misses a key that was made or revoked, whoever else changes keys at the same time', async () => {
  const plans = fc.array(fc.array(step, { maxLength: 8 }), { minLength: 2, maxLength: 4 });
  const fates = fc.array(fate, { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), plans, fates, async (scheduler, all, drawn) => {
      const stage = new Stage(new ScheduledClock(scheduler), all.length + 1);
      for (const [at, instance] of stage.instances.entries()) {
        await stage.do('make', instance);
        if (at % 2 === 0) await stage.do('refresh', instance);
      }
      stage.store.fates = [...drawn];
      stage.store.gate = () => scheduler.schedule(Promise.resolve());
      const reader = stage.instances[all.length] as Instance;
      const reading = inTurn(
        stage,
        reader,
        Array.from({ length: 5 }, () => 'refresh'),
      );
      const changing = all.map((steps, at) => inTurn(stage, stage.instances[at] as Instance, steps));
      await scheduler.waitFor(Promise.all([reading, ...changing]));
      stage.store.gate = () => Promise.resolve();
      await stage.expectAgreement();
    }),
    { numRuns: RUNS },
  );
}, 60_000);
