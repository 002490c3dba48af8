import type { Draw } from '../domain/clock.ts';
import type { Pool, PoolMember, Strategy } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { Health, Snapshot } from '../domain/health.ts';
import { shortRegion } from '../domain/region.ts';
import { availability } from './availability.ts';
import { hash32 } from './hash.ts';

export interface OrderingFacts {
  /** The pool's next turn under round robin. */
  readonly turn: number;
  readonly draw: Draw;
  /** What `spread` keeps together: the prompt cache key, else the agent. */
  readonly key: string;
  readonly snapshot: Snapshot;
  readonly now: number;
  readonly regionOf: (deployment: DeploymentId) => string | null;
}

type Ordering = (members: readonly PoolMember[], facts: OrderingFacts) => readonly PoolMember[];

/** Each strategy puts all members in order: the first one serves, the others stand in for it. */
const ORDERINGS: Record<Strategy, Ordering> = {
  priority: (members) => members,
  roundRobin: inTurn,
  weighted: (members, { draw }) =>
    ascending(members, ({ weight }) => (weight > 0 ? -Math.log(1 - draw()) / weight : Infinity)),
  spread: (members, { key }) => ascending(members, ({ deployment }) => -hash32(`${key}\n${deployment}`)),
  // A deployment that nobody has measured yet is tried first: that is how it gets measured.
  leastLatency: (members, { snapshot }) =>
    ascending(members, ({ deployment }) => snapshot.health(deployment).latencyMs ?? 0),
  mostHeadroom: freestFirst,
};

export function orderMembers(pool: Pool, facts: OrderingFacts): readonly DeploymentId[] {
  const { members, strategy, preferRegion } = pool;
  if (members.length === 1) return [(members[0] as PoolMember).deployment];
  if (preferRegion === null) return ORDERINGS[strategy](members, facts).map(({ deployment }) => deployment);
  return byRegion(members, preferRegion, facts)
    .flatMap((group) => ORDERINGS[strategy](group, facts))
    .map(({ deployment }) => deployment);
}

/** Those of the preferred region, then the others; each a pool of its own for the strategy. */
function byRegion(members: readonly PoolMember[], region: string, { regionOf }: OrderingFacts): PoolMember[][] {
  const near: PoolMember[] = [];
  const far: PoolMember[] = [];
  for (const member of members) (shortRegion(regionOf(member.deployment) ?? '') === region ? near : far).push(member);
  return [near, far].filter((group) => group.length > 0);
}

/**
 * A turn is one of those who can serve now: were the others counted, whoever stands behind one that is out would get its turns as well.
 * Who is just back stands behind, with turns among its like; who is out comes last.
 */
function inTurn(members: readonly PoolMember[], { turn, snapshot, now }: OrderingFacts): readonly PoolMember[] {
  const serving: PoolMember[] = [];
  const ramping: PoolMember[] = [];
  const out: PoolMember[] = [];
  for (const member of members) {
    const { kind } = availability(snapshot.health(member.deployment), now);
    (kind === 'out' ? out : kind === 'ramping' ? ramping : serving).push(member);
  }
  if (serving.length === members.length) return rotate(members, turn % members.length);
  return [serving, ramping].flatMap((group) => rotate(group, turn % group.length)).concat(out);
}

type Measure = (health: Health) => number | null;

const SHARE: Measure = ({ headroom }) => headroom;
/** Numbers compare deployments of any size, and yet only with numbers. */
const MEASURES: readonly Measure[] = [
  SHARE,
  ({ remaining }) => remaining?.tokens ?? null,
  ({ remaining }) => remaining?.requests ?? null,
];

/** By the first measure that all of those who say anything know. Who has said nothing counts as free, and is heard of by being tried. */
function freestFirst(members: readonly PoolMember[], { snapshot }: OrderingFacts): readonly PoolMember[] {
  const healths = members.map(({ deployment }) => snapshot.health(deployment));
  const telling = healths.filter((health) => MEASURES.some((measure) => measure(health) !== null));
  const measure = MEASURES.find((one) => telling.every((health) => one(health) !== null)) ?? SHARE;
  return ascending(members, ({ deployment }) => -(measure(snapshot.health(deployment)) ?? Number.POSITIVE_INFINITY));
}

function rotate<T>(list: readonly T[], by: number): readonly T[] {
  return by === 0 || list.length < 2 ? list : [...list.slice(by), ...list.slice(0, by)];
}

/** Stable: members that are alike keep their configured order. */
function ascending(members: readonly PoolMember[], rank: (member: PoolMember) => number): readonly PoolMember[] {
  return members
    .map((member) => ({ member, rank: rank(member) }))
    .sort((a, b) => a.rank - b.rank || 0)
    .map(({ member }) => member);
}
