/** The first line of the page: what is wrong, why, and what the router did about it. */
import type { Overview, OverviewAgent, OverviewDeployment } from '../../domain/overview.ts';
import { clockTime, count, counted, listed } from './format.ts';
import { STATES, serves, standsAs, type Tone } from './states.ts';

export interface Verdict {
  readonly tone: Tone;
  readonly headline: string;
  /** What the router did about it, and what else is amiss; each a sentence. */
  readonly further: readonly string[];
}

/** Requests that went elsewhere are told of while they are news. */
const RECENT_MS = 10 * 60_000;
const NAMED = 2;
const MOST_NAMED = 4;

export function verdictOf(overview: Overview, now: number, timeZone?: string): Verdict {
  const out = overview.deployments.filter((one) => !serves(one));
  const dead = deadPools(overview);
  const further = [
    ...dead.map((pool) => `Nothing serves ${pool}.`),
    ...namesOf(out, { now, timeZone }),
    ...returning(overview),
    ...elsewhere(overview, now),
    ...movedAgents(overview.agents),
    ...lateRequests(overview),
    ...storeTrouble(overview, now, timeZone),
    ...usedUp(overview, now, timeZone),
  ];
  return {
    tone: toneOf(overview, out, dead.length > 0),
    headline: headline(overview, out, { now, timeZone }),
    further,
  };
}

interface When {
  readonly now: number;
  readonly timeZone: string | undefined;
}

function headline({ deployments }: Overview, out: readonly OverviewDeployment[], { now, timeZone }: When): string {
  const total = deployments.length;
  const [first] = out;
  if (total === 0) return 'No deployment is configured.';
  if (first === undefined) return total === 1 ? 'The one deployment serves.' : `All ${count(total)} deployments serve.`;
  if (out.length <= NAMED) return `${listed(out.map((one) => standsAs(one, now, timeZone)))}.`;
  const groups = Map.groupBy(out, ({ state }) => STATES[state].name.toLowerCase());
  const parts = [...groups].map(([name, ones]) => `${count(ones.length)} ${name}`);
  return `${count(out.length)} of ${count(total)} deployments are out: ${listed(parts, parts.length)}.`;
}

/** Where the headline only counts those that are out; the graver first. */
function namesOf(out: readonly OverviewDeployment[], { now, timeZone }: When): string[] {
  if (out.length <= NAMED) return [];
  const grave = (one: OverviewDeployment): number => Number(STATES[one.state].tone === 'bad');
  const ranked = [...out].sort((a, b) => grave(b) - grave(a));
  const shown = ranked.slice(0, MOST_NAMED).map((one) => `${standsAs(one, now, timeZone)}.`);
  return ranked.length > MOST_NAMED ? [...shown, `${ranked.length - MOST_NAMED} more are listed below.`] : shown;
}

function toneOf({ deployments, store }: Overview, out: readonly OverviewDeployment[], isDead: boolean): Tone {
  const tones = new Set(deployments.map(({ state }) => STATES[state].tone));
  if (isDead || tones.has('bad')) return 'bad';
  if (tones.has('wait') || !store.healthy) return 'wait';
  return out.length > 0 || deployments.length === 0 ? 'off' : 'good';
}

function deadPools({ pools }: Overview): string[] {
  return pools
    .filter(({ current_endpoint, total_endpoints }) => current_endpoint === null && total_endpoints > 0)
    .map(({ name }) => name);
}

function returning({ deployments }: Overview): string[] {
  const back = deployments.filter(({ state }) => state === 'ramping' || state === 'probing').map(({ id }) => id);
  if (back.length === 0) return [];
  return [`${listed(back)} ${back.length === 1 ? 'is' : 'are'} coming back.`];
}

function elsewhere({ events }: Overview, now: number): string[] {
  const by = new Map<string, number>();
  for (const { kind, at, to, count: requests } of events) {
    if (kind === 'failover' && to !== null && Date.parse(at) > now - RECENT_MS)
      by.set(to, (by.get(to) ?? 0) + requests);
  }
  const ranked = [...by].sort(([, a], [, b]) => b - a);
  const total = ranked.reduce((sum, [, requests]) => sum + requests, 0);
  if (total === 0) return [];
  if (ranked.length <= NAMED) return [`${listed(ranked.map(([to, n]) => `${counted(n, 'request')} went to ${to}`))}.`];
  return [`${counted(total, 'request')} went elsewhere, most of them to ${ranked[0]?.[0] ?? ''}.`];
}

/** Those that failures have moved; what operators did they know. */
export function isMoved({ why, assignment, home }: OverviewAgent): boolean {
  return why === 'moved' && assignment !== home;
}

function movedAgents(agents: readonly OverviewAgent[]): string[] {
  const moved = agents.filter(isMoved);
  return moved.length === 0 ? [] : [`${counted(moved.length, 'agent')} moved.`];
}

const LATELY_MINUTES = 5;

function lateRequests({ activity }: Overview): string[] {
  const failed = activity.minutes.slice(-LATELY_MINUTES).reduce((sum, minute) => sum + minute.failed, 0);
  return failed === 0 ? [] : [`${counted(failed, 'request')} failed in the last ${LATELY_MINUTES} minutes.`];
}

function storeTrouble({ store }: Overview, now: number, timeZone?: string): string[] {
  if (store.healthy) return [];
  const since = store.since === null ? '' : ` since ${clockTime(store.since, now, timeZone)}`;
  return [`The store has not answered${since}; routing goes on from what this instance knows.`];
}

function usedUp({ quotas }: Overview, now: number, timeZone?: string): string[] {
  return quotas
    .filter(({ limit, remaining }) => limit > 0 && remaining <= 0)
    .slice(0, NAMED)
    .map(
      ({ account, quota, resetsAt }) =>
        `${account} has used up its ${quota} until ${clockTime(resetsAt, now, timeZone)}.`,
    );
}
