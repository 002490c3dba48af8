import type { DeploymentId } from '../domain/deployment.ts';

/** `A` of `A/gpt-4.1`. */
export function endpointOf(deployment: DeploymentId): string {
  return deployment.slice(0, deployment.indexOf('/'));
}
