import { describe, expect, it } from 'vitest';
import type { Reservation } from '../../src/accounts/port.ts';
import { encodeSheet } from '../../src/accounts/quotaSheet.ts';
import { sweepQuotas } from '../../src/accounts/quotaSweep.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { headerValue } from '../../src/domain/message.ts';
import { StoreWatch } from '../../src/state/storeWatch.ts';
import { settled } from '../harness/manualClock.ts';
import { SILENT } from '../harness/silent.ts';
import {
  DAY_MS,
  exchangeAll,
  grantedBy,
  MINUTE_MS,
  outcomeOf,
  principalOf,
  quotaFleet,
  refusalBy,
  sheetOf,
  spareOf,
  standing,
  tokens,
  use,
} from './quotaFleet.ts';

const MANY = principalOf({ tokensPerMinute: 1_000_000 });
const FEW = principalOf({ tokensPerMinute: 1_000 });
const DAILY = principalOf({ tokensPerDay: 1_000 });

describe('an account without limits', () => {
  it('is served at once, by a reservation that all share, and the store hears nothing of it', () => {
    const { store, instances } = quotaFleet();
    const [{ quotas }] = instances;
    const one = quotas.reserve(principalOf({}), tokens(1e9));
    expect(one).toBe(quotas.reserve(principalOf({}, 'another'), tokens(1)));
    expect((one as Reservation).headers()).toEqual([]);
    (one as Reservation).settle(use(1));
    expect([store.calls, quotas.size]).toEqual([0, 0]);
  });
});

describe('the healthy path', () => {
  it('awaits nothing after the first request, and asks the store far less often than there are requests', async () => {
    const { store, clock, instances } = quotaFleet();
    const [one] = instances;
    one.quotas.start();
    await grantedBy(one, MANY, tokens(100, 100));
    await clock.pass(1_000);
    const before = store.calls;
    let awaited = 0;
    for (let request = 0; request < 1_000; request++) {
      const reservation = one.quotas.reserve(MANY, tokens(100, 100));
      if (reservation instanceof Promise) awaited++;
      (await reservation).settle(use(150));
      await clock.pass(10);
    }
    const calls = store.calls - before;
    console.log(`1,000 requests in 10 s: ${calls} calls of the store, ${awaited} requests awaited one`);
    expect(awaited).toBe(0);
    expect(calls).toBeLessThan(100);
    await one.quotas.close();
  });

  it('awaits nothing in a new minute either: its lease was taken before it began', async () => {
    const { store, clock, instances } = quotaFleet();
    const [one] = instances;
    one.quotas.start();
    await grantedBy(one, MANY, tokens(100));
    for (let at = 0; at < 650; at++) {
      const reservation = one.quotas.reserve(MANY, tokens(100));
      expect(reservation).not.toBeInstanceOf(Promise);
      (reservation as Reservation).settle(use(100));
      await clock.pass(100);
    }
    expect(clock.now() % MINUTE_MS).toBe(5_000);
    expect(store.calls).toBeLessThan(300);
    await one.quotas.close();
  });

  it('asks for a lease ahead of time once where many are served at once', async () => {
    const { store, instances } = quotaFleet();
    const [one] = instances;
    await grantedBy(one, MANY, tokens(10));
    const before = store.writes;
    for (let at = 0; at < 5; at++) void one.quotas.reserve(MANY, tokens(4));
    await settled();
    expect(store.writes - before).toBe(1);
  });
});

