import { randomUUID } from 'node:crypto';
import type { AgentFinding, Assignment } from '../domain/assignment.ts';
import type { Clock, Draw } from '../domain/clock.ts';
import type { Pool, RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import type { FleetEvent } from '../domain/event.ts';
import type { Finding, Health, Snapshot } from '../domain/health.ts';
import {
  type AgentSheet,
  type DeploymentSheet,
  decodeAgents,
  decodeDeployments,
  EMPTY_AGENTS,
  EMPTY_DEPLOYMENTS,
  encodeAgents,
  encodeDeployments,
  reunitedAgents,
  reunitedDeployments,
} from '../fleet/sheets.ts';
import { availability } from '../routing/availability.ts';
import type { Store, Table } from '../store/port.ts';
import type { Journal } from '../telemetry/port.ts';
import { Affinity } from './affinity.ts';
import { Alone } from './alone.ts';
import { Cell, type CellFacts, Contended } from './cell.ts';
import { Chronicle } from './chronicle.ts';
import { Cursors } from './cursors.ts';
import { KnownAgents } from './knownAgents.ts';
import { KnownDeployments } from './knownDeployments.ts';
import type { Failover, State } from './port.ts';
import { SharedSheet } from './sharedSheet.ts';
import { StoreWatch } from './storeWatch.ts';
import { Telling } from './telling.ts';

export interface SharedStateFacts {
  readonly config: RouterConfig;
  readonly store: Store;
  /** Short, and nobody else's. */
  readonly instance: string;
  readonly clock: Clock;
  readonly draw: Draw;
  readonly journal: Journal;
  /** Stands for a deployment's configuration, and does not betray it. */
  readonly fingerprint: (deployment: DeploymentId) => string;
}

/** Reading so often and telling so soon, an instance learns within one refresh period what another one has found out. */
const SHORTEST_CYCLE = 0.65;
const LONGEST_CYCLE = 0.8;
/** How often failovers of single requests are written down. */
const FAILOVERS_EVERY_MS = 5_000;

const SHORTEST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 1_000;

/** What this instance knows, and what the fleet shares: answered from memory, exchanged behind the requests. */
export class SharedState implements State, Snapshot {
  readonly #facts: SharedStateFacts;
  readonly #deployments: KnownDeployments;
  readonly #agents: KnownAgents;
  readonly deploymentSheet: SharedSheet<DeploymentSheet>;
  readonly agentSheet: SharedSheet<AgentSheet>;
  readonly chronicle: Chronicle;
  readonly watch: StoreWatch;
  readonly #cursors: Cursors;
  readonly #affinity: Affinity;
  readonly #telling: Telling;
  readonly #claiming = new Set<DeploymentId>();
  readonly #alone: Alone;
  #stopTimer: () => void = () => undefined;
  #isClosed = false;
  #failoversToldAt = 0;

  constructor(facts: SharedStateFacts) {
    const { config, store, instance, clock, draw, journal } = facts;
    this.#facts = facts;
    this.#deployments = new KnownDeployments(facts);
    this.#agents = new KnownAgents(instance, config.agents);
    this.watch = new StoreWatch(clock, journal);
    this.#alone = new Alone(journal, instance);
    const withinMs = Math.min(Math.max(config.breaker.refreshMs, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
    const parts = { store, instance, clock, draw, watch: this.watch, withinMs };
    // Tables of their own: whether the store answers is told by the exchange alone.
    const { aside } = this.watch;
    this.chronicle = new Chronicle({ ...parts, watch: aside });
    this.#cursors = new Cursors({ ...parts, use: aside });
    this.#affinity = new Affinity({ ...parts, use: aside, isNeeded: config.endpoints.size > 1 });
    const cellFor = <T>(table: Table, form: Pick<CellFacts<T>, 'empty' | 'encode' | 'decode' | 'reunite'>) =>
      new Cell<T>({ ...parts, ...form, key: { table, partition: 'fleet', row: 'sheet' } });
    const sheetFacts = {
      instance,
      clock,
      draw,
      instances: () => this.#deployments.instances,
      tell: (events: readonly FleetEvent[]) => this.#tell(events),
    };
    this.deploymentSheet = new SharedSheet({
      ...sheetFacts,
      cell: cellFor('deployments', {
        empty: EMPTY_DEPLOYMENTS,
        encode: (sheet) => encodeDeployments(sheet, clock.now(), config.breaker),
        decode: decodeDeployments,
        reunite: reunitedDeployments,
      }),
      known: this.#deployments,
    });
    this.agentSheet = new SharedSheet({
      ...sheetFacts,
      cell: cellFor('assignments', {
        empty: EMPTY_AGENTS,
        encode: encodeAgents,
        decode: decodeAgents,
        reunite: reunitedAgents,
      }),
      known: this.#agents,
    });
    this.#telling = new Telling({
      clock,
      draw,
      refreshMs: config.breaker.refreshMs,
      instances: () => this.#deployments.instances,
      isLarge: () => this.deploymentSheet.isLarge,
      drawsLot: () => this.deploymentSheet.drawsLot(),
      isUrgent: () => this.#deployments.isUrgent || this.#agents.isUrgent,
      tell: () => this.#publish(),
    });
  }

  get config(): RouterConfig {
    return this.#facts.config;
  }

  get agents(): KnownAgents {
    return this.#agents;
  }

  get deployments(): KnownDeployments {
    return this.#deployments;
  }

  snapshot(): Snapshot {
    return this;
  }

  health(deployment: DeploymentId): Health {
    return this.#deployments.health(deployment);
  }

  assignment(agent: string): Assignment | null {
    return this.#agents.assignment(agent);
  }

  sent(deployment: DeploymentId): void {
    this.#deployments.sent(deployment);
  }

  record(finding: Finding): void {
    if (!this.#deployments.record(finding)) return;
    if (this.watch.isHealthy) this.#nudge();
    else this.#alone.tell(finding, this.health(finding.deployment).breaker.kind);
  }

  recordAgent(finding: AgentFinding): void {
    if (this.#agents.learn(finding)) this.#nudge();
  }

  recordFailover(failover: Failover): void {
    this.chronicle.count(failover);
  }

  async claimProbe(deployment: DeploymentId, now: number, isLastHope = false): Promise<boolean> {
    if (this.#claiming.has(deployment) || this.#deployments.isProbing(deployment, now)) return false;
    const { kind } = availability(this.health(deployment), now);
    if (kind !== 'probe') return kind !== 'out';
    const claim = `${this.#facts.instance}-${randomUUID().slice(0, 8)}`;
    // Without the store every instance finds out for itself.
    if (!this.watch.isHealthy) return this.#deployments.claimAlone(deployment, claim, now);
    // In a large fleet a few ask for it, by lot, and whoever has nowhere else to go.
    if (!isLastHope && !this.deploymentSheet.drawsLot()) return false;
    this.#claiming.add(deployment);
    const asked = this.watch.asking();
    try {
      return await this.#claim(deployment, claim, now);
    } catch (error) {
      // Whoever was first is probing, or knows better.
      if (error instanceof Contended) return false;
      this.watch.failed(error, asked);
      return this.#deployments.claimAlone(deployment, claim, now);
    } finally {
      this.#claiming.delete(deployment);
    }
  }

  dropProbe(deployment: DeploymentId): void {
    if (this.#deployments.dropProbe(deployment, this.#facts.clock.now())) this.#nudge();
  }

  turn(pool: Pool): number | Promise<number> {
    return this.#cursors.turn(pool);
  }

  peekTurn(pool: string): number {
    return this.#cursors.peek(pool);
  }

  holderOf(responseId: string): DeploymentId | null {
    return this.#affinity.holderOf(responseId);
  }

  findHolder(responseId: string): Promise<DeploymentId | null> {
    return this.#affinity.findHolder(responseId);
  }

  remember(responseId: string, holder: DeploymentId): void {
    this.#affinity.remember(responseId, holder);
  }

  /** Begins to exchange with the fleet, now and from then on. */
  start(): void {
    this.watch.open();
    this.#cursors.prepare(this.config.pools.values());
    void this.#cycle();
  }

  /** Once: reads what the fleet has learnt, and tells it what it does not know. */
  async exchange(): Promise<void> {
    const asked = this.watch.asking();
    const results = await Promise.allSettled([this.deploymentSheet.exchange(), this.agentSheet.exchange()]);
    const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    const failed = reasons.find((reason) => !(reason instanceof Contended));
    if (failed !== undefined) return this.watch.failed(failed, asked);
    this.watch.answered(asked);
    void this.#affinity.flush();
    await this.#write();
  }

  /** Tells the fleet what is left to tell, and is still from then on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#telling.close();
    this.#stopTimer();
    if (this.watch.isHealthy) await this.exchange();
    if (this.watch.isHealthy) await Promise.all([this.chronicle.flush({ failovers: true }), this.#affinity.flush()]);
  }

  async #cycle(): Promise<void> {
    await this.exchange().catch((error: unknown) => this.#facts.journal.fault({ requestId: '-', error }));
    if (this.#isClosed) return;
    const { clock, draw } = this.#facts;
    const share = SHORTEST_CYCLE + draw() * (LONGEST_CYCLE - SHORTEST_CYCLE);
    this.#stopTimer = clock.after(this.config.breaker.refreshMs * share, () => void this.#cycle());
  }

  /** With the store gone it is told once the store is back. */
  #nudge(): void {
    if (this.watch.isHealthy) this.#telling.news();
  }

  async #publish(): Promise<void> {
    const asked = this.watch.asking();
    try {
      await Promise.all([this.deploymentSheet.publish(), this.agentSheet.publish()]);
      this.watch.answered(asked);
    } catch (error) {
      this.#hadTrouble(error, asked);
    }
  }

  #hadTrouble(error: unknown, asked: number): void {
    try {
      this.watch.failed(error, asked);
    } catch (fault) {
      this.#facts.journal.fault({ requestId: '-', error: fault });
    }
  }

  async #claim(deployment: DeploymentId, claim: string, now: number): Promise<boolean> {
    const claimed = { granted: false };
    await this.deploymentSheet.change((sheet) => {
      const next = this.#deployments.claimedIn(sheet, deployment, claim, now);
      claimed.granted = next !== null;
      return next ?? sheet;
    });
    if (claimed.granted) this.#deployments.holdClaim(deployment, claim, now);
    return claimed.granted;
  }

  #tell(events: readonly FleetEvent[]): void {
    for (const event of events) this.#facts.journal.happened(event);
    this.chronicle.tell(events);
  }

  async #write(): Promise<void> {
    const now = this.#facts.clock.now();
    const isDue = this.chronicle.hasFailovers && now - this.#failoversToldAt >= FAILOVERS_EVERY_MS;
    const failovers = isDue && this.deploymentSheet.drawsLot();
    if (isDue) this.#failoversToldAt = now;
    if (failovers || this.chronicle.hasEvents) await this.chronicle.flush({ failovers });
  }
}
