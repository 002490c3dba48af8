/** What the router counted beside what the deployments counted, to the token. */
import { describe, expect, it } from 'vitest';
import type { UsageReport } from '../../src/usage/port.ts';
import { ask, begin, keepAlive, type RawCall } from '../harness/raw.ts';
import { startSimulated } from '../harness/simulated.ts';

const LOAD = 20_000;
const WORDS = 'river house table measure water light answer order known still between carries'.split(' ');

/** What goes wrong for nobody, and what is counted for nothing. */
type Kind =
  | 'chat'
  | 'asked stream'
  | 'unasked stream'
  | 'response'
  | 'response stream'
  | 'embedding'
  | 'refused'
  | 'left';

const KINDS: readonly Kind[] = [
  'chat',
  'chat',
  'unasked stream',
  'unasked stream',
  'asked stream',
  'response',
  'response stream',
  'embedding',
  'refused',
  'left',
];

function question(number: number): string {
  const words = Array.from({ length: 5 + (number % 40) }, (_, at) => WORDS[(number * 7 + at * 3) % WORDS.length]);
  return words.join(' ');
}

function callFor(kind: Kind, number: number): RawCall {
  const messages = [{ role: 'user', content: question(number) }];
  const headers = [
    ['x-creator', kind],
    ['x-operation', `operation ${number % 3}`],
    ['x-agent-name', `agent ${number % 5}`],
  ] as const;
  const chat = (fields: object): RawCall => ({ headers, body: { model: 'gpt-4.1', messages, ...fields } });
  switch (kind) {
    case 'chat':
      return chat({ n: 1 + (number % 2) });
    case 'asked stream':
      return chat({ stream: true, stream_options: { include_usage: true } });
    case 'unasked stream':
      return chat({ stream: true });
    case 'left':
      return chat({ stream: true, model: 'slow' });
    case 'refused':
      return chat({ max_tokens: -1 });
    case 'response':
    case 'response stream': {
      const body = { model: 'gpt-5-mini', input: question(number), stream: kind === 'response stream' };
      return { path: '/openai/v1/responses', headers, body: { ...body, reasoning: { effort: 'low' } } };
    }
    case 'embedding': {
      const body = { model: 'text-embedding-3-small', input: question(number), dimensions: 8 };
      return { path: '/openai/v1/embeddings', headers, body };
    }
    default:
      return kind satisfies never;
  }
}

/** Leaves after some of the stream has come; the id of the call upstream. */
async function leave(url: string, call: RawCall, afterBytes: number): Promise<string> {
  const answer = await begin(url, call);
  let seen = 0;
  await new Promise<void>((resolve) => {
    answer.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen < afterBytes) return;
      answer.destroy();
      resolve();
    });
    answer.on('close', resolve);
    answer.on('error', () => resolve());
  });
  return String(answer.headers['apim-request-id']);
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

