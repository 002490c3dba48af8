import { expect } from 'vitest';

const MINUTE_MS = 60_000;
/** Longer than a test of quotas by the minute takes on a busy machine. */
const ROOM_MS = 12_000;

/** Windows of a minute begin by the clock on the wall: whoever counts in one waits until enough of it is left. */
export async function roomInMinute(): Promise<void> {
  const leftMs = (): number => MINUTE_MS - (Date.now() % MINUTE_MS);
  await expect.poll(leftMs, { timeout: 2 * ROOM_MS, interval: 50 }).toBeGreaterThan(ROOM_MS);
}
