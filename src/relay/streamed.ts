import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { FailoverOutcome, Outcome } from '../domain/outcome.ts';
import type { Target } from '../domain/target.ts';
import type { RequestEnd } from '../domain/usage.ts';
import { NO_TOKENS } from '../domain/usage.ts';
import { classifyStreamError } from '../routing/classify.ts';
import type { Route } from '../routing/decide.ts';
import { StreamMeter } from '../usage/streamMeter.ts';
import type { LiveAnswer } from './attempt.ts';
import { Attempts, type AttemptsDeps } from './attempts.ts';
import type { Call } from './call.ts';
import { type Judgement, judgeStreamError, streamFinding } from './judge.ts';
import { hasBegun, settleStream } from './settle.ts';
import type { Answered } from './stored.ts';
import { StreamBody } from './streamBody.ts';
import type { Restart, Restarted, StreamEnd } from './streamPort.ts';
import type { Tally } from './tally.ts';
import { isOfTokens, type KeptRequest, requestOf, tallyAbandoned, tallyStream } from './worked.ts';

/** What is said of a stream that the deployment broke off; not so where it refused, or where nobody is to blame. */
const BROKEN: ReadonlySet<Outcome> = new Set(['failing', 'throttled']);

/** A stream may last for minutes, and its request's body is large. */
const BODILESS = { payload: { kind: 'none' }, headers: [] } as const;

/** What may be needed to begin the answer again elsewhere: the request itself, and who was tried. */
interface Again {
  readonly call: Call;
  readonly route: Route;
  readonly tried: Set<DeploymentId>;
}

interface Part {
  readonly begunAt: number;
  /** What became of the attempt where that was no success: then its end teaches nothing more. */
  readonly judged: Outcome | null;
}

/** A stream on its way, from whichever deployment serves it now. Where it may not begin again, the request is not held on to. */
export class Streamed {
  readonly #deps: AttemptsDeps;
  readonly #tally: Tally;
  readonly #requestId: string;
  readonly #request: KeptRequest | null;
  readonly #again: Again | null;
  readonly #routeFor: (call: Call) => Route;
  /** An agent on the deployment that it is stuck to, by its request without the request's body. */
  readonly #stay: { readonly call: Call; readonly on: DeploymentId } | null;
  /** What is known of the part that is on its way; the first may have been judged already. */
  #part: Part;
  #deployment: Deployment;
  #meter: StreamMeter;
  #end: RequestEnd = 'ok';

  constructor(deps: AttemptsDeps, { call, route, attempts, served, tally }: Answered, routeFor: (call: Call) => Route) {
    this.#deps = deps;
    this.#tally = tally;
    this.#requestId = call.id;
    this.#request = isOfTokens(call) ? requestOf(call) : null;
    this.#routeFor = routeFor;
    this.#deployment = served.deployment;
    this.#meter = new StreamMeter(served.usageAsked);
    const tried = new Set(attempts.trail.map((step) => step.deployment));
    this.#again = call.wishes.onBreak === 'restart' ? { call, route, tried } : null;
    const isAtItsPlace = route.sticky?.deployment === served.deployment.id;
    this.#stay = isAtItsPlace ? { call: { ...call, ...BODILESS }, on: served.deployment.id } : null;
    this.#part = { begunAt: deps.clock.now(), judged: hasBegun(served) ? null : served.outcome };
  }

  body(call: Call, live: LiveAnswer, status: number): StreamBody {
    const { clock, config } = this.#deps;
    const { streamIdleMs, streamMaxMs, heartbeatMs } = config.timeouts;
    const again = this.#again;
    return new StreamBody({
      live,
      clock,
      meter: this.#meter,
      caller: call.caller,
      limits: { idleMs: streamIdleMs, maxMs: streamMaxMs, heartbeatMs },
      typed: speaksTypedEvents(call.target),
      restart: again === null ? null : this.#restartFor(again),
      onPartEnd: (end) => this.#partEnded(end),
      onEnd: () => this.#tally.end({ end: this.#end, status, errorCode: null, retryAfterMs: null }),
    });
  }

