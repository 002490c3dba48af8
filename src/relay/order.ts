import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { Next } from './again.ts';
import type { Trail } from './trail.ts';

/** So many failures in one place, and it is the place that is down. */
const TELLING = 2;

/**
 * Takes who is tried next: the first in order, but after two failures in one region whoever is in another, as what failed twice there
 * will fail a third time, and the attempts that a request may make are few.
 */
export function takeNext(waiting: Next[], trail: Trail, config: RouterConfig): Next | undefined {
  if (trail.length < TELLING || waiting.length < 2) return waiting.shift();
  const failed = trail.filter(({ outcome }) => outcome === 'failing').map((step) => placeOf(step.deployment, config));
  const isDown = (place: string): boolean => failed.filter((one) => one === place).length >= TELLING;
  const elsewhere = waiting.findIndex(({ deployment }) => !isDown(placeOf(deployment.id, config)));
  return elsewhere <= 0 ? waiting.shift() : waiting.splice(elsewhere, 1)[0];
}

/** The region; of an endpoint that names none, the endpoint itself. */
function placeOf(id: DeploymentId, { deployments, endpoints }: RouterConfig): string {
  const endpoint = deployments.get(id)?.endpoint ?? '';
  return endpoints.get(endpoint)?.region ?? `${endpoint}/`;
}
