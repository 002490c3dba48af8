import { describe, expect, test } from 'vitest';
import { accepted, ENV, faultAt, KEY, parse, refused } from './parsing.ts';

const A = { url: 'https://one.openai.azure.com', apiKey: '${AZURE_OPENAI_API_KEY}', deployments: { 'gpt-4.1': {} } };

function endpoint(own: object, env = {}) {
  return accepted(parse({ endpoints: { A: { ...A, ...own } } }, { ...ENV, ...env })).config.endpoints.get('A');
}

describe('url', () => {
  test.each([
    ['as the portal shows it', 'https://one.openai.azure.com/', 'https://one.openai.azure.com', ''],
    ['with the path of the API', 'https://one.openai.azure.com/openai', 'https://one.openai.azure.com', ''],
    ['with the path of the v1 API', 'https://one.openai.azure.com/openai/v1/', 'https://one.openai.azure.com', ''],
    ['with spaces around it', ' https://one.openai.azure.com ', 'https://one.openai.azure.com', ''],
    ['behind a proxy', 'https://gate.example.com/team/openai/v1', 'https://gate.example.com', '/team'],
    ['on this machine by name', 'http://localhost:8080', 'http://localhost:8080', ''],
    ['on this machine by number', 'http://127.0.0.1:8080/a', 'http://127.0.0.1:8080', '/a'],
    ['on this machine in IPv6', 'http://[::1]:8080', 'http://[::1]:8080', ''],
  ])('%s is understood', (_, url, origin, basePath) => {
    expect(endpoint({ url })).toMatchObject({ origin, basePath });
  });

  test.each([
    ['no scheme', 'one.openai.azure.com', 'https://one.openai.azure.com'],
    ['a query', 'https://one.openai.azure.com/?api-version=2024-10-21', 'https://one.openai.azure.com'],
    ['credentials', 'https://me:pass@one.openai.azure.com', 'https://one.openai.azure.com'],
    [
      'one operation',
      'https://one.openai.azure.com/openai/deployments/x/chat/completions',
      'https://one.openai.azure.com',
    ],
    ['plain http to elsewhere', 'http://one.example.com/a', 'https://one.example.com/a'],
    ['another protocol', 'ftp://one.example.com', 'https://one.example.com'],
    ['no address at all', 'hello', null],
  ])('%s is a fault', (_, url, suggestion) => {
    const fault = faultAt(refused(parse({ endpoints: { A: { ...A, url } } })), 'endpoints.A.url');
    expect(fault.suggestion).toBe(suggestion);
    expect(fault.found).not.toContain('pass');
  });

  test('plain http to elsewhere is allowed where the endpoint says so', () => {
    expect(endpoint({ url: 'http://one.example.com', allowInsecure: true })?.origin).toBe('http://one.example.com');
  });

  test('a name that only begins like this machine is another machine', () => {
    refused(parse({ endpoints: { A: { ...A, url: 'http://localhost.example.com' } } }));
    refused(parse({ endpoints: { A: { ...A, url: 'http://127.0.0.1.example.com' } } }));
  });

  test('may come from the environment, and a key put there by mistake is not shown', () => {
    expect(endpoint({ url: '${WHERE}' }, { WHERE: 'https://two.example.com' })?.origin).toBe('https://two.example.com');
    const faults = refused(parse({ endpoints: { A: { ...A, url: '${AZURE_OPENAI_API_KEY}' } } }));
    expect(faultAt(faults, 'endpoints.A.url')).toMatchObject({ found: '"${AZURE_OPENAI_API_KEY}"', suggestion: null });
    expect(JSON.stringify(faults)).not.toContain(KEY);
  });
});

describe('api', () => {
  test.each([
    ['v1', { kind: 'v1' }],
    ['2024-10-21', { kind: 'dated', apiVersion: '2024-10-21' }],
    ['2025-01-01-preview', { kind: 'dated', apiVersion: '2025-01-01-preview' }],
  ])('%s is a dialect', (api, dialect) => {
    expect(endpoint({ api })?.dialect).toEqual(dialect);
  });

  test.each([
    ['V1', 'v1'],
    ['latest', null],
    ['2024-13-01', null],
    ['2024-10-21-beta', null],
  ])('%s is a fault', (api, suggestion) => {
    expect(faultAt(refused(parse({ endpoints: { A: { ...A, api } } })), 'endpoints.A.api').suggestion).toBe(suggestion);
  });
});

