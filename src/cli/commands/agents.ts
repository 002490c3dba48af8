/** Where agents are, and moving them: `agents`, `move`, `home`. */
import type { AgentAnswer, Listed } from '../answers.ts';
import { type Call, type Command, printJson, word } from '../command.ts';
import { inPath, type Question } from '../controlPlane.ts';
import { clean, EXIT, type Exit } from '../failure.ts';
import { relative, type Times, untilWords } from '../instants.ts';
import { table } from '../table.ts';

export const AGENTS: Command = {
  name: 'agents',
  about: 'where each agent is, and why',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {},
  more: 'Agents that have a home, are away from it, or have failed lately.',
  examples: [{ line: 'openai-router agents', does: 'all of them' }],
  async run(call) {
    const answer = await (await call.router()).ask<Listed<AgentAnswer>>({ path: '/router/agents' });
    if (call.json) printJson(call, answer);
    else
      call.print(
        answer.items.length === 0
          ? 'No agent has a home, is away from one, or has failed lately.\n'
          : agentTable(answer.items, call),
      );
    return EXIT.ok;
  },
};

function agentTable(agents: readonly AgentAnswer[], { look, times }: Pick<Call, 'look' | 'times'>): string {
  const columns = [
    { title: 'AGENT' },
    { title: 'ON' },
    { title: 'HOME' },
    { title: 'FAILURES', align: 'right' as const },
    { title: 'SINCE' },
    { title: 'WHY' },
  ];
  const rows = agents.map((one) => [
    one.agent,
    one.assignment ?? '-',
    one.home ?? '-',
    String(one.failures),
    one.since === null ? '-' : relative(one.since, times()),
    whyWords(one, times()),
  ]);
  return table(columns, rows, look);
}

function whyWords({ why, cause, from, returnAt }: AgentAnswer, times: Times): string {
  const back = returnAt === null ? '' : `, stays ${untilWords(returnAt, times)}`;
  switch (why) {
    case 'home':
      return 'at home';
    case 'defaultHome':
      return 'at the default home';
    case 'pinned':
      return 'pinned by an operator';
    case 'operator':
      return `moved by an operator${back}`;
    case 'moved':
      return `moved from ${from ?? 'nowhere'} (${cause ?? 'no reason is known'})${back}`;
    case null:
      return 'has no home';
    default:
      return why;
  }
}

export const MOVE: Command = {
  name: 'move',
  about: 'sends an agent to a deployment, in the whole fleet',
  synopsis: 'AGENT ID',
  fewest: 2,
  most: 2,
  by: 'router',
  options: { pin: { about: 'it stays there until it is sent home; else it goes home by itself' } },
  examples: [
    { line: 'openai-router move cpt_agent B/gpt-4.1', does: 'for a while' },
    { line: 'openai-router move cpt_agent B/gpt-4.1 --pin', does: 'until further notice' },
  ],
  run: (call) =>
    put(call, {
      method: 'PUT',
      path: `/router/agents/${inPath(word(call, 0))}`,
      body: { deployment: word(call, 1), pinned: call.flags.has('pin') },
    }),
};

export const HOME: Command = {
  name: 'home',
  about: 'sends an agent home and forgets its failures',
  synopsis: 'AGENT',
  fewest: 1,
  most: 1,
  by: 'router',
  options: {},
  examples: [{ line: 'openai-router home cpt_agent', does: 'take back a move or a pin' }],
  run: (call) => put(call, { method: 'DELETE', path: `/router/agents/${inPath(word(call, 0))}` }),
};

async function put(call: Call, question: Question): Promise<Exit> {
  const answer = await (await call.router()).ask<AgentAnswer>(question);
  if (call.json) printJson(call, answer);
  else call.print(`${clean(placeWords(answer, call.times()))}\n`);
  return EXIT.ok;
}

function placeWords(answer: AgentAnswer, times: Times): string {
  if (answer.assignment === null) return `${answer.agent} has no home: it goes where its pool's strategy sends it.`;
  return `${answer.agent} is on ${answer.assignment}: ${whyWords(answer, times)}.`;
}
