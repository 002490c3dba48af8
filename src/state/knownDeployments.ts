import type { Draw } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { FleetEvent } from '../domain/event.ts';
import { type Finding, HEALTHY, type Health } from '../domain/health.ts';
import { counted, instancesIn } from '../fleet/census.ts';
import { countOf, type FleetHealth, notAhead, UNTROUBLED, within } from '../fleet/deployments.ts';
import { deploymentEvents, type EventFacts } from '../fleet/events.ts';
import { type Evidence, type FoldFacts, fold, NO_EVIDENCE } from '../fleet/fold.ts';
import { type DeploymentSheet, EMPTY_DEPLOYMENTS, withDeployment } from '../fleet/sheets.ts';
import { adopt, claimed } from '../fleet/view.ts';
import { nextHealth, restAsked, type TransitionSettings } from '../routing/transitions.ts';
import {
  askedAlso,
  type Claim,
  gathered,
  insisted,
  instantOf,
  isUrgent,
  leftOf,
  restoreSeen,
  type Standing,
} from './evidence.ts';
import type { Known } from './known.ts';

export interface KnownDeploymentsFacts {
  readonly config: RouterConfig;
  readonly instance: string;
  readonly draw: Draw;
  /** Stands for a deployment's configuration. */
  readonly fingerprint: (deployment: DeploymentId) => string;
}

/** Instances that learn of the same rest come back spread over this share of it. */
const SPREAD = 0.1;
const MOST_SPREAD_MS = 1_000;

/** What this instance knows of the deployments: its own findings at once, the fleet's word as it comes. */
export class KnownDeployments implements Known<DeploymentSheet> {
  readonly #facts: KnownDeploymentsFacts;
  readonly #settings: TransitionSettings;
  readonly #standings = new Map<DeploymentId, Standing>();
  #sheet: DeploymentSheet = EMPTY_DEPLOYMENTS;
  #isAstray = false;

  constructor(facts: KnownDeploymentsFacts) {
    this.#facts = facts;
    this.#settings = facts.config;
  }

  health(deployment: DeploymentId): Health {
    return this.#standings.get(deployment)?.view ?? HEALTHY;
  }

