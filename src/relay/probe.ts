import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { Deployment, DeploymentId, Endpoint } from '../domain/deployment.ts';
import type { Caller } from '../domain/message.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Tokens } from '../domain/usage.ts';
import { availability } from '../routing/availability.ts';
import type { State } from '../state/port.ts';
import type { Upstream } from '../upstream/port.ts';
import { modelIn, usageIn } from '../usage/answer.ts';
import type { Prices } from '../usage/port.ts';
import { type AttemptEnd, attempt } from './attempt.ts';
import { findingOf, type Judgement, judge } from './judge.ts';
import { type ProbeKind, probeCall } from './probeCall.ts';

export interface ProberDeps {
  readonly config: Pick<RouterConfig, 'endpoints' | 'deployments'>;
  readonly upstream: Upstream;
  readonly state: Pick<State, 'snapshot' | 'sent' | 'record' | 'claimProbe' | 'dropProbe'>;
  readonly clock: Clock;
  readonly prices: Prices;
}

export interface ProbeOrder {
  readonly deployments: readonly DeploymentId[];
  readonly kind: ProbeKind;
  /** Whether what is found is taken note of, as what an attempt finds is. */
  readonly record: boolean;
  readonly caller: Caller;
}

/** What one call to a deployment showed; `null`: it did not show that. */
export interface ProbeResult {
  readonly deployment: DeploymentId;
  readonly checkedBy: ProbeKind;
  /** As far as the call can tell. */
  readonly ok: boolean;
  readonly reachable: boolean | null;
  readonly authenticated: boolean | null;
  /** Whether the call could have told if the deployment is there. */
  readonly deploymentChecked: boolean;
  readonly deploymentExists: boolean | null;
  readonly latencyMs: number;
  readonly status: number | null;
  readonly outcome: Outcome;
  readonly cause: string;
  readonly recorded: boolean;
  /** What the call was billed, in no ledger; `null`: nothing, or its answer does not say. */
  readonly usage: { readonly tokens: Tokens; readonly costNanoUsd: number | null } | null;
}

export interface Prober {
  /** Each deployment once; the results in the order asked for. */
  probe(order: ProbeOrder): Promise<ProbeResult[]>;
}

const AT_ONCE = 8;
const CALL_WITHIN_MS = 10_000;
/** Shorter than the 230 s after which the front end gives up on an answer: where there are many, each has less. */
const ALL_WITHIN_MS = 200_000;

export function createProber(deps: ProberDeps): Prober {
  return {
    async probe(order) {
      const { deployments } = order;
      const limitMs = Math.min(CALL_WITHIN_MS, ALL_WITHIN_MS / Math.ceil(deployments.length / AT_ONCE));
      const results: ProbeResult[] = [];
      const waiting = deployments.entries();
      // All take from the one list until it is empty.
      const work = async (): Promise<void> => {
        for (const [at, id] of waiting) results[at] = await new Probe(deps, order, id).run(limitMs);
      };
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, deployments.length) }, work));
      return results;
    },
  };
}

class Probe {
  readonly #deps: ProberDeps;
  readonly #order: ProbeOrder;
  readonly #deployment: Deployment;
  /** The fleet waits to hear what becomes of it. */
  #isClaimed = false;

  constructor(deps: ProberDeps, order: ProbeOrder, id: DeploymentId) {
    this.#deps = deps;
    this.#order = order;
    this.#deployment = deps.config.deployments.get(id) as Deployment;
  }

