import type { AgentFinding, Assignment } from '../domain/assignment.ts';
import type { Agents } from '../domain/config.ts';
import type { FleetEvent } from '../domain/event.ts';
import {
  type AgentEvidence,
  type AgentFacts,
  type AgentRecord,
  AT_HOME,
  foldAgent,
  gathered,
} from '../fleet/agents.ts';
import { agentEvents, type EventFacts } from '../fleet/events.ts';
import { type AgentSheet, EMPTY_AGENTS, withAgent } from '../fleet/sheets.ts';
import type { Known } from './known.ts';

/** Agents whose failures are remembered until the fleet has heard of them. Names come from outside: they need a bound. */
const MOST_UNTOLD = 2_000;

/** What this instance knows of the agents: its own findings at once, the fleet's word as it comes. */
export class KnownAgents implements Known<AgentSheet> {
  readonly #facts: AgentFacts;
  readonly #evidence = new Map<string, AgentEvidence>();
  #sheet: AgentSheet = EMPTY_AGENTS;

  constructor(instance: string, { failureThreshold, failureWindowMs }: Agents) {
    this.#facts = { instance, failureThreshold, failureWindowMs };
  }

  assignment(agent: string): Assignment | null {
    if (this.#sheet.agents.size === 0 && this.#evidence.size === 0) return null;
    return this.record(agent).assignment;
  }

  /** The agent's standing, own findings included. */
  record(agent: string): AgentRecord {
    const record = this.#sheet.agents.get(agent) ?? AT_HOME;
    const evidence = this.#evidence.get(agent);
    return evidence === undefined ? record : foldAgent(record, evidence, this.#facts);
  }

  names(): ReadonlySet<string> {
    return new Set([...this.#sheet.agents.keys(), ...this.#evidence.keys()]);
  }

  /** True where the fleet should hear of it. */
  learn(finding: AgentFinding): boolean {
    const { agent, failed } = finding;
    const before = this.#evidence.get(agent) ?? null;
    if (!failed && before === null && !this.#sheet.agents.has(agent)) return false;
    const evidence = gathered(before, this.#sheet.agents.get(agent) ?? AT_HOME, finding, this.#facts);
    this.#evidence.delete(agent);
    if (evidence === null) return false;
    this.#evidence.set(agent, evidence);
    if (this.#evidence.size > MOST_UNTOLD) this.#forgetOldest();
    return true;
  }

  /** Forgets what has been found out so far, as an operator has decided. */
  forget(agent: string): void {
    this.#evidence.delete(agent);
  }

  fold(sheet: AgentSheet): AgentSheet {
    let folded = sheet;
    for (const [agent, evidence] of this.#evidence) {
      folded = withAgent(folded, agent, (record) => foldAgent(record, evidence, this.#facts));
    }
    return folded;
  }

  /** Whether an agent has moved: a failure more or less can wait. */
  get isUrgent(): boolean {
    for (const [agent, evidence] of this.#evidence) {
      const before = this.#sheet.agents.get(agent) ?? AT_HOME;
      if (foldAgent(before, evidence, this.#facts).assignment !== before.assignment) return true;
    }
    return false;
  }

  absorb(sheet: AgentSheet): void {
    this.#sheet = sheet;
    for (const [agent, evidence] of this.#evidence) {
      const record = sheet.agents.get(agent) ?? AT_HOME;
      if (foldAgent(record, evidence, this.#facts) === record) this.#evidence.delete(agent);
    }
  }

  events(before: AgentSheet, after: AgentSheet, facts: EventFacts): FleetEvent[] {
    const told: FleetEvent[] = [];
    for (const [agent, record] of after.agents) {
      const known = before.agents.get(agent) ?? AT_HOME;
      if (known !== record) told.push(...agentEvents(agent, known, record, facts));
    }
    return told;
  }

  #forgetOldest(): void {
    for (const agent of this.#evidence.keys()) {
      this.#evidence.delete(agent);
      return;
    }
  }
}
