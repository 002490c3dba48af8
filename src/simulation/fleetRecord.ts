import type { DeploymentId } from '../domain/deployment.ts';
import type { FleetBreaker } from '../fleet/deployments.ts';
import { decodeDeployments } from '../fleet/sheets.ts';
import type { StoreCall } from './countingStore.ts';

/** A window that the fleet opened, from its first word on. */
export interface Opening {
  readonly deployment: DeploymentId;
  readonly openedAt: number;
  /** When the first of the windows opened that have followed each other without a recovery. */
  readonly since: number;
  /** Claims to probe, one after the other. */
  readonly claims: Set<string>;
  /** Requests that were sent as probes. */
  probes: number;
  /** When it was opened anew, or closed. */
  endedAt: number | null;
  recovered: boolean;
}

/** What the fleet's word was at any time, learnt from what was written to the store: nobody knows it better. */
export class FleetRecord {
  readonly #now: () => number;
  readonly #current = new Map<DeploymentId, Opening>();
  readonly #kinds = new Map<DeploymentId, FleetBreaker['kind']>();
  readonly openings: Opening[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  read({ table, written }: StoreCall): void {
    const content = table === 'deployments' ? written[0]?.values['content'] : undefined;
    if (content === undefined) return;
    const sheet = decodeDeployments(String(content));
    if (sheet === null) throw new Error('what was written to the sheet of deployments cannot be read');
    for (const id of this.#kinds.keys()) if (!sheet.deployments.has(id)) this.#close(id);
    for (const [id, { breaker }] of sheet.deployments) this.#note(id, breaker);
  }

  /** The window that is open, or half open, now. */
  opening(deployment: DeploymentId): Opening | null {
    return this.#current.get(deployment) ?? null;
  }

  isClosed(deployment: DeploymentId): boolean {
    return (this.#kinds.get(deployment) ?? 'closed') === 'closed';
  }

  #note(id: DeploymentId, breaker: FleetBreaker): void {
    const before = this.#kinds.get(id) ?? 'closed';
    switch (breaker.kind) {
      case 'closed':
        return this.#close(id);
      case 'open':
        if (before !== 'open') this.#open(id);
        break;
      case 'halfOpen':
        if (before === 'closed') this.#open(id);
        this.#current.get(id)?.claims.add(breaker.claim);
        break;
      default:
        breaker satisfies never;
    }
    this.#kinds.set(id, breaker.kind);
  }

  #open(deployment: DeploymentId): void {
    const openedAt = this.#now();
    const since = this.#current.get(deployment)?.since ?? openedAt;
    this.#end(deployment, false);
    const claims = new Set<string>();
    const opening = { deployment, openedAt, since, claims, probes: 0, endedAt: null, recovered: false };
    this.openings.push(opening);
    this.#current.set(deployment, opening);
  }

  #close(deployment: DeploymentId): void {
    this.#end(deployment, true);
    this.#kinds.set(deployment, 'closed');
  }

  #end(deployment: DeploymentId, recovered: boolean): void {
    const opening = this.#current.get(deployment);
    if (opening === undefined) return;
    opening.endedAt = this.#now();
    opening.recovered = recovered;
    this.#current.delete(deployment);
  }
}
