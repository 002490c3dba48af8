/** The data plane: a read request in, an answer out. */
import { scanId } from '../body/fields.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer } from '../domain/message.ts';
import { FAILOVER_OUTCOMES } from '../domain/outcome.ts';
import type { Target } from '../domain/target.ts';
import { availability } from '../routing/availability.ts';
import { type Decision, decide, type Route } from '../routing/decide.ts';
import { answerWith } from './answer.ts';
import type { LiveAnswer } from './attempt.ts';
import { Attempts, type AttemptsDeps, type Served } from './attempts.ts';
import type { Call } from './call.ts';
import { decoded } from './judge.ts';
import { unknownModel } from './names.ts';
import { type Restarted, StreamBody, type StreamEnd } from './streamBody.ts';
import { type Trail, trailHeaders } from './trail.ts';

export interface Relay {
  serve(call: Call): Promise<Answer>;
  /** The route a call would take now, taking no turn and claiming no probe. */
  plan(call: Call): Route;
}

export function createRelay(deps: AttemptsDeps): Relay {
  return new DirectRelay(deps);
}

class DirectRelay implements Relay {
  readonly #deps: AttemptsDeps;

  constructor(deps: AttemptsDeps) {
    this.#deps = deps;
  }

  async serve(call: Call): Promise<Answer> {
    this.#deps.budget.deposit();
    const { target } = call;
    if (target.kind === 'response' && this.#deps.state.holderOf(target.id) === null) return this.#seek(call, target.id);
    const route = this.#route(call, (pool) => this.#deps.state.turn(pool));
    const attempts = new Attempts(this.#deps, call, route);
    return this.#respond({ call, route, attempts, served: await attempts.run() });
  }

  plan(call: Call): Route {
    return this.#route(call, (pool) => this.#deps.state.peekTurn(pool));
  }

  #route(call: Call, turn: (pool: string) => number): Route {
    const { config, state, clock, draw } = this.#deps;
    const request = {
      name: call.name,
      agent: call.labels.agent,
      tier: call.wishes.tier,
      failover: call.wishes.failover,
      spreadKey: call.payload.kind === 'json' ? call.payload.fields.promptCacheKey : null,
      boundTo: this.#boundTo(call),
    };
    const decision: Decision = decide(config, request, { snapshot: state.snapshot(), now: clock.now(), draw, turn });
    if (decision === null) throw unknownModel(config, call.name ?? config.defaultPool);
    return decision;
  }

  /** The one deployment that can serve a request about something only it holds. */
  #boundTo({ target, name, payload, labels }: Call): DeploymentId | null {
    const { config, state } = this.#deps;
    if (target.kind === 'response') return state.holderOf(target.id);
    if (target.kind === 'other') return pinnedFor(config, name, labels.agent);
    const previous = payload.kind === 'json' ? payload.fields.previousResponseId : null;
    return previous === null ? null : state.holderOf(previous);
  }

  /** A stored response that this instance has not seen made: each endpoint is asked until one knows it. */
  async #seek(call: Call, responseId: string): Promise<Answer> {
    const { config, state, clock } = this.#deps;
    const trail: Trail = [];
    let missing: Responding | null = null;
    let unasked = false;
    const asked = onePerEndpoint(config);
    for (const [position, id] of asked.entries()) {
      const deployment = config.deployments.get(id);
      if (deployment === undefined) continue;
      if (availability(state.snapshot().health(id), clock.now()).kind === 'out') {
        unasked = true;
        continue;
      }
      const candidates = [{ deployment, probe: false, why: 'bound' as const }];
      const route: Route = { pool: null, tier: null, candidates, skipped: [], failoverOn: new Set() };
      const attempts = new Attempts(this.#deps, call, route, { trail, othersLeft: position < asked.length - 1 });
      const served = await attempts.run().catch(nullIfUnavailable);
      if (served === null || FAILOVER_OUTCOMES.some((outcome) => outcome === served.outcome)) unasked = true;
      else if (served.end.head.status === 404) missing = { call, route, attempts, served };
      else {
        if (served.outcome === 'ok') state.remember(responseId, id);
        return this.#respond({ call, route, attempts, served });
      }
    }
    // An endpoint that could not be asked may hold it: then nobody can say that it does not exist.
    if (missing !== null && !unasked) return this.#respond(missing);
    const message = 'The endpoints that could be asked do not hold this response, and not all could be asked.';
    throw new RouterError('no_deployment_available', message, {
      retryAfterMs: config.retries.baseMs,
      headers: trailHeaders(trail),
    });
  }

