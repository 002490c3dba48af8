/** Overviews to say things about: a healthy fleet, and whatever a test makes of it. */
import type {
  Activity,
  ActivityMinute,
  Overview,
  OverviewAgent,
  OverviewDeployment,
  OverviewEvent,
  OverviewPool,
} from '../../src/domain/overview.ts';

export const NOW = Date.parse('2026-11-21T03:10:00Z');

export function deployment(id: string, changes: Partial<OverviewDeployment> = {}): OverviewDeployment {
  const [endpoint = '', name = ''] = id.split('/');
  return {
    id,
    endpoint,
    name,
    region: 'eastus2',
    model: name,
    kind: 'standard',
    state: 'closed',
    until: null,
    since: null,
    cause: null,
    failures: 0,
    latencyMs: null,
    headroom: null,
    ...changes,
  };
}

export function agent(name: string, changes: Partial<OverviewAgent> = {}): OverviewAgent {
  return {
    agent: name,
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
    ...changes,
  };
}

export function moved(name: string): OverviewAgent {
  return agent(name, { assignment: 'B/gpt-4.1', why: 'moved', cause: 'throttled', from: 'A/gpt-4.1', since: at(-60) });
}

export function event(kind: string, changes: Partial<OverviewEvent> = {}): OverviewEvent {
  return {
    at: at(-30),
    kind,
    agent: null,
    deployment: null,
    from: null,
    to: null,
    cause: null,
    count: 1,
    until: null,
    ...changes,
  };
}

export function pool(name: string, changes: Partial<OverviewPool> = {}): OverviewPool {
  return {
    name,
    strategy: 'priority',
    total_endpoints: 2,
    current_endpoint: 'A/gpt-4.1',
    current_type: 'primary',
    current_index: 0,
    failed_endpoints: [],
    available_backups: ['B/gpt-4.1'],
    has_backups: true,
    ...changes,
  };
}

/** So many seconds from now. */
export function at(seconds: number): string {
  return new Date(NOW + seconds * 1_000).toISOString();
}

export function minute(changes: Partial<ActivityMinute> = {}): ActivityMinute {
  return {
    at: at(0),
    requests: 0,
    failed: 0,
    throttled: 0,
    failovers: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    costUsd: 0,
    ...changes,
  };
}

const NOTHING: Activity = {
  minutes: [],
  deployments: [],
  by: { creator: [], model: [], operation: [], agent: [], account: [] },
  cache: { hits: 0, misses: 0 },
};

export function overview(changes: Partial<Overview> = {}): Overview {
  return {
    at: at(0),
    instance: 'i1',
    startedAt: at(-3_600),
    store: {
      kind: 'tables',
      shared: true,
      healthy: true,
      since: at(-3_600),
      lastReadAt: at(0),
      problem: null,
      instances: 2,
    },
    deployments: ['A/gpt-4.1', 'A/gpt-4o', 'B/gpt-4.1'].map((id) => deployment(id)),
    pools: [pool('gpt-4.1')],
    agents: [],
    events: [],
    quotas: [],
    activity: NOTHING,
    ...changes,
  };
}
