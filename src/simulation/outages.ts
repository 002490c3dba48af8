import type { DeploymentId } from '../domain/deployment.ts';
import type { Instance } from './instance.ts';
import type { Down } from './scenario.ts';
import type { VirtualTime } from './virtualTime.ts';

export interface OutageFacts {
  readonly down: Down;
  readonly time: VirtualTime;
  readonly instances: readonly Instance[];
  /** Whether any instance might take the deployment back now: there may be too many of them to ask each time. */
  readonly mayReturn: (deployment: DeploymentId) => boolean;
}

/** How often the instances are looked at: often enough while they leave, less often while they return. */
const LEAVING_MS = 20;
const RETURNING_MS = 50;

/** When an instance left a deployment alone, or took it back. */
export interface Moment {
  readonly deployment: DeploymentId;
  readonly atMs: number;
}

interface Pair {
  readonly instance: Instance;
  readonly deployment: DeploymentId;
}

/** When which instance leaves which dead deployment alone, and when it takes it back. */
export class Outage {
  readonly down: Down;
  /** The first failure of each deployment. */
  readonly failedAt = new Map<DeploymentId, number>();
  /** The first request that each served after the outage, probes left out. */
  readonly servedAt = new Map<DeploymentId, number>();
  readonly left: Moment[] = [];
  readonly back: Moment[] = [];
  readonly #facts: OutageFacts;
  #inUse: Pair[] = [];
  #avoided: Pair[] = [];

  constructor(facts: OutageFacts) {
    const { down, time } = facts;
    this.down = down;
    this.#facts = facts;
    time.after(down.fromMs, () => this.#begin());
    time.after(down.toMs, () => this.#end());
  }

  /** Pairs of instance and deployment that the outage went by unnoticed. */
  get unnoticed(): number {
    const { instances, down } = this.#facts;
    return instances.length * down.deployments.size - this.left.length;
  }

  failed(deployment: DeploymentId): void {
    const now = this.#facts.time.monotonicMs();
    if (now < this.down.fromMs || now >= this.down.toMs || this.failedAt.has(deployment)) return;
    if (this.down.deployments.has(deployment)) this.failedAt.set(deployment, now);
  }

  served(deployment: DeploymentId): void {
    const now = this.#facts.time.monotonicMs();
    if (now < this.down.toMs || this.servedAt.has(deployment) || !this.down.deployments.has(deployment)) return;
    this.servedAt.set(deployment, now);
  }

  #begin(): void {
    const { instances, down } = this.#facts;
    for (const instance of instances)
      for (const deployment of down.deployments) this.#inUse.push({ instance, deployment });
    this.#watchLeaving();
  }

  #watchLeaving(): void {
    const { time, down } = this.#facts;
    const now = time.monotonicMs();
    if (now >= down.toMs || this.#inUse.length === 0) return;
    this.#inUse = this.#inUse.filter(({ instance, deployment }) => {
      if (!this.failedAt.has(deployment) || instance.sendsTo(deployment)) return true;
      this.left.push({ deployment, atMs: now });
      return false;
    });
    time.after(LEAVING_MS, () => this.#watchLeaving());
  }

  #end(): void {
    const { instances, down } = this.#facts;
    for (const instance of instances)
      for (const deployment of down.deployments)
        if (!instance.sendsTo(deployment)) this.#avoided.push({ instance, deployment });
    this.#watchReturning();
  }

  #watchReturning(): void {
    const { time, mayReturn } = this.#facts;
    if (this.#avoided.length === 0) return;
    const returning = new Set([...this.down.deployments].filter(mayReturn));
    this.#avoided = this.#avoided.filter(({ instance, deployment }) => {
      if (!returning.has(deployment) || !instance.sendsTo(deployment)) return true;
      this.back.push({ deployment, atMs: time.monotonicMs() });
      return false;
    });
    time.after(RETURNING_MS, () => this.#watchReturning());
  }

  /** Pairs that have not come back yet. */
  get stillAvoided(): number {
    return this.#avoided.length;
  }
}
