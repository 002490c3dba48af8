/** The configuration as the rest of the router sees it: checked, complete, every default filled in. */
import type { Deployment, DeploymentId, Endpoint } from './deployment.ts';
import type { FailoverOutcome } from './outcome.ts';

export const STRATEGIES = ['priority', 'roundRobin', 'weighted', 'spread', 'leastLatency', 'mostHeadroom'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export const TIERS = ['premium', 'standard', 'economy'] as const;
export type Tier = (typeof TIERS)[number];

export interface PoolMember {
  readonly deployment: DeploymentId;
  /** Share of the traffic under `weighted`; 1 elsewhere. */
  readonly weight: number;
}

export interface Pool {
  readonly name: string;
  readonly strategy: Strategy;
  /** In order of preference; never empty. */
  readonly members: readonly PoolMember[];
  readonly failoverOn: ReadonlySet<FailoverOutcome>;
  /** Round robin: how many turns an instance takes from the shared cursor at once. */
  readonly block: number;
  /** The region whose members come first, in the short spelling; `null`: none. */
  readonly preferRegion: string | null;
  readonly cache: boolean;
}

export interface Agents {
  readonly homes: ReadonlyMap<string, DeploymentId>;
  readonly defaultHome: DeploymentId | null;
  readonly failureThreshold: number;
  readonly failureWindowMs: number;
}

/** Each absent limit is `null`: unlimited. */
export interface Quota {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
  readonly tokensPerDay: number | null;
  readonly tokensPerMonth: number | null;
  readonly usdPerDay: number | null;
  readonly usdPerMonth: number | null;
}

export interface Plan {
  readonly name: string;
  readonly tiers: readonly Tier[];
  readonly onHigherTier: 'downgrade' | 'refuse';
  readonly downgradeWhenUnavailable: boolean;
  readonly quota: Quota;
}

export interface Account {
  readonly name: string;
  readonly plan: string | null;
  /** The account's own limits; a `null` falls back to the plan's. */
  readonly quota: Quota;
}

export interface Breaker {
  readonly failures: number;
  readonly windowMs: number;
  readonly openMs: number;
  readonly maxOpenMs: number;
  readonly refreshMs: number;
}

export interface Timeouts {
  /** From the request's arrival to the first byte of its answer. */
  readonly deadlineMs: number;
  readonly connectMs: number;
  readonly firstTokenMs: number;
  /** Longest wait for one attempt's whole unstreamed answer; `null`: half of what is left while others could still serve. */
  readonly answerMs: number | null;
  readonly streamIdleMs: number;
  readonly streamMaxMs: number;
  readonly heartbeatMs: number;
}

export interface Retries {
  readonly sameDeployment: number;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly budgetPercent: number;
}

export interface Cache {
  readonly ttlMs: number;
  readonly maxMb: number;
}

export interface Limits {
  readonly bodyMb: number;
  readonly headerCount: number;
  readonly headerKb: number;
  readonly jsonDepth: number;
}

/** Tokens of Entra ID as credentials. */
export interface Entra {
  /** Who may have issued a token. */
  readonly issuers: readonly string[];
  /** For whom it must have been issued. */
  readonly audiences: readonly string[];
  /** Where the issuer's keys are (JWKS). */
  readonly keysUrl: string;
  /** The application roles that let a caller, or an operator, in. */
  readonly callerRole: string;
  readonly adminRole: string;
  /** Application (`azp`, `appid`) or object id (`oid`) -> account; whoever stands here needs no role. */
  readonly accounts: ReadonlyMap<string, string>;
}

export interface Auth {
  readonly entra: Entra | null;
  /** Refused credentials that one source may send in a minute before it is told to wait. */
  readonly failuresPerMinute: number;
  /** So long keys are believed while the store cannot be asked whether they still hold. */
  readonly keysOutliveStoreMs: number;
}

export interface Quotas {
  /** What becomes of a request while the store cannot say what is left. */
  readonly whenStoreDown: 'open' | 'closed';
  /** Reserved for the answer where the request does not say how long it may become. */
  readonly outputTokens: number;
  /** From this share of a limit on people are warned. */
  readonly warnPercent: number;
}

export interface UsageSettings {
  /** How often an instance writes what it has counted. */
  readonly flushMs: number;
  readonly keepDays: number;
  /** Ask deployments for the usage of streams whose callers did not. */
  readonly askForUsage: boolean;
}

export interface Telemetry {
  /** Whether each request has its line in the log; `null`: where nothing else keeps count. */
  readonly requestLog: boolean | null;
  /** Different agents, creators, … in metrics; whoever comes later counts as `other`. */
  readonly labelValues: number;
}

export interface RouterConfig {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly deployments: ReadonlyMap<DeploymentId, Deployment>;
  readonly pools: ReadonlyMap<string, Pool>;
  readonly defaultPool: string;
  readonly agents: Agents;
  /** Tier -> the pools that serve it, in order: primary, secondary, disaster recovery. */
  readonly tiers: ReadonlyMap<Tier, readonly string[]>;
  readonly defaultTier: Tier | null;
  readonly plans: ReadonlyMap<string, Plan>;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly breaker: Breaker;
  readonly timeouts: Timeouts;
  readonly retries: Retries;
  readonly cache: Cache;
  readonly limits: Limits;
  readonly auth: Auth;
  readonly quotas: Quotas;
  readonly usage: UsageSettings;
  readonly telemetry: Telemetry;
}
