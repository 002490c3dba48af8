import type { Assignment } from '../domain/assignment.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { FleetEvent } from '../domain/event.ts';
import { AT_HOME, failuresNow } from '../fleet/agents.ts';
import { drained, restored } from '../fleet/deployments.ts';
import { withAgent, withDeployment } from '../fleet/sheets.ts';
import { type Store, StoreError } from '../store/port.ts';
import type { AgentStanding, Operations, StoreStanding } from './port.ts';
import type { SharedState } from './shared.ts';

export interface OperationsFacts {
  readonly state: SharedState;
  readonly store: Store;
  readonly now: () => number;
  /** Ends when the store has been opened, or could not be: who asks before waits for it. */
  readonly opened?: () => Promise<void>;
}

const NEWER = 'a newer version of the router keeps the shared state; this instance keeps its own until it is updated';
const BY_HAND = 'by an operator';

/** What operators see and do. A change is in the store before they are told that it is done. */
export class SharedOperations implements Operations {
  readonly #facts: OperationsFacts;

  constructor(facts: OperationsFacts) {
    this.#facts = facts;
  }

  async drain(deployment: DeploymentId): Promise<void> {
    const { state, now } = this.#facts;
    await this.#change(() =>
      state.deploymentSheet.order((sheet) => withDeployment(sheet, deployment, (fleet) => drained(fleet, now()))),
    );
  }

  async restore(deployment: DeploymentId): Promise<void> {
    const { state, now } = this.#facts;
    await this.#change(() =>
      state.deploymentSheet.order((sheet) => withDeployment(sheet, deployment, () => restored(now()))),
    );
  }

  async assign(agent: string, deployment: DeploymentId, pinned: boolean): Promise<Assignment> {
    const { state, now } = this.#facts;
    const since = now();
    const returnAt = pinned ? null : since + state.config.agents.failureWindowMs;
    const from = this.agent(agent).assignment?.deployment ?? homeOf(state.config, agent);
    const assignment: Assignment = { deployment, from, why: 'operator', cause: BY_HAND, since, returnAt };
    await this.#change(() => {
      state.agents.forget(agent);
      return state.agentSheet.order((sheet) => withAgent(sheet, agent, () => ({ assignment, failures: null })));
    });
    return assignment;
  }

  async release(agent: string): Promise<boolean> {
    const { state } = this.#facts;
    await this.#facts.opened?.();
    const before = state.agents.record(agent);
    if (before.assignment === null && before.failures === null) return false;
    await this.#change(() => {
      state.agents.forget(agent);
      return state.agentSheet.order((sheet) => withAgent(sheet, agent, () => AT_HOME));
    });
    return true;
  }

  agents(): readonly AgentStanding[] {
    return [...this.#facts.state.agents.names()].map((name) => this.agent(name));
  }

  agent(name: string): AgentStanding {
    const { state, now } = this.#facts;
    const record = state.agents.record(name);
    const failedAt = failuresNow(record, now(), state.config.agents.failureWindowMs);
    return {
      agent: name,
      assignment: record.assignment,
      failures: failedAt.length,
      lastFailedAt: failedAt.at(-1) ?? null,
    };
  }

  failuresOf(deployment: DeploymentId): number {
    const { state, now } = this.#facts;
    return state.deployments.failuresOf(deployment, now());
  }

  causeOf(deployment: DeploymentId): string | null {
    return this.#facts.state.deployments.causeOf(deployment);
  }

  async events(since: number, limit: number): Promise<readonly FleetEvent[]> {
    await this.#facts.opened?.();
    return await this.#facts.state.chronicle.since(since, limit);
  }

  store(): StoreStanding {
    const { state, store } = this.#facts;
    const { isHealthy, since, lastReadAt, problem } = state.watch;
    return {
      kind: store.kind,
      shared: store.kind !== 'memory' && !this.#isForeign,
      healthy: isHealthy,
      since,
      lastReadAt,
      problem: this.#isForeign ? NEWER : problem,
      instances: state.deployments.instances,
    };
  }

  get #isForeign(): boolean {
    const { deploymentSheet, agentSheet } = this.#facts.state;
    return deploymentSheet.isForeign || agentSheet.isForeign;
  }

  async #change(change: () => Promise<void>): Promise<void> {
    await this.#facts.opened?.();
    if (this.#isForeign) throw new RouterError('internal', `Nothing was changed: ${NEWER}.`, { status: 503 });
    try {
      await change();
    } catch (cause) {
      if (!(cause instanceof StoreError)) throw cause;
      const message = `The store could not be written (${cause.failure}), so nothing was changed. Try again.`;
      throw new RouterError('internal', message, { status: 503, cause });
    }
  }
}

/** Where the agent belongs when nothing else is said; `null`: it has no place of its own. */
export function homeOf({ agents }: RouterConfig, agent: string): DeploymentId | null {
  return agents.homes.get(agent) ?? agents.defaultHome;
}