describe('credentials', () => {
  const bare = { url: A.url, deployments: A.deployments };

  test.each([
    ['a key alone', { apiKey: '${K}' }, { kind: 'apiKey', apiKey: 'secret-value' }],
    ['a key, said outright', { apiKey: '${K}', auth: 'apiKey' }, { kind: 'apiKey', apiKey: 'secret-value' }],
    [
      'the system-assigned identity',
      { auth: 'managedIdentity' },
      { kind: 'managedIdentity', clientId: null, scope: 'https://cognitiveservices.azure.com/.default' },
    ],
    [
      'a user-assigned identity with a scope',
      { auth: 'managedIdentity', clientId: 'id-1', scope: 'https://ai.azure.com/.default' },
      { kind: 'managedIdentity', clientId: 'id-1', scope: 'https://ai.azure.com/.default' },
    ],
  ])('%s', (_, own, credential) => {
    const parsed = parse({ endpoints: { A: { ...bare, ...own } } }, { K: ' secret-value\n' });
    expect(accepted(parsed).config.endpoints.get('A')?.credential).toEqual(credential);
  });

  test.each([
    ['none at all', {}, 'endpoints.A.apiKey'],
    ['auth apiKey without a key', { auth: 'apiKey' }, 'endpoints.A.apiKey'],
    ['a key beside managed identity', { auth: 'managedIdentity', apiKey: '${K}' }, 'endpoints.A.apiKey'],
    ['a client id beside a key', { apiKey: '${K}', clientId: 'id-1' }, 'endpoints.A.clientId'],
    ['a scope beside a key', { apiKey: '${K}', scope: 'x' }, 'endpoints.A.scope'],
    ['a variable within text', { apiKey: 'my-${K}' }, 'endpoints.A.apiKey'],
    ['a key with spaces', { apiKey: 'two words' }, 'endpoints.A.apiKey'],
    ['an empty variable', { apiKey: '${EMPTY}' }, 'endpoints.A.apiKey'],
  ])('%s is a fault', (_, own, path) => {
    const faults = refused(parse({ endpoints: { A: { ...bare, ...own } } }, { K: 'secret-value', EMPTY: ' ' }));
    expect(faults.map((fault) => fault.path)).toEqual([path]);
    expect(JSON.stringify(faults)).not.toContain('secret-value');
  });

  test('a variable that is not set is named, with the one that was probably meant', () => {
    const faults = refused(parse({ endpoints: { A } }, { AZURE_OPENAI_APIKEY: KEY }));
    expect(faults).toEqual([
      {
        path: 'endpoints.A.apiKey',
        problem: 'The environment variable AZURE_OPENAI_API_KEY is not set.',
        found: '(hidden)',
        allowed: 'a value for AZURE_OPENAI_API_KEY in the environment',
        suggestion: 'AZURE_OPENAI_APIKEY',
      },
    ]);
  });

  test('a key written out works, and a note asks for better', () => {
    const { config, notes } = accepted(parse({ endpoints: { A: { ...A, apiKey: KEY }, B: { inherits: 'A' } } }));
    expect(config.endpoints.get('B')?.credential).toEqual({ kind: 'apiKey', apiKey: KEY });
    expect(notes).toHaveLength(1);
    expect(notes.join()).not.toContain(KEY);
  });
});