describe('requests that wait', () => {
  it('take part in one write together, in the order they came', async () => {
    const { clock, store, instances } = quotaFleet();
    const [one] = instances;
    const asked = Array.from({ length: 20 }, () => outcomeOf(() => one.quotas.reserve(FEW, tokens(100))));
    // Those for whom there is no room hope for a while.
    await clock.pass(1_500);
    const outcomes = await Promise.all(asked);
    expect(outcomes.map((outcome) => outcome instanceof RouterError)).toEqual([
      ...Array<boolean>(10).fill(false),
      ...Array<boolean>(10).fill(true),
    ]);
    expect(store.writes).toBe(1);
  });

  it('are refused only by what the row says now, not by what it said before', async () => {
    const { clock, instances } = quotaFleet();
    const [one, two] = instances;
    const first = await grantedBy(one, DAILY, tokens(900));
    await refusalBy(two, DAILY, tokens(200));
    first.settle(use(100));
    await exchangeAll([one]);
    clock.advance(300);
    await grantedBy(two, DAILY, tokens(200));
  });

  it('are refused at once for a moment after others were: an exhausted account costs a few calls a second', async () => {
    const { store, clock, instances } = quotaFleet();
    const [one, two] = instances;
    (await grantedBy(one, DAILY, tokens(1_000))).settle(use(1_000));
    await exchangeAll([one]);
    await refusalBy(two, DAILY, tokens(1));
    const [before, since] = [store.calls, clock.now()];
    let atOnce = 0;
    for (let at = 0; at < 100; at++) {
      const askedAt = clock.now();
      await refusalBy(two, DAILY, tokens(1));
      if (clock.now() === askedAt) atOnce++;
      clock.advance(10);
    }
    expect(atOnce).toBeGreaterThan(90);
    expect(store.calls - before).toBeLessThanOrEqual((12 * (clock.now() - since)) / 1_000);
  });

  it('wait for two calls of the store at most, and are then told to ask again', async () => {
    const { store, clock, instances } = quotaFleet();
    const [one] = instances;
    store.gate = () => new Promise(() => undefined);
    const asked = refusalBy(one, FEW, tokens(1));
    await clock.pass(2_000);
    const error = await asked;
    expect([error.status, error.code, error.retryAfterMs]).toEqual([503, 'quota_exceeded', 1_000]);
    expect(clock.pending).toBe(0);
  });

  it('wait for the store to be opened', async () => {
    const { clock, store, add } = quotaFleet();
    const late = add('late', { isOpen: false });
    const served = late.quotas.reserve(DAILY, tokens(1));
    const never = add('never', { isOpen: false });
    // Nobody says what is left: it is let through, as configured.
    const inVain = grantedBy(never, DAILY, tokens(1));
    await clock.pass(500);
    expect(store.calls).toBe(0);
    late.quotas.open();
    await served;
    await clock.pass(2_000);
    await inVain;
  });

  it('are counted in the window in which they are granted', async () => {
    const { store, clock, instances } = quotaFleet();
    const [one] = instances;
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    clock.advance(MINUTE_MS - 500);
    // The write is made, and its answer takes a while: a gate each before and after the read, and before it.
    let passed = 0;
    store.gate = () => (++passed === 4 ? opened : Promise.resolve());
    const asked = one.quotas.reserve(FEW, tokens(600));
    await settled();
    clock.advance(600);
    open();
    (await asked).settle(use(600));
    const error = await refusalBy(one, FEW, tokens(600));
    expect(error.message).toContain('10:07:00.000Z');
  });
});

describe('a reservation', () => {
  it('gives back what was not used when it is settled, once', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    const reservation = await grantedBy(one, FEW, tokens(1_000));
    reservation.settle(use(400));
    reservation.settle(use(0));
    await exchangeAll([one]);
    expect(await standing(one, FEW, 'tokensPerMinute')).toEqual({ used: 400, reserved: 0 });
    await grantedBy(one, FEW, tokens(600));
    await refusalBy(one, FEW, tokens(1));
  });

  it('whose request used more is a debt: it is used, beyond the limit, and nothing is granted until the window ends', async () => {
    const { clock, instances } = quotaFleet();
    const [one, two] = instances;
    const reservation = await grantedBy(one, FEW, tokens(900));
    reservation.settle(use(1_500));
    await settled();
    expect(await standing(two, FEW, 'tokensPerMinute')).toEqual({ used: 1_500, reserved: 0 });
    for (const instance of instances) await refusalBy(instance, FEW, tokens(1));
    clock.advance(MINUTE_MS);
    await grantedBy(two, FEW, tokens(1_000));
  });

  it('settled in a later window changes nothing there', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const before = await grantedBy(one, FEW, tokens(1_000));
    clock.advance(MINUTE_MS);
    const after = await grantedBy(one, FEW, tokens(1_000));
    before.settle(use(5));
    await refusalBy(one, FEW, tokens(1));
    after.settle(use(1_000));
    await exchangeAll([one]);
    expect(await standing(one, FEW, 'tokensPerMinute')).toEqual({ used: 1_000, reserved: 0 });
  });

  it('counts in the day and the month as well, though its minute is over', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ tokensPerMinute: 1_000, tokensPerDay: 1_500, tokensPerMonth: 9_000 });
    const reservation = await grantedBy(one, principal, tokens(1_000));
    clock.advance(MINUTE_MS);
    reservation.settle(use(1_000));
    const error = await refusalBy(one, principal, tokens(600));
    expect(error.message).toContain('tokensPerDay');
    clock.advance(DAY_MS);
    await grantedBy(one, principal, tokens(600));
    await exchangeAll([one]);
    expect(await standing(one, principal, 'tokensPerMonth')).toMatchObject({ used: 1_000 });
  });
});