  #partEnded(end: StreamEnd): void {
    const deployment = this.#deployment;
    const judgement = this.#judge(end);
    this.#end = this.#part.judged ?? (BROKEN.has(judgement.outcome) ? 'broken' : judgement.outcome);
    if (end.kind === 'dismissed') this.#end = 'broken';
    if (this.#request === null) this.#tally.used(deployment, null, NO_TOKENS);
    else tallyStream(this.#tally, { ...this.#request, deployment }, this.#meter);
    if (this.#part.judged === null) this.#learn(judgement);
  }

  #judge(end: StreamEnd): Judgement {
    switch (end.kind) {
      case 'complete':
        return { outcome: 'ok', cause: 'the stream is complete', retryAfterMs: null };
      case 'broken':
        return { outcome: 'failing', cause: end.cause, retryAfterMs: null };
      case 'erred':
        return judgeStreamError(end.code, {}, this.#deps.clock.now());
      case 'gone':
      case 'dismissed':
        return { outcome: 'aborted', cause: 'the caller left', retryAfterMs: null };
      default:
        return end satisfies never;
    }
  }

  /** A stream is a success of its deployment, and of its agent's stay there, once it has ended well. */
  #learn(judgement: Judgement): void {
    const { outcome, cause } = judgement;
    if (outcome === 'aborted') return;
    const { journal, state, clock } = this.#deps;
    const { id } = this.#deployment;
    const isBroken = BROKEN.has(outcome);
    if (isBroken) journal.streamBroken({ requestId: this.#requestId, deployment: id, cause });
    // What broke of the time before the deployment went down is no news once it is back.
    const { recovery } = state.snapshot().health(id);
    if (isBroken && recovery !== null && this.#part.begunAt < recovery.since) return;
    const finding = streamFinding(judgement, { deployment: id, at: clock.now() });
    if (finding !== null) state.record(finding);
    const stay = this.#stay;
    if (stay === null || stay.on !== id) return;
    settleStream(this.#deps, { ...stay, outcome, route: () => this.#routeFor(stay.call) });
  }

  #restartFor(again: Again): Restart {
    return {
      isDue: (code) => again.route.failoverOn.has(classifyStreamError(code) as FailoverOutcome),
      begin: () => this.#restart(again),
    };
  }

  /** Another stream from the beginning, on a deployment that has not been tried; with a deadline of its own. */
  async #restart({ call, route, tried }: Again): Promise<Restarted | null> {
    const again = { ...call, arrivedAt: this.#deps.clock.monotonicMs() };
    const fresh = this.#routeFor(again);
    const candidates = fresh.candidates.filter(({ deployment }) => !tried.has(deployment.id));
    if (candidates.length === 0) return null;
    const attempts = new Attempts(this.#deps, again, { ...route, candidates, skipped: [] });
    try {
      const { end, deployment, tier, usageAsked } = await attempts.run();
      if (end.kind === 'live' && end.live.events) {
        this.#tally.servedBy({ deployment, pool: route.pool, tier });
        return this.#goOn(end.live, deployment, usageAsked);
      }
      if (end.kind !== 'whole') end.live.abort();
      return null;
    } catch (error) {
      if (error instanceof RouterError) return null;
      throw error;
    } finally {
      for (const step of attempts.trail) tried.add(step.deployment);
      this.#tally.wentOn(attempts.trail);
      for (const one of attempts.abandoned) tallyAbandoned(this.#tally, call, one);
    }
  }

  #goOn(live: LiveAnswer, deployment: Deployment, usageAsked: boolean): Restarted {
    const from = this.#deployment.id;
    this.#deployment = deployment;
    this.#part = { begunAt: this.#deps.clock.now(), judged: null };
    this.#meter = new StreamMeter(usageAsked);
    return { live, meter: this.#meter, from, to: deployment.id };
  }
}

function speaksTypedEvents(target: Target): boolean {
  return target.kind === 'response' || (target.kind === 'deployment' && target.operation.startsWith('responses'));
}