  async run(limitMs: number): Promise<ProbeResult> {
    const { state } = this.#deps;
    const { id } = this.#deployment;
    const records = this.#order.record && (await this.#mayRecord());
    let recorded = false;
    try {
      const { clock } = this.#deps;
      const from = clock.monotonicMs();
      const end = await this.#send(limitMs, records);
      const latencyMs = Math.round(clock.monotonicMs() - from);
      const verdict = judge(end, this.#order.kind === 'completion', clock.now());
      recorded = records && this.#record(end, verdict);
      return { ...this.#resultOf(end, verdict), latencyMs, recorded };
    } finally {
      // Otherwise nobody would ever try it again.
      if (this.#isClaimed && !recorded) state.dropProbe(id);
    }
  }

  /** A deployment that is out is tried by one request of the whole fleet, and only by one that can find out how it is. */
  async #mayRecord(): Promise<boolean> {
    const { state, clock } = this.#deps;
    const { id } = this.#deployment;
    const now = clock.now();
    const { kind } = availability(state.snapshot().health(id), now);
    if (kind === 'ready' || kind === 'ramping') return true;
    if (kind === 'out' || this.#order.kind === 'models') return false;
    this.#isClaimed = await state.claimProbe(id, now, true);
    return this.#isClaimed;
  }

  async #send(limitMs: number, counts: boolean): Promise<AttemptEnd> {
    const { config, upstream, clock, state } = this.#deps;
    const { endpoint, id } = this.#deployment;
    const request = probeCall(this.#order.kind, config.endpoints.get(endpoint) as Endpoint, this.#deployment);
    if (counts) state.sent(id);
    const end = await attempt({ upstream, clock, request, caller: this.#order.caller, limitMs });
    if (end.kind === 'live' || end.kind === 'streamError') end.live.abort();
    return end;
  }

  /** False: it taught nothing about the deployment, or nothing that is certain. */
  #record(end: AttemptEnd, verdict: Judgement): boolean {
    const { state, clock } = this.#deps;
    const facts = { deployment: this.#deployment.id, at: clock.now(), probe: this.#isClaimed };
    const finding = findingOf(end, verdict, facts);
    // Requests have more time than this: who is slow here may yet serve them.
    const isLate = end.kind === 'broken' && end.how === 'late';
    if (finding === null || isLate) return false;
    // That an endpoint lists its models, or does not do so now, is nothing that a deployment could be blamed or trusted for.
    const concerns = finding.outcome === 'failing' || finding.outcome === 'misconfigured';
    if (this.#order.kind === 'models' && !concerns) return false;
    state.record(finding);
    return true;
  }

  #resultOf(end: AttemptEnd, { outcome, cause }: Judgement) {
    const { kind } = this.#order;
    const head = 'head' in end ? end.head : null;
    const isThere = kind === 'completion' ? exists(outcome, head?.status ?? null) : null;
    const isServed = kind === 'completion' ? isThere === true : head !== null && isSuccess(head.status);
    return {
      deployment: this.#deployment.id,
      checkedBy: kind,
      ok: isServed,
      reachable: reached(end),
      authenticated: head === null ? null : wasLetIn(head.status, isServed || isThere === false),
      deploymentChecked: kind === 'completion',
      deploymentExists: isThere,
      status: head?.status ?? null,
      outcome,
      cause,
      usage: kind === 'completion' ? this.#usageIn(end) : null,
    };
  }

  #usageIn(end: AttemptEnd): ProbeResult['usage'] {
    const said = end.kind === 'whole' ? usageIn(end.body) : null;
    if (said === null || end.kind !== 'whole') return null;
    const { tokens } = said;
    return { tokens, costNanoUsd: this.#deps.prices.costOf(this.#deployment, modelIn(end.body), tokens) };
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** A deployment that refuses what it was asked is there. A path that does not exist refuses too, whoever stands behind it. */
function exists(outcome: Outcome, status: number | null): boolean | null {
  if (status === null) return null;
  if (outcome === 'ok') return isSuccess(status) ? true : null;
  if (outcome === 'filtered') return true;
  if (outcome === 'refused') return status === 400 || status === 422 ? true : null;
  return outcome === 'misconfigured' && (status === 404 || status === 410) ? false : null;
}

/** `null`: it was not tried, for want of a token, or its caller left. */
function reached(end: AttemptEnd): boolean | null {
  if (end.kind === 'gone') return null;
  if (end.kind === 'broken') return end.how === 'credential' ? null : false;
  return true;
}

/** Who says whether a deployment is there has looked at the credential first. */
function wasLetIn(status: number, hasSpoken: boolean): boolean | null {
  if (status === 401 || status === 403) return false;
  return hasSpoken ? true : null;
}
