import { describe, expect, it } from 'vitest';
import { DEPLOYMENT_EVENTS } from '../../../src/domain/event.ts';
import { EVENTS, METRICS } from '../../../src/telemetry/names.ts';
import type { Gauges, Journal } from '../../../src/telemetry/port.ts';
import { FAILED_OVER, record } from '../records.ts';
import { connected, type Ingestion, NO_GAUGES } from './ingestion.ts';

const AT = Date.UTC(2026, 10, 21, 12);
const TOLD = { at: AT, instance: 'i-9' };

async function measured(tell: (journal: Journal) => void, gauges: Gauges = NO_GAUGES): Promise<Ingestion> {
  const { journal, ingestion, close } = await connected({ gauges });
  tell(journal);
  await close();
  return ingestion;
}

function everything(journal: Journal): void {
  const place = { deployment: 'A/gpt-4.1' } as const;
  const move = { agent: 'cpt_agent', from: 'A/gpt-4.1', to: 'B/gpt-4.1', cause: 'throttled' } as const;
  journal.happened({ kind: 'failover', ...move, count: 3, ...TOLD });
  journal.happened({ kind: 'agentMoved', ...move, ...TOLD });
  journal.happened({ kind: 'agentReturned', agent: 'cpt_agent', from: 'B/gpt-4.1', cause: 'recovered', ...TOLD });
  for (const kind of DEPLOYMENT_EVENTS)
    journal.happened({ kind, ...place, until: AT + 30_000, cause: 'failing', ...TOLD });
  journal.quotaRunsLow({ account: 'clinic-7', quota: 'tokensPerDay', used: 90, limit: 100, resetsAt: AT + 60_000 });
  journal.priceUnknown({ model: 'gpt-9', ...place });
  journal.usageLost({ requests: 4 });
  journal.storeLost({ problem: 'unreachable: connect ECONNREFUSED' });
  journal.storeFound({ lostForMs: 12_000 });
  journal.fault({ requestId: 'request-1', error: new TypeError('no') });
  journal.credentialsRefused({ count: 5, throttled: 2 });
  journal.streamBroken({ requestId: 'request-1', ...place, cause: 'reset' });
}

const GAUGES: Gauges = {
  deployments: () => [
    { deployment: 'A/gpt-4.1', state: 'open' },
    { deployment: 'B/gpt-4.1', state: 'ready' },
  ],
  assignments: () => [{ deployment: 'B/gpt-4.1', agents: 7 }],
  quotas: () => [
    { account: 'clinic-7', quota: 'tokensPerDay', used: 90, limit: 100, resetsAt: AT },
    { account: 'clinic-8', quota: 'tokensPerDay', used: 120, limit: 100, resetsAt: AT },
  ],
  store: () => ({ healthy: false, instances: 12 }),
};

describe('custom events', () => {
  it('tell what happened under its name, when it happened and with its dimensions', async () => {
    const { events } = await measured(everything);
    const named = (name: string) => events.find((event) => event.name === name);
    expect(named('failover')).toEqual({
      name: 'failover',
      time: '2026-11-21T12:00:00.000Z',
      properties: {
        agent: 'cpt_agent',
        from: 'A/gpt-4.1',
        to: 'B/gpt-4.1',
        cause: 'throttled',
        count: '3',
        instance: 'i-9',
      },
    });
    expect(named('opened')?.properties).toEqual({
      deployment: 'A/gpt-4.1',
      until: '2026-11-21T12:00:30.000Z',
      cause: 'failing',
      instance: 'i-9',
    });
    expect(named('quotaRunsLow')?.properties).toEqual({
      account: 'clinic-7',
      quota: 'tokensPerDay',
      used: '90',
      limit: '100',
      resetsAt: '2026-11-21T12:01:00.000Z',
      instance: 'i-1',
    });
    expect(named('storeLost')?.properties).toEqual({ problem: 'unreachable', instance: 'i-1' });
    expect(named('storeFound')?.properties).toEqual({ lostForMs: '12000', instance: 'i-1' });
    expect(named('usageLost')?.properties).toEqual({ requests: '4', instance: 'i-1' });
    expect(named('priceUnknown')?.properties).toEqual({
      model: 'gpt-9',
      deployment: 'A/gpt-4.1',
      instance: 'i-1',
    });
    expect(named('fault')?.properties['error']).toMatch(/^TypeError at .+events\.test\.ts/);
  });

  it('are those that the list of names has, with the dimensions it has', async () => {
    const { events } = await measured(everything);
    const told = Object.fromEntries(events.map(({ name, properties }) => [name, Object.keys(properties).sort()]));
    expect(told).toEqual(
      Object.fromEntries(Object.entries(EVENTS).map(([name, dimensions]) => [name, [...dimensions].sort()])),
    );
  });

  it('leave out what is not known', async () => {
    const { events } = await measured((journal) => {
      journal.happened({ kind: 'drained', deployment: 'A/gpt-4.1', until: null, cause: 'by an operator', ...TOLD });
      journal.happened({ kind: 'agentMoved', agent: 'a', from: null, to: 'B/gpt-4.1', cause: 'pinned', ...TOLD });
    });
    expect(events.map(({ properties }) => Object.keys(properties))).toEqual([
      ['deployment', 'cause', 'instance'],
      ['agent', 'to', 'cause', 'instance'],
    ]);
  });
});

