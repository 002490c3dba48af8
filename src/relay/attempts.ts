import type { Clock, Draw } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId, Endpoint } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { FailoverOutcome, Outcome } from '../domain/outcome.ts';
import { type Availability, availability } from '../routing/availability.ts';
import type { Route } from '../routing/decide.ts';
import type { State } from '../state/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { renderBody, renderPath } from '../upstream/dialect.ts';
import type { Upstream, UpstreamRequest } from '../upstream/port.ts';
import { type AttemptEnd, attempt } from './attempt.ts';
import type { RetryBudget } from './budget.ts';
import type { Call } from './call.ts';
import { upwardHeaders } from './headers.ts';
import { findingOf, type Judgement, judge } from './judge.ts';
import { refusal } from './refusal.ts';
import { type Trail, trailHeaders } from './trail.ts';

export interface AttemptsDeps {
  readonly config: RouterConfig;
  readonly upstream: Upstream;
  readonly state: State;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly budget: RetryBudget;
  readonly journal: Journal;
}

/** An attempt whose answer goes to the caller. */
export interface Served {
  readonly end: Exclude<AttemptEnd, { kind: 'broken' | 'gone' }>;
  readonly deployment: Deployment;
  readonly outcome: Outcome;
}

/** Attempts that are a part of a longer search. */
export interface Search {
  /** What was tried before; the new steps are added to it. */
  readonly trail: Trail;
  /** Whether somebody else will be asked where these do not serve. */
  readonly othersLeft: boolean;
}

/** The attempts that a request may make without asking the budget: the first and two more. */
const FREE_ATTEMPTS = 3;
/** Reading the request took a little of its time already. */
const NEARLY = 0.9;
/** Below this an attempt is not worth beginning. */
const SHORTEST_ATTEMPT_MS = 1;

/** Nobody reads this; the status is what the log will say. */
function callerLeft(): RouterError {
  return new RouterError('internal', 'The caller left before an answer had come.', { status: 499 });
}

function permitted({ candidates, skipped }: Route): DeploymentId[] {
  const resting = skipped.filter(({ reason }) => reason !== 'failoverOff').map((one) => one.deployment);
  return [...candidates.map(({ deployment }) => deployment.id), ...resting];
}

/** Tries the candidates in order, then, within budget and deadline, the soonest recovered again. */
export class Attempts {
  readonly #deps: AttemptsDeps;
  readonly #call: Call;
  readonly #route: Route;
  readonly #waiting: Deployment[];
  readonly #othersLeft: boolean;
  /** The same for every attempt. */
  #headers: readonly string[] | null = null;
  #repeats = 0;
  #made = 0;
  readonly trail: Trail;
  /** From sending the last attempt to its commit or end. */
  lastAttemptMs = 0;

  constructor(deps: AttemptsDeps, call: Call, route: Route, search: Search = { trail: [], othersLeft: false }) {
    this.#deps = deps;
    this.#call = call;
    this.#route = route;
    this.#waiting = route.candidates.map(({ deployment }) => deployment);
    this.#othersLeft = search.othersLeft;
    this.trail = search.trail;
  }

