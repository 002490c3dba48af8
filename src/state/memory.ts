import type { DeploymentId } from '../domain/deployment.ts';
import { type Finding, HEALTHY, type Health, type Snapshot } from '../domain/health.ts';
import { availability } from '../routing/availability.ts';
import { nextHealth, probing, type TransitionSettings } from '../routing/transitions.ts';
import type { State } from './port.ts';

/** Stored responses whose holder is remembered; beyond it the longest unused are asked for endpoint by endpoint. */
const REMEMBERED_RESPONSES = 50_000;

/** The state of a single instance, gone with its process. */
export class MemoryState implements State, Snapshot {
  readonly #settings: TransitionSettings;
  readonly #health = new Map<DeploymentId, Health>();
  readonly #turns = new Map<string, number>();
  readonly #holders = new Map<string, DeploymentId>();

  constructor(settings: TransitionSettings) {
    this.#settings = settings;
  }

  snapshot(): Snapshot {
    return this;
  }

  health(deployment: DeploymentId): Health {
    return this.#health.get(deployment) ?? HEALTHY;
  }

  record(finding: Finding): void {
    this.#health.set(finding.deployment, nextHealth(this.health(finding.deployment), finding, this.#settings));
  }

  claimProbe(deployment: DeploymentId, now: number): boolean {
    const health = this.health(deployment);
    if (availability(health, now).kind === 'out') return false;
    this.#health.set(deployment, probing(health, now, this.#settings));
    return true;
  }

  turn(pool: string): number {
    const turn = this.peekTurn(pool);
    this.#turns.set(pool, turn + 1);
    return turn;
  }

  peekTurn(pool: string): number {
    return this.#turns.get(pool) ?? 0;
  }

  holderOf(responseId: string): DeploymentId | null {
    const holder = this.#holders.get(responseId);
    if (holder === undefined) return null;
    this.remember(responseId, holder);
    return holder;
  }

  remember(responseId: string, holder: DeploymentId): void {
    this.#holders.delete(responseId);
    this.#holders.set(responseId, holder);
    if (this.#holders.size <= REMEMBERED_RESPONSES) return;
    for (const oldest of this.#holders.keys()) {
      this.#holders.delete(oldest);
      return;
    }
  }
}