describe('an answer of unstated length', () => {
  it('gets what is configured, and less where less is left', async () => {
    const { instances } = quotaFleet({ settings: { outputTokens: 500 } });
    const [one] = instances;
    await grantedBy(one, FEW, tokens(100, null));
    await exchangeAll([one]);
    expect(await standing(one, FEW, 'tokensPerMinute')).toEqual({ used: 0, reserved: 600 });
    await grantedBy(one, FEW, tokens(100, null));
    expect(await standing(one, FEW, 'tokensPerMinute')).toEqual({ used: 0, reserved: 1_000 });
  });

  it('gets at least the longest of late, and is refused where that does not fit', async () => {
    const { clock, instances } = quotaFleet({ settings: { outputTokens: 500 } });
    const [one] = instances;
    (await grantedBy(one, FEW, tokens(100, 800))).settle(use(900, 800));
    const error = await refusalBy(one, FEW, tokens(50, null));
    expect(error.message).toContain('needs 850 tokens');
    clock.advance(25 * MINUTE_MS);
    (await grantedBy(one, FEW, tokens(600, 300))).settle(use(700, 100));
    await grantedBy(one, FEW, tokens(50, null));
  });

  it('is refused where not even one token is left; a stated one is needed whole', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    await grantedBy(one, FEW, tokens(900));
    await refusalBy(one, FEW, tokens(100, null));
    await refusalBy(one, FEW, tokens(50, 51));
    await grantedBy(one, FEW, tokens(50, 50));
  });
});

describe('whoever is alone', () => {
  it('waits for the store with few of its requests, however small the quota', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ requestsPerMinute: 60, tokensPerMinute: 20_000 });
    let awaited = 0;
    for (let count = 0; count < 40; count++) {
      const held = one.quotas.reserve(principal, tokens(100));
      if (held instanceof Promise) awaited++;
      (await held).settle(use(80, 20, 0));
      await clock.pass(1_000);
    }
    expect(awaited).toBeLessThanOrEqual(4);
  });

  it('gives back what it held in reserve once somebody else comes', async () => {
    const { store, instances } = quotaFleet();
    const [one, two] = instances;
    const principal = principalOf({ tokensPerDay: 1_000 });
    (await grantedBy(one, principal, tokens(100))).settle(use(100, 0, 0));
    expect(await spareOf(store)).toBeGreaterThan(0);
    await grantedBy(two, principal, tokens(500));
    await exchangeAll([one, two]);
    expect(await standing(two, principal, 'tokensPerDay')).toEqual({ used: 100, reserved: 500 });
  });
});

describe('cost', () => {
  const prices = { nanoUsdPerPromptToken: 2_750.5, nanoUsdPerOutputToken: 11_000 };
  const ask = { kind: null, promptTokens: 1_000, outputTokens: 100, ...prices };

  it('is counted in whole billionths of a dollar and told in dollars', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ usdPerDay: 0.1, usdPerMonth: 1e12 });
    const reservation = await grantedBy(one, principal, ask);
    expect(await standing(one, principal, 'usdPerDay')).toEqual({ used: 0, reserved: 0.0038505 });
    reservation.settle(use(1_050, 50, 3_000_000));
    await exchangeAll([one]);
    expect(await standing(one, principal, 'usdPerDay')).toMatchObject({ used: 0.003 });
    expect([...one.quotas.levels()]).toMatchObject([
      { account: 'clinic-7', quota: 'usdPerDay', used: 0.003, limit: 0.1, resetsAt: Date.UTC(2026, 10, 22) },
      { quota: 'usdPerMonth', used: 0.003, resetsAt: Date.UTC(2026, 11, 1) },
    ]);
  });

  it('limits an answer of unstated length to what the rest pays for', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ usdPerDay: 0.01 });
    await grantedBy(one, principal, { ...ask, outputTokens: null });
    // 2.7505 millionths for each of 1,000 tokens, and as many more at 11 millionths as fit into the rest.
    expect(await standing(one, principal, 'usdPerDay')).toEqual({ used: 0, reserved: 0.0099995 });
  });

  it('of a fraction of a billionth is rounded up', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ usdPerDay: 2e-9 });
    const cheap = {
      kind: null,
      promptTokens: 3,
      outputTokens: 0,
      nanoUsdPerPromptToken: 0.5,
      nanoUsdPerOutputToken: 0,
    };
    await grantedBy(one, principal, cheap);
    await refusalBy(one, principal, { ...cheap, promptTokens: 1 });
  });
});

