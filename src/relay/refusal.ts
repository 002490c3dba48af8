import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Snapshot } from '../domain/health.ts';
import { availability } from '../routing/availability.ts';
import type { Route } from '../routing/decide.ts';
import { type Trail, trailHeaders } from './trail.ts';

export interface RefusalFacts {
  readonly route: Route;
  readonly trail: Trail;
  readonly snapshot: Snapshot;
  readonly now: number;
  /** How long to wait where a deployment failed but does not rest. */
  readonly pauseMs: number;
}

type Standing = 'throttled' | 'failing' | 'misconfigured' | 'drained';

/**
 * What the caller is told when no permitted deployment could serve: 429 if all are throttled, 502 if all are misconfigured,
 * else 503; with the soonest moment at which one of them is expected back, where anybody can tell.
 */
export function refusal(facts: RefusalFacts): RouterError {
  const standings = standingsOf(facts);
  const all = [...standings.values()];
  const told = [...standings].map(([id, standing]) => `${id} is ${standing}`).join(', ');
  const headers = trailHeaders(facts.trail);
  if (areAll(all, 'misconfigured')) {
    const message = `No deployment could be reached with the router's configuration: ${told}.`;
    return new RouterError('upstream_failed', message, { headers });
  }
  const retryAfterMs = soonestRecoveryMs(standings, facts);
  const status = areAll(all, 'throttled') ? 429 : 503;
  const back = retryAfterMs === null ? '' : ` One is expected back in ${retryAfterMs} ms.`;
  const message = `No deployment can serve this request now: ${told}.${back}`;
  return new RouterError('no_deployment_available', message, { status, retryAfterMs, headers });
}

const STANDING = {
  throttled: 'throttled',
  open: 'failing',
  halfOpen: 'failing',
  misconfigured: 'misconfigured',
  drained: 'drained',
} as const;

function standingsOf({ route, trail, snapshot, now }: RefusalFacts): Map<DeploymentId, Standing> {
  const standings = new Map<DeploymentId, Standing>();
  for (const { deployment, reason } of route.skipped) {
    if (reason !== 'failoverOff') standings.set(deployment, STANDING[reason]);
  }
  for (const { deployment, outcome } of trail) {
    if (outcome === 'throttled' || outcome === 'failing' || outcome === 'misconfigured')
      standings.set(deployment, outcome);
  }
  for (const { deployment } of route.candidates) {
    if (standings.has(deployment.id)) continue;
    const state = availability(snapshot.health(deployment.id), now);
    if (state.kind === 'out') standings.set(deployment.id, STANDING[state.reason]);
    // Not tried because another request of the fleet is trying it.
    if (state.kind === 'probe') standings.set(deployment.id, 'failing');
  }
  return standings;
}

function areAll(standings: readonly Standing[], wanted: Standing): boolean {
  return standings.length > 0 && standings.every((standing) => standing === wanted);
}

/**
 * A misconfigured deployment comes back when its owner mends it, which nobody can foretell, and a drained one rests for good.
 * `null` where there is nothing else to wait for.
 */
function soonestRecoveryMs(
  standings: ReadonlyMap<DeploymentId, Standing>,
  { snapshot, now, pauseMs }: RefusalFacts,
): number | null {
  let soonest = Number.POSITIVE_INFINITY;
  for (const [id, standing] of standings) {
    if (standing === 'misconfigured') continue;
    const state = availability(snapshot.health(id), now);
    soonest = Math.min(soonest, state.kind === 'out' ? state.until - now : pauseMs);
  }
  return Number.isFinite(soonest) ? Math.max(1, Math.ceil(soonest)) : null;
}
