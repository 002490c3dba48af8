/** What the pictures show: a router before three simulated endpoints, agents at work, and trouble on demand. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/clocks.ts';
import { compose } from '../src/compose.ts';
import { parseConfig } from '../src/config/load.ts';
import { sourceDashboard } from '../src/dashboardBuild.ts';
import { startServer } from '../src/server/server.ts';
import { type Simulator, startSimulator } from '../src/simulator/server.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export interface Scene extends AsyncDisposable {
  readonly url: string;
  /** That many requests of all agents. */
  traffic(requests: number): Promise<void>;
  /** One deployment throttled, one broken, one misconfigured, one drained; and requests that meet all that. */
  trouble(): Promise<void>;
}

const LATENCY = { headMs: 40, firstTokenMs: 30, chunkMs: 1 };
const MODELS = { 'gpt-4.1': { model: 'gpt-4.1' }, 'gpt-4.1-mini': { model: 'gpt-4.1-mini' } };
const FLEET = [
  { name: 'A', region: 'eastus2', latency: LATENCY, deployments: { ...MODELS, 'gpt-5-mini': { model: 'gpt-5-mini' } } },
  { name: 'B', region: 'westeurope', latency: { ...LATENCY, headMs: 90 }, deployments: MODELS },
  { name: 'C', region: 'swedencentral', latency: { ...LATENCY, headMs: 70 }, deployments: MODELS },
].map((endpoint) => ({
  ...endpoint,
  deployments: Object.fromEntries(
    Object.entries(endpoint.deployments).map(([name, one]) => [
      name,
      { ...one, requestsPerMinute: 600, tokensPerMinute: 90_000 },
    ]),
  ),
}));

const AGENTS = [
  { agent: 'cpt_agent', creator: 'ana', operation: 'coding', account: 'clinic-7' },
  { agent: 'icd_agent', creator: 'ben', operation: 'coding', account: 'clinic-7' },
  { agent: 'modifier_assignment_agent', creator: 'ana', operation: 'review', account: 'clinic-7' },
  { agent: 'lcd_agent', creator: 'chidi', operation: 'lookup', account: 'research' },
  { agent: 'comprehensive_rvu_agent', creator: 'ben', operation: 'billing', account: 'research' },
] as const;

function documentFor(simulator: Simulator): object {
  const endpoints = simulator.endpoints.map(({ name, url, apiKey, region, deployments }): [string, object] => [
    name,
    {
      url,
      apiKey,
      region,
      api: 'v1',
      deployments: Object.fromEntries(deployments.map((one) => [one.name, { model: one.model }])),
    },
  ]);
  const over = (model: string, names: string) => [...names].map((name) => `${name}/${model}`);
  return {
    endpoints: Object.fromEntries(endpoints),
    pools: {
      'gpt-4.1': { strategy: 'priority', members: over('gpt-4.1', 'ABC') },
      'gpt-4.1-mini': { strategy: 'roundRobin', members: over('gpt-4.1-mini', 'ABC') },
      'gpt-5-mini': { strategy: 'priority', members: over('gpt-5-mini', 'A') },
    },
    defaultPool: 'gpt-4.1',
    agents: {
      homes: {
        cpt_agent: 'A/gpt-4.1',
        icd_agent: 'B/gpt-4.1',
        modifier_assignment_agent: 'B/gpt-4.1',
        lcd_agent: 'A/gpt-4.1',
        comprehensive_rvu_agent: 'C/gpt-4.1',
      },
      defaultHome: 'A/gpt-4.1',
      failureThreshold: 2,
    },
    plans: {
      pro: { tiers: ['standard'], quota: { tokensPerMinute: 150_000, usdPerMonth: 0.5 } },
      trial: { tiers: ['standard'], quota: { tokensPerDay: 40_000 } },
    },
    tiers: { standard: { chain: ['gpt-4.1'] } },
    accounts: { 'clinic-7': { plan: 'pro' }, research: { plan: 'trial' } },
  };
}

export async function startScene(): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const simulator = stack.use(await startSimulator({ endpoints: FLEET, clock: systemClock }));
  const { url } = stack.use(await startShownRouter(documentFor(simulator)));
  const caller = new Callers(url);
  await caller.makeKeys();
  const kept = stack.move();
  return {
    url,
    traffic: (requests) => caller.traffic(requests),
    trouble: () => trouble(simulator, caller),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A router with its dashboard, open to this machine. */
export async function startShownRouter(document: object): Promise<{ readonly url: string } & AsyncDisposable> {
  const parsed = parseConfig(JSON.stringify(document), {}, 'the scene');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const { app, clock, close } = compose({
    config: parsed.config,
    gate: { adminKey: null, callerKeys: [], loopbackOnly: true },
    storage: { kind: 'memory', isNew: true, connection: () => Promise.resolve({ kind: 'memory' }) },
    insights: null,
    hasPlatformIdentity: false,
    log: () => undefined,
    dashboard: sourceDashboard(join(ROOT)),
  });
  const server = await startServer({ app, clock, host: '127.0.0.1', port: 0 });
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      await server.drain(0);
      await close();
    },
  };
}

async function trouble(simulator: Simulator, caller: Callers): Promise<void> {
  simulator.faults.add({ fault: '429;retry-after=95', endpoint: 'A', deployment: 'gpt-4.1' });
  await caller.traffic(10);
  simulator.faults.add({ fault: '500', endpoint: 'B', deployment: 'gpt-4.1' });
  await caller.traffic(25);
  simulator.faults.add({ fault: '401', endpoint: 'B', deployment: 'gpt-4.1-mini' });
  await caller.control('POST', '/router/deployments/C%2Fgpt-4.1-mini/drain');
  await caller.traffic(15);
}

class Callers {
  readonly #url: string;
  readonly #keys = new Map<string, string>();

  constructor(url: string) {
    this.#url = url;
  }

  async makeKeys(): Promise<void> {
    for (const account of new Set(AGENTS.map((one) => one.account))) {
      const { key } = (await this.control('POST', '/router/keys', { account })) as { key: string };
      this.#keys.set(account, key);
    }
  }

  async control(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  async traffic(requests: number): Promise<void> {
    for (let sent = 0; sent < requests; sent += 5) {
      await Promise.all(Array.from({ length: 5 }, (_, at) => this.#ask(sent + at)));
    }
  }

  async #ask(turn: number): Promise<void> {
    const { agent, creator, operation, account } =
      AGENTS[(turn * 7 + Math.floor(turn / 5)) % AGENTS.length] ?? AGENTS[0];
    const model = turn % 6 === 0 ? 'gpt-4.1-mini' : turn % 11 === 0 ? 'gpt-5-mini' : 'gpt-4.1';
    const content = `${'The patient was seen for a follow-up. '.repeat(30)} Note ${turn}: what is to be billed?`;
    const response = await fetch(`${this.#url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'api-key': this.#keys.get(account) ?? '',
        'x-agent-name': agent,
        'x-creator': creator,
        'x-operation': operation,
      },
      body: JSON.stringify({ model, messages: [{ role: 'user', content }] }),
    });
    await response.arrayBuffer();
  }
}
