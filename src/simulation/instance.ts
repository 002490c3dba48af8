import type { KeyDesk } from '../accounts/keyDesk.ts';
import type { RandomBytes } from '../accounts/keyText.ts';
import { scanBody } from '../body/fields.ts';
import type { Principal } from '../domain/account.ts';
import type { Clock, Draw } from '../domain/clock.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { Answer } from '../domain/message.ts';
import { RetryBudget } from '../relay/budget.ts';
import type { Call } from '../relay/call.ts';
import { createRelay, type Relay } from '../relay/relay.ts';
import { UsageAsking } from '../relay/usageAsking.ts';
import { availability } from '../routing/availability.ts';
import { SharedState, type SharedStateFacts } from '../state/shared.ts';
import type { Store } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import type { Upstream } from '../upstream/port.ts';
import type { AccountKeys, Shown } from './accounts.ts';
import { BackOffice } from './backOffice.ts';
import { gapMs } from './chance.ts';
import type { QuotaWatch } from './quotaWatch.ts';
import type { Mark, Requests } from './requests.ts';
import type { Agent, Scenario } from './scenario.ts';
import { NO_CACHE, NO_ESTIMATES, NO_PRICES } from './uncounted.ts';

export interface InstanceFacts {
  readonly name: string;
  readonly scenario: Pick<Scenario, 'config' | 'agents' | 'requestsPerSecond'>;
  readonly store: Store;
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** For the router's own decisions. */
  readonly draw: Draw;
  /** For when who calls. */
  readonly traffic: Draw;
  readonly journal: Journal;
  readonly requests: Requests;
  /** `null`: nobody is asked for a key. */
  readonly keys: AccountKeys | null;
  readonly quotaWatch: QuotaWatch;
  readonly onServed: (served: ServedRequest) => void;
}

export interface ServedRequest {
  readonly mark: Mark;
  readonly arrivedAt: number;
  readonly endedAt: number;
  /** Its pool shares out its turns in strict order: that takes the store. */
  readonly strict: boolean;
  readonly shown: Shown | null;
  /** `null`: the caller got an answer. */
  readonly error: string | null;
  /** A fault of the router's own. */
  readonly fault: unknown;
}

const NOBODY = { gone: false, onGone: () => () => undefined };

/** One instance of the router, from its relay down to its share of the fleet's state, and the agents that call it. */
export class Instance {
  readonly name: string;
  readonly state: SharedState;
  readonly #facts: InstanceFacts;
  readonly #relay: Relay;
  readonly #office: BackOffice;
  #calls = 0;
  #isClosed = false;

