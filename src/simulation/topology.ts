/** Configurations of any size, read by the same code that reads an operator's. */
import { formatFaults } from '../config/faults.ts';
import { parseConfig } from '../config/load.ts';
import type { RouterConfig, Strategy } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { Agent } from './scenario.ts';

export interface Topology {
  readonly regions: readonly string[];
  readonly endpointsPerRegion: number;
  /** Each is deployed on every endpoint, and all its deployments are a pool of that name. */
  readonly models: readonly Model[];
  readonly agents: number;
  /** As an operator writes them: what each may use. */
  readonly accounts?: ByName<object>;
}

export interface Model {
  readonly name: string;
  readonly strategy: Strategy;
  /** Turns of round robin that an instance leases at once. */
  readonly block?: number;
}

export interface Built {
  readonly config: RouterConfig;
  readonly agents: readonly Agent[];
}

/** Strategies that share the traffic out have no use for homes. */
const WITH_HOMES: ReadonlySet<Strategy> = new Set(['priority', 'spread']);

type ByName<T> = Readonly<Record<string, T>>;

export function build(topology: Topology): Built {
  const endpoints = endpointsOf(topology);
  const agents = Array.from({ length: topology.agents }, (_, index) => agentAt(topology, index));
  const names = Object.keys(endpoints);
  const document = {
    endpoints,
    pools: poolsOf(topology, names),
    agents: { homes: homesOf(topology, agents, names) },
    accounts: topology.accounts ?? {},
  };
  const parsed = parseConfig(JSON.stringify(document), {}, 'the simulated configuration');
  if (!parsed.ok) throw new Error(formatFaults(parsed.faults));
  return { config: parsed.config, agents };
}

function endpointsOf({ regions, endpointsPerRegion, models }: Topology): ByName<object> {
  const deployments: ByName<object> = Object.fromEntries(models.map(({ name }) => [name, { model: name }]));
  const endpoints: Record<string, object> = {};
  for (const region of regions) {
    for (let number = 1; number <= endpointsPerRegion; number++) {
      const name = `${region}-${number}`;
      const url = `https://${name}.openai.azure.com`;
      endpoints[name] = { url, apiKey: 'simulated-0123456789abcdef', api: '2024-10-21', region, deployments };
    }
  }
  return endpoints;
}

function poolsOf({ models }: Topology, endpoints: readonly string[]): ByName<object> {
  return Object.fromEntries(
    models.map(({ name, ...sharing }) => {
      const members = endpoints.map((endpoint) => `${endpoint}/${name}`);
      return [name, { ...sharing, members }] as const;
    }),
  );
}

/** One endpoint after the other. */
function homesOf({ models }: Topology, agents: readonly Agent[], endpoints: readonly string[]): ByName<string> {
  const homes: Record<string, string> = {};
  for (const [index, { name, model }] of agents.entries()) {
    const strategy = models.find((one) => one.name === model)?.strategy;
    const endpoint = endpoints[Math.floor(index / models.length) % endpoints.length];
    if (strategy !== undefined && WITH_HOMES.has(strategy)) homes[name] = `${endpoint}/${model}`;
  }
  return homes;
}

function agentAt({ models }: Topology, index: number): Agent {
  const model = models[index % models.length]?.name ?? '';
  return { name: `agent-${index + 1}`, model };
}

export function deploymentsIn({ endpoints, deployments }: RouterConfig, region: string): ReadonlySet<DeploymentId> {
  const found = [...deployments.values()].filter(({ endpoint }) => endpoints.get(endpoint)?.region === region);
  return new Set(found.map(({ id }) => id));
}
