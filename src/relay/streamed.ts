import type { Deployment, DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Target } from '../domain/target.ts';
import type { RequestEnd } from '../domain/usage.ts';
import { NO_TOKENS } from '../domain/usage.ts';
import type { Route } from '../routing/decide.ts';
import { StreamMeter } from '../usage/streamMeter.ts';
import type { LiveAnswer } from './attempt.ts';
import { Attempts, type AttemptsDeps } from './attempts.ts';
import type { Call } from './call.ts';
import type { Answered } from './stored.ts';
import { type Restarted, StreamBody, type StreamEnd } from './streamBody.ts';
import type { Tally } from './tally.ts';
import { isOfTokens, type KeptRequest, requestOf, tallyAbandoned, tallyStream } from './worked.ts';

const ENDS = { complete: 'ok', broken: 'broken', gone: 'aborted' } as const;

/** What may be needed to begin the answer again elsewhere: the request itself, and who was tried. */
interface Again {
  readonly call: Call;
  readonly route: Route;
  readonly tried: Set<DeploymentId>;
}

/** A stream on its way, from whichever deployment serves it now. Where it may not begin again, the request is not held on to. */
export class Streamed {
  readonly #deps: AttemptsDeps;
  readonly #tally: Tally;
  readonly #requestId: string;
  readonly #request: KeptRequest | null;
  readonly #again: Again | null;
  readonly #routeFor: (call: Call) => Route;
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
      restart: again === null ? null : () => this.#restart(again),
      onPartEnd: (end) => this.#partEnded(end),
      onEnd: () => this.#tally.end({ end: this.#end, status, errorCode: null, retryAfterMs: null }),
    });
  }

  #partEnded(end: StreamEnd): void {
    const deployment = this.#deployment;
    this.#end = ENDS[end.kind];
    if (this.#request === null) this.#tally.used(deployment, null, NO_TOKENS);
    else tallyStream(this.#tally, { ...this.#request, deployment }, this.#meter);
    if (end.kind === 'broken') this.#learnBreak(end.cause);
  }

  #learnBreak(cause: string): void {
    const { journal, state, clock } = this.#deps;
    const { id } = this.#deployment;
    journal.streamBroken({ requestId: this.#requestId, deployment: id, cause });
    const unsaid = { retryAfterMs: null, latencyMs: null, headroom: null };
    state.record({ deployment: id, at: clock.now(), probe: false, ...unsaid, outcome: 'failing', cause });
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
    this.#meter = new StreamMeter(usageAsked);
    return { live, meter: this.#meter, from, to: deployment.id };
  }
}

function speaksTypedEvents(target: Target): boolean {
  return target.kind === 'response' || (target.kind === 'deployment' && target.operation.startsWith('responses'));
}
