import type { Breaker, Retries } from '../domain/config.ts';
import { type BreakerState, CLEAN_RECORD, type Finding, type Health, type TrackRecord } from '../domain/health.ts';

export interface TransitionSettings {
  readonly breaker: Breaker;
  readonly retries: Retries;
}

/** The weight of the newest answer in the smoothed latency. */
const LATENCY_WEIGHT = 0.2;

/** What a deployment's health is after a finding. An open window or a rest never shortens. */
export function nextHealth(health: Health, finding: Finding, settings: TransitionSettings): Health {
  const seen = {
    ...health,
    latencyMs: smoothed(health.latencyMs, finding.latencyMs),
    headroom: finding.headroom ?? health.headroom,
  };
  switch (finding.outcome) {
    case 'ok':
      return {
        ...seen,
        breaker: succeeded(health.breaker, finding.at, settings.breaker),
        throttles: 0,
        misconfigured: null,
      };
    case 'throttled':
      return throttled(seen, finding, settings);
    case 'failing':
      return { ...seen, breaker: nextBreaker(health.breaker, finding.at, settings.breaker) };
    case 'misconfigured': {
      const since = health.misconfigured?.since ?? finding.at;
      const probeAt = Math.max(health.misconfigured?.probeAt ?? 0, finding.at + settings.breaker.maxOpenMs);
      return { ...seen, misconfigured: { since, probeAt, cause: finding.cause } };
    }
    case 'other':
      // It took our key and knows the deployment, or it would have refused us and not the request.
      return { ...seen, breaker: answered(health.breaker), misconfigured: null };
    default:
      return finding.outcome satisfies never;
  }
}

/** One request is on its way to find out whether the deployment has recovered. */
export function probing(health: Health, now: number, settings: TransitionSettings): Health {
  const { breaker, misconfigured } = health;
  return {
    ...health,
    breaker: breaker.kind === 'closed' ? breaker : { kind: 'halfOpen', since: now, openings: breaker.openings },
    misconfigured: misconfigured && { ...misconfigured, probeAt: now + settings.breaker.maxOpenMs },
  };
}

export function nextBreaker(state: BreakerState, failedAt: number, settings: Breaker): BreakerState {
  switch (state.kind) {
    case 'closed': {
      const next = withFailure(state, failedAt, settings);
      return isTooMuch(next, settings) ? opened(1, failedAt, settings) : { kind: 'closed', ...next };
    }
    case 'open':
      return state;
    case 'halfOpen':
      return opened(state.openings + 1, failedAt, settings);
    default:
      return state satisfies never;
  }
}

/** Failures remembered, unless the threshold is higher: a window may hold any number of them. */
const MOST_REMEMBERED = 1_000;

function withFailure(record: TrackRecord, failedAt: number, { failures, windowMs }: Breaker): TrackRecord {
  const recent = record.failedAt.filter((at) => at > failedAt - windowMs);
  const served = record.served.since > failedAt - windowMs ? record.served : CLEAN_RECORD.served;
  const failed = [...recent, failedAt].slice(-Math.max(failures, MOST_REMEMBERED));
  return { failedAt: failed, inRow: Math.min(record.inRow, recent.length) + 1, served };
}

/**
 * The threshold counts failures in a row, or as many failures among at least as many successes. A few among many answers are
 * everyday: were they to open a breaker, a busy fleet would close itself.
 */
function isTooMuch({ failedAt, inRow, served }: TrackRecord, { failures }: Breaker): boolean {
  return inRow >= failures || (failedAt.length >= failures && failedAt.length >= served.count);
}

function succeeded(state: BreakerState, at: number, { windowMs }: Breaker): BreakerState {
  if (state.kind !== 'closed') return answered(state);
  const { since, count } = state.served;
  const served = count > 0 && since > at - windowMs ? { since, count: count + 1 } : { since: at, count: 1 };
  return { kind: 'closed', failedAt: state.failedAt, inRow: 0, served };
}

function opened(openings: number, now: number, settings: Breaker): BreakerState {
  const openMs = Math.min(doubled(settings.openMs, openings - 1), settings.maxOpenMs);
  return { kind: 'open', openUntil: now + openMs, openings };
}

/**
 * A probe that the deployment answered, if only to refuse it, shows that it is there again. Any other answer does not: it may
 * belong to a request sent before the window opened.
 */
function answered(state: BreakerState): BreakerState {
  return state.kind === 'halfOpen' ? { kind: 'closed', ...CLEAN_RECORD } : state;
}

function throttled(health: Health, finding: Finding, { breaker, retries }: TransitionSettings): Health {
  const unsaid = Math.min(doubled(retries.baseMs, health.throttles), breaker.openMs);
  const restMs = Math.min(finding.retryAfterMs ?? unsaid, breaker.maxOpenMs);
  return {
    ...health,
    breaker: answered(health.breaker),
    restUntil: Math.max(health.restUntil, finding.at + restMs),
    throttles: health.throttles + 1,
    misconfigured: null,
  };
}

/** Far beyond any cap, and still a number. */
const MOST_DOUBLINGS = 30;

function doubled(ms: number, times: number): number {
  return ms * 2 ** Math.min(times, MOST_DOUBLINGS);
}

function smoothed(before: number | null, latest: number | null): number | null {
  if (latest === null) return before;
  return before === null ? latest : before + LATENCY_WEIGHT * (latest - before);
}
