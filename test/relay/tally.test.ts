/** What a request leaves behind: one record and one settlement, whatever becomes of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { QuotaAsk, Quotas, QuotaUse } from '../../src/accounts/port.ts';
import { scanBody } from '../../src/body/fields.ts';
import { UNLIMITED } from '../../src/domain/account.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { NO_TOKENS, type RequestRecord, type Tokens } from '../../src/domain/usage.ts';
import { createRelay } from '../../src/relay/relay.ts';
import { UpstreamError } from '../../src/upstream/port.ts';
import type { Estimator, Prices, Unsaid } from '../../src/usage/port.ts';
import { settled } from '../harness/manualClock.ts';
import { configFor } from '../routing/facts.ts';
import { type CallFacts, FakeCaller, never, type Script, stageFor, status } from './fakes.ts';

const CONFIG = {
  ...configFor({ pools: { first: { strategy: 'priority', members: ['A/m', 'B/m'] } } }),
  retries: { sameDeployment: 0, baseMs: 500, maxMs: 8_000, budgetPercent: 20 },
};
const USAGE = { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: { cached_tokens: 64 } };
const USED: Tokens = { ...NO_TOKENS, prompt: 100, cached: 64, completion: 20 };
const ESTIMATE: Tokens = { ...NO_TOKENS, prompt: 90, completion: 7 };

const said: Script = (sent) => sent.answer(200, { model: 'gpt-9-2026', usage: USAGE });
const silent: Script = (sent) => sent.answer(200, { choices: [] });
const reset: Script = (sent) => sent.listener.onError(new UpstreamError('reset', 'connection lost'));
const halfway: Script = (sent) => {
  sent.listener.onHead(200, { 'content-type': 'application/json' });
  sent.listener.onData(Buffer.from('{"choices":['));
  sent.listener.onError(new UpstreamError('reset', 'connection lost'));
};
const event = (data: object): Buffer => Buffer.from(`data: ${JSON.stringify(data)}\n\n`);
const CONTENT = event({ choices: [{ delta: { content: 'Hi' } }] });

/** A stream that says what it used, breaks off, or never ends. */
function streaming(how: 'says' | 'says nothing' | 'breaks' | 'goes on'): Script {
  return (sent) => {
    sent.listener.onHead(200, { 'content-type': 'text/event-stream' });
    sent.listener.onData(CONTENT);
    if (how === 'says') sent.listener.onData(event({ choices: [], usage: USAGE }));
    if (how === 'breaks') sent.listener.onError(new UpstreamError('reset', 'connection lost'));
    else if (how !== 'goes on') sent.listener.onEnd();
  };
}

const bodyOf = (json: object): CallFacts => {
  const bytes = Buffer.from(JSON.stringify(json));
  const scan = scanBody(bytes, 10);
  if (!scan.ok) throw new Error(scan.problem);
  return { payload: { kind: 'json', bytes, fields: scan.fields }, stream: scan.fields.stream };
};
const STREAMED = bodyOf({ model: 'first', stream: true });

interface Outcome {
  readonly records: readonly RequestRecord[];
  readonly uses: readonly QuotaUse[];
  readonly asks: readonly QuotaAsk[];
  readonly unsaid: readonly Unsaid[];
  readonly error: unknown;
  readonly headers: readonly string[];
}

/** Two billionths of a dollar for a token of a prompt, ten for one of an answer; A's model has no price where it is so said. */
async function outcomeOf(
  scripts: readonly Script[],
  facts: CallFacts & { readonly leaves?: boolean; readonly unpriced?: boolean; readonly limit?: number } = {},
): Promise<Outcome> {
  const { leaves = false, unpriced = false, limit, ...call } = facts;
  const uses: QuotaUse[] = [];
  const asks: QuotaAsk[] = [];
  const unsaid: Unsaid[] = [];
  const prices: Prices = {
    costOf: (_, __, { prompt, completion }) => (unpriced ? null : 2 * prompt + 10 * completion),
    rates: () => ({ prompt: 2, output: 10 }),
  };
  const quotas: Quotas = {
    reserve: (_, ask) => {
      asks.push(ask);
      if (limit === 0) throw new RouterError('quota_exceeded', 'Nothing is left.', { retryAfterMs: 5_000 });
      return { headers: () => ['x-ratelimit-remaining-tokens', '7'], settle: (use) => void uses.push(use) };
    },
  };
  const estimator: Estimator = {
    estimate: (one) => {
      unsaid.push(one);
      return Promise.resolve(ESTIMATE);
    },
    learn: () => undefined,
  };
  const stage = stageFor(CONFIG, scripts, { quotas });
  const caller = new FakeCaller();
  const relay = createRelay({ ...stage.deps, tallying: { ...stage.deps.tallying, prices, estimator } });
  let error: unknown = null;
  let headers: readonly string[] = [];
  const serving = relay.serve(stage.call({ name: 'first', caller, ...call })).then(
    async (answer) => {
      headers = answer.headers;
      if (answer.body === null || Buffer.isBuffer(answer.body)) return;
      for await (const _ of answer.body);
    },
    (reason: unknown) => {
      error = reason;
    },
  );
  await settled();
  if (leaves) caller.leave();
  await stage.clock.pass(400_000);
  await serving;
  await Promise.all(stage.deps.tallying.unfinished);
  return { records: stage.records, uses, asks, unsaid, error, headers };
}

