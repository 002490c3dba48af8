import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXAMPLE, GUIDE } from '../../scripts/config-guide.ts';
import { accepted, ENV, ONE, parse } from './parsing.ts';

const OUTCOMES = ['throttled', 'failing', 'misconfigured'];
const UNLIMITED = {
  requestsPerMinute: null,
  tokensPerMinute: null,
  tokensPerDay: null,
  tokensPerMonth: null,
  usdPerDay: null,
  usdPerMonth: null,
};

describe('the smallest document', () => {
  const { config } = accepted(parse(ONE));

  test.each([
    ['agents', config.agents, { homes: new Map(), defaultHome: null, failureThreshold: 3, failureWindowMs: 300_000 }],
    ['tiers', config.tiers, new Map()],
    ['defaultTier', config.defaultTier, null],
    ['plans', config.plans, new Map()],
    ['accounts', config.accounts, new Map()],
    [
      'breaker',
      config.breaker,
      { failures: 5, windowMs: 60_000, openMs: 30_000, maxOpenMs: 300_000, refreshMs: 1_000 },
    ],
    [
      'timeouts',
      config.timeouts,
      {
        deadlineMs: 200_000,
        connectMs: 3_000,
        firstTokenMs: 60_000,
        answerMs: null,
        streamIdleMs: 60_000,
        streamMaxMs: 600_000,
        heartbeatMs: 15_000,
      },
    ],
    ['retries', config.retries, { sameDeployment: 2, baseMs: 500, maxMs: 8_000, budgetPercent: 20 }],
    ['cache', config.cache, { ttlMs: 300_000, maxMb: 64 }],
    ['limits', config.limits, { bodyMb: 32, headerCount: 100, headerKb: 32, jsonDepth: 128 }],
    ['defaultPool', config.defaultPool, 'gpt-4.1'],
  ])('has the default %s', (_, section, expected) => {
    expect(section).toEqual(expected);
  });

  test('has one priority pool for its deployment', () => {
    expect([...config.pools.values()]).toEqual([
      {
        name: 'gpt-4.1',
        strategy: 'priority',
        members: [{ deployment: 'A/gpt-4.1', weight: 1 }],
        failoverOn: new Set(OUTCOMES),
        block: 17,
        preferRegion: null,
        cache: false,
      },
    ]);
  });

  test('speaks a dated API with the key, and knows no region, model or price', () => {
    expect(config.endpoints.get('A')).toEqual({
      name: 'A',
      origin: 'https://one.openai.azure.com',
      basePath: '',
      credential: { kind: 'apiKey', apiKey: ENV.AZURE_OPENAI_API_KEY },
      dialect: { kind: 'dated', apiVersion: '2025-04-01-preview' },
      region: null,
    });
    expect(config.deployments.get('A/gpt-4.1')).toEqual({
      id: 'A/gpt-4.1',
      endpoint: 'A',
      name: 'gpt-4.1',
      model: null,
      kind: 'standard',
      price: null,
    });
  });
});

describe('zero is a value', () => {
  test('for waits, retries, the cache and quotas', () => {
    const { config } = accepted(
      parse({
        ...ONE,
        breaker: { openMs: 0 },
        timeouts: { heartbeatMs: 0 },
        retries: { sameDeployment: 0, baseMs: 0, maxMs: 0, budgetPercent: 0 },
        cache: { ttlMs: 0, maxMb: 0 },
        accounts: { one: { quota: { requestsPerMinute: 0, usdPerDay: 0 } } },
      }),
    );
    expect(config.breaker.openMs).toBe(0);
    expect(config.timeouts.heartbeatMs).toBe(0);
    expect(config.retries).toEqual({ sameDeployment: 0, baseMs: 0, maxMs: 0, budgetPercent: 0 });
    expect(config.cache).toEqual({ ttlMs: 0, maxMb: 0 });
    expect(config.accounts.get('one')?.quota).toEqual({ ...UNLIMITED, requestsPerMinute: 0, usdPerDay: 0 });
  });
});

