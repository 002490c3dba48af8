import { describe, expect, test } from 'vitest';
import { settled } from '../harness/manualClock.ts';
import { BrittleStore } from '../state/brittleStore.ts';
import { instanceOn, LOOPBACK, ORDER, OUTLIVE_MS, REFRESH_MS, refusalOf, showing, verdict } from './instances.ts';

const GUESS = `aor_aaaaaaaaaa_${'x'.repeat(43)}`;

describe('while the store does not answer', () => {
  test('keys that are known are honoured, for as long as is configured', async () => {
    const store = new BrittleStore();
    const { desk, ring, gate, clock } = instanceOn({ store });
    const { text } = await desk.make(ORDER);
    await ring.refresh();
    store.trouble = 'down';
    clock.advance(OUTLIVE_MS);
    await ring.refresh();
    expect(gate.admitCaller(showing(text), 'a')).toMatchObject({ account: 'clinic-7' });
    clock.advance(1);
    expect(await refusalOf(() => gate.admitCaller(showing(text), 'a'))).toMatchObject({
      status: 503,
      retryAfterMs: REFRESH_MS,
      message: 'Keys cannot be checked at the moment. Try again.',
    });
    store.trouble = 'none';
    await ring.refresh();
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('in');
  });

  test('keys that may not outlive it go with the first refresh that fails, and not with one under way', async () => {
    const store = new BrittleStore();
    const { desk, ring, gate, clock } = instanceOn({ store, outliveMs: 0 });
    const { text } = await desk.make(ORDER);
    clock.advance(REFRESH_MS);
    const { promise, resolve } = Promise.withResolvers<void>();
    store.gate = () => promise;
    const refreshing = ring.refresh();
    await settled();
    expect(gate.admitCaller(showing(text), 'a')).toMatchObject({ account: 'clinic-7' });
    resolve();
    await refreshing;
    clock.advance(REFRESH_MS);
    store.trouble = 'down';
    await ring.refresh();
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('503 internal');
  });

  test('a key that is not known may be good: 503, never 401, and the source is not blamed', async () => {
    const store = new BrittleStore();
    const { ring, gate } = instanceOn({ store, perMinute: 1 });
    await ring.refresh();
    store.trouble = 'down';
    for (let count = 0; count < 3; count++) {
      expect(await verdict(() => gate.admitCaller(showing(GUESS), 'a'))).toBe('503 internal');
    }
    await ring.refresh();
    const before = store.calls;
    expect(await verdict(() => gate.admitCaller(showing(GUESS), 'a'))).toBe('503 internal');
    expect(store.calls).toBe(before);
    expect(await verdict(() => gate.admitCaller(showing('wrong'), 'a'))).toBe('401 unauthorized');
  });

  test('it is told once that it is lost, and once that it is found', async () => {
    const store = new BrittleStore();
    const { ring, told } = instanceOn({ store });
    await ring.refresh();
    store.trouble = 'down';
    for (let count = 0; count < 3; count++) await ring.refresh();
    store.trouble = 'none';
    for (let count = 0; count < 3; count++) await ring.refresh();
    expect(told).toEqual([{ lost: { problem: 'unreachable: nobody is there' } }, 'found']);
  });

  test('a loopback is as if nobody had made a key, where that cannot be found out', async () => {
    const store = new BrittleStore();
    store.trouble = 'down';
    const { gate, ring } = instanceOn({ store, settings: LOOPBACK });
    expect(await gate.admitCaller([], 'a')).toMatchObject({ account: 'default' });
    expect(await gate.admitCaller(showing(GUESS), 'a')).toMatchObject({ account: 'default' });
    expect(ring.hasKeys).toBeNull();
  });
});

describe('a fault that is not the store’s', () => {
  test('is told, and keys are not believed for ever because of it', async () => {
    const store = new BrittleStore();
    const { desk, ring, gate, told, clock } = instanceOn({ store });
    const { text } = await desk.make(ORDER);
    store.gate = () => Promise.reject(new TypeError('a fault'));
    ring.start();
    await clock.pass(OUTLIVE_MS + 2 * REFRESH_MS);
    expect(told[0]).toEqual({ error: new TypeError('a fault') });
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('503 internal');
    store.gate = () => Promise.resolve();
    await clock.pass(REFRESH_MS);
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('in');
    ring.close();
  });
});

describe('before the keys have been read', () => {
  test('a request with a key has the store opened, and waits for it', async () => {
    const store = new BrittleStore();
    const { text } = await instanceOn({ store }).desk.make(ORDER);
    const { promise, resolve } = Promise.withResolvers<void>();
    let opened = 0;
    const open = (): Promise<void> => {
      opened++;
      return promise;
    };
    const { gate, ring } = instanceOn({ store, open });
    store.calls = 0;
    const burst = [1, 2, 3].map(() => verdict(() => gate.admitCaller(showing(text), 'a')));
    await settled();
    expect({ calls: store.calls, opened, hasKeys: ring.hasKeys }).toEqual({ calls: 0, opened: 1, hasKeys: null });
    resolve();
    expect(await Promise.all(burst)).toEqual(['in', 'in', 'in']);
    // The version and the list: nobody was asked for by name.
    expect(store.calls).toBe(2);
  });

  test('nobody waits without end for a store that does not open', async () => {
    const store = new BrittleStore();
    store.trouble = 'down';
    for (const open of [() => new Promise<void>(() => undefined), () => Promise.reject(new Error('broken'))]) {
      const { gate, clock } = instanceOn({ store, open });
      const refused = verdict(() => gate.admitCaller(showing(GUESS), 'a'));
      await clock.pass(5_000);
      expect(await refused).toBe('503 internal');
      expect(clock.pending).toBe(0);
    }
  });

  test('a loopback waits as well: a key made before a restart is asked for after it', async () => {
    const store = new BrittleStore();
    const { text } = await instanceOn({ store }).desk.make(ORDER);
    const { gate } = instanceOn({ store, settings: LOOPBACK });
    expect(await verdict(() => gate.admitCaller([], 'a'))).toBe('401 unauthorized');
    expect(await verdict(() => gate.admitCaller(showing(text), 'a'))).toBe('in');
  });
});

describe('an instance that was frozen', () => {
  test('looks what became of the keys before it believes one, once for all requests', async () => {
    const store = new BrittleStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store })];
    const made = [await here.desk.make(ORDER), await here.desk.make(ORDER)] as const;
    await there.ring.refresh();
    await here.desk.revoke(made[0].key.id);
    there.clock.advance(60 * 60_000);
    store.calls = 0;
    const shown = [made[0].text, made[1].text, made[1].text, made[1].text];
    const verdicts = shown.map((text, at) => verdict(() => there.gate.admitCaller(showing(text), `${at}`)));
    expect(await Promise.all(verdicts)).toEqual(['401 unauthorized', 'in', 'in', 'in']);
    // Version, list, and the one that is not there.
    expect(store.calls).toBe(3);
  });
});