  #respond({ call, route, attempts, served }: Responding): Answer {
    const { end, deployment } = served;
    this.#rememberStored(call, served);
    const events = end.kind !== 'whole' && end.live.events;
    const body = end.kind === 'whole' ? end.body : this.#stream({ call, route, attempts, served }, end.live);
    const { trail, lastAttemptMs } = attempts;
    const facts = { call, head: end.head, deployment, trail, tier: route.tier, upstreamMs: lastAttemptMs, events };
    return answerWith(facts, body, this.#deps.clock);
  }

  #rememberStored(call: Call, { end, deployment, outcome }: Served): void {
    const { target, payload } = call;
    if (outcome !== 'ok' || call.method !== 'POST' || target.kind !== 'deployment' || target.operation !== 'responses')
      return;
    if (payload.kind !== 'json' || !payload.fields.store) return;
    const depth = this.#deps.config.limits.jsonDepth;
    const id = end.kind === 'whole' ? scanId(decoded(end.body, end.head.headers), depth) : end.live.responseId;
    if (id !== null) this.#deps.state.remember(id, deployment.id);
  }

  /** What lives as long as the stream holds on to little: the request itself only where it may be needed again. */
  #stream({ call, route, attempts, served }: Responding, live: LiveAnswer): StreamBody {
    const { clock, config } = this.#deps;
    const { streamIdleMs, streamMaxMs, heartbeatMs } = config.timeouts;
    const serving = { id: served.deployment.id };
    const tried = new Set(attempts.trail.map((step) => step.deployment));
    return new StreamBody({
      live,
      clock,
      caller: call.caller,
      limits: { idleMs: streamIdleMs, maxMs: streamMaxMs, heartbeatMs },
      typed: speaksTypedEvents(call.target),
      restart: call.wishes.onBreak === 'restart' ? this.#restarter(call, route, { serving, tried }) : null,
      onPartEnd: this.#partEndNote(call.id, serving),
    });
  }

  #partEndNote(requestId: string, serving: Serving): (end: StreamEnd) => void {
    const { journal, state, clock } = this.#deps;
    return (end) => {
      if (end.kind !== 'broken') return;
      journal.streamBroken({ requestId, deployment: serving.id, cause: end.cause });
      const finding = { deployment: serving.id, at: clock.now(), retryAfterMs: null, latencyMs: null, headroom: null };
      state.record({ ...finding, outcome: 'failing', cause: end.cause });
    };
  }

  #restarter(call: Call, route: Route, progress: Progress): () => Promise<Restarted | null> {
    return async () => {
      const from = progress.serving.id;
      const next = await this.#restart(call, route, progress.tried);
      if (next === null) return null;
      progress.serving.id = next.deployment.id;
      return { live: next.live, from, to: next.deployment.id };
    };
  }

  /** Another stream from the beginning, on a deployment that has not been tried; with a deadline of its own. */
  async #restart(call: Call, route: Route, tried: Set<DeploymentId>) {
    const { clock } = this.#deps;
    const again = { ...call, arrivedAt: clock.monotonicMs() };
    const fresh = this.#route(again, (pool) => this.#deps.state.peekTurn(pool));
    const candidates = fresh.candidates.filter(({ deployment }) => !tried.has(deployment.id));
    if (candidates.length === 0) return null;
    const attempts = new Attempts(this.#deps, again, { ...route, candidates, skipped: [] });
    try {
      const { end, deployment } = await attempts.run();
      for (const step of attempts.trail) tried.add(step.deployment);
      if (end.kind === 'live' && end.live.events) return { live: end.live, deployment };
      if (end.kind !== 'whole') end.live.abort();
      return null;
    } catch (error) {
      if (error instanceof RouterError) return null;
      throw error;
    }
  }
}

/** Who serves the stream now. */
interface Serving {
  id: DeploymentId;
}

interface Progress {
  readonly serving: Serving;
  readonly tried: Set<DeploymentId>;
}

interface Responding {
  readonly call: Call;
  readonly route: Route;
  readonly attempts: Attempts;
  readonly served: Served;
}

function nullIfUnavailable(error: unknown): null {
  const unavailable =
    error instanceof RouterError && (error.code === 'upstream_failed' || error.code === 'no_deployment_available');
  if (!unavailable) throw error;
  return null;
}

function speaksTypedEvents(target: Target): boolean {
  return target.kind === 'response' || (target.kind === 'deployment' && target.operation.startsWith('responses'));
}

/** Where requests go that only one endpoint can answer, such as those about files: always to the same. */
function pinnedFor(config: RouterConfig, name: string | null, agent: string): DeploymentId | null {
  if (name !== null && config.deployments.has(name as DeploymentId)) return name as DeploymentId;
  const home = config.agents.homes.get(agent) ?? config.agents.defaultHome;
  if ((name === null || name === 'auto') && home !== null) return home;
  const pool = config.pools.get(name === null || name === 'auto' ? config.defaultPool : name);
  return pool?.members[0]?.deployment ?? null;
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
