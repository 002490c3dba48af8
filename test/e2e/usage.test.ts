/** What the router counts, beside the books of the deployments themselves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BookRow } from '../../src/simulator/server.ts';
import type { Group, UsageRow, UsageSum } from '../../src/usage/port.ts';
import { chat, type MeteredRouter, startMetered } from '../harness/metered.ts';
import { byLabel, errorIn } from '../harness/operator.ts';
import { QUESTION, type RawAnswer } from '../harness/raw.ts';

const LONG = 'A sentence that is said again and again, until the cache remembers it. '.repeat(90);

interface Ask {
  readonly path: string;
  readonly body: object;
}

const V1 = '/openai/v1';
const MODELS = { small: 'text-embedding-3-small', old: 'gpt-35-turbo-instruct' };
const input = 'How tall is the house?';

/** One of each kind that is made of tokens; some twice, so that the second finds the first in the prompt cache. */
const MIX: readonly Ask[] = [
  { path: `${V1}/chat/completions`, body: QUESTION },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, model: 'gpt-4o', n: 2 } },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, model: 'gpt-5-mini' } },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, model: 'gpt-5-mini', stream: true } },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, stream: true, stream_options: { include_usage: true } } },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, stream: true, stream_options: { include_usage: false } } },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, messages: [{ role: 'user', content: LONG }] } },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, messages: [{ role: 'user', content: LONG }] } },
  {
    path: `${V1}/chat/completions`,
    body: { ...QUESTION, messages: [{ role: 'user', content: LONG }], stream: true },
  },
  { path: `${V1}/chat/completions`, body: { ...QUESTION, messages: [{ role: 'user', content: '[[gzip]] so' }] } },
  { path: `${V1}/completions`, body: { model: MODELS.old, prompt: 'Once' } },
  { path: `${V1}/completions`, body: { model: MODELS.old, prompt: 'Once upon a time', stream: true } },
  { path: `${V1}/responses`, body: { model: 'gpt-4.1', input } },
  { path: `${V1}/responses`, body: { model: 'gpt-5-mini', input, stream: true } },
  { path: `${V1}/embeddings`, body: { model: MODELS.small, input: ['one', 'two and a half'] } },
  { path: `${V1}/embeddings`, body: { model: MODELS.small, input, encoding_format: 'base64' } },
  { path: '/openai/deployments/gpt-4.1/chat/completions?api-version=2024-10-21', body: QUESTION },
];

const LABELS = ['creator', 'model', 'operation', 'account', 'agent', 'day'] as const;

