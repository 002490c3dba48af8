import type { Agent } from 'node:http';
import { describe, expect, it } from 'vitest';
import { startEmulator } from '../../src/store/emulator.ts';
import { startFlakyTables, TABLE_FAULTS, type TableFault } from '../harness/flakyTables.ts';
import { PATIENT } from '../harness/processes.ts';
import { ask, CHAT, keepAlive, type RawCall } from '../harness/raw.ts';
import { startRouter, type TestRouter } from '../harness/router.ts';
import {
  azureError,
  chunk,
  DONE,
  json,
  type Script,
  type ScriptedUpstream,
  startUpstream,
  stream,
} from '../harness/upstream.ts';

const REFRESH_MS = 600;
/**
 * A call that hangs when the store comes back has to be given up first, which takes one more period; and yet another is for a
 * busy machine.
 */
const TWO_PERIODS = { timeout: 4 * REFRESH_MS, interval: 10 };
/** Far above what an answer takes here, and above the longest wait for the store; far below what waiting in a row comes to. */
const HELD_UP_MS = 1_000;

const LOST = 'The store does not answer; routing goes on by what is known';
const FOUND = 'The store answers again';

/** As no model answers at once, neither does this one: else the calls would take the machine all its time. */
function unhurried(script: Script): Script {
  return (request, response) => void setTimeout(() => script(request, response), 5);
}

const answers: Script = (request, response) => {
  const wantsStream = (JSON.parse(request.body.toString()) as { stream?: boolean }).stream === true;
  (wantsStream ? stream([chunk('Hello'), DONE]) : json(200, { ok: true }))(request, response);
};

function documentFor(well: ScriptedUpstream, dead: ScriptedUpstream): object {
  const deployments = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, { model: name }]));
  const api = '2025-01-01-preview';
  const even = ['W/one', 'W/two', 'W/three', 'W/four'];
  return {
    endpoints: {
      W: { url: well.url, apiKey: 'k', api, deployments: deployments(['one', 'two', 'three', 'four']) },
      D: { url: dead.url, apiKey: 'k', api, deployments: deployments(TABLE_FAULTS) },
    },
    pools: {
      plain: { members: even },
      'strict-1': { strategy: 'roundRobin', block: 1, members: even },
      'strict-2': { strategy: 'roundRobin', block: 1, members: even },
      blocks: { strategy: 'roundRobin', members: even },
      ...Object.fromEntries(TABLE_FAULTS.map((fault) => [fault, { members: [`D/${fault}`, 'W/one'] }])),
    },
    agents: { homes: { cpt_agent: 'W/two' } },
    breaker: { openMs: 600_000, maxOpenMs: 600_000, refreshMs: REFRESH_MS },
  };
}

interface Call {
  readonly model: string;
  readonly stream?: boolean;
  readonly agent?: string;
}

/** What routers are asked for all the time. */
const MIX: readonly Call[] = [
  { model: 'plain' },
  { model: 'blocks' },
  { model: 'plain', stream: true },
  { model: 'plain', agent: 'cpt_agent' },
];
/** Strict order does wait for the store; that routers keep each other waiting for their turns is another matter. */
const strictMix = (router: number): readonly Call[] => {
  const model = `strict-${router + 1}`;
  return [{ model }, { model, stream: true }];
};

interface Completion extends Call {
  readonly status: number;
  readonly whole: boolean;
  readonly tookMs: number;
}

async function complete(router: TestRouter, call: Call, connections?: Agent): Promise<Completion> {
  const { agent = 'somebody', ...body } = call;
  const begunAt = performance.now();
  const { status, whole } = await ask(router.url, {
    path: CHAT,
    headers: [['x-agent-name', agent]],
    body: { ...body, messages: [] },
    ...(connections === undefined ? {} : { agent: connections }),
  });
  return { ...call, status, whole, tookMs: performance.now() - begunAt };
}

interface Traffic {
  readonly seen: readonly Completion[];
  end(): Promise<void>;
}

