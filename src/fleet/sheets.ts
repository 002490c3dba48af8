/**
 * The two sheets that all instances read and write: one row each, so that one conditional write covers a whole region's outage and
 * one read, however many deployments there are, brings an instance up to date. What is untroubled has no place in them.
 */
import type { Assignment } from '../domain/assignment.ts';
import type { Breaker } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { type AgentRecord, AT_HOME } from './agents.ts';
import { type Census, NO_CENSUS } from './census.ts';
import { type FailureReports, type FleetBreaker, type FleetHealth, isUntroubled, UNTROUBLED } from './deployments.ts';

export interface DeploymentSheet {
  readonly deployments: ReadonlyMap<DeploymentId, FleetHealth>;
  readonly census: Census;
}

export interface AgentSheet {
  readonly agents: ReadonlyMap<string, AgentRecord>;
}

export const EMPTY_DEPLOYMENTS: DeploymentSheet = { deployments: new Map(), census: NO_CENSUS };
export const EMPTY_AGENTS: AgentSheet = { agents: new Map() };

/** The sheet with one deployment's word exchanged; the same object where nothing changes. */
export function withDeployment(
  sheet: DeploymentSheet,
  id: DeploymentId,
  change: (fleet: FleetHealth) => FleetHealth,
): DeploymentSheet {
  const before = sheet.deployments.get(id) ?? UNTROUBLED;
  const after = change(before);
  return after === before ? sheet : { ...sheet, deployments: new Map(sheet.deployments).set(id, after) };
}

export function withAgent(sheet: AgentSheet, agent: string, change: (record: AgentRecord) => AgentRecord): AgentSheet {
  const before = sheet.agents.get(agent) ?? AT_HOME;
  const after = change(before);
  return after === before ? sheet : { agents: new Map(sheet.agents).set(agent, after) };
}

/** What is known of two sheets; the second is right where both know of the same. */
export function reunitedDeployments(mine: DeploymentSheet, theirs: DeploymentSheet): DeploymentSheet {
  return { ...theirs, deployments: new Map([...mine.deployments, ...theirs.deployments]) };
}

export function reunitedAgents(mine: AgentSheet, theirs: AgentSheet): AgentSheet {
  return { agents: new Map([...mine.agents, ...theirs.agents]) };
}

/** A read of the row goes to every instance: beyond so many agents the ones moved longest ago go home early. */
const MOST_AGENTS = 2_000;
/** A row holds 1 MiB of UTF-16; names are their callers' choice. */
const MOST_AGENT_CHARACTERS = 400_000;

export function encodeDeployments(sheet: DeploymentSheet, now: number, settings: Breaker): string {
  const entries = [...sheet.deployments].filter(([, fleet]) => !isUntroubled(fleet, now, settings));
  const deployments = Object.fromEntries(entries.map(([id, fleet]) => [id, encodeHealth(fleet)]));
  return JSON.stringify({ deployments, census: sheet.census });
}

/** Only what differs from an untroubled deployment. */
function encodeHealth({ breaker, ...rest }: FleetHealth): object {
  const different = Object.entries(rest).filter(([name, value]) => value !== UNTROUBLED[name as keyof FleetHealth]);
  return { ...(isPlain(breaker) ? {} : { breaker }), ...Object.fromEntries(different) };
}

function isPlain(breaker: FleetBreaker): boolean {
  return (
    breaker.kind === 'closed' &&
    breaker.since === 0 &&
    breaker.servedAt === 0 &&
    Object.keys(breaker.reports).length === 0
  );
}

export function encodeAgents(sheet: AgentSheet): string {
  const entries = [...sheet.agents].filter(([, record]) => record.assignment !== null || record.failures !== null);
  const whole = entries.length > MOST_AGENTS ? null : agentsText(entries);
  if (whole !== null && whole.length <= MOST_AGENT_CHARACTERS) return whole;
  entries.sort(([, left], [, right]) => weight(right) - weight(left));
  let characters = 0;
  const fits = entries.slice(0, MOST_AGENTS).filter(([name, record]) => {
    characters += JSON.stringify(name).length + JSON.stringify(record).length + 2;
    return characters <= MOST_AGENT_CHARACTERS;
  });
  return agentsText(fits);
}

