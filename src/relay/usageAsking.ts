import type { Edit } from '../body/splice.ts';
import type { Deployment, DeploymentId, Endpoint } from '../domain/deployment.ts';
import { usageAsked } from '../upstream/dialect.ts';
import type { AttemptEnd } from './attempt.ts';
import type { Call } from './call.ts';

const NOTHING: readonly Edit[] = [];

/** Asks deployments for the usage of streams whose callers did not, and remembers who cannot be asked. */
export class UsageAsking {
  readonly #isWanted: boolean;
  readonly #refused = new Set<DeploymentId>();

  constructor(isWanted: boolean) {
    this.#isWanted = isWanted;
  }

  /** What is put into the request's body; nothing where its caller asked already, or nobody can. */
  editsFor({ stream, target, payload }: Call, endpoint: Endpoint, deployment: Deployment): readonly Edit[] {
    if (!stream || !this.#isWanted || this.#refused.has(deployment.id)) return NOTHING;
    return usageAsked(target, payload, endpoint) ?? NOTHING;
  }

  /** Whether the answer refuses what the router put into the request: neither this caller nor the next shall pay for that. */
  isRefusal(end: AttemptEnd, deployment: Deployment): boolean {
    const isRefusal = end.kind === 'whole' && end.head.status === 400 && end.body.includes('stream_options');
    if (isRefusal) this.#refused.add(deployment.id);
    return isRefusal;
  }
}
