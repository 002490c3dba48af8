/** Stored responses, and whatever else a single deployment has to answer for. */
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import { FAILOVER_OUTCOMES } from '../domain/outcome.ts';
import { availability } from '../routing/availability.ts';
import type { Route } from '../routing/decide.ts';
import type { State } from '../state/port.ts';
import { Attempts, type AttemptsDeps, type Served } from './attempts.ts';
import type { Call } from './call.ts';
import type { Tally } from './tally.ts';
import type { Way } from './told.ts';
import { type Trail, trailHeaders } from './trail.ts';

/** A call, its attempts, and the one whose answer goes to the caller. */
export interface Answered {
  readonly call: Call;
  readonly route: Route;
  readonly attempts: Attempts;
  readonly served: Served;
  readonly tally: Tally;
}

/** The same before anything was counted. */
export type Found = Omit<Answered, 'tally'>;

/** The stored response that a call is about, or goes on from. */
export function storedResponse({ target, payload }: Call): string | null {
  if (target.kind === 'response') return target.id;
  return target.kind === 'deployment' && payload.kind === 'json' ? payload.fields.previousResponseId : null;
}

/** As far as this instance has seen. Whoever is no longer configured holds nothing that could be asked for. */
export function holderOf(config: RouterConfig, state: State, responseId: string): DeploymentId | null {
  return configured(config, state.holderOf(responseId));
}

/** The same, asking the store. */
export async function findHolder(config: RouterConfig, state: State, responseId: string): Promise<DeploymentId | null> {
  return configured(config, await state.findHolder(responseId));
}

function configured({ deployments }: RouterConfig, holder: DeploymentId | null): DeploymentId | null {
  return holder !== null && deployments.has(holder) ? holder : null;
}

export interface Sought {
  readonly id: string;
  /** Told of each attempt that begins. */
  readonly way: Way;
}

/** A stored response that nobody has seen made: each endpoint is asked until one knows it. */
export async function seek(deps: AttemptsDeps, call: Call, { id: responseId, way }: Sought): Promise<Found> {
  const { config, state, clock } = deps;
  const trail: Trail = [];
  let missing: Found | null = null;
  let unasked = false;
  const asked = onePerEndpoint(config);
  for (const [position, id] of asked.entries()) {
    if (availability(state.snapshot().health(id), clock.now()).kind === 'out') {
      unasked = true;
      continue;
    }
    const route = routeTo(config, id);
    const attempts = new Attempts(deps, call, route, { trail, othersLeft: position < asked.length - 1 });
    way.attempts = attempts;
    const served = await attempts.run().catch(nullIfUnavailable);
    if (served === null || FAILOVER_OUTCOMES.some((outcome) => outcome === served.outcome)) unasked = true;
    else if (served.end.head.status === 404) missing = { call, route, attempts, served };
    else {
      if (served.outcome === 'ok') state.remember(responseId, id);
      return { call, route, attempts, served };
    }
  }
  // An endpoint that could not be asked may hold it: then nobody can say that it does not exist.
  if (missing !== null && !unasked) return missing;
  const message = 'The endpoints that could be asked do not hold this response, and not all could be asked.';
  throw new RouterError('no_deployment_available', message, {
    retryAfterMs: config.retries.baseMs,
    headers: trailHeaders(trail),
  });
}

function routeTo({ deployments }: RouterConfig, id: DeploymentId): Route {
  const deployment = deployments.get(id);
  const candidate = { probe: false, ramping: false, why: 'bound' as const, tier: null };
  const candidates = deployment === undefined ? [] : [{ deployment, ...candidate }];
  return { pool: null, tier: null, candidates, skipped: [], failoverOn: new Set(), sticky: null };
}

function nullIfUnavailable(error: unknown): null {
  const unavailable =
    error instanceof RouterError && (error.code === 'upstream_failed' || error.code === 'no_deployment_available');
  if (!unavailable) throw error;
  return null;
}

/**
 * Where a request goes that only one endpoint can answer, such as one about files, and that names nobody: home, else to the default
 * pool's first member. `null`: it names somebody.
 */
export function placeOf(config: RouterConfig, { name, labels, wishes }: Call): DeploymentId | null {
  if (wishes.tier !== null || (name !== null && name !== 'auto')) return null;
  const home = config.agents.homes.get(labels.agent) ?? config.agents.defaultHome;
  return home ?? config.pools.get(config.defaultPool)?.members[0]?.deployment ?? null;
}

function onePerEndpoint(config: RouterConfig): DeploymentId[] {
  const byEndpoint = new Map<string, DeploymentId>();
  const inOrder = [
    ...(config.pools.get(config.defaultPool)?.members.map(({ deployment }) => deployment) ?? []),
    ...config.deployments.keys(),
  ];
  for (const id of inOrder) {
    const endpoint = config.deployments.get(id)?.endpoint;
    if (endpoint !== undefined && !byEndpoint.has(endpoint)) byEndpoint.set(endpoint, id);
  }
  return [...byEndpoint.values()];
}
