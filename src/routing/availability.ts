/**
 * The pure core: which deployments may serve a request, in which order, and what an attempt's outcome means.
 * Nothing here waits, reads a clock, draws a random number or knows a library.
 */
import type { BreakerState, Health } from '../domain/health.ts';

export type OutReason = 'throttled' | 'open' | 'halfOpen' | 'misconfigured';

export type Availability =
  | { readonly kind: 'ready' }
  /** One request may find out whether the deployment has recovered. */
  | { readonly kind: 'probe' }
  | Out;

interface Out {
  readonly kind: 'out';
  readonly reason: OutReason;
  readonly until: number;
}

/** How long a probe may stay unanswered before another one may go. */
export const PROBE_LEASE_MS = 60_000;

const READY: Availability = { kind: 'ready' };
const PROBE: Availability = { kind: 'probe' };

/** A deployment is left alone as long as any of its windows lasts; the one that lasts longest is the reason given. */
export function availability(health: Health, now: number): Availability {
  if (isUntroubled(health)) return READY;
  const windows = [
    ...(health.restUntil > now ? [out('throttled', health.restUntil)] : []),
    ...(health.misconfigured === null ? [] : [out('misconfigured', health.misconfigured.probeAt)]),
    ...breakerWindow(health.breaker),
  ];
  if (windows.length === 0) return READY;
  const longest = windows.reduce((left, right) => (right.until > left.until ? right : left));
  return longest.until > now ? longest : PROBE;
}

function isUntroubled({ breaker, misconfigured, restUntil }: Health): boolean {
  return breaker.kind === 'closed' && misconfigured === null && restUntil === 0;
}

function breakerWindow(breaker: BreakerState): Out[] {
  switch (breaker.kind) {
    case 'closed':
      return [];
    case 'open':
      return [out('open', breaker.openUntil)];
    case 'halfOpen':
      return [out('halfOpen', breaker.since + PROBE_LEASE_MS)];
    default:
      return breaker satisfies never;
  }
}

function out(reason: OutReason, until: number): Out {
  return { kind: 'out', reason, until };
}
