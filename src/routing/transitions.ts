import type { Breaker, Retries } from '../domain/config.ts';
import {
  type BreakerState,
  CLEAN_RECORD,
  type Finding,
  type Health,
  type Recovery,
  type Served,
  type TrackRecord,
} from '../domain/health.ts';
import { isRecovering } from './availability.ts';

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
    recovery:
      health.recovery === null || finding.sequel === true
        ? health.recovery
        : furtherRecovered(health.recovery, finding),
    latencyMs: smoothed(health.latencyMs, finding.latencyMs),
    headroom: finding.headroom ?? health.headroom,
    ...(finding.remaining === undefined ? {} : { remaining: finding.remaining }),
  };
  switch (finding.outcome) {
    case 'ok':
      return { ...answered(seen, finding, settings), throttles: 0, misconfigured: null };
    case 'throttled':
      return throttled(answered(seen, finding, settings), finding, settings);
    case 'failing':
      return failed(seen, finding, settings);
    case 'misconfigured': {
      const since = health.misconfigured?.since ?? finding.at;
      const probeAt = Math.max(health.misconfigured?.probeAt ?? 0, finding.at + settings.breaker.maxOpenMs);
      return { ...answered(seen, finding, settings), misconfigured: { since, probeAt, cause: finding.cause } };
    }
    case 'other':
      // It took our key and knows the deployment, or it would have refused us and not the request.
      return { ...answered(seen, finding, settings), misconfigured: null };
    default:
      return finding.outcome satisfies never;
  }
}

/** How long a probe may stay unheard of before another one may go; whoever holds it renews that. */
export function probeLeaseMs({ openMs, refreshMs }: Breaker): number {
  // Renewed once in a refresh period: half a lease has to outlast that.
  return Math.max(Math.min(Math.max(openMs, 2_000), 10_000), 2 * refreshMs);
}

/** One request is on its way to find out whether the deployment has recovered. */
export function halfOpened(openings: number, now: number, settings: Breaker): BreakerState & { kind: 'halfOpen' } {
  return { kind: 'halfOpen', leaseUntil: now + probeLeaseMs(settings), openings };
}

/** A failure of any other request than the probe belongs to the time before the window opened. */
export function nextBreaker(
  state: BreakerState,
  failure: Pick<Finding, 'at' | 'probe'>,
  settings: Breaker,
): BreakerState {
  switch (state.kind) {
    case 'closed': {
      const next = withFailure(state, failure.at, settings);
      return isTooMuch(next, failure.at, settings) ? opened(1, failure.at, settings) : { kind: 'closed', ...next };
    }
    case 'open':
      return state;
    case 'halfOpen':
      return failure.probe ? opened(state.openings + 1, failure.at, settings) : state;
    default:
      return state satisfies never;
  }
}

/** Failures remembered, unless the threshold is higher: a window may hold any number of them. */
const MOST_REMEMBERED = 1_000;

function withFailure(record: TrackRecord, failedAt: number, { failures, windowMs }: Breaker): TrackRecord {
  const recent = record.failedAt.filter((at) => at > failedAt - windowMs);
  const failed = [...recent, failedAt].slice(-Math.max(failures, MOST_REMEMBERED));
  return { failedAt: failed, inRow: Math.min(record.inRow, recent.length) + 1, served: record.served };
}

/**
 * About how many it has served within the window that ends now, which is the one that failures are counted in: of the stretch
 * before, as large a share as the window reaches into it.
 */
export function servedWithin({ since, count, before }: Served, now: number, windowMs: number): number {
  const stretches = (now - since) / windowMs;
  if (stretches >= 2) return 0;
  return stretches >= 1 ? count * (2 - stretches) : count + before * (1 - stretches);
}

/**
 * The threshold counts failures in a row, or as many failures among at least as many successes. A few among many answers are
 * everyday: were they to open a breaker, a busy fleet would close itself.
 */
function isTooMuch({ failedAt, inRow, served }: TrackRecord, at: number, { failures, windowMs }: Breaker): boolean {
  return inRow >= failures || (failedAt.length >= failures && failedAt.length >= servedWithin(served, at, windowMs));
}

export function opened(openings: number, now: number, settings: Breaker): BreakerState & { kind: 'open' } {
  const openMs = Math.min(doubled(settings.openMs, openings - 1), settings.maxOpenMs);
  return { kind: 'open', openUntil: now + openMs, openings };
}

/**
 * A probe that the deployment answered, if only to refuse it, shows that it is there again. Any other answer does not: it
 * belongs to a request sent before the window opened.
 */
function answered(health: Health, { at, probe, outcome }: Finding, settings: TransitionSettings): Health {
  const { breaker } = health;
  if (breaker.kind === 'closed') {
    if (outcome !== 'ok') return health;
    return { ...health, breaker: { kind: 'closed', ...withSuccess(breaker, at, settings.breaker) } };
  }
  if (!probe || breaker.kind === 'open') return health;
  return { ...health, breaker: { kind: 'closed', ...CLEAN_RECORD }, recovery: { since: at, sent: 1, answered: 1 } };
}

function withSuccess({ failedAt, served }: TrackRecord, at: number, { windowMs }: Breaker): TrackRecord {
  const { since, count, before } = served;
  const stretches = Math.floor((at - since) / windowMs);
  if (stretches < 1) return { failedAt, inRow: 0, served: { since, count: count + 1, before } };
  const begun = stretches === 1 ? since + windowMs : at;
  return { failedAt, inRow: 0, served: { since: begun, count: 1, before: stretches === 1 ? count : 0 } };
}

function failed(health: Health, finding: Finding, { breaker: settings }: TransitionSettings): Health {
  const breaker = nextBreaker(health.breaker, finding, settings);
  return { ...health, breaker, recovery: breaker.kind === 'closed' ? health.recovery : null };
}

/** Until when a deployment that throttles wants to be left alone, whatever it has asked for before. */
export function restAsked({ throttles }: Health, finding: Finding, { breaker, retries }: TransitionSettings): number {
  const unsaid = Math.min(doubled(retries.baseMs, throttles), breaker.openMs);
  return finding.at + Math.min(finding.retryAfterMs ?? unsaid, breaker.maxOpenMs);
}

function throttled(health: Health, finding: Finding, settings: TransitionSettings): Health {
  return {
    ...health,
    restUntil: Math.max(health.restUntil, restAsked(health, finding, settings)),
    throttles: health.throttles + 1,
    misconfigured: null,
  };
}

function furtherRecovered(recovery: Recovery, { at, outcome }: Finding): Recovery | null {
  if (!isRecovering(recovery, at)) return null;
  const { sent, answered } = recovery;
  // Late answers to what was sent before it went down call for no more.
  if (outcome === 'ok' || outcome === 'other') return { ...recovery, answered: Math.min(sent, answered + 1) };
  // What it did not serve calls for no more either, and makes room for another try.
  return { ...recovery, sent: Math.max(answered, sent - 1) };
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
