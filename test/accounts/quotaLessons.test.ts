/** What requests teach about those to come: how much larger than they look prompts are, and how long answers become. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joined, type Lesson, latelyIn } from '../../src/accounts/quotaLessons.ts';
import type { RouterError } from '../../src/domain/errors.ts';
import { settled } from '../harness/manualClock.ts';
import {
  alike,
  exchangeAll,
  grantedBy,
  MINUTE_MS,
  outcomeOf,
  principalOf,
  type QuotaInstance,
  quotaFleet,
  refusalBy,
  sheetOf,
  standing,
  tokens,
  use,
} from './quotaFleet.ts';

const DAILY = principalOf({ tokensPerDay: 5_000 });
const TINY = principalOf({ tokensPerDay: 1_000 });
const LARGE = principalOf({ tokensPerDay: 1_000_000 });

/** Asks for so many at once, each of which uses so much once it is granted. The answer: how many were. */
async function grantedOf(instance: QuotaInstance, count: number, prompt: number, output: number): Promise<number> {
  const { quotas, clock } = instance;
  let granted = 0;
  const asked = Array.from({ length: count }, async () => {
    const outcome = await outcomeOf(() => quotas.reserve(DAILY, alike(20, output)));
    if (outcome instanceof Error) return;
    granted++;
    await new Promise<void>((resolve) => void clock.after(50, resolve));
    outcome.settle(use(prompt + output, output));
  });
  await clock.pass(5_000);
  await Promise.all(asked);
  return granted;
}

describe('a kind of requests that nobody knows', () => {
  it('is taken to be far larger than it looks', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    await grantedBy(one, LARGE, alike(20, 50));
    expect((await standing(one, LARGE, 'tokensPerDay')).reserved).toBe(20 + 1_000 + 50);
    await grantedBy(one, LARGE, alike(2_000, 50, 'others chat/completions'));
    expect((await standing(one, LARGE, 'tokensPerDay')).reserved).toBe(1_070 + 4 * 2_000 + 50);
  });

  it('sends one ahead where the limit is tiny; those that wait take what it has taught', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const first = await grantedBy(one, TINY, alike(20, 10));
    expect(await standing(one, TINY, 'tokensPerDay')).toEqual({ used: 0, reserved: 1_000 });
    const others = Array.from({ length: 9 }, () => grantedBy(one, TINY, alike(20, 10)));
    await clock.pass(300);
    expect((await standing(one, TINY, 'tokensPerDay')).reserved).toBe(1_000);
    first.settle(use(100, 10));
    await settled();
    await Promise.all(others);
    expect(await standing(one, TINY, 'tokensPerDay')).toEqual({ used: 100, reserved: 900 });
  });

  it('goes with all that is left where the guess does not fit and nobody is on the way who will tell', async () => {
    const { instances } = quotaFleet();
    const [one, two] = instances;
    (await grantedBy(one, TINY, tokens(400))).settle(use(400));
    await exchangeAll([one]);
    const reservation = await grantedBy(two, TINY, alike(20, 10));
    expect(await standing(two, TINY, 'tokensPerDay')).toEqual({ used: 400, reserved: 600 });
    const error = await refusalBy(one, TINY, alike(20, 10));
    expect([error.status, error.retryAfterMs]).toEqual([429, 1_000]);
    reservation.settle(use(30, 10));
  });

  it('but not while another of it is under way: that is waited for', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const small = principalOf({ tokensPerDay: 1_500 });
    await grantedBy(one, small, alike(20, 10));
    const error = await refusalBy(one, small, alike(20, 10));
    expect(error.retryAfterMs).toBe(1_000);
    expect(clock.pending).toBe(0);
  });
});

