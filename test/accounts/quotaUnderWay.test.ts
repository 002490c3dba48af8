/** Requests under way hold what they may need: others wait for that a little, and are told no more than is so. */
import { describe, expect, it } from 'vitest';
import type { Reservation } from '../../src/accounts/port.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { settled } from '../harness/manualClock.ts';
import {
  exchangeAll,
  grantedBy,
  MINUTE_MS,
  outcomeOf,
  principalOf,
  quotaFleet,
  refusalBy,
  spareOf,
  standing,
  tokens,
  use,
} from './quotaFleet.ts';

const DAILY = principalOf({ tokensPerDay: 1_000 });

describe('who finds no room but for requests under way', () => {
  it('on the same instance, is served the moment one of these is over', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const first = await grantedBy(one, DAILY, tokens(900));
    const told: (Reservation | RouterError)[] = [];
    void outcomeOf(() => one.quotas.reserve(DAILY, tokens(500))).then((outcome) => void told.push(outcome));
    await clock.pass(250);
    expect(told).toEqual([]);
    first.settle(use(200));
    await settled();
    expect(told).toHaveLength(1);
    expect(told[0]).not.toBeInstanceOf(RouterError);
    expect(await standing(one, DAILY, 'tokensPerDay')).toEqual({ used: 200, reserved: 500 });
  });

  it('waits for that also right after another was refused', async () => {
    const { instances } = quotaFleet();
    const [one] = instances;
    const first = await grantedBy(one, DAILY, tokens(900));
    await refusalBy(one, DAILY, tokens(500));
    const asked = grantedBy(one, DAILY, tokens(500));
    first.settle(use(200));
    await asked;
  });

  it('is refused after a second, for a second', async () => {
    const { clock, instances } = quotaFleet();
    for (const one of instances) {
      const before = clock.now();
      if (one === instances[0]) await grantedBy(one, DAILY, tokens(900));
      const error = await refusalBy(one, DAILY, tokens(500));
      expect(clock.now() - before).toBe(1_000);
      expect([error.status, error.retryAfterMs]).toEqual([429, 1_000]);
      expect(error.message).toBe(
        "The quota of account 'clinic-7' is taken up by requests under way. tokensPerDay: 0 of 1000 tokens used, 900 reserved, this request needs 500 tokens, and what is reserved and not used is free again in a moment.",
      );
      clock.advance(300);
    }
  });

  it('costs no more calls of the store than a look every 100 ms, however many do', async () => {
    const { clock, store, instances } = quotaFleet();
    const [one, two] = instances;
    await grantedBy(one, DAILY, tokens(900));
    await refusalBy(two, DAILY, tokens(500));
    const before = store.calls;
    const asked: Promise<Reservation | RouterError>[] = [];
    for (let at = 0; at < 200; at++) {
      asked.push(outcomeOf(() => two.quotas.reserve(DAILY, tokens(500))));
      await clock.pass(10);
    }
    await clock.pass(1_500);
    expect((await Promise.all(asked)).every((outcome) => outcome instanceof RouterError)).toBe(true);
    expect(store.calls - before).toBeLessThanOrEqual(35);
  });

  it('is told when the window ends where what was used leaves no room for it either', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ tokensPerDay: 1_000, tokensPerMinute: 5_000 });
    (await grantedBy(one, principal, tokens(600))).settle(use(600));
    await grantedBy(one, principal, tokens(300));
    const begun = clock.now();
    const error = await refusalBy(one, principal, tokens(500));
    expect(clock.now()).toBe(begun);
    expect(error.retryAfterMs).toBe(Date.UTC(2026, 10, 22) - begun);
    expect(error.message).toContain('is exhausted. tokensPerDay: 900 of 1000 tokens used or reserved');
  });

  it('is not told to ask again later than the window ends', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ tokensPerMinute: 1_000 });
    clock.advance(MINUTE_MS - 1_300);
    await grantedBy(one, principal, tokens(900));
    expect((await refusalBy(one, principal, tokens(500))).retryAfterMs).toBe(300);
  });

  it('does not wait for a request to come back that is under way: it will have been one', async () => {
    const { clock, instances } = quotaFleet();
    const principal = principalOf({ requestsPerMinute: 1, tokensPerDay: 1_000 });
    const begun = clock.now();
    await grantedBy(instances[0], principal, tokens(100));
    for (const one of instances) {
      const error = await refusalBy(one, principal, tokens(100));
      expect(clock.now()).toBe(begun);
      expect(error.retryAfterMs).toBe(MINUTE_MS);
      expect(error.message).toContain('requestsPerMinute: 1 of 1 request used or reserved');
    }
  });
});

describe('how a quota stands', () => {
  it('straight after requests are over on an instance is known there to the token', async () => {
    const { instances } = quotaFleet();
    const [one, two] = instances;
    const principal = principalOf({ requestsPerMinute: 100, tokensPerDay: 100_000 });
    for (let at = 0; at < 5; at++) (await grantedBy(one, principal, tokens(500))).settle(use(20));
    await grantedBy(one, principal, tokens(70));
    expect(await standing(one, principal, 'tokensPerDay')).toEqual({ used: 100, reserved: 70 });
    expect(await standing(one, principal, 'requestsPerMinute')).toEqual({ used: 5, reserved: 1 });
    // Elsewhere a moment later.
    await exchangeAll([one]);
    expect(await standing(two, principal, 'tokensPerDay')).toEqual({ used: 100, reserved: 70 });
  });

  it('counts what an instance holds for requests to come as free', async () => {
    const { store, instances } = quotaFleet();
    const [one, two] = instances;
    const principal = principalOf({ tokensPerDay: 100_000 });
    (await grantedBy(one, principal, tokens(500))).settle(use(500));
    await exchangeAll([one]);
    expect(await spareOf(store)).toBeGreaterThan(0);
    for (const instance of [one, two])
      expect(await standing(instance, principal, 'tokensPerDay')).toEqual({ used: 500, reserved: 0 });
  });

  it('in a new window begins with nothing, also where nobody has asked since', async () => {
    const { clock, instances } = quotaFleet();
    const [one] = instances;
    const principal = principalOf({ tokensPerMinute: 1_000 });
    await grantedBy(one, principal, tokens(500));
    clock.advance(MINUTE_MS);
    expect(await standing(one, principal, 'tokensPerMinute')).toEqual({ used: 0, reserved: 0 });
  });
});