describe('pools, plans and the breaker', () => {
  test('without pools every deployment name is a pool over all endpoints that have it, in order', () => {
    const endpoints = {
      ...ONE.endpoints,
      B: { inherits: 'A', deployments: { mini: {}, 'gpt-4.1': {} } },
      C: { inherits: 'A', deployments: { mini: {} } },
    };
    const { config } = accepted(parse({ endpoints }));
    const members = [...config.pools].map(([name, pool]) => [name, pool.members.map((member) => member.deployment)]);
    expect(members).toEqual([
      ['gpt-4.1', ['A/gpt-4.1', 'B/gpt-4.1']],
      ['mini', ['B/mini', 'C/mini']],
    ]);
  });

  test('a deployment called like a tier gets no pool, and a note says how to reach it', () => {
    const { config, notes } = accepted(
      parse({ endpoints: { A: { ...ONE.endpoints.A, deployments: { standard: {}, mini: {} } } } }),
    );
    expect([...config.pools.keys()]).toEqual(['mini']);
    expect(notes.join()).toContain('A/standard');
  });

  test('the preset "availability" is failing alone, and an empty list is nothing', () => {
    const members = ['A/gpt-4.1'];
    const { config } = accepted(
      parse({ ...ONE, pools: { one: { members, failoverOn: 'availability' }, two: { members, failoverOn: [] } } }),
    );
    expect(config.pools.get('one')?.failoverOn).toEqual(new Set(['failing']));
    expect(config.pools.get('two')?.failoverOn).toEqual(new Set());
    expect(config.defaultPool).toBe('one');
  });

  test('weights count under the strategy "weighted" alone', () => {
    const members = [{ deployment: 'A/gpt-4.1', weight: 3 }];
    const { config, notes } = accepted(
      parse({ ...ONE, pools: { one: { members, strategy: 'weighted' }, two: { members } } }),
    );
    expect(config.pools.get('one')?.members).toEqual([{ deployment: 'A/gpt-4.1', weight: 3 }]);
    expect(config.pools.get('two')?.members).toEqual([{ deployment: 'A/gpt-4.1', weight: 1 }]);
    expect(notes).toEqual([expect.stringContaining('pools.two.members')]);
  });

  test('a plan may use every configured tier unless it says which, and an account may have no plan', () => {
    const { config } = accepted(
      parse({
        ...ONE,
        tiers: { economy: { chain: ['gpt-4.1'] }, premium: { chain: ['gpt-4.1'] } },
        plans: { all: {}, some: { tiers: ['economy'], onHigherTier: 'refuse' } },
        accounts: { one: {}, two: { plan: 'some' } },
      }),
    );
    expect(config.plans.get('all')).toEqual({
      name: 'all',
      tiers: ['premium', 'economy'],
      onHigherTier: 'downgrade',
      downgradeWhenUnavailable: false,
      quota: UNLIMITED,
    });
    expect(config.plans.get('some')).toMatchObject({ tiers: ['economy'], onHigherTier: 'refuse' });
    expect(config.accounts.get('one')).toEqual({ name: 'one', plan: null, quota: UNLIMITED });
    expect(config.accounts.get('two')?.plan).toBe('some');
  });

  test.each([
    ['a long first rest lifts the default cap', { openMs: 600_000 }, { openMs: 600_000, maxOpenMs: 600_000 }],
    ['a low cap lowers the default first rest', { maxOpenMs: 1_000 }, { openMs: 1_000, maxOpenMs: 1_000 }],
  ])('%s', (_, breaker, expected) => {
    expect(accepted(parse({ ...ONE, breaker })).config.breaker).toMatchObject(expected);
  });
});

describe('documents as people have them', () => {
  test('comments, trailing commas, a byte order mark and $schema are allowed', () => {
    const text = `\uFEFF// first\n{ "$schema": "./router.schema.json", /* here */ ${JSON.stringify(ONE).slice(1, -1)}, }\n// last`;
    expect(accepted(parse(text)).config.defaultPool).toBe('gpt-4.1');
  });

  test('the example of the reference is accepted', () => {
    const { config, notes } = accepted(parse(EXAMPLE));
    expect([...config.deployments.keys()]).toEqual(['A/gpt-4.1', 'A/gpt-4.1-2', 'B/gpt-4.1', 'B/gpt-4.1-2', 'C/gpt4o']);
    expect(config.agents.homes.get('cci_agent')).toBe('B/gpt-4.1-2');
    expect(config.deployments.get('C/gpt4o')?.price).toEqual({ input: 2.75, cached: 1.375, output: 11 });
    expect(config.deployments.get('B/gpt-4.1-2')).toMatchObject({ model: 'gpt-4.1', kind: 'ptu' });
    expect(config.tiers.get('premium')).toEqual(['gpt-4.1', 'gpt-4o']);
    expect(notes).toEqual([]);
  });

  test('every document of the guide is accepted', () => {
    const blocks = Array.from(GUIDE.matchAll(/```jsonc\n(.*?)```/gs), ([, block]) => block as string);
    expect(blocks).toHaveLength(2);
    for (const block of blocks) accepted(parse(block, { ...ENV, SECOND_API_KEY: 'another-key' }));
  });

  test('the full form, every section filled in, is accepted but for the two pools it only hints at', () => {
    const text = readFileSync(new URL('full-form.jsonc', import.meta.url), 'utf8');
    const whole = text.replace(
      '"pools": {',
      '"pools": { "gpt-5": { "members": ["A/gpt-4.1"] }, "mini": { "members": ["C/gpt4o"] },',
    );
    const { config } = accepted(parse(whole));
    expect(config.tiers.get('economy')).toEqual(['mini']);
    expect(config.plans.get('free')?.quota).toEqual({
      ...UNLIMITED,
      requestsPerMinute: 60,
      tokensPerMinute: 20_000,
      tokensPerDay: 200_000,
      usdPerMonth: 5,
    });
    const parsed = parse(text);
    expect(parsed.ok ? [] : parsed.faults.map((fault) => [fault.path, fault.found])).toEqual([
      ['tiers.premium.chain[0]', '"gpt-5"'],
      ['tiers.economy.chain[0]', '"mini"'],
    ]);
  });
});
