/** What the router tells about its work. Names, figures and causes only: never a body, a key or a header's value. */
import type { DeploymentId } from '../domain/deployment.ts';
import type { FleetEvent } from '../domain/event.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { RequestRecord } from '../domain/usage.ts';

export interface FailedAttempt {
  readonly requestId: string;
  readonly agent: string;
  readonly deployment: DeploymentId;
  readonly outcome: Outcome;
  readonly cause: string;
  readonly retryAfterMs: number | null;
}

/** The failed attempt, and who is asked next. */
export interface Retry {
  readonly requestId: string;
  readonly agent: string;
  readonly from: DeploymentId;
  readonly to: DeploymentId;
  /** What the failed attempt came to. */
  readonly cause: Outcome;
}

export interface BrokenStream {
  readonly requestId: string;
  readonly deployment: DeploymentId;
  readonly cause: string;
}

/** A request that was turned away before there was anybody to route it for, or to. */
export interface RefusedRequest {
  readonly requestId: string;
  /** As the request calls itself; `null`: it does not. */
  readonly agent: string | null;
  readonly status: number;
  /** The router's own. */
  readonly code: string;
  readonly durationMs: number;
}

export interface Fault {
  readonly requestId: string;
  readonly error: unknown;
}

export interface Journal {
  attemptFailed(attempt: FailedAttempt): void;
  /** The next attempt begins after one that failed, on another deployment or on the same one again. */
  retrying(retry: Retry): void;
  streamBroken(stream: BrokenStream): void;
  /** A data-plane request is over. */
  requestEnded(record: RequestRecord): void;
  /** It was wrong in itself: it has its line, and is counted nowhere. Whoever is not let in is told of in sums. */
  requestRefused(refused: RefusedRequest): void;
  /** From here on little is left; told once for each window. */
  quotaRunsLow(facts: QuotaLevel): void;
  /** Somebody was not let in. Told in sums, for these come in floods. */
  credentialsRefused(facts: { readonly count: number; readonly throttled: number }): void;
  /** Told once for each model. */
  priceUnknown(facts: { readonly model: string; readonly deployment: DeploymentId }): void;
  /** The ledger could not be written for so long that counts were given up. */
  usageLost(facts: { readonly requests: number }): void;
  /** What this instance has brought about in the fleet. */
  happened(event: FleetEvent): void;
  /** The store does not answer; routing goes on by what is known. Told once, until it is found again. */
  storeLost(facts: { readonly problem: string }): void;
  storeFound(facts: { readonly lostForMs: number }): void;
  /** A fault of the router's own. */
  fault(fault: Fault): void;
}

export interface QuotaLevel {
  readonly account: string;
  readonly quota: string;
  readonly used: number;
  readonly limit: number;
  readonly resetsAt: number;
}

/** What can be looked at, at any time. */
export interface Gauges {
  deployments(): Iterable<{ readonly deployment: DeploymentId; readonly state: DeploymentState }>;
  /** How many agents are stuck to which deployment, as far as they are not at home. */
  assignments(): Iterable<{ readonly deployment: DeploymentId; readonly agents: number }>;
  quotas(): Iterable<QuotaLevel>;
  store(): { readonly healthy: boolean; readonly instances: number };
}

export const DEPLOYMENT_STATES = [
  'ready',
  'ramping',
  'probing',
  'resting',
  'open',
  'misconfigured',
  'drained',
] as const;
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number];

/** Where metrics and events go. */
export interface InsightsSettings {
  readonly connectionString: string;
  /** The app's identity instead of the key in the connection string; `clientId`: a user-assigned one. */
  readonly identity: { readonly clientId: string | null } | null;
  readonly roleName: string;
}
