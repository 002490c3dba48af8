/** One of two regions dies under load, in each of the ways in which regions die. Two routers that share nothing but the tables. */
import type { Agent } from 'node:http';
import { describe, expect, it } from 'vitest';
import { runEmulator } from '../harness/emulator.ts';
import { linesOf } from '../harness/metered.ts';
import { operatorOf } from '../harness/operator.ts';
import { PATIENT } from '../harness/processes.ts';
import { ask, CHAT, keepAlive } from '../harness/raw.ts';
import { startRouter, type TestRouter } from '../harness/router.ts';
import {
  azureError,
  chunk,
  DONE,
  hang,
  json,
  type Script,
  type ScriptedUpstream,
  startUpstream,
  stream,
} from '../harness/upstream.ts';

const DEAD = ['X1', 'X2'];
const ALIVE = ['Y1', 'Y2'];
/** As it should be written: the next in order is in the other region. */
const ACROSS = ['X1', 'Y1', 'X2', 'Y2'];
const HOME = 'X1/gpt-4.1';
const REFUGE = 'Y1/gpt-4.1';

/** Short, so that what hangs is given up soon; long beside what a healthy answer takes on a busy machine. */
const GIVEN_UP_MS = 1_500;
/** As no model answers at once, neither do these: else the calls would take the machine all its time. */
const THINKING_MS = 20;

const well: Script = (request, response) => {
  const wantsStream = (JSON.parse(request.body.toString()) as { stream?: boolean }).stream === true;
  const answer = wantsStream ? stream([chunk('Hello'), DONE]) : json(200, { ok: true });
  setTimeout(() => answer(request, response), THINKING_MS);
};

type Upstreams = ReadonlyMap<string, ScriptedUpstream>;

function documentFor(upstreams: Upstreams, breaker: object): object {
  const endpoints = [...upstreams].map(([name, { url }]): [string, object] => [
    name,
    {
      url,
      apiKey: 'k',
      api: '2025-01-01-preview',
      region: DEAD.includes(name) ? 'eastus2' : 'westeurope',
      deployments: { 'gpt-4.1': { model: 'gpt-4.1' } },
    },
  ]);
  const members = (names: readonly string[]) => names.map((name) => `${name}/gpt-4.1`);
  return {
    endpoints: Object.fromEntries(endpoints),
    pools: {
      even: { strategy: 'roundRobin', members: members(ACROSS) },
      homely: { strategy: 'priority', members: members(ACROSS) },
      alive: { strategy: 'roundRobin', members: members(ALIVE) },
    },
    agents: { homes: { cpt_agent: HOME }, failureThreshold: 1 },
    breaker: { failures: 3, refreshMs: 1_000, ...breaker },
    timeouts: { connectMs: GIVEN_UP_MS, firstTokenMs: GIVEN_UP_MS, answerMs: GIVEN_UP_MS },
  };
}

interface Place extends AsyncDisposable {
  readonly upstreams: Upstreams;
  readonly dead: readonly ScriptedUpstream[];
  readonly routers: readonly TestRouter[];
}

