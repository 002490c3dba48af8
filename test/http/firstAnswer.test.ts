import { describe, expect, test } from 'vitest';
import type { App } from '../../src/http/app.ts';
import { FirstAnswer } from '../../src/http/firstAnswer.ts';
import { ManualClock } from '../harness/manualClock.ts';

const app: App = { handle: () => Promise.resolve({ status: 200, headers: [], body: null }) };
const REQUEST = {} as Parameters<App['handle']>[0];

describe('what waits for the first answer', () => {
  test('begins a moment after it, once', async () => {
    const clock = new ManualClock();
    const first = new FirstAnswer(clock);
    const begun: number[] = [];
    first.whenOut(() => begun.push(clock.monotonicMs()));
    const watched = first.of(app);
    await clock.pass(5_000);
    expect(begun).toEqual([]);
    const answeredAt = clock.monotonicMs();
    await watched.handle(REQUEST);
    await watched.handle(REQUEST);
    await clock.pass(60_000);
    expect(begun).toEqual([answeredAt + 250]);
  });

  test('begins after ten seconds where nobody asks', async () => {
    const clock = new ManualClock();
    const from = clock.monotonicMs();
    const first = new FirstAnswer(clock);
    const begun: number[] = [];
    first.whenOut(() => begun.push(clock.monotonicMs() - from));
    first.of(app);
    await clock.pass(60_000);
    expect(begun).toEqual([10_000]);
  });

  test('leaves the app as it is where nobody waits', () => {
    expect(new FirstAnswer(new ManualClock()).of(app)).toBe(app);
  });
});
