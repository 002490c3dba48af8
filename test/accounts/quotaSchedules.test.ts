/** Instances whose calls of the store are answered in whatever order, fail or are lost, while time moves and some of them vanish. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { QuotaName, Reservation } from '../../src/accounts/port.ts';
import { EMPTY_WINDOW, leased } from '../../src/accounts/quotaSheet.ts';
import { windowAt } from '../../src/accounts/quotaWindows.ts';
import { RouterError } from '../../src/domain/errors.ts';
import type { ManualClock } from '../harness/manualClock.ts';
import { alike, exchangeAll, principalOf, type QuotaInstance, quotaFleet, sheetOf, tokens, use } from './quotaFleet.ts';

const LIMITS = { requestsPerMinute: 12, tokensPerMinute: 3_000, tokensPerDay: 5_000 } as const;
const PRINCIPAL = principalOf(LIMITS);
const RUNS = Number(process.env['ROUTER_RUNS'] ?? 300);

type Step =
  | { readonly kind: 'call'; readonly by: number; readonly size: number; readonly share: number }
  | { readonly kind: 'settle'; readonly at: number }
  | { readonly kind: 'exchange'; readonly by: number }
  | { readonly kind: 'later'; readonly ms: number }
  | { readonly kind: 'vanish'; readonly by: number }
  | { readonly kind: 'trouble'; readonly what: 'down' | 'answersLost' | 'none' };

const by = fc.integer({ min: 0, max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      by,
      size: fc.integer({ min: 1, max: 900 }),
      share: fc.integer({ min: 0, max: 100 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('settle' as const), at: fc.nat({ max: 50 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('exchange' as const), by }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('later' as const),
      ms: fc.constantFrom(50, 400, 5_000, 20_000, 61_000, 130_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('vanish' as const), by }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('trouble' as const),
      what: fc.constantFrom('down', 'answersLost', 'none', 'none'),
    }),
  },
);

interface Granted {
  readonly by: number;
  readonly at: number;
  readonly reserved: Map<QuotaName, number>;
  readonly reservation: Reservation;
  readonly share: number;
  isSettled: boolean;
  used: number;
}

/** What the instances have granted, as callers saw it. */
class Ledger {
  readonly granted: Granted[] = [];

  sums(amount: (one: Granted) => Map<QuotaName, number>): Map<string, number> {
    const sums = new Map<string, number>();
    for (const one of this.granted) {
      for (const [quota, taken] of amount(one)) {
        const key = `${quota} ${windowAt(quota, one.at).id}`;
        sums.set(key, (sums.get(key) ?? 0) + taken);
      }
    }
    return sums;
  }

  /** Everything that is reserved or was used, in each window: what was settled counts as what it came to. */
  expectWithinLimits(): void {
    const sums = this.sums(({ reserved, isSettled, used }) =>
      isSettled ? new Map([...reserved].map(([quota]) => [quota, quota.startsWith('req') ? 1 : used])) : reserved,
    );
    for (const [key, sum] of sums) {
      expect(sum, key).toBeLessThanOrEqual(LIMITS[key.split(' ')[0] as keyof typeof LIMITS]);
    }
  }
}

interface Stage {
  readonly clock: ManualClock;
  readonly instances: (QuotaInstance | null)[];
  readonly store: ReturnType<typeof quotaFleet>['store'];
  readonly ledger: Ledger;
  readonly pending: Promise<void>[];
}

function stageFor(): Stage {
  const { clock, store, instances } = quotaFleet({ count: 4, settings: { whenStoreDown: 'closed' } });
  return { clock, store, instances: [...instances], ledger: new Ledger(), pending: [] };
}

async function call({ instances, ledger }: Stage, step: Step & { kind: 'call' }, now: () => number): Promise<void> {
  const instance = instances[step.by];
  if (instance === null || instance === undefined) return;
  try {
    const reservation = await instance.quotas.reserve(PRINCIPAL, tokens(step.size));
    if (instances[step.by] === null) return;
    const reserved = new Map<QuotaName, number>([
      ['requestsPerMinute', 1],
      ['tokensPerMinute', step.size],
      ['tokensPerDay', step.size],
    ]);
    const { share } = step;
    ledger.granted.push({ by: step.by, at: now(), reserved, reservation, share, isSettled: false, used: 0 });
    ledger.expectWithinLimits();
  } catch (error) {
    if (!(error instanceof RouterError)) throw error;
  }
}

function settle({ ledger, instances }: Stage, at: number): void {
  const open = ledger.granted.filter((one) => !one.isSettled && instances[one.by] !== null);
  const one = open[at % Math.max(1, open.length)];
  if (one === undefined) return;
  one.used = Math.floor(((one.reserved.get('tokensPerDay') ?? 0) * one.share) / 100);
  one.isSettled = true;
  one.reservation.settle(use(one.used, one.used));
}