describe('a refusal', () => {
  it('names each exhausted quota, what is used, the limit and when it resets; the last to reset decides the wait', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ requestsPerMinute: 1, tokensPerMinute: 5_000, tokensPerDay: 900 });
    (await grantedBy(one, principal, tokens(800))).settle(use(800));
    const error = await refusalBy(one, principal, tokens(200));
    expect(error).toMatchObject({
      code: 'quota_exceeded',
      status: 429,
      retryAfterMs: Date.UTC(2026, 10, 22) - clock.now(),
    });
    expect(error.message).toBe(
      "The quota of account 'clinic-7' is exhausted. requestsPerMinute: 1 of 1 request used or reserved, this request needs 1 request, and the quota resets at 2026-11-21T10:06:00.000Z. tokensPerDay: 800 of 900 tokens used or reserved, this request needs 200 tokens, and the quota resets at 2026-11-22T00:00:00.000Z.",
    );
    expect(headerValue(error.headers, 'x-ratelimit-remaining-requests')).toBe('0');
  });

  it('says that waiting is no use where a request is larger than a limit altogether', async () => {
    const { store, instances } = quotaFleet();
    const [one] = instances;
    const error = await refusalBy(one, FEW, tokens(900, 101));
    expect(error).toMatchObject({ code: 'quota_exceeded', status: 429, retryAfterMs: null });
    expect(error.message).toContain('needs 1001 tokens, and the limit is 1000 tokens altogether');
    const none = await refusalBy(one, principalOf({ requestsPerMinute: 0 }), tokens(1));
    expect(none.retryAfterMs).toBeNull();
    expect(store.calls).toBe(0);
  });
});

describe('the headers', () => {
  it('say limit, rest and reset of the quotas by the minute, of those that the account has', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    clock.advance(12_500);
    const both = await grantedBy(one, principalOf({ requestsPerMinute: 10, tokensPerMinute: 1_000 }), tokens(300));
    expect(both.headers()).toEqual([
      ...[
        'x-ratelimit-limit-requests',
        '10',
        'x-ratelimit-remaining-requests',
        '9',
        'x-ratelimit-reset-requests',
        '48s',
      ],
      ...['x-ratelimit-limit-tokens', '1000', 'x-ratelimit-remaining-tokens', '700', 'x-ratelimit-reset-tokens', '48s'],
    ]);
    both.settle(use(1_300));
    expect(headerValue(both.headers(), 'x-ratelimit-remaining-tokens')).toBe('0');
    const daily = await grantedBy(one, principalOf({ tokensPerDay: 1_000 }, 'daily'), tokens(1));
    expect(daily.headers()).toEqual([]);
  });
});

