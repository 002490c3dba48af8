/** The one request of the fleet that finds out whether a deployment is back, with eight processes that all would like to. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { drawFrom, wholeBetween } from '../../src/simulator/seeded.ts';
import { many, PATIENT, type ProcessFleet, type RouterProcess, startProcesses, tally } from '../harness/processes.ts';
import { azureError, hang, json, type Script, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

const PROCESSES = 8;
const FAILURES = 3;
const OPEN_MS = 150;
const REFRESH_MS = 1_000;
/** What windows as short as these come to. */
const LEASE_MS = 2_000;

/** Four dead deployments side by side, as four times fifty intervals pass sooner than two hundred. */
const DEAD = ['dead-1', 'dead-2', 'dead-3', 'dead-4'];
const INTERVALS_EACH = 50;
const NAMES = [...DEAD, 'held', 'shaken'];

const SEED = Number(process.env['ROUTER_SEED'] ?? Date.now() % 1_000_000);
const draw = drawFrom(SEED);

const dead = azureError(500, 'x');
/** As no model answers at once, neither does this one: else its callers would take the processes all their time. */
const well: Script = (request, response) => void setTimeout(() => json(200, { ok: true })(request, response), 10);
/** Time enough for whoever else would like to. */
const slow: Script = (request, response) => void setTimeout(() => json(200, { ok: true })(request, response), 300);

let arrivals: { readonly deployment: string; readonly at: number }[] = [];
const scripts = new Map<string, Script>();
let a: ScriptedUpstream;
let b: ScriptedUpstream;
let fleet: ProcessFleet;

beforeAll(async () => {
  a = await startUpstream((request, response) => {
    const deployment = request.url.split('/')[3] ?? '';
    arrivals.push({ deployment, at: Date.now() });
    (scripts.get(deployment) ?? dead)(request, response);
  });
  b = await startUpstream(well);
  const deployments = Object.fromEntries(NAMES.map((name) => [name, { model: name }]));
  const config = {
    endpoints: {
      A: { url: a.url, apiKey: 'k', api: '2025-01-01-preview', deployments },
      B: { url: b.url, apiKey: 'k', api: '2025-01-01-preview', deployments },
    },
    pools: Object.fromEntries(NAMES.map((name) => [name, { members: [`A/${name}`, `B/${name}`] }])),
    breaker: { failures: FAILURES, openMs: OPEN_MS, maxOpenMs: OPEN_MS, refreshMs: REFRESH_MS },
  };
  fleet = await startProcesses({ count: PROCESSES, config });
});

afterEach(() => {
  arrivals = [];
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await Promise.all([a, b].map((upstream) => upstream[Symbol.asyncDispose]()));
});

/** The route it took. */
async function chat(router: RouterProcess, model: string): Promise<string> {
  const { status, headers } = await router.ask({ path: '/v1/chat/completions', body: { model, messages: [] } });
  expect(status).toBe(200);
  return String(headers['x-router-route']);
}

interface Standing {
  readonly state: string;
  readonly until: string | null;
}

function standingOf(router: RouterProcess, name: string): Promise<Standing> {
  return router.control<Standing>({ path: `/router/deployments/${encodeURIComponent(`A/${name}`)}` });
}

async function states(name: string, routers = fleet.routers): Promise<Set<string>> {
  return new Set(await Promise.all(routers.map(async (router) => (await standingOf(router, name)).state)));
}

function arrivedAt(name: string): number[] {
  return arrivals.filter(({ deployment }) => deployment === name).map(({ at }) => at);
}

/** How often the fleet has told this, by deployment. */
async function told(kind: string, names: readonly string[]): Promise<number[]> {
  const path = '/router/failovers?limit=1000';
  const { items } = await fleet.routers[0]!.control<{ items: { kind: string; deployment: string }[] }>({ path });
  const counts = tally(items.filter((event) => event.kind === kind).map(({ deployment }) => deployment));
  return names.map((name) => counts.get(`A/${name}`) ?? 0);
}

async function openEverywhere(name: string): Promise<void> {
  await many(FAILURES, 1, () => chat(fleet.routers[0]!, name));
  await expect.poll(() => states(name), PATIENT).not.toContain('closed');
  arrivals = arrivals.filter(({ deployment }) => deployment !== name);
}

const PACE_MS = 50;

/** As many intervals again, with everybody calling all the time. */
async function probeThrough(round: number): Promise<{ lost: string[]; tooSoon: string[]; probes: number[] }> {
  const before = DEAD.map((name) => arrivedAt(name).length);
  const isOver = (): boolean => DEAD.every((name, at) => arrivedAt(name).length - before[at]! >= INTERVALS_EACH);
  const callUntilOver = async (router: RouterProcess): Promise<void> => {
    while (!isOver()) {
      for (const name of DEAD) await chat(router, name);
      // Eight callers that never rest would leave the store no time to answer.
      await pause(PACE_MS);
    }
  };
  const begun = fleet.routers.map(({ log }) => log.length);
  await Promise.all(fleet.routers.map(callUntilOver));
  const said = fleet.routers.flatMap(({ log }, at) => log.slice(begun[at]));
  const lost = said.filter(({ message }) => message.startsWith('The store does not answer'));
  // A window begins with the failure of the probe before it, so that the next one comes a window later, or several do.
  const tooSoon = DEAD.flatMap((name, position) => {
    const ats = arrivedAt(name).slice(before[position]);
    return ats.flatMap((at, index) =>
      at - (ats[index - 1] ?? 0) < OPEN_MS ? [`${name}, round ${round}: ${ats[index - 1]}, ${at}`] : [],
    );
  });
  const probes = DEAD.map((name, position) => arrivedAt(name).length - before[position]!);
  return { lost: lost.map(({ problem }) => String(problem)), tooSoon, probes };
}

