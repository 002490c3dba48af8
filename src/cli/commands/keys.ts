/** Keys of callers: `keys list`, `keys make`, `keys revoke`. */
import type { KeyAnswer, Listed } from '../answers.ts';
import { type Call, type Command, printJson, word } from '../command.ts';
import { inPath } from '../controlPlane.ts';
import { clean, EXIT, type Exit, wrongUsage } from '../failure.ts';
import { instantIn, isoOf, lengthIn, relative, type Times } from '../instants.ts';
import { table } from '../table.ts';

export const KEYS_LIST: Command = {
  name: 'keys list',
  about: 'the keys there are, without the keys themselves',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {},
  examples: [{ line: 'openai-router keys list', does: 'all of them' }],
  async run(call) {
    const answer = await (await call.router()).ask<Listed<KeyAnswer>>({ path: '/router/keys' });
    if (call.json) printJson(call, answer);
    else
      call.print(
        answer.items.length === 0
          ? 'There is no key yet: openai-router keys make --account NAME\n'
          : keyTable(answer.items, call),
      );
    return EXIT.ok;
  },
};

function keyTable(keys: readonly KeyAnswer[], { look, times }: Pick<Call, 'look' | 'times'>): string {
  const columns = [
    { title: 'ID' },
    { title: 'ACCOUNT' },
    { title: 'PLAN' },
    { title: 'LABELS' },
    { title: 'POOLS' },
    { title: 'MADE' },
    { title: 'EXPIRES' },
  ];
  const rows = keys.map((key) => [
    key.id,
    key.account,
    key.plan ?? '-',
    labelWords(key),
    key.pools?.join(',') ?? 'any',
    relative(key.createdAt, times()),
    key.expired ? { text: 'expired', colour: 'red' as const } : expiryWords(key, times()),
  ]);
  return table(columns, rows, look);
}

function expiryWords({ expiresAt }: KeyAnswer, times: Times): string {
  return expiresAt === null ? 'never' : relative(expiresAt, times);
}

/** Creator and operation hold whatever the request says, the agent where it says nothing. */
function labelWords({ agent, creator, operation }: KeyAnswer): string {
  const fixed = Object.entries({ agent, creator, operation }).filter(([, value]) => value !== null);
  return fixed.length === 0 ? '-' : fixed.map(([name, value]) => `${name}=${value ?? ''}`).join(' ');
}

export const KEYS_MAKE: Command = {
  name: 'keys make',
  about: 'makes a key for an account and shows it, this once',
  synopsis: '--account NAME',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {
    account: { value: 'NAME', about: 'who pays' },
    plan: { value: 'PLAN', about: "another plan than the account's own" },
    agent: { value: 'NAME', about: 'the agent where a request names none' },
    creator: { value: 'NAME', about: 'the creator that every request with this key has' },
    operation: { value: 'NAME', about: 'the operation that every request with this key is for' },
    pools: { value: 'A,B', about: 'the pools it opens (all)' },
    expires: {
      value: 'TIME',
      about: 'after so long, such as 30d, or at an instant such as 2027-01-31T00:00:00Z (never)',
    },
  },
  more: 'The router keeps a digest alone: a key that is lost is revoked and made anew.',
  examples: [
    { line: 'openai-router keys make --account clinic-7 --expires 30d', does: 'for a month' },
    {
      line: 'openai-router keys make --account clinic-7 --agent cpt_agent --pools gpt-4.1',
      does: 'for one agent and one pool',
    },
    { line: 'openai-router keys make --account clinic-7 --json | jq -r .key', does: 'the key alone' },
  ],
  run: make,
};

async function make(call: Call): Promise<Exit> {
  const { texts } = call;
  const account = texts.get('account');
  if (account === undefined)
    throw wrongUsage('keys make needs --account NAME: who pays.', { attempt: 'openai-router keys make --help' });
  const pools = texts
    .get('pools')
    ?.split(',')
    .map((pool) => pool.trim())
    .filter((pool) => pool !== '');
  const labels = ['plan', 'agent', 'creator', 'operation'].map((name) => [name, texts.get(name)] as const);
  const body = { account, ...Object.fromEntries<string | undefined>(labels), pools, expiresAt: expiryIn(call) };
  const answer = await (await call.router()).ask<KeyAnswer & { readonly key: string }>({
    method: 'POST',
    path: '/router/keys',
    body,
  });
  if (call.json) printJson(call, answer);
  else call.print(madeText(answer, call.times()));
  return EXIT.ok;
}

function madeText(answer: KeyAnswer & { readonly key: string }, times: Times): string {
  const rows = {
    key: answer.key,
    id: answer.id,
    account: answer.account,
    plan: answer.plan,
    labels: labelWords(answer) === '-' ? null : labelWords(answer),
    pools: answer.pools?.join(', ') ?? null,
    expires: expiryWords(answer, times),
  };
  const lines = Object.entries(rows).flatMap(([name, value]) =>
    value === null ? [] : [clean(`${name.padEnd(9)}${value}`)],
  );
  return `${lines.join('\n')}\n\nThe key is shown this once. To take it back: openai-router keys revoke ${clean(answer.id)}\n`;
}

function expiryIn({ texts, on }: Pick<Call, 'texts' | 'on'>): string | undefined {
  const text = texts.get('expires');
  if (text === undefined) return undefined;
  const length = lengthIn(text);
  const instant = length === null ? instantIn(text) : on.now() + length;
  const iso = instant === null ? null : isoOf(instant);
  if (iso !== null && /^\d{4}-/.test(iso)) return iso;
  throw wrongUsage('--expires is neither a length nor an instant.', {
    found: JSON.stringify(text.slice(0, 60)),
    allowed: '12h, 30d, 2027-01-31, or 2027-01-31T00:00:00Z',
  });
}

export const KEYS_REVOKE: Command = {
  name: 'keys revoke',
  about: 'takes a key back, by its id, in the whole fleet',
  synopsis: 'ID',
  fewest: 1,
  most: 1,
  by: 'router',
  options: {},
  examples: [{ line: 'openai-router keys revoke 3f9c2a7d', does: 'by the id that keys list shows' }],
  async run(call) {
    const path = `/router/keys/${inPath(word(call, 0))}`;
    const answer = await (await call.router()).ask<KeyAnswer>({ method: 'DELETE', path });
    if (call.json) printJson(call, answer);
    else call.print(`${clean(`The key ${answer.id} of ${answer.account} is revoked.`)}\n`);
    return EXIT.ok;
  },
};
