import { describe, expect, it } from 'vitest';
import { clockAhead, pause, VirtualTime } from '../../src/simulation/virtualTime.ts';

const NOON = Date.UTC(2026, 10, 21, 12);

describe('virtual time', () => {
  it('runs what falls due in the order of its instants, whatever the order it was set in', async () => {
    const time = new VirtualTime(NOON);
    const ran: number[] = [];
    // 37 and 101 have no common factor: each delay comes once, and none in order.
    for (let index = 0; index < 101; index++) {
      const delayMs = (index * 37) % 101;
      time.after(delayMs, () => ran.push(delayMs));
    }
    await time.runUntil(1_000);
    expect(ran).toEqual(Array.from({ length: 101 }, (_, delayMs) => delayMs));
  });

  it('runs what falls due at the same instant in the order it was set in', async () => {
    const time = new VirtualTime(NOON);
    const ran: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) time.after(5, () => ran.push(name));
    await time.runUntil(5);
    expect(ran.join('')).toBe('abcde');
  });

  it('passes over what was taken back, also at the last moment', async () => {
    const time = new VirtualTime(NOON);
    const ran: string[] = [];
    const take = time.after(10, () => ran.push('taken back'));
    time.after(10, () => ran.push('kept'));
    time.after(9, take);
    await time.runUntil(20);
    expect(ran).toEqual(['kept']);
  });

  it('lets everything that waits on promises get on before the next instant', async () => {
    const time = new VirtualTime(NOON);
    const seen: string[] = [];
    const work = async (name: string): Promise<void> => {
      await pause(time, 10);
      for (let step = 0; step < 20; step++) await Promise.resolve();
      seen.push(`${name} at ${time.monotonicMs()}`);
    };
    void work('one');
    time.after(11, () => seen.push('the next instant'));
    await time.runUntil(20);
    expect(seen).toEqual(['one at 10', 'the next instant']);
  });

  it('stands at the end of the run, with what comes later still to come', async () => {
    const time = new VirtualTime(NOON);
    const ran: number[] = [];
    time.after(50, () => ran.push(50));
    await time.runUntil(40);
    expect([time.monotonicMs(), time.now(), ran]).toEqual([40, NOON + 40, []]);
    await time.runUntil(60);
    expect(ran).toEqual([50]);
  });

  it('shows whole milliseconds, and is ahead where a clock is', async () => {
    const time = new VirtualTime(NOON);
    const ahead = clockAhead(time, 25);
    await time.runUntil(1.75);
    expect([time.now(), ahead.now(), ahead.monotonicMs()]).toEqual([NOON + 1, NOON + 26, 1.75]);
  });
});