async function startPlace(breaker: object): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const emulator = stack.use(await runEmulator());
  const upstreams = new Map<string, ScriptedUpstream>();
  for (const name of [...DEAD, ...ALIVE]) upstreams.set(name, stack.use(await startUpstream(well)));
  const document = documentFor(upstreams, breaker);
  const storage = { kind: 'connectionString', text: emulator.connectionString } as const;
  const routers = [1, 2].map(async () => stack.use(await startRouter(document, { storage })));
  const place = { upstreams, dead: DEAD.map((name) => upstreams.get(name)!), routers: await Promise.all(routers) };
  for (const router of place.routers)
    await expect.poll(async () => (await statusOf(router)).store.healthy, PATIENT).toBe(true);
  const kept = stack.move();
  return { ...place, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

interface Status {
  readonly store: { readonly healthy: boolean };
  readonly deployments: readonly { readonly id: string; readonly state: string }[];
  readonly agents: readonly { readonly agent: string; readonly assignment: string }[];
}

function statusOf({ url }: TestRouter): Promise<Status> {
  return operatorOf(url, null).control<Status>({ path: '/router/status' });
}

/** What a router says of the dead region. */
async function statesIn(router: TestRouter): Promise<Set<string>> {
  const { deployments } = await statusOf(router);
  return new Set(deployments.filter(({ id }) => DEAD.includes(placeOf(id))).map(({ state }) => state));
}

async function whereaboutsIn(router: TestRouter): Promise<string | undefined> {
  const { agents } = await statusOf(router);
  return agents.find(({ agent }) => agent === 'cpt_agent')?.assignment;
}

interface Call {
  readonly model: 'even' | 'homely' | 'alive';
  readonly stream?: boolean;
  readonly agent?: string;
}

const EVEN: readonly Call[] = [{ model: 'even' }, { model: 'alive' }, { model: 'even', stream: true }];
const AT_HOME: readonly Call[] = [
  { model: 'homely', agent: 'cpt_agent' },
  { model: 'homely', agent: 'cpt_agent', stream: true },
];
/** Of each router. */
const CALLERS = [EVEN, EVEN, EVEN, AT_HOME];

interface Completion extends Call {
  /** Requests are numbered in the order in which they were sent. */
  readonly serial: number;
  readonly isWell: boolean;
  readonly attempts: number;
  /** `X1/gpt-4.1:failing`, … */
  readonly steps: readonly string[];
  readonly tookMs: number;
}

async function complete({ url }: TestRouter, call: Call, serial: number, connections: Agent): Promise<Completion> {
  const { agent = 'somebody', model, stream: wantsStream = false } = call;
  const begunAt = performance.now();
  const answer = await ask(url, {
    path: CHAT,
    headers: [['x-agent-name', agent]],
    body: { model, stream: wantsStream, messages: [], user: String(serial) },
    agent: connections,
  });
  const isWhole = answer.whole && (!wantsStream || answer.text.endsWith(DONE));
  return {
    ...call,
    serial,
    isWell: answer.status === 200 && isWhole,
    attempts: Number(answer.headers['x-router-attempts']),
    steps: String(answer.headers['x-router-route']).split(','),
    tookMs: performance.now() - begunAt,
  };
}

interface Traffic extends AsyncDisposable {
  readonly seen: readonly Completion[];
  /** Requests sent from now on bear this number, or one above it. */
  readonly next: number;
  end(): Promise<void>;
}

/** Callers of each router, until that is over. */
function steadyTraffic(routers: readonly TestRouter[]): Traffic {
  let isOver = false;
  let next = 0;
  const seen: Completion[] = [];
  const goOn = async (router: TestRouter, calls: readonly Call[]): Promise<void> => {
    using connections = keepAlive();
    for (let turn = 0; !isOver; turn++)
      seen.push(await complete(router, calls[turn % calls.length]!, next++, connections));
  };
  const ended = Promise.all(routers.flatMap((router) => CALLERS.map((calls) => goOn(router, calls))));
  const end = async (): Promise<void> => {
    isOver = true;
    await ended;
  };
  return {
    seen,
    get next() {
      return next;
    },
    end,
    [Symbol.asyncDispose]: end,
  };
}

function placeOf(step: string): string {
  return step.slice(0, step.indexOf('/'));
}

/** What a dead server was sent, by number. */
function serialsAt({ received }: ScriptedUpstream): number[] {
  return received.map(({ body }) => Number((JSON.parse(body.toString()) as { user: string }).user));
}

function median(values: readonly number[]): number {
  return [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Requests that met the dead region, and took another way than one failure there and one answer from the other region. */
function strays(seen: readonly Completion[]): Completion[] {
  return seen.filter(({ steps, attempts }) => {
    const [first = '', second = ''] = steps;
    const failedOver = steps.length === 2 && first.endsWith(':failing') && DEAD.includes(placeOf(first));
    const isServed = (step: string) => step.endsWith(':ok');
    return (
      attempts !== steps.length || !(failedOver ? isServed(second) && ALIVE.includes(placeOf(second)) : isServed(first))
    );
  });
}

const met = ({ steps }: Completion): boolean => steps.some((step) => step.endsWith(':failing'));

const DEATHS: readonly { readonly what: string; readonly die: (upstream: ScriptedUpstream) => void }[] = [
  { what: 'answers 503', die: (upstream) => upstream.script(azureError(503, 'ServiceUnavailable')) },
  { what: 'refuses connections', die: (upstream) => upstream.leave() },
  { what: 'takes requests and never answers', die: (upstream) => upstream.script(hang) },
];

describe('a region that dies under load', () => {
  it.each(DEATHS)('and $what costs a few requests one attempt, and nobody an answer', async ({ die }) => {
    await using place = await startPlace({ openMs: 600_000, maxOpenMs: 600_000 });
    const { routers, dead } = place;
    await using traffic = steadyTraffic(routers);
    await expect.poll(() => traffic.seen.length, PATIENT).toBeGreaterThan(60);
    expect(traffic.seen.filter((one) => met(one) || one.attempts !== 1)).toEqual([]);
    const servers = new Set(traffic.seen.map(({ steps }) => placeOf(steps[0]!)));
    expect(servers).toEqual(new Set([...DEAD, ...ALIVE]));

    for (const upstream of dead) die(upstream);
    for (const router of routers) {
      await expect.poll(() => statesIn(router), PATIENT).toEqual(new Set(['open']));
      await expect.poll(() => whereaboutsIn(router), PATIENT).toBe(REFUGE);
    }
    const known = traffic.next;
    const later = (): Completion[] => traffic.seen.filter(({ serial }) => serial >= known);
    await expect.poll(() => later().length, PATIENT).toBeGreaterThan(120);
    await traffic.end();

    expect(traffic.seen.filter(({ isWell }) => !isWell)).toEqual([]);
    expect(traffic.seen.filter(met).length).toBeGreaterThan(0);
    expect(strays(traffic.seen)).toEqual([]);
    expect(later().filter(({ attempts }) => attempts !== 1)).toEqual([]);
    expect(dead.flatMap(serialsAt).filter((serial) => serial >= known)).toEqual([]);
    const agents = later().filter(({ agent }) => agent === 'cpt_agent');
    expect(new Set(agents.flatMap(({ steps }) => steps))).toEqual(new Set([`${REFUGE}:ok`]));
    // Side by side with those who never had to do with that region, so that a busy machine is busy for both.
    const tookMs = (model: Call['model']) =>
      median(later().flatMap((one) => (one.model === model ? [one.tookMs] : [])));
    expect(tookMs('even') / tookMs('alive')).toBeLessThan(3);
  });

  it('sees nothing but probes from then on, each of which costs one request one attempt', async () => {
    await using place = await startPlace({ openMs: 300, maxOpenMs: 300 });
    const { routers, dead } = place;
    await using traffic = steadyTraffic(routers);
    await expect.poll(() => traffic.seen.length, PATIENT).toBeGreaterThan(50);
    for (const upstream of dead) upstream.script(azureError(503, 'ServiceUnavailable'));
    for (const router of routers) await expect.poll(() => statesIn(router), PATIENT).not.toContain('closed');
    const known = traffic.next;
    const sent = (): number[] => dead.flatMap(serialsAt).filter((serial) => serial >= known);
    await expect.poll(() => sent().length, PATIENT).toBeGreaterThan(6);
    await traffic.end();

    expect(traffic.seen.filter(({ isWell }) => !isWell)).toEqual([]);
    expect(strays(traffic.seen)).toEqual([]);
    const probed = routers.flatMap(linesOf).filter(({ message }) => message.startsWith('Breaker half-open'));
    expect(sent().length).toBeLessThanOrEqual(probed.length);
    expect(traffic.seen.filter((one) => one.serial >= known && met(one))).toHaveLength(sent().length);
  });
});
