import type { Tokens } from '../../src/domain/usage.ts';
import { NO_TOKENS, type RequestRecord, type UsageLabels } from '../../src/domain/usage.ts';

export const LABELS: UsageLabels = {
  account: 'clinic-7',
  agent: 'cpt_agent',
  creator: 'maria',
  operation: 'coding',
  model: 'gpt-4.1',
};

export const TOKENS: Tokens = { ...NO_TOKENS, prompt: 1_000, cached: 400, completion: 50, reasoning: 20 };

type Parts = Partial<Omit<RequestRecord, 'labels' | 'tokens'>> & {
  readonly labels?: Partial<UsageLabels>;
  readonly tokens?: Partial<Tokens>;
};

/** A request that A/gpt-4.1 served at once, but for what is said otherwise. */
export function record({ labels = {}, tokens = {}, ...parts }: Parts = {}): RequestRecord {
  return {
    requestId: 'request-1',
    at: Date.UTC(2026, 10, 21, 12),
    api: 'chat/completions',
    pool: 'gpt-4.1',
    tier: null,
    deployment: 'A/gpt-4.1',
    endpoint: 'A',
    responseModel: 'gpt-4.1-2025-04-14',
    status: 200,
    end: 'ok',
    errorCode: null,
    retryAfterMs: null,
    stream: false,
    attempts: [{ deployment: 'A/gpt-4.1', outcome: 'ok' }],
    costNanoUsd: 1_800_000,
    estimated: false,
    durationMs: 1_234.5,
    firstChunkMs: null,
    ...parts,
    labels: { ...LABELS, ...labels },
    tokens: { ...TOKENS, ...tokens },
  };
}

/** It went from A, which was throttled, to B. */
export const FAILED_OVER = record({
  deployment: 'B/gpt-4.1',
  endpoint: 'B',
  attempts: [
    { deployment: 'A/gpt-4.1', outcome: 'throttled' },
    { deployment: 'B/gpt-4.1', outcome: 'ok' },
  ],
});

/** Refused at the door: nobody was asked. */
export const REFUSED = record({
  deployment: null,
  endpoint: null,
  responseModel: null,
  status: 429,
  end: 'error',
  errorCode: 'quota_exceeded',
  retryAfterMs: 2_500,
  attempts: [],
  tokens: NO_TOKENS,
  costNanoUsd: 0,
  durationMs: 1,
});
