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
import { type AgentSheet, EMPTY_AGENTS } from '../fleet/sheets.ts';
import type { Known } from './known.ts';

/** Moves that the fleet has not heard of follow each other within a refresh period: there are no more of them than that. */
const LONGEST_STORY = 4;

/** Agents whose failures are remembered until the fleet has heard of them. Names come from outside: they need a bound. */
const MOST_UNTOLD = 2_000;

/** What this instance knows of the agents: its own findings at once, the fleet's word as it comes. */
export class KnownAgents implements Known<AgentSheet> {
  readonly #facts: AgentFacts;
  /** In order: what comes later happened where the agent was moved to by what comes before. */
  readonly #evidence = new Map<string, readonly AgentEvidence[]>();
  #sheet: AgentSheet = EMPTY_AGENTS;
  readonly isAstray = false;

  constructor(instance: string, { failureThreshold, failureWindowMs }: Agents) {
    this.#facts = { instance, failureThreshold, failureWindowMs };
  }

  assignment(agent: string): Assignment | null {
    if (this.#sheet.agents.size === 0 && this.#evidence.size === 0) return null;
    return this.record(agent).assignment;
  }

  /** The agent's standing, own findings included. */
  record(agent: string): AgentRecord {
    return this.#folded(this.#known(agent), this.#evidence.get(agent) ?? []);
  }

  #known(agent: string): AgentRecord {
    return this.#sheet.agents.get(agent) ?? AT_HOME;
  }

  #folded(record: AgentRecord, story: readonly AgentEvidence[]): AgentRecord {
    return story.reduce((before, evidence) => foldAgent(before, evidence, this.#facts), record);
  }

  names(): ReadonlySet<string> {
    return new Set([...this.#sheet.agents.keys(), ...this.#evidence.keys()]);
  }

  /** True where the fleet should hear of it. */
  learn(finding: AgentFinding): boolean {
    const { agent, failed } = finding;
    const story = this.#evidence.get(agent) ?? [];
    if (!failed && story.length === 0 && !this.#sheet.agents.has(agent)) return false;
    const next = this.#retold(story, finding);
    if (next === story) return false;
    this.#evidence.delete(agent);
    if (next.length === 0) return false;
    this.#evidence.set(agent, next);
    if (this.#evidence.size > MOST_UNTOLD) this.#forgetOldest();
    return true;
  }

  /** The story with one more finding. A move that the fleet has not heard of stays: what happens at its other end comes after it. */
  #retold(story: readonly AgentEvidence[], finding: AgentFinding): readonly AgentEvidence[] {
    const last = story.at(-1) ?? null;
    const earlier = story.slice(0, -1);
    const before = this.#folded(this.#known(finding.agent), earlier);
    const after = last === null ? before : foldAgent(before, last, this.#facts);
    const hasMoved = last !== null && last.on !== finding.on && after.assignment !== before.assignment;
    if (!hasMoved) {
      const evidence = gathered(last, before, finding, this.#facts);
      return evidence === null ? earlier : [...earlier, evidence];
    }
    const evidence = gathered(null, after, finding, this.#facts);
    const isNews = evidence !== null && foldAgent(after, evidence, this.#facts) !== after;
    return isNews && story.length < LONGEST_STORY ? [...story, evidence] : story;
  }

  /** Forgets what has been found out so far, as an operator has decided. */
  forget(agent: string): void {
    this.#evidence.delete(agent);
  }

  fold(sheet: AgentSheet): AgentSheet {
    let agents: Map<string, AgentRecord> | null = null;
    for (const [agent, story] of this.#evidence) {
      const before = sheet.agents.get(agent) ?? AT_HOME;
      const after = this.#folded(before, story);
      if (after === before) continue;
      agents ??= new Map(sheet.agents);
      agents.set(agent, after);
    }
    return agents === null ? sheet : { agents };
  }

  /** Whether an agent has moved: a failure more or less can wait. */
  get isUrgent(): boolean {
    for (const agent of this.#evidence.keys()) {
      if (this.record(agent).assignment !== this.#known(agent).assignment) return true;
    }
    return false;
  }

  absorb(sheet: AgentSheet): void {
    this.#sheet = sheet;
    for (const [agent, story] of this.#evidence) {
      let record = sheet.agents.get(agent) ?? AT_HOME;
      const untold = story.filter((evidence) => {
        const before = record;
        record = foldAgent(before, evidence, this.#facts);
        return record !== before;
      });
      if (untold.length === 0) this.#evidence.delete(agent);
      else if (untold.length < story.length) this.#evidence.set(agent, untold);
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
