/** The whole simulator's state, built once from its options. */
import type { Clock, Draw } from '../domain/clock.ts';
import { type ArmedFaults, createArmedFaults } from './armed-faults.ts';
import { createLedger, type Ledger } from './books.ts';
import type { Deployment, Endpoint } from './call.ts';
import { modelCalled } from './catalog.ts';
import {
  DEFAULT_KEY,
  type DeploymentOptions,
  type EndpointOptions,
  type Latency,
  type SimulatorOptions,
} from './fleet.ts';
import { createLimits } from './limits.ts';
import { systemClock } from './system-clock.ts';
import { createPrefixCache } from './tokens.ts';

export interface World {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly faults: ArmedFaults;
  readonly ledger: Ledger;
  readonly acceptedTokens: readonly string[];
  readonly compress: boolean;
  readonly control: NonNullable<SimulatorOptions['control']>;
}

const NO_LATENCY: Latency = { headMs: 0, firstTokenMs: 0, chunkMs: 0 };
const DEFAULT_KEPT_CALLS = 500;

export function createWorld(options: SimulatorOptions): World {
  const clock = options.clock ?? systemClock;
  const draw = options.draw ?? Math.random;
  const endpoints = new Map<string, Endpoint>();
  for (const endpoint of options.endpoints) {
    if (endpoints.has(endpoint.name)) throw new RangeError(`Two endpoints are called "${endpoint.name}".`);
    endpoints.set(endpoint.name, createEndpoint(endpoint, clock));
  }
  return {
    clock,
    draw,
    endpoints,
    faults: createArmedFaults(clock, draw),
    ledger: createLedger(options.keepCalls ?? DEFAULT_KEPT_CALLS),
    acceptedTokens: options.acceptedTokens ?? [],
    compress: options.compress ?? false,
    control: options.control ?? 'loopback',
  };
}

function createEndpoint(options: EndpointOptions, clock: Clock): Endpoint {
  const latency = { ...NO_LATENCY, ...options.latency };
  const deployments = new Map<string, Deployment>();
  for (const [name, deployment] of Object.entries(options.deployments)) {
    deployments.set(name, createDeployment(name, deployment, { clock, latency }));
  }
  return {
    name: options.name,
    apiKey: options.apiKey ?? DEFAULT_KEY,
    region: options.region ?? 'East US 2',
    deployments,
    latency,
    files: new Map(),
    responses: new Map(),
  };
}

function createDeployment(
  name: string,
  options: DeploymentOptions,
  { clock, latency }: { clock: Clock; latency: Latency },
): Deployment {
  const model = modelCalled(options.model);
  return {
    name,
    model: { ...model, contextTokens: options.contextTokens ?? model.contextTokens },
    kind: options.kind ?? 'standard',
    limits: createLimits(options, clock),
    cache: createPrefixCache(clock),
    latency: { ...latency, ...options.latency },
  };
}
