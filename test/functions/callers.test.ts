import { describe, expect, test } from 'vitest';
import { HostCallers } from '../../src/functions/callers.ts';
import { ManualClock } from '../harness/manualClock.ts';

describe('the callers of a function app that ends', () => {
  test('are dismissed at once where nobody is here', async () => {
    const clock = new ManualClock();
    const callers = new HostCallers();
    await callers.dismiss(clock);
    expect(callers.dismissed).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('have two seconds to get their answers', async () => {
    const clock = new ManualClock();
    const callers = new HostCallers();
    const leave = callers.welcome();
    let told = 0;
    callers.onGone(() => told++);
    const dismissing = callers.dismiss(clock);
    await clock.pass(1_900);
    expect([callers.dismissed, told]).toEqual([false, 0]);
    await clock.pass(200);
    expect([callers.dismissed, callers.gone, told]).toEqual([true, false, 1]);
    leave();
    leave();
    await clock.pass(25);
    await dismissing;
    expect(clock.pending).toBe(0);
  });

  test('are waited for no longer than half a second once they have been told', async () => {
    const clock = new ManualClock();
    const callers = new HostCallers();
    callers.welcome();
    const dismissing = callers.dismiss(clock);
    await clock.pass(2_600);
    await dismissing;
  });

  test('are not told of what they have got', async () => {
    const callers = new HostCallers();
    let told = 0;
    callers.onGone(() => told++)();
    await callers.dismiss(new ManualClock());
    expect(told).toBe(0);
  });
});
