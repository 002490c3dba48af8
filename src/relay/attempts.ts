import type { Clock, Draw } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId, Endpoint } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Caller } from '../domain/message.ts';
import type { FailoverOutcome, Outcome } from '../domain/outcome.ts';
import { type Availability, availability } from '../routing/availability.ts';
import type { Route } from '../routing/decide.ts';
import type { UsedTier } from '../routing/wanted.ts';
import type { State } from '../state/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { renderBody, renderPath } from '../upstream/dialect.ts';
import type { Upstream, UpstreamRequest } from '../upstream/port.ts';
import type { Next } from './again.ts';
import { type AttemptEnd, attempt, type Partial } from './attempt.ts';
import type { RetryBudget } from './budget.ts';
import type { Call } from './call.ts';
import { upwardHeaders } from './headers.ts';
import { findingOf, type Judgement, judge } from './judge.ts';
import { noteFailure, noteRetry } from './notes.ts';
import { takeNext } from './order.ts';
import { Patience } from './patience.ts';
import { refusal } from './refusal.ts';
import { type Trail, trailHeaders } from './trail.ts';
import type { UsageAsking } from './usageAsking.ts';
import { remainingMs, within } from './within.ts';

export interface AttemptsDeps {
  readonly config: RouterConfig;
  readonly upstream: Upstream;
  readonly state: State;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly budget: RetryBudget;
  readonly journal: Journal;
  readonly asking: UsageAsking;
}

/** An attempt whose answer goes to the caller. */
export interface Served {
  readonly end: Exclude<AttemptEnd, { kind: 'broken' | 'gone' }>;
  readonly deployment: Deployment;
  readonly tier: UsedTier | null;
  readonly outcome: Outcome;
  /** The router asked for the stream's usage; its caller did not. */
  readonly usageAsked: boolean;
}

/** A deployment that worked on a request in vain. */
export interface Abandoned {
  readonly deployment: Deployment;
  readonly partial: Partial;
}

/** Attempts that are a part of a longer search. */
export interface Search {
  /** What was tried before; the new steps are added to it. */
  readonly trail: Trail;
  /** Whether somebody else will be asked where these do not serve. */
  readonly othersLeft: boolean;
}

/** Reading the request took a little of its time already. */
const NEARLY = 0.9;
/** Below this an attempt is not worth beginning. */
const SHORTEST_ATTEMPT_MS = 1;

function isLate(end: AttemptEnd): boolean {
  return end.kind === 'broken' && end.how === 'late';
}

function isOver({ gone, dismissed }: Caller): boolean {
  return gone || dismissed === true;
}

/** Where the caller left nobody reads this, and the status is what the log will say; who is dismissed may ask another instance. */
function endedEarly({ gone }: Caller, retryAfterMs: number): RouterError {
  if (gone) return new RouterError('internal', 'The caller left before an answer had come.', { status: 499 });
  return new RouterError('internal', 'The router is shutting down; another instance can answer.', {
    status: 503,
    retryAfterMs,
  });
}

/** An attempt as it was begun. */
interface Begun {
  readonly probe: boolean;
  readonly sentAt: number;
  /** Whether it had all the time that a deployment may take. */
  readonly unhurried: boolean;
}

/** Tries the candidates in order, then, within budget and deadline, the soonest recovered again. */
export class Attempts {
  readonly #deps: AttemptsDeps;
  readonly #call: Call;
  readonly #route: Route;
  readonly #waiting: Next[];
  readonly #othersLeft: boolean;
  /** The same for every attempt. */
  #headers: readonly string[] | null = null;
  readonly #patience: Patience;
  readonly trail: Trail;
  readonly abandoned: Abandoned[] = [];
  #usageAsked = false;
  /** From sending the last attempt to its commit or end. */
  lastAttemptMs = 0;

  constructor(deps: AttemptsDeps, call: Call, route: Route, search: Search = { trail: [], othersLeft: false }) {
    this.#deps = deps;
    this.#call = call;
    this.#route = route;
    this.#waiting = [...route.candidates];
    this.#othersLeft = search.othersLeft;
    this.trail = search.trail;
    this.#patience = new Patience(deps, { call, route, ...search });
  }

