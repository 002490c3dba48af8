/**
 * What instances know of deployments, and what they share. Everything the data plane needs is answered at once from
 * memory; whatever has to travel does so behind it.
 */
import type { DeploymentId } from '../domain/deployment.ts';
import type { Finding, Snapshot } from '../domain/health.ts';

export interface State {
  snapshot(): Snapshot;
  /** Takes note of what an attempt taught. */
  record(finding: Finding): void;
  /** Claims the one request that may go to a deployment that is being tried again; false: another one is on its way. */
  claimProbe(deployment: DeploymentId, now: number): boolean;
  /** The pool's next turn under round robin: 0, 1, 2, … */
  turn(pool: string): number;
  /** The same without taking it. */
  peekTurn(pool: string): number;
  /** Which deployment holds a stored response. */
  holderOf(responseId: string): DeploymentId | null;
  remember(responseId: string, holder: DeploymentId): void;
}