interface Counted {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

function counted({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Counted): Counted {
  return { promptTokens, cachedTokens, completionTokens, reasoningTokens };
}

function sumOf(rows: readonly Counted[]): Counted {
  const sum = (of: (row: Counted) => number): number => rows.reduce((total, row) => total + of(row), 0);
  return {
    promptTokens: sum((row) => row.promptTokens),
    cachedTokens: sum((row) => row.cachedTokens),
    completionTokens: sum((row) => row.completionTokens),
    reasoningTokens: sum((row) => row.reasoningTokens),
  };
}

describe.each(['v1', '2025-04-01-preview'])('after one request of each kind, to endpoints that speak %s', (api) => {
  let fleet: MeteredRouter;
  const answers: RawAnswer[] = [];

  beforeAll(async () => {
    fleet = await startMetered({ api });
    const keys = [];
    for (const account of ['clinic-7', 'lab']) keys.push((await fleet.operator.makeKey({ account })).key);
    for (const [at, { path, body }] of MIX.entries()) {
      const headers = [
        ['x-agent-name', `agent_${at % 3}`],
        ['x-creator', `creator ${at % 4}`],
        ['x-operation', `operation ${at % 2}`],
        ['accept-encoding', 'gzip'],
      ] as const;
      answers.push(await chat(fleet.url, { key: keys[at % 2]!, path, body, headers }));
    }
    expect(answers.map(({ status, whole }) => [status, whole])).toEqual(MIX.map(() => [200, true]));
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  it('the total is what the deployments counted, to the token: cached and reasoning ones too', async () => {
    const { total } = await fleet.operator.usage();
    const books = fleet.simulator.books();
    expect(counted(total)).toEqual(counted(books.total));
    expect(total).toMatchObject({
      requests: MIX.length,
      totalTokens: books.total.promptTokens + books.total.completionTokens,
      estimatedRequests: 0,
      unpricedRequests: 0,
    });
    for (const figure of Object.values(counted(total))) expect(figure).toBeGreaterThan(0);
  });

  it('each model has what its deployments counted', async () => {
    const models = byLabel((await fleet.operator.usage('by=model')).rows, 'model');
    const books = Map.groupBy(fleet.simulator.books().rows, ({ deployment }: BookRow) => deployment);
    expect([...models.keys()].sort()).toEqual([...books.keys()].sort());
    for (const [model, rows] of books) {
      expect({ model, ...counted(models.get(model)!) }).toEqual({ model, ...sumOf(rows) });
    }
  });

  it.each(LABELS)('by %s the rows add up to the same total', async (label: Group) => {
    const { rows, total } = await fleet.operator.usage(`by=${label}`);
    expect(sumOf(rows)).toEqual(counted(total));
    expect(rows.reduce((sum, row) => sum + row.requests, 0)).toBe(MIX.length);
    const groups = { creator: 4, model: 5, operation: 2, account: 2, agent: 3, day: 1 };
    expect(rows).toHaveLength(groups[label]);
    const cost = rows.reduce((sum, { costUsd }) => sum + costUsd, 0);
    expect(cost).toBeCloseTo(total.costUsd, 8);
  });

  it('several labels at once tell who used what', async () => {
    const { rows } = await fleet.operator.usage('by=account,agent,creator,operation');
    const of = (at: number) => (row: UsageRow) =>
      row.agent === `agent_${at % 3}` && row.creator === `creator ${at % 4}` && row.operation === `operation ${at % 2}`;
    for (const at of MIX.keys()) expect(rows.find(of(at))?.account).toBe(at % 2 === 0 ? 'clinic-7' : 'lab');
  });

  it('the headers of unstreamed answers told each its tokens and cost; streams told none', async () => {
    const models = byLabel((await fleet.operator.usage('by=model')).rows, 'model');
    const told = new Map<string, { tokens: number; nanoUsd: number }>();
    for (const [at, { body }] of MIX.entries()) {
      const { headers } = answers[at]!;
      const { model, stream = false } = body as { model: string; stream?: boolean };
      expect([at, headers['x-router-tokens'] === undefined]).toEqual([at, stream]);
      if (stream) continue;
      const before = told.get(model) ?? { tokens: 0, nanoUsd: 0 };
      const nanoUsd = Math.round(Number(headers['x-router-cost-usd']) * 1e9);
      told.set(model, {
        tokens: before.tokens + Number(headers['x-router-tokens']),
        nanoUsd: before.nanoUsd + nanoUsd,
      });
    }
    // Of these every request was told.
    for (const model of ['gpt-4o', MODELS.small]) {
      const row = models.get(model)!;
      expect(told.get(model)).toEqual({ tokens: row.totalTokens, nanoUsd: Math.round(row.costUsd * 1e9) });
    }
  });

  it('as CSV it is the same table', async () => {
    const { rows } = await fleet.operator.usage('by=account,model');
    const { text, headers } = await fleet.operator.ask({ path: '/router/usage?by=account,model&format=csv' });
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(headers['content-disposition']).toMatch(/^attachment; filename="usage-.*\.csv"$/);
    const [names, ...lines] = text.trimEnd().split('\r\n');
    expect(names?.split(',').slice(0, 4)).toEqual(['account', 'model', 'requests', 'promptTokens']);
    const columns = names!.split(',') as (keyof UsageRow)[];
    const cell = (row: UsageRow, name: keyof UsageSum | Group): string =>
      name === 'costUsd' ? row.costUsd.toFixed(9) : String(row[name]);
    expect(lines).toEqual(rows.map((row) => columns.map((name) => cell(row, name)).join(',')));
  });

  it('another day has nothing', async () => {
    const { rows, total } = await fleet.operator.usage('from=2020-01-01&to=2020-01-31&by=creator');
    expect([rows, total.requests]).toEqual([[], 0]);
  });
});

describe('GET /router/usage', () => {
  it.each([
    { query: 'by=customer', param: 'by', says: /"customer"; allowed are creator, model, operation/ },
    { query: 'from=2026-02-30', param: 'from', says: /must be a day/ },
    { query: 'from=2026-02-02&to=2026-02-01', param: 'from', says: /2026-02-02 is after 2026-02-01/ },
    { query: 'from=2020-01-01&to=2026-01-01', param: 'from', says: /allowed are 400/ },
    { query: 'format=xml', param: 'format', says: /json or csv/ },
    { query: 'since=1', param: 'since', says: /known are from, to, by, format/ },
  ])('refuses $query with 400', async ({ query, param, says }) => {
    await using fleet = await startMetered();
    const answer = await fleet.operator.ask({ path: `/router/usage?${query}` });
    expect([answer.status, errorIn(answer).param]).toEqual([400, param]);
    expect(errorIn(answer).message).toMatch(says);
  });

  it('is answered by an instance that has only just started, as is everything else that is read', async () => {
    const paths = ['/router/usage', '/router/quotas', '/router/keys', '/router/failovers', '/router/status'];
    const seen: (readonly [string, number])[] = [];
    for (const path of paths) {
      await using fleet = await startMetered();
      seen.push([path, (await fleet.operator.ask({ path })).status]);
    }
    expect(seen).toEqual(paths.map((path) => [path, 200]));
  });
});