  async run(): Promise<Served> {
    while (!isOver(this.#call.caller)) {
      const next = takeNext(this.#waiting, this.trail, this.#deps.config) ?? (await this.#later());
      if (isOver(this.#call.caller)) break;
      if (next === null) throw this.#refusal();
      const { id } = next.deployment;
      const { kind } = this.#availabilityOf(id);
      // Others may have learnt since this request's route was decided that the deployment rests, or hold its only probe.
      if (kind === 'out' || (kind === 'ramping' && this.#letOthersFirst(next))) continue;
      const probe = kind === 'probe';
      if (probe && !(await this.#claim(id))) continue;
      const served = await this.#try(next, probe);
      if (served !== null) return served;
    }
    throw this.#endedEarly();
  }

  /** A claim that is granted too late is given back: nobody would make use of it. */
  #claim(id: DeploymentId): Promise<boolean> {
    const { state, clock } = this.#deps;
    return within(clock, state.claimProbe(id, clock.now(), this.#waiting.length === 0), {
      ms: this.#remainingMs() / 2,
      otherwise: () => false,
      tooLate: (granted) => {
        if (granted) state.dropProbe(id);
      },
    });
  }

  /** Every candidate has been tried or rests. */
  #later(): Promise<Next | null> {
    return this.#patience.next(this.#remainingMs() - SHORTEST_ATTEMPT_MS);
  }

  #endedEarly(): RouterError {
    return endedEarly(this.#call.caller, this.#deps.config.retries.baseMs);
  }

  #availabilityOf(id: DeploymentId): Availability {
    return availability(this.#deps.state.snapshot().health(id), this.#deps.clock.now());
  }

  /** Once: whoever has stood behind the others already is tried. Those who have waited for it do not come back all together. */
  #letOthersFirst(next: Next): boolean {
    if (this.#patience.isWaiting) return true;
    if (next.ramping || this.#waiting.length === 0) return false;
    this.#waiting.push({ ...next, ramping: true });
    return true;
  }

  async #try(next: Next, probe: boolean): Promise<Served | null> {
    const { clock, config, state } = this.#deps;
    const { id } = next.deployment;
    let taught = false;
    try {
      const remainingMs = this.#remainingMs();
      if (remainingMs < SHORTEST_ATTEMPT_MS) throw this.#late();
      if (!this.#patience.mayTry(id)) throw this.#refusal();
      const limitMs = this.#limitMs(remainingMs);
      // A time-out counts against a deployment only where it had its time: a hasty caller must not open a breaker for all.
      const unhurried = limitMs >= NEARLY * this.#limitMs(config.timeouts.deadlineMs);
      const begun = { probe, unhurried, sentAt: clock.now() };
      const from = clock.monotonicMs();
      const end = await this.#send(next.deployment, limitMs);
      this.lastAttemptMs = clock.monotonicMs() - from;
      const verdict = judge(end, this.#call.target.kind === 'deployment', clock.now());
      taught = this.#learn(id, end, verdict, begun);
      this.trail.push({ deployment: id, outcome: verdict.outcome, cause: verdict.cause, taught });
      if (verdict.outcome !== 'ok') noteFailure(this.#deps.journal, this.#call, id, verdict);
      if (isLate(end) && limitMs >= remainingMs) throw this.#late();
      return this.#settle(end, next, verdict);
    } finally {
      // Otherwise nobody would ever try it again.
      if (probe && !taught) state.dropProbe(id);
    }
  }

  async #send(deployment: Deployment, limitMs: number): Promise<AttemptEnd> {
    noteRetry(this.#deps.journal, this.#call, this.trail, deployment.id);
    const end = await this.#sendOnce(deployment, limitMs);
    const again = this.#usageAsked && this.#deps.asking.isRefusal(end, deployment);
    return again ? this.#sendOnce(deployment, limitMs) : end;
  }

  #sendOnce(deployment: Deployment, limitMs: number): Promise<AttemptEnd> {
    const { clock, config, state, upstream } = this.#deps;
    const request = this.#requestFor(config.endpoints.get(deployment.endpoint) as Endpoint, deployment);
    state.sent(deployment.id);
    const onAbandoned = (partial: Partial): void => void this.abandoned.push({ deployment, partial });
    return attempt({ upstream, clock, request, caller: this.#call.caller, limitMs, onAbandoned });
  }

  /** False: the attempt taught nothing about its deployment. */
  #learn(deployment: DeploymentId, end: AttemptEnd, verdict: Judgement, { probe, sentAt, unhurried }: Begun): boolean {
    const { clock, state } = this.#deps;
    const finding = findingOf(end, verdict, { deployment, at: clock.now(), probe });
    if (finding === null || (isLate(end) && !unhurried)) return false;
    // A failure of what was sent before the deployment went down is no news once it is back.
    const { recovery } = state.snapshot().health(deployment);
    if (finding.outcome === 'failing' && !probe && recovery !== null && sentAt < recovery.since) return false;
    state.record(finding);
    return true;
  }

  #settle(end: AttemptEnd, { deployment, tier }: Next, { outcome, cause }: Judgement): Served | null {
    if (end.kind === 'gone') throw this.#endedEarly();
    if (this.#route.failoverOn.has(outcome as FailoverOutcome)) {
      if (end.kind === 'live' || end.kind === 'streamError') end.live.abort();
      if (end.kind === 'streamError') this.abandoned.push({ deployment, partial: { bytes: Buffer.alloc(0), size: 0 } });
      return null;
    }
    if (end.kind !== 'broken') return { end, deployment, tier, outcome, usageAsked: this.#usageAsked };
    if (this.#remainingMs() < SHORTEST_ATTEMPT_MS) throw this.#late();
    throw new RouterError('upstream_failed', `${deployment.id} did not answer: ${cause}.`, {
      headers: trailHeaders(this.trail),
    });
  }

  #requestFor(endpoint: Endpoint, deployment: Deployment): UpstreamRequest {
    const { target, payload, headers, method, query, stream } = this.#call;
    this.#headers ??= upwardHeaders(headers, { uncompressed: stream });
    const asking = this.#deps.asking.editsFor(this.#call, endpoint, deployment);
    this.#usageAsked = asking.length > 0;
    return {
      endpoint,
      method,
      path: renderPath(target, endpoint, deployment, query),
      headers: this.#headers,
      body: renderBody({ target, payload, dialect: endpoint.dialect, deployment, asking }),
    };
  }

  #remainingMs(): number {
    return remainingMs(this.#call, this.#deps.clock);
  }

  /** An attempt may take half of what is left while others could still serve, and a stream no longer than its first-token deadline. */
  #limitMs(remainingMs: number): number {
    const { firstTokenMs, answerMs } = this.#deps.config.timeouts;
    const longest = this.#call.stream ? firstTokenMs : answerMs;
    const fair = this.#waiting.length > 0 || this.#othersLeft ? remainingMs / 2 : remainingMs;
    if (longest === null) return fair;
    return this.#call.stream || this.#othersLeft ? Math.min(longest, fair) : Math.min(longest, remainingMs);
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
