import { describe, expect, test } from 'vitest';
import { GUIDE } from '../../scripts/config-guide.ts';
import { configFromEnvironment } from '../../src/config/load.ts';
import { accepted, KEY, ONE, parse, refused } from './parsing.ts';

const one = 'https://one.openai.azure.com';
const two = 'https://two.openai.azure.com';
const SINGLE = { AZURE_OPENAI_ENDPOINT: one, AZURE_OPENAI_API_KEY: KEY, AZURE_OPENAI_DEPLOYMENT_NAME: 'gpt-4.1' };
const INDEXED = {
  AZURE_OPENAI_ENDPOINT_0: one,
  AZURE_OPENAI_API_KEY_0: 'key-0',
  AZURE_OPENAI_DEPLOYMENT_NAME_0: 'gpt-4.1',
  AZURE_OPENAI_API_VERSION_0: '2025-01-01-preview',
  AZURE_OPENAI_ENDPOINT_1: two,
  AZURE_OPENAI_API_KEY_1: 'key-1',
  AZURE_OPENAI_DEPLOYMENT_NAME_1: 'gpt-4.1-eu',
};

type Env = Readonly<Record<string, string>>;

/** Everything a person would check: who is where, spoken to how, in which pools. */
function summary(env: Env) {
  const { config, notes } = accepted(configFromEnvironment(env));
  return {
    endpoints: [...config.endpoints.values()].map(({ name, origin, credential, dialect }) => [
      name,
      origin,
      credential.kind === 'apiKey' ? credential.apiKey : credential.kind,
      dialect.kind === 'dated' ? dialect.apiVersion : dialect.kind,
    ]),
    pools: [...config.pools.values()].map(({ name, strategy, block, members }) => [
      name,
      strategy,
      block,
      members.map((member) => member.deployment),
    ]),
    defaultPool: config.defaultPool,
    notes,
  };
}

const DATED = '2025-04-01-preview';

describe('one resource, or one with backups', () => {
  test('is a priority pool named like the deployment', () => {
    expect(summary(SINGLE)).toEqual({
      endpoints: [['A', one, KEY, DATED]],
      pools: [['gpt-4.1', 'priority', 17, ['A/gpt-4.1']]],
      defaultPool: 'gpt-4.1',
      notes: [],
    });
  });

  test('further deployments are on every endpoint, and backups stand behind the first in order', () => {
    const env = {
      ...SINGLE,
      AZURE_OPENAI_API_VERSION: '2024-10-21',
      AZURE_OPENAI_DEPLOYMENT_NAME_2: 'mini',
      AZURE_OPENAI_ENDPOINT_3: 'https://three.openai.azure.com/openai/v1',
      AZURE_OPENAI_API_KEY_3: 'key-3',
      AZURE_OPENAI_API_VERSION_3: 'v1',
      AZURE_OPENAI_ENDPOINT_2: `${two}/`,
      AZURE_OPENAI_API_KEY_2: 'key-2',
    };
    expect(summary(env)).toEqual({
      endpoints: [
        ['A', one, KEY, '2024-10-21'],
        ['B', two, 'key-2', '2024-10-21'],
        ['C', 'https://three.openai.azure.com', 'key-3', 'v1'],
      ],
      pools: [
        ['gpt-4.1', 'priority', 17, ['A/gpt-4.1', 'B/gpt-4.1', 'C/gpt-4.1']],
        ['mini', 'priority', 17, ['A/mini', 'B/mini', 'C/mini']],
      ],
      defaultPool: 'gpt-4.1',
      notes: [],
    });
  });

  test('without a key the router uses its managed identity, and says so', () => {
    const { endpoints, notes } = summary({ ...SINGLE, AZURE_OPENAI_API_KEY: ' ', AZURE_OPENAI_ENDPOINT_2: two });
    expect(endpoints.map(([, , credential]) => credential)).toEqual(['managedIdentity', 'managedIdentity']);
    expect(notes).toEqual([expect.stringContaining('AZURE_OPENAI_API_KEY is not set')]);
  });

  test('a backup without a key is entered with the first key, and that is said', () => {
    const { endpoints, notes } = summary({ ...SINGLE, AZURE_OPENAI_ENDPOINT_2: two });
    expect(endpoints[1]).toEqual(['B', two, KEY, DATED]);
    expect(notes).toEqual(['AZURE_OPENAI_API_KEY_2 is not set: endpoint B is entered with AZURE_OPENAI_API_KEY.']);
  });

  test('a key without its endpoint is mentioned', () => {
    expect(summary({ ...SINGLE, AZURE_OPENAI_API_KEY_4: 'x' }).notes.join()).toContain('AZURE_OPENAI_ENDPOINT_4');
  });

  test('a hundred backups are told apart', () => {
    const backups = Array.from({ length: 100 }, (_, at): [string, string] => [
      `AZURE_OPENAI_ENDPOINT_${at + 2}`,
      `https://e${at}.example.com`,
    ]);
    const names = summary({ ...SINGLE, ...Object.fromEntries(backups) }).endpoints.map(([name]) => name);
    expect(new Set(names).size).toBe(101);
    expect(names.slice(24, 29)).toEqual(['Y', 'Z', 'AA', 'AB', 'AC']);
  });
});