describe('what is counted beside requests', () => {
  it('has its metrics', async () => {
    const ingestion = await measured(everything);
    const place = { deployment: 'A/gpt-4.1' };
    expect(ingestion.sum('router.deployment.transitions', { ...place, kind: 'opened' })).toBe(1);
    expect(ingestion.sum('router.deployment.transitions')).toBe(DEPLOYMENT_EVENTS.length);
    expect(ingestion.sum('router.streams.broken', { ...place, endpoint: 'A' })).toBe(1);
    expect(ingestion.sum('router.credentials.refused')).toBe(5);
    expect(ingestion.sum('router.credentials.throttled')).toBe(2);
    expect(ingestion.sum('router.usage.lost')).toBe(4);
  });

  it('is looked at with each export', async () => {
    const ingestion = await measured(() => undefined, GAUGES);
    const seen = (name: string) => ingestion.metric(name).map(({ value, properties }) => ({ value, ...properties }));
    expect(seen('router.deployment.state')).toEqual([
      { value: 1, deployment: 'A/gpt-4.1', state: 'open' },
      { value: 1, deployment: 'B/gpt-4.1', state: 'ready' },
    ]);
    expect(seen('router.deployment.agents')).toEqual([{ value: 7, deployment: 'B/gpt-4.1' }]);
    expect(seen('router.quota.remaining')).toEqual([
      { value: 10, account: 'clinic-7', quota: 'tokensPerDay' },
      { value: 0, account: 'clinic-8', quota: 'tokensPerDay' },
    ]);
    expect(seen('router.quota.limit')).toMatchObject([{ value: 100 }, { value: 100 }]);
    expect(seen('router.store.healthy')).toEqual([{ value: 0 }]);
    expect(seen('router.instances')).toEqual([{ value: 12 }]);
  });

  it('tells no quota of accounts beyond the bound, for their sum would say nothing', async () => {
    const quotas = Array.from({ length: 5 }, (_, at) => ({
      account: `account-${at}`,
      quota: 'usdPerDay',
      used: 1,
      limit: 2,
      resetsAt: AT,
    }));
    const { ingestion, close } = await connected({ labelValues: 3, gauges: { ...NO_GAUGES, quotas: () => quotas } });
    await close();
    expect(ingestion.metric('router.quota.remaining').map(({ properties }) => properties['account'])).toEqual([
      'account-0',
      'account-1',
      'account-2',
    ]);
  });

  it('has no metric, and no dimension, that the list of names has not, and leaves none of them out', async () => {
    const ingestion = await measured((journal) => {
      everything(journal);
      journal.requestEnded({ ...FAILED_OVER, estimated: true, costNanoUsd: null });
      journal.requestEnded(record({ firstChunkMs: 3, end: 'ok' }));
      journal.requestEnded(record({ attempts: [] }));
      journal.requestEnded(record({ end: 'failing' }));
    }, GAUGES);
    const told = new Map<string, Set<string>>();
    for (const { name, properties } of ingestion.measured) {
      const labels = told.get(name) ?? new Set();
      for (const label of Object.keys(properties)) labels.add(label);
      told.set(name, labels);
    }
    const listed = Object.values(METRICS)
      .filter(({ name }) => name !== METRICS.dropped.name)
      .map(({ name, dimensions }) => [name, [...dimensions].sort()] as const);
    expect(Object.fromEntries([...told].map(([name, labels]) => [name, [...labels].sort()]))).toEqual(
      Object.fromEntries(listed),
    );
  });
});
