/** The data plane: a read request in, an answer out. */
import { scanId } from '../body/fields.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer } from '../domain/message.ts';
import type { Target } from '../domain/target.ts';
import { decide, type Route, turnPool } from '../routing/decide.ts';
import type { KnownFacts, RouteRequest } from '../routing/request.ts';
import { answerWith } from './answer.ts';
import type { LiveAnswer } from './attempt.ts';
import { Attempts, type AttemptsDeps, type Served } from './attempts.ts';
import type { Call } from './call.ts';
import { decoded } from './judge.ts';
import { forbiddenByPlan, unknownModel } from './names.ts';
import { settle } from './settle.ts';
import { type Answered, findHolder, holderOf, pinnedFor, seek, storedResponse } from './stored.ts';
import { type Restarted, StreamBody, type StreamEnd } from './streamBody.ts';

export interface Relay {
  serve(call: Call): Promise<Answer>;
  /** The route a call would take now, taking no turn and claiming no probe. */
  route(call: Call): Route;
}

export function createRelay(deps: AttemptsDeps): Relay {
  return new DirectRelay(deps);
}

class DirectRelay implements Relay {
  readonly #deps: AttemptsDeps;

  constructor(deps: AttemptsDeps) {
    this.#deps = deps;
  }

  /** Where all is well, nothing is waited for but the deployment. */
  async serve(call: Call): Promise<Answer> {
    const { config, state, budget } = this.#deps;
    budget.deposit();
    const stored = storedResponse(call);
    const holder =
      stored === null ? null : (holderOf(config, state, stored) ?? (await findHolder(config, state, stored)));
    if (call.target.kind === 'response' && holder === null)
      return this.#respond(await seek(this.#deps, call, call.target.id));
    const request = this.#requestFor(call, holder);
    const pool = turnPool(config, request, this.#known());
    const taken = pool === null ? 0 : state.turn(pool);
    const turn = typeof taken === 'number' ? taken : await taken;
    const route = this.#decide(request, (name) => (name === pool?.name ? turn : state.peekTurn(name)));
    const attempts = new Attempts(this.#deps, call, route);
    let served: Served | null = null;
    try {
      served = await attempts.run();
    } finally {
      settle(this.#deps, { call, route, trail: attempts.trail, served });
    }
    return this.#respond({ call, route, attempts, served });
  }

  route(call: Call): Route {
    const { config, state } = this.#deps;
    const stored = storedResponse(call);
    const request = this.#requestFor(call, stored === null ? null : holderOf(config, state, stored));
    return this.#decide(request, (pool) => state.peekTurn(pool));
  }

  #known(): KnownFacts {
    return { snapshot: this.#deps.state.snapshot(), now: this.#deps.clock.now() };
  }

  #requestFor(call: Call, holder: DeploymentId | null): RouteRequest {
    const { target, name, labels, wishes, payload, plan } = call;
    return {
      name,
      agent: labels.agent,
      tier: wishes.tier,
      failover: wishes.failover,
      spreadKey: payload.kind === 'json' ? payload.fields.promptCacheKey : null,
      boundTo: target.kind === 'other' ? pinnedFor(this.#deps.config, name, labels.agent) : holder,
      plan,
    };
  }

  #decide(request: RouteRequest, turn: (pool: string) => number): Route {
    const { config, draw } = this.#deps;
    const decision = decide(config, request, { ...this.#known(), draw, turn });
    switch (decision.kind) {
      case 'route':
        return decision.route;
      case 'unknown':
        throw unknownModel(config, request.name ?? config.defaultPool);
      case 'forbidden':
        throw forbiddenByPlan(decision);
      default:
        return decision satisfies never;
    }
  }

  #respond({ call, route, attempts, served }: Answered): Answer {
    const { end, deployment } = served;
    this.#rememberStored(call, served);
    const events = end.kind !== 'whole' && end.live.events;
    const body = end.kind === 'whole' ? end.body : this.#stream({ call, route, attempts, served }, end.live);
    const { trail, lastAttemptMs } = attempts;
    const facts = { call, head: end.head, deployment, trail, tier: served.tier, upstreamMs: lastAttemptMs, events };
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
  #stream({ call, route, attempts, served }: Answered, live: LiveAnswer): StreamBody {
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
      const unsaid = { retryAfterMs: null, latencyMs: null, headroom: null };
      const finding = { deployment: serving.id, at: clock.now(), probe: false, ...unsaid };
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
    const fresh = this.route(again);
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

function speaksTypedEvents(target: Target): boolean {
  return target.kind === 'response' || (target.kind === 'deployment' && target.operation.startsWith('responses'));
}
