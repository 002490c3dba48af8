/** What operators see and do of deployments: `deployments`, `drain`, `restore`. */
import type { DeploymentAnswer, Listed } from '../answers.ts';
import { type Call, type Command, printJson, word } from '../command.ts';
import { inPath } from '../controlPlane.ts';
import { clean, EXIT, type Exit } from '../failure.ts';
import type { Times } from '../instants.ts';
import { stateCell, stateWords } from '../states.ts';
import { type Column, type TableLook, table } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'DEPLOYMENT' },
  { title: 'REGION', spare: true },
  { title: 'MODEL', spare: true },
  { title: 'FAILURES', align: 'right', spare: true },
  { title: 'LATENCY', align: 'right', spare: true },
  { title: 'LEFT', align: 'right', spare: true },
  { title: 'STATE' },
];

export function deploymentTable(all: readonly DeploymentAnswer[], look: TableLook, times: Times): string {
  const rows = all.map((one) => [
    one.id,
    one.region ?? '-',
    `${one.model ?? '-'}${one.kind === 'ptu' ? ' (PTU)' : ''}`,
    String(one.failures),
    one.latencyMs === null ? '-' : `${Math.round(one.latencyMs)} ms`,
    one.headroom === null ? '-' : `${Math.round(one.headroom * 100)} %`,
    stateCell(one, times),
  ]);
  return table(COLUMNS, rows, look);
}

export const DEPLOYMENTS: Command = {
  name: 'deployments',
  about: 'each deployment: state, failures, latency, and what is left of its rate limit',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {},
  examples: [
    { line: 'openai-router deployments', does: 'all of them' },
    {
      line: 'openai-router deployments --json | jq -r \'.items[] | select(.state != "closed") | .id\'',
      does: 'the ids of those that do not serve',
    },
  ],
  async run(call) {
    const answer = await (await call.router()).ask<Listed<DeploymentAnswer>>({ path: '/router/deployments' });
    if (call.json) printJson(call, answer);
    else call.print(deploymentTable(answer.items, call.look, call.times()));
    return EXIT.ok;
  },
};

export const DRAIN: Command = {
  name: 'drain',
  about: 'takes a deployment out of rotation, in the whole fleet, until it is restored',
  synopsis: 'ID',
  fewest: 1,
  most: 1,
  by: 'router',
  options: {},
  more: 'Requests under way there end as they would; new ones go to the other members of their pools.',
  examples: [{ line: 'openai-router drain A/gpt-4.1', does: 'before the deployment A/gpt-4.1 is changed or deleted' }],
  run: (call) => change(call, 'drain'),
};

export const RESTORE: Command = {
  name: 'restore',
  about: 'puts a deployment back into rotation, whatever kept it out',
  synopsis: 'ID',
  fewest: 1,
  most: 1,
  by: 'router',
  options: {},
  more: 'It ends a drain, an open breaker, a rest and a misconfiguration, and forgets its failures.',
  examples: [{ line: 'openai-router restore A/gpt-4.1', does: 'after its key has been mended' }],
  run: (call) => change(call, 'restore'),
};

async function change(call: Call, what: 'drain' | 'restore'): Promise<Exit> {
  const id = word(call, 0);
  const path = `/router/deployments/${inPath(id)}/${what}`;
  const answer = await (await call.router()).ask<DeploymentAnswer>({ method: 'POST', path });
  if (call.json) printJson(call, answer);
  else call.print(`${clean(`${answer.id}: ${stateWords(answer, call.times())}.${hint(what, answer.id)}`)}\n`);
  return EXIT.ok;
}

function hint(what: 'drain' | 'restore', id: string): string {
  return what === 'drain' ? ` No new requests go there until: openai-router restore ${id}` : '';
}
