/**
 * The pure core: which deployments may serve a request, in which order, and what an attempt's outcome means.
 * Nothing here waits, reads a clock, draws a random number or knows a library.
 */
import type { Health } from '../domain/health.ts';

export type OutReason = 'throttled' | 'open' | 'halfOpen' | 'misconfigured';

export type Availability =
  | { readonly kind: 'ready' }
  /** One request may find out whether the deployment has recovered. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'out'; readonly reason: OutReason; readonly until: number };

/** How long a probe may stay unanswered before another one may go. */
export const PROBE_LEASE_MS = 60_000;

const READY: Availability = { kind: 'ready' };
const PROBE: Availability = { kind: 'probe' };

export function availability(health: Health, now: number): Availability {
  if (health.restUntil > now) return { kind: 'out', reason: 'throttled', until: health.restUntil };
  if (health.misconfigured !== null) {
    const { probeAt } = health.misconfigured;
    return probeAt > now ? { kind: 'out', reason: 'misconfigured', until: probeAt } : PROBE;
  }
  const { breaker } = health;
  switch (breaker.kind) {
    case 'closed':
      return READY;
    case 'open':
      return breaker.openUntil > now ? { kind: 'out', reason: 'open', until: breaker.openUntil } : PROBE;
    case 'halfOpen': {
      const until = breaker.since + PROBE_LEASE_MS;
      return until > now ? { kind: 'out', reason: 'halfOpen', until } : PROBE;
    }
    default:
      return breaker satisfies never;
  }
}