/** What has been told of each once nobody has anything left to tell. */
async function settledTelling(): Promise<{ probed: number; opened: number }[]> {
  const look = async () => {
    const [probed, opened] = await Promise.all([told('probed', DEAD), told('opened', DEAD)]);
    return probed.map((count, at) => ({ probed: count, opened: opened[at]! }));
  };
  let last = await look();
  for (let looks = 0; looks < 20; looks++) {
    await pause(3 * REFRESH_MS);
    const now = await look();
    if (JSON.stringify(now) === JSON.stringify(last)) return now;
    last = now;
  }
  return last;
}

/** On two cores that others want too. */
const LONG_MS = 120_000;

describe(`eight processes (seed ${SEED})`, { timeout: LONG_MS }, () => {
  it('make exactly one half-open probe in each of 200 intervals, and tell each once', async () => {
    for (const name of DEAD) await openEverywhere(name);
    // Without the store each process probes for itself: a run in which a busy machine kept it from one of them says nothing.
    let run = await probeThrough(0);
    let before = DEAD.map(() => ({ probed: 0, opened: 1 }));
    for (let round = 1; round < 4 && run.lost.length > 0; round++) {
      before = await settledTelling();
      run = await probeThrough(round);
    }
    expect(run.lost).toEqual([]);
    expect(run.tooSoon).toEqual([]);
    const toldOf = async (kind: 'probed' | 'opened') =>
      (await told(kind, DEAD)).map((count, at) => count - before[at]![kind]);
    await expect.poll(() => toldOf('probed'), PATIENT).toEqual(run.probes);
    await expect.poll(() => toldOf('opened'), PATIENT).toEqual(run.probes);
  });

  it('wait for a prober as long as it lives; when it is killed another one probes after its lease', async () => {
    const place = wholeBetween(draw, 0, PROCESSES - 1);
    const prober = fleet.routers[place]!;
    const others = fleet.routers.filter((router) => router !== prober);
    await openEverywhere('held');
    scripts.set('held', hang);
    await expect.poll(() => standingOf(prober, 'held'), PATIENT).toMatchObject({ state: 'probing' });
    const held = chat(prober, 'held').catch((error: unknown) => error);
    await expect.poll(() => states('held', others), PATIENT).toEqual(new Set(['halfOpen']));
    const firstLease = (await standingOf(others[0]!, 'held')).until ?? '';
    const seen = async (): Promise<string> => {
      await Promise.all(others.map((router) => chat(router, 'held')));
      return (await standingOf(others[0]!, 'held')).until ?? '';
    };
    await expect.poll(seen, PATIENT).not.toBe(firstLease);
    const lease = Date.parse(await seen());
    expect(lease).toBeGreaterThan(Date.parse(firstLease));
    expect(arrivedAt('held')).toHaveLength(1);
    scripts.set('held', slow);
    await fleet.kill(place);
    const killedAt = Date.now();
    expect(((await held) as NodeJS.ErrnoException).code).toMatch(/^ECONN/);
    await Promise.all(others.map((router) => expect.poll(() => chat(router, 'held'), PATIENT).toBe('A/held:ok')));
    const [, probedAt = 0, nextAt = 0] = arrivedAt('held');
    expect(probedAt).toBeGreaterThanOrEqual(lease);
    // The prober may have renewed its lease until the very end; a refresh period is for a busy machine.
    expect(probedAt).toBeLessThan(killedAt + LEASE_MS + REFRESH_MS);
    expect(nextAt).toBeGreaterThanOrEqual(probedAt + 300);
    await fleet.restart(place);
    await expect.poll(() => states('held'), PATIENT).toEqual(new Set(['closed']));
  });

  it('leave nothing stuck when they are killed at random', async () => {
    await openEverywhere('shaken');
    for (let round = 0; round < 4; round++) {
      const place = wholeBetween(draw, 0, PROCESSES - 1);
      const victim = fleet.routers[place];
      const killAfter = wholeBetween(draw, 1, 40);
      let answered = 0;
      const goOn = async (router: RouterProcess): Promise<void> => {
        while (answered < 80) {
          await chat(router, 'shaken');
          if (++answered === killAfter) await fleet.kill(place);
        }
      };
      const doomed = (error: unknown): void => {
        if (answered < killAfter) throw error;
      };
      await Promise.all(fleet.routers.map((router) => (router === victim ? goOn(router).catch(doomed) : goOn(router))));
      await fleet.restart(place);
    }
    scripts.set('shaken', well);
    const served = (router: RouterProcess) => expect.poll(() => chat(router, 'shaken'), PATIENT).toBe('A/shaken:ok');
    await Promise.all(fleet.routers.map(served));
    await expect.poll(() => states('shaken'), PATIENT).toEqual(new Set(['closed']));
  });
});
