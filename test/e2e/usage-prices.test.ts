import { describe, expect, it } from 'vitest';
import type { UsageRow } from '../../src/usage/port.ts';
import { chat, linesOf } from '../harness/metered.ts';
import { byLabel, operatorOf } from '../harness/operator.ts';
import { QUESTION } from '../harness/raw.ts';
import { startRouter } from '../harness/router.ts';
import { json, startUpstream } from '../harness/upstream.ts';

const UNKNOWN = 'model-of-tomorrow';
/** 1,000 tokens of prompt, of which 400 are cached, and 100 of an answer. */
const ANSWER = {
  model: 'whatever',
  choices: [],
  usage: {
    prompt_tokens: 1_000,
    prompt_tokens_details: { cached_tokens: 400 },
    completion_tokens: 100,
    completion_tokens_details: { reasoning_tokens: 60 },
    total_tokens: 1_100,
  },
};

const DEPLOYMENTS = {
  listed: { model: 'gpt-4.1' },
  bought: { model: 'gpt-4.1', kind: 'ptu' },
  dear: { model: 'gpt-4.1', price: { input: 20, cached: 10, output: 100 } },
  flat: { model: UNKNOWN, price: { input: 1, output: 2 } },
  unknown: { model: UNKNOWN },
};

describe('what a request costs', () => {
  it.each<{ deployment: keyof typeof DEPLOYMENTS; what: string; usd: number | null }>([
    { deployment: 'listed', what: 'by the list: cached tokens cost less', usd: (600 * 2 + 400 * 0.5 + 100 * 8) / 1e6 },
    { deployment: 'bought', what: 'nothing where throughput is bought', usd: 0 },
    { deployment: 'dear', what: 'by its own price, not the list’s', usd: (600 * 20 + 400 * 10 + 100 * 100) / 1e6 },
    { deployment: 'flat', what: 'by its own price where there is no list', usd: (1_000 * 1 + 100 * 2) / 1e6 },
    { deployment: 'unknown', what: 'nobody knows what', usd: null },
  ])('is told in the headers, the log and the ledger alike: $deployment costs $what', async ({ deployment, usd }) => {
    await using upstream = await startUpstream(json(200, ANSWER));
    const document = { endpoints: { A: { url: upstream.url, apiKey: 'k', api: 'v1', deployments: DEPLOYMENTS } } };
    await using router = await startRouter(document);
    const { headers } = await chat(router.url, { body: { ...QUESTION, model: `A/${deployment}` } });
    expect(headers['x-router-tokens']).toBe('1100');
    expect(headers['x-router-cost-usd'] ?? null).toBe(usd === null ? null : String(usd));
    const { rows, total } = await operatorOf(router.url, null).usage('by=model');
    const row = byLabel(rows, 'model').get(DEPLOYMENTS[deployment].model) as UsageRow;
    const figures = { requests: 1, promptTokens: 1_000, cachedTokens: 400, completionTokens: 100, reasoningTokens: 60 };
    expect(row).toMatchObject({ ...figures, costUsd: usd ?? 0, unpricedRequests: usd === null ? 1 : 0 });
    expect(total.costUsd).toBe(usd ?? 0);
    expect(linesOf(router).find(({ message }) => message === 'Request successful')).toMatchObject({ costUsd: usd });
  });

  it('that nobody knows is told in the log once for each model', async () => {
    await using upstream = await startUpstream(json(200, ANSWER));
    const document = { endpoints: { A: { url: upstream.url, apiKey: 'k', api: 'v1', deployments: DEPLOYMENTS } } };
    await using router = await startRouter(document);
    for (let index = 0; index < 3; index++) await chat(router.url, { body: { ...QUESTION, model: 'A/unknown' } });
    const told = linesOf(router).filter(({ message }) => message.startsWith('Price of the model is unknown'));
    expect(told).toMatchObject([{ level: 'warn', model: UNKNOWN, deployment: 'A/unknown' }]);
  });
});
