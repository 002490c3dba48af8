import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EXAMPLE } from '../../scripts/config-guide.ts';
import { formatFaults } from '../../src/config/faults.ts';
import { configFromEnvironment, parseConfig } from '../../src/config/load.ts';
import { ENV, KEY } from './parsing.ts';

const SECRET = 'Qz7'.repeat(12);
const SHORT = {
  endpoint: 'https://one.openai.azure.com',
  deployment_name: 'gpt-4.1',
  api_key: SECRET,
  backups: [{ endpoint: 'https://two.openai.azure.com', api_key: '${AZURE_OPENAI_API_KEY}' }],
  models: { 'gpt-4o': 'gpt-4.1', mini: 'small' },
};
const MODELS = { endpoint: SHORT.endpoint, api_key: '${AZURE_OPENAI_API_KEY}', models: SHORT.models };
const documents: unknown[] = [JSON.parse(EXAMPLE.replace(/^\s*\/\/.*$/gm, '')), SHORT, MODELS];

type Container = Record<string | number, unknown>;

function pathsOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [path, ...keys.flatMap((key) => pathsOf((value as Container)[key], [...path, key]))];
}

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('A', 'A/gpt-4.1', 'gpt-4.1', 'toString', '${HOME}', -1, 0, 1e308, SECRET, KEY, {}, [], {
    apiKey: SECRET,
  }),
);
const change = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('replace', 'remove', 'add'),
  name: fc.oneof(fc.string(), fc.constantFrom('inherits', 'backups', 'endpoints', 'apiKey', 'constructor', SECRET)),
  value: anything,
});

function changed(
  document: unknown,
  changes: readonly { at: number; kind: string; name: string; value: unknown }[],
): unknown {
  const root: Container = { document: structuredClone(document) };
  for (const { at, kind, name, value } of changes) {
    const paths = pathsOf(root.document, ['document']);
    const path = paths[at % paths.length] as (string | number)[];
    const owner = path.slice(0, -1).reduce<Container>((inner, key) => inner[key] as Container, root);
    const last = path.at(-1) as string | number;
    const here = owner[last];
    if (kind === 'remove' && path.length > 1) delete owner[last];
    else if (kind === 'add' && typeof here === 'object' && here !== null && !Array.isArray(here))
      (here as Container)[name] = structuredClone(value);
    else owner[last] = structuredClone(value);
  }
  return root.document;
}

function expectOrderly(parsed: ReturnType<typeof configFromEnvironment>): void {
  if (parsed === null) return;
  if (parsed.ok) {
    expect(parsed.config.pools.has(parsed.config.defaultPool)).toBe(true);
    for (const pool of parsed.config.pools.values()) {
      expect(pool.members.length).toBeGreaterThan(0);
      for (const member of pool.members) expect(parsed.config.deployments.has(member.deployment)).toBe(true);
    }
    for (const deployment of parsed.config.deployments.values())
      expect(parsed.config.endpoints.has(deployment.endpoint)).toBe(true);
    for (const note of parsed.notes) expect(note).not.toMatch(new RegExp(`${SECRET}|${KEY}`));
    return;
  }
  expect(parsed.faults.length).toBeGreaterThan(0);
  for (const fault of parsed.faults) {
    expect(fault.path).not.toBe('');
    expect(fault.problem).not.toBe('');
    expect(fault.allowed).not.toBe('');
  }
  expect(formatFaults(parsed.faults) + JSON.stringify(parsed.faults)).not.toMatch(new RegExp(`${SECRET}|${KEY}`));
}

describe('whatever is done to a good configuration', () => {
  test('it is accepted whole or refused with faults that have a path, and no fault shows a secret', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        (document, changes) => {
          expectOrderly(parseConfig(String(JSON.stringify(changed(document, changes))), ENV, 'router.json'));
        },
      ),
      { numRuns: 1_500 },
    );
  });

  test('text cut or torn anywhere is refused in an orderly way', () => {
    const cut = fc.tuple(fc.nat(EXAMPLE.length), fc.nat(40), fc.string({ maxLength: 5 }));
    fc.assert(
      fc.property(cut, ([at, length, put]) => {
        expectOrderly(parseConfig(EXAMPLE.slice(0, at) + put + EXAMPLE.slice(at + length), ENV, 'router.json'));
      }),
      { numRuns: 500 },
    );
  });

  test('so is any environment', () => {
    const names = ['ENDPOINT', 'API_KEY', 'KEY', 'DEPLOYMENT_NAME', 'DEPLOYMENT', 'API_VERSION'].flatMap((name) =>
      ['', '_0', '_1', '_2', '_3'].map((number) => `AZURE_OPENAI_${name}${number}`),
    );
    const values = fc.constantFrom(
      'https://one.openai.azure.com',
      'x',
      'gpt-4.1',
      'v1',
      '',
      SECRET,
      'premium',
      'http://a b',
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), values), (env) => expectOrderly(configFromEnvironment(env))),
      { numRuns: 1_500 },
    );
  });
});
