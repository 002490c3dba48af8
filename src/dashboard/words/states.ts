/** What the states of a deployment are called, how grave they are, and what stands beside them. */
import type { OverviewDeployment } from '../../domain/overview.ts';
import { clockTime } from './format.ts';

export type DeploymentState = OverviewDeployment['state'];
/** `good` serves, `wait` will be back by itself, `bad` needs somebody, `off` is so by intent. */
export type Tone = 'good' | 'wait' | 'bad' | 'off';

interface StateWords {
  readonly name: string;
  readonly tone: Tone;
  /** After the deployment's name: `A/gpt-4.1 is resting until …`. */
  readonly is: string;
  readonly meaning: string;
}

export const STATES: Readonly<Record<DeploymentState, StateWords>> = {
  closed: { name: 'Serving', tone: 'good', is: 'serves', meaning: 'breaker closed' },
  ramping: { name: 'Ramping', tone: 'wait', is: 'is coming back', meaning: 'back, a few requests at a time' },
  probing: { name: 'Probing', tone: 'wait', is: 'may be tried again', meaning: 'the next request tries it' },
  throttled: { name: 'Resting', tone: 'wait', is: 'is resting', meaning: 'asked to be left alone' },
  open: { name: 'Open', tone: 'bad', is: 'is open', meaning: 'failed too often' },
  halfOpen: { name: 'Half-open', tone: 'wait', is: 'is half-open', meaning: 'one request finds out' },
  misconfigured: { name: 'Misconfigured', tone: 'bad', is: 'is misconfigured', meaning: 'refused key or name' },
  drained: { name: 'Drained', tone: 'off', is: 'is drained', meaning: 'kept out by an operator' },
};

/** Takes requests, if only a few. */
export function serves({ state }: OverviewDeployment): boolean {
  return state === 'closed' || state === 'ramping' || state === 'probing';
}

/** `status 429 too_many_requests` as `429 too_many_requests`; some services give the status for a code once more. */
export function causeText(cause: string | null): string | null {
  if (cause === null || cause === '') return null;
  return cause.replace(/^status (\d{3})\b(?: \1$)?/, '$1');
}

/** Why it is out: what it answered, else what its state says. */
export function causeOf({ state, cause }: OverviewDeployment): string | null {
  const known = causeText(cause);
  if (state === 'throttled') return known === null || known === 'throttled' ? '429' : known;
  return state === 'closed' ? null : known;
}

/** `A/gpt-4.1 is resting until 03:12:10 (429)`. */
export function standsAs(deployment: OverviewDeployment, now: number, timeZone?: string): string {
  const { id, state, until } = deployment;
  const time = until === null ? '' : ` until ${clockTime(until, now, timeZone)}`;
  const cause = state === 'drained' ? null : causeOf(deployment);
  return `${id} ${STATES[state].is}${time}${cause === null ? '' : ` (${cause})`}`;
}
