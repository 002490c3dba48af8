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

type Standing = 'throttled' | 'failing' | 'misconfigured';

/**
 * What the caller is told when no permitted deployment could serve: 429 if all are throttled, 502 if all are misconfigured,
 * else 503; with the soonest moment at which one of them is expected back.
 */
export function refusal(facts: RefusalFacts): RouterError {
  const standings = new Map<DeploymentId, Standing>();
  for (const { deployment, reason } of facts.route.skipped) {
    if (reason !== 'failoverOff') standings.set(deployment, STANDING[reason]);
  }
  for (const { deployment, outcome } of facts.trail) {
    if (outcome === 'throttled' || outcome === 'failing' || outcome === 'misconfigured')
      standings.set(deployment, outcome);
  }
  for (const { deployment } of facts.route.candidates) {
    const state = availability(facts.snapshot.health(deployment.id), facts.now);
    if (!standings.has(deployment.id) && state.kind === 'out') standings.set(deployment.id, STANDING[state.reason]);
  }
  const all = [...standings.values()];
  const told = [...standings].map(([id, standing]) => `${id} is ${standing}`).join(', ');
  const headers = trailHeaders(facts.trail);
  if (all.length > 0 && all.every((standing) => standing === 'misconfigured')) {
    const message = `No deployment could be reached with the router's configuration: ${told}.`;
    return new RouterError('upstream_failed', message, { headers });
  }
  const retryAfterMs = soonestRecoveryMs([...standings], facts);
  const status = all.length > 0 && all.every((standing) => standing === 'throttled') ? 429 : 503;
  const message = `No deployment can serve this request now: ${told}. One is expected back in ${retryAfterMs} ms.`;
  return new RouterError('no_deployment_available', message, { status, retryAfterMs, headers });
}

const STANDING = {
  throttled: 'throttled',
  open: 'failing',
  halfOpen: 'failing',
  misconfigured: 'misconfigured',
} as const;

/** A misconfigured deployment comes back when its owner mends it, which nobody can foretell: it counts only by itself. */
function soonestRecoveryMs(standings: readonly (readonly [DeploymentId, Standing])[], facts: RefusalFacts): number {
  const { snapshot, now, pauseMs } = facts;
  let soonest = Number.POSITIVE_INFINITY;
  for (const [id, standing] of standings) {
    if (standing === 'misconfigured') continue;
    const state = availability(snapshot.health(id), now);
    soonest = Math.min(soonest, state.kind === 'out' ? state.until - now : pauseMs);
  }
  return Math.max(1, Math.ceil(Number.isFinite(soonest) ? soonest : pauseMs));
}
