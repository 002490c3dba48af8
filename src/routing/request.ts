/** What is decided on, and what a decision may rest on. */
import type { Draw } from '../domain/clock.ts';
import type { Plan, Tier } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { Snapshot } from '../domain/health.ts';

export interface RouteRequest {
  /** A pool, a tier, a deployment id or `auto`; `null`: the default tier, else the default pool. */
  readonly name: string | null;
  readonly agent: string;
  readonly tier: Tier | null;
  /** False: only the current deployment is tried. */
  readonly failover: boolean;
  readonly spreadKey: string | null;
  /** The deployment that holds what the request refers to. */
  readonly boundTo: DeploymentId | null;
  /** It speaks of something that one endpoint alone keeps: of the pools it may lead to, the first member of the first one. */
  readonly pinned: boolean;
  /** What the caller's account has bought; `null`: anything. */
  readonly plan: Plan | null;
}

export interface KnownFacts {
  readonly snapshot: Snapshot;
  readonly now: number;
}

export interface DecideFacts extends KnownFacts {
  readonly draw: Draw;
  readonly turn: (pool: string) => number;
}
