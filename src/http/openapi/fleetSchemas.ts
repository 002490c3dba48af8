import { DEPLOYMENT_EVENTS } from '../../domain/event.ts';
import {
  amount,
  count,
  flag,
  instant,
  items,
  list,
  nullable,
  object,
  oneOf,
  ref,
  type Schema,
  text,
  told,
} from './schema.ts';

const STATES = ['closed', 'ramping', 'probing', 'throttled', 'open', 'halfOpen', 'misconfigured', 'drained'];
const WHY_THERE = ['home', 'defaultHome', 'moved', 'operator', 'pinned'];
const WHY_CANDIDATE = ['bound', 'named', 'home', 'defaultHome', 'assigned', 'pinned', 'strategy'];
const SKIPPED_FOR = ['throttled', 'open', 'halfOpen', 'misconfigured', 'drained', 'failoverOff'];
const TIERS = ['premium', 'standard', 'economy'];
const share: Schema = { type: 'number', minimum: 0, maximum: 1 };

const standing = {
  state: oneOf(STATES),
  until: told(nullable(instant), 'when it is expected back, as far as anybody can tell'),
  since: nullable(instant),
  cause: nullable(text),
};

const tier = {
  tier: nullable(oneOf(TIERS)),
  downgradedFrom: nullable(oneOf(TIERS)),
};
const lowered = nullable(oneOf(['plan', 'unavailable']));

const event = { at: instant, instance: text };

/** Deployments, pools, agents, the store, and what happens to them. */
export const FLEET_SCHEMAS: Readonly<Record<string, Schema>> = {
  Deployment: object({
    id: text,
    endpoint: text,
    region: nullable(text),
    name: text,
    model: nullable(text),
    kind: oneOf(['standard', 'ptu']),
    ...standing,
    failures: told(count, 'that count against it, in the whole fleet'),
    latencyMs: told(nullable(amount), 'to the first byte, smoothed'),
    headroom: told(nullable(share), 'the share of its rate limit that is left; null: it does not say'),
  }),
  Deployments: items(ref('Deployment')),
  Pool: object({
    name: text,
    strategy: text,
    total_endpoints: count,
    current_endpoint: nullable(text),
    current_type: nullable(oneOf(['primary', 'backup'])),
    current_index: nullable(count),
    failed_endpoints: list(text),
    available_backups: list(text),
    has_backups: flag,
  }),
  Pools: items(ref('Pool')),
  Agent: object({
    agent: text,
    home: nullable(text),
    assignment: told(nullable(text), 'the deployment it is stuck to'),
    why: nullable(oneOf(WHY_THERE)),
    cause: nullable(text),
    from: nullable(text),
    since: nullable(instant),
    returnAt: told(nullable(instant), 'when it goes home; null where it is pinned, or at home'),
    pinned: flag,
    failures: count,
    lastFailedAt: nullable(instant),
  }),
  Agents: items(ref('Agent')),
  Assignment: object({ deployment: text }, { pinned: flag }),
  Store: object({
    kind: oneOf(['memory', 'tables']),
    shared: flag,
    healthy: flag,
    since: nullable(instant),
    lastReadAt: nullable(instant),
    problem: nullable(text),
    instances: told(count, 'about how many share it'),
  }),
  Status: object({
    at: instant,
    defaultPool: nullable(text),
    pools: list(ref('Pool')),
    deployments: list(ref('Deployment')),
    agents: list(ref('Agent')),
    store: ref('Store'),
    failovers: told(
      nullable(list(ref('Event'))),
      'as /router/failovers has them; of the last day, at most 100; null: not known now',
    ),
    usage: told(nullable(ref('UsageToday')), 'of the fleet, today (UTC), at most 10 s old; null: not known now'),
    quotas: told(nullable(list(ref('Quota'))), 'of at most 100 accounts; null: not known now'),
    keys: told(nullable(list(ref('Key'))), 'null: not known now'),
  }),
  Event: {
    oneOf: [
      object(
        { kind: oneOf(['failover']), agent: text, from: text, to: text, cause: text, count, ...event },
        { requestId: told(text, 'of the latest of them') },
      ),
      object({ kind: oneOf(['agentMoved']), agent: text, from: nullable(text), to: text, cause: text, ...event }),
      object({ kind: oneOf(['agentReturned']), agent: text, from: text, cause: text, ...event }),
      object({ kind: oneOf(DEPLOYMENT_EVENTS), deployment: text, until: nullable(instant), cause: text, ...event }),
    ],
  },
  Events: items(ref('Event')),
  Question: {
    ...object(
      { path: told(text, 'of the data plane, such as /openai/v1/chat/completions') },
      {
        headers: { type: 'object', additionalProperties: text },
        body: told({}, 'JSON, or text as it would be sent'),
      },
    ),
    additionalProperties: true,
  },
  Explanation: object({
    name: nullable(text),
    agent: text,
    sticky: nullable(
      object({
        deployment: text,
        why: oneOf(['home', 'defaultHome', 'assigned', 'pinned']),
        movedFrom: nullable(text),
      }),
    ),
    pool: nullable(text),
    ...tier,
    reason: lowered,
    failoverOn: list(oneOf(['throttled', 'failing', 'misconfigured'])),
    candidates: list(
      object(
        { deployment: text, why: oneOf(WHY_CANDIDATE), probe: flag, ramping: flag, ...standing },
        { ...tier, reason: lowered },
      ),
    ),
    skipped: list(object({ deployment: text, reason: oneOf(SKIPPED_FOR), ...standing }, tier)),
  }),
};
