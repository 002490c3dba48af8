/** What the router tells about its work. Names, figures and causes only: never a body, a key or a header's value. */
import type { DeploymentId } from '../domain/deployment.ts';
import type { FleetEvent } from '../domain/event.ts';
import type { Outcome } from '../domain/outcome.ts';

export interface FailedAttempt {
  readonly requestId: string;
  readonly agent: string;
  readonly deployment: DeploymentId;
  readonly outcome: Outcome;
  readonly cause: string;
  readonly retryAfterMs: number | null;
}

export interface BrokenStream {
  readonly requestId: string;
  readonly deployment: DeploymentId;
  readonly cause: string;
}

export interface Fault {
  readonly requestId: string;
  readonly error: unknown;
}

export interface Journal {
  attemptFailed(attempt: FailedAttempt): void;
  streamBroken(stream: BrokenStream): void;
  /** What this instance has brought about in the fleet. */
  happened(event: FleetEvent): void;
  /** The store does not answer; routing goes on by what is known. Told once, until it is found again. */
  storeLost(facts: { readonly problem: string }): void;
  storeFound(facts: { readonly lostForMs: number }): void;
  /** A fault of the router's own. */
  fault(fault: Fault): void;
}