describe('leases', () => {
  it.each([
    { of: 'a quarter of what is left while that is much', turns: 30, spare: 880_000 / 4 },
    { of: '1.5 % of the limit near it', turns: 238, spare: 15_000 },
  ])('that lie about hold no more than $of, together', async ({ turns, spare: most }) => {
    const { store, clock, instances, add } = quotaFleet();
    const all = [...instances, ...Array.from({ length: 6 }, (_, at) => add(`more${at}`))];
    for (const { quotas } of all) quotas.start();
    for (let turn = 0; turn < turns; turn++) {
      const asked = all.map((one) => grantedBy(one, MANY, tokens(500)));
      await clock.pass(100);
      for (const reservation of await Promise.all(asked)) reservation.settle(use(500));
    }
    await clock.pass(1_000);
    const spare = await spareOf(store);
    expect(spare).toBeGreaterThan(0);
    expect(spare).toBeLessThanOrEqual(most);
  });

  it('suffice for all that come, on each of many instances, while a limit is far', async () => {
    const { clock, add } = quotaFleet();
    const all = Array.from({ length: 40 }, (_, at) => add(`i${at}`));
    // Not half of what the limit allows: one call in two seconds on each instance.
    const principal = principalOf({ tokensPerMinute: 2.1 * 40 * 30 * 200 });
    for (const one of all) (await grantedBy(one, principal, tokens(40, 160))).settle(use(200));
    for (const { quotas } of all) quotas.start();
    await clock.pass(10_000);
    let waited = 0;
    for (let turn = 0; turn < 40; turn++) {
      for (const one of all) {
        const asked = one.quotas.reserve(principal, tokens(40, 160));
        if (asked instanceof Promise) waited++;
        void Promise.resolve(asked).then((reservation) => reservation.settle(use(200)));
      }
      await clock.pass(2_000);
    }
    // A window ends amid them; its successor was prepared.
    expect(waited).toBe(0);
  });

  it('are told of seldom while a limit is far, and every period near it', async () => {
    const { store, clock, instances, add } = quotaFleet();
    const all = [...instances, ...Array.from({ length: 6 }, (_, at) => add(`more${at}`))];
    const principal = principalOf({ tokensPerDay: 100_000 });
    const writesFor = async (turns: number, size: number): Promise<number> => {
      const before = store.writes;
      for (let turn = 0; turn < turns; turn++) {
        for (const one of all) (await grantedBy(one, principal, tokens(size))).settle(use(size));
        await clock.pass(1_000);
      }
      return store.writes - before;
    };
    for (const { quotas } of all) quotas.start();
    await writesFor(5, 10);
    const far = await writesFor(10, 10);
    await writesFor(1, 8_000);
    const near = await writesFor(10, 10);
    expect(far * 3).toBeLessThan(near);
  });

  it('cost a read and a write where others use the account as well, and no conflict', async () => {
    const { store, instances } = quotaFleet();
    const principal = principalOf({ tokensPerDay: 10_000 });
    for (const one of instances) (await grantedBy(one, principal, tokens(3_000))).settle(use(3_000));
    for (let turn = 0; turn < 5; turn++) {
      for (const one of instances) {
        (await grantedBy(one, principal, tokens(60))).settle(use(60));
        const before = store.calls;
        await one.quotas.exchange();
        // By then each has heard of the other.
        if (turn > 1) expect(store.calls - before).toBe(2);
      }
    }
  });

  it('that are not needed go back within a few periods, and all of it once nobody has asked for a minute', async () => {
    const { store, clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ tokensPerDay: 1_000_000 });
    one.quotas.start();
    for (let at = 0; at < 20; at++) (await grantedBy(one, principal, tokens(500))).settle(use(500));
    await clock.pass(15_000);
    expect(await spareOf(store)).toBeLessThanOrEqual(1_000);
    await clock.pass(70_000);
    expect(await standing(one, principal, 'tokensPerDay')).toEqual({ used: 10_000, reserved: 0 });
    expect([one.quotas.size, (await sheetOf(store))?.until.size]).toEqual([0, 0]);
    await grantedBy(one, principal, tokens(500));
    await one.quotas.close();
  });

  it('of an instance that is gone count as used: it may have granted them', async () => {
    const { clock, instances } = quotaFleet();
    const [gone, other] = instances;
    await grantedBy(gone, DAILY, tokens(600));
    clock.advance(61_000);
    await refusalBy(other, DAILY, tokens(500));
    await grantedBy(other, DAILY, tokens(400));
    expect(await standing(other, DAILY, 'tokensPerDay')).toEqual({ used: 600, reserved: 400 });
  });

  it('counted as used are not counted twice when their instance comes back, and what it did not use is free again', async () => {
    const { clock, instances } = quotaFleet();
    const [late, other] = instances;
    const reservation = await grantedBy(late, DAILY, tokens(600));
    clock.advance(61_000);
    await grantedBy(other, DAILY, tokens(100));
    reservation.settle(use(250));
    await exchangeAll(instances);
    expect(await standing(other, DAILY, 'tokensPerDay')).toEqual({ used: 250, reserved: 100 });
    await grantedBy(late, DAILY, tokens(650));
    await refusalBy(other, DAILY, tokens(1));
  });

  it('are renewed long before they end, even where nothing happens but one long request', async () => {
    const { clock, instances } = quotaFleet();
    const [one, two] = instances;
    one.quotas.start();
    const reservation = await grantedBy(one, DAILY, tokens(600));
    await clock.pass(300_000);
    await grantedBy(two, DAILY, tokens(100));
    expect(await standing(two, DAILY, 'tokensPerDay')).toMatchObject({ used: 0 });
    reservation.settle(use(0));
    await one.quotas.close();
  });

  it('left by a predecessor of the same name count as used', async () => {
    const { add } = quotaFleet();
    await grantedBy(add('same'), DAILY, tokens(600));
    const again = add('same');
    await refusalBy(again, DAILY, tokens(500));
    await grantedBy(again, DAILY, tokens(400));
  });

  it('go back when an instance closes; what is under way counts as used', async () => {
    const { store, instances } = quotaFleet();
    const [one, two] = instances;
    (await grantedBy(one, DAILY, tokens(100))).settle(use(100));
    await grantedBy(one, DAILY, tokens(300));
    await one.quotas.close();
    expect(await standing(two, DAILY, 'tokensPerDay')).toEqual({ used: 400, reserved: 0 });
    expect((await sheetOf(store))?.until.size).toBe(0);
  });
});

