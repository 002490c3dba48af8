/** The data plane: a read request in, an answer out. */
import type { Quotas, QuotaUse, Reservation } from '../accounts/port.ts';
import { scanId } from '../body/fields.ts';
import type { ResponseCache } from '../cache/responseCache.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer } from '../domain/message.ts';
import { ConfinedViews } from '../routing/confined.ts';
import { decide, type Route, turnPool } from '../routing/decide.ts';
import type { KnownFacts, RouteRequest } from '../routing/request.ts';
import { answerWith } from './answer.ts';
import { Attempts, type AttemptsDeps, type Served } from './attempts.ts';
import { CachedRelay } from './cached.ts';
import type { Call } from './call.ts';
import { refuseUnfit } from './fitness.ts';
import { decoded } from './judge.ts';
import { forbiddenByKey, forbiddenByPlan, knownNames, unknownModel } from './names.ts';
import { askFor } from './reserve.ts';
import { settle } from './settle.ts';
import { type Answered, findHolder, holderOf, placeOf, seek, storedResponse } from './stored.ts';
import { Streamed } from './streamed.ts';
import { Tally, type TallyDeps } from './tally.ts';
import { toldOf, type Way } from './told.ts';
import { remainingMs, within } from './within.ts';
import { isWork, tallyAbandoned, tallyWhole } from './worked.ts';

const UNUSED: QuotaUse = { promptTokens: 0, tokens: 0, outputTokens: 0, costNanoUsd: 0 };

export interface RelayDeps extends AttemptsDeps {
  readonly quotas: Quotas;
  readonly tallying: TallyDeps;
  readonly cache: ResponseCache;
}

export interface Relay {
  serve(call: Call): Promise<Answer>;
  /** The route a call would take now, taking no turn and claiming no probe. */
  route(call: Call): Route;
}

export function createRelay(deps: RelayDeps): Relay {
  const { config, clock, tallying, cache } = deps;
  return new CachedRelay(new DirectRelay(deps), { config, clock, tallying, cache });
}

class DirectRelay implements Relay {
  readonly #deps: RelayDeps;
  readonly #views: ConfinedViews;

  constructor(deps: RelayDeps) {
    this.#deps = deps;
    this.#views = new ConfinedViews(deps.config);
  }

  async serve(call: Call): Promise<Answer> {
    const { budget, quotas, tallying, clock } = this.#deps;
    budget.deposit();
    const tally = new Tally(tallying, call);
    const way: Way = { tier: null, attempts: null };
    try {
      const ask = askFor(this.#views.for(call.principal.pools), tallying.prices, call);
      const held = quotas.reserve(call.principal, ask);
      tally.hold(held instanceof Promise ? await this.#inTime(call, held) : held);
      return await this.#serve(call, tally, way);
    } catch (error) {
      tally.failed(error);
      throw toldOf(error, call, way, clock);
    }
  }

  /** What is granted too late is given back. */
  #inTime(call: Call, held: Promise<Reservation>): Promise<Reservation> {
    const { clock } = this.#deps;
    return within(clock, held, {
      ms: remainingMs(call, clock),
      otherwise: () => {
        throw new RouterError(
          'deadline_exceeded',
          `No answer within ${call.wishes.deadlineMs} ms: its quota was waited for.`,
        );
      },
      tooLate: (reservation) => reservation.settle(UNUSED),
    });
  }

  /** Half of a request's time at most is spent on what the store may know better. */
  #spared<T>(call: Call, asked: Promise<T>, otherwise: () => T): Promise<T> {
    const { clock } = this.#deps;
    return within(clock, asked, { ms: remainingMs(call, clock) / 2, otherwise });
  }

