import type { RouterConfig } from '../domain/config.ts';
import type { Deployment } from '../domain/deployment.ts';
import type { Snapshot } from '../domain/health.ts';
import { type Availability, availability } from '../routing/availability.ts';
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

/** Who may serve soonest. */
export interface Soonest {
  readonly next: Next;
  readonly inMs: number;
  /** It may be any moment: somebody is finding out whether it has recovered, or it takes its requests a few at a time. */
  readonly pending: 'probe' | 'ramping' | null;
}

export interface AgainFacts {
  readonly config: RouterConfig;
  readonly route: Route;
  readonly trail: Trail;
  readonly snapshot: Snapshot;
  readonly now: number;
}

/** Who may serve the request soonest, once every candidate has been tried or rests; `null`: nobody can tell. */
export function soonestAgain(facts: AgainFacts): Soonest | null {
  const { trail, snapshot, now } = facts;
  let best: Soonest | null = null;
  for (const next of permitted(facts)) {
    const { id } = next.deployment;
    const standing = availability(snapshot.health(id), now);
    if (standing.kind === 'out' && standing.reason === 'misconfigured') continue;
    if (trail.some((step) => step.deployment === id && step.outcome === 'misconfigured')) continue;
    const pending = pendingOf(standing);
    const inMs = standing.kind === 'out' && pending === null ? standing.until - now : 0;
    if (best === null || inMs < best.inMs || (inMs === best.inMs && pending === null && best.pending !== null))
      best = { next, inMs, pending };
  }
  return best;
}

function pendingOf(standing: Availability): Soonest['pending'] {
  if (standing.kind === 'ramping') return 'ramping';
  return standing.kind === 'probe' || (standing.kind === 'out' && standing.reason === 'halfOpen') ? 'probe' : null;
}

/** Whoever may serve the request, though perhaps not now. */
function permitted({ config, route: { candidates, skipped } }: AgainFacts): Next[] {
  const resting = skipped.flatMap(({ deployment: id, reason, tier }) => {
    const deployment = reason === 'failoverOff' ? undefined : config.deployments.get(id);
    return deployment === undefined ? [] : [{ deployment, tier, ramping: false }];
  });
  return [...candidates, ...resting];
}
