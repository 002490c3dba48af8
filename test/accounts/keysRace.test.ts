/** Many instances on real tables. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../src/accounts/credential.ts';
import { CountingStore } from '../../src/simulation/countingStore.ts';
import type { Operation } from '../../src/simulation/storeLayer.ts';
import type { TablesStore } from '../../src/store/tables.ts';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { type Instance, instanceOn, ORDER, REFRESH_MS, showing, verdict } from './instances.ts';

const INSTANCES = 5;

/** Pauses between tries end by themselves: what takes time here is the store. */
class PassingClock extends ManualClock {
  override after(delayMs: number, fn: () => void): () => void {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  }
}

let emulator: RunningEmulator;
let stores: TablesStore[];
let instances: Instance[];

beforeAll(async () => {
  emulator = await runEmulator();
  stores = Array.from({ length: INSTANCES }, () => emulator.openStore());
  const clock = new PassingClock();
  instances = stores.map((store) => instanceOn({ store, clock }));
  await Promise.all(instances.map(({ ring }) => ring.refresh()));
});

afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await emulator[Symbol.asyncDispose]();
});

function everywhere(text: string): Promise<string[]> {
  return Promise.all(instances.map(({ gate }, at) => verdict(() => gate.admitCaller(showing(text), `${at}`))));
}

describe('on real tables', () => {
  test('a key made on one instance works on all others at once, and dies on all within one refresh of its revocation', async () => {
    const [first, second] = instances as [Instance, Instance];
    const { key, text } = await first.desk.make(ORDER);
    expect(await everywhere(text)).toEqual(instances.map(() => 'in'));
    await second.desk.revoke(key.id);
    await Promise.all(instances.map(({ ring }) => ring.refresh()));
    expect(await everywhere(text)).toEqual(instances.map(() => '401 unauthorized'));
  });

  test('instances that make, use and revoke at the same time agree in the end, and no revoked key is left', async () => {
    const kept: string[] = [];
    const gone: string[] = [];
    await Promise.all(
      instances.map(async ({ desk, ring }, at) => {
        for (let round = 0; round < 4; round++) {
          const { key, text } = await desk.make({ ...ORDER, account: `a${at}` });
          expect(new Set(await everywhere(text))).toEqual(new Set(['in']));
          if (round % 2 === 0) kept.push(text);
          else {
            await instances[(at + 1) % INSTANCES]?.desk.revoke(key.id);
            gone.push(text);
          }
          await ring.refresh();
        }
      }),
    );
    await Promise.all(instances.map(({ ring }) => ring.refresh()));
    for (const text of gone) expect(await everywhere(text)).toEqual(instances.map(() => '401 unauthorized'));
    for (const text of kept) expect(await everywhere(text)).toEqual(instances.map(() => 'in'));
    const lists = await Promise.all(instances.map(({ desk }) => desk.list()));
    for (const list of lists) expect(list.map(({ id }) => id)).toEqual(lists[0]?.map(({ id }) => id));
    expect(lists[0]).toHaveLength(kept.length);
  });

  test('an instance that is up to date reads what others have changed from one row, whatever is in it', async () => {
    const [first, second] = instances as [Instance, Instance];
    const calls: Operation[] = [];
    const store = new CountingStore(emulator.openStore(), ({ operation }) => calls.push(operation));
    const { ring } = instanceOn({ store });
    const old = await first.desk.make(ORDER);
    await ring.refresh();
    calls.length = 0;
    const pools = ['gpt-4.1', 'naïve 日本語 🙂 "quoted"'];
    const { key } = await second.desk.make({ ...ORDER, agent: 'é', pools, expiresAt: Date.UTC(2027, 0, 31) });
    await first.desk.revoke(old.key.id);
    await ring.refresh();
    expect(ring.recall(key.digest)).toEqual(key);
    expect(ring.recall(old.key.digest)).toBeNull();
    expect(calls).toEqual(['get']);
    await store.close();
  });

  test('rings that follow by themselves hear of a revocation within one refresh period', async () => {
    const [first] = instances as [Instance];
    const store = emulator.openStore();
    const clock = new ManualClock();
    const follower = instanceOn({ store, clock });
    const { key, text } = await first.desk.make(ORDER);
    follower.ring.start();
    await follower.ring.refresh();
    expect(await verdict(() => follower.gate.admitCaller(showing(text), 'a'))).toBe('in');
    await first.desk.revoke(key.id);
    clock.advance(REFRESH_MS);
    await vi.waitFor(() => expect(follower.ring.recall(digestOf(text))).toBeNull(), 10_000);
    expect(await verdict(() => follower.gate.admitCaller(showing(text), 'a'))).toBe('401 unauthorized');
    follower.ring.close();
    await store.close();
  });
});
