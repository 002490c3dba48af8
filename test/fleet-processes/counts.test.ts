/** What eight processes learn at once, none of which knows of the others but by the tables. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { many, PATIENT, type ProcessFleet, type RouterProcess, startProcesses } from '../harness/processes.ts';
import { CHAT } from '../harness/raw.ts';
import { azureError, json, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';

const PROCESSES = 8;
const REFRESH_MS = 500;
/** One period is promised; the other is for a machine that has two cores for eight processes, their callers and their store. */
const ONE_PERIOD = { timeout: 2 * REFRESH_MS, interval: 10 };
const EACH = 50;
const ONE_TOO_MANY = PROCESSES * EACH + 1;

let dead: ScriptedUpstream;
let well: ScriptedUpstream;
let fleet: ProcessFleet;

beforeAll(async () => {
  dead = await startUpstream(azureError(500, 'x'));
  well = await startUpstream(json(200, { ok: true }));
  const names = ['counted', 'opened'];
  const deployments = Object.fromEntries(names.map((name) => [name, { model: name }]));
  const config = {
    endpoints: {
      A: { url: dead.url, apiKey: 'k', api: '2025-01-01-preview', deployments },
      B: { url: well.url, apiKey: 'k', api: '2025-01-01-preview', deployments },
    },
    pools: Object.fromEntries(names.map((name) => [name, { members: [`A/${name}`, `B/${name}`] }])),
    agents: { homes: { cpt_agent: 'A/counted' }, failureThreshold: ONE_TOO_MANY, failureWindowMs: 600_000 },
    breaker: { failures: ONE_TOO_MANY, windowMs: 600_000, openMs: 600_000, maxOpenMs: 600_000, refreshMs: REFRESH_MS },
  };
  fleet = await startProcesses({ count: PROCESSES, config });
});

afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await Promise.all([dead, well].map((upstream) => upstream[Symbol.asyncDispose]()));
});

function chat(router: RouterProcess, model: string, agent = 'somebody') {
  return router.ask({ path: CHAT, headers: [['x-agent-name', agent]], body: { model, messages: [] } });
}

interface Standing {
  readonly state: string;
  readonly failures: number;
}

function standingOf(router: RouterProcess, id: string): Promise<Standing> {
  return router.control<Standing>({ path: `/router/deployments/${encodeURIComponent(id)}` });
}

interface AgentView {
  readonly assignment: string;
  readonly failures: number;
}

function agentIn(router: RouterProcess): Promise<AgentView> {
  return router.control<AgentView>({ path: '/router/agents/cpt_agent' });
}

function everywhere<T>(question: (router: RouterProcess) => Promise<T>): () => Promise<T[]> {
  return () => Promise.all(fleet.routers.map(question));
}

describe('eight processes', () => {
  it('lose no failure of 400 at once, and the next one tips agent and breaker on all of them', async () => {
    const answers = await Promise.all(
      fleet.routers.map((router) => many(EACH, EACH, () => chat(router, 'counted', 'cpt_agent'))),
    );
    expect(new Set(answers.flat().map(({ headers }) => headers['x-router-route']))).toEqual(
      new Set(['A/counted:failing,B/counted:ok']),
    );
    const counts = everywhere(async (router) => {
      const [agent, deployment] = await Promise.all([agentIn(router), standingOf(router, 'A/counted')]);
      return { agent: agent.failures, deployment: deployment.failures, state: deployment.state };
    });
    const all = { agent: PROCESSES * EACH, deployment: PROCESSES * EACH, state: 'closed' };
    await expect.poll(counts, PATIENT).toEqual(Array(PROCESSES).fill(all));
    await chat(fleet.routers[5]!, 'counted', 'cpt_agent');
    const places = everywhere(async (router) => {
      const [{ assignment }, { state }] = await Promise.all([agentIn(router), standingOf(router, 'A/counted')]);
      return `${assignment} ${state}`;
    });
    await expect.poll(places, ONE_PERIOD).toEqual(Array(PROCESSES).fill('B/counted open'));
  });

  it('all leave a deployment alone within a refresh period after one of them has opened its breaker', async () => {
    const [one, ...others] = fleet.routers as [RouterProcess, ...RouterProcess[]];
    await many(ONE_TOO_MANY, 16, () => chat(one, 'opened'));
    expect(await standingOf(one, 'A/opened')).toMatchObject({ state: 'open' });
    const states = everywhere(async (router) => (await standingOf(router, 'A/opened')).state);
    await expect.poll(states, ONE_PERIOD).toEqual(Array(PROCESSES).fill('open'));
    const before = dead.received.length;
    const answers = await Promise.all(others.map((router) => many(EACH, EACH, () => chat(router, 'opened'))));
    expect(new Set(answers.flat().map(({ headers }) => headers['x-router-route']))).toEqual(new Set(['B/opened:ok']));
    expect(dead.received).toHaveLength(before);
  });
});
