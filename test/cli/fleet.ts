/** What the scripted control plane answers: typed as the real one does, so that neither can move on without the other. */

import type {
  AgentAnswer,
  EventAnswer,
  ExplainAnswer,
  KeyAnswer,
  ProbeAnswer,
  QuotaAnswer,
  StatusAnswer,
  UsageAnswer,
} from '../../src/cli/answers.ts';
import type { agentView, eventView } from '../../src/http/agents.ts';
import type { explain } from '../../src/http/explain.ts';
import type { keyView } from '../../src/http/keys.ts';
import type { routerStatus } from '../../src/http/status.ts';
import type { ProbeResult } from '../../src/relay/probe.ts';
import type { UsageReport } from '../../src/usage/port.ts';

type Status = ReturnType<typeof routerStatus>;
type Deployment = Status['deployments'][number];
type Agent = ReturnType<typeof agentView>;

const AT = '2026-11-21T12:02:56.000Z';
const CLOSED = { state: 'closed', until: null, since: null, cause: null, failures: 0 } as const;

function deployment(
  id: 'A/gpt-4.1' | 'B/gpt-4.1' | 'C/gpt-4o',
  region: string,
  more: Partial<Deployment> = {},
): Deployment {
  const [endpoint = '', name = ''] = id.split('/');
  return {
    id,
    endpoint,
    region,
    name,
    model: name,
    kind: 'standard',
    latencyMs: 412.3,
    headroom: 0.82,
    ...CLOSED,
    ...more,
  };
}

const RESTING: Partial<Deployment> = {
  state: 'throttled',
  until: '2026-11-21T12:03:10.000Z',
  headroom: 0,
  latencyMs: 655,
};
const OPEN: Partial<Deployment> = {
  state: 'open',
  until: '2026-11-21T12:05:00.000Z',
  cause: 'status 503',
  failures: 5,
  headroom: null,
};

const AT_HOME: Agent = {
  agent: 'cpt_agent',
  home: 'A/gpt-4.1',
  assignment: 'A/gpt-4.1',
  why: 'home',
  cause: null,
  from: null,
  since: null,
  returnAt: null,
  pinned: false,
  failures: 0,
  lastFailedAt: null,
};
export const MOVED: Agent = {
  ...AT_HOME,
  agent: 'icd_agent',
  assignment: 'B/gpt-4.1',
  why: 'moved',
  cause: 'throttled, throttled, failing',
  from: 'A/gpt-4.1',
  since: '2026-11-21T12:01:00.000Z',
  returnAt: '2026-11-21T12:06:00.000Z',
};
export const PINNED: Agent = {
  ...AT_HOME,
  assignment: 'B/gpt-4.1',
  why: 'pinned',
  cause: 'by an operator',
  from: 'A/gpt-4.1',
  since: AT,
  pinned: true,
};
export const AGENTS = { items: [AT_HOME, MOVED] };

const POOL: Status['pools'][number] = {
  name: 'gpt-4.1',
  strategy: 'priority',
  total_endpoints: 2,
  current_endpoint: 'A/gpt-4.1',
  current_type: 'primary',
  current_index: 0,
  failed_endpoints: [],
  available_backups: ['B/gpt-4.1'],
  has_backups: true,
};
const SECOND: Status['pools'][number] = {
  ...POOL,
  name: 'gpt-4o',
  total_endpoints: 1,
  current_endpoint: 'C/gpt-4o',
  available_backups: [],
  has_backups: false,
};

export const WELL: Status = {
  at: AT,
  defaultPool: 'gpt-4.1',
  pools: [POOL, SECOND],
  deployments: [
    deployment('A/gpt-4.1', 'eastus2'),
    deployment('B/gpt-4.1', 'westeurope', { kind: 'ptu' }),
    deployment('C/gpt-4o', 'swedencentral'),
  ],
  agents: [AT_HOME],
  store: {
    kind: 'tables',
    shared: true,
    healthy: true,
    since: '2026-11-21T08:00:00.000Z',
    lastReadAt: AT,
    problem: null,
    instances: 3,
  },
};

