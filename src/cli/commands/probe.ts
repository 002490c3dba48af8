import type { ProbeAnswer, ProbeResult } from '../answers.ts';
import { type Call, type Command, printJson } from '../command.ts';
import { EXIT, type Exit } from '../failure.ts';
import { usd } from '../figures.ts';
import { type Cell, table } from '../table.ts';

export const PROBE: Command = {
  name: 'probe',
  about: 'asks each deployment once whether it is there and takes our key',
  synopsis: '[ID…]',
  fewest: 0,
  most: 1_000,
  by: 'router',
  options: {
    completion: { about: 'asks for a completion of one token, which costs a little, instead of the cheapest call' },
    record: { about: 'has the router act on what it finds, as if a request had found it' },
  },
  more: 'Leaves with 1 where one of them is not well. It is asked from the router, with its own credentials.',
  examples: [
    { line: 'openai-router probe', does: 'all of them' },
    { line: 'openai-router probe A/gpt-4.1 B/gpt-4.1 --completion', does: 'two, by a real completion' },
  ],
  run,
};

async function run(call: Call): Promise<Exit> {
  const { words, flags, on } = call;
  const router = await call.router();
  const body = {
    ...(words.length === 0 ? {} : { deployments: words }),
    ...(flags.has('completion') ? { completion: true } : {}),
    ...(flags.has('record') ? { record: true } : {}),
  };
  call.tell(
    `probing ${words.length === 0 ? 'every deployment' : words.length === 1 ? 'one deployment' : `${words.length} deployments`} … `,
  );
  const startedAt = on.now();
  const answer = await router
    .ask<ProbeAnswer>({ method: 'POST', path: '/router/probe', body })
    .catch((error: unknown) => {
      call.tell('\n');
      throw error;
    });
  call.tell(`${((on.now() - startedAt) / 1_000).toFixed(1)} s\n`);
  if (call.json) printJson(call, answer);
  else call.print(`${probeTable(answer.results, call)}\n${notes(answer.results)}`.replace(/\n\n$/, '\n'));
  return answer.results.every(({ ok }) => ok) ? EXIT.ok : EXIT.no;
}

function probeTable(results: readonly ProbeResult[], { look }: Pick<Call, 'look'>): string {
  const columns = [
    { title: 'DEPLOYMENT' },
    { title: 'WELL' },
    { title: 'REACHED' },
    { title: 'KEY TAKEN' },
    { title: 'EXISTS' },
    { title: 'LATENCY', align: 'right' as const },
    { title: 'WHAT CAME' },
  ];
  const rows = results.map((one) => [
    one.deployment,
    one.ok ? ({ text: 'yes', colour: 'green' } as const) : ({ text: 'no', colour: 'red' } as const),
    yesNo(one.reachable),
    yesNo(one.authenticated),
    yesNo(one.deploymentExists),
    one.latencyMs === null ? '-' : `${Math.round(one.latencyMs)} ms`,
    whatCame(one),
  ]);
  return table(columns, rows, look);
}

function yesNo(value: boolean | null): Cell {
  return { text: value === null ? '-' : value ? 'yes' : 'no' };
}

function whatCame({ outcome, status, cause }: ProbeResult): string {
  const said = cause ?? (status === null ? null : `status ${status}`);
  const parts = [outcome === 'ok' ? null : outcome, said].filter((part) => part !== null && part !== '');
  return parts.length === 0 ? '-' : parts.join(', ');
}

function notes(results: readonly ProbeResult[]): string {
  const unsaid = results.some(({ deploymentChecked }) => deploymentChecked === false);
  const bills = results.flatMap(({ usage }) => usage?.costUsd ?? []);
  const bill = bills.reduce((sum, one) => sum + one, 0);
  return [
    unsaid ? 'Whether a deployment exists this call cannot tell; --completion asks it for a token.\n' : '',
    bill > 0 ? `Billed: ${usd(bill)}, in no ledger.\n` : '',
  ].join('');
}