describe('the older names', () => {
  test.each([
    ['all of them', { AZURE_OPENAI_ENDPOINT: one, AZURE_OPENAI_KEY: KEY, AZURE_OPENAI_DEPLOYMENT: 'gpt-4.1' }],
    [
      'mixed with the newer',
      { AZURE_OPENAI_ENDPOINT: one, AZURE_OPENAI_KEY: KEY, AZURE_OPENAI_DEPLOYMENT_NAME: 'gpt-4.1' },
    ],
    ['both, of one mind', { ...SINGLE, AZURE_OPENAI_KEY: KEY, AZURE_OPENAI_DEPLOYMENT: 'gpt-4.1' }],
  ])('mean the same: %s', (_, env) => {
    expect(summary(env)).toEqual(summary(SINGLE));
  });
});

describe('several resources in turn', () => {
  test('are one round robin over all entries, named after the first deployment', () => {
    expect(summary(INDEXED)).toEqual({
      endpoints: [
        ['A', one, 'key-0', '2025-01-01-preview'],
        ['B', two, 'key-1', DATED],
      ],
      pools: [['gpt-4.1', 'roundRobin', 17, ['A/gpt-4.1', 'B/gpt-4.1-eu']]],
      defaultPool: 'gpt-4.1',
      notes: [],
    });
  });

  test('may begin at 1, have gaps, and more than ten entries in the order of their numbers', () => {
    const env = Object.fromEntries(
      [11, 2, 1].flatMap((at) => [
        [`AZURE_OPENAI_ENDPOINT_${at}`, `https://e${at}.example.com`],
        [`AZURE_OPENAI_DEPLOYMENT_NAME_${at}`, 'x'],
        [`AZURE_OPENAI_API_KEY_${at}`, 'key'],
      ]),
    );
    const origins = summary(env).endpoints.map(([, origin]) => origin);
    expect(origins).toEqual(['https://e1.example.com', 'https://e2.example.com', 'https://e11.example.com']);
  });

  test.each([
    ['deployment', 'AZURE_OPENAI_DEPLOYMENT_NAME_1'],
    ['key', 'AZURE_OPENAI_API_KEY_1'],
    ['endpoint', 'AZURE_OPENAI_ENDPOINT_1'],
  ])('an entry without its %s is left out with a warning', (_, missing) => {
    const { endpoints, notes } = summary({ ...INDEXED, [missing]: '' });
    expect(endpoints).toHaveLength(1);
    expect(notes).toEqual([`Entry 1 is left out, as ${missing} is not set.`]);
  });

  test('a shared key and version stand in where an entry has none', () => {
    const env = {
      ...INDEXED,
      AZURE_OPENAI_API_KEY_1: '',
      AZURE_OPENAI_API_KEY: 'shared',
      AZURE_OPENAI_API_VERSION: 'v1',
    };
    expect(summary(env)).toMatchObject({ endpoints: [expect.anything(), ['B', two, 'shared', 'v1']], notes: [] });
  });

  test('without any key the router uses its managed identity', () => {
    const { endpoints, notes } = summary({ ...INDEXED, AZURE_OPENAI_API_KEY_0: '', AZURE_OPENAI_API_KEY_1: '' });
    expect(endpoints.map(([, , credential]) => credential)).toEqual(['managedIdentity', 'managedIdentity']);
    expect(notes).toHaveLength(1);
  });
});

