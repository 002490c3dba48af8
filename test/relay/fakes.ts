/** Stand-ins for what lies around the relay: an upstream that does what it is told, an answer under way, a caller who may leave. */

import { scanBody } from '../../src/body/fields.ts';
import { ResponseCache } from '../../src/cache/responseCache.ts';
import { ANYBODY, type Principal } from '../../src/domain/account.ts';
import type { AgentFinding, Assignment } from '../../src/domain/assignment.ts';
import type { Plan, RouterConfig } from '../../src/domain/config.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import type { Finding } from '../../src/domain/health.ts';
import type { Caller } from '../../src/domain/message.ts';
import type { RequestRecord } from '../../src/domain/usage.ts';
import type { LiveAnswer, LiveSink } from '../../src/relay/attempt.ts';
import { Attempts } from '../../src/relay/attempts.ts';
import { RetryBudget } from '../../src/relay/budget.ts';
import type { Call, Wishes } from '../../src/relay/call.ts';
import type { RelayDeps } from '../../src/relay/relay.ts';
import { UsageAsking } from '../../src/relay/usageAsking.ts';
import { decide } from '../../src/routing/decide.ts';
import { NO_ESTIMATES, NO_PRICES } from '../../src/simulation/uncounted.ts';
import type { Failover, State } from '../../src/state/port.ts';
import { SharedState } from '../../src/state/shared.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Journal } from '../../src/telemetry/port.ts';
import type { Payload } from '../../src/upstream/dialect.ts';
import type {
  Exchange,
  Upstream,
  UpstreamHeaders,
  UpstreamListener,
  UpstreamRequest,
} from '../../src/upstream/port.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { SILENT } from '../harness/silent.ts';
import { routeOf } from '../routing/facts.ts';

/** One request that was put to the upstream. */
export class Sent implements Exchange {
  readonly request: UpstreamRequest;
  readonly listener: UpstreamListener;
  readonly atMs: number;
  aborted = false;
  paused = false;

  constructor(request: UpstreamRequest, listener: UpstreamListener, atMs: number) {
    this.request = request;
    this.listener = listener;
    this.atMs = atMs;
  }

  /** `A`, as the path of every endpoint in these tests begins with its name. */
  get endpoint(): string {
    return this.request.endpoint.name;
  }

  answer(status: number, body: unknown = {}, headers: UpstreamHeaders = {}): void {
    this.listener.onHead(status, { 'content-type': 'application/json', ...headers });
    this.listener.onData(Buffer.from(JSON.stringify(body)));
    this.listener.onEnd();
  }

  abort(): void {
    this.aborted = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

export type Script = (sent: Sent) => void;

export class FakeUpstream implements Upstream {
  readonly sent: Sent[] = [];
  readonly #clock: ManualClock;
  readonly #scripts: Script[];

  /** The last script goes on for good; without any, nothing is answered but by hand. */
  constructor(clock: ManualClock, ...scripts: Script[]) {
    this.#clock = clock;
    this.#scripts = scripts;
  }

  send(request: UpstreamRequest, listener: UpstreamListener): Exchange {
    const sent = new Sent(request, listener, this.#clock.monotonicMs());
    this.sent.push(sent);
    const script = this.#scripts.length > 1 ? this.#scripts.shift() : this.#scripts[0];
    // An endpoint never answers while the request is still being put to it.
    if (script !== undefined) queueMicrotask(() => script(sent));
    return sent;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get last(): Sent {
    const sent = this.sent.at(-1);
    if (sent === undefined) throw new Error('nothing has been sent');
    return sent;
  }
}

export const ok: Script = (sent) => sent.answer(200, { ok: true });
export const never: Script = () => undefined;

export function status(code: number, headers: UpstreamHeaders = {}): Script {
  return (sent) => sent.answer(code, { error: { code: String(code), message: 'm' } }, headers);
}

export class FakeCaller implements Caller {
  gone = false;
  dismissed = false;
  #listeners: (() => void)[] = [];

  onGone(fn: () => void): () => void {
    this.#listeners.push(fn);
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== fn);
    };
  }

  leave(): void {
    this.gone = true;
    this.#tell();
  }

  dismiss(): void {
    this.dismissed = true;
    this.#tell();
  }

  #tell(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const fn of listeners) fn();
  }

  get watched(): boolean {
    return this.#listeners.length > 0;
  }
}

export class FakeLive implements LiveAnswer {
  readonly events: boolean;
  readonly responseId = null;
  aborted = false;
  paused = false;
  pauses = 0;
  #sink: LiveSink | null = null;

  constructor(events = true) {
    this.events = events;
  }