const header = (headers: readonly string[], name: string): string | undefined => headers[headers.indexOf(name) + 1];

describe('a request leaves one record and one settlement', () => {
  test.each<{
    what: string;
    scripts: readonly Script[];
    facts?: Parameters<typeof outcomeOf>[1];
    is: object;
    tokens: Tokens;
  }>([
    {
      what: 'where the answer says what it used',
      scripts: [said],
      is: { end: 'ok', estimated: false, status: 200 },
      tokens: USED,
    },
    { what: 'where it does not', scripts: [silent], is: { end: 'ok', estimated: true }, tokens: ESTIMATE },
    {
      what: 'where the stream says it',
      scripts: [streaming('says')],
      facts: STREAMED,
      is: { end: 'ok', estimated: false, stream: true },
      tokens: USED,
    },
    {
      what: 'where the stream does not',
      scripts: [streaming('says nothing')],
      facts: STREAMED,
      is: { end: 'ok', estimated: true },
      tokens: ESTIMATE,
    },
    {
      what: 'where the stream breaks',
      scripts: [streaming('breaks')],
      facts: STREAMED,
      is: { end: 'broken', estimated: true },
      tokens: ESTIMATE,
    },
    {
      what: 'where the caller leaves amid the stream',
      scripts: [streaming('goes on')],
      facts: { ...STREAMED, leaves: true },
      is: { end: 'aborted', estimated: true },
      tokens: ESTIMATE,
    },
    {
      what: 'where the caller leaves before an answer',
      scripts: [never],
      facts: { leaves: true },
      is: { end: 'aborted', estimated: true, status: 499, deployment: null },
      tokens: ESTIMATE,
    },
    {
      what: 'where it was refused',
      scripts: [status(400)],
      is: { end: 'refused', estimated: false, status: 400 },
      tokens: NO_TOKENS,
    },
    {
      what: 'where it was served elsewhere, nobody having worked before',
      scripts: [status(503), said],
      is: { end: 'ok', deployment: 'B/m', estimated: false, attempts: [{ outcome: 'failing' }, { outcome: 'ok' }] },
      tokens: USED,
    },
    {
      what: 'where somebody worked in vain before',
      scripts: [halfway, said],
      is: { end: 'ok', deployment: 'B/m', estimated: true },
      tokens: { ...USED, prompt: 190, completion: 27 },
    },
    {
      what: 'where nobody could serve it',
      scripts: [reset],
      is: { end: 'error', errorCode: 'no_deployment_available', status: 503, deployment: null, estimated: false },
      tokens: NO_TOKENS,
    },
    {
      what: 'where the name is unknown',
      scripts: [],
      facts: { name: 'nobody' },
      is: { end: 'error', errorCode: 'unknown_model', status: 404 },
      tokens: NO_TOKENS,
    },
  ])('$what', async ({ scripts, facts, is, tokens }) => {
    const { records, uses } = await outcomeOf(scripts, facts);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject(is);
    expect(records[0]?.tokens).toEqual(tokens);
    const cost = 2 * tokens.prompt + 10 * tokens.completion;
    expect(records[0]?.costNanoUsd).toBe(cost);
    expect(uses).toEqual([
      {
        tokens: tokens.prompt + tokens.completion,
        promptTokens: Math.min(tokens.prompt, USED.prompt),
        outputTokens: tokens.completion,
        costNanoUsd: cost,
      },
    ]);
  });

  test('but nothing to settle where its quota was used up, and no deployment hears of it', async () => {
    const { records, uses, error } = await outcomeOf([said], { limit: 0 });
    expect(error).toMatchObject({ code: 'quota_exceeded' });
    expect(records).toMatchObject([
      { end: 'error', errorCode: 'quota_exceeded', status: 429, retryAfterMs: 5_000, attempts: [] },
    ]);
    expect(uses).toEqual([]);
  });

  test('whatever its deployments do', async () => {
    const scripts = fc.array(
      fc.constantFrom(
        said,
        silent,
        reset,
        halfway,
        status(429),
        status(500),
        status(401),
        streaming('says'),
        streaming('breaks'),
      ),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(scripts, fc.boolean(), fc.boolean(), async (some, streamed, leaves) => {
        const { records, uses } = await outcomeOf(some, { ...(streamed ? STREAMED : {}), leaves });
        expect([records.length, uses.length]).toEqual([1, 1]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the record', () => {
  test('says who, what for, and on which model, as configured before as answered', async () => {
    const labels = { agent: 'a', creator: 'c', operation: 'o' };
    const { records } = await outcomeOf([said], { labels, principal: { account: 'clinic-7' } });
    expect(records[0]?.labels).toEqual({ ...labels, account: 'clinic-7', model: expect.any(String) as string });
    expect(records[0]).toMatchObject({
      responseModel: 'gpt-9-2026',
      pool: 'first',
      api: 'chat/completions',
      endpoint: 'A',
    });
  });

  test('has no cost where the price is not known', async () => {
    const { records, uses } = await outcomeOf([said], { unpriced: true });
    expect(records[0]?.costNanoUsd).toBeNull();
    expect(uses[0]).toEqual({ tokens: 120, promptTokens: 100, outputTokens: 20, costNanoUsd: 0 });
  });

  test('of a stored response that is read again has no tokens: they were counted when it was made', async () => {
    const { records } = await outcomeOf([said], {
      method: 'GET',
      target: { kind: 'response', id: 'resp_1', rest: '' },
      payload: { kind: 'none' },
      name: null,
    });
    expect(records).toMatchObject([{ end: 'ok', api: 'other', tokens: NO_TOKENS, estimated: false }]);
  });
});

describe('the answer', () => {
  test('says what it used and cost, and how the account stands', async () => {
    const { headers } = await outcomeOf([said]);
    expect([header(headers, 'x-router-tokens'), header(headers, 'x-router-cost-usd')]).toEqual(['120', '0.0000004']);
    expect(header(headers, 'x-ratelimit-remaining-tokens')).toBe('7');
  });

  test.each([
    { what: 'is a stream', scripts: [streaming('says')], facts: STREAMED },
    { what: 'says nothing', scripts: [silent], facts: {} },
    { what: 'came after somebody had worked in vain', scripts: [halfway, said], facts: {} },
  ])('does not say so where it $what', async ({ scripts, facts }) => {
    expect((await outcomeOf(scripts, facts)).headers).not.toContain('x-router-tokens');
  });
});

describe('what is reserved', () => {
  const LIMITED = { principal: { quota: { ...UNLIMITED, tokensPerMinute: 1_000, usdPerDay: 1 } } };
  const asked = async (json: object, facts: CallFacts = LIMITED) =>
    (await outcomeOf([said], { ...bodyOf({ model: 'first', ...json }), ...facts })).asks[0];

  test.each([
    { what: 'max_completion_tokens', json: { max_completion_tokens: 50, max_tokens: 70 }, output: 50 },
    { what: 'max_tokens', json: { max_tokens: 70 }, output: 70 },
    { what: 'max_output_tokens', json: { max_output_tokens: 30 }, output: 30 },
    { what: 'as many for each of n answers', json: { max_tokens: 70, n: 3 }, output: 210 },
    { what: 'nobody knows', json: {}, output: null },
    { what: 'nobody knows, where what is said is no number', json: { max_tokens: 'x' }, output: null },
  ])('for the answer: $what', async ({ json, output }) => {
    expect((await asked(json))?.outputTokens).toBe(output);
  });

  test('for the prompt is a token for four bytes, at the price of the dearest that may serve', async () => {
    const messages = [{ role: 'user', content: 'x'.repeat(4_000) }];
    const ask = await asked({ messages });
    expect(ask?.promptTokens).toBeGreaterThan(1_000);
    expect(ask?.promptTokens).toBeLessThan(1_030);
    expect([ask?.nanoUsdPerPromptToken, ask?.nanoUsdPerOutputToken]).toEqual([2, 10]);
  });

  test('for a picture does not go by its bytes', async () => {
    const url = `data:image/png;base64,${'A'.repeat(400_000)}`;
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];
    const ask = await asked({ messages });
    expect(ask?.promptTokens).toBeGreaterThan(1_200);
    expect(ask?.promptTokens).toBeLessThan(1_300);
  });

  test.each([
    { what: 'an account without limits', facts: {} },
    {
      what: 'one whose requests alone are limited',
      facts: { principal: { quota: { ...UNLIMITED, requestsPerMinute: 5 } } },
    },
  ])('is no token for $what', async ({ facts }) => {
    expect(await asked({ max_tokens: 9 }, facts)).toMatchObject({ promptTokens: 0, outputTokens: 0 });
  });
});
