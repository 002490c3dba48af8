/** What the journal hears of a request's attempts while they are made. */
import type { DeploymentId } from '../domain/deployment.ts';
import type { Journal } from '../telemetry/port.ts';
import type { Call } from './call.ts';
import type { Judgement } from './judge.ts';
import type { Trail } from './trail.ts';

export function noteFailure(journal: Journal, call: Call, deployment: DeploymentId, judgement: Judgement): void {
  const { outcome, cause, retryAfterMs } = judgement;
  const { id: requestId, labels } = call;
  journal.attemptFailed({ requestId, agent: labels.agent, deployment, outcome, cause, retryAfterMs });
}

/** Another attempt begins; the first one is none of those. */
export function noteRetry(journal: Journal, call: Call, trail: Trail, to: DeploymentId): void {
  const last = trail.at(-1);
  if (last === undefined) return;
  const { deployment: from, outcome: cause } = last;
  journal.retrying({ requestId: call.id, agent: call.labels.agent, from, to, cause });
}
