/**
 * The pure core: which deployments may serve a request, in which order, and what an attempt's outcome means.
 * Nothing here waits, reads a clock, draws a random number or knows a library.
 */
import type { BreakerState, Health, Recovery } from '../domain/health.ts';

export type OutReason = 'throttled' | 'open' | 'halfOpen' | 'misconfigured' | 'drained';

export type Availability =
  | { readonly kind: 'ready' }
  /** Back, with as many requests on their way as it may have for now: it serves where nobody else can. */
  | { readonly kind: 'ramping' }
  /** One request may find out whether the deployment has recovered. */
  | { readonly kind: 'probe' }
  | Out;

interface Out {
  readonly kind: 'out';
  readonly reason: OutReason;
  /** Infinity: until an operator restores it. */
  readonly until: number;
}

const READY: Availability = { kind: 'ready' };
const RAMPING: Availability = { kind: 'ramping' };
const PROBE: Availability = { kind: 'probe' };

/** After so many answers, or so much time, a deployment counts as recovered. */
const RECOVERED_AFTER = 64;
const RECOVERED_AFTER_MS = 30_000;

/** A deployment is left alone as long as any of its windows lasts; the one that lasts longest is the reason given. */
export function availability(health: Health, now: number): Availability {
  if (isUntroubled(health, now)) return READY;
  const windows = windowsOf(health, now);
  if (windows.length === 0) return isRamping(health.recovery, now) ? RAMPING : READY;
  const longest = windows.reduce((left, right) => (right.until > left.until ? right : left));
  return longest.until > now ? longest : PROBE;
}

/** Whether the deployment still takes its requests a few at a time. */
export function isRecovering(recovery: Recovery, now: number): boolean {
  return recovery.answered < RECOVERED_AFTER && now < recovery.since + RECOVERED_AFTER_MS;
}

/** By far the most frequent case, and asked for with every request. */
function isUntroubled({ breaker, misconfigured, restUntil, drainedSince, recovery }: Health, now: number): boolean {
  return (
    breaker.kind === 'closed' &&
    misconfigured === null &&
    restUntil <= now &&
    drainedSince === null &&
    recovery === null
  );
}

function windowsOf({ restUntil, misconfigured, breaker, drainedSince }: Health, now: number): Out[] {
  return [
    ...(drainedSince === null ? [] : [out('drained', Number.POSITIVE_INFINITY)]),
    ...(restUntil > now ? [out('throttled', restUntil)] : []),
    ...(misconfigured === null ? [] : [out('misconfigured', misconfigured.probeAt)]),
    ...breakerWindow(breaker),
  ];
}

function breakerWindow(breaker: BreakerState): Out[] {
  switch (breaker.kind) {
    case 'closed':
      return [];
    case 'open':
      return [out('open', breaker.openUntil)];
    case 'halfOpen':
      return [out('halfOpen', breaker.leaseUntil)];
    default:
      return breaker satisfies never;
  }
}

/** One request to begin with, and two more for each that was answered: twice as many from one round to the next. */
function isRamping(recovery: Recovery | null, now: number): boolean {
  return recovery !== null && isRecovering(recovery, now) && recovery.sent > 2 * recovery.answered;
}

function out(reason: OutReason, until: number): Out {
  return { kind: 'out', reason, until };
}