export const TROUBLED: Status = {
  ...WELL,
  pools: [
    {
      ...POOL,
      current_endpoint: 'B/gpt-4.1',
      current_type: 'backup',
      current_index: 1,
      failed_endpoints: ['A/gpt-4.1'],
    },
    { ...SECOND, current_endpoint: null, current_type: null, current_index: null, failed_endpoints: ['C/gpt-4o'] },
  ],
  deployments: [
    deployment('A/gpt-4.1', 'eastus2', RESTING),
    deployment('B/gpt-4.1', 'westeurope', { kind: 'ptu' }),
    deployment('C/gpt-4o', 'swedencentral', OPEN),
  ],
  agents: [AT_HOME, MOVED],
  store: { ...WELL.store, healthy: false, since: '2026-11-21T12:00:00.000Z', problem: 'ECONNREFUSED' },
};

export const DRAINED: Deployment = deployment('A/gpt-4.1', 'eastus2', { state: 'drained', since: AT });
export const RESTORED: Deployment = deployment('A/gpt-4.1', 'eastus2');

export const EVENTS = {
  items: [
    {
      kind: 'failover',
      agent: 'icd_agent',
      from: 'A/gpt-4.1',
      to: 'B/gpt-4.1',
      cause: 'throttled',
      count: 3,
      at: '2026-11-21T12:02:50.000Z',
      instance: 'i1',
    },
    {
      kind: 'agentMoved',
      agent: 'icd_agent',
      from: 'A/gpt-4.1',
      to: 'B/gpt-4.1',
      cause: 'throttled, throttled, failing',
      at: '2026-11-21T12:01:00.000Z',
      instance: 'i1',
    },
    {
      kind: 'opened',
      deployment: 'C/gpt-4o',
      cause: 'status 503',
      at: '2026-11-21T12:00:00.000Z',
      until: '2026-11-21T12:05:00.000Z',
      instance: 'i2',
    },
    {
      kind: 'drained',
      deployment: 'B/gpt-4.1',
      cause: 'by an operator',
      at: '2026-11-20T18:30:00.000Z',
      until: null,
      instance: 'i2',
    },
  ] satisfies ReturnType<typeof eventView>[],
};

const KEY: ReturnType<typeof keyView> = {
  id: '6wnt6ahtxv',
  account: 'clinic-7',
  plan: null,
  agent: 'cpt_agent',
  creator: null,
  operation: null,
  pools: ['gpt-4.1'],
  createdAt: AT,
  expiresAt: '2026-12-21T12:02:56.000Z',
  expired: false,
};
export const MADE = { ...KEY, key: 'aor_6wnt6ahtxv_the-secret-part-of-the-key' };
export const REVOKED = { ...KEY, revoked: true };
export const KEYS = {
  items: [
    { ...KEY, createdAt: '2026-11-14T09:00:00.000Z' },
    {
      ...KEY,
      id: 'p2kd81mmzq',
      account: 'clinic-9',
      plan: 'free',
      agent: null,
      pools: null,
      createdAt: '2026-09-01T09:00:00.000Z',
      expiresAt: '2026-11-01T00:00:00.000Z',
      expired: true,
    },
  ],
};

export const QUOTAS = {
  items: [
    {
      account: 'clinic-7',
      quota: 'tokensPerMinute',
      limit: 20_000,
      used: 12_400,
      reserved: 1_200,
      remaining: 6_400,
      resetsAt: '2026-11-21T12:03:00.000Z',
    },
    {
      account: 'clinic-7',
      quota: 'usdPerMonth',
      limit: 500,
      used: 471.2,
      reserved: 0.5,
      remaining: 28.3,
      resetsAt: '2026-12-01T00:00:00.000Z',
    },
  ],
};

