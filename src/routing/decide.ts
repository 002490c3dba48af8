import type { Pool, RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import { FAILOVER_OUTCOMES, type FailoverOutcome } from '../domain/outcome.ts';
import { type Availability, availability, type OutReason } from './availability.ts';
import type { DecideFacts, KnownFacts, RouteRequest } from './request.ts';
import { type Sticky, type StickyQuestion, stickyIn } from './sticky.ts';
import { orderMembers } from './strategies.ts';
import { type Forbidden, type Link, type Unknown, type UsedTier, type Wanted, wantedBy } from './wanted.ts';

export type Decision = { readonly kind: 'route'; readonly route: Route } | Unknown | Forbidden;

export interface Route {
  readonly pool: string | null;
  /** The tier of the first pool; candidates further down a chain may stand in a lower one. */
  readonly tier: UsedTier | null;
  readonly candidates: readonly Candidate[];
  readonly skipped: readonly Skipped[];
  readonly failoverOn: ReadonlySet<FailoverOutcome>;
  /** The deployment that the agent is stuck to here; `null` where it has no place of its own, or named one. */
  readonly sticky: Sticky | null;
}

export interface Candidate {
  readonly deployment: Deployment;
  /** The request goes there to find out whether the deployment has recovered. */
  readonly probe: boolean;
  /** It has just come back and takes its requests a few at a time: all others come first. */
  readonly ramping: boolean;
  readonly why: Why;
  readonly tier: UsedTier | null;
}

export type Why = 'bound' | 'named' | Sticky['why'] | 'strategy';

export interface Skipped {
  readonly deployment: DeploymentId;
  readonly reason: OutReason | 'failoverOff';
  /** When it is expected back; `null`: nobody can tell. */
  readonly until: number | null;
  readonly tier: UsedTier | null;
}

interface Order {
  readonly pool: string | null;
  readonly tier: UsedTier | null;
  readonly places: readonly Place[];
  readonly failoverOn: ReadonlySet<FailoverOutcome>;
  readonly sticky: Sticky | null;
}

interface Place {
  readonly id: DeploymentId;
  readonly why: Why;
  readonly tier: UsedTier | null;
}

const ALL_OUTCOMES: ReadonlySet<FailoverOutcome> = new Set(FAILOVER_OUTCOMES);
const NO_OUTCOMES: ReadonlySet<FailoverOutcome> = new Set();

/** The permitted deployments in the order in which they will be tried, and why the others are left out. */
export function decide(config: RouterConfig, request: RouteRequest, facts: DecideFacts): Decision {
  const wanted = wantedBy(config, request, facts);
  switch (wanted.kind) {
    case 'unknown':
    case 'forbidden':
      return wanted;
    case 'deployment': {
      const places = [{ id: wanted.id, why: wanted.why, tier: null }];
      const order = { pool: null, tier: null, places, failoverOn: ALL_OUTCOMES, sticky: null };
      return { kind: 'route', route: routeAlong(order, config, request, facts) };
    }
    case 'chain': {
      const order = request.pinned ? pinnedOrder(wanted) : orderOf(config, wanted, request, facts);
      return { kind: 'route', route: routeAlong(order, config, request, facts) };
    }
    default:
      return wanted satisfies never;
  }
}

/** The pool that a turn of round robin is taken from for this request: the one that is about to share it out; `null`: none is. */
export function turnPool(config: RouterConfig, request: RouteRequest, known: KnownFacts): Pool | null {
  const wanted = wantedBy(config, request, known);
  if (wanted.kind !== 'chain' || request.pinned || !wanted.links.some(({ pool }) => takesTurns(pool))) return null;
  const kindOf = (id: DeploymentId) => availability(known.snapshot.health(id), known.now).kind;
  for (const link of wanted.links) {
    const sticky = stickyIn(config, questionOf(wanted, link, request), known);
    if (sticky !== null && goesFirst(kindOf(sticky.deployment))) return null;
    if (link.pool.members.some(({ deployment }) => goesFirst(kindOf(deployment))))
      return takesTurns(link.pool) ? link.pool : null;
  }
  const ramping = wanted.links.find(({ pool }) =>
    pool.members.some(({ deployment }) => kindOf(deployment) === 'ramping'),
  );
  return ramping !== undefined && takesTurns(ramping.pool) ? ramping.pool : null;
}

function takesTurns({ strategy, members }: Pool): boolean {
  return strategy === 'roundRobin' && members.length > 1;
}

function goesFirst(kind: Availability['kind']): boolean {
  return kind === 'ready' || kind === 'probe';
}

type Chain = Wanted & { readonly kind: 'chain' };

function questionOf({ links, auto }: Chain, { pool }: Link, request: RouteRequest): StickyQuestion {
  return { pool, request, first: pool === links[0]?.pool, auto };
}

/** Always the same one, whatever the strategy, and however it stands. */
function pinnedOrder({ links: [first] }: Chain): Order {
  const { pool = null, tier = null } = first ?? {};
  const places = (pool?.members.slice(0, 1) ?? []).map(({ deployment }) => ({
    id: deployment,
    why: 'bound' as const,
    tier,
  }));
  return { pool: pool?.name ?? null, tier, places, failoverOn: pool?.failoverOn ?? ALL_OUTCOMES, sticky: null };
}

function orderOf(config: RouterConfig, wanted: Chain, request: RouteRequest, facts: DecideFacts): Order {
  const places: Place[] = [];
  const placed = new Set<DeploymentId>();
  const put = (id: DeploymentId, why: Why, tier: UsedTier | null): void => {
    if (!placed.has(id)) places.push({ id, why, tier });
    placed.add(id);
  };
  let found: Sticky | null = null;
  for (const link of wanted.links) {
    const { pool, tier } = link;
    const sticky = stickyIn(config, questionOf(wanted, link, request), facts);
    const last = sticky?.movedFrom ?? null;
    if (sticky !== null) put(sticky.deployment, sticky.why, tier);
    for (const id of membersInOrder(config, pool, request, facts)) if (id !== last) put(id, 'strategy', tier);
    if (last !== null) put(last, 'strategy', tier);
    found ??= sticky;
  }
  const first = wanted.links[0];
  return {
    pool: first?.pool.name ?? null,
    tier: first?.tier ?? null,
    places,
    failoverOn: first?.pool.failoverOn ?? ALL_OUTCOMES,
    sticky: found,
  };
}

function membersInOrder(config: RouterConfig, pool: Pool, request: RouteRequest, facts: DecideFacts) {
  return orderMembers(pool, {
    draw: facts.draw,
    snapshot: facts.snapshot,
    now: facts.now,
    key: request.spreadKey ?? request.agent,
    turn: takesTurns(pool) ? facts.turn(pool.name) : 0,
    regionOf: (id) => config.endpoints.get(config.deployments.get(id)?.endpoint ?? '')?.region ?? null,
  });
}

function routeAlong(order: Order, config: RouterConfig, { failover }: RouteRequest, facts: DecideFacts): Route {
  const { pool, tier, places, failoverOn, sticky } = order;
  const { candidates, skipped } = sorted(places, config, facts);
  if (failover) return { pool, tier, candidates, skipped, failoverOn, sticky };
  for (const { deployment, tier: at } of candidates.splice(1))
    skipped.push({ deployment: deployment.id, reason: 'failoverOff', until: null, tier: at });
  return { pool, tier, candidates, skipped, failoverOn: NO_OUTCOMES, sticky };
}

function sorted(places: readonly Place[], config: RouterConfig, { snapshot, now }: DecideFacts) {
  const candidates: Candidate[] = [];
  const ramping: Candidate[] = [];
  const skipped: Skipped[] = [];
  for (const { id, why, tier } of places) {
    const deployment = config.deployments.get(id);
    if (deployment === undefined) continue;
    const available = availability(snapshot.health(id), now);
    if (available.kind === 'out') {
      const until = Number.isFinite(available.until) ? available.until : null;
      skipped.push({ deployment: id, reason: available.reason, until, tier });
    } else if (available.kind === 'ramping') ramping.push({ deployment, probe: false, ramping: true, why, tier });
    else candidates.push({ deployment, probe: available.kind === 'probe', ramping: false, why, tier });
  }
  if (ramping.length > 0) candidates.push(...ramping);
  return { candidates, skipped };
}