describe('inherits', () => {
  test('hands down every setting through a chain, and the child overrides', () => {
    const endpoints = {
      C: { inherits: 'B', region: 'three' },
      B: { inherits: 'A', url: 'https://two.example.com', deployments: { mini: { model: 'm' } } },
      A: { ...A, api: 'v1', region: 'one' },
    };
    const { config } = accepted(parse({ endpoints }));
    expect(config.endpoints.get('C')).toEqual({
      name: 'C',
      origin: 'https://two.example.com',
      basePath: '',
      credential: { kind: 'apiKey', apiKey: KEY },
      dialect: { kind: 'v1' },
      region: 'three',
    });
    expect([...config.deployments.keys()]).toEqual(['C/mini', 'B/mini', 'A/gpt-4.1']);
  });

  test('a managed identity of its own replaces an inherited key, and a key an inherited identity', () => {
    const endpoints = {
      A,
      B: { inherits: 'A', auth: 'managedIdentity' },
      C: { inherits: 'B', apiKey: '${AZURE_OPENAI_API_KEY}' },
    };
    const { config } = accepted(parse({ endpoints }));
    expect(config.endpoints.get('B')?.credential.kind).toBe('managedIdentity');
    expect(config.endpoints.get('C')?.credential.kind).toBe('apiKey');
  });

  test('an unknown parent is a fault with a suggestion, and what might have come from it is not asked for', () => {
    const faults = refused(
      parse({ endpoints: { Main: A, B: { inherits: 'main' } }, pools: { p: { members: ['B/any'] } } }),
    );
    expect(faults).toMatchObject([{ path: 'endpoints.B.inherits', found: '"main"', suggestion: 'Main' }]);
  });

  test.each([
    ['itself', { A: { ...A, inherits: 'A' } }, 'A -> A'],
    ['its child', { A: { ...A, inherits: 'B' }, B: { inherits: 'A' } }, 'A -> B -> A'],
    [
      'a circle it is not part of',
      { X: { inherits: 'B' }, A: { ...A, inherits: 'B' }, B: { inherits: 'A' } },
      'A -> B -> A',
    ],
  ])('a circle is one fault: %s', (_, endpoints, circle) => {
    const faults = refused(parse({ endpoints }));
    expect(faults).toHaveLength(1);
    expect(faultAt(faults, 'endpoints.A.inherits').problem).toContain(circle);
  });

  test.each([
    ['no url', { apiKey: A.apiKey, deployments: A.deployments }, 'endpoints.A.url'],
    ['no deployments', { url: A.url, apiKey: A.apiKey }, 'endpoints.A.deployments'],
    ['empty deployments', { ...A, deployments: {} }, 'endpoints.A.deployments'],
  ])('%s anywhere in the chain is a fault', (_, own, path) => {
    expect(refused(parse({ endpoints: { A: own } })).map((fault) => fault.path)).toEqual([path]);
  });

  test('one wrong value is one fault, however many inherit it', () => {
    const faults = refused(
      parse({ endpoints: { A: { ...A, url: 'nowhere' }, B: { inherits: 'A' }, C: { inherits: 'B' } } }),
    );
    expect(faults.map((fault) => fault.path)).toEqual(['endpoints.A.url']);
  });
});

describe('an endpoint of plain OpenAI', () => {
  const OPENAI = { kind: 'openai', url: 'https://api.openai.com/v1' };

  test.each([
    ['as clients take it', 'https://api.openai.com/v1', 'https://api.openai.com', '/v1'],
    ['with a slash behind it', 'https://api.openai.com/v1/', 'https://api.openai.com', '/v1'],
    ['without the version that belongs to it', 'https://api.openai.com', 'https://api.openai.com', '/v1'],
    ['of somebody else', 'https://openrouter.ai/api/v1', 'https://openrouter.ai', '/api/v1'],
    ['of somebody who has no version', 'https://api.deepseek.com', 'https://api.deepseek.com', ''],
    ['on this machine', 'http://127.0.0.1:11434/v1', 'http://127.0.0.1:11434', '/v1'],
  ])('has the base URL %s', (_, url, origin, basePath) => {
    expect(endpoint({ ...OPENAI, url })).toMatchObject({ origin, basePath, dialect: { kind: 'openai' } });
  });

  test('hands its kind on to those who inherit from it', () => {
    const document = { endpoints: { A: { ...A, ...OPENAI }, B: { inherits: 'A', url: 'https://two.example.com/v1' } } };
    expect(accepted(parse(document)).config.endpoints.get('B')).toMatchObject({
      dialect: { kind: 'openai' },
      basePath: '/v1',
    });
  });

  test.each([
    [
      'the address of one operation',
      { url: 'https://api.openai.com/v1/chat/completions' },
      'url',
      'https://api.openai.com/v1',
    ],
    ['a version of the API', { api: '2024-10-21' }, 'api', null],
  ])('does not take %s', (_, own, key, suggestion) => {
    const faults = refused(parse({ endpoints: { A: { ...A, ...OPENAI, ...own } } }));
    expect(faultAt(faults, `endpoints.A.${key}`).suggestion).toBe(suggestion);
  });

  test('does not take a managed identity', () => {
    const { apiKey: _, ...keyless } = A;
    const faults = refused(parse({ endpoints: { A: { ...keyless, ...OPENAI, auth: 'managedIdentity' } } }));
    expect(faultAt(faults, 'endpoints.A.auth').problem).toBe('Plain OpenAI knows nothing of managed identities.');
  });
});
