import { hash } from 'node:crypto';
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';

/** Tells one configuration of a deployment from another, and nobody what it is. */
export function fingerprints(config: RouterConfig): (id: DeploymentId) => string {
  const known = new Map<DeploymentId, string>();
  return (id) => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const deployment = config.deployments.get(id);
    const { origin, basePath, credential, dialect } = config.endpoints.get(deployment?.endpoint ?? '') ?? {};
    const text = JSON.stringify([origin, basePath, credential, dialect, deployment?.name]);
    const print = hash('sha256', text, 'hex').slice(0, 8);
    known.set(id, print);
    return print;
  };
}
