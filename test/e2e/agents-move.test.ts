import OpenAI from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { type RunningEmulator, runEmulator } from '../harness/emulator.ts';
import { PATIENT } from '../harness/processes.ts';
import { ask, QUESTION, type RawAnswer, type RawCall } from '../harness/raw.ts';
import { fleet, startRouter, type TestRouter } from '../harness/router.ts';
import { json, type ScriptedUpstream, startUpstream, throttled } from '../harness/upstream.ts';

const A = 'A/gpt-4.1';
const B = 'B/gpt-4.1';
const REFRESH_MS = 1_000;
/** One period is promised; the other is for a busy machine. */
const ONE_PERIOD = { timeout: 2 * REFRESH_MS, interval: 10 };
const WINDOW_MS = 4_000;

/** Three routers that share nothing but the tables, before two endpoints. */
class Place implements AsyncDisposable {
  readonly a: ScriptedUpstream;
  readonly b: ScriptedUpstream;
  readonly routers: readonly [TestRouter, TestRouter, TestRouter];
  readonly #emulator: RunningEmulator;

  constructor(emulator: RunningEmulator, upstreams: readonly ScriptedUpstream[], routers: readonly TestRouter[]) {
    this.#emulator = emulator;
    [this.a, this.b] = upstreams as [ScriptedUpstream, ScriptedUpstream];
    this.routers = routers as [TestRouter, TestRouter, TestRouter];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const router of this.routers) await router[Symbol.asyncDispose]();
    for (const upstream of [this.a, this.b]) await upstream[Symbol.asyncDispose]();
    await this.#emulator[Symbol.asyncDispose]();
  }
}

/** `change`: what differs from the usual configuration. */
async function startPlace(change: (document: Document) => Document = (document) => document): Promise<Place> {
  const emulator = await runEmulator();
  const upstreams = await Promise.all(['A', 'B'].map((from) => startUpstream(json(200, { from }))));
  const extra = {
    agents: { homes: { cpt_agent: A }, failureWindowMs: WINDOW_MS },
    breaker: { refreshMs: REFRESH_MS },
  };
  const document = change(
    fleet(
      upstreams.map(({ url }) => url),
      extra,
    ) as Document,
  );
  const storage = { kind: 'connectionString', text: emulator.connectionString } as const;
  const routers = await Promise.all([1, 2, 3].map(() => startRouter(document, { storage })));
  // The store is opened a moment after a router has begun to serve.
  for (const router of routers) await vi.waitFor(() => control(router, { method: 'DELETE', path: AGENT }), PATIENT);
  await vi.waitFor(
    () => control(routers[0]!, { method: 'PUT', path: '/router/agents/x', body: { deployment: A } }),
    PATIENT,
  );
  for (const router of routers)
    await expect
      .poll(() => control<AgentView>(router, { path: '/router/agents/x' }), PATIENT)
      .toMatchObject({ why: 'operator' });
  return new Place(emulator, upstreams, routers);
}

interface Document {
  readonly endpoints: Readonly<Record<string, object>>;
}

interface AgentView {
  readonly assignment: string;
  readonly home: string;
  readonly why: string;
  readonly cause: string | null;
  readonly from: string | null;
  readonly since: string | null;
  readonly returnAt: string | null;
  readonly failures: number;
}

const AGENT = '/router/agents/cpt_agent';

async function control<T>({ url }: TestRouter, call: RawCall): Promise<T> {
  const { status, text } = await ask(url, call);
  if (status !== 200) throw new Error(`${status} ${text}`);
  return JSON.parse(text) as T;
}

function chat({ url }: TestRouter, agent = 'cpt_agent'): Promise<RawAnswer> {
  return ask(url, { body: QUESTION, headers: [['x-agent-name', agent]] });
}

async function route(router: TestRouter, agent?: string): Promise<string> {
  const { status, headers } = await chat(router, agent);
  expect(status).toBe(200);
  return String(headers['x-router-route']);
}

function agentIn(router: TestRouter): Promise<AgentView> {
  return control<AgentView>(router, { path: AGENT });
}

async function stateOf(router: TestRouter, id: string): Promise<string> {
  return (await control<{ state: string }>(router, { path: `/router/deployments/${encodeURIComponent(id)}` })).state;
}

/** A call of the agent's that A refuses and B answers, as soon as A may be asked again. */
async function spill({ a }: Place, router: TestRouter): Promise<void> {
  await expect.poll(() => stateOf(router, A), PATIENT).toBe('closed');
  a.script(throttled({ 'retry-after-ms': '20' }));
  expect(await route(router)).toBe(`${A}:throttled,${B}:ok`);
  a.script(json(200, { from: 'A' }));
}

async function eventsOf(router: TestRouter): Promise<Record<string, unknown>[]> {
  const { items } = await control<{ items: Record<string, unknown>[] }>(router, { path: '/router/failovers' });
  return items.filter(({ agent }) => agent === 'cpt_agent');
}

