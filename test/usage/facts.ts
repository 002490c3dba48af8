/** Deployments and records as tests need them. */
import type { Deployment } from '../../src/domain/deployment.ts';
import { NO_TOKENS, type RequestRecord, type Tokens, type UsageLabels } from '../../src/domain/usage.ts';

export function deployment(facts: Partial<Deployment> = {}): Deployment {
  const { name = 'chat', model = null, kind = 'standard' } = facts;
  return { id: `A/${name}-${model ?? 'unsaid'}-${kind}`, endpoint: 'A', name, model, kind, price: null, ...facts };
}

export function tokens(facts: Partial<Tokens>): Tokens {
  return { ...NO_TOKENS, ...facts };
}

export const LABELS: UsageLabels = {
  account: 'clinic-7',
  agent: 'cpt_agent',
  creator: 'anna',
  operation: 'coding',
  model: 'gpt-4.1',
};

export function record(
  at: number,
  facts: Partial<RequestRecord> & { readonly as?: Partial<UsageLabels> } = {},
): RequestRecord {
  const { as = {}, ...rest } = facts;
  return {
    requestId: 'r1',
    at,
    labels: { ...LABELS, ...as },
    api: 'chat/completions',
    pool: 'gpt-4.1',
    tier: null,
    deployment: 'A/chat',
    endpoint: 'A',
    responseModel: 'gpt-4.1-2025-04-14',
    status: 200,
    end: 'ok',
    errorCode: null,
    retryAfterMs: null,
    stream: false,
    attempts: [{ deployment: 'A/chat', outcome: 'ok' }],
    tokens: tokens({ prompt: 100, cached: 40, completion: 20, reasoning: 5 }),
    costNanoUsd: 1_000,
    estimated: false,
    durationMs: 10,
    firstChunkMs: null,
    ...rest,
  };
}