  async run(): Promise<Served> {
    while (!this.#call.caller.gone) {
      const deployment = this.#waiting.shift() ?? (await this.#repeat());
      if (deployment === null) throw this.#refusal();
      const available = this.#availabilityOf(deployment.id);
      // Others may have learnt since this request's route was decided that the deployment rests, or hold its only probe.
      if (available.kind === 'out') continue;
      if (!this.#mayTry()) throw this.#refusal();
      if (available.kind === 'probe' && !this.#deps.state.claimProbe(deployment.id, this.#deps.clock.now())) continue;
      const served = await this.#try(deployment);
      if (served !== null) return served;
    }
    throw callerLeft();
  }

  #availabilityOf(id: DeploymentId): Availability {
    return availability(this.#deps.state.snapshot().health(id), this.#deps.clock.now());
  }

  async #try(deployment: Deployment): Promise<Served | null> {
    const { clock, config, state, upstream } = this.#deps;
    const endpoint = config.endpoints.get(deployment.endpoint) as Endpoint;
    const request = this.#requestFor(endpoint, deployment);
    const sentAt = clock.monotonicMs();
    const remainingMs = this.#remainingMs();
    const limitMs = this.#limitMs(remainingMs);
    // A time-out counts against a deployment only where it had its time: a hasty caller must not open a breaker for all.
    const fullMs = NEARLY * this.#limitMs(config.timeouts.deadlineMs);
    const end = await attempt({ upstream, clock, request, caller: this.#call.caller, limitMs });
    this.lastAttemptMs = clock.monotonicMs() - sentAt;
    const { target } = this.#call;
    const verdict = judge(end, target.kind === 'deployment', clock.now());
    this.trail.push({ deployment: deployment.id, outcome: verdict.outcome, cause: verdict.cause });
    const finding = findingOf(end, verdict, { deployment: deployment.id, at: clock.now() });
    const hurried = end.kind === 'broken' && end.how === 'late' && limitMs < fullMs;
    if (finding !== null && !hurried) state.record(finding);
    if (verdict.outcome !== 'ok') this.#note(deployment, verdict);
    if (end.kind === 'broken' && end.how === 'late' && limitMs >= remainingMs) throw this.#late();
    return this.#settle(end, deployment, verdict);
  }

  #settle(end: AttemptEnd, deployment: Deployment, { outcome, cause }: Judgement): Served | null {
    if (end.kind === 'gone') throw callerLeft();
    if (this.#route.failoverOn.has(outcome as FailoverOutcome)) {
      if (end.kind === 'live' || end.kind === 'streamError') end.live.abort();
      return null;
    }
    if (end.kind !== 'broken') return { end, deployment, outcome };
    if (this.#remainingMs() < SHORTEST_ATTEMPT_MS) throw this.#late();
    throw new RouterError('upstream_failed', `${deployment.id} did not answer: ${cause}.`, {
      headers: trailHeaders(this.trail),
    });
  }

  #requestFor(endpoint: Endpoint, deployment: Deployment): UpstreamRequest {
    const { target, payload, headers, method, query, stream } = this.#call;
    this.#headers ??= upwardHeaders(headers, { uncompressed: stream });
    return {
      endpoint,
      method,
      path: renderPath(target, endpoint, deployment, query),
      headers: this.#headers,
      body: renderBody(target, payload, endpoint.dialect, deployment),
    };
  }

  #remainingMs(): number {
    return this.#call.arrivedAt + this.#call.wishes.deadlineMs - this.#deps.clock.monotonicMs();
  }

  /** An attempt may take half of what is left while others could still serve, and a stream no longer than its first-token deadline. */
  #limitMs(remainingMs: number): number {
    const { firstTokenMs, answerMs } = this.#deps.config.timeouts;
    const longest = this.#call.stream ? firstTokenMs : answerMs;
    const fair = this.#waiting.length > 0 || this.#othersLeft ? remainingMs / 2 : remainingMs;
    if (longest === null) return fair;
    return this.#call.stream || this.#othersLeft ? Math.min(longest, fair) : Math.min(longest, remainingMs);
  }

  #mayTry(): boolean {
    if (this.#remainingMs() < SHORTEST_ATTEMPT_MS) throw this.#late();
    return this.#made++ < FREE_ATTEMPTS || this.#repeats > 0 || this.#deps.budget.withdraw();
  }

  /** Every candidate has been tried or rests: the soonest one again, after a pause, or none. */
  async #repeat(): Promise<Deployment | null> {
    const { config, draw, budget } = this.#deps;
    const { sameDeployment, baseMs, maxMs } = config.retries;
    if (this.#repeats >= sameDeployment) return null;
    const soonest = this.#soonest();
    if (soonest === null || soonest.inMs > maxMs) return null;
    const backoffMs = draw() * Math.min(maxMs, baseMs * 2 ** this.#repeats);
    const waitMs = Math.max(soonest.inMs, backoffMs);
    if (waitMs + SHORTEST_ATTEMPT_MS > this.#remainingMs() || !budget.withdraw()) return null;
    this.#repeats++;
    await this.#pause(waitMs);
    return soonest.deployment;
  }

  #soonest(): { deployment: Deployment; inMs: number } | null {
    let best: { deployment: Deployment; inMs: number } | null = null;
    const misconfigured = new Set(
      this.trail.filter(({ outcome }) => outcome === 'misconfigured').map((step) => step.deployment),
    );
    for (const id of permitted(this.#route)) {
      const deployment = this.#deps.config.deployments.get(id);
      const standing = this.#availabilityOf(id);
      if (deployment === undefined || misconfigured.has(id)) continue;
      if (standing.kind === 'out' && standing.reason === 'misconfigured') continue;
      const inMs = standing.kind === 'out' ? standing.until - this.#deps.clock.now() : 0;
      if (best === null || inMs < best.inMs) best = { deployment, inMs };
    }
    return best;
  }

  #pause(ms: number): Promise<void> {
    const { caller } = this.#call;
    return new Promise((resolve) => {
      const forget = caller.onGone(() => {
        stop();
        resolve();
      });
      const stop = this.#deps.clock.after(ms, () => {
        forget();
        resolve();
      });
    });
  }

  #note(deployment: Deployment, { outcome, cause, retryAfterMs }: Judgement): void {
    const { id, labels } = this.#call;
    this.#deps.journal.attemptFailed({
      requestId: id,
      agent: labels.agent,
      deployment: deployment.id,
      outcome,
      cause,
      retryAfterMs,
    });
  }

  #refusal(): RouterError {
    const { state, clock, config } = this.#deps;
    return refusal({
      route: this.#route,
      trail: this.trail,
      snapshot: state.snapshot(),
      now: clock.now(),
      pauseMs: config.retries.baseMs,
    });
  }

  #late(): RouterError {
    const tried = this.trail.map(({ deployment, cause }) => `${deployment} (${cause})`).join(', ');
    const message = `No answer within ${this.#call.wishes.deadlineMs} ms${tried === '' ? '' : `; tried ${tried}`}.`;
    return new RouterError('deadline_exceeded', message, { headers: trailHeaders(this.trail) });
  }
}