const SUM = {
  requests: 1_204,
  promptTokens: 2_210_000,
  cachedTokens: 840_000,
  completionTokens: 310_500,
  reasoningTokens: 0,
  totalTokens: 2_520_500,
  costUsd: 5.644,
  estimatedRequests: 2,
  unpricedRequests: 0,
};
const FEW = {
  ...SUM,
  requests: 12,
  promptTokens: 4_100,
  cachedTokens: 0,
  completionTokens: 900,
  totalTokens: 5_000,
  costUsd: 0.0154,
  estimatedRequests: 0,
  unpricedRequests: 3,
};
export const USED = {
  from: '2026-11-01',
  to: '2026-11-21',
  by: ['creator', 'model'],
  rows: [
    { creator: 'dr-lee', model: 'gpt-4.1', ...SUM },
    { creator: 'unknown_creator', model: 'gpt-4o', ...FEW },
  ],
  total: {
    ...SUM,
    requests: 1_216,
    promptTokens: 2_214_100,
    completionTokens: 311_400,
    totalTokens: 2_525_500,
    costUsd: 5.6594,
    unpricedRequests: 3,
  },
} satisfies UsageReport & Pick<UsageAnswer, 'from' | 'to' | 'by'>;
export const USED_CSV = 'creator,model,requests,costUsd\r\ndr-lee,gpt-4.1,1204,5.644000000\r\n';

const PLACE = { state: 'closed', until: null, since: null, cause: null } as const;
export const EXPLAINED: Awaited<ReturnType<typeof explain>> = {
  name: 'gpt-4.1',
  agent: 'icd_agent',
  sticky: { deployment: 'B/gpt-4.1', why: 'assigned', movedFrom: 'A/gpt-4.1' },
  pool: 'gpt-4.1',
  tier: 'standard',
  downgradedFrom: 'premium',
  reason: 'plan',
  failoverOn: ['throttled', 'failing', 'misconfigured'],
  candidates: [
    { deployment: 'B/gpt-4.1', why: 'assigned', probe: false, ramping: false, ...PLACE },
    {
      deployment: 'C/gpt-4o',
      why: 'strategy',
      probe: true,
      ramping: false,
      ...PLACE,
      state: 'probing',
      cause: 'status 503',
    },
  ],
  skipped: [
    { deployment: 'A/gpt-4.1', reason: 'throttled', ...PLACE, state: 'throttled', until: '2026-11-21T12:03:10.000Z' },
  ],
};

const PROBED: Omit<ProbeResult, 'usage'> = {
  deployment: 'A/gpt-4.1',
  checkedBy: 'models',
  ok: true,
  reachable: true,
  authenticated: true,
  deploymentChecked: false,
  deploymentExists: null,
  latencyMs: 41,
  status: 200,
  outcome: 'ok',
  cause: 'status 200',
  recorded: false,
};
export const PROBES = {
  results: [
    { ...PROBED, usage: null },
    {
      ...PROBED,
      deployment: 'B/gpt-4.1',
      ok: false,
      authenticated: false,
      latencyMs: 38.4,
      status: 401,
      outcome: 'misconfigured',
      cause: 'status 401',
      usage: null,
    },
    {
      ...PROBED,
      deployment: 'C/gpt-4o',
      ok: false,
      reachable: false,
      authenticated: null,
      latencyMs: 3_000,
      status: null,
      outcome: 'failing',
      cause: 'connect timeout',
      usage: null,
    },
  ],
};

/** What the command line takes these for. */
export const UNDERSTOOD = {
  status: [WELL, TROUBLED] satisfies StatusAnswer[],
  agents: AGENTS.items satisfies AgentAnswer[],
  events: EVENTS.items satisfies EventAnswer[],
  keys: KEYS.items satisfies KeyAnswer[],
  quotas: QUOTAS.items satisfies QuotaAnswer[],
  usage: USED as unknown as UsageAnswer,
  explain: EXPLAINED satisfies ExplainAnswer,
  probes: PROBES satisfies ProbeAnswer,
};
