import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { availability, type OutReason } from '../routing/availability.ts';
import type { DeploymentState, Gauges } from '../telemetry/port.ts';
import type { Operations, State } from './port.ts';

export interface GaugesFacts {
  readonly config: RouterConfig;
  readonly state: Pick<State, 'snapshot'>;
  readonly operations: Pick<Operations, 'agents' | 'store'>;
  readonly now: () => number;
}

const OUT: Readonly<Record<OutReason, DeploymentState>> = {
  throttled: 'resting',
  open: 'open',
  halfOpen: 'probing',
  misconfigured: 'misconfigured',
  drained: 'drained',
};

/** How deployments, agents and the store stand, for whoever measures. */
export function stateGauges(facts: GaugesFacts): Omit<Gauges, 'quotas'> {
  const { config, operations } = facts;
  return {
    *deployments() {
      for (const deployment of config.deployments.keys()) yield { deployment, state: stateOf(facts, deployment) };
    },
    assignments() {
      const agents = new Map<DeploymentId, number>();
      for (const { assignment } of operations.agents()) {
        if (assignment !== null) agents.set(assignment.deployment, (agents.get(assignment.deployment) ?? 0) + 1);
      }
      return Array.from(agents, ([deployment, count]) => ({ deployment, agents: count }));
    },
    store() {
      const { healthy, instances } = operations.store();
      return { healthy, instances };
    },
  };
}

function stateOf({ state, now }: GaugesFacts, id: DeploymentId): DeploymentState {
  const found = availability(state.snapshot().health(id), now());
  switch (found.kind) {
    case 'ready':
    case 'ramping':
      return found.kind;
    case 'probe':
      return 'probing';
    case 'out':
      return OUT[found.reason];
    default:
      return found satisfies never;
  }
}
