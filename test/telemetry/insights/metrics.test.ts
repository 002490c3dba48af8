import { describe, expect, it } from 'vitest';
import type { RequestRecord } from '../../../src/domain/usage.ts';
import { BEYOND, BOUNDS_S } from '../../../src/telemetry/buckets.ts';
import { METRICS } from '../../../src/telemetry/names.ts';
import { FAILED_OVER, LABELS, REFUSED, record } from '../records.ts';
import { connected, type Ingestion } from './ingestion.ts';

async function measured(...records: RequestRecord[]): Promise<Ingestion> {
  const { journal, ingestion, close } = await connected();
  for (const one of records) journal.requestEnded(one);
  await close();
  return ingestion;
}

const CALL = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'azure.ai.openai',
  'gen_ai.request.model': 'gpt-4.1',
  'gen_ai.response.model': 'gpt-4.1-2025-04-14',
  'server.address': 'A',
};
const PLACE = { endpoint: 'A', deployment: 'A/gpt-4.1' };

describe('the metrics of a request', () => {
  it('follow the conventions for generative AI', async () => {
    const ingestion = await measured(record({ stream: true, firstChunkMs: 250 }));
    expect(ingestion.metric('gen_ai.client.token.usage')).toMatchObject([
      { value: 1_000, count: 1, properties: { ...CALL, 'gen_ai.token.type': 'input' } },
      { value: 50, count: 1, properties: { ...CALL, 'gen_ai.token.type': 'output' } },
    ]);
    expect(ingestion.metric('gen_ai.client.operation.duration')).toMatchObject([
      { value: 1.2345, count: 1, min: 1.2345, max: 1.2345, properties: CALL },
    ]);
    expect(ingestion.metric('gen_ai.client.operation.time_to_first_chunk')).toMatchObject([
      { value: 0.25, properties: CALL },
    ]);
  });

  it.each([
    ['chat/completions', 'chat'],
    ['responses', 'chat'],
    ['completions', 'text_completion'],
    ['embeddings', 'embeddings'],
    ['images/generations', 'images/generations'],
  ])('call %s by the name %s', async (api, name) => {
    const ingestion = await measured(record({ api }));
    expect(ingestion.metric('gen_ai.client.operation.duration')[0]?.properties['gen_ai.operation.name']).toBe(name);
  });

  it('say why a call failed, and nothing of the kind where it did not', async () => {
    const ingestion = await measured(
      record(),
      record({ end: 'failing', status: 500 }),
      record({ end: 'error', errorCode: 'deadline_exceeded' }),
    );
    expect(
      ingestion.metric('gen_ai.client.operation.duration').map(({ properties }) => properties['error.type']),
    ).toEqual([undefined, 'failing', 'deadline_exceeded']);
  });

  it('tell of no call of a model where none was made', async () => {
    const ingestion = await measured(REFUSED);
    expect(ingestion.measured.filter(({ name }) => name.startsWith('gen_ai.'))).toEqual([]);
    expect(ingestion.metric('router.requests')).toMatchObject([
      { value: 1, properties: { account: 'clinic-7', end: 'error', code: 'quota_exceeded' } },
    ]);
  });

  it('say who pays how much for what', async () => {
    const ingestion = await measured(
      record(),
      record({ costNanoUsd: 200_000 }),
      record({ labels: { creator: 'otto' } }),
    );
    const { account, operation, model, agent } = LABELS;
    expect(ingestion.metric('router.cost').map(({ properties }) => properties)).toEqual([
      { account, creator: 'maria', operation, model, agent },
      { account, creator: 'otto', operation, model, agent },
    ]);
    expect(ingestion.sum('router.cost', { creator: 'maria' })).toBeCloseTo(0.002, 12);
    expect(ingestion.sum('router.cost', { creator: 'otto' })).toBeCloseTo(0.0018, 12);
    expect(ingestion.sum('router.tokens', { creator: 'maria', type: 'input' })).toBe(2_000);
  });

  it('count requests by account, agent, model, pool, end and code', async () => {
    const ingestion = await measured(record(), record(), record({ pool: null, end: 'refused', status: 400 }));
    expect(ingestion.metric('router.requests').map(({ value, properties }) => ({ value, ...properties }))).toEqual([
      {
        value: 2,
        account: 'clinic-7',
        agent: 'cpt_agent',
        model: 'gpt-4.1',
        pool: 'gpt-4.1',
        end: 'ok',
        code: 'none',
      },
      {
        value: 1,
        account: 'clinic-7',
        agent: 'cpt_agent',
        model: 'gpt-4.1',
        pool: 'none',
        end: 'refused',
        code: 'none',
      },
    ]);
  });

  it('count attempts, rate limits, each step of a failover and what it saved', async () => {
    const long = record({
      deployment: 'C/gpt-4.1',
      endpoint: 'C',
      attempts: [
        { deployment: 'A/gpt-4.1', outcome: 'throttled' },
        { deployment: 'B/gpt-4.1', outcome: 'failing' },
        { deployment: 'B/gpt-4.1', outcome: 'failing' },
        { deployment: 'C/gpt-4.1', outcome: 'ok' },
      ],
    });
    const lost = record({
      ...FAILED_OVER,
      end: 'error',
      deployment: null,
      attempts: [
        { deployment: 'A/gpt-4.1', outcome: 'throttled' },
        { deployment: 'B/gpt-4.1', outcome: 'throttled' },
      ],
    });
    const ingestion = await measured(record(), long, lost);
    expect(ingestion.sum('router.attempts', { ...PLACE, outcome: 'ok' })).toBe(1);
    expect(ingestion.sum('router.attempts', { deployment: 'B/gpt-4.1', outcome: 'failing' })).toBe(2);
    expect(ingestion.sum('router.attempts')).toBe(7);
    expect(ingestion.sum('router.rate_limited', { ...PLACE, agent: 'cpt_agent' })).toBe(2);
    expect(ingestion.sum('router.rate_limited', { endpoint: 'B' })).toBe(1);
    expect(ingestion.sum('router.rate_limited')).toBe(3);
    const step = { agent: 'cpt_agent', from: 'A/gpt-4.1', to: 'B/gpt-4.1', cause: 'throttled' };
    expect(ingestion.sum('router.failovers', step)).toBe(2);
    expect(ingestion.sum('router.failovers', { from: 'B/gpt-4.1', to: 'C/gpt-4.1', cause: 'failing' })).toBe(1);
    expect(ingestion.sum('router.failovers')).toBe(3);
    expect(ingestion.metric('router.failovers.successful')).toMatchObject([
      { value: 1, properties: { agent: 'cpt_agent', from: 'A/gpt-4.1', to: 'C/gpt-4.1' } },
    ]);
  });

  it('count estimates, unknown prices and answers from the cache', async () => {
    const ingestion = await measured(
      record({ estimated: true, costNanoUsd: null }),
      record({ attempts: [], deployment: null, endpoint: null, costNanoUsd: 0 }),
    );
    const payer = { account: 'clinic-7', model: 'gpt-4.1' };
    expect(ingestion.metric('router.requests.estimated')).toMatchObject([{ value: 1, properties: payer }]);
    expect(ingestion.metric('router.requests.unpriced')).toMatchObject([{ value: 1, properties: payer }]);
    expect(ingestion.metric('router.cache.hits')).toMatchObject([{ value: 1, properties: payer }]);
    expect(ingestion.metric('router.cost')).toEqual([]);
  });
});