  constructor(facts: InstanceFacts) {
    const { name, scenario, store, upstream, clock, draw, journal, requests } = facts;
    const { config } = scenario;
    this.name = name;
    this.#facts = facts;
    const fingerprint = () => 'simulated';
    this.state = new MarkingState({ config, store, instance: name, clock, draw, journal, fingerprint }, requests);
    const { watch, deployments } = this.state;
    this.#office = new BackOffice({
      ...facts,
      config,
      instance: name,
      watch,
      instances: () => deployments.instances,
    });
    const budget = new RetryBudget(config.retries.budgetPercent);
    const tallying = {
      prices: NO_PRICES,
      estimator: NO_ESTIMATES,
      ledger: this.#office.ledger,
      journal,
      clock,
      unfinished: new Set<Promise<void>>(),
    };
    const asking = new UsageAsking(false);
    const attempting = { config, upstream, state: this.state, clock, draw, budget, journal, asking };
    this.#relay = createRelay({ ...attempting, quotas: this.#office.quotas, tallying, cache: NO_CACHE });
  }

  start(): void {
    this.state.start();
    this.#office.start();
    this.#awaitCall();
  }

  /** Nobody calls any more. */
  rest(): void {
    this.#isClosed = true;
  }

  /** Tells what is left to tell. */
  async close(): Promise<void> {
    await Promise.all([this.state.close(), this.#office.close()]);
  }

  /** Where an operator changes keys through this instance. */
  desk(random: RandomBytes): KeyDesk {
    return this.#office.desk(random);
  }

  /** Whether requests may go there without asking the fleet first. */
  sendsTo(deployment: DeploymentId): boolean {
    const { kind } = availability(this.state.health(deployment), this.#facts.clock.now());
    return kind === 'ready' || kind === 'ramping';
  }

  #awaitCall(): void {
    const { clock, traffic, scenario } = this.#facts;
    clock.after(gapMs(traffic, scenario.requestsPerSecond), () => {
      if (this.#isClosed) return;
      void this.#serve(Math.floor(traffic() * scenario.agents.length));
      this.#awaitCall();
    });
  }

  async #serve(agentAt: number): Promise<void> {
    const { requests, clock, scenario, keys, onServed } = this.#facts;
    const agent = scenario.agents[agentAt] as Agent;
    const shown = keys?.shownBy(agentAt) ?? null;
    const arrivedAt = clock.monotonicMs();
    const pool = scenario.config.pools.get(agent.model);
    const strict = pool?.strategy === 'roundRobin' && pool.block === 1;
    const { mark, result } = await requests.run(async () => {
      const admitted = this.#office.admit(shown);
      if (admitted instanceof Promise && requests.current !== undefined) requests.current.waitedForAccount = true;
      return await this.#relay.serve(this.#callOf(agent, await admitted, arrivedAt));
    });
    const times = { arrivedAt, endedAt: clock.monotonicMs() };
    onServed({ mark, ...times, strict, shown, error: errorOf(result), fault: faultOf(result) });
  }

  #callOf({ name, model }: Agent, principal: Principal, arrivedAt: number): Call {
    const { scenario } = this.#facts;
    return {
      id: `${this.name}-${this.#calls++}`,
      arrivedAt,
      method: 'POST',
      target: { kind: 'deployment', operation: 'chat/completions', namedBy: 'body', name: null },
      query: '',
      headers: [],
      payload: payloadFor(model),
      name: model,
      stream: false,
      labels: { agent: name, creator: 'unknown_creator', operation: 'unknown_operation' },
      principal,
      wishes: {
        tier: null,
        failover: true,
        onBreak: 'error',
        cache: null,
        deadlineMs: scenario.config.timeouts.deadlineMs,
      },
      caller: NOBODY,
    };
  }
}

/** The shared state, which notes what a request has to do with a probe. */
class MarkingState extends SharedState {
  readonly #requests: Requests;

  constructor(facts: SharedStateFacts, requests: Requests) {
    super(facts);
    this.#requests = requests;
  }

  override async claimProbe(...asked: Parameters<SharedState['claimProbe']>): Promise<boolean> {
    const [deployment] = asked;
    const mark = this.#requests.current;
    if (mark !== undefined) mark.claimed = true;
    const granted = await super.claimProbe(...asked);
    if (mark !== undefined && granted && this.#isInNeed(deployment)) mark.probing = deployment;
    return granted;
  }

  /** What has been closed meanwhile takes no probe: then a claim is granted without one. */
  #isInNeed(deployment: DeploymentId): boolean {
    const word = this.deploymentSheet.content.deployments.get(deployment);
    return word !== undefined && (word.breaker.kind !== 'closed' || word.misconfigured !== null);
  }
}

const payloads = new Map<string, Call['payload']>();

/** The same body for all requests to a pool: what it holds beside the model is of no interest here. */
function payloadFor(model: string): Call['payload'] {
  const known = payloads.get(model);
  if (known !== undefined) return known;
  const bytes = Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], max_tokens: 200 }));
  const scan = scanBody(bytes, 10);
  if (!scan.ok) throw new Error(scan.problem);
  const payload = { kind: 'json' as const, bytes, fields: scan.fields };
  payloads.set(model, payload);
  return payload;
}

function errorOf(result: PromiseSettledResult<Answer>): string | null {
  if (result.status === 'fulfilled') return result.value.status < 400 ? null : `status ${result.value.status}`;
  return result.reason instanceof RouterError ? result.reason.code : 'fault';
}

function faultOf(result: PromiseSettledResult<Answer>): unknown {
  return result.status === 'rejected' && !(result.reason instanceof RouterError) ? result.reason : null;
}