describe('over a long run of mixed requests, one in ten of them left amid its stream', () => {
  it(`ledger, log and headers agree with the deployments' books to the token (${LOAD} requests)`, {
    timeout: 300_000,
  }, async () => {
    // Those who leave have a deployment of their own that takes its time, as models do.
    const fast = { 'gpt-4.1': { model: 'gpt-4.1' }, 'gpt-5-mini': { model: 'gpt-5-mini' } };
    const others = { 'text-embedding-3-small': { model: 'text-embedding-3-small' } };
    const slow = { slow: { model: 'gpt-4.1', latency: { chunkMs: 2 } } };
    const endpoints = [{ name: 'A', deployments: { ...fast, ...others, ...slow } }];
    await using both = await startSimulated({ simulator: { endpoints, keepCalls: LOAD } });
    using agent = keepAlive(32);
    const told = { tokens: 0, costNanoUsd: 0, answers: 0 };
    const left = new Set<string>();
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let number = next++; number < LOAD; number = next++) {
        const kind = KINDS[number % KINDS.length] ?? 'chat';
        if (kind === 'left') {
          left.add(await leave(both.url, callFor(kind, number), 600 + (number % 7) * 900));
          continue;
        }
        const answer = await ask(both.url, { ...callFor(kind, number), agent });
        expect([kind, answer.status, answer.whole]).toEqual([kind, kind === 'refused' ? 400 : 200, true]);
        if (answer.headers['x-router-tokens'] === undefined) continue;
        told.answers++;
        told.tokens += Number(answer.headers['x-router-tokens']);
        told.costNanoUsd += Math.round(Number(answer.headers['x-router-cost-usd']) * 1e9);
      }
    };
    await Promise.all(Array.from({ length: 32 }, worker));
    const reportBy = async (by: string): Promise<UsageReport> =>
      JSON.parse((await ask(both.url, { path: `/router/usage?by=${by}` })).text) as UsageReport;
    await expect.poll(async () => (await reportBy('creator')).total.requests, { timeout: 20_000 }).toBe(LOAD);

    const report = await reportBy('creator');
    const calls = both.simulator.calls();
    const rows = new Map(report.rows.map((row) => [row.creator, row]));
    const whole = calls.filter(({ id }) => !left.has(id));
    const exact = report.rows.filter(({ creator }) => creator !== 'left');
    const counted = (read: (row: UsageReport['rows'][number]) => number) => sum(exact.map(read));
    expect({
      prompt: counted((row) => row.promptTokens),
      cached: counted((row) => row.cachedTokens),
      completion: counted((row) => row.completionTokens),
      reasoning: counted((row) => row.reasoningTokens),
      estimated: counted((row) => row.estimatedRequests),
    }).toEqual({
      prompt: sum(whole.map((call) => call.promptTokens)),
      cached: sum(whole.map((call) => call.cachedTokens)),
      completion: sum(whole.map((call) => call.completionTokens)),
      reasoning: sum(whole.map((call) => call.reasoningTokens)),
      estimated: 0,
    });

    // Headers: of every answer that is no stream.
    const unstreamed = ['chat', 'response', 'embedding', 'refused'].map((kind) => rows.get(kind));
    expect(told.tokens).toBe(sum(unstreamed.map((row) => row?.totalTokens ?? 0)));
    expect(told.costNanoUsd).toBe(sum(unstreamed.map((row) => Math.round((row?.costUsd ?? 0) * 1e9))));
    expect(told.answers).toBe(sum(unstreamed.map((row) => row?.requests ?? 0)));

    // The log: one line each, with the same sums.
    const lines = both.router.log
      .map((line) => JSON.parse(line) as { tokens?: { prompt: number; completion: number }; costUsd?: number | null })
      .flatMap(({ tokens, costUsd }) => (tokens === undefined ? [] : [{ ...tokens, costUsd }]));
    expect(lines).toHaveLength(LOAD);
    expect(sum(lines.map(({ prompt, completion }) => prompt + completion))).toBe(report.total.totalTokens);
    expect(sum(lines.map(({ costUsd }) => Math.round((costUsd ?? 0) * 1e9)))).toBe(
      Math.round(report.total.costUsd * 1e9),
    );

    // Whoever left is counted by estimates, within a tenth in sum; those whose stream was over before, by what it said.
    const ofLeft = rows.get('left');
    const truth = calls.filter(({ id }) => left.has(id));
    expect(ofLeft?.requests).toBe(LOAD / KINDS.length);
    expect(ofLeft?.estimatedRequests).toBeGreaterThan(0.8 * (LOAD / KINDS.length));
    const off = {
      prompt: (ofLeft?.promptTokens ?? 0) / sum(truth.map((call) => call.promptTokens)) - 1,
      completion: (ofLeft?.completionTokens ?? 0) / sum(truth.map((call) => call.completionTokens)) - 1,
    };
    console.log(`estimates of ${ofLeft?.estimatedRequests} streams are off by`, off);
    expect(Math.abs(off.prompt)).toBeLessThan(0.1);
    expect(Math.abs(off.completion)).toBeLessThan(0.1);
  });
});