describe('an agent', () => {
  it('is moved by its third 429 within the window, wherever they were seen, and is home again after it', async () => {
    await using place = await startPlace();
    const [one, two, three] = place.routers;
    expect(await agentIn(one)).toMatchObject({ assignment: A, why: 'home', since: null, failures: 0 });
    // Already the first of them is answered by B.
    await spill(place, one);
    await spill(place, two);
    await expect.poll(() => agentIn(three), ONE_PERIOD).toMatchObject({ assignment: A, why: 'home', failures: 2 });
    await spill(place, three);
    expect(await agentIn(three)).toMatchObject({ assignment: B, why: 'moved', failures: 0 });
    for (const router of place.routers) {
      await expect
        .poll(() => agentIn(router), ONE_PERIOD)
        .toMatchObject({ assignment: B, home: A, from: A, why: 'moved' });
      await expect.poll(() => stateOf(router, A), PATIENT).toBe('closed');
      expect(await route(router)).toBe(`${B}:ok`);
      expect(await route(router, 'somebody')).toBe(`${A}:ok`);
    }
    const { cause, since, returnAt } = await agentIn(one);
    expect(cause).toContain('throttled');
    expect(Date.parse(returnAt ?? '') - Date.parse(since ?? '')).toBe(WINDOW_MS);

    for (const router of place.routers) {
      await expect.poll(() => route(router), PATIENT).toBe(`${A}:ok`);
      expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(returnAt ?? ''));
    }
    for (const router of place.routers) {
      await expect.poll(() => agentIn(router), ONE_PERIOD).toMatchObject({ assignment: A, why: 'home', since: null });
    }
    const told = async () => (await eventsOf(two)).filter(({ kind }) => kind !== 'failover');
    const moved = { kind: 'agentMoved', from: A, to: B, cause };
    await expect.poll(told, PATIENT).toMatchObject([{ kind: 'agentReturned', from: B }, moved]);
  });

  it('stays at home when a success comes between the failures', async () => {
    await using place = await startPlace();
    const [one, two, three] = place.routers;
    await spill(place, one);
    await spill(place, two);
    await expect.poll(() => agentIn(three), ONE_PERIOD).toMatchObject({ failures: 2 });
    await expect.poll(() => route(three), PATIENT).toBe(`${A}:ok`);
    expect(await agentIn(three)).toMatchObject({ failures: 0 });
    await expect.poll(() => agentIn(one), ONE_PERIOD).toMatchObject({ failures: 0 });
    await spill(place, one);
    await spill(place, one);
    for (const router of place.routers) {
      await expect.poll(() => agentIn(router), ONE_PERIOD).toMatchObject({ assignment: A, why: 'home', failures: 2 });
    }
  });

  it('is not moved by provisioned throughput that is used up', async () => {
    await using place = await startPlace(({ endpoints: { A: first, ...others }, ...rest }) => ({
      ...rest,
      endpoints: { A: { ...first, deployments: { 'gpt-4.1': { model: 'gpt-4.1', kind: 'ptu' } } }, ...others },
    }));
    const [one] = place.routers;
    for (let call = 0; call < 5; call++) await spill(place, one);
    expect(await agentIn(one)).toMatchObject({ assignment: A, why: 'home', failures: 0 });
    await expect.poll(() => route(one), PATIENT).toBe(`${A}:ok`);
  });

  it('goes where an operator pins it, until it is sent home', async () => {
    await using place = await startPlace();
    const [one, two, three] = place.routers;
    const pinned = await control<AgentView>(one, { method: 'PUT', path: AGENT, body: { deployment: B, pinned: true } });
    expect(pinned).toMatchObject({ assignment: B, home: A, why: 'pinned', from: A, returnAt: null, failures: 0 });
    expect(await route(one)).toBe(`${B}:ok`);
    for (const router of [two, three]) {
      await expect.poll(() => agentIn(router), ONE_PERIOD).toEqual(pinned);
      const client = new OpenAI({
        baseURL: `${router.url}/openai/v1`,
        apiKey: 'any',
        defaultHeaders: { 'x-agent-name': 'cpt_agent' },
      });
      const { response } = await client.chat.completions
        .create({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'How tall is the house?' }] })
        .withResponse();
      expect(response.headers.get('x-router-deployment')).toBe(B);
    }
    const released = await control<AgentView>(three, { method: 'DELETE', path: AGENT });
    expect(released).toMatchObject({ assignment: A, why: 'home', since: null });
    expect(await route(three)).toBe(`${A}:ok`);
    for (const router of [one, two]) await expect.poll(() => route(router), ONE_PERIOD).toBe(`${A}:ok`);
  });
});

describe('a deployment that an operator', () => {
  it('drains and restores loses and gets its traffic here at once, and elsewhere within a refresh period', async () => {
    await using place = await startPlace();
    const [one, two, three] = place.routers;
    const path = `/router/deployments/${encodeURIComponent(A)}`;
    await control(one, { method: 'POST', path: `${path}/drain` });
    expect(await route(one)).toBe(`${B}:ok`);
    for (const router of [two, three]) await expect.poll(() => route(router), ONE_PERIOD).toBe(`${B}:ok`);
    const before = place.a.received.length;
    for (const router of place.routers) {
      expect(await stateOf(router, A)).toBe('drained');
      expect(await route(router)).toBe(`${B}:ok`);
    }
    expect(place.a.received).toHaveLength(before);
    await control(two, { method: 'POST', path: `${path}/restore` });
    expect(await route(two)).toBe(`${A}:ok`);
    for (const router of [one, three]) await expect.poll(() => route(router), ONE_PERIOD).toBe(`${A}:ok`);
  });
});
