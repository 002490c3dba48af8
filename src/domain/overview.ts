/** What `GET /router/overview` answers: all that the dashboard shows, in one look, as JSON has it. Instants are ISO 8601. */

export interface Overview {
  readonly at: string;
  /** The instance that answers: its `activity` is what it has seen itself. */
  readonly instance: string;
  readonly startedAt: string;
  readonly store: {
    readonly kind: 'memory' | 'tables';
    readonly shared: boolean;
    readonly healthy: boolean;
    readonly since: string | null;
    readonly lastReadAt: string | null;
    readonly problem: string | null;
    readonly instances: number;
  };
  readonly deployments: readonly OverviewDeployment[];
  readonly pools: readonly OverviewPool[];
  readonly agents: readonly OverviewAgent[];
  /** Newest first, of the whole fleet. */
  readonly events: readonly OverviewEvent[];
  readonly quotas: readonly OverviewQuota[];
  readonly activity: Activity;
}

export interface OverviewDeployment {
  readonly id: string;
  readonly endpoint: string;
  readonly region: string | null;
  readonly name: string;
  readonly model: string | null;
  readonly kind: 'standard' | 'ptu';
  readonly state: 'closed' | 'ramping' | 'probing' | 'throttled' | 'open' | 'halfOpen' | 'misconfigured' | 'drained';
  readonly until: string | null;
  readonly since: string | null;
  readonly cause: string | null;
  readonly failures: number;
  readonly latencyMs: number | null;
  /** Share of its rate limit that is left, 0 to 1; `null`: it does not say. */
  readonly headroom: number | null;
}

export interface OverviewPool {
  readonly name: string;
  readonly strategy: string;
  readonly total_endpoints: number;
  readonly current_endpoint: string | null;
  readonly current_type: 'primary' | 'backup' | null;
  readonly current_index: number | null;
  readonly failed_endpoints: readonly string[];
  readonly available_backups: readonly string[];
  readonly has_backups: boolean;
}

export interface OverviewAgent {
  readonly agent: string;
  readonly home: string | null;
  readonly assignment: string | null;
  readonly why: string | null;
  readonly cause: string | null;
  readonly from: string | null;
  readonly since: string | null;
  readonly returnAt: string | null;
  readonly pinned: boolean;
  readonly failures: number;
  readonly lastFailedAt: string | null;
}

export interface OverviewEvent {
  readonly at: string;
  readonly kind: string;
  readonly agent: string | null;
  readonly deployment: string | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: string | null;
  readonly count: number;
  readonly until: string | null;
}

export interface OverviewQuota {
  readonly account: string;
  readonly quota: string;
  readonly limit: number;
  readonly used: number;
  readonly reserved: number;
  readonly remaining: number;
  readonly resetsAt: string;
}

/** What this instance has served lately; usage of the fleet and of days gone by is in `GET /router/usage`. */
export interface Activity {
  /** The last sixty minutes, oldest first, the one under way last; minutes without requests are there with zeros. */
  readonly minutes: readonly ActivityMinute[];
  /** The last five minutes, by deployment: attempts, not requests. */
  readonly deployments: readonly DeploymentActivity[];
  /** The last hour, dearest first, at most twenty each; where there are more, the last is `other`, their sum. */
  readonly by: Readonly<Record<'creator' | 'model' | 'operation' | 'agent' | 'account', readonly ActivityShare[]>>;
  /** What the response cache was asked for in the last hour. */
  readonly cache: { readonly hits: number; readonly misses: number };
}

export interface ActivityMinute {
  readonly at: string;
  readonly requests: number;
  /** Requests that did not get what they asked for, and not by their own fault. */
  readonly failed: number;
  /** Requests that some deployment answered with 429, whoever served them then. */
  readonly throttled: number;
  /** Times that a request went on to another deployment. */
  readonly failovers: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly costUsd: number;
}

export interface DeploymentActivity {
  readonly deployment: string;
  readonly attempts: number;
  readonly throttled: number;
  readonly failed: number;
  /** Of requests that it served, from arrival to the first bytes (streams) or the end; `null`: there were none. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly tokens: number;
}

export interface ActivityShare {
  readonly name: string;
  readonly requests: number;
  readonly tokens: number;
  readonly cachedTokens: number;
  readonly costUsd: number;
}

/** A made key, without what its holder sends. */
export interface KeyView {
  readonly id: string;
  readonly account: string;
  readonly plan: string | null;
  readonly agent: string | null;
  readonly creator: string | null;
  readonly operation: string | null;
  readonly pools: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly expired: boolean;
}
