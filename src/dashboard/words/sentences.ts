/** Events and standings as sentences. */
import type { OverviewAgent, OverviewEvent } from '../../domain/overview.ts';
import { clockTime, count, NONE } from './format.ts';
import { causeText, type Tone } from './states.ts';

export interface EventWords {
  readonly tone: Tone;
  /** Of one word, for the eye. */
  readonly label: string;
  readonly sentence: string;
}

type Telling = (event: Named) => EventWords;

/** As it came, and with a name wherever a sentence needs one. */
interface Named {
  readonly agent: string;
  readonly deployment: string;
  readonly from: string | null;
  readonly to: string;
  readonly because: string;
  readonly until: string;
  readonly count: number;
}

const TELLINGS: Readonly<Record<string, Telling>> = {
  failover: ({ agent, from, to, because, count: requests }) => ({
    tone: 'wait',
    label: 'Failover',
    sentence: `${requests === 1 ? 'A request' : `${count(requests)} requests`} of ${agent} went to ${to} instead of ${from ?? 'elsewhere'}${because}.`,
  }),
  agentMoved: ({ agent, from, to, because }) => ({
    tone: 'wait',
    label: 'Moved',
    sentence: `${agent} moved ${from === null ? '' : `from ${from} `}to ${to}${because}.`,
  }),
  agentReturned: ({ agent, from }) => ({
    tone: 'good',
    label: 'Returned',
    sentence: `${agent} went home${from === null ? '' : ` from ${from}`}.`,
  }),
  opened: ({ deployment, until, because }) => ({
    tone: 'bad',
    label: 'Opened',
    sentence: `The breaker of ${deployment} opened${until}${because}.`,
  }),
  probed: ({ deployment }) => ({
    tone: 'wait',
    label: 'Probed',
    sentence: `One request finds out whether ${deployment} is back.`,
  }),
  closed: ({ deployment }) => ({ tone: 'good', label: 'Closed', sentence: `${deployment} answers again.` }),
  rested: ({ deployment, until, because }) => ({
    tone: 'wait',
    label: 'Rested',
    sentence: `${deployment} is left alone${until}${because}.`,
  }),
  misconfigured: ({ deployment, because }) => ({
    tone: 'bad',
    label: 'Refused us',
    sentence: `${deployment} was taken out of rotation: it refuses our key or its name${because}.`,
  }),
  mended: ({ deployment }) => ({
    tone: 'good',
    label: 'Mended',
    sentence: `${deployment} accepts our key and name again.`,
  }),
  drained: ({ deployment }) => ({ tone: 'off', label: 'Drained', sentence: `An operator drained ${deployment}.` }),
  restored: ({ deployment }) => ({ tone: 'good', label: 'Restored', sentence: `An operator restored ${deployment}.` }),
};

export function eventWords(event: OverviewEvent, now: number, timeZone?: string): EventWords {
  const cause = causeText(event.cause);
  const named: Named = {
    agent: event.agent ?? 'an agent',
    deployment: event.deployment ?? 'a deployment',
    from: event.from,
    to: event.to ?? 'another deployment',
    because: cause === null ? '' : ` (${cause})`,
    until: event.until === null ? '' : ` until ${clockTime(event.until, now, timeZone)}`,
    count: event.count,
  };
  const telling = Object.hasOwn(TELLINGS, event.kind) ? TELLINGS[event.kind] : undefined;
  // A newer router may tell of what this page has no words for.
  return telling?.(named) ?? { tone: 'off', label: event.kind, sentence: `${event.kind}${named.because}.` };
}

/** Two events may share an instant, never all of this. */
export function eventKey({ at, kind, agent, deployment, from, to, count: n }: OverviewEvent): string {
  return JSON.stringify([at, kind, agent, deployment, from, to, n]);
}

/** Why the agent is where it is. */
export function whyText(agent: OverviewAgent): string {
  const cause = causeText(agent.cause);
  const because = cause === null ? '' : `: ${cause}`;
  switch (agent.why) {
    case 'moved':
      return `moved by failures${because}`;
    case 'operator':
      return 'moved by an operator';
    case 'pinned':
      return 'pinned by an operator';
    case 'home':
      return 'at its home';
    case 'defaultHome':
      return 'at the default home';
    case null:
      return 'goes where its pool says';
    default:
      return agent.why;
  }
}

/** `since 03:02:10, home from 03:12:10`. */
export function sinceText({ since, returnAt, pinned }: OverviewAgent, now: number, timeZone?: string): string {
  if (since === null) return NONE;
  const back = returnAt === null || pinned ? '' : `, home from ${clockTime(returnAt, now, timeZone)}`;
  return `since ${clockTime(since, now, timeZone)}${back}`;
}
