import { ERROR_CODES } from '../../domain/errors.ts';
import {
  amount,
  anything,
  count,
  flag,
  instant,
  list,
  nullable,
  object,
  oneOf,
  ref,
  type Schema,
  text,
  told,
  usd,
} from './schema.ts';

const OUTCOMES = ['ok', 'throttled', 'failing', 'misconfigured', 'filtered', 'refused', 'aborted'];
const ERROR_TYPES = [
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'rate_limit_error',
  'server_error',
];

const shares = list(ref('ActivityShare'));
const figures = { promptTokens: count, cachedTokens: count, completionTokens: count };

/** The overview, probes, and what all answers share. */
export const LOOK_SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: object({
    error: object({
      message: text,
      type: oneOf(ERROR_TYPES),
      code: oneOf(ERROR_CODES),
      param: told(nullable(text), 'the field or header that is wrong'),
    }),
  }),
  Liveness: object({ status: { type: 'string', const: 'ok' } }),
  Readiness: object({ status: { type: 'string', const: 'ready' } }),
  Unconfigured: object({
    status: { type: 'string', const: 'unconfigured' },
    faults: told({ anyOf: [count, list({ type: 'object' })] }, 'how many; to admins, which'),
  }),
  Overview: object({
    at: instant,
    instance: told(text, 'the instance that answers; activity is what it has seen itself'),
    startedAt: instant,
    store: ref('Store'),
    deployments: list(ref('Deployment')),
    pools: list(ref('Pool')),
    agents: list(ref('Agent')),
    events: told(list(ref('OverviewEvent')), 'of the last day, newest first, at most 100'),
    quotas: told(list(ref('Quota')), 'of at most 100 accounts'),
    activity: ref('Activity'),
  }),
  OverviewEvent: object({
    at: instant,
    kind: text,
    agent: nullable(text),
    deployment: nullable(text),
    from: nullable(text),
    to: nullable(text),
    cause: nullable(text),
    count,
    until: nullable(instant),
  }),
  Activity: object({
    minutes: { type: 'array', items: ref('ActivityMinute'), minItems: 60, maxItems: 60 },
    deployments: told(list(ref('DeploymentActivity')), 'the last five minutes'),
    by: object({ creator: shares, model: shares, operation: shares, agent: shares, account: shares }),
    cache: object({ hits: count, misses: count }),
  }),
  ActivityMinute: object({
    at: instant,
    requests: count,
    failed: told(count, 'requests that did not get what they asked for, and not by their own fault'),
    throttled: told(count, 'requests that a deployment answered with 429, whoever served them then'),
    failovers: told(count, 'times that a request went on to another deployment'),
    ...figures,
    costUsd: usd,
  }),
  DeploymentActivity: object({
    deployment: text,
    attempts: count,
    throttled: count,
    failed: count,
    p50Ms: nullable(amount),
    p95Ms: nullable(amount),
    tokens: count,
  }),
  ActivityShare: object({ name: text, requests: count, tokens: count, cachedTokens: count, costUsd: usd }),
  ProbeOrder: object(
    {},
    {
      deployments: told({ type: ['array', 'null'], items: text, minItems: 1 }, 'absent: all'),
      completion: told(flag, 'a completion of one token, which is billed, instead of a list of models'),
      record: told(flag, 'whether what is found counts as what an attempt finds does'),
    },
  ),
  Probes: object({ results: list(ref('ProbeResult')) }),
  ProbeResult: object({
    deployment: text,
    checkedBy: oneOf(['models', 'completion']),
    ok: told(flag, 'as far as this call can tell'),
    reachable: nullable(flag),
    authenticated: nullable(flag),
    deploymentChecked: told(flag, 'whether the call could tell if the deployment exists: a list of models cannot'),
    deploymentExists: nullable(flag),
    latencyMs: count,
    status: nullable(count),
    outcome: oneOf(OUTCOMES),
    cause: text,
    recorded: flag,
    usage: nullable(object({ ...figures, reasoningTokens: count, costUsd: nullable(usd) })),
  }),
  Anything: anything,
  Model: object({
    id: text,
    object: { type: 'string', const: 'model' },
    created: count,
    owned_by: oneOf(['pool', 'deployment', 'router']),
  }),
  Models: object({ object: { type: 'string', const: 'list' }, data: list(ref('Model')) }),
};
