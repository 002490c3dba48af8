import { NANO_USD, type RequestRecord } from '../../domain/usage.ts';
import { bucketOf } from '../buckets.ts';
import { endpointOf } from '../endpoint.ts';
import { METRICS } from '../names.ts';
import type { Add, Instruments } from './instruments.ts';

const NONE = 'none';

/** The conventions' names of the API's operations; what has none keeps its own. */
const OPERATIONS: Readonly<Record<string, string>> = {
  'chat/completions': 'chat',
  responses: 'chat',
  completions: 'text_completion',
};

type Count = (record: RequestRecord) => void;

/** Everything that a request's end is counted under. */
export function createRequestMeter(instruments: Instruments): Count {
  const counts = [countRequest, countTokens, countModelCall, countBuckets, countAttempts, countFailovers].map(
    (create) => create(instruments),
  );
  return (record) => {
    for (const count of counts) count(record);
  };
}

function countRequest({ counter }: Instruments): Count {
  const requests = counter(METRICS.requests);
  const estimated = counter(METRICS.estimated);
  const unpriced = counter(METRICS.unpriced);
  const cacheHits = counter(METRICS.cacheHits);
  return (record) => {
    const { account, agent, model } = record.labels;
    requests(1, { account, agent, model, pool: record.pool ?? NONE, end: record.end, code: record.errorCode ?? NONE });
    if (record.estimated) estimated(1, { account, model });
    if (record.costNanoUsd === null) unpriced(1, { account, model });
    if (isCacheHit(record)) cacheHits(1, { account, model });
  };
}

/** Nobody was asked, and yet there was an answer. */
function isCacheHit({ end, attempts }: RequestRecord): boolean {
  return end === 'ok' && attempts.length === 0;
}

function countTokens({ counter }: Instruments): Count {
  const tokens = counter(METRICS.tokens);
  const among = counter(METRICS.tokensAmong);
  const cost = counter(METRICS.cost);
  return ({ labels, tokens: used, costNanoUsd }) => {
    const { account, creator, operation, model, agent } = labels;
    const payer = { account, creator, operation, model, agent };
    const add = (to: Add, type: string, value: number): void => {
      if (value > 0) to(value, { ...payer, type });
    };
    add(tokens, 'input', used.prompt);
    add(tokens, 'output', used.completion);
    // Parts of the above, apart from them so that nobody counts them twice.
    add(among, 'cached', used.cached);
    add(among, 'reasoning', used.reasoning);
    add(among, 'input_audio', used.promptAudio);
    add(among, 'output_audio', used.completionAudio);
    if (costNanoUsd !== null) cost(costNanoUsd * NANO_USD, payer);
  };
}

function countModelCall({ histogram }: Instruments): Count {
  const usage = histogram(METRICS.tokenUsage);
  const duration = histogram(METRICS.callDuration);
  const firstChunk = histogram(METRICS.firstChunk);
  return (record) => {
    // What was refused at the door, or came from the cache, was no call of a model.
    if (record.attempts.length === 0) return;
    const { tokens, end, errorCode, firstChunkMs } = record;
    const call = callAttributes(record);
    if (tokens.prompt > 0) usage(tokens.prompt, { ...call, 'gen_ai.token.type': 'input' });
    if (tokens.completion > 0) usage(tokens.completion, { ...call, 'gen_ai.token.type': 'output' });
    duration(inSeconds(record.durationMs), end === 'ok' ? call : { ...call, 'error.type': errorCode ?? end });
    if (firstChunkMs !== null) firstChunk(inSeconds(firstChunkMs), call);
  };
}

function callAttributes({ api, labels, responseModel, endpoint }: RequestRecord): Record<string, string> {
  return {
    'gen_ai.operation.name': OPERATIONS[api] ?? api,
    'gen_ai.provider.name': 'azure.ai.openai',
    'gen_ai.request.model': labels.model,
    'gen_ai.response.model': responseModel ?? NONE,
    'server.address': endpoint ?? NONE,
  };
}

/** Only what was served: a refusal within a millisecond says nothing about a deployment's pace. */
function countBuckets({ counter }: Instruments): Count {
  const durations = counter(METRICS.durationBuckets);
  const firstChunks = counter(METRICS.firstChunkBuckets);
  return ({ deployment, labels, stream, end, durationMs, firstChunkMs }) => {
    if (deployment === null || end !== 'ok') return;
    const { model } = labels;
    durations(1, { deployment, model, stream: String(stream), le: bucketOf(inSeconds(durationMs)) });
    if (firstChunkMs !== null) firstChunks(1, { deployment, model, le: bucketOf(inSeconds(firstChunkMs)) });
  };
}

function countAttempts({ counter }: Instruments): Count {
  const attempts = counter(METRICS.attempts);
  const rateLimited = counter(METRICS.rateLimited);
  return ({ attempts: made, labels }) => {
    for (const { deployment, outcome } of made) {
      const endpoint = endpointOf(deployment);
      attempts(1, { endpoint, deployment, outcome });
      if (outcome === 'throttled') rateLimited(1, { endpoint, deployment, agent: labels.agent });
    }
  };
}

/** Each step from one deployment to another is a failover; a repeat on the same one is not. */
function countFailovers({ counter }: Instruments): Count {
  const failovers = counter(METRICS.failovers);
  const successful = counter(METRICS.savedByFailover);
  return ({ attempts, labels: { agent }, deployment, end }) => {
    for (const [at, { deployment: to }] of attempts.entries()) {
      const before = attempts[at - 1];
      if (before === undefined || before.deployment === to) continue;
      failovers(1, { agent, from: before.deployment, to, cause: before.outcome });
    }
    const from = attempts[0]?.deployment;
    if (end === 'ok' && from !== undefined && deployment !== null && from !== deployment)
      successful(1, { agent, from, to: deployment });
  };
}

function inSeconds(ms: number): number {
  return ms / 1000;
}