describe('what a prompt had beyond what it looked like', () => {
  it.each([
    { what: 'at once', parallel: 30 },
    { what: 'one after another', parallel: 1 },
  ])(
    'is set aside for others: of calls $what no more are granted than fit, and nearly all that do',
    async ({ parallel }) => {
      const { instances } = quotaFleet();
      const [one] = instances;
      let granted = 0;
      for (let turn = 0; turn < 30 / parallel; turn++) granted += await grantedOf(one, parallel, 1_000, 50);
      expect(granted).toBe(4);
      await exchangeAll([one]);
      expect(await standing(one, DAILY, 'tokensPerDay')).toEqual({ used: 4 * 1_050, reserved: 0 });
    },
  );

  it('is added to what others look like: an odd small one makes no large one many times as large', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    (await grantedBy(one, LARGE, alike(10))).settle(use(510));
    await grantedBy(one, LARGE, alike(20_000));
    expect((await standing(one, LARGE, 'tokensPerDay')).reserved).toBe(20_500);
  });

  it('holds on other instances too', async () => {
    const { instances } = quotaFleet();
    const [one, two] = instances;
    (await grantedBy(one, LARGE, alike(10))).settle(use(510));
    await exchangeAll([one]);
    await grantedBy(two, LARGE, alike(20));
    expect((await standing(two, LARGE, 'tokensPerDay')).reserved).toBe(520);
  });

  it('holds for its own kind only, and is forgotten after ten to twenty minutes', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const reservedFor = async (kind?: string): Promise<number> => {
      const reservation = await grantedBy(one, LARGE, alike(20, 0, kind));
      const { reserved } = await standing(one, LARGE, 'tokensPerDay');
      reservation.settle(use(0));
      return reserved;
    };
    (await grantedBy(one, LARGE, alike(10))).settle(use(20));
    expect([await reservedFor(), await reservedFor('others chat/completions')]).toEqual([30, 1_020]);
    clock.advance(10 * MINUTE_MS);
    expect(await reservedFor()).toBe(30);
    clock.advance(10 * MINUTE_MS);
    expect(await reservedFor()).toBe(1_020);
  });

  it('makes no request larger than a limit altogether, and neither does an answer that became so long', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const minutely = principalOf({ tokensPerMinute: 1_000 });
    (await grantedBy(one, minutely, alike(20, null))).settle(use(8_000, 3_000));
    clock.advance(MINUTE_MS);
    await grantedBy(one, minutely, alike(20, null));
    expect(await standing(one, minutely, 'tokensPerMinute')).toEqual({ used: 0, reserved: 1_000 });
    const error = await refusalBy(one, minutely, alike(1_001));
    expect(error.message).toContain('needs 1001 tokens, and the limit is 1000 tokens altogether');
  });

  it('is set aside at its price', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ usdPerMonth: 0.01 });
    const ask = { ...alike(20, 50), nanoUsdPerPromptToken: 2_000, nanoUsdPerOutputToken: 8_000 };
    let granted = 0;
    const asked = Array.from({ length: 30 }, async () => {
      const outcome = await outcomeOf(() => one.quotas.reserve(principal, ask));
      if (outcome instanceof Error) return;
      granted++;
      await new Promise<void>((resolve) => void clock.after(50, resolve));
      outcome.settle({ tokens: 1_050, promptTokens: 1_000, outputTokens: 50, costNanoUsd: 2_400_000 });
    });
    await clock.pass(5_000);
    await Promise.all(asked);
    expect(granted).toBe(4);
  });

  it('is nothing where a request came to nothing', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    (await grantedBy(one, LARGE, alike(10))).settle(use(0));
    await grantedBy(one, LARGE, alike(20));
    expect((await standing(one, LARGE, 'tokensPerDay')).reserved).toBe(1_020);
  });

  it('is kept for so many kinds that a row stays small, however many instances there are', async () => {
    const { clock, store, instances } = quotaFleet();
    for (const [at, one] of instances.entries()) {
      for (let name = 0; name < 40; name++)
        (await grantedBy(one, LARGE, alike(10, 0, `${at}.${name} responses`))).settle(use(20));
    }
    clock.advance(5_000);
    await exchangeAll(instances);
    const kinds = [...((await sheetOf(store))?.lessons.keys() ?? [])];
    // Those of whoever wrote last, and how long answers became.
    expect([kinds.length, kinds.filter((kind) => kind.startsWith('1.')).length]).toEqual([32, 31]);
  });
});

describe('a refusal', () => {
  it('says of a request that it may need more than it looks like', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    (await grantedBy(one, TINY, alike(20, 10))).settle(use(610, 10));
    const error: RouterError = await refusalBy(one, TINY, alike(20, 10));
    expect(error.message).toContain(
      'tokensPerDay: 610 of 1000 tokens used or reserved, this request may need 610 tokens',
    );
  });
});

const stretches = fc.integer({ min: 0, max: 4 });
const lesson: fc.Arbitrary<Lesson> = fc.record({
  stretch: stretches,
  largest: fc.nat({ max: 50 }),
  before: fc.option(fc.nat({ max: 50 })),
});

it('two lessons joined, in any order, say what the larger of both says, then and later', () => {
  fc.assert(
    fc.property(lesson, lesson, fc.nat({ max: 3 }), (one, other, later) => {
      const now = (Math.max(one.stretch, other.stretch) + later) * 10 * MINUTE_MS;
      const [first, second] = [latelyIn(one, now), latelyIn(other, now)];
      const larger = first === null ? second : Math.max(first, second ?? 0);
      expect(latelyIn(joined(one, other), now)).toBe(larger);
      expect(latelyIn(joined(other, one), now)).toBe(larger);
    }),
  );
});
