import type { DeploymentId } from '../domain/deployment.ts';
import type { FleetEvent } from '../domain/event.ts';
import type { RequestRecord } from '../domain/usage.ts';
import type { Journal } from '../telemetry/port.ts';
import type { Shown } from './accounts.ts';
import type { SentAttempt } from './deployments.ts';
import type { FleetRecord } from './fleetRecord.ts';
import type { ServedRequest } from './instance.ts';

/** What is counted second by second. */
export const SERIES = [
  'requests',
  'errors',
  'failovers',
  'deadAttempts',
  'lateAttempts',
  'probes',
  'refusals',
  'unadmitted',
] as const;
export type SeriesName = (typeof SERIES)[number];

export interface MeasuresFacts {
  readonly nowMs: () => number;
  readonly refreshMs: number;
  readonly fleet: FleetRecord;
  /** Whose limit the run uses up. */
  readonly capped: string | null;
}

const nothing = (): void => undefined;

/** What a run came to, as it happens. */
export class Measures implements Journal {
  readonly series: Record<SeriesName, number[]>;
  /** Errors that callers saw, by code. */
  readonly errors = new Map<string, number>();
  /** Requests of one attempt, neither a probe nor in strict order, and those of them that waited for the store all the same. */
  plainRequests = 0;
  plainThatWaited = 0;
  /** The longest that one of them took beyond its deployment's time. */
  longestAddedMs = 0;
  /** The same of every request that asked whether it may probe. */
  readonly claimsTookMs: number[] = [];
  mostAttempts = 0;
  /** The most probes of one deployment at a time. */
  mostProbesAtOnce = 0;
  readonly events = new Map<FleetEvent['kind'], number>();
  /** How often an instance lost the store. */
  losses = 0;
  readonly faults: unknown[] = [];
  /** How long after its revocation a key still let somebody in. */
  readonly outlivedMs: number[] = [];
  /** Requests with a new key that were not let in. */
  shutOut = 0;
  /** What was told of requests that ended. */
  readonly told = { requests: 0, tokens: 0 };
  lostRequests = 0;
  readonly #facts: MeasuresFacts;
  readonly #probing = new Map<DeploymentId, number>();

  constructor(facts: MeasuresFacts) {
    this.#facts = facts;
    this.series = Object.fromEntries(SERIES.map((name) => [name, [] as number[]])) as Record<SeriesName, number[]>;
  }

  served({ mark, arrivedAt, endedAt, strict, shown, error, fault: ownFault }: ServedRequest): void {
    this.#count('requests', arrivedAt);
    if (mark.attempts > 1) this.#count('failovers', arrivedAt);
    this.mostAttempts = Math.max(this.mostAttempts, mark.attempts);
    if (ownFault !== null) this.faults.push(ownFault);
    if (shown !== null) this.#admitted(shown, arrivedAt, error);
    if (error !== null && this.#isRight(error, shown)) this.#count('unadmitted', arrivedAt);
    else if (error !== null) {
      this.#count('errors', arrivedAt);
      this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
    }
    const addedMs = endedAt - arrivedAt - mark.upstreamMs;
    if (mark.claimed) this.claimsTookMs.push(addedMs);
    if (strict || mark.claimed || mark.waitedForAccount || mark.attempts !== 1) return;
    this.plainRequests++;
    if (mark.awaitedCalls > 0) this.plainThatWaited++;
    this.longestAddedMs = Math.max(this.longestAddedMs, addedMs);
  }

  #admitted({ revokedAt, madeAt }: Shown, arrivedAt: number, error: string | null): void {
    const isIn = error !== 'unauthorized';
    if (revokedAt !== null && isIn) this.outlivedMs.push(arrivedAt - revokedAt);
    if (madeAt !== null && !isIn) this.shutOut++;
  }

  /** A revoked key, or an account that has used up its limit. */
  #isRight(error: string, shown: Shown | null): boolean {
    if (shown === null) return false;
    return (
      (error === 'unauthorized' && shown.revokedAt !== null) ||
      (error === 'quota_exceeded' && shown.account === this.#facts.capped)
    );
  }

  requestEnded({ tokens }: RequestRecord): void {
    this.told.requests++;
    this.told.tokens += tokens.prompt + tokens.completion;
  }

  usageLost({ requests }: { readonly requests: number }): void {
    this.lostRequests += requests;
  }

  sent({ deployment, probe, dead }: SentAttempt): void {
    const { nowMs, refreshMs, fleet } = this.#facts;
    const opening = fleet.opening(deployment);
    if (probe) {
      this.#count('probes');
      if (opening !== null) opening.probes++;
      const atOnce = (this.#probing.get(deployment) ?? 0) + 1;
      this.#probing.set(deployment, atOnce);
      this.mostProbesAtOnce = Math.max(this.mostProbesAtOnce, atOnce);
    }
    if (!dead) return;
    this.#count('deadAttempts');
    if (!probe && opening !== null && nowMs() > opening.since + refreshMs) this.#count('lateAttempts');
  }

  answered({ deployment, probe }: SentAttempt, status: number | null): void {
    if (status === 429) this.#count('refusals');
    if (probe) this.#probing.set(deployment, (this.#probing.get(deployment) ?? 1) - 1);
  }

  attemptFailed(): void {
    // Attempts are counted where they are made.
  }

  streamBroken(): void {
    // Nobody streams here.
  }

  // What accounts and the ledger tell is of no interest here.
  readonly retrying = nothing;
  readonly requestRefused = nothing;
  readonly quotaRunsLow = nothing;
  readonly credentialsRefused = nothing;
  readonly priceUnknown = nothing;

  happened({ kind }: FleetEvent): void {
    this.events.set(kind, (this.events.get(kind) ?? 0) + 1);
  }

  storeLost(): void {
    this.losses++;
  }

  storeFound(): void {
    // As often as it was lost, but for the last time.
  }

  fault({ error }: { readonly error: unknown }): void {
    this.faults.push(error);
  }

  #count(name: SeriesName, atMs: number = this.#facts.nowMs()): void {
    const column = this.series[name];
    const second = Math.floor(atMs / 1_000);
    while (column.length <= second) column.push(0);
    column[second] = (column[second] ?? 0) + 1;
  }
}
