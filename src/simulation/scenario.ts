/** What a run is told: how large the fleet is, who calls it, and what goes wrong when. Times are since the run began. */
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { Accounts } from './accounts.ts';
import type { Latency } from './chance.ts';

export interface Scenario {
  readonly name: string;
  /** What it shows, in a line. */
  readonly about: string;
  readonly instances: number;
  /** What every instance is configured with. */
  readonly config: RouterConfig;
  readonly agents: readonly Agent[];
  /** `null`: nobody is asked for a key. */
  readonly accounts: Accounts | null;
  /** Of each instance. */
  readonly requestsPerSecond: number;
  /** Instances begin within it, one by one at random. */
  readonly startsWithinMs: number;
  /** By then the fleet has settled: what is measured as healthy begins here. */
  readonly settledAtMs: number;
  readonly lastsMs: number;
  /** When the run begins, on the clocks of the instances: what is done at certain times of day falls into it or does not. */
  readonly startedAt: number;
  /** No clock is further from the right time. */
  readonly clockErrorMs: number;
  /** How long deployments take to answer. */
  readonly answers: Latency;
  readonly store: StoreFacts;
  readonly faults: readonly Fault[];
}

export interface Agent {
  readonly name: string;
  /** The pool that it names in its requests. */
  readonly model: string;
}

export interface StoreFacts {
  readonly latency: Latency;
  /** What a partition serves before it throttles. */
  readonly entitiesPerSecond: number;
}

interface Lasting {
  readonly fromMs: number;
  readonly toMs: number;
}

interface OnDeployments extends Lasting {
  readonly deployments: ReadonlySet<DeploymentId>;
}

/** `refused`: the connection is; `503`: so says the answer; `silent`: nothing comes, not even a connection. */
export type Down = OnDeployments & { readonly kind: 'down'; readonly how: 'refused' | '503' | 'silent' };
/** Beyond so many requests a minute it answers 429, with Retry-After. */
export type Limited = OnDeployments & { readonly kind: 'limited'; readonly requestsPerMinute: number };
/** A share of the requests is answered with 500. */
export type Erring = OnDeployments & { readonly kind: 'erring'; readonly share: number };
export type StoreFault = Lasting &
  ({ readonly kind: 'storeGone' } | { readonly kind: 'storeSlow'; readonly latency: Latency });

export type Fault = Down | Limited | Erring | StoreFault;

export function isOn({ fromMs, toMs }: Lasting, atMs: number): boolean {
  return fromMs <= atMs && atMs < toMs;
}

export function downsOf({ faults }: Pick<Scenario, 'faults'>): readonly Down[] {
  return faults.filter((fault) => fault.kind === 'down');
}

export function storeFaultsOf({ faults }: Pick<Scenario, 'faults'>): readonly StoreFault[] {
  return faults.filter((fault) => fault.kind === 'storeGone' || fault.kind === 'storeSlow');
}
