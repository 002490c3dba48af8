/** What a request that is over has taught about its agent: told once for each, however many attempts it took. */
import type { DeploymentId } from '../domain/deployment.ts';
import { FAILOVER_OUTCOMES, type Outcome } from '../domain/outcome.ts';
import { availability } from '../routing/availability.ts';
import type { Route } from '../routing/decide.ts';
import type { AttemptsDeps, Served } from './attempts.ts';
import type { Call } from './call.ts';
import type { Step, Trail } from './trail.ts';

export interface Over {
  readonly call: Call;
  readonly route: Route;
  readonly trail: Trail;
  readonly served: Served | null;
}

export function settle(deps: AttemptsDeps, over: Over): void {
  // Whoever left has not waited for the end, which might have been another one.
  if (over.served === null && over.call.caller.gone) return;
  settleAgent(deps, over);
  settleFailover(deps, over);
}

function settleAgent(deps: AttemptsDeps, over: Over): void {
  const { route, trail, call } = over;
  if (route.sticky === null) return;
  const on = route.sticky.deployment;
  const step = lastStepOn(on, trail);
  if (step === null || !step.taught) return;
  const failed = isFailure(step.outcome);
  // Provisioned throughput that is used up spills what it would have refused, and nothing else: no reason to move away.
  if (step.outcome === 'throttled' && deps.config.deployments.get(on)?.kind === 'ptu') return;
  const fallback = failed ? (serverOf(over) ?? standIn(deps, route, on)) : null;
  const at = deps.clock.now();
  deps.state.recordAgent({ agent: call.labels.agent, on, failed, at, fallback, cause: step.outcome });
}

function settleFailover({ state, clock }: AttemptsDeps, over: Over): void {
  const [first] = over.trail;
  const to = serverOf(over);
  if (first === undefined || to === null || to === first.deployment) return;
  const { labels, id: requestId } = over.call;
  const failover = { agent: labels.agent, from: first.deployment, to, cause: first.outcome };
  state.recordFailover({ ...failover, at: clock.now(), requestId });
}

function lastStepOn(deployment: DeploymentId, trail: Trail): Step | null {
  for (let at = trail.length - 1; at >= 0; at--) if (trail[at]?.deployment === deployment) return trail[at] ?? null;
  return null;
}

/** Who served the request; a failure that was passed on as it came is no service. */
function serverOf({ served }: Over): DeploymentId | null {
  return served === null || isFailure(served.outcome) ? null : served.deployment.id;
}

function isFailure(outcome: Outcome): boolean {
  return FAILOVER_OUTCOMES.some((one) => one === outcome);
}

/** Who could take the agent over, though it was not asked, or in vain this time. */
function standIn(
  { state, clock }: AttemptsDeps,
  { candidates, skipped }: Route,
  on: DeploymentId,
): DeploymentId | null {
  const spared = skipped.filter(({ reason }) => reason === 'failoverOff').map(({ deployment }) => deployment);
  const others = [...candidates.map(({ deployment }) => deployment.id), ...spared].filter((id) => id !== on);
  const kindOf = (id: DeploymentId) => availability(state.snapshot().health(id), clock.now()).kind;
  return others.find((id) => kindOf(id) === 'ready') ?? others.find((id) => kindOf(id) !== 'out') ?? null;
}