  get instances(): number {
    return instancesIn(this.#sheet.census);
  }

  /** Failures that count now, everybody's together. */
  failuresOf(deployment: DeploymentId, now: number): number {
    const { breaker } = this.#wordOf(deployment);
    if (breaker.kind !== 'closed') return 0;
    return countOf(within(breaker.reports, now - this.#settings.breaker.windowMs));
  }

  /** What opened the breaker, for people. */
  causeOf(deployment: DeploymentId): string | null {
    const { breaker } = this.#wordOf(deployment);
    return breaker.kind === 'closed' ? null : breaker.cause;
  }

  #wordOf(deployment: DeploymentId): FleetHealth {
    const { fleet, evidence } = this.#standingOf(deployment);
    return evidence === null ? fleet : fold(fleet, evidence, this.#foldFacts(deployment));
  }

  sent(deployment: DeploymentId): void {
    const standing = this.#standings.get(deployment);
    if (standing === undefined || standing.view.recovery === null) return;
    const { view } = standing;
    standing.view = { ...view, recovery: { ...standing.view.recovery, sent: standing.view.recovery.sent + 1 } };
  }

  /** True where the fleet should hear of it. */
  record(seen: Finding): boolean {
    const standing = this.#standingOf(seen.deployment);
    const before = standing.view;
    // Whose claim another one has followed is not the one that finds out.
    const finding = { ...seen, at: instantOf(seen, standing), probe: seen.probe && standing.claim !== null };
    standing.view = nextHealth(before, finding, this.#settings);
    if (finding.outcome === 'throttled') {
      const until = restAsked(before, finding, this.#settings);
      standing.asked = askedAlso(standing.asked, { until, at: finding.at });
    }
    const evidence = gathered(standing, before, finding, this.#settings.breaker.windowMs);
    if (evidence === standing.evidence) return false;
    standing.evidence = evidence;
    if (finding.probe) standing.claim = null;
    if (evidence === null) return false;
    this.#adopt(finding.deployment, standing, finding.at);
    standing.evidence = insisted(standing);
    return true;
  }

  dropProbe(deployment: DeploymentId, now: number): boolean {
    const standing = this.#standingOf(deployment);
    if (standing.claim === null) return false;
    const probe = {
      claim: standing.claim.id,
      claimedAt: standing.claim.at,
      outcome: 'dropped' as const,
      openings: 0,
      at: now,
      cause: 'the caller left',
    };
    standing.evidence = { ...(standing.evidence ?? NO_EVIDENCE), probe };
    standing.claim = null;
    this.#adopt(deployment, standing, now);
    return true;
  }

  /** Whether this instance has claimed a probe that nothing has been heard of yet. */
  isProbing(deployment: DeploymentId, now: number): boolean {
    const standing = this.#standings.get(deployment);
    return standing !== undefined && this.#claimNow(standing, now) !== null;
  }

  /** The sheet with a probe claimed in it; the same sheet where none is needed any more, `null` where it may not be made. */
  claimedIn(sheet: DeploymentSheet, deployment: DeploymentId, claim: string, now: number): DeploymentSheet | null {
    const facts = this.#foldFacts(deployment);
    const evidence = this.#standingOf(deployment).evidence;
    const before = sheet.deployments.get(deployment) ?? UNTROUBLED;
    const known = evidence === null ? before : fold(before, evidence, facts);
    const after = claimed(known, claim, now, facts);
    return after === null ? null : withDeployment(sheet, deployment, () => (after === known ? known : after));
  }

  /** The probe that the sheet has granted is ours. */
  holdClaim(deployment: DeploymentId, id: string, at: number): void {
    this.#standingOf(deployment).claim = { id, at, isAlone: false };
  }

  /** Claims a probe without asking anybody, as nobody can be asked; false: it may not be made now. */
  claimAlone(deployment: DeploymentId, claim: string, now: number): boolean {
    const facts = this.#foldFacts(deployment);
    const standing = this.#standingOf(deployment);
    const { evidence, fleet } = standing;
    const after = claimed(evidence === null ? fleet : fold(fleet, evidence, facts), claim, now, facts);
    if (after === null) return false;
    standing.fleet = after;
    this.#isAstray = true;
    standing.claim = { id: claim, at: now, isAlone: true };
    // What an earlier probe came to is part of the word now.
    standing.evidence = evidence && { ...evidence, probe: null };
    this.#adopt(deployment, standing, now);
    return true;
  }

  fold(sheet: DeploymentSheet, now: number): DeploymentSheet {
    const census = counted(sheet.census, this.#facts.instance, now);
    let folded = census === sheet.census ? sheet : { ...sheet, census };
    for (const [id, standing] of this.#standings) {
      const evidence = this.#evidenceNow(standing, now);
      if (evidence === null) continue;
      folded = withDeployment(folded, id, (fleet) => fold(notAhead(fleet, now), evidence, this.#foldFacts(id)));
    }
    return folded;
  }

  /** Whether something is at hand that others should not have to find out themselves. */
  get isUrgent(): boolean {
    for (const { evidence, claim, fleet } of this.#standings.values()) {
      // A probe under way is renewed by its holder, or another one goes: that is not left to a lot.
      if (claim !== null || (evidence !== null && isUrgent(evidence, fleet))) return true;
    }
    return false;
  }

  /** Who probes by its own leave takes the word for what the sheet has not said. */
  get isAstray(): boolean {
    return this.#isAstray;
  }

  absorb(sheet: DeploymentSheet, now: number): void {
    this.#sheet = sheet;
    this.#isAstray = false;
    for (const id of this.#facts.config.deployments.keys()) {
      const fleet = notAhead(sheet.deployments.get(id) ?? UNTROUBLED, now);
      const standing = this.#standings.get(id);
      if (standing === undefined && fleet === UNTROUBLED) continue;
      this.#absorb(id, standing ?? this.#standingOf(id), fleet, now);
    }
  }

  events(before: DeploymentSheet, after: DeploymentSheet, facts: EventFacts): FleetEvent[] {
    const told: FleetEvent[] = [];
    for (const [id, fleet] of after.deployments) {
      const known = before.deployments.get(id) ?? UNTROUBLED;
      if (known !== fleet) told.push(...deploymentEvents(id, known, fleet, facts));
    }
    return told;
  }

  #absorb(id: DeploymentId, standing: Standing, fleet: FleetHealth, now: number): void {
    const isRestored = fleet.restoredAt > standing.fleet.restoredAt;
    standing.fleet = fleet;
    if (isRestored) restoreSeen(standing, fleet.restoredAt);
    const { evidence, claim } = standing;
    if (evidence !== null && fold(fleet, evidence, this.#foldFacts(id)) === fleet)
      standing.evidence = leftOf(evidence, fleet);
    if (claim !== null) standing.claim = heldStill(claim, fleet);
    this.#adopt(id, standing, now);
  }

  /** No request takes longer than its deadline: a claim that nothing has been heard of since then was forgotten. */
  #claimNow({ claim }: Standing, now: number): Claim | null {
    return claim !== null && now < claim.at + this.#facts.config.timeouts.deadlineMs ? claim : null;
  }

  /** What is known and not yet told, with the renewal of a probe that takes its time. */
  #evidenceNow(standing: Standing, now: number): Evidence | null {
    const { evidence } = standing;
    const claim = this.#claimNow(standing, now);
    if (claim === null || (evidence !== null && evidence.probe !== null)) return evidence;
    return {
      ...(evidence ?? NO_EVIDENCE),
      probe: { claim: claim.id, claimedAt: claim.at, outcome: 'pending', openings: 0, at: now, cause: '' },
    };
  }

  #adopt(id: DeploymentId, standing: Standing, now: number): void {
    const { fleet, view } = standing;
    const facts = this.#foldFacts(id);
    const evidence = this.#evidenceNow(standing, now);
    const word = evidence === null ? fleet : fold(fleet, evidence, facts);
    standing.view = adopt(view, word, facts, (until) =>
      (evidence?.rest ?? null) === null ? this.#delayMs(until - now) : 0,
    );
  }

  #delayMs(restMs: number): number {
    return this.#facts.draw() * Math.min(SPREAD * Math.max(0, restMs), MOST_SPREAD_MS);
  }

  #standingOf(id: DeploymentId): Standing {
    const known = this.#standings.get(id);
    if (known !== undefined) return known;
    const fleet = this.#sheet.deployments.get(id) ?? UNTROUBLED;
    const standing: Standing = { view: HEALTHY, fleet, evidence: null, asked: [], claim: null };
    this.#standings.set(id, standing);
    return standing;
  }

  #foldFacts(id: DeploymentId): FoldFacts {
    const { instance, fingerprint } = this.#facts;
    return { instance, breaker: this.#settings.breaker, config: fingerprint(id) };
  }
}

/** Once the word bears it, it is a claim like any other. */
function heldStill(claim: Claim, fleet: FleetHealth): Claim | null {
  if (!isHeld(fleet, claim)) return null;
  const isTold = fleet.breaker.kind === 'halfOpen' && fleet.breaker.claim === claim.id;
  return isTold ? { ...claim, isAlone: false } : claim;
}

/** A claim counts until somebody has taken the probe over, or it has been settled. */
function isHeld({ breaker, misconfigured }: FleetHealth, { id, isAlone }: Claim): boolean {
  switch (breaker.kind) {
    case 'halfOpen':
      return isAlone || breaker.claim === id;
    case 'open':
      // Nobody could be asked when it was made, so that the word says nothing of it.
      return isAlone;
    case 'closed':
      return isAlone || misconfigured !== null;
    default:
      return breaker satisfies never;
  }
}
