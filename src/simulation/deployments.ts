import type { Clock, Draw } from '../domain/clock.ts';
import { type DeploymentId, deploymentId } from '../domain/deployment.ts';
import {
  type Exchange,
  type Upstream,
  UpstreamError,
  type UpstreamHeaders,
  type UpstreamListener,
  type UpstreamRequest,
} from '../upstream/port.ts';
import { between, type Latency, latencyMs } from './chance.ts';
import type { Requests } from './requests.ts';
import { type Down, type Erring, type Fault, isOn, type Limited } from './scenario.ts';

export interface SimulatedDeploymentsFacts {
  readonly clock: Clock;
  readonly draw: Draw;
  readonly faults: readonly Fault[];
  readonly answers: Latency;
  readonly connectMs: number;
  readonly requests: Requests;
  readonly onSent: (attempt: SentAttempt) => void;
  readonly onAnswered: (attempt: SentAttempt, status: number | null) => void;
}

export interface SentAttempt {
  readonly deployment: DeploymentId;
  /** It finds out whether the deployment has recovered. */
  readonly probe: boolean;
  /** The deployment was down when it was sent. */
  readonly dead: boolean;
}

/** What becomes of an attempt; `null`: no answer at all. */
interface Fate {
  readonly afterMs: number;
  readonly status: number | null;
  readonly headers?: UpstreamHeaders;
}

/** Limits are counted in pieces of a minute, as the service does. */
const LIMIT_PIECE_MS = 10_000;
const JSON_HEADERS = { 'content-type': 'application/json' };
/** What every answer says it used. */
export const USED = { prompt_tokens: 40, completion_tokens: 160, total_tokens: 200 } as const;
const SERVED = Buffer.from(JSON.stringify({ object: 'chat.completion', model: 'gpt-4.1', usage: USED }));
const REFUSED = Buffer.from('{"error":{"message":"simulated"}}');

/** All deployments there are, answering, refusing and failing by the scenario's faults. */
export class SimulatedDeployments implements Upstream {
  readonly #facts: SimulatedDeploymentsFacts;
  readonly #ids = new Map<string, DeploymentId>();
  readonly #taken = new Map<DeploymentId, { piece: number; requests: number }>();

  constructor(facts: SimulatedDeploymentsFacts) {
    this.#facts = facts;
  }

  send(request: UpstreamRequest, listener: UpstreamListener): Exchange {
    const { clock, requests, onSent, onAnswered } = this.#facts;
    const deployment = this.#idOf(request);
    const probe = requests.current?.probing === deployment;
    const attempt = { deployment, probe, dead: this.#isDown(deployment) };
    onSent(attempt);
    const over = requests.sent(clock.monotonicMs());
    const { afterMs, status, headers } = this.#fateOf(deployment);
    const stop = clock.after(afterMs, () => {
      over(clock.monotonicMs());
      // Whatever is under way when a deployment goes down is lost with it.
      const lost = status === 200 && this.#isDown(deployment);
      onAnswered(attempt, lost ? null : status);
      answer(listener, lost ? null : status, headers);
    });
    const abort = () => {
      stop();
      over(clock.monotonicMs());
    };
    return { abort, pause: () => undefined, resume: () => undefined };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #idOf({ endpoint, path }: UpstreamRequest): DeploymentId {
    const key = `${endpoint.name} ${path}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const name = /\/deployments\/([^/]+)\//.exec(path)?.[1];
    if (name === undefined) throw new Error(`${path} names no deployment`);
    const id = deploymentId(endpoint.name, decodeURIComponent(name));
    this.#ids.set(key, id);
    return id;
  }

  #fateOf(id: DeploymentId): Fate {
    const { draw, answers } = this.#facts;
    const down = this.#fault(id, 'down') as Down | undefined;
    if (down !== undefined) return this.#fateOfDown(down);
    const limited = this.#fault(id, 'limited') as Limited | undefined;
    const restMs = limited === undefined ? 0 : this.#overLimitMs(id, limited);
    if (restMs > 0) {
      const headers = { 'retry-after': String(Math.ceil(restMs / 1_000)), 'retry-after-ms': String(Math.ceil(restMs)) };
      return { afterMs: between(draw, 5, 30), status: 429, headers };
    }
    const erring = this.#fault(id, 'erring') as Erring | undefined;
    if (erring !== undefined && draw() < erring.share) return { afterMs: between(draw, 20, 400), status: 500 };
    return { afterMs: latencyMs(draw, answers), status: 200 };
  }

  #fateOfDown({ how }: Down): Fate {
    const { draw, connectMs } = this.#facts;
    switch (how) {
      case 'refused':
        return { afterMs: between(draw, 1, 80), status: null };
      case '503':
        return { afterMs: between(draw, 20, 300), status: 503 };
      case 'silent':
        return { afterMs: connectMs, status: null };
      default:
        return how satisfies never;
    }
  }

  /** 0: there is room. */
  #overLimitMs(id: DeploymentId, { requestsPerMinute }: Limited): number {
    const now = this.#facts.clock.monotonicMs();
    const piece = Math.floor(now / LIMIT_PIECE_MS);
    const before = this.#taken.get(id);
    const taken = before?.piece === piece ? before : { piece, requests: 0 };
    this.#taken.set(id, taken);
    if (taken.requests++ < (requestsPerMinute * LIMIT_PIECE_MS) / 60_000) return 0;
    return (piece + 1) * LIMIT_PIECE_MS - now;
  }

  #isDown(id: DeploymentId): boolean {
    return this.#fault(id, 'down') !== undefined;
  }

  #fault(id: DeploymentId, kind: 'down' | 'limited' | 'erring'): Fault | undefined {
    const now = this.#facts.clock.monotonicMs();
    return this.#facts.faults.find(
      (fault) => fault.kind === kind && 'deployments' in fault && isOn(fault, now) && fault.deployments.has(id),
    );
  }
}

function answer(listener: UpstreamListener, status: number | null, headers?: UpstreamHeaders): void {
  if (status === null) {
    listener.onError(new UpstreamError('connect', 'connection lost'));
    return;
  }
  listener.onHead(status, headers === undefined ? JSON_HEADERS : { ...JSON_HEADERS, ...headers });
  listener.onData(status === 200 ? SERVED : REFUSED);
  listener.onEnd();
}
