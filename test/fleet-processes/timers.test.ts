/** The timer that clears away what time has settled: several at once, on real tables, while the routers serve. */
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clocks.ts';
import { SharedState } from '../../src/state/shared.ts';
import { type Swept, sweep } from '../../src/state/sweep.ts';
import { type Change, LARGEST_BATCH, type Store, type Table } from '../../src/store/port.ts';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { many, PATIENT, tally } from '../harness/processes.ts';
import { ask, CHAT, keepAlive, QUESTION, type RawCall } from '../harness/raw.ts';
import { configOf, fleet, startRouter, type TestRouter } from '../harness/router.ts';
import { SILENT } from '../harness/silent.ts';
import { json, startUpstream } from '../harness/upstream.ts';

const A = 'A/gpt-4.1';
const B = 'B/gpt-4.1';
const BUSY = Array.from({ length: 10 }, (_, at) => `busy-${at}`);
/** They send nothing: the timer alone can bring them home. */
const QUIET = Array.from({ length: 10 }, (_, at) => `quiet-${at}`);
const AGENTS = [...BUSY, ...QUIET];
const WEEK_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;
const TIMERS = 4;
/** In each partition: more than a batch takes. */
const ROWS = 150;

const weekAgo = (weeks: number): string => `${Math.floor(Date.now() / WEEK_MS) - weeks}-7f`;
const dayAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
const STALE_WEEKS = [weekAgo(6), weekAgo(7), weekAgo(60)];
const FRESH_WEEK = weekAgo(5);
const STALE_DAYS = [dayAgo(31), dayAgo(32), dayAgo(400)];
const FRESH_DAYS = [dayAgo(0), dayAgo(29)];
const WITHIN_MS = 10_000;

interface Timer {
  run(): Promise<Swept>;
}

function startTimer(document: object, emulator: RunningEmulator, instance: string): Timer {
  const store = emulator.openStore();
  const now = (): number => systemClock.now();
  const state = new SharedState({
    config: configOf(document),
    store,
    instance,
    clock: systemClock,
    draw: Math.random,
    journal: SILENT,
    fingerprint: () => 'c1',
  });
  state.watch.open();
  return { run: () => sweep({ state, store, now }) };
}

async function fill(store: Store, table: Table, partition: string): Promise<void> {
  const rows = Array.from(
    { length: ROWS },
    (_, at): Change => ({ kind: 'put', row: `row-${at}`, values: { schema: 1 } }),
  );
  for (const changes of [rows.slice(0, LARGEST_BATCH), rows.slice(LARGEST_BATCH)]) {
    await store.batch(table, partition, changes, WITHIN_MS);
  }
}

/** Rows by partition, of those that `fill` has made. */
async function kept(store: Store, table: Table): Promise<Map<string, number>> {
  const partitions: string[] = [];
  let after: string | null = null;
  do {
    const page = await store.list({ table, rows: { from: 'row-', to: 'row.' }, limit: 1_000, after }, WITHIN_MS);
    partitions.push(...page.rows.map(({ partition }) => partition));
    after = page.next;
  } while (after !== null);
  return tally(partitions);
}

async function control<T>({ url }: TestRouter, call: RawCall): Promise<T> {
  const { status, text } = await ask(url, call);
  expect(status).toBe(200);
  return JSON.parse(text) as T;
}

interface AgentView {
  readonly agent: string;
  readonly assignment: string;
  readonly why: string;
  readonly returnAt: string;
}

/** Or the store would get no more of the machine. */
const PACE_MS = 2;

/** Both routers serve the busy agents, again and again, until that is over. */
async function serve(routers: readonly TestRouter[], isOver: () => boolean): Promise<void> {
  const goOn = async ({ url }: TestRouter): Promise<void> => {
    using agent = keepAlive();
    for (let turn = 0; !isOver(); turn++) {
      const name = BUSY[turn % BUSY.length]!;
      const answer = await ask(url, { path: CHAT, body: QUESTION, headers: [['x-agent-name', name]], agent });
      expect(answer.status).toBe(200);
      await pause(PACE_MS);
    }
  };
  await Promise.all(routers.map(goOn));
}

