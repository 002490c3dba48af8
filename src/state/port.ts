/**
 * What instances know of deployments and agents, and what they share. What the data plane needs on a healthy path is answered
 * at once from memory; whatever has to travel does so behind it.
 */
import type { AgentFinding, Assignment } from '../domain/assignment.ts';
import type { Pool } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { FleetEvent } from '../domain/event.ts';
import type { Finding, Snapshot } from '../domain/health.ts';

export interface State {
  snapshot(): Snapshot;
  /** A request is on its way there. */
  sent(deployment: DeploymentId): void;
  /** Takes note of what an attempt taught. */
  record(finding: Finding): void;
  /**
   * Claims the one request of the fleet that may go to a deployment that is being tried again; false: another one is on its way, or
   * others shall ask, as this request has somewhere else to go.
   */
  claimProbe(deployment: DeploymentId, now: number, isLastHope: boolean): Promise<boolean>;
  /** Gives a claimed probe back that taught nothing, as its caller left. */
  dropProbe(deployment: DeploymentId): void;
  /** Takes note of how a request fared on the deployment its agent is stuck to. */
  recordAgent(finding: AgentFinding): void;
  /** Takes note of a request that went elsewhere. */
  recordFailover(failover: Failover): void;
  /** The pool's next turn under round robin: 0, 1, 2, … Only strict order (`block: 1`) waits for the store. */
  turn(pool: Pool): number | Promise<number>;
  /** The same without taking it. */
  peekTurn(pool: string): number;
  /** Which deployment holds a stored response, as far as this instance has seen. */
  holderOf(responseId: string): DeploymentId | null;
  /** The same, asking the store where this instance has not seen it. */
  findHolder(responseId: string): Promise<DeploymentId | null>;
  remember(responseId: string, holder: DeploymentId): void;
}

export interface Failover {
  readonly agent: string;
  readonly from: DeploymentId;
  readonly to: DeploymentId;
  readonly cause: string;
  readonly at: number;
  readonly requestId?: string;
}

export interface AgentStanding {
  readonly agent: string;
  readonly assignment: Assignment | null;
  /** Failures on the deployment it is stuck to, within the window, since the last success. */
  readonly failures: number;
  readonly lastFailedAt: number | null;
}

export interface StoreStanding {
  readonly kind: 'memory' | 'tables';
  /** Whether other instances share it. */
  readonly shared: boolean;
  readonly healthy: boolean;
  /** Since when it is healthy, or is not; `null` before the first answer. */
  readonly since: number | null;
  readonly lastReadAt: number | null;
  /** What is wrong with it, for people. */
  readonly problem: string | null;
  /** About how many instances share it. */
  readonly instances: number;
}

/** What operators may see and do; each change holds for the whole fleet, and is refused where the store cannot be reached. */
export interface Operations {
  drain(deployment: DeploymentId): Promise<void>;
  /** Back into rotation, whatever kept it out: a drain, an open breaker, a rest, a misconfiguration. */
  restore(deployment: DeploymentId): Promise<void>;
  assign(agent: string, deployment: DeploymentId, pinned: boolean): Promise<Assignment>;
  /** Sends an agent home and forgets its failures; false: there was nothing to do. */
  release(agent: string): Promise<boolean>;
  /** Agents that are not at home, or have failed lately. */
  agents(): readonly AgentStanding[];
  agent(name: string): AgentStanding;
  /** Failures that count against a deployment, in the whole fleet. */
  failuresOf(deployment: DeploymentId): number;
  /** What opened its breaker, for people. */
  causeOf(deployment: DeploymentId): string | null;
  /** Failovers, moves and transitions since an instant, newest first. */
  events(since: number, limit: number): Promise<readonly FleetEvent[]>;
  store(): StoreStanding;
}
