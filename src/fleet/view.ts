import { CLEAN_RECORD, type Health } from '../domain/health.ts';
import { availability } from '../routing/availability.ts';
import { halfOpened } from '../routing/transitions.ts';
import type { FleetBreaker, FleetHealth } from './deployments.ts';
import type { FoldFacts } from './fold.ts';

/** The one request of the fleet that may find out how a deployment is. The same object: none is needed. `null`: not now. */
export function claimed(
  fleet: FleetHealth,
  claim: string,
  now: number,
  { breaker: settings, config }: FoldFacts,
): FleetHealth | null {
  const { breaker, misconfigured } = fleet;
  const standing = availability(viewOf(fleet, config), now);
  if (standing.kind === 'out') return null;
  if (standing.kind !== 'probe') return fleet;
  return {
    ...fleet,
    breaker:
      breaker.kind === 'closed'
        ? breaker
        : { ...halfOpened(breaker.openings, now, settings), cause: breaker.cause, claim },
    misconfigured: misconfigured && { ...misconfigured, probeAt: now + settings.maxOpenMs },
  };
}

type FleetView = Pick<Health, 'restUntil' | 'misconfigured' | 'drainedSince'> & Pick<Health, 'breaker'>;

/** What the fleet's word comes to for an instance that knows nothing itself. */
function viewOf(fleet: FleetHealth, config: string): Health {
  return { ...shared(fleet, config), throttles: 0, recovery: null, latencyMs: null, headroom: null };
}

const CLOSED: Health['breaker'] = { kind: 'closed', ...CLEAN_RECORD };

function shared({ breaker, restUntil, misconfigured, drainedSince }: FleetHealth, config: string): FleetView {
  return {
    breaker: breaker.kind === 'closed' ? CLOSED : breaker,
    restUntil,
    misconfigured: misconfigured?.config === config ? misconfigured : null,
    drainedSince,
  };
}

/** What an instance makes of the fleet's word, given what it knows itself. `delayMs` keeps instances from coming back all at once. */
export function adopt(
  own: Health,
  fleet: FleetHealth,
  { config, instance }: FoldFacts,
  delayMs: (restMs: number) => number,
): Health {
  const word = shared(fleet, config);
  const learnt = word.restUntil > own.restUntil;
  return {
    ...own,
    ...word,
    ...adoptBreaker(own, fleet.breaker, instance),
    restUntil: learnt ? word.restUntil + delayMs(word.restUntil) : own.restUntil,
  };
}

function adoptBreaker(own: Health, fleet: FleetBreaker, instance: string): Pick<Health, 'breaker' | 'recovery'> {
  const { breaker, recovery } = own;
  if (fleet.kind === 'open' || fleet.kind === 'halfOpen') {
    // What it has found out alone may last longer than what the fleet knows; it never ends sooner for being told.
    const before = breaker.kind === 'open' ? breaker.openUntil : 0;
    const { openings } = fleet;
    if (fleet.kind === 'halfOpen' && before > fleet.leaseUntil) return { breaker, recovery: null };
    if (fleet.kind === 'halfOpen')
      return { breaker: { kind: 'halfOpen', leaseUntil: fleet.leaseUntil, openings }, recovery: null };
    return { breaker: { kind: 'open', openUntil: Math.max(before, fleet.openUntil), openings }, recovery: null };
  }
  if (breaker.kind !== 'closed') {
    // Somebody else has found out that it is back; what failed here since then is not in the past.
    const failedAt = fleet.reports[instance] ?? [];
    const record = { ...CLEAN_RECORD, failedAt, inRow: failedAt.length };
    return { breaker: { kind: 'closed', ...record }, recovery: { since: fleet.since, sent: 0, answered: 0 } };
  }
  const { since, servedAt } = fleet;
  if ((breaker.failedAt[0] ?? Infinity) > Math.max(since, servedAt)) return { breaker, recovery };
  const failedAt = breaker.failedAt.filter((at) => at > since);
  const inRow = failedAt.filter((at) => at > servedAt).length;
  return { breaker: { ...breaker, failedAt, inRow: Math.min(breaker.inRow, inRow) }, recovery };
}