async function assign(router: TestRouter, agent: string, pinned: boolean): Promise<AgentView> {
  const body = { deployment: B, pinned };
  return await control(router, { method: 'PUT', path: `/router/agents/${agent}`, body });
}

/** Resolves when all may go home. */
async function moveAll(router: TestRouter): Promise<void> {
  const moved = await many(AGENTS.length, 4, (at) => assign(router, AGENTS[at]!, false));
  expect(new Set(moved.map(({ why }) => why))).toEqual(new Set(['operator']));
  const due = Math.max(...moved.map(({ returnAt }) => Date.parse(returnAt)));
  await expect.poll(() => Date.now(), PATIENT).toBeGreaterThan(due);
}

async function placesIn(router: TestRouter): Promise<string[]> {
  const { items } = await control<{ items: AgentView[] }>(router, { path: '/router/agents' });
  return items.map(({ agent, why }) => `${agent} ${why}`).sort();
}

/** How often each agent has returned, by what people are told. */
async function returnsIn(router: TestRouter): Promise<Map<string, number>> {
  const path = '/router/failovers?limit=1000';
  const { items } = await control<{ items: { kind: string; agent: string }[] }>(router, { path });
  return tally(items.filter(({ kind }) => kind === 'agentReturned').map(({ agent }) => agent));
}

/** A run that found the store late, on a busy machine, is made up for by the next. */
async function runThrough(timer: { run(): Promise<{ readonly done: boolean }> }): Promise<boolean> {
  for (let run = 0; run < 5; run++) if ((await timer.run()).done) return true;
  return false;
}

describe('the timer', () => {
  it('may run four times at once amid traffic: what has expired goes, the rest stays, agents return once', async () => {
    await using emulator = await runEmulator();
    await using upstream = await startUpstream(json(200, { ok: true }));
    const homes = Object.fromEntries([...AGENTS, 'pinned'].map((agent) => [agent, A]));
    const extra = { agents: { homes, failureWindowMs: 1_500 }, breaker: { refreshMs: 250 } };
    const document = fleet([upstream.url, upstream.url], extra);
    const storage = { kind: 'connectionString', text: emulator.connectionString } as const;
    await using one = await startRouter(document, { storage });
    await using two = await startRouter(document, { storage });
    const store = emulator.openStore();
    for (const partition of [...STALE_WEEKS, FRESH_WEEK]) await fill(store, 'affinity', partition);
    for (const partition of [...STALE_DAYS, ...FRESH_DAYS]) await fill(store, 'events', partition);
    // The store is opened a moment after the router has begun to serve.
    await vi.waitFor(() => assign(one, 'pinned', true), PATIENT);
    await moveAll(one);

    const timers = Array.from({ length: TIMERS }, (_, at) => startTimer(document, emulator, `timer-${at}`));
    let isOver = false;
    const serving = serve([one, two], () => isOver);
    try {
      for (let round = 0; round < 3; round++) {
        const swept = await Promise.all(timers.map(runThrough));
        expect(swept).toEqual(Array(TIMERS).fill(true));
      }
    } finally {
      isOver = true;
      await serving;
    }

    expect(await kept(store, 'affinity')).toEqual(new Map([[FRESH_WEEK, ROWS]]));
    expect(await kept(store, 'events')).toEqual(new Map(FRESH_DAYS.map((day) => [day, ROWS])));
    const places = ['pinned pinned', ...AGENTS.map((agent) => `${agent} home`)].sort();
    for (const router of [one, two]) await expect.poll(() => placesIn(router), PATIENT).toEqual(places);
    const returns = new Map(AGENTS.map((agent) => [agent, 1]));
    await expect.poll(() => returnsIn(two), PATIENT).toEqual(returns);
  });
});
