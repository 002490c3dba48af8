/** Where an agent is stuck to while it is not at home. An agent at home has no assignment of its own. */
import type { DeploymentId } from './deployment.ts';

export interface Assignment {
  readonly deployment: DeploymentId;
  /** Where it was before; `null` where it had no place. */
  readonly from: DeploymentId | null;
  /** `moved`: by failures. `operator`: by hand. */
  readonly why: 'moved' | 'operator';
  /** For people: `throttled, throttled, failing`. */
  readonly cause: string;
  readonly since: number;
  /** From when on it goes home, as soon as its home can be used; `null`: pinned, until an operator takes that back. */
  readonly returnAt: number | null;
}

/** What a request taught about the deployment its agent is stuck to. */
export interface AgentFinding {
  readonly agent: string;
  /** Where the agent was stuck to when the request came. */
  readonly on: DeploymentId;
  readonly failed: boolean;
  readonly at: number;
  /** Who serves the agent if this was one failure too many; `null`: nobody can. */
  readonly fallback: DeploymentId | null;
  /** For people: `throttled`. */
  readonly cause: string;
}