  /** Where all is well, nothing is waited for but the deployment. */
  async #serve(call: Call, tally: Tally, way: Way): Promise<Answer> {
    const { state } = this.#deps;
    const config = this.#views.for(call.principal.pools);
    const stored = storedResponse(call);
    const holder =
      stored === null
        ? null
        : (holderOf(config, state, stored) ??
          (await this.#spared(call, findHolder(config, state, stored), () => null)));
    if (call.target.kind === 'response' && holder === null)
      return this.#respond({ ...(await seek({ ...this.#deps, config }, call, { id: call.target.id, way })), tally });
    const request = requestFor(config, call, holder);
    const pool = turnPool(config, request, this.#known());
    const taken = pool === null ? 0 : state.turn(pool);
    const turn =
      typeof taken === 'number' ? taken : await this.#spared(call, taken, () => state.peekTurn(pool?.name ?? ''));
    const route = this.#decide(config, request, (name) => (name === pool?.name ? turn : state.peekTurn(name)));
    way.tier = route.tier;
    refuseUnfit(config, call, route);
    const attempts = new Attempts(this.#deps, call, route);
    way.attempts = attempts;
    tally.took(attempts.trail);
    let served: Served | null = null;
    try {
      served = await attempts.run();
    } finally {
      settle(this.#deps, { call, route, trail: attempts.trail, served });
      for (const one of attempts.abandoned) tallyAbandoned(tally, call, one);
    }
    return this.#respond({ call, route, attempts, served, tally });
  }

  route(call: Call): Route {
    const { state } = this.#deps;
    const config = this.#views.for(call.principal.pools);
    const stored = storedResponse(call);
    const request = requestFor(config, call, stored === null ? null : holderOf(config, state, stored));
    const route = this.#decide(config, request, (pool) => state.peekTurn(pool));
    refuseUnfit(config, call, route);
    return route;
  }

  #known(): KnownFacts {
    return { snapshot: this.#deps.state.snapshot(), now: this.#deps.clock.now() };
  }

  #decide(config: RouterConfig, request: RouteRequest, turn: (pool: string) => number): Route {
    const { draw } = this.#deps;
    const decision = decide(config, request, { ...this.#known(), draw, turn });
    switch (decision.kind) {
      case 'route':
        return decision.route;
      case 'unknown':
        throw this.#unknown(config, unknownIn(config, request));
      case 'forbidden':
        throw forbiddenByPlan(decision);
      default:
        return decision satisfies never;
    }
  }

  #unknown(config: RouterConfig, name: string): RouterError {
    const isHidden = config !== this.#deps.config && knownNames(this.#deps.config).includes(name);
    return isHidden ? forbiddenByKey(config, name) : unknownModel(config, name);
  }

  #respond(answered: Answered): Answer {
    const { call, route, attempts, served, tally } = answered;
    const { end, deployment, tier } = served;
    const { trail, lastAttemptMs } = attempts;
    tally.took(trail);
    tally.servedBy({ deployment, pool: route.pool, tier });
    const events = end.kind !== 'whole' && end.live.events;
    const facts = { call, head: end.head, deployment, trail, tier, upstreamMs: lastAttemptMs, events };
    if (end.kind !== 'whole') {
      this.#rememberStored(call, served, () => end.live.responseId);
      tally.firstChunk();
      const streamed = new Streamed(this.#deps, answered, (again) => this.route(again));
      return answerWith({ ...facts, tally }, streamed.body(call, end.live, end.head.status), this.#deps.clock);
    }
    const { status, headers } = end.head;
    // Opened once, for all who look into it; what tells of no work is looked into by nobody.
    const bytes = isWork(call) && status < 400 ? decoded(end.body, headers) : end.body;
    this.#rememberStored(call, served, () => scanId(bytes, this.#deps.config.limits.jsonDepth));
    tallyWhole(tally, call, { deployment, status, bytes });
    const answer = answerWith({ ...facts, tally }, end.body, this.#deps.clock);
    tally.end({ end: served.outcome, status, errorCode: null, retryAfterMs: null });
    return answer;
  }

  #rememberStored(call: Call, { deployment, outcome }: Served, idOf: () => string | null): void {
    const { target, payload } = call;
    if (outcome !== 'ok' || call.method !== 'POST' || target.kind !== 'deployment' || target.operation !== 'responses')
      return;
    if (payload.kind !== 'json' || !payload.fields.store) return;
    const id = idOf();
    if (id !== null) this.#deps.state.remember(id, deployment.id);
  }
}

/** Which of what it names is not there. */
function unknownIn({ tiers, defaultPool }: RouterConfig, { tier, name }: RouteRequest): string {
  return tier !== null && !tiers.has(tier) ? tier : (name ?? defaultPool);
}

function requestFor(config: RouterConfig, call: Call, holder: DeploymentId | null): RouteRequest {
  const { target, name, labels, wishes, payload, principal } = call;
  return {
    name,
    agent: labels.agent,
    tier: wishes.tier,
    failover: wishes.failover,
    spreadKey: payload.kind === 'json' ? payload.fields.promptCacheKey : null,
    boundTo: target.kind === 'other' ? placeOf(config, call) : holder,
    pinned: target.kind === 'other',
    plan: principal.plan,
  };
}
