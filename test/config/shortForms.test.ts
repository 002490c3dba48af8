import { describe, expect, test } from 'vitest';
import { accepted, ENV, faultAt, KEY, ONE, parse, refused } from './parsing.ts';

const PRIMARY = {
  endpoint: 'https://one.openai.azure.com',
  deployment_name: 'gpt-4.1',
  api_key: '${AZURE_OPENAI_API_KEY}',
};

function pools(document: object): Record<string, string[]> {
  const { config } = accepted(parse(document));
  return Object.fromEntries(
    [...config.pools].map(([name, pool]) => [name, pool.members.map((member) => member.deployment)]),
  );
}

describe('endpoint and backups', () => {
  test('are a priority pool over A, B, C, each inheriting what it does not say', () => {
    const document = {
      ...PRIMARY,
      api_version: 'v1',
      backups: [
        { endpoint: 'https://two.openai.azure.com/', api_key: '${SECOND}', api_version: '2024-10-21' },
        { endpoint: 'https://three.openai.azure.com', deployment_name: 'gpt-4.1-dr' },
      ],
    };
    const { config, notes } = accepted(parse(document, { ...ENV, SECOND: 'second-key' }));
    expect(config.pools.get('gpt-4.1')).toMatchObject({
      strategy: 'priority',
      members: [{ deployment: 'A/gpt-4.1' }, { deployment: 'B/gpt-4.1' }, { deployment: 'C/gpt-4.1-dr' }],
    });
    expect(
      [...config.endpoints.values()].map(({ origin, credential, dialect }) => [origin, credential, dialect.kind]),
    ).toEqual([
      ['https://one.openai.azure.com', { kind: 'apiKey', apiKey: KEY }, 'v1'],
      ['https://two.openai.azure.com', { kind: 'apiKey', apiKey: 'second-key' }, 'dated'],
      ['https://three.openai.azure.com', { kind: 'apiKey', apiKey: KEY }, 'v1'],
    ]);
    expect(config.defaultPool).toBe('gpt-4.1');
    expect(notes).toEqual([]);
  });

  test('without a key the router uses its managed identity, and says so', () => {
    const { config, notes } = accepted(parse({ endpoint: PRIMARY.endpoint, deployment_name: 'x' }));
    expect(config.endpoints.get('A')?.credential.kind).toBe('managedIdentity');
    expect(notes).toHaveLength(1);
  });

  test('stand beside pools, agents and tiers of the long form', () => {
    const document = {
      ...PRIMARY,
      pools: { mine: { members: ['A/gpt-4.1'], cache: true } },
      agents: { defaultHome: 'A/gpt-4.1' },
    };
    expect(pools(document)).toEqual({ 'gpt-4.1': ['A/gpt-4.1'], mine: ['A/gpt-4.1'] });
  });

  test('faults name the short form', () => {
    const faults = refused(parse({ ...PRIMARY, endpoint: 'one', backups: [{ endpoint: 'two', api_key: '${NONE}' }] }));
    expect(faults.map((fault) => fault.path)).toEqual(['endpoint', 'backups[0].endpoint', 'backups[0].api_key']);
  });
});

describe('models', () => {
  const endpoint = { endpoint: PRIMARY.endpoint, api_key: PRIMARY.api_key };

  test('are one-deployment pools on the endpoint', () => {
    expect(pools({ ...endpoint, models: { 'gpt-4o': 'my-deployment', mini: 'small' } })).toEqual({
      'gpt-4o': ['A/my-deployment'],
      mini: ['A/small'],
    });
  });

  test('are on every endpoint that has the deployment', () => {
    const backups = [
      { endpoint: 'https://two.example.com' },
      { endpoint: 'https://three.example.com', deployment_name: 'small' },
    ];
    expect(pools({ ...endpoint, backups, models: { 'gpt-4o': 'my-deployment', mini: 'small' } })).toEqual({
      'gpt-4o': ['A/my-deployment', 'B/my-deployment'],
      mini: ['A/small', 'B/small', 'C/small'],
    });
  });

  test('that name the primary deployment share its backups', () => {
    const backups = [{ endpoint: 'https://two.example.com', deployment_name: 'other' }];
    expect(pools({ ...PRIMARY, backups, models: { best: 'gpt-4.1', 'gpt-4.1': 'gpt-4.1' } })).toEqual({
      'gpt-4.1': ['A/gpt-4.1', 'B/other'],
      best: ['A/gpt-4.1', 'B/other'],
    });
  });

  test('go with endpoints of the long form, too', () => {
    expect(pools({ ...ONE, models: { best: 'gpt-4.1' } })).toEqual({ best: ['A/gpt-4.1'] });
  });

  test('a deployment nobody has is a fault with a suggestion', () => {
    const faults = refused(parse({ ...ONE, models: { best: 'gpt-41' } }));
    expect(faults).toMatchObject([{ path: 'models.best', found: '"gpt-41"', suggestion: 'gpt-4.1' }]);
  });
});

describe('contradictions have a sentence each', () => {
  test.each([
    ['endpoint beside endpoints', { ...ONE, endpoint: 'https://x' }, 'endpoint', 'both are written'],
    ['deployment_name beside endpoints', { ...ONE, deployment_name: 'x' }, 'deployment_name', 'has "endpoints"'],
    ['api_key beside endpoints', { ...ONE, api_key: '${X}' }, 'api_key', 'key of its own'],
    ['api_version beside endpoints', { ...ONE, api_version: 'v1' }, 'api_version', 'API of its own'],
    ['backups beside endpoints', { ...ONE, backups: [{ endpoint: 'https://x' }] }, 'backups', 'order the pools say'],
    ['backups alone', { backups: [{ endpoint: 'https://x' }] }, 'backups', 'there is no "endpoint"'],
    ['deployment_name alone', { deployment_name: 'x' }, 'deployment_name', 'there is no "endpoint"'],
    ['api_key alone', { api_key: '${X}' }, 'api_key', 'there is no "endpoint"'],
    ['api_version alone', { api_version: 'v1' }, 'api_version', 'there is no "endpoint"'],
    ['endpoint alone', { endpoint: 'https://x' }, 'deployment_name', 'which deployment'],
    [
      'a pool made twice',
      { ...PRIMARY, pools: { 'gpt-4.1': { members: ['A/gpt-4.1'] } } },
      'pools.gpt-4.1',
      'second time',
    ],
    [
      'a model that is a pool',
      { ...ONE, pools: { p: { members: ['A/gpt-4.1'] } }, models: { p: 'gpt-4.1' } },
      'models.p',
      '"models" and "pools"',
    ],
    [
      'a model that is the primary',
      { ...PRIMARY, models: { 'gpt-4.1': 'x' } },
      'models.gpt-4.1',
      '"models" and "deployment_name"',
    ],
  ])('%s', (_, document, path, sentence) => {
    const faults = refused(parse(document));
    expect(faults.map((fault) => fault.path)).toContain(path);
    expect(faultAt(faults, path).problem).toContain(sentence);
    expect(faults).toHaveLength(1);
  });

  test('a deployment or model named like a tier could never be reached', () => {
    expect(refused(parse({ ...PRIMARY, deployment_name: 'premium' })).map((fault) => fault.path)).toEqual([
      'deployment_name',
    ]);
    expect(refused(parse({ ...ONE, models: { auto: 'gpt-4.1' } })).map((fault) => fault.path)).toEqual(['models.auto']);
  });
});
