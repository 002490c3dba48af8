import type { RouterConfig } from '../domain/config.ts';
import type { FleetRecord } from './fleetRecord.ts';
import type { Instance } from './instance.ts';
import type { VirtualTime } from './virtualTime.ts';

export interface ConvergenceFacts {
  /** When the store is itself again. */
  readonly fromMs: number;
  readonly time: VirtualTime;
  readonly instances: readonly Instance[];
  readonly fleet: FleetRecord;
  readonly config: RouterConfig;
}

const LOOK_MS = 20;

/** How long it takes until all instances are of one mind with the store, after it could not be relied on. */
export class Convergence {
  /** `null`: not yet. */
  tookMs: number | null = null;
  readonly #facts: ConvergenceFacts;

  constructor(facts: ConvergenceFacts) {
    this.#facts = facts;
    facts.time.after(facts.fromMs, () => this.#look());
  }

  #look(): void {
    const { instances, time, fromMs } = this.#facts;
    if (instances.every((instance) => this.#isOfOneMind(instance))) {
      this.tookMs = time.monotonicMs() - fromMs;
      return;
    }
    time.after(LOOK_MS, () => this.#look());
  }

  #isOfOneMind({ state }: Instance): boolean {
    const { fleet, config } = this.#facts;
    if (!state.watch.isHealthy) return false;
    for (const id of config.deployments.keys()) {
      if ((state.health(id).breaker.kind === 'closed') !== fleet.isClosed(id)) return false;
    }
    return true;
  }
}
