/** What is known of a deployment, and what the router makes of it. */
import type { Assignment } from './assignment.ts';
import type { DeploymentId } from './deployment.ts';

/** What the answers of the last window came to. */
export interface TrackRecord {
  /** When it failed, oldest first. */
  readonly failedAt: readonly number[];
  /** Failures since the last success. */
  readonly inRow: number;
  readonly served: Served;
}

/** Successes, by stretches of one window: those of the present one, and of the one before it. */
export interface Served {
  /** When the present stretch began. */
  readonly since: number;
  readonly count: number;
  readonly before: number;
}

export const CLEAN_RECORD: TrackRecord = { failedAt: [], inRow: 0, served: { since: 0, count: 0, before: 0 } };

export type BreakerState =
  | ({ readonly kind: 'closed' } & TrackRecord)
  | { readonly kind: 'open'; readonly openUntil: number; readonly openings: number }
  /** One request of the whole fleet is finding out; if nothing is heard of it, another one may go at `leaseUntil`. */
  | { readonly kind: 'halfOpen'; readonly leaseUntil: number; readonly openings: number };

export interface Misconfiguration {
  readonly since: number;
  /** When one request may find out whether it has been mended. */
  readonly probeAt: number;
  readonly cause: string;
}

/** A deployment that has just come back takes one request more for each that it has answered, so that nobody stampedes. */
export interface Recovery {
  readonly since: number;
  readonly sent: number;
  readonly answered: number;
}

/** What is left of its rate limit, as it says; `null`: not said, or not known. */
export interface Remaining {
  readonly tokens: number | null;
  readonly requests: number | null;
}

export interface Health {
  readonly breaker: BreakerState;
  /** The deployment asked to be left alone until then; 0 where it did not. */
  readonly restUntil: number;
  /** 429 answers in a row. */
  readonly throttles: number;
  readonly misconfigured: Misconfiguration | null;
  /** Since when an operator keeps it out of rotation. */
  readonly drainedSince: number | null;
  readonly recovery: Recovery | null;
  /** Smoothed time to the first byte; `null` before the first answer. */
  readonly latencyMs: number | null;
  /** The share of its limit that is left, 0 to 1; `null` where the deployment has not said. */
  readonly headroom: number | null;
  /** The same in numbers, which come without the limit at times; absent where it has said none. */
  readonly remaining?: Remaining;
}

export const HEALTHY: Health = {
  breaker: { kind: 'closed', ...CLEAN_RECORD },
  restUntil: 0,
  throttles: 0,
  misconfigured: null,
  drainedSince: null,
  recovery: null,
  latencyMs: null,
  headroom: null,
};

/** What a decision rests on: how the deployments stand, and which agents are not at home. */
export interface Snapshot {
  health(deployment: DeploymentId): Health;
  assignment(agent: string): Assignment | null;
}

/** What an attempt taught about its deployment. */
export interface Finding {
  readonly deployment: DeploymentId;
  readonly outcome: 'ok' | 'throttled' | 'failing' | 'misconfigured' | 'other';
  readonly at: number;
  /** Whether the attempt was the one that found out whether the deployment has recovered. */
  readonly probe: boolean;
  /** The deployment's own word on how long to leave it alone. */
  readonly retryAfterMs: number | null;
  readonly latencyMs: number | null;
  readonly headroom: number | null;
  readonly remaining?: Remaining;
  /** For people: `status 503`, `connection reset`. */
  readonly cause: string;
  /** How a stream ended whose beginning was told before: it makes no more room for others. */
  readonly sequel?: true;
}
