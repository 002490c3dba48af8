/**
 * What the dashboard shows while an endpoint goes away and comes back, told once for the test that checks it and for the pictures:
 * a real router before a simulated fleet of two, a browser before the router, and agents whose calls never cease.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { type Simulator, startSimulator } from '../src/simulator/server.ts';
import { startShownRouter } from './scene.ts';

export type StepName = 'well' | 'down' | 'timeline' | 'back' | 'home';

/** Something to be read on the page, in any element under that selector. */
interface Sign {
  readonly where: string;
  readonly text: RegExp;
}

export interface Step {
  readonly name: StepName;
  readonly page: Page;
  /** The signs of this step that the page does not show yet. */
  readonly missing: () => Promise<string[]>;
  /** When that was done which the page is to show, by `performance.now()`. */
  readonly since: number;
  /** The statuses that callers have seen, from the first call on. */
  readonly statuses: readonly number[];
}

const AGENTS = ['cpt_agent', 'icd_agent', 'lcd_agent'] as const;
/** The last has no home and asks the pool: somebody has to try A again after the agents have left it. */
const CALLERS = [...AGENTS, null] as const;
const FAILURE_THRESHOLD = 3;
const PACE_MS = 50;

const ROW_OF_A = 'tr.deployment >> nth=0';
const ALL_SERVE: Sign = { where: '.headline', text: /All 2 deployments serve\./ };
const eventsOfAgents = (text: (agent: string) => RegExp): readonly Sign[] =>
  AGENTS.map((agent) => ({ where: '#events li', text: text(agent) }));
const rowsOfAgents = (text: (agent: string) => RegExp): readonly Sign[] =>
  AGENTS.map((agent) => ({ where: '#agents tbody tr', text: text(agent) }));

const SIGNS: Readonly<Record<StepName, readonly Sign[]>> = {
  well: [
    ALL_SERVE,
    { where: ROW_OF_A, text: /Serving/ },
    { where: '#tiles', text: /Requests\d\d/ },
    ...rowsOfAgents((agent) => new RegExp(`${agent}.*A/gpt-4\\.1.*at its home`, 's')),
  ],
  down: [
    { where: '.headline', text: /A\/gpt-4\.1 is open until/ },
    { where: ROW_OF_A, text: /Open until/ },
    { where: '.further', text: /3 agents moved\./ },
    ...rowsOfAgents((agent) => new RegExp(`${agent}.*B/gpt-4\\.1.*moved by failures`, 's')),
  ],
  timeline: [
    { where: '#events li', text: /The breaker of A\/gpt-4\.1 opened until/ },
    { where: '#events li', text: /requests? of \w+ went to B\/gpt-4\.1 instead of A\/gpt-4\.1/ },
    ...eventsOfAgents((agent) => new RegExp(`${agent} moved from A/gpt-4\\.1 to B/gpt-4\\.1`)),
  ],
  back: [
    ALL_SERVE,
    { where: ROW_OF_A, text: /Ramping|Serving/ },
    { where: '#events li', text: /A\/gpt-4\.1 answers again\./ },
  ],
  home: [
    ALL_SERVE,
    { where: ROW_OF_A, text: /Serving/ },
    ...rowsOfAgents((agent) => new RegExp(`${agent}.*A/gpt-4\\.1.*at its home`, 's')),
    ...eventsOfAgents((agent) => new RegExp(`${agent} went home`)),
  ],
};

/** `open` shows the router's page; `witness` is called once for each step, when it has begun, and the story goes on when it is content. */
export async function tellStory(
  open: (url: string) => Promise<Page>,
  witness: (step: Step) => Promise<void>,
): Promise<readonly number[]> {
  await using stack = new AsyncDisposableStack();
  const simulator = stack.use(await startSimulator({ endpoints: fleet() }));
  const { url } = stack.use(await startShownRouter(documentFor(simulator)));
  const traffic = stack.use(startTraffic(url));
  const page = await open(url);
  const { statuses } = traffic;
  const step = (name: StepName): Promise<void> =>
    witness({ name, page, statuses, since: performance.now(), missing: () => missingOn(page, SIGNS[name]) });
  await step('well');
  simulator.faults.add({ fault: 'down', endpoint: 'A' });
  await step('down');
  await step('timeline');
  simulator.faults.clear();
  await step('back');
  await step('home');
  await traffic.stop();
  return statuses;
}

async function missingOn(page: Page, signs: readonly Sign[]): Promise<string[]> {
  const counts = await Promise.all(
    signs.map(({ where, text }) => page.locator(where).filter({ hasText: text }).count()),
  );
  return signs.filter((_, at) => counts[at] === 0).map(({ where, text }) => `${where}: ${text.source}`);
}

const MODEL = 'gpt-4.1';

function fleet() {
  const latency = { headMs: 8, firstTokenMs: 4, chunkMs: 1 };
  const deployments = { [MODEL]: { model: MODEL } };
  return [
    { name: 'A', region: 'eastus2', latency, deployments },
    { name: 'B', region: 'westeurope', latency, deployments },
  ];
}

/** Windows of seconds, where a router at work has minutes. */
function documentFor({ endpoints }: Simulator): object {
  const deployments = { [MODEL]: { model: MODEL } };
  return {
    endpoints: Object.fromEntries(
      endpoints.map(({ name, url, apiKey, region }) => [name, { url, apiKey, region, api: 'v1', deployments }]),
    ),
    pools: { main: { strategy: 'priority', members: [`A/${MODEL}`, `B/${MODEL}`] } },
    defaultPool: 'main',
    agents: {
      homes: Object.fromEntries(AGENTS.map((agent) => [agent, `A/${MODEL}`])),
      failureThreshold: FAILURE_THRESHOLD,
      failureWindowMs: 9_000,
    },
    // Callers take turns: the breaker opens with the failure that also moves the last agent, not before.
    breaker: { failures: FAILURE_THRESHOLD * CALLERS.length, openMs: 4_000, maxOpenMs: 4_000 },
    retries: { sameDeployment: 0 },
  };
}

interface Traffic extends AsyncDisposable {
  readonly statuses: readonly number[];
  /** Ends with the answer to the last call. */
  readonly stop: () => Promise<void>;
}

/** One call after the other, so that each caller's failures come in its turn, however busy the machine is. */
function startTraffic(url: string): Traffic {
  const statuses: number[] = [];
  const ended = new AbortController();
  const run = async (): Promise<void> => {
    for (let turn = 0; !ended.signal.aborted; turn++) {
      const next = performance.now() + PACE_MS;
      statuses.push(await ask(url, turn));
      await sleep(Math.max(0, next - performance.now()));
    }
  };
  const running = run();
  const stop = (): Promise<void> => {
    ended.abort();
    return running;
  };
  return { statuses, stop, [Symbol.asyncDispose]: stop };
}

/** The answer's status; 0 where there was none. */
async function ask(url: string, turn: number): Promise<number> {
  const agent = CALLERS[turn % CALLERS.length] ?? null;
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(agent === null ? {} : { 'x-agent-name': agent }) },
      body: JSON.stringify({
        model: 'main',
        messages: [{ role: 'user', content: `Note ${turn}: what is to be billed?` }],
        max_tokens: 20,
      }),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