function agentsText(entries: readonly (readonly [string, AgentRecord])[]): string {
  return JSON.stringify({ agents: Object.fromEntries(entries) });
}

/** What is kept first: pins, then the latest moves, then the latest failures. */
function weight({ assignment, failures }: AgentRecord): number {
  if (assignment !== null) return assignment.returnAt === null ? Infinity : assignment.since;
  return -1 / Math.max(1, ...Object.values(failures?.reports ?? {}).flat());
}

/** `null`: this is not what `encodeDeployments` writes. */
export function decodeDeployments(text: string): DeploymentSheet | null {
  const json = parsed(text);
  const deployments = record(json?.['deployments']);
  const census = record(json?.['census']);
  if (deployments === null || census === null) return null;
  const entries = Object.entries(deployments).map(
    ([id, one]) => [id as DeploymentId, decodeHealth(record(one))] as const,
  );
  const { epoch, marks, before } = census;
  return {
    deployments: new Map(entries),
    census: { epoch: instant(epoch), marks: instants(marks), before: instant(before) },
  };
}

export function decodeAgents(text: string): AgentSheet | null {
  const agents = record(parsed(text)?.['agents']);
  if (agents === null) return null;
  return { agents: new Map(Object.entries(agents).map(([agent, one]) => [agent, decodeAgent(record(one))])) };
}

type Fields = Readonly<Record<string, unknown>>;

function decodeHealth(fields: Fields | null): FleetHealth {
  if (fields === null) return UNTROUBLED;
  const { restUntil, drainedSince, restoredAt } = fields;
  const wrong = record(fields['misconfigured']);
  return {
    breaker: decodeBreaker(record(fields['breaker'])),
    restUntil: instant(restUntil),
    misconfigured: wrong && {
      since: instant(wrong['since']),
      probeAt: instant(wrong['probeAt']),
      cause: word(wrong['cause']),
      config: word(wrong['config']),
    },
    drainedSince: typeof drainedSince === 'number' ? drainedSince : null,
    restoredAt: instant(restoredAt),
  };
}

function decodeBreaker(fields: Fields | null): FleetBreaker {
  if (fields === null) return UNTROUBLED.breaker;
  const cause = word(fields['cause']);
  const openings = Math.max(1, instant(fields['openings']));
  switch (fields['kind']) {
    case 'open':
      return { kind: 'open', openUntil: instant(fields['openUntil']), openings, cause };
    case 'halfOpen':
      return {
        kind: 'halfOpen',
        leaseUntil: instant(fields['leaseUntil']),
        openings,
        cause,
        claim: word(fields['claim']),
      };
    default:
      return {
        kind: 'closed',
        since: instant(fields['since']),
        servedAt: instant(fields['servedAt']),
        reports: decodeReports(fields['reports']),
      };
  }
}

function decodeAgent(fields: Fields | null): AgentRecord {
  const assignment = record(fields?.['assignment']);
  const failures = record(fields?.['failures']);
  return {
    assignment: assignment && decodeAssignment(assignment),
    failures: failures && {
      on: word(failures['on']) as DeploymentId,
      since: instant(failures['since']),
      reports: decodeReports(failures['reports']),
    },
  };
}

function decodeAssignment(fields: Fields): Assignment {
  const { from, why, returnAt } = fields;
  return {
    deployment: word(fields['deployment']) as DeploymentId,
    from: typeof from === 'string' ? (from as DeploymentId) : null,
    why: why === 'operator' ? 'operator' : 'moved',
    cause: word(fields['cause']),
    since: instant(fields['since']),
    returnAt: typeof returnAt === 'number' ? returnAt : null,
  };
}

function decodeReports(value: unknown): FailureReports {
  const entries = Object.entries(record(value) ?? {}).map(([instance, at]) => [instance, instants(at)] as const);
  return Object.fromEntries(entries.filter(([, at]) => at.length > 0));
}

function parsed(text: string): Fields | null {
  try {
    return record(JSON.parse(text));
  } catch {
    // Somebody has written into the row by hand: what it says cannot be known.
    return null;
  }
}

function record(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function instant(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function instants(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.filter((one): one is number => typeof one === 'number') : [];
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