  get sink(): LiveSink {
    if (this.#sink === null) throw new Error('nobody listens');
    return this.#sink;
  }

  attach(sink: LiveSink): void {
    this.#sink = sink;
  }

  abort(): void {
    this.aborted = true;
  }

  pause(): void {
    this.paused = true;
    this.pauses++;
  }

  resume(): void {
    this.paused = false;
  }
}

export const QUIET: Journal = SILENT;

/** What the relay told its state, in order. */
export interface Told {
  readonly sent: DeploymentId[];
  readonly findings: Finding[];
  readonly claimed: DeploymentId[];
  readonly dropped: DeploymentId[];
  readonly agents: AgentFinding[];
  readonly failovers: Failover[];
  /** Stored responses that the store was asked for. */
  readonly sought: string[];
}

export interface WatchedState extends State {
  readonly told: Told;
  /** Where agents are that are not at home. */
  readonly assignments: Map<string, Assignment>;
  /** What the store, and this instance not yet, knows of stored responses. */
  readonly holders: Map<string, DeploymentId>;
}

/** The state with an ear at it. */
export function watched(inner: SharedState): WatchedState {
  const told: Told = { sent: [], findings: [], claimed: [], dropped: [], agents: [], failovers: [], sought: [] };
  const assignments = new Map<string, Assignment>();
  const holders = new Map<string, DeploymentId>();
  const snapshot = {
    health: (id: DeploymentId) => inner.health(id),
    assignment: (agent: string) => assignments.get(agent) ?? null,
  };
  return {
    told,
    assignments,
    holders,
    snapshot: () => snapshot,
    sent(id) {
      told.sent.push(id);
      inner.sent(id);
    },
    record(finding) {
      told.findings.push(finding);
      inner.record(finding);
    },
    async claimProbe(id, now) {
      const granted = await inner.claimProbe(id, now);
      if (granted) told.claimed.push(id);
      return granted;
    },
    dropProbe: (id) => void told.dropped.push(id),
    recordAgent: (finding) => void told.agents.push(finding),
    recordFailover: (failover) => void told.failovers.push(failover),
    turn: (pool) => inner.turn(pool),
    peekTurn: (pool) => inner.peekTurn(pool),
    holderOf: (id) => inner.holderOf(id),
    findHolder(id) {
      told.sought.push(id);
      return Promise.resolve(holders.get(id) ?? null);
    },
    remember: (id, holder) => inner.remember(id, holder),
  };
}

export type CallFacts = Partial<Omit<Call, 'wishes' | 'principal'>> & {
  readonly wishes?: Partial<Wishes>;
  readonly principal?: Partial<Principal>;
  readonly plan?: Plan | null;
};

export interface Stage {
  readonly clock: ManualClock;
  readonly upstream: FakeUpstream;
  readonly state: SharedState;
  readonly watched: WatchedState;
  readonly caller: FakeCaller;
  readonly deps: RelayDeps;
  /** What was told of requests that are over. */
  readonly records: RequestRecord[];
  /** A call that arrives now. */
  readonly call: (facts?: CallFacts) => Call;
  /** The attempts for a call, by the route it takes now. */
  readonly attempts: (call?: Call) => Attempts;
  readonly record: (
    deployment: DeploymentId,
    outcome: 'failing' | 'throttled' | 'misconfigured',
    facts?: { readonly retryAfterMs?: number; readonly times?: number },
  ) => void;
}

export function stageFor(config: RouterConfig, scripts: readonly Script[] = [], parts: Partial<RelayDeps> = {}): Stage {
  const clock = new ManualClock();
  const upstream = new FakeUpstream(clock, ...scripts);
  const state = new SharedState({
    config,
    store: new MemoryStore(),
    instance: 'i1',
    clock,
    draw: () => 0.5,
    journal: QUIET,
    fingerprint: () => 'c1',
  });
  const caller = new FakeCaller();
  const budget = new RetryBudget(config.retries.budgetPercent);
  const ear = watched(state);
  const records: RequestRecord[] = [];
  const journal: Journal = { ...QUIET, requestEnded: (record) => void records.push(record) };
  const deps: RelayDeps = {
    config,
    upstream,
    state: ear,
    clock,
    draw: () => 0.5,
    budget,
    journal,
    asking: new UsageAsking(config.usage.askForUsage),
    quotas: { reserve: () => ({ headers: () => [], settle: () => undefined }) },
    cache: new ResponseCache(config.cache, clock),
    tallying: {
      prices: NO_PRICES,
      estimator: NO_ESTIMATES,
      ledger: { enter: () => undefined },
      journal,
      clock,
      unfinished: new Set(),
    },
    ...parts,
  };
  return {
    clock,
    upstream,
    state,
    watched: ear,
    caller,
    deps,
    records,
    call: (facts = {}) => callFor(config, clock, caller, facts),
    attempts(call = callFor(config, clock, caller, {})) {
      const request = {
        name: call.name,
        agent: call.labels.agent,
        tier: call.wishes.tier,
        failover: call.wishes.failover,
        spreadKey: null,
        boundTo: null,
        pinned: false,
        plan: call.principal.plan,
      };
      const facts = { snapshot: ear.snapshot(), now: clock.now(), draw: deps.draw, turn: () => 0 };
      return new Attempts(deps, call, routeOf(decide(config, request, facts)));
    },
    record(deployment, outcome, { retryAfterMs = null, times = 1 } = {}) {
      for (let count = 0; count < times; count++) {
        state.record({
          deployment,
          outcome,
          at: clock.now(),
          probe: false,
          retryAfterMs,
          latencyMs: null,
          headroom: null,
          cause: 'a test',
        });
      }
    },
  };
}

export function jsonPayload(text: string): Payload {
  const bytes = Buffer.from(text);
  const scan = scanBody(bytes, 10);
  if (!scan.ok) throw new Error(scan.problem);
  return { kind: 'json', bytes, fields: scan.fields };
}

function callFor(config: RouterConfig, clock: ManualClock, caller: Caller, facts: CallFacts): Call {
  const { wishes, principal, plan, ...rest } = facts;
  return {
    id: 'id-1',
    arrivedAt: clock.monotonicMs(),
    method: 'POST',
    target: { kind: 'deployment', operation: 'chat/completions', namedBy: 'body', name: null },
    query: '',
    headers: [],
    payload: jsonPayload('{"model":"gpt-4.1"}'),
    name: 'gpt-4.1',
    stream: false,
    labels: { agent: 'unknown_agent', creator: 'unknown_creator', operation: 'unknown_operation' },
    principal: { ...ANYBODY, plan: plan ?? null, ...principal },
    caller,
    ...rest,
    wishes: {
      tier: null,
      failover: true,
      onBreak: 'error',
      cache: null,
      deadlineMs: config.timeouts.deadlineMs,
      ...wishes,
    },
  };
}