describe('limits and clocks', () => {
  it('lowered limits only mean that nothing more is granted', async () => {
    const { instances } = quotaFleet();
    const [one, two] = instances;
    await grantedBy(one, DAILY, tokens(800));
    const lower = principalOf({ tokensPerDay: 500 });
    await refusalBy(two, lower, tokens(1));
    await refusalBy(one, lower, tokens(1));
    await grantedBy(one, principalOf({ tokensPerDay: 900 }), tokens(100));
  });

  it('whoever has a clock that is behind goes by the newer window of the row', async () => {
    const { clock, add } = quotaFleet();
    const ahead = add('ahead', { clock: offset(clock, 5_000) });
    const behind = add('behind');
    clock.advance(MINUTE_MS - 2_000);
    (await grantedBy(ahead, FEW, tokens(700))).settle(use(700));
    await exchangeAll([ahead]);
    const error = await refusalBy(behind, FEW, tokens(400));
    expect(error.message).toContain('10:07:00.000Z');
    expect(error.retryAfterMs).toBe(57_000);
  });
});

function offset(clock: ReturnType<typeof quotaFleet>['clock'], ms: number) {
  return {
    now: () => clock.now() + ms,
    monotonicMs: () => clock.monotonicMs(),
    after: (delay: number, fn: () => void) => clock.after(delay, fn),
  };
}

describe('the sweep', () => {
  it('clears away windows that are over and instances that are gone, and rows that nobody has used for two months', async () => {
    const { clock, store, instances } = quotaFleet();
    const [one] = instances;
    await grantedBy(one, principalOf({ tokensPerMinute: 1_000, tokensPerMonth: 9_000 }), tokens(600));
    await grantedBy(one, principalOf({ tokensPerDay: 9_000 }, 'another'), tokens(600));
    const sweep = () => sweepQuotas({ store, now: clock.now() });
    expect(await sweep()).toBe(0);
    clock.advance(61_000);
    const swept = await Promise.all([sweep(), sweep()]);
    expect(swept[0] + swept[1]).toBe(2);
    expect(encodeSheet((await sheetOf(store))!)).toBe(
      JSON.stringify({
        latest: clock.now(),
        until: {},
        windows: { 'tokensPerMonth 2026-11': { used: 3 * 600, leases: {} } },
      }),
    );
    clock.advance(40 * DAY_MS);
    expect(await sweep()).toBe(2);
    expect(await sheetOf(store)).not.toBeNull();
    clock.advance(63 * DAY_MS);
    expect(await sweep()).toBe(2);
    expect([await sheetOf(store), await sheetOf(store, 'another')]).toEqual([null, null]);
  });
});

describe('people', () => {
  it('are warned once in the fleet for each window, when the mark is passed', async () => {
    const { clock, instances } = quotaFleet();
    const [one, two] = instances;
    await grantedBy(one, FEW, tokens(790));
    expect([one.warned, two.warned]).toEqual([[], []]);
    await grantedBy(two, FEW, tokens(20));
    for (const instance of instances) await grantedBy(instance, FEW, tokens(50));
    expect(one.warned).toEqual([]);
    expect(two.warned).toEqual([
      {
        account: 'clinic-7',
        quota: 'tokensPerMinute',
        used: 810,
        limit: 1_000,
        resetsAt: Date.UTC(2026, 10, 21, 10, 6),
      },
    ]);
    clock.advance(MINUTE_MS);
    await grantedBy(one, FEW, tokens(800));
    expect([one.warned.length, two.warned.length]).toEqual([1, 1]);
  });
});

