/**
 * What one attempt came to. `filtered` and `refused` are the caller's business and never count against a deployment;
 * `aborted` says that the caller left, and nothing about the deployment.
 */
export type Outcome = 'ok' | 'throttled' | 'failing' | 'misconfigured' | 'filtered' | 'refused' | 'aborted';

/** The outcomes that may send a request to another deployment. */
export const FAILOVER_OUTCOMES = ['throttled', 'failing', 'misconfigured'] as const;
export type FailoverOutcome = (typeof FAILOVER_OUTCOMES)[number];
