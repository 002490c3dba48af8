/** Where an agent belongs: its home, the default home, or where it is assigned to while it is not at home. */
import type { Assignment } from '../domain/assignment.ts';
import type { Pool, RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { availability } from './availability.ts';
import { hasMember, permitsDeployment } from './plans.ts';
import type { KnownFacts, RouteRequest } from './request.ts';

/** The deployment that an agent is stuck to for a request, whether or not it can serve now. */
export interface Sticky {
  readonly deployment: DeploymentId;
  /** `assigned`, `pinned`: it is not at home. */
  readonly why: 'home' | 'defaultHome' | 'assigned' | 'pinned';
  /** What it was moved away from: that comes last, so that failing over does not lead straight back. */
  readonly movedFrom: DeploymentId | null;
}

export interface StickyQuestion {
  readonly pool: Pool;
  readonly request: RouteRequest;
  /** The first of a chain: homes count in it alone, as the others only stand in for it. */
  readonly first: boolean;
  /** The caller left the choice to the router: then places outside the pools count as well. */
  readonly auto: boolean;
}

export function stickyIn(config: RouterConfig, question: StickyQuestion, known: KnownFacts): Sticky | null {
  const home = question.first ? homeIn(config, question) : null;
  const assignment = known.snapshot.assignment(question.request.agent);
  if (assignment === null || !counts(config, question, assignment.deployment)) return home;
  const own = config.agents.homes.get(question.request.agent) ?? home?.deployment ?? null;
  if (!isAway(assignment, own, known)) return home;
  const { deployment, from, returnAt } = assignment;
  if (returnAt === null) return { deployment, why: 'pinned', movedFrom: null };
  const leaves = from !== null && from !== deployment && counts(config, question, from);
  return { deployment, why: 'assigned', movedFrom: leaves ? from : null };
}

/** The pool whose other members stand in for the place of an agent that asked for no pool. */
export function autoPool(config: RouterConfig, agent: string, known: KnownFacts): Pool | null {
  const home = config.agents.homes.get(agent) ?? config.agents.defaultHome;
  const assignment = known.snapshot.assignment(agent);
  const away = assignment !== null && isAway(assignment, home, known) ? assignment.deployment : null;
  const fallback = config.pools.get(config.defaultPool) ?? null;
  // An agent that was moved within its pool stays in it.
  const both = away === null || home === null ? [] : [[home, away]];
  for (const places of [...both, [away ?? home]]) {
    const holds = (pool: Pool): boolean => places.every((id) => id !== null && hasMember(pool, id));
    if (fallback !== null && holds(fallback)) return fallback;
    for (const pool of config.pools.values()) if (holds(pool)) return pool;
  }
  return fallback;
}

/**
 * A home of its own counts under every strategy; the default home only where the pool itself does not share the traffic out,
 * and both wherever the caller left the choice to the router.
 */
function homeIn(config: RouterConfig, question: StickyQuestion): Sticky | null {
  const { homes, defaultHome } = config.agents;
  const own = homes.get(question.request.agent);
  if (own !== undefined)
    return counts(config, question, own) ? { deployment: own, why: 'home', movedFrom: null } : null;
  const applies = question.auto || question.pool.strategy === 'priority';
  if (defaultHome === null || !applies || !counts(config, question, defaultHome)) return null;
  return { deployment: defaultHome, why: 'defaultHome', movedFrom: null };
}

/** The pools of a request are permitted already; what lies outside them has to be. */
function counts(config: RouterConfig, { pool, request, auto }: StickyQuestion, id: DeploymentId): boolean {
  if (hasMember(pool, id)) return true;
  return auto && config.deployments.has(id) && permitsDeployment(config, request.plan, id);
}

/** Once its time is over the agent goes home, unless nobody can be reached there. A home that may be probed is how it gets probed. */
function isAway({ returnAt, from }: Assignment, home: DeploymentId | null, { snapshot, now }: KnownFacts): boolean {
  if (returnAt === null || now < returnAt) return true;
  const back = home ?? from;
  return back !== null && availability(snapshot.health(back), now).kind === 'out';
}