/** Callers of each router, until that is over. */
function steadyTraffic(routers: readonly TestRouter[]): Traffic {
  let isOver = false;
  const seen: Completion[] = [];
  const goOn = async (router: TestRouter, calls: readonly Call[]): Promise<void> => {
    using connections = keepAlive();
    for (let turn = 0; !isOver; turn++) seen.push(await complete(router, calls[turn % calls.length]!, connections));
  };
  const callersOf = (at: number) => [MIX, strictMix(at), strictMix(at), strictMix(at)];
  const ended = Promise.all(routers.flatMap((router, at) => callersOf(at).map((calls) => goOn(router, calls))));
  return {
    seen,
    async end() {
      isOver = true;
      await ended;
    },
  };
}

async function control<T>({ url }: TestRouter, call: RawCall): Promise<T> {
  const { status, text } = await ask(url, call);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return JSON.parse(text) as T;
}

async function isHealthy(router: TestRouter): Promise<boolean> {
  return (await control<{ store: { healthy: boolean } }>(router, { path: '/router/status' })).store.healthy;
}

async function stateOf(router: TestRouter, id: string): Promise<string> {
  return (await control<{ state: string }>(router, { path: `/router/deployments/${encodeURIComponent(id)}` })).state;
}

/** What the log has said of the store. */
function episodes({ log }: TestRouter): string[] {
  const lines = log.map((line) => (JSON.parse(line) as { message: string }).message);
  return lines.filter((message) => message === LOST || message === FOUND);
}

async function openBreaker(router: TestRouter, model: string): Promise<void> {
  for (let failure = 0; failure < 5; failure++)
    expect(await complete(router, { model })).toMatchObject({ status: 200 });
  expect(await stateOf(router, `D/${model}`)).toBe('open');
}

async function drain(router: TestRouter, id: string): Promise<number> {
  const path = `/router/deployments/${encodeURIComponent(id)}/drain`;
  return (await ask(router.url, { method: 'POST', path })).status;
}

async function outlast(periods: number): Promise<void> {
  const end = performance.now() + periods * REFRESH_MS;
  await expect.poll(() => performance.now(), PATIENT).toBeGreaterThan(end);
}

function slowest(completions: readonly Completion[]): Completion {
  return completions.reduce((left, right) => (right.tookMs > left.tookMs ? right : left));
}

/** Two routers that share nothing but the tables. */
interface Place extends AsyncDisposable {
  readonly one: TestRouter;
  readonly two: TestRouter;
  readonly document: object;
}

