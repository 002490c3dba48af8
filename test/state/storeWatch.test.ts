import { expect, test } from 'vitest';
import { StoreWatch } from '../../src/state/storeWatch.ts';
import { StoreError } from '../../src/store/port.ts';
import { ManualClock } from '../harness/manualClock.ts';

const LATE = new StoreError('late', 'no answer');

function watched(): { watch: StoreWatch; told: string[] } {
  const told: string[] = [];
  const journal = { storeLost: () => void told.push('lost'), storeFound: () => void told.push('found') };
  const watch = new StoreWatch(new ManualClock(), journal);
  watch.open();
  return { watch, told };
}

test('a call that was made before the store came back and fails after that is no new outage', () => {
  const { watch, told } = watched();
  const [first, second, third] = [watch.asking(), watch.asking(), watch.asking()];
  watch.failed(LATE, first);
  watch.answered(third);
  watch.failed(LATE, second);
  expect([watch.isHealthy, told]).toEqual([true, ['lost', 'found']]);
});

test('a call that was made before the store was lost and is answered after that does not find it again', () => {
  const { watch, told } = watched();
  const [first, second] = [watch.asking(), watch.asking()];
  watch.failed(LATE, second);
  watch.answered(first);
  expect([watch.isHealthy, told]).toEqual([false, ['lost']]);
});

test('a store that refuses some calls and answers others is not found again with every answer', () => {
  const clock = new ManualClock();
  const told: string[] = [];
  const journal = { storeLost: () => void told.push('lost'), storeFound: () => void told.push('found') };
  const watch = new StoreWatch(clock, journal);
  watch.open();
  for (let call = 0; call < 20; call++) {
    watch.failed(new StoreError('denied', 'no role'), watch.asking());
    watch.answered(watch.asking());
    clock.advance(1_000);
  }
  expect([watch.isHealthy, told]).toEqual([false, ['lost']]);
  clock.advance(60_000);
  watch.answered(watch.asking());
  expect([watch.isHealthy, told]).toEqual([true, ['lost', 'found']]);
});

test('an error that is not the store’s is thrown on', () => {
  const { watch } = watched();
  expect(() => watch.failed(new TypeError('ours'), watch.asking())).toThrow('ours');
});
