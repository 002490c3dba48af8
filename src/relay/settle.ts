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
  // Whoever left has not waited for the end, which might have been another one; nor has whoever was dismissed.
  const { gone, dismissed } = over.call.caller;
  if (over.served === null && (gone || dismissed === true)) return;
  settleAgent(deps, over);
  settleFailover(deps, over);
}

function settleAgent(deps: AttemptsDeps, over: Over): void {
  const { route, trail, call, served } = over;
  if (route.sticky === null) return;
  const on = route.sticky.deployment;
  // How a stream fares that has only begun its end will tell.
  if (served !== null && served.deployment.id === on && hasBegun(served)) return;
  const step = lastStepOn(on, trail);
  if (step === null || !step.taught) return;
  const fallback = (): DeploymentId | null => serverOf(over) ?? standIn(deps, route, on);
  tellAgent(deps, { agent: call.labels.agent, on, outcome: step.outcome, fallback });
}

/** An agent on the deployment that it is stuck to. */
interface Stay {
  readonly agent: string;
  readonly on: DeploymentId;
  readonly outcome: Outcome;
  readonly fallback: () => DeploymentId | null;
}

function tellAgent({ config, clock, state }: AttemptsDeps, { agent, on, outcome, fallback }: Stay): void {
  // Provisioned throughput that is used up spills what it would have refused, and nothing else: no reason to move away.
  if (outcome === 'throttled' && config.deployments.get(on)?.kind === 'ptu') return;
  const failed = isFailure(outcome);
  state.recordAgent({ agent, on, failed, at: clock.now(), fallback: failed ? fallback() : null, cause: outcome });
}

/** Whether an answer that is still coming in has begun well. */
export function hasBegun({ end, outcome }: Served): boolean {
  return end.kind === 'live' && outcome === 'ok';
}

/** A stream of an agent on the deployment that it is stuck to has ended; `route` is asked where it failed. */
export function settleStream(
  deps: AttemptsDeps,
  { call, on, outcome, route }: { call: Call; on: DeploymentId; outcome: Outcome; route: () => Route },
): void {
  tellAgent(deps, { agent: call.labels.agent, on, outcome, fallback: () => standIn(deps, route(), on) });
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
