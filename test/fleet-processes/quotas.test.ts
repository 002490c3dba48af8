/** One quota over eight processes, none of which knows of the others but by the tables. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sheetOf } from '../accounts/quotaFleet.ts';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import type { Order, Told } from './quotaCaller.ts';

const PROCESSES = 8;
const CALLERS = 50;
const LIMIT = 1_000_000;
/** On two cores that others want too. */
const LONG_MS = 60_000;

let emulator: RunningEmulator;
const children: ChildProcess[] = [];

beforeAll(async () => {
  emulator = await runEmulator();
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await emulator.close();
});

async function work(order: Order): Promise<Told> {
  const child = fork(join(import.meta.dirname, 'quotaCaller.ts'), { execArgv: [], stdio: 'inherit' });
  children.push(child);
  child.send(order);
  const broken = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the process ended with ${code}`)));
  const [told] = (await Promise.race([once(child, 'message'), broken])) as [Told];
  return told;
}

/** What was used, or reserved by requests under way, at an instant. */
function takenAt(all: readonly Told[], instant: number): number {
  let taken = 0;
  for (const { grants } of all) {
    for (const [at, amount, settledAt, used] of grants) {
      if (at > instant) continue;
      taken += settledAt !== null && settledAt <= instant ? used : amount;
    }
  }
  return taken;
}

describe('eight processes', { timeout: LONG_MS }, () => {
  it('with 400 callers grant at most the limit, and at least 98 % of it before the first is refused', async () => {
    const orders = Array.from({ length: PROCESSES }, (_, at): Order => {
      const { connectionString } = emulator;
      return { connectionString, instance: `p${at}`, limit: LIMIT, callers: CALLERS, whenStoreDown: 'closed' };
    });
    const all = await Promise.all(orders.map(work));
    const instants = all.flatMap(({ grants }) => grants.map(([at]) => at));
    const most = Math.max(...instants.map((at) => takenAt(all, at)));
    const firstRefusal = Math.min(...all.map(({ firstRefusedAt }) => firstRefusedAt ?? Number.POSITIVE_INFINITY));
    const atFirst = takenAt(all, firstRefusal);
    const sum = (of: (told: Told) => number): number => all.reduce((total, told) => total + of(told), 0);
    const slowest = Math.max(...all.map(({ slowestMs }) => slowestMs));
    console.log(
      `${sum(({ granted }) => granted)} granted, ${sum(({ waited }) => waited)} waited (at most ${slowest.toFixed(0)} ms), ` +
        `${sum(({ undecided }) => undecided)} undecided; most at once ${most}; at the first refusal ${atFirst}; ` +
        `used in the end ${sum(({ used }) => used)}`,
    );
    expect(most).toBeLessThanOrEqual(LIMIT);
    expect(sum(({ used }) => used)).toBeLessThanOrEqual(LIMIT);
    expect(atFirst).toBeGreaterThanOrEqual(0.98 * LIMIT);
    const [window] = [...((await sheetOf(emulator.openStore()))?.windows.values() ?? [])];
    expect(window?.used).toBe(sum(({ used }) => used));
  });
});
