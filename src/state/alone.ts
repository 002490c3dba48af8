import type { DeploymentId } from '../domain/deployment.ts';
import type { BreakerState, Finding } from '../domain/health.ts';
import type { Journal } from '../telemetry/port.ts';

/** What becomes of breakers while the store is gone: nobody else will say it. */
export class Alone {
  readonly #journal: Pick<Journal, 'happened'>;
  readonly #instance: string;
  readonly #told = new Map<DeploymentId, BreakerState['kind']>();

  constructor(journal: Pick<Journal, 'happened'>, instance: string) {
    this.#journal = journal;
    this.#instance = instance;
  }

  /** `kind`: of the breaker, after the finding. */
  tell({ deployment, at, cause }: Finding, kind: BreakerState['kind']): void {
    if (this.#told.get(deployment) === kind || (kind === 'closed' && !this.#told.has(deployment))) return;
    this.#told.set(deployment, kind);
    if (kind === 'halfOpen') return;
    const event = kind === 'open' ? ('opened' as const) : ('closed' as const);
    this.#journal.happened({ kind: event, deployment, until: null, cause, at, instance: this.#instance });
  }
}
