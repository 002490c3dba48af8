/** Round robin in one order over eight processes, none of which knows of the others but by the tables. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawFrom, wholeBetween } from '../../src/simulator/seeded.ts';
import { many, PATIENT, type ProcessFleet, type RouterProcess, startProcesses, tally } from '../harness/processes.ts';
import { json, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

const PROCESSES = 8;
const NAMES = Array.from({ length: 50 }, (_, at) => `m${at}`);
const FEW = NAMES.slice(0, 4);
/** Turns that a process leases at first, where nothing else is configured. */
const BLOCK = 17;

/** Calls of the proof of strict order; those that are sent one after another, and those that are sent as fast as they go. */
const IN_A_ROW = 400;
const AT_ONCE = 9_600;
/** On two cores that others want too. */
const LONG_MS = 120_000;

const SEED = Number(process.env['ROUTER_SEED'] ?? Date.now() % 1_000_000);
const draw = drawFrom(SEED);

let well: ScriptedUpstream;
let fleet: ProcessFleet;

beforeAll(async () => {
  well = await startUpstream(json(200, { ok: true }));
  const idsOf = (names: readonly string[]) => names.map((name) => `A/${name}`);
  const deployments = Object.fromEntries(NAMES.map((name) => [name, { model: name }]));
  const config = {
    endpoints: { A: { url: well.url, apiKey: 'k', api: '2025-01-01-preview', deployments } },
    pools: {
      strict: { strategy: 'roundRobin', block: 1, members: idsOf(NAMES) },
      even: { strategy: 'roundRobin', members: idsOf(FEW) },
    },
  };
  fleet = await startProcesses({ count: PROCESSES, config });
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await well[Symbol.asyncDispose]();
});

async function chat(router: RouterProcess, model: string): Promise<string> {
  const { status, headers } = await router.ask({ path: '/v1/chat/completions', body: { model, messages: [] } });
  expect(status).toBe(200);
  return String(headers['x-router-deployment']).slice('A/'.length);
}

/** One call after the other, each by any of `routers`. */
async function inARow(count: number, routers: readonly RouterProcess[]): Promise<string[]> {
  const served: string[] = [];
  while (served.length < count) {
    served.push(await chat(routers[wholeBetween(draw, 0, routers.length - 1)]!, 'strict'));
  }
  return served;
}

/** As many members as `served` has, beginning with its first. */
function inOrder(served: readonly string[]): string[] {
  const first = NAMES.indexOf(served[0] ?? '');
  return served.map((_, at) => NAMES[(first + at) % NAMES.length]!);
}

async function leased(pool: string): Promise<number> {
  const row = await fleet.store.get({ table: 'cursors', partition: pool, row: 'next' }, 5_000);
  return Number(row?.values['content']);
}

describe(`eight processes (seed ${SEED})`, { timeout: LONG_MS }, () => {
  it('begin at different members of a pool that is shared out in blocks', async () => {
    const everybody = () => Promise.all(fleet.routers.map((router) => chat(router, 'even')));
    // Whoever had no block yet when it was first asked has one then.
    await everybody();
    await expect.poll(() => leased('even'), PATIENT).toBe(PROCESSES * BLOCK);
    expect(tally(await everybody())).toEqual(new Map(FEW.map((name) => [name, PROCESSES / FEW.length])));
  });

  it('share a pool out evenly in blocks', async () => {
    const EACH = 250;
    const served = await Promise.all(fleet.routers.map((router) => many(EACH, 8, () => chat(router, 'even'))));
    const counts = [...tally(served.flat()).values()];
    // Of each process what is left of its block, and the next one: either makes one member lag behind by one.
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2 * PROCESSES + 1);
    expect(await leased('even')).toBeGreaterThan(EACH * PROCESSES);
  });

  it('give every member its turn in strict order, and use every turn once, over 10,000 calls', async () => {
    const served = await inARow(IN_A_ROW, fleet.routers);
    expect(served).toEqual(inOrder(served));
    const each = AT_ONCE / PROCESSES;
    const all = await Promise.all(fleet.routers.map((router) => many(each, 16, () => chat(router, 'strict'))));
    expect(tally(all.flat())).toEqual(new Map(NAMES.map((name) => [name, AT_ONCE / NAMES.length])));
    expect(await leased('strict')).toBe(IN_A_ROW + AT_ONCE);
    const next = await inARow(NAMES.length, fleet.routers);
    expect(next[0]).toBe(served[0]);
    expect(next).toEqual(inOrder(next));
  });

  it('keep to the order when one of them is killed amid its calls', async () => {
    const victim = wholeBetween(draw, 0, PROCESSES - 1);
    const others = fleet.routers.filter((_, at) => at !== victim);
    const goOn = () => chat(fleet.routers[victim]!, 'strict');
    const doomed = many(Number.POSITIVE_INFINITY, 4, goOn).catch((error: unknown) => error);
    const going = Promise.all(others.map((router) => many(100, 4, () => chat(router, 'strict'))));
    const killed = inARow(wholeBetween(draw, 1, 20), others).then(() => fleet.kill(victim));
    await Promise.all([going, killed]);
    expect(((await doomed) as NodeJS.ErrnoException).code).toMatch(/^ECONN/);
    const served = await inARow(50, others);
    expect(served).toEqual(inOrder(served));
  });
});
