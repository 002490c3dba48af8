/** One process of many that share a quota: reserves and settles as fast as it can, until it is refused; says what it did. */
import { AccountQuotas } from '../../src/accounts/quotaKeeper.ts';
import { parseConfig } from '../../src/config/load.ts';
import { type Principal, UNLIMITED } from '../../src/domain/account.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { createTablesStore } from '../../src/store/tables.ts';
import { SILENT } from '../harness/silent.ts';

export interface Order {
  readonly connectionString: string;
  readonly instance: string;
  readonly limit: number;
  readonly callers: number;
  readonly whenStoreDown: 'open' | 'closed';
}

export interface Told {
  /** Of requests that are over: what they used. */
  readonly used: number;
  /** Of requests under way when the first of this process was refused: what was reserved. */
  readonly reserved: number;
  readonly granted: number;
  readonly refused: number;
  /** Those that could not be decided in time. */
  readonly undecided: number;
  readonly waited: number;
  readonly slowestMs: number;
  readonly firstRefusedAt: number | null;
  readonly grants: readonly (readonly [at: number, amount: number, settledAt: number | null, used: number])[];
}

const FREE = { kind: null, nanoUsdPerPromptToken: 0, nanoUsdPerOutputToken: 0 };
const SMALLEST = 300;
const LARGEST = 1_500;

const CLOCK: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs);
    return () => clearTimeout(timer);
  },
};

const CONFIG = JSON.stringify({
  endpoints: { A: { url: 'https://a.test', apiKey: 'k', api: 'v1', deployments: { 'gpt-4.1': { model: 'gpt-4.1' } } } },
});

function principalWith(tokensPerDay: number): Principal {
  const nothing = { plan: null, agent: null, creator: null, operation: null, pools: null, keyId: null };
  return { ...nothing, account: 'clinic-7', quota: { ...UNLIMITED, tokensPerDay } };
}

process.once('message', (order: Order) => void run(order));

interface Grant {
  readonly at: number;
  readonly amount: number;
  settledAt: number | null;
  used: number;
}

async function run({ connectionString, instance, limit, callers, whenStoreDown }: Order): Promise<void> {
  const parsed = parseConfig(CONFIG, {}, 'test');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const { breaker, quotas: defaults } = parsed.config;
  const quotas = new AccountQuotas({
    config: { breaker, quotas: { ...defaults, whenStoreDown } },
    store: createTablesStore({ connection: { kind: 'connectionString', text: connectionString } }),
    instance,
    clock: CLOCK,
    draw: Math.random,
    journal: SILENT,
  });
  quotas.start();
  const principal = principalWith(limit);
  const grants: Grant[] = [];
  const counts = { refused: 0, undecided: 0, waited: 0, slowestMs: 0, firstRefusedAt: null as number | null };

  const caller = async (): Promise<void> => {
    for (let isRefused = false; !isRefused; ) {
      const amount = SMALLEST + Math.floor(Math.random() * (LARGEST - SMALLEST));
      const askedAt = performance.now();
      try {
        const reserved = quotas.reserve(principal, { promptTokens: amount, outputTokens: 0, ...FREE });
        if (reserved instanceof Promise) counts.waited++;
        const reservation = await reserved;
        counts.slowestMs = Math.max(counts.slowestMs, performance.now() - askedAt);
        const grant: Grant = { at: Date.now(), amount, settledAt: null, used: 0 };
        grants.push(grant);
        await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 200));
        grant.used = Math.floor(amount * (0.8 + Math.random() * 0.2));
        grant.settledAt = Date.now();
        reservation.settle({ tokens: grant.used, promptTokens: grant.used, outputTokens: 0, costNanoUsd: 0 });
      } catch (error) {
        if (!(error instanceof RouterError)) throw error;
        if (error.status === 503) {
          counts.undecided++;
          continue;
        }
        counts.refused++;
        counts.firstRefusedAt ??= Date.now();
        isRefused = true;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await quotas.close();
  const used = grants.reduce((sum, one) => sum + one.used, 0);
  const { firstRefusedAt } = counts;
  const reserved = grants.reduce((sum, { at, amount, settledAt }) => {
    const isUnderWay = firstRefusedAt !== null && at <= firstRefusedAt && (settledAt ?? 0) > firstRefusedAt;
    return sum + (isUnderWay ? amount : 0);
  }, 0);
  const listed = grants.map(({ at, amount, settledAt, used: one }) => [at, amount, settledAt, one] as const);
  const told: Told = { ...counts, used, reserved, granted: grants.length, grants: listed };
  process.send?.(told, undefined, undefined, () => process.disconnect());
}
