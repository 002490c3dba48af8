import type { EventAnswer, Listed } from '../answers.ts';
import { type Call, type Command, printJson } from '../command.ts';
import { EXIT, type Exit, wrongUsage } from '../failure.ts';
import { clockTime, instantIn, isoOf, lengthIn, relative, type Times } from '../instants.ts';
import { table } from '../table.ts';

export const FAILOVERS: Command = {
  name: 'failovers',
  about: 'what happened: requests that went elsewhere, breakers, rests, agents that moved, what operators did',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {
    since: { value: 'TIME', about: 'so long ago, such as 1h or 7d, or an instant such as 2026-11-21T10:00:00Z (1d)' },
    limit: { value: 'N', about: 'how many at most, 1 to 1000 (200)' },
  },
  examples: [
    { line: 'openai-router failovers --since 1h', does: 'the last hour, newest first' },
    { line: 'openai-router failovers --since 2026-11-21T10:00:00Z --limit 50', does: 'since an instant' },
  ],
  run,
};

async function run(call: Call): Promise<Exit> {
  const limit = call.texts.get('limit');
  if (limit !== undefined && !(/^\d{1,4}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 1_000))
    throw wrongUsage('--limit is no number of events.', { found: JSON.stringify(limit), allowed: '1 to 1000' });
  const query = { since: sinceIn(call), limit };
  const answer = await (await call.router()).ask<Listed<EventAnswer>>({ path: '/router/failovers', query });
  if (call.json) printJson(call, answer);
  else call.print(answer.items.length === 0 ? 'Nothing has happened.\n' : eventTable(answer.items, call));
  return EXIT.ok;
}

function sinceIn({ texts, on }: Pick<Call, 'texts' | 'on'>): string | undefined {
  const text = texts.get('since');
  if (text === undefined) return undefined;
  const length = lengthIn(text);
  const instant = length === null ? instantIn(text) : on.now() - length;
  const iso = instant === null || instant < 0 ? null : isoOf(instant);
  if (iso !== null) return iso;
  throw wrongUsage('--since is neither a length nor an instant.', {
    found: JSON.stringify(text.slice(0, 60)),
    allowed: '15min, 1h, 7d, 2026-11-21, or 2026-11-21T10:00:00Z',
  });
}

function eventTable(events: readonly EventAnswer[], { look, times }: Pick<Call, 'look' | 'times'>): string {
  const rows = events.map((event) => [
    clockTime(event.at, times()),
    relative(event.at, times()),
    eventWords(event, times()),
  ]);
  return table([{ title: 'AT' }, { title: 'AGO' }, { title: 'WHAT' }], rows, look);
}

export function eventWords(event: EventAnswer, times: Times): string {
  const { kind, agent = '?', deployment = '?', from = null, to = '?', cause, until = null, count = 1 } = event;
  const end = until === null ? '' : ` until ${clockTime(until, times)}`;
  const because = cause === '' ? '' : ` (${cause})`;
  switch (kind) {
    case 'failover':
      return `${agent}: ${count === 1 ? 'one request' : `${count} requests`} went to ${to} instead of ${from ?? '?'}${because}`;
    case 'agentMoved':
      return `${agent} moved to ${to}${from === null ? '' : ` from ${from}`}${because}`;
    case 'agentReturned':
      return `${agent} went home from ${from ?? '?'}${because}`;
    case 'opened':
      return `${deployment} is left alone${end}${because}`;
    case 'probed':
      return `${deployment} was tried again${because}`;
    case 'closed':
      return `${deployment} serves again${because}`;
    case 'rested':
      return `${deployment} rests${end}${because}`;
    case 'misconfigured':
      return `${deployment} is misconfigured${because}`;
    case 'mended':
      return `${deployment} is no longer misconfigured${because}`;
    case 'drained':
      return `${deployment} was drained${because}`;
    case 'restored':
      return `${deployment} was restored${because}`;
    default:
      return `${kind}: ${deployment}${because}`;
  }
}
