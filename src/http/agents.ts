import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { FleetEvent } from '../domain/event.ts';
import { closest } from '../domain/nearest.ts';
import type { AgentStanding, Operations } from '../state/port.ts';
import { objectIn, refuseUnknownFields, wrong } from './jsonBody.ts';

export interface AgentsFacts {
  readonly config: RouterConfig;
  readonly operations: Operations;
}

/** Every agent that has a home, is away from it, or has failed lately. */
export function agentList({ config, operations }: AgentsFacts) {
  const standings = new Map(operations.agents().map((standing) => [standing.agent, standing]));
  const names = new Set([...config.agents.homes.keys(), ...standings.keys()]);
  return [...names].sort().map((name) => agentView(config, standings.get(name) ?? operations.agent(name)));
}

export function agentView(config: RouterConfig, { agent, assignment, failures, lastFailedAt }: AgentStanding) {
  const own = config.agents.homes.get(agent);
  const home = own ?? config.agents.defaultHome;
  const homeKind = own === undefined ? 'defaultHome' : 'home';
  const isPinned = assignment !== null && assignment.returnAt === null;
  return {
    agent,
    home,
    assignment: assignment?.deployment ?? home,
    why: assignment === null ? (home === null ? null : homeKind) : isPinned ? 'pinned' : assignment.why,
    cause: assignment?.cause ?? null,
    from: assignment?.from ?? null,
    since: isoOrNull(assignment?.since ?? null),
    returnAt: isoOrNull(assignment?.returnAt ?? null),
    pinned: isPinned,
    failures,
    lastFailedAt: isoOrNull(lastFailedAt),
  };
}

/** `{deployment, pinned?}`. */
export function readAssignment(config: RouterConfig, body: Buffer): { deployment: DeploymentId; pinned: boolean } {
  const json = objectIn(body, '{"deployment", "pinned"}');
  refuseUnknownFields(json, ['deployment', 'pinned'], 'an assignment');
  const { deployment, pinned = false } = json;
  if (typeof deployment !== 'string') throw wrong('deployment', 'a deployment id, such as "A/gpt-4.1"');
  if (typeof pinned !== 'boolean') throw wrong('pinned', 'true or false');
  return { deployment: knownDeployment(config, deployment), pinned };
}

export function knownDeployment(config: RouterConfig, id: string): DeploymentId {
  if (config.deployments.has(id as DeploymentId)) return id as DeploymentId;
  const known = closest(id, [...config.deployments.keys()]).join(', ');
  const message = `There is no deployment named ${JSON.stringify(id.slice(0, 100))}. These exist: ${known}.`;
  throw new RouterError('invalid_request', message, { status: 404, param: 'deployment' });
}

const DAY_MS = 86_400_000;
const MOST_EVENTS = 1_000;
const EVENTS = 200;

/** `?since=` an instant (ISO 8601, or milliseconds since 1970; else the last day) and `?limit=`. */
export function readEventQuery(query: string, now: number): { since: number; limit: number } {
  const wanted = new URLSearchParams(query);
  const since = wanted.get('since');
  const limit = wanted.get('limit') ?? String(EVENTS);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) > MOST_EVENTS || Number(limit) === 0) {
    throw wrong('limit', `a whole number from 1 to ${MOST_EVENTS}`);
  }
  const instant = since === null ? now - DAY_MS : /^\d{1,15}$/.test(since) ? Number(since) : Date.parse(since);
  if (!Number.isFinite(instant))
    throw wrong('since', 'an instant such as 2026-11-21T10:00:00Z, or milliseconds since 1970');
  return { since: instant, limit: Number(limit) };
}

export function eventView(event: FleetEvent) {
  const until = 'until' in event ? { until: isoOrNull(event.until) } : {};
  return { ...event, at: new Date(event.at).toISOString(), ...until };
}

function isoOrNull(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
