import type { RouterConfig } from '../domain/config.ts';
import type { Deployment } from '../domain/deployment.ts';
import type { Snapshot } from '../domain/health.ts';
import { availability } from '../routing/availability.ts';
import type { Route } from '../routing/decide.ts';
import type { UsedTier } from '../routing/wanted.ts';
import type { Trail } from './trail.ts';

/** A deployment that is to be tried. */
export interface Next {
  readonly deployment: Deployment;
  readonly tier: UsedTier | null;
  /** It is known to be just coming back, and stands behind the others for that. */
  readonly ramping: boolean;
}

export interface AgainFacts {
  readonly config: RouterConfig;
  readonly route: Route;
  readonly trail: Trail;
  readonly snapshot: Snapshot;
  readonly now: number;
}

/** Who may serve the request soonest, once every candidate has been tried or rests; `null`: nobody can tell. */
export function soonestAgain(facts: AgainFacts): { readonly next: Next; readonly inMs: number } | null {
  const { trail, snapshot, now } = facts;
  let best: { next: Next; inMs: number } | null = null;
  for (const next of permitted(facts)) {
    const { id } = next.deployment;
    const standing = availability(snapshot.health(id), now);
    if (standing.kind === 'out' && standing.reason === 'misconfigured') continue;
    if (trail.some((step) => step.deployment === id && step.outcome === 'misconfigured')) continue;
    const inMs = standing.kind === 'out' ? standing.until - now : 0;
    if (best === null || inMs < best.inMs) best = { next, inMs };
  }
  return best;
}

/** Whoever may serve the request, though perhaps not now. */
function permitted({ config, route: { candidates, skipped } }: AgainFacts): Next[] {
  const resting = skipped.flatMap(({ deployment: id, reason, tier }) => {
    const deployment = reason === 'failoverOff' ? undefined : config.deployments.get(id);
    return deployment === undefined ? [] : [{ deployment, tier, ramping: false }];
  });
  return [...candidates, ...resting];
}