describe('an environment that says where requests go, but not clearly', () => {
  test.each([
    ['both forms', { ...SINGLE, ...INDEXED }, 'AZURE_OPENAI_ENDPOINT'],
    ['a first backup numbered 1', { ...SINGLE, AZURE_OPENAI_ENDPOINT_1: two }, 'AZURE_OPENAI_ENDPOINT'],
    ['two keys', { ...SINGLE, AZURE_OPENAI_KEY: 'zz-other' }, 'AZURE_OPENAI_KEY'],
    ['two deployments', { ...SINGLE, AZURE_OPENAI_DEPLOYMENT: 'zz-other' }, 'AZURE_OPENAI_DEPLOYMENT'],
    ['no deployment', { AZURE_OPENAI_ENDPOINT: one, AZURE_OPENAI_API_KEY: KEY }, 'AZURE_OPENAI_DEPLOYMENT_NAME'],
    ['no endpoint', { AZURE_OPENAI_API_KEY: KEY, AZURE_OPENAI_DEPLOYMENT_NAME: 'x' }, 'AZURE_OPENAI_ENDPOINT'],
    ['no endpoint, older names', { AZURE_OPENAI_KEY: KEY, AZURE_OPENAI_DEPLOYMENT: 'x' }, 'AZURE_OPENAI_ENDPOINT'],
    ['numbered deployments alone', { AZURE_OPENAI_DEPLOYMENT_NAME_0: 'x' }, 'AZURE_OPENAI_ENDPOINT'],
    ['no complete entry', { AZURE_OPENAI_ENDPOINT_0: one, AZURE_OPENAI_ENDPOINT_1: two }, 'AZURE_OPENAI_ENDPOINT_0'],
    ['an address that is none', { ...SINGLE, AZURE_OPENAI_ENDPOINT: 'one' }, 'AZURE_OPENAI_ENDPOINT'],
    [
      'a backup that is none',
      { ...SINGLE, AZURE_OPENAI_ENDPOINT_2: 'http://two.example.com' },
      'AZURE_OPENAI_ENDPOINT_2',
    ],
    ['a version that is none', { ...SINGLE, AZURE_OPENAI_API_VERSION: 'latest' }, 'AZURE_OPENAI_API_VERSION'],
    [
      'a deployment name that is none',
      { ...SINGLE, AZURE_OPENAI_DEPLOYMENT_NAME: 'a b' },
      'AZURE_OPENAI_DEPLOYMENT_NAME',
    ],
    [
      'a pool named like a tier',
      { ...INDEXED, AZURE_OPENAI_DEPLOYMENT_NAME_0: 'premium' },
      'AZURE_OPENAI_DEPLOYMENT_NAME_0',
    ],
    ['a key that is none', { ...SINGLE, AZURE_OPENAI_API_KEY: 'two words' }, 'AZURE_OPENAI_API_KEY'],
  ])('%s: one fault that names the variable', (_, env, path) => {
    const faults = refused(configFromEnvironment(env));
    expect(faults.map((fault) => fault.path)).toEqual([path]);
    expect(JSON.stringify(faults)).not.toMatch(/two words|zz-other|0123456789/);
  });

  test('all at once', () => {
    const faults = refused(
      configFromEnvironment({
        AZURE_OPENAI_ENDPOINT: 'one',
        AZURE_OPENAI_API_VERSION: 'two',
        AZURE_OPENAI_ENDPOINT_2: 'three',
      }),
    );
    expect(faults.map((fault) => fault.path).sort()).toEqual([
      'AZURE_OPENAI_API_VERSION',
      'AZURE_OPENAI_DEPLOYMENT_NAME',
      'AZURE_OPENAI_ENDPOINT',
      'AZURE_OPENAI_ENDPOINT_2',
    ]);
  });
});

describe('an environment that says nothing about where requests go', () => {
  test.each([
    ['empty', {}],
    ['other variables', { PATH: '/bin', OPENAI_API_KEY: KEY }],
    ['what a client of the router needs', { AZURE_OPENAI_API_KEY: KEY, AZURE_OPENAI_API_VERSION: 'v1' }],
    ['blank', { AZURE_OPENAI_ENDPOINT: ' ' }],
  ])('%s: nothing is configured', (_, env) => {
    expect(configFromEnvironment(env)).toBeNull();
  });
});

describe('a document and the environment', () => {
  test('the document wins, and a note says what is not used', () => {
    const { config, notes } = accepted(parse(ONE, { ...SINGLE, AZURE_OPENAI_ENDPOINT: two }));
    expect(config.endpoints.get('A')?.origin).toBe(one);
    expect(notes).toEqual(['AZURE_OPENAI_ENDPOINT: set, but not used, because router.json says where requests go.']);
  });

  test('a variable the document refers to is used', () => {
    const document = { endpoints: { A: { ...ONE.endpoints.A, url: '${AZURE_OPENAI_ENDPOINT}' } } };
    const { config, notes } = accepted(parse(document, { ...SINGLE, AZURE_OPENAI_ENDPOINT: two }));
    expect(config.endpoints.get('A')?.origin).toBe(two);
    expect(notes).toEqual([]);
  });

  test('a document without endpoints takes them from the environment, and may build on them', () => {
    const document = { timeouts: { deadlineMs: 5_000 }, pools: { mine: { members: ['B/gpt-4.1-eu'] } } };
    const { config } = accepted(parse(document, INDEXED));
    expect(config.timeouts.deadlineMs).toBe(5_000);
    expect([...config.pools.keys()]).toEqual(['mine']);
    expect(config.defaultPool).toBe('mine');
    expect(accepted(parse({ retries: {} }, INDEXED)).config.pools.get('gpt-4.1')?.strategy).toBe('roundRobin');
  });
});

test('every quick start of the guide is accepted', () => {
  const blocks = Array.from(GUIDE.matchAll(/```sh\n(.*?)```/gs), ([, block]) => block as string);
  expect(blocks).toHaveLength(3);
  for (const block of blocks) {
    const lines = block
      .trim()
      .split('\n')
      .map((line) => line.replace('…', 'some-key').split('=') as [string, string]);
    expect(summary(Object.fromEntries(lines)).pools).toHaveLength(1);
  }
});