describe('the sums', () => {
  it('of the token metrics are those of the records, and no part is counted twice', async () => {
    const records = Array.from({ length: 500 }, (_, at) =>
      record({
        labels: { agent: `agent-${at % 7}`, creator: `creator-${at % 5}`, account: `account-${at % 3}` },
        tokens: {
          prompt: 100 + at,
          cached: at % 90,
          completion: at % 60,
          reasoning: at % 13,
          promptAudio: at % 11,
          completionAudio: at % 5,
        },
        costNanoUsd: at * 1_001,
      }),
    );
    const ingestion = await measured(...records);
    const total = (of: (one: RequestRecord) => number): number => records.reduce((sum, one) => sum + of(one), 0);
    const input = total(({ tokens }) => tokens.prompt);
    const output = total(({ tokens }) => tokens.completion);
    expect(ingestion.sum('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toBe(input);
    expect(ingestion.sum('gen_ai.client.token.usage', { 'gen_ai.token.type': 'output' })).toBe(output);
    expect(ingestion.sum('gen_ai.client.token.usage')).toBe(input + output);
    expect(ingestion.sum('router.tokens', { type: 'input' })).toBe(input);
    expect(ingestion.sum('router.tokens', { type: 'output' })).toBe(output);
    expect(ingestion.sum('router.tokens')).toBe(input + output);
    expect(ingestion.sum('router.tokens.among', { type: 'cached' })).toBe(total(({ tokens }) => tokens.cached));
    expect(ingestion.sum('router.tokens.among', { type: 'reasoning' })).toBe(total(({ tokens }) => tokens.reasoning));
    expect(ingestion.sum('router.tokens.among', { type: 'input_audio' })).toBe(
      total(({ tokens }) => tokens.promptAudio),
    );
    expect(ingestion.sum('router.tokens.among', { type: 'output_audio' })).toBe(
      total(({ tokens }) => tokens.completionAudio),
    );
    expect(ingestion.sum('router.cost')).toBeCloseTo(total(({ costNanoUsd }) => costNanoUsd ?? 0) / 1e9, 9);
  });

  it.each([
    ['router.duration.bucket', 'durationMs'],
    ['router.first_chunk.bucket', 'firstChunkMs'],
  ] as const)('of %s give the percentiles back, to the bucket, over two instances', async (metric, field) => {
    const ms = Array.from({ length: 999 }, (_, at) => 20 + ((at * 7_919) % 999) ** 1.7);
    const made = ms.map((value) => record({ stream: true, durationMs: 1, firstChunkMs: 1, [field]: value }));
    const instances = await Promise.all([measured(...made.slice(0, 300)), measured(...made.slice(300))]);
    const counts = [...BOUNDS_S.map(String), BEYOND].map((le) =>
      instances.reduce((sum, ingestion) => sum + ingestion.sum(metric, { le, deployment: 'A/gpt-4.1' }), 0),
    );
    expect(counts.reduce((sum, count) => sum + count)).toBe(999);
    const sorted = ms.map((value) => value / 1_000).sort((one, other) => one - other);
    for (const share of [0.5, 0.95]) {
      const rank = Math.ceil(share * 999);
      let seen = 0;
      const at = counts.findIndex((count) => {
        seen += count;
        return seen >= rank;
      });
      const exact = sorted[rank - 1] ?? 0;
      expect(exact).toBeLessThanOrEqual(BOUNDS_S[at] ?? Number.POSITIVE_INFINITY);
      expect(exact).toBeGreaterThan(BOUNDS_S[at - 1] ?? 0);
    }
  });

  it('of the buckets are of those requests alone that a deployment served', async () => {
    const ingestion = await measured(record(), REFUSED, record({ end: 'failing' }), record({ deployment: null }));
    expect(ingestion.metric('router.duration.bucket')).toMatchObject([
      { value: 1, properties: { deployment: 'A/gpt-4.1', model: 'gpt-4.1', stream: 'false', le: '1.5' } },
    ]);
  });
});

describe('the cardinality', () => {
  it('of a label is bounded, and nothing is lost from the sums', async () => {
    const many = Array.from({ length: 1_000 }, (_, at) =>
      record({ labels: { agent: `agent-${at}`, creator: `creator-${at}`, model: `model-${at}` } }),
    );
    const ingestion = await measured(...many);
    for (const { name, dimensions } of Object.values(METRICS)) {
      for (const label of dimensions) {
        const values = new Set(ingestion.metric(name).map(({ properties }) => properties[label]));
        expect(values.size, `${name} by ${label}`).toBeLessThanOrEqual(201);
      }
    }
    const agents = new Set(ingestion.metric('router.requests').map(({ properties }) => properties['agent']));
    expect(agents.size).toBe(201);
    expect(agents).toContain('other');
    expect(ingestion.sum('router.requests')).toBe(1_000);
    expect(ingestion.sum('router.requests', { agent: 'other' })).toBe(800);
    expect(ingestion.sum('router.tokens', { type: 'input' })).toBe(1_000_000);
  });

  it('of combinations is bounded, and nothing is lost from the sums', async () => {
    const many = Array.from({ length: 10_000 }, (_, at) =>
      record({ labels: { agent: `agent-${at % 100}`, creator: `creator-${Math.floor(at / 100)}` } }),
    );
    const ingestion = await measured(...many);
    expect(ingestion.metric('router.cost').length).toBeLessThanOrEqual(2_000);
    expect(ingestion.sum('router.cost')).toBeCloseTo(18, 6);
    expect(ingestion.sum('router.tokens', { 'otel.metric.overflow': 'true' })).toBeGreaterThan(0);
    expect(ingestion.sum('router.tokens')).toBe(10_500_000);
  });
});
