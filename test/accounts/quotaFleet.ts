/** Instances that share quotas over one store, in time that the test owns. */

import type { QuotaAsk, QuotaName, QuotaStanding, Reservation } from '../../src/accounts/port.ts';
import { AccountQuotas, type AccountQuotasFacts } from '../../src/accounts/quotaKeeper.ts';
import { decodeSheet, type QuotaSheet } from '../../src/accounts/quotaSheet.ts';
import { type Principal, UNLIMITED } from '../../src/domain/account.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { Quota, Quotas } from '../../src/domain/config.ts';
import { RouterError } from '../../src/domain/errors.ts';
import type { Store } from '../../src/store/port.ts';
import type { QuotaLevel } from '../../src/telemetry/port.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { SILENT } from '../harness/silent.ts';
import { BrittleStore } from '../state/brittleStore.ts';

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;
export const WITHIN_MS = 1_000;

const { breaker, quotas: DEFAULTS } = configOf(fleet(['https://a.test']));

export interface QuotaInstance {
  readonly quotas: AccountQuotas;
  readonly clock: ManualClock;
  readonly warned: QuotaLevel[];
  readonly episodes: string[];
}

export interface InstanceFacts extends Partial<AccountQuotasFacts> {
  /** Else the test says when the store may be asked. */
  readonly isOpen?: boolean;
}

export interface QuotaFleet {
  readonly clock: ManualClock;
  readonly store: BrittleStore;
  readonly instances: readonly [QuotaInstance, QuotaInstance, ...QuotaInstance[]];
  readonly add: (name: string, facts?: InstanceFacts) => QuotaInstance;
}

export interface QuotaFleetFacts {
  readonly count?: number;
  readonly settings?: Partial<Quotas>;
  readonly time?: Clock;
  readonly inner?: Store;
}

export function quotaFleet({ count = 2, settings = {}, time, inner }: QuotaFleetFacts = {}): QuotaFleet {
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 10, 5));
  const store = inner === undefined ? new BrittleStore() : new BrittleStore(inner);
  const add = (instance: string, { isOpen = true, ...facts }: InstanceFacts = {}): QuotaInstance => {
    const warned: QuotaLevel[] = [];
    const episodes: string[] = [];
    const quotas = new AccountQuotas({
      config: { breaker, quotas: { ...DEFAULTS, ...settings } },
      store,
      instance,
      clock: time ?? clock,
      draw: () => 0.5,
      journal: {
        ...SILENT,
        quotaRunsLow: (level) => void warned.push(level),
        storeLost: ({ problem }) => void episodes.push(`lost: ${problem}`),
        storeFound: () => void episodes.push('found'),
        fault: ({ error }) => {
          throw error;
        },
      },
      withinMs: WITHIN_MS,
      ...facts,
    });
    if (isOpen) quotas.open();
    return { quotas, clock, warned, episodes };
  };
  const instances = Array.from({ length: count }, (_, at) => add(`i${at + 1}`));
  return { clock, store, instances: instances as unknown as QuotaFleet['instances'], add };
}

export function principalOf(quota: Partial<Quota>, account = 'clinic-7'): Principal {
  return {
    account,
    plan: null,
    quota: { ...UNLIMITED, ...quota },
    agent: null,
    creator: null,
    operation: null,
    pools: null,
    keyId: null,
  };
}

/** So many tokens altogether, of which the answer's are `output`; `null`: unstated. */
export function tokens(prompt: number, output: number | null = 0): QuotaAsk {
  return { kind: null, promptTokens: prompt, outputTokens: output, nanoUsdPerPromptToken: 0, nanoUsdPerOutputToken: 0 };
}

export function use(used: number, outputTokens = 0, costNanoUsd = 0) {
  return { tokens: used, promptTokens: used - outputTokens, outputTokens, costNanoUsd };
}

/** A prompt that looks like so many tokens, of a kind that turns out larger. */
export function alike(prompt: number, output: number | null = 0, kind = 'gpt-4.1 chat/completions'): QuotaAsk {
  return { ...tokens(prompt, output), kind };
}

/** What came of it, once all that needs no time has happened. */
export async function outcomeOf(asked: () => Reservation | Promise<Reservation>): Promise<Reservation | RouterError> {
  try {
    return await asked();
  } catch (error) {
    if (error instanceof RouterError) return error;
    throw error;
  }
}

export async function grantedBy({ quotas }: QuotaInstance, principal: Principal, ask: QuotaAsk): Promise<Reservation> {
  return await quotas.reserve(principal, ask);
}

/** Where others hold what may come back, that takes a while. */
export async function refusalBy(
  { quotas, clock }: QuotaInstance,
  principal: Principal,
  ask: QuotaAsk,
): Promise<RouterError> {
  const told: (Reservation | RouterError)[] = [];
  const asked = outcomeOf(() => quotas.reserve(principal, ask)).then((found) => void told.push(found));
  await settled();
  for (let look = 0; told.length === 0 && look < 20; look++) await clock.pass(100);
  await asked;
  const [found] = told;
  if (found instanceof RouterError) return found;
  throw new Error('it was granted');
}

export async function sheetOf(store: Store, account = 'clinic-7'): Promise<QuotaSheet | null> {
  const row = await store.get({ table: 'quota', partition: account, row: 'sheet' }, WITHIN_MS);
  return row === null ? null : decodeSheet(String(row.values['content']));
}

/** What all instances hold for requests yet to come. */
export async function spareOf(store: Store): Promise<number> {
  let spare = 0;
  for (const window of (await sheetOf(store))?.windows.values() ?? [])
    for (const lease of window.leases.values()) spare += lease.spare;
  return spare;
}

/** As this instance tells it. */
export async function standing(
  { quotas }: QuotaInstance,
  { account, quota }: Principal,
  name: QuotaName,
): Promise<Pick<QuotaStanding, 'used' | 'reserved'>> {
  const found = (await quotas.standing(account, quota)).find((one) => one.quota === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return { used: found.used, reserved: found.reserved };
}

/** Everybody tells what is to tell, and gives back what is not needed. */
export async function exchangeAll(instances: readonly QuotaInstance[], times = 2): Promise<void> {
  for (let round = 0; round < times; round++) for (const { quotas } of instances) await quotas.exchange();
  await settled();
}
