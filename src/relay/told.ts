import type { Clock } from '../domain/clock.ts';
import { asRouterError, type RouterError } from '../domain/errors.ts';
import type { UsedTier } from '../routing/wanted.ts';
import { tierText } from './answer.ts';
import type { Attempts } from './attempts.ts';
import type { Call } from './call.ts';
import { timingText } from './trail.ts';

/** How far a request has come. */
export interface Way {
  /** The tier it was sent along. */
  tier: UsedTier | null;
  attempts: Pick<Attempts, 'lastAttemptMs'> | null;
}

/** An error that ends a request says what an answer would have said: which tier it took, and where its time went. */
export function toldOf(error: unknown, { arrivedAt }: Call, { tier, attempts }: Way, clock: Clock): RouterError {
  const upstreamMs = attempts?.lastAttemptMs ?? 0;
  const headers = ['server-timing', timingText(clock.monotonicMs() - arrivedAt - upstreamMs, upstreamMs)];
  if (tier !== null) headers.push('x-router-tier', tierText(tier));
  return asRouterError(error).with({ headers, isLogged: true });
}
