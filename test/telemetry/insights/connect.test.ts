import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { record } from '../records.ts';
import { connected, connecting, loaded, NO_GAUGES } from './ingestion.ts';

describe('the connection to Application Insights', () => {
  it('tells nothing before the first answer has gone out, and then all that was kept until then', async () => {
    let answered = (): void => undefined;
    const { journal, ingestion, close } = connecting({
      after: (fn) => {
        answered = fn;
      },
      exportEveryMs: 20,
    });
    for (let at = 0; at < 3; at++) journal.requestEnded(record());
    await loaded();
    expect(ingestion.requests).toEqual([]);
    answered();
    await vi.waitFor(() => expect(ingestion.sum('router.requests')).toBe(3));
    await close();
  });

  it('keeps at most 1,000 records until then, and says how many it had to drop', async () => {
    const { journal, ingestion, close } = connecting({ after: () => undefined });
    for (let at = 0; at < 1_234; at++) journal.requestEnded(record());
    await close();
    expect(ingestion.sum('router.requests')).toBe(1_000);
    expect(ingestion.sum('router.telemetry.dropped')).toBe(234);
  });

  it('loads nothing at all where it is closed before anything happened', async () => {
    const credential = vi.fn(() => Promise.reject(new Error('nobody should ask')));
    const { ingestion, close } = connecting({ after: () => undefined, credential });
    await close();
    expect(credential).not.toHaveBeenCalled();
    expect(ingestion.requests).toEqual([]);
  });

  it('sends in the interval that it was given, deltas and not sums since the start', async () => {
    const { journal, ingestion, close } = await connected({ exportEveryMs: 15 });
    journal.requestEnded(record());
    await vi.waitFor(() => expect(ingestion.sum('router.requests')).toBe(1));
    journal.requestEnded(record());
    await vi.waitFor(() => expect(ingestion.metric('router.requests')).toHaveLength(2));
    await close();
    expect(ingestion.metric('router.requests').map(({ value }) => value)).toEqual([1, 1]);
  });

  it('has sent everything, metrics and events, when close has come back', async () => {
    const { journal, ingestion, close } = await connected();
    journal.requestEnded(record());
    journal.usageLost({ requests: 1 });
    expect(ingestion.requests).toEqual([]);
    await close();
    expect(ingestion.sum('router.requests')).toBe(1);
    expect(ingestion.events.map(({ name }) => name)).toEqual(['usageLost']);
  });

  it('is silent once it is closed, however often', async () => {
    const { journal, ingestion, close } = await connected();
    await close();
    const sent = ingestion.requests.length;
    journal.requestEnded(record());
    await close();
    expect(ingestion.requests).toHaveLength(sent);
  });

  it('names the app and the instance that speaks', async () => {
    const { journal, ingestion, close } = await connected({ roleName: 'router-eu', instance: 'i-77' });
    journal.usageLost({ requests: 1 });
    await close();
    for (const { tags } of ingestion.envelopes)
      expect(tags).toMatchObject({ 'ai.cloud.role': 'router-eu', 'ai.cloud.roleInstance': 'i-77' });
  });

  it('signs in with the credential that it was given', async () => {
    const getToken = vi.fn(() => Promise.resolve({ token: 'entra-token', expiresOnTimestamp: Date.now() + 3_600_000 }));
    const { journal, ingestion, close } = await connected({ credential: () => Promise.resolve({ getToken }) });
    journal.requestEnded(record());
    await close();
    expect(ingestion.requests.map(({ authorization }) => authorization)).toContain('Bearer entra-token');
    expect(getToken.mock.calls[0]?.at(0)).toEqual(['https://monitor.azure.com/.default']);
  });

  it.each([
    ['a credential that cannot be had', { credential: () => Promise.reject(new Error('no identity')) }],
    ['a connection string that says nothing', { connectionString: 'nothing' }],
  ])('tells of %s once, and then keeps nothing', async (_what, options) => {
    const failures: unknown[] = [];
    const { journal, ingestion, close } = connecting({ ...options, onFailure: (error) => failures.push(error) });
    await vi.waitFor(() => expect(failures).toHaveLength(1));
    journal.requestEnded(record());
    await close();
    expect(failures).toHaveLength(1);
    expect(ingestion.requests).toEqual([]);
  });

  it('sends much in parts that the ingestion takes', async () => {
    const { journal, ingestion, close } = await connected();
    for (let at = 0; at < 2_500; at++)
      journal.requestEnded(record({ labels: { agent: `agent-${at % 190}`, creator: `creator-${at % 13}` } }));
    await close();
    const parts = ingestion.requests.map(({ text }) => (JSON.parse(text) as unknown[]).length);
    expect(parts.length).toBeGreaterThan(1);
    expect(Math.max(...parts)).toBeLessThanOrEqual(1_000);
    expect(ingestion.sum('router.requests')).toBe(2_500);
  });
});

describe('an ingestion that is gone', () => {
  it.each(['dead', 'failing', 'hanging'] as const)(
    'costs requests nothing and holds up the end no longer than 5 s: %s',
    async (become) => {
      const { journal, ingestion, close } = await connected({ exportEveryMs: 25 });
      ingestion.become = become;
      const startedAt = performance.now();
      for (let at = 0; at < 5_000; at++) {
        journal.requestEnded(record({ labels: { agent: `agent-${at}` } }));
        journal.usageLost({ requests: 1 });
      }
      expect(performance.now() - startedAt).toBeLessThan(2_500);
      const closingAt = performance.now();
      await close();
      expect(performance.now() - closingAt).toBeLessThan(5_500);
    },
    15_000,
  );

  it('keeps a bounded number of events and series, whatever is told', async () => {
    const { journal, ingestion, close } = await connected({ exportEveryMs: 600_000 });
    for (let at = 0; at < 10_000; at++) {
      journal.usageLost({ requests: 1 });
      journal.requestEnded(record({ labels: { agent: `agent-${at}`, creator: `creator-${at % 100}` } }));
    }
    await close();
    // Those in the queue and those on their way.
    expect(ingestion.events.length).toBeLessThanOrEqual(2_048 + 512);
    expect(ingestion.metric('router.cost').length).toBeLessThanOrEqual(2_000);
  });

  it('loses no figures while it is away for a moment: they wait on disk', async () => {
    const storageDirectory = await mkdtemp(join(tmpdir(), 'router-telemetry-'));
    try {
      const { journal, ingestion, close } = await connected({ storageDirectory });
      ingestion.become = 'dead';
      journal.requestEnded(record());
      await close();
      const files = await readdir(storageDirectory, { recursive: true });
      expect(files.filter((name) => name.endsWith('.ai.json'))).toHaveLength(1);
    } finally {
      await rm(storageDirectory, { recursive: true, force: true });
    }
  });

  it('does not make a gauge that fails take the others along', async () => {
    const deployments = (): never => {
      throw new Error('not now');
    };
    const { journal, ingestion, close } = await connected({ gauges: { ...NO_GAUGES, deployments } });
    journal.requestEnded(record());
    await close();
    expect(ingestion.sum('router.requests')).toBe(1);
    expect(ingestion.sum('router.instances')).toBe(1);
  });
});
