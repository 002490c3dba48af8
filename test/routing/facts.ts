/** What decisions are made from, small enough to be written in one line of a test. */
import fc from 'fast-check';
import type { Assignment } from '../../src/domain/assignment.ts';
import type { Draw } from '../../src/domain/clock.ts';
import type { Breaker, Pool, PoolMember, Retries, RouterConfig, Strategy, Tier } from '../../src/domain/config.ts';
import type { Deployment, DeploymentId } from '../../src/domain/deployment.ts';
import { type Finding, HEALTHY, type Health, type Snapshot } from '../../src/domain/health.ts';
import { type Decision, decide, type Route } from '../../src/routing/decide.ts';
import type { DecideFacts, RouteRequest } from '../../src/routing/request.ts';
import { halfOpened } from '../../src/routing/transitions.ts';
import { configOf } from '../harness/router.ts';

/** An instant like any other, and never 0. */
export const NOW = Date.UTC(2026, 10, 21, 12);

export const BREAKER: Breaker = { failures: 5, windowMs: 60_000, openMs: 30_000, maxOpenMs: 300_000, refreshMs: 1_000 };
export const RETRIES: Retries = { sameDeployment: 2, baseMs: 500, maxMs: 8_000, budgetPercent: 20 };
export const SETTINGS = { breaker: BREAKER, retries: RETRIES };

export function finding(outcome: Finding['outcome'], facts: Partial<Finding> = {}): Finding {
  return {
    deployment: 'A/m',
    outcome,
    at: NOW,
    probe: false,
    retryAfterMs: null,
    latencyMs: null,
    headroom: null,
    cause: 'a test',
    ...facts,
  };
}

export function health(facts: Partial<Health> = {}): Health {
  return { ...HEALTHY, ...facts };
}

export function snapshotOf(
  known: Readonly<Record<string, Health>>,
  assignments: Readonly<Record<string, Assignment>> = {},
): Snapshot {
  return {
    health: (deployment) => known[deployment] ?? HEALTHY,
    assignment: (agent) => (Object.hasOwn(assignments, agent) ? (assignments[agent] ?? null) : null),
  };
}

/** An agent that was moved by failures a minute ago, for five minutes. */
export function moved(facts: Partial<Assignment> & Pick<Assignment, 'deployment'>): Assignment {
  return { from: null, why: 'moved', cause: 'a test', since: NOW - 60_000, returnAt: NOW + 240_000, ...facts };
}

