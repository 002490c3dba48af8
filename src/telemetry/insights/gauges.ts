import { type BoundedLabels, OTHER } from '../labels.ts';
import { METRICS } from '../names.ts';
import type { Gauges, QuotaLevel } from '../port.ts';
import type { Attributes, Meter } from './parts.ts';

type Observe = (value: number, attributes: Attributes) => void;

/** Looked at with each export, at no other time. */
export function observeGauges(meter: Meter, gauges: Gauges, labels: BoundedLabels): void {
  const gauge = ({ name, unit }: { name: string; unit: string }, look: (observe: Observe) => void): void => {
    meter.createObservableGauge(name, { unit }).addCallback((result) => {
      look((value, attributes) => result.observe(value, attributes));
    });
  };
  gauge(METRICS.deploymentState, (observe) => {
    for (const { deployment, state } of gauges.deployments()) observe(1, { deployment, state });
  });
  gauge(METRICS.agentsAway, (observe) => {
    for (const { deployment, agents } of gauges.assignments()) observe(agents, { deployment });
  });
  gauge(METRICS.quotaRemaining, (observe) => {
    for (const { account, quota, used, limit } of known(gauges.quotas(), labels))
      observe(Math.max(0, limit - used), { account, quota });
  });
  gauge(METRICS.quotaLimit, (observe) => {
    for (const { account, quota, limit } of known(gauges.quotas(), labels)) observe(limit, { account, quota });
  });
  gauge(METRICS.storeHealthy, (observe) => observe(gauges.store().healthy ? 1 : 0, {}));
  gauge(METRICS.instances, (observe) => observe(gauges.store().instances, {}));
}

/** What is left of many accounts' quotas cannot be told in one figure: those beyond the bound are not told at all. */
function known(quotas: Iterable<QuotaLevel>, labels: BoundedLabels): QuotaLevel[] {
  return [...quotas].filter(({ account }) => account === OTHER || labels.of('account', account) !== OTHER);
}
