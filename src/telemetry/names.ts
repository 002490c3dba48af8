/** Every name under which the router tells something to Application Insights; docs/telemetry.md explains each (a test compares). */

export interface MetricName {
  readonly name: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
  readonly unit: string;
  readonly dimensions: readonly string[];
}

const MODEL_CALL = [
  'gen_ai.operation.name',
  'gen_ai.provider.name',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'server.address',
] as const;
const PAYER = ['account', 'creator', 'operation', 'model', 'agent'] as const;

export const METRICS = {
  // As OpenTelemetry's conventions for generative AI have them.
  tokenUsage: metric('gen_ai.client.token.usage', 'histogram', '{token}', [...MODEL_CALL, 'gen_ai.token.type']),
  callDuration: metric('gen_ai.client.operation.duration', 'histogram', 's', [...MODEL_CALL, 'error.type']),
  firstChunk: metric('gen_ai.client.operation.time_to_first_chunk', 'histogram', 's', MODEL_CALL),
  // The router's own.
  requests: metric('router.requests', 'counter', '{request}', ['account', 'agent', 'model', 'pool', 'end', 'code']),
  tokens: metric('router.tokens', 'counter', '{token}', [...PAYER, 'type']),
  tokensAmong: metric('router.tokens.among', 'counter', '{token}', [...PAYER, 'type']),
  cost: metric('router.cost', 'counter', 'USD', PAYER),
  estimated: metric('router.requests.estimated', 'counter', '{request}', ['account', 'model']),
  unpriced: metric('router.requests.unpriced', 'counter', '{request}', ['account', 'model']),
  cacheHits: metric('router.cache.hits', 'counter', '{request}', ['account', 'model']),
  attempts: metric('router.attempts', 'counter', '{attempt}', ['endpoint', 'deployment', 'outcome']),
  rateLimited: metric('router.rate_limited', 'counter', '{attempt}', ['endpoint', 'deployment', 'agent']),
  failovers: metric('router.failovers', 'counter', '{failover}', ['agent', 'from', 'to', 'cause']),
  savedByFailover: metric('router.failovers.successful', 'counter', '{request}', ['agent', 'from', 'to']),
  durationBuckets: metric('router.duration.bucket', 'counter', '{request}', ['deployment', 'model', 'stream', 'le']),
  firstChunkBuckets: metric('router.first_chunk.bucket', 'counter', '{request}', ['deployment', 'model', 'le']),
  streamsBroken: metric('router.streams.broken', 'counter', '{stream}', ['endpoint', 'deployment']),
  transitions: metric('router.deployment.transitions', 'counter', '{transition}', ['deployment', 'kind']),
  credentialsRefused: metric('router.credentials.refused', 'counter', '{request}', []),
  credentialsThrottled: metric('router.credentials.throttled', 'counter', '{request}', []),
  usageLost: metric('router.usage.lost', 'counter', '{request}', []),
  dropped: metric('router.telemetry.dropped', 'counter', '{record}', []),
  deploymentState: metric('router.deployment.state', 'gauge', '1', ['deployment', 'state']),
  agentsAway: metric('router.deployment.agents', 'gauge', '{agent}', ['deployment']),
  quotaRemaining: metric('router.quota.remaining', 'gauge', '1', ['account', 'quota']),
  quotaLimit: metric('router.quota.limit', 'gauge', '1', ['account', 'quota']),
  storeHealthy: metric('router.store.healthy', 'gauge', '1', []),
  instances: metric('router.instances', 'gauge', '{instance}', []),
} as const satisfies Readonly<Record<string, MetricName>>;

export type MetricKey = keyof typeof METRICS;

/** Custom events: name -> dimensions. */
export const EVENTS = {
  failover: ['agent', 'from', 'to', 'cause', 'count', 'instance'],
  agentMoved: ['agent', 'from', 'to', 'cause', 'instance'],
  agentReturned: ['agent', 'from', 'cause', 'instance'],
  opened: ['deployment', 'until', 'cause', 'instance'],
  probed: ['deployment', 'until', 'cause', 'instance'],
  closed: ['deployment', 'until', 'cause', 'instance'],
  rested: ['deployment', 'until', 'cause', 'instance'],
  misconfigured: ['deployment', 'until', 'cause', 'instance'],
  mended: ['deployment', 'until', 'cause', 'instance'],
  drained: ['deployment', 'until', 'cause', 'instance'],
  restored: ['deployment', 'until', 'cause', 'instance'],
  quotaRunsLow: ['account', 'quota', 'used', 'limit', 'resetsAt', 'instance'],
  priceUnknown: ['model', 'deployment', 'instance'],
  usageLost: ['requests', 'instance'],
  storeLost: ['problem', 'instance'],
  storeFound: ['lostForMs', 'instance'],
  fault: ['requestId', 'error', 'instance'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type EventName = keyof typeof EVENTS;

function metric<D extends string>(name: string, kind: MetricName['kind'], unit: string, dimensions: readonly D[]) {
  return { name, kind, unit, dimensions };
}