export const OPEN = health({ breaker: { kind: 'open', openUntil: NOW + 10_000, openings: 1 } });
export const PROBE = health({ breaker: { kind: 'open', openUntil: NOW - 1, openings: 1 } });
export const HALF_OPEN = health({ breaker: { kind: 'halfOpen', leaseUntil: NOW + 8_000, openings: 1 } });
export const RESTING = health({ restUntil: NOW + 3_000 });
export const DRAINED = health({ drainedSince: NOW - 5 });
/** Back, and with as many requests on their way as it may have. */
export const RAMPING = health({ recovery: { since: NOW - 5, sent: 3, answered: 1 } });
export const MISCONFIGURED = health({ misconfigured: { since: NOW - 5, probeAt: NOW + 20_000, cause: 'status 401' } });

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function seeded(seed: number): Draw {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pool(strategy: Strategy, members: readonly (string | PoolMember)[]): Pool {
  return {
    name: 'p',
    strategy,
    members: members.map((one) => (typeof one === 'string' ? { deployment: one as DeploymentId, weight: 1 } : one)),
    failoverOn: new Set(['throttled', 'failing', 'misconfigured']),
    block: 17,
    preferRegion: null,
    cache: false,
  };
}

export interface World {
  readonly pools: Readonly<Record<string, WorldPool>>;
  readonly agents?: object;
  readonly tiers?: Readonly<Partial<Record<Tier, { readonly chain: readonly string[] }>>>;
  readonly defaultPool?: string;
  readonly defaultTier?: Tier;
  readonly plans?: object;
}

interface WorldPool {
  readonly strategy: Strategy;
  readonly members: readonly string[];
  readonly failoverOn?: 'availability';
  readonly preferRegion?: string;
}

const REGIONS: Readonly<Record<string, string>> = { A: 'eastus2', B: 'West Europe', C: 'eastus2', D: 'westeurope' };

/** Endpoints A to D in two regions, with the deployments `m` and `n` each; D's `n` is provisioned throughput. */
export function configFor(world: World): RouterConfig {
  const endpoint = (name: string) => ({
    url: `https://${name}.openai.azure.com`,
    apiKey: 'k',
    api: 'v1',
    region: REGIONS[name],
    deployments: { m: { model: 'm' }, n: { model: 'n', kind: name === 'D' ? 'ptu' : 'standard' } },
  });
  const endpoints = Object.fromEntries(['A', 'B', 'C', 'D'].map((name) => [name, endpoint(name)]));
  return configOf({ endpoints, ...world });
}

/** A request that names nothing, by nobody in particular. */
export const ANY_REQUEST: RouteRequest = {
  name: null,
  agent: 'nobody',
  tier: null,
  failover: true,
  spreadKey: null,
  boundTo: null,
  pinned: false,
  plan: null,
};

/** What decisions rest on where all is well. */
export function decideFacts(facts: Partial<DecideFacts> = {}): DecideFacts {
  return { snapshot: snapshotOf({}), now: NOW, draw: () => 0.5, turn: () => 0, ...facts };
}

export function routeOf(decision: Decision): Route {
  if (decision.kind !== 'route') throw new Error(`there is no route: ${JSON.stringify(decision)}`);
  return decision.route;
}

/** `B/m home probe, A/m strategy`: the candidates of a route in one line. */
export function inShort({ candidates }: Route): string {
  return candidates
    .map(({ deployment, why, probe, ramping }) =>
      [deployment.id, why, ...(probe ? ['probe'] : []), ...(ramping ? ['ramping'] : [])].join(' '),
    )
    .join(', ');
}

/** The candidates alone: `B/m A/m`. */
export function ids({ candidates }: Route): string {
  return candidates.map(({ deployment }) => deployment.id).join(' ');
}

export function routed(config: RouterConfig, request: Partial<RouteRequest>, facts: Partial<DecideFacts> = {}): Route {
  return routeOf(decide(config, { ...ANY_REQUEST, ...request }, decideFacts(facts)));
}

export const DEPLOYMENTS = ['A', 'B', 'C', 'D'].flatMap((name) => [`${name}/m`, `${name}/n`] as DeploymentId[]);

export function deploymentOf(id: DeploymentId): Deployment {
  const [endpoint = '', name = ''] = id.split('/');
  return { id, endpoint, name, model: name, kind: 'standard', price: null };
}

const instant = fc.integer({ min: -400_000, max: 400_000 }).map((offset) => NOW + offset);

export const anyHealth: fc.Arbitrary<Health> = fc.record({
  breaker: fc.oneof(
    fc.record({
      kind: fc.constant('closed' as const),
      failedAt: fc.array(instant, { maxLength: 4 }),
      inRow: fc.nat({ max: 4 }),
      served: fc.record({ since: instant, count: fc.nat({ max: 9 }), before: fc.nat({ max: 9 }) }),
    }),
    fc.record({ kind: fc.constant('open' as const), openUntil: instant, openings: fc.integer({ min: 1, max: 9 }) }),
    fc.record({
      kind: fc.constant('halfOpen' as const),
      leaseUntil: instant,
      openings: fc.integer({ min: 1, max: 9 }),
    }),
  ),
  restUntil: fc.oneof(fc.constant(0), instant),
  throttles: fc.nat({ max: 5 }),
  misconfigured: fc.option(fc.record({ since: instant, probeAt: instant, cause: fc.constant('status 401') }), {
    freq: 4,
  }),
  drainedSince: fc.option(instant, { freq: 8 }),
  recovery: fc.option(
    fc
      .record({ since: instant, sent: fc.nat({ max: 20 }), answered: fc.nat({ max: 20 }) })
      .map(({ since, sent, answered }) => ({
        since,
        sent: Math.max(sent, answered),
        answered,
      })),
    { freq: 2 },
  ),
  latencyMs: fc.option(fc.double({ min: 0, max: 5_000, noNaN: true })),
  headroom: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
});

export const outcomes = fc.constantFrom<Finding['outcome'][]>('ok', 'throttled', 'failing', 'misconfigured', 'other');

/** Findings as they come in, time going on between them. */
export const histories = fc
  .array(
    fc.record({
      // Failures come in heaps, or no breaker would ever open.
      outcome: fc.oneof({ weight: 4, arbitrary: fc.constant('failing' as const) }, outcomes),
      afterMs: fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 50 }) }, fc.nat({ max: 90_000 })),
      probe: fc.boolean(),
      retryAfterMs: fc.option(fc.nat({ max: 400_000 })),
      latencyMs: fc.option(fc.nat({ max: 5_000 })),
      headroom: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    }),
    { maxLength: 40 },
  )
  .map((steps) => {
    let at = NOW;
    return steps.map(({ outcome, afterMs, ...rest }) => {
      at += afterMs;
      return finding(outcome, { at, ...rest });
    });
  });

/** One request is on its way to find out whether the deployment has recovered. */
export function probing(state: Health, now: number, { breaker: settings }: { readonly breaker: Breaker }): Health {
  const { breaker, misconfigured } = state;
  return {
    ...state,
    breaker: breaker.kind === 'closed' ? breaker : halfOpened(breaker.openings, now, settings),
    misconfigured: misconfigured && { ...misconfigured, probeAt: now + settings.maxOpenMs },
  };
}
