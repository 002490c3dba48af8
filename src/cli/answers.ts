/** What the control plane answers, as far as it is shown; a test holds these against what it sends. */
import type { KeyView, Overview, OverviewAgent, OverviewQuota } from '../domain/overview.ts';

export interface DeploymentAnswer {
  readonly id: string;
  readonly region: string | null;
  readonly model: string | null;
  readonly kind: string;
  readonly state: string;
  readonly until: string | null;
  readonly since: string | null;
  readonly cause: string | null;
  readonly failures: number;
  readonly latencyMs: number | null;
  readonly headroom: number | null;
}

export interface PoolAnswer {
  readonly name: string;
  readonly strategy: string;
  readonly total_endpoints: number;
  readonly current_endpoint?: string | null | undefined;
  readonly current_index: number | null;
  readonly failed_endpoints: readonly string[];
}

export type AgentAnswer = Omit<OverviewAgent, 'lastFailedAt'>;

export type StoreAnswer = Omit<Overview['store'], 'lastReadAt'>;

export interface StatusAnswer {
  readonly at: string;
  readonly defaultPool: string;
  readonly pools: readonly PoolAnswer[];
  readonly deployments: readonly DeploymentAnswer[];
  readonly agents: readonly AgentAnswer[];
  readonly store: StoreAnswer;
}

export interface Listed<Item> {
  readonly items: readonly Item[];
}

export interface EventAnswer {
  readonly at: string;
  readonly kind: string;
  readonly agent?: string;
  readonly deployment?: string;
  readonly from?: string | null;
  readonly to?: string;
  readonly cause: string;
  readonly count?: number;
  readonly until?: string | null;
}

export type KeyAnswer = KeyView;

export type QuotaAnswer = OverviewQuota;

export interface UsageFigures {
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
  readonly costUsd: number;
  readonly estimatedRequests: number;
  readonly unpricedRequests: number;
}

export const USAGE_LABELS = ['creator', 'model', 'operation', 'account', 'agent', 'day'] as const;
export type UsageLabel = (typeof USAGE_LABELS)[number];

export interface UsageAnswer {
  readonly from: string;
  readonly to: string;
  readonly by: readonly UsageLabel[];
  readonly rows: readonly (UsageFigures & Readonly<Partial<Record<UsageLabel, string>>>)[];
  readonly total: UsageFigures;
}

interface Standing {
  readonly state: string;
  readonly until: string | null;
  readonly since: string | null;
  readonly cause: string | null;
}

interface TierAnswer {
  readonly tier?: string | null;
  readonly downgradedFrom?: string | null;
  readonly reason?: string | null;
}

export interface ExplainAnswer extends TierAnswer {
  readonly name: string | null;
  readonly agent: string;
  readonly pool: string | null;
  readonly failoverOn: readonly string[];
  readonly candidates: readonly (Standing & {
    readonly deployment: string;
    readonly why: string;
    readonly probe: boolean;
  })[];
  readonly skipped: readonly (Standing & { readonly deployment: string; readonly reason?: string | null })[];
}

export interface ProbeResult {
  readonly deployment: string;
  readonly ok: boolean;
  /** `null`: this was not found out. */
  readonly reachable: boolean | null;
  readonly authenticated: boolean | null;
  readonly deploymentExists: boolean | null;
  /** Whether the call could have told. */
  readonly deploymentChecked?: boolean;
  readonly usage?: { readonly costUsd: number | null } | null;
  readonly latencyMs: number | null;
  readonly status: number | null;
  readonly outcome: string | null;
  readonly cause: string | null;
  readonly checkedBy: string | null;
}

export interface ProbeAnswer {
  readonly results: readonly ProbeResult[];
}
