/** What was used and what is left: `usage`, `quota`. */

import { nearMiss } from '../../domain/nearest.ts';
import { type Listed, type QuotaAnswer, USAGE_LABELS, type UsageAnswer, type UsageFigures } from '../answers.ts';
import { type Call, type Command, printJson } from '../command.ts';
import { EXIT, type Exit, wrongUsage } from '../failure.ts';
import { quotaFigure, quotaName, usd, whole } from '../figures.ts';
import { DAY_MS, dayOf, instantIn, lengthIn, relative } from '../instants.ts';
import { type Column, table } from '../table.ts';

export const USAGE: Command = {
  name: 'usage',
  about: 'tokens and dollars, by whom and for what',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {
    from: { value: 'DAY', about: 'first day, UTC: 2026-11-01, or so long ago, such as 7d (the first of this month)' },
    to: { value: 'DAY', about: 'last day, included (today)' },
    by: { value: 'LABELS', about: `any of ${USAGE_LABELS.join(',')} (model)` },
    csv: { about: 'comma-separated values, for spreadsheets' },
  },
  examples: [
    { line: 'openai-router usage --by creator,model', does: 'this month, by who asked and which model answered' },
    { line: 'openai-router usage --from 7d --by day', does: 'the last seven days, day by day' },
    {
      line: 'openai-router usage --from 2026-11-01 --to 2026-11-30 --by account,day --csv > november.csv',
      does: 'a month for a spreadsheet',
    },
  ],
  run,
};

async function run(call: Call): Promise<Exit> {
  const isCsv = call.flags.has('csv');
  if (isCsv && call.json) throw wrongUsage('--csv and --json are two forms of the same answer: one of the two.');
  const query = {
    from: dayIn('from', call),
    to: dayIn('to', call),
    by: labelsIn(call),
    format: isCsv ? 'csv' : undefined,
  };
  const router = await call.router();
  if (isCsv) {
    call.print(await router.askText({ path: '/router/usage', query }));
    return EXIT.ok;
  }
  const answer = await router.ask<UsageAnswer>({ path: '/router/usage', query });
  if (call.json) printJson(call, answer);
  else call.print(usageText(answer, call));
  return EXIT.ok;
}

function dayIn(name: 'from' | 'to', { texts, on }: Pick<Call, 'texts' | 'on'>): string | undefined {
  const text = texts.get(name);
  if (text === undefined) return undefined;
  const length = lengthIn(text);
  // Seven days are seven days with today.
  const instant = length === null ? instantIn(text) : on.now() - Math.max(0, length - DAY_MS);
  const day = instant === null ? '' : dayOf(instant);
  if (/^\d{4}-/.test(day)) return day;
  throw wrongUsage(`--${name} is no day.`, {
    found: JSON.stringify(text.slice(0, 60)),
    allowed: '2026-11-21, 2026-11-21T10:00:00Z, or 7d',
  });
}

function labelsIn({ texts }: Pick<Call, 'texts'>): string {
  const labels = (texts.get('by') ?? 'model').split(',').map((label) => label.trim());
  const unknown = labels.find((label) => !(USAGE_LABELS as readonly string[]).includes(label));
  if (unknown === undefined) return [...new Set(labels)].join(',');
  const meant = nearMiss(unknown, USAGE_LABELS);
  throw wrongUsage(
    `--by names something that usage is not summed by.${meant === null ? '' : ` Did you mean ${meant}?`}`,
    {
      found: JSON.stringify(unknown.slice(0, 60)),
      allowed: USAGE_LABELS.join(', '),
    },
  );
}

const FIGURES = [
  'requests',
  'promptTokens',
  'cachedTokens',
  'completionTokens',
  'reasoningTokens',
  'totalTokens',
] as const;
const TITLES = ['REQUESTS', 'PROMPT', 'CACHED', 'COMPLETION', 'REASONING', 'TOKENS', 'COST'];

function usageText({ from, to, by, rows, total }: UsageAnswer, { look, paint }: Pick<Call, 'look' | 'paint'>): string {
  const columns: Column[] = [
    ...by.map((label) => ({ title: label.toUpperCase() })),
    ...TITLES.map((title) => ({ title, align: 'right' as const })),
  ];
  const body = rows.map((row) => [...by.map((label) => row[label] ?? '-'), ...figures(row)]);
  const sum = [...by.map((_, at) => (at === 0 ? 'in all' : '')), ...figures(total)];
  const notes = [
    total.estimatedRequests > 0
      ? `Of ${whole(total.estimatedRequests)} requests the tokens are estimated, as no answer said them.\n`
      : '',
    total.unpricedRequests > 0
      ? `${whole(total.unpricedRequests)} requests went to models without a known price, and count as $0: give their deployments a "price".\n`
      : '',
  ].join('');
  const head = paint('dim', `${from} to ${to}, UTC`);
  return `${head}\n\n${table(columns, [...body, sum], look)}${notes === '' ? '' : `\n${notes}`}`;
}

function figures(sums: UsageFigures): string[] {
  return [...FIGURES.map((name) => whole(sums[name])), usd(sums.costUsd)];
}

export const QUOTA: Command = {
  name: 'quota',
  about: 'what is left of each quota',
  synopsis: '',
  fewest: 0,
  most: 0,
  by: 'router',
  options: {},
  examples: [{ line: 'openai-router quota', does: 'every account that has one' }],
  async run(call) {
    const answer = await (await call.router()).ask<Listed<QuotaAnswer>>({ path: '/router/quotas' });
    if (call.json) printJson(call, answer);
    else call.print(answer.items.length === 0 ? 'No account has a quota.\n' : quotaTable(answer.items, call));
    return EXIT.ok;
  },
};

const WARN_SHARE = 0.1;

function quotaTable(quotas: readonly QuotaAnswer[], { look, times }: Pick<Call, 'look' | 'times'>): string {
  const figure = { align: 'right' as const };
  const columns = [
    { title: 'ACCOUNT' },
    { title: 'QUOTA' },
    { title: 'USED', ...figure },
    { title: 'RESERVED', ...figure },
    { title: 'LEFT', ...figure },
    { title: 'OF', ...figure },
    { title: 'ANEW' },
  ];
  const rows = quotas.map((one) => {
    const left = quotaFigure(one.quota, one.remaining);
    const isLow = one.remaining <= one.limit * WARN_SHARE;
    return [
      one.account,
      quotaName(one.quota),
      quotaFigure(one.quota, one.used),
      quotaFigure(one.quota, one.reserved),
      isLow ? { text: `low: ${left}`, colour: 'yellow' as const } : left,
      quotaFigure(one.quota, one.limit),
      relative(one.resetsAt, times()),
    ];
  });
  return table(columns, rows, look);
}