async function startPlace(connectionString: string): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const well = stack.use(await startUpstream(unhurried(answers)));
  const dead = stack.use(await startUpstream(azureError(500, 'x')));
  const document = documentFor(well, dead);
  const storage = { kind: 'connectionString', text: connectionString } as const;
  const one = stack.use(await startRouter(document, { storage }));
  const two = stack.use(await startRouter(document, { storage }));
  for (const router of [one, two]) await expect.poll(() => isHealthy(router), PATIENT).toBe(true);
  const kept = stack.move();
  return { one, two, document, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

describe('while the tables', () => {
  const rows: readonly { readonly fault: TableFault; readonly what: string }[] = [
    { fault: 'refuse', what: 'refuse connections' },
    { fault: 'reset', what: 'reset connections' },
    { fault: 'hang', what: 'do not answer' },
    { fault: 'slow', what: 'answer two seconds late' },
    { fault: 'busy', what: 'ask for slower calls' },
  ];

  it.each(rows)('$what every completion goes on; afterwards all know what one has learnt', async ({ fault }) => {
    await using tables = await startFlakyTables();
    await using place = await startPlace(tables.connectionString);
    const { one, two } = place;
    const traffic = steadyTraffic([one, two]);
    await tables.become(fault);
    for (const router of [one, two]) await expect.poll(() => isHealthy(router), PATIENT).toBe(false);
    await openBreaker(one, fault);
    expect(await drain(one, 'W/four')).toBe(503);
    await outlast(4);
    expect(await stateOf(two, `D/${fault}`)).toBe('closed');
    const before = traffic.seen.length;

    await tables.become('well');
    await expect.poll(() => stateOf(two, `D/${fault}`), TWO_PERIODS).toBe('open');
    for (const router of [one, two]) await expect.poll(() => isHealthy(router), TWO_PERIODS).toBe(true);
    await outlast(2);
    await traffic.end();
    expect(traffic.seen.filter(({ status, whole }) => status !== 200 || !whole)).toEqual([]);
    expect(slowest(traffic.seen).tookMs).toBeLessThan(HELD_UP_MS);
    expect(new Set(traffic.seen.slice(0, before).map(({ model }) => model))).toEqual(
      new Set(['plain', 'blocks', 'strict-1', 'strict-2']),
    );
    for (const router of [one, two]) expect(episodes(router)).toEqual([LOST, FOUND]);
  });

  it('let somebody else be first each time, nobody but strict order waits, and nobody calls them lost', async () => {
    await using tables = await startFlakyTables();
    await using place = await startPlace(tables.connectionString);
    const { one, two } = place;
    const traffic = steadyTraffic([one, two]);
    await expect.poll(() => traffic.seen.length, PATIENT).toBeGreaterThan(50);
    await tables.become('conflict');
    await openBreaker(one, 'conflict');
    await outlast(4);
    expect(await stateOf(two, 'D/conflict')).toBe('closed');
    expect([await isHealthy(one), await isHealthy(two)]).toEqual([true, true]);
    await tables.become('well');
    await expect.poll(() => stateOf(two, 'D/conflict'), PATIENT).toBe('open');
    await traffic.end();
    expect(traffic.seen.filter(({ status, whole }) => status !== 200 || !whole)).toEqual([]);
    expect(slowest(traffic.seen.filter(({ model }) => !model.startsWith('strict'))).tookMs).toBeLessThan(HELD_UP_MS);
    for (const router of [one, two]) expect(episodes(router)).toEqual([]);
  });
});

const ALL_KNOWN = ['open', 'drained', 'W/four'];

describe('when the tables are lost for good', () => {
  it('new and empty ones are filled by those who remember: breakers, drains and pins survive', async () => {
    const first = await startEmulator({ port: 0 });
    await using place = await startPlace(first.connectionString);
    const { one, two, document } = place;
    await openBreaker(one, 'refuse');
    expect(await drain(one, 'W/three')).toBe(200);
    await control(two, {
      method: 'PUT',
      path: '/router/agents/cpt_agent',
      body: { deployment: 'W/four', pinned: true },
    });
    for (const router of [one, two]) await expect.poll(() => standing(router), PATIENT).toEqual(ALL_KNOWN);
    await first.close();
    for (const router of [one, two]) await expect.poll(() => isHealthy(router), PATIENT).toBe(false);

    await using second = new AsyncDisposableStack();
    const again = await startEmulator({ port: Number(new URL(first.url).port) });
    const { connectionString } = again;
    second.defer(() => again.close());
    expect(connectionString).toBe(first.connectionString);
    for (const router of [one, two]) await expect.poll(() => isHealthy(router), PATIENT).toBe(true);
    for (const router of [one, two]) expect(await standing(router)).toEqual(ALL_KNOWN);
    // Whoever joins now knows what the tables say, and nothing else.
    await using three = await startRouter(document, { storage: { kind: 'connectionString', text: connectionString } });
    await expect.poll(() => standing(three), PATIENT).toEqual(ALL_KNOWN);
  });
});

async function standing(router: TestRouter): Promise<string[]> {
  const { assignment } = await control<{ assignment: string }>(router, { path: '/router/agents/cpt_agent' });
  return [await stateOf(router, 'D/refuse'), await stateOf(router, 'W/three'), assignment];
}
