/** Deployments' states in words: the word carries the meaning, the colour only repeats it. */

import { clockTime, relative, type Times, untilWords } from './instants.ts';
import type { Colour } from './paint.ts';
import type { Cell } from './table.ts';

export interface Standing {
  readonly state: string;
  readonly until: string | null;
  readonly since: string | null;
  readonly cause: string | null;
}

const COLOURS: Readonly<Record<string, Colour>> = {
  closed: 'green',
  ramping: 'yellow',
  probing: 'yellow',
  throttled: 'yellow',
  halfOpen: 'yellow',
  open: 'red',
  misconfigured: 'red',
  drained: 'cyan',
};

/** Those that take requests. */
const IN_ROTATION = ['closed', 'ramping', 'probing'];

export function isOut({ state }: Pick<Standing, 'state'>): boolean {
  return !IN_ROTATION.includes(state);
}

export function stateCell(standing: Standing, times: Times): Cell {
  const colour = Object.hasOwn(COLOURS, standing.state) ? COLOURS[standing.state] : undefined;
  const text = stateWords(standing, times);
  return colour === undefined ? { text } : { text, colour };
}

export function stateWords({ state, until, since, cause }: Standing, times: Times): string {
  const reason = causeWords(state, cause);
  const because = reason === '' ? '' : ` (${reason})`;
  const end = until === null ? '' : ` ${untilWords(until, times)}`;
  const start = since === null ? '' : ` since ${clockTime(since, times)}, ${relative(since, times)}`;
  switch (state) {
    case 'closed':
      return 'serves';
    case 'ramping':
      return `back${start}, taking a few requests at a time`;
    case 'probing':
      return `may be tried again by one request${because}`;
    case 'throttled':
      return `resting${end}${because}`;
    case 'open':
      return `failing, left alone${end}${because}`;
    case 'halfOpen':
      return `one request is finding out whether it is back${because}`;
    case 'misconfigured':
      return `misconfigured${start}${because}${until === null ? '' : `, next try${end.replace(' until', ' at')}`}`;
    case 'drained':
      return `drained by an operator${start}`;
    default:
      return `${state}${end}${because}`;
  }
}

/** `status 503` is 503; that a rest was asked for is known by its state. */
function causeWords(state: string, cause: string | null): string {
  if (state === 'throttled' && (cause ?? 'throttled') === 'throttled') return '429';
  return (cause ?? '').replace(/^status (?=\d{3}\b)/, '');
}
