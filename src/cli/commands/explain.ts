import type { ExplainAnswer } from '../answers.ts';
import { type Call, type Command, printJson } from '../command.ts';
import { clean, EXIT, type Exit, wrongUsage } from '../failure.ts';
import type { Times } from '../instants.ts';
import { stateWords } from '../states.ts';
import { table } from '../table.ts';

const PATH = '/openai/v1/chat/completions';

export const EXPLAIN: Command = {
  name: 'explain',
  about: 'which deployments a request would be sent to, in order, and why, without sending it',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {
    model: { value: 'M', about: 'a pool, a tier, a deployment id, or auto; else what the body says' },
    agent: { value: 'A', about: 'the agent that asks (x-agent-name)' },
    tier: { value: 'T', about: 'premium, standard or economy (x-router-tier)' },
    failover: { value: 'on|off', about: 'off: only the current deployment (x-router-failover)' },
    body: { value: 'FILE', about: "the request's body, JSON; - reads it from stdin" },
    path: { value: 'PATH', about: `the path it would be sent to (${PATH})` },
  },
  more: 'It is decided now, by the code that would send it.',
  examples: [
    { line: 'openai-router explain --model gpt-4.1 --agent cpt_agent', does: 'where would cpt_agent go?' },
    { line: 'openai-router explain --model auto --tier premium', does: 'what would a tier do?' },
    { line: 'openai-router explain --body request.json --failover off', does: 'a request as it was sent' },
  ],
  run,
};

async function run(call: Call): Promise<Exit> {
  const { texts } = call;
  if (texts.get('body') === '-' && texts.get('key') === '-')
    throw wrongUsage('--key - and --body - both read stdin: one of the two.');
  const answer = await (await call.router()).ask<ExplainAnswer>({
    method: 'POST',
    path: '/router/explain',
    body: { path: texts.get('path') ?? PATH, headers: headersIn(call), body: await bodyIn(call) },
  });
  if (call.json) printJson(call, answer);
  else call.print(explainText(answer, call));
  return EXIT.ok;
}

function headersIn({ texts }: Pick<Call, 'texts'>): Record<string, string> {
  const headers = {
    'x-agent-name': texts.get('agent'),
    'x-router-tier': texts.get('tier'),
    'x-router-failover': texts.get('failover'),
  };
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

async function bodyIn({ texts, on }: Pick<Call, 'texts' | 'on'>): Promise<unknown> {
  const model = texts.get('model');
  const file = texts.get('body');
  const chosen = model === undefined ? {} : { model };
  if (file === undefined) {
    if (model === undefined && texts.get('path') === undefined)
      throw wrongUsage('explain needs --model M, or --body FILE with a request.');
    return { ...chosen, messages: [{ role: 'user', content: 'Hello' }] };
  }
  const text = file === '-' ? await on.readStdin() : await readBody(file, on);
  const json = parsed(text);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw wrongUsage('--body is no JSON object.', {
      where: file === '-' ? 'stdin' : file,
      allowed: 'a request as it is sent: {"model": "gpt-4.1", "messages": […]}',
    });
  return { ...json, ...chosen };
}

async function readBody(file: string, { readFile }: Call['on']): Promise<string> {
  try {
    return await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw wrongUsage(`--body cannot be read (${code}).`, { where: file, allowed: 'a readable file, or - for stdin' });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function explainText(answer: ExplainAnswer, { look, times }: Pick<Call, 'look' | 'times'>): string {
  const { candidates, skipped } = answer;
  const order = candidates.map((one, at) => [
    { text: `${at + 1}.`, colour: at === 0 ? ('green' as const) : ('dim' as const) },
    one.deployment,
    `${whyWords(one.why)}${one.probe ? ', to find out whether it is back' : ''}`,
    stateWords(one, times()),
  ]);
  const out = skipped.map((one) => ['-', one.deployment, 'left out', skippedWords(one, times())]);
  const columns = [{ title: '' }, { title: 'DEPLOYMENT' }, { title: 'WHY' }, { title: 'STATE' }];
  const nobody = candidates.length === 0 ? '\nNobody could serve it now: the caller would be refused.\n' : '';
  return `${clean(headline(answer))}\n\n${table(columns, [...order, ...out], look)}${nobody}`;
}

function headline(answer: ExplainAnswer): string {
  const { name, agent, pool, tier = null, downgradedFrom = null, reason = null, failoverOn } = answer;
  const asked = `${agent} asks for ${name ?? 'nothing by name'}`;
  const where = pool === null ? '' : `: pool ${pool}`;
  const lowered = downgradedFrom === null ? '' : ` (lowered from ${downgradedFrom}: ${reason ?? 'no reason is known'})`;
  const level = tier === null ? '' : `, tier ${tier}${lowered}`;
  const over = failoverOn.length === 0 ? 'no failover' : `fails over when ${failoverOn.join(', ')}`;
  return `${asked}${where}${level}; ${over}.`;
}

const WHY: Readonly<Record<string, string>> = {
  bound: 'holds what the request refers to',
  named: 'was asked for by name',
  home: "is the agent's home",
  defaultHome: 'is the default home',
  assigned: 'is where the agent moved to',
  pinned: 'is where the agent is pinned',
  strategy: "by the pool's strategy",
};

function whyWords(why: string): string {
  return Object.hasOwn(WHY, why) ? (WHY[why] ?? why) : why;
}

function skippedWords(one: ExplainAnswer['skipped'][number], times: Times): string {
  return one.reason === 'failoverOff' ? 'failover is off' : stateWords(one, times);
}