async function take(stage: Stage, step: Step): Promise<void> {
  const { clock, instances, store, pending } = stage;
  switch (step.kind) {
    case 'call':
      pending.push(call(stage, step, () => clock.now()));
      break;
    case 'settle':
      settle(stage, step.at);
      break;
    case 'exchange':
      pending.push(instances[step.by]?.quotas.exchange() ?? Promise.resolve());
      break;
    case 'later':
      await clock.pass(step.ms);
      break;
    case 'vanish':
      // One stays, so that there is somebody to ask in the end.
      if (step.by > 0) instances[step.by] = null;
      break;
    case 'trouble':
      store.trouble = step.what;
  }
}

async function finish(stage: Stage): Promise<void> {
  const { clock, store, pending, ledger, instances } = stage;
  store.trouble = 'none';
  store.gate = () => Promise.resolve();
  await clock.pass(3_000);
  await Promise.all(pending);
  for (let at = 0; at < ledger.granted.length; at++) settle(stage, 0);
  const left = instances.filter((one) => one !== null);
  for (let round = 0; round < 3; round++) {
    const exchanged = exchangeAll(left);
    await clock.pass(3_000);
    await exchanged;
  }
}

/** A lease that was written unknown to its instance, and then given up for lost, is counted as used though nobody used it. */
function mayBeLost(steps: readonly Step[]): boolean {
  const isUnknown = steps.some((one) => one.kind === 'trouble' && one.what !== 'none');
  return isUnknown && steps.reduce((sum, one) => sum + (one.kind === 'later' ? one.ms : 0), 0) > 50_000;
}

async function expectSettled({ clock, store, ledger, instances }: Stage, steps: readonly Step[]): Promise<void> {
  const isWhole = instances.every((one) => one !== null) && !mayBeLost(steps);
  const sheet = await sheetOf(store.inner);
  const sums = ledger.sums(({ used }) => new Map([['tokensPerDay', used]]));
  const key = `tokensPerDay ${windowAt('tokensPerDay', clock.now()).id}`;
  const window = sheet?.windows.get(key) ?? EMPTY_WINDOW;
  // What somebody vanished with is still leased, or counted as used.
  const used = window.used + leased(window);
  const settled = sums.get(key) ?? 0;
  if (isWhole) expect(window.used).toBe(settled);
  expect(used).toBeGreaterThanOrEqual(settled);
  expect(used).toBeLessThanOrEqual(LIMITS.tokensPerDay);
}

test('whatever fails, is lost or vanishes, no window is granted beyond its limit, and in the end the row says what was used', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const stage = stageFor();
      for (const one of steps) await take(stage, one);
      await finish(stage);
      stage.ledger.expectWithinLimits();
      await expectSettled(stage, steps);
    }),
    { numRuns: RUNS },
  );
});

test('the same with answers of the store in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 5, maxLength: 40 }), async (scheduler, steps) => {
      const stage = stageFor();
      stage.store.gate = () => scheduler.schedule(Promise.resolve());
      for (const one of steps) {
        await take(stage, one);
        if (scheduler.count() > 0) await scheduler.waitOne();
        stage.ledger.expectWithinLimits();
      }
      stage.store.gate = () => Promise.resolve();
      while (scheduler.count() > 0) await scheduler.waitOne();
      await scheduler.waitIdle();
      await finish(stage);
      stage.ledger.expectWithinLimits();
      await expectSettled(stage, steps);
    }),
    { numRuns: RUNS },
  );
});

/** Prompts that look like `size` tokens and have so many more, up to what nobody who knows nothing guesses. */
const surplus = fc.integer({ min: 0, max: 1_000 });
const calls = fc.array(
  fc.record({
    by,
    size: fc.integer({ min: 1, max: 300 }),
    output: fc.constantFrom(0, 10, 200),
    pauseMs: fc.constantFrom(0, 0, 50, 400),
  }),
  { minLength: 5, maxLength: 40 },
);

test('however much larger than they look prompts are, what is used stays within the limit', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), calls, surplus, async (scheduler, asked, more) => {
      const { clock, instances, store } = quotaFleet({ count: 4 });
      const principal = principalOf({ tokensPerDay: 8_000 });
      let used = 0;
      store.gate = () => scheduler.schedule(Promise.resolve());
      const pending = asked.map(async ({ by: at, size, output, pauseMs }) => {
        await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
        try {
          const reservation = await instances[at]!.quotas.reserve(principal, alike(size, output));
          await new Promise<void>((resolve) => void clock.after(100, resolve));
          used += size + more + output;
          reservation.settle(use(size + more + output, output));
        } catch (error) {
          if (!(error instanceof RouterError)) throw error;
        }
      });
      for (let turn = 0; turn < 200; turn++) {
        await clock.pass(20);
        if (scheduler.count() > 0) await scheduler.waitOne();
      }
      store.gate = () => Promise.resolve();
      while (scheduler.count() > 0) await scheduler.waitOne();
      await clock.pass(4_000);
      await Promise.all(pending);
      expect(used).toBeLessThanOrEqual(8_000);
    }),
    { numRuns: Math.ceil(RUNS / 3) },
  );
});