describe('while the store is down', () => {
  it('requests pass where that is configured, and are counted once it is back', async () => {
    const { store, instances } = quotaFleet();
    const [one, two] = instances;
    (await grantedBy(one, DAILY, tokens(100))).settle(use(100));
    await exchangeAll([one]);
    store.trouble = 'down';
    (await grantedBy(one, DAILY, tokens(500))).settle(use(400));
    await grantedBy(two, DAILY, tokens(800));
    store.trouble = 'none';
    await exchangeAll(instances);
    expect(await standing(two, DAILY, 'tokensPerDay')).toEqual({ used: 500, reserved: 800 });
    expect(one.episodes).toEqual(['lost: unreachable: nobody is there', 'found']);
    await refusalBy(two, DAILY, tokens(1));
  });

  it('what is certainly used up is refused all the same', async () => {
    const { store, instances } = quotaFleet();
    const [one] = instances;
    (await grantedBy(one, DAILY, tokens(1_000))).settle(use(1_000));
    await exchangeAll([one]);
    store.trouble = 'down';
    expect((await refusalBy(one, DAILY, tokens(1))).status).toBe(429);
  });

  it('only what the instance still holds passes where that is configured; others are told to ask again', async () => {
    const { store, instances } = quotaFleet({ settings: { whenStoreDown: 'closed' } });
    const [one] = instances;
    for (let at = 0; at < 5; at++) (await grantedBy(one, MANY, tokens(500))).settle(use(500));
    store.trouble = 'down';
    expect(one.quotas.reserve(MANY, tokens(200))).not.toBeInstanceOf(Promise);
    const error = await refusalBy(one, MANY, tokens(100_000));
    expect([error.status, error.retryAfterMs, error.message]).toEqual([
      503,
      1_000,
      "Quotas of account 'clinic-7' cannot be checked at the moment.",
    ]);
    const calls = store.calls;
    await refusalBy(one, MANY, tokens(100_000));
    expect(store.calls).toBe(calls);
    store.trouble = 'none';
    await exchangeAll([one]);
    await grantedBy(one, MANY, tokens(100_000));
  });

  it('a write whose answer was lost is not made twice', async () => {
    const { store, instances } = quotaFleet({ settings: { whenStoreDown: 'open' } });
    const [one, two] = instances;
    const reservation = await grantedBy(one, DAILY, tokens(300));
    reservation.settle(use(200));
    store.trouble = 'answersLost';
    await exchangeAll([one], 3);
    (await grantedBy(one, DAILY, tokens(400))).settle(use(450));
    await exchangeAll([one], 3);
    store.trouble = 'none';
    await exchangeAll([one]);
    expect(await standing(two, DAILY, 'tokensPerDay')).toEqual({ used: 650, reserved: 0 });
  });

  it('a return whose answer was lost is taken for made: nothing is granted from it until a write is answered', async () => {
    const { clock, store, add } = quotaFleet();
    const watch = new StoreWatch(clock, SILENT);
    watch.open();
    const [one, two] = [add('one', { watch }), add('two')];
    (await grantedBy(one, DAILY, tokens(600))).settle(use(0));
    store.trouble = 'answersLost';
    await one.quotas.exchange();
    store.trouble = 'none';
    // Somebody else has found the store again.
    watch.answered(watch.asking());
    await grantedBy(one, DAILY, tokens(600));
    await refusalBy(two, DAILY, tokens(401));
    await grantedBy(two, DAILY, tokens(400));
  });

  it('one of all the accounts finds out whether it is back', async () => {
    const { store, instances } = quotaFleet();
    const [one] = instances;
    for (let at = 0; at < 20; at++)
      (await grantedBy(one, principalOf({ tokensPerDay: 1_000 }, `a${at}`), tokens(1))).settle(use(1));
    store.trouble = 'down';
    await one.quotas.exchange();
    const before = store.calls;
    await one.quotas.exchange();
    expect(store.calls - before).toBe(1);
  });
});
