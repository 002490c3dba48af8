import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { configFaults, queriesIn, queryFaults, runtimeFaults, settingFaults, tableFaults } from './agreement.ts';
import { assignees, foreignRoles, isElsewhere, leaks, openDoors, rolesIn, unreachable } from './rights.ts';
import { ADMIN_KEY, appSettings, at, type Form, formsOf, INFRA, ofType, textAt } from './template.ts';

const FORMS = formsOf();
const forms = Object.entries(FORMS) as [Form, (typeof FORMS)[Form]][];
const byForm = forms.map(([name, deployment]) => ({ name, deployment }));
const usual = FORMS['as in the parameters file'];
const everything = FORMS['with everything'];

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

describe.each(byForm)('the deployment $name', ({ deployment }) => {
  test('opens nothing to keys, passwords or plain http', () => {
    expect(openDoors(deployment)).toEqual([]);
  });

  test('tells nobody a secret', () => {
    expect(leaks(deployment, INFRA)).toEqual([]);
    const secret = ofType(deployment, 'Microsoft.KeyVault/vaults/secrets')[0];
    expect(at(secret?.body, 'properties.value')).toBe(ADMIN_KEY);
  });

  test('makes the tables of the code, and none beside', () => {
    expect(tableFaults(deployment)).toEqual([]);
  });

  test('sets what the app reads, and nothing that nobody does', () => {
    expect(settingFaults(deployment, ['OPENAI_API_KEY', 'ROUTER_REGION'])).toEqual([]);
  });

  test('is understood by the app: store, telemetry, admin key and configuration', () => {
    expect(configFaults(deployment)).toEqual([]);
  });

  test('asks for metrics and events that the code tells', () => {
    const queries = queriesIn(deployment);
    expect(queries.length).toBeGreaterThan(15);
    expect(queries.flatMap(queryFaults)).toEqual([]);
  });

  test('runs on the Node of package.json', () => {
    const { engines, devDependencies } = JSON.parse(read('package.json')) as {
      engines: { node: string };
      devDependencies: { node: string };
    };
    expect(runtimeFaults(deployment, engines.node, devDependencies.node)).toEqual([]);
  });
});

describe('the identity', () => {
  test('has exactly the roles that it needs', () => {
    expect(rolesIn(usual)).toEqual([
      'Cognitive Services OpenAI User on Microsoft.CognitiveServices/accounts/oai-east-…',
      'Cognitive Services OpenAI User on Microsoft.CognitiveServices/accounts/oai-sweden-…',
      'Key Vault Secrets User on Microsoft.KeyVault/vaults/kv-…',
      'Monitoring Metrics Publisher on Microsoft.Insights/components/appi-…',
      'Storage Blob Data Owner on Microsoft.Storage/storageAccounts/st…',
      'Storage Table Data Contributor on Microsoft.Storage/storageAccounts/st…',
    ]);
    expect([...assignees(usual)]).toEqual(['<identity.properties.principalId>']);
  });

  test('gets into accounts of other groups and subscriptions by roles given there', () => {
    const roles = foreignRoles(everything);
    expect(roles.map(isElsewhere)).toEqual([false, true]);
    expect(rolesIn(everything).filter((role) => role.startsWith('Cognitive Services OpenAI User'))).toHaveLength(4);
  });

  test('writes to Cosmos DB by its role for data, and by the app’s identity alone', () => {
    const [role, ...more] = ofType(everything, 'Microsoft.DocumentDB/databaseAccounts/tableRoleAssignments');
    expect(more).toEqual([]);
    expect(textAt(role?.body, 'properties.roleDefinitionId')).toMatch(
      /\/tableRoleDefinitions\/00000000-0000-0000-0000-000000000002$/,
    );
    expect(at(role?.body, 'properties.principalId')).toBe('<identity.properties.principalId>');
  });
});

describe('the app', () => {
  const site = ofType(usual, 'Microsoft.Web/sites')[0];

  test('takes its package from the container that is made for it', () => {
    const url = new URL(textAt(site?.body, 'properties.functionAppConfig.deployment.storage.value'));
    const container = ofType(usual, 'Microsoft.Storage/storageAccounts/blobServices/containers')[0];
    expect(url.pathname).toBe(`/${container?.name ?? ''}`);
    expect(url.hostname.split('.')[0]).toBe(ofType(usual, 'Microsoft.Storage/storageAccounts')[0]?.name);
  });

  test('reads its admin key from the vault, with the identity that may', () => {
    const vault = ofType(usual, 'Microsoft.KeyVault/vaults')[0];
    expect(appSettings(usual)['ROUTER_ADMIN_KEY']).toBe(
      `@Microsoft.KeyVault(SecretUri=https://${vault?.name ?? ''}.vault.azure.net/secrets/router-admin-key)`,
    );
    expect(at(site?.body, 'properties.keyVaultReferenceIdentity')).toBe(
      ofType(usual, 'Microsoft.ManagedIdentity/userAssignedIdentities')[0]?.id,
    );
  });

  test('does not tell by its address what the vault is called', () => {
    const tokens = ['Microsoft.KeyVault/vaults', 'Microsoft.Web/sites'].map(
      (type) => ofType(usual, type)[0]?.name.split('-')[1],
    );
    expect(tokens[0]).not.toBe(tokens[1]);
  });

  test('answers at its root: no prefix in host.json, no homepage of the host', () => {
    expect(JSON.parse(read('host.json'))).toMatchObject({ extensions: { http: { routePrefix: '' } } });
    expect(appSettings(usual)['AzureWebJobsDisableHomepage']).toBe('true');
  });

  test('is found by azd under the name in azure.yaml', () => {
    const tag = textAt(site?.body, 'tags.azd-service-name');
    expect(read('azure.yaml')).toMatch(new RegExp(`^services:\\n {2}${tag}:$`, 'm'));
  });

  test('costs nothing while nobody calls, unless instances are asked for', () => {
    expect(at(site?.body, 'properties.functionAppConfig.scaleAndConcurrency.alwaysReady')).toEqual([]);
    const busy = ofType(everything, 'Microsoft.Web/sites')[0];
    expect(at(busy?.body, 'properties.functionAppConfig.scaleAndConcurrency.alwaysReady')).toEqual([
      { name: 'http', instanceCount: 2 },
    ]);
  });
});

describe('what an owner adds', () => {
  test('stands beside the template’s own settings: secrets as references, the rest as it is', () => {
    const { OPENAI_API_KEY = '', ROUTER_REGION, ROUTER_STORAGE } = appSettings(everything);
    expect(OPENAI_API_KEY).toMatch(
      /^@Microsoft\.KeyVault\(SecretUri=https:\/\/kv-\w+\.vault\.azure\.net\/secrets\/openai\)$/,
    );
    expect(ROUTER_REGION).toBe('westeurope');
    expect(ROUTER_STORAGE).toMatch(/^https:\/\/cosmos-\w+\.table\.cosmos\.azure\.com$/);
  });
});

describe('the configuration that is generated', () => {
  const config = JSON.parse(appSettings(everything)['ROUTER_CONFIG'] ?? '') as {
    endpoints: Record<string, { deployments: Record<string, { kind?: string }> }>;
    pools: Record<string, { members: string[] }>;
  };

  test('has a pool for each model, its deployments in the order of the parameters', () => {
    expect(Object.fromEntries(Object.entries(config.pools).map(([name, { members }]) => [name, members]))).toEqual({
      'gpt-5': ['sweden/gpt-5', 'here/gpt-5', 'there/five'],
      'gpt-5-mini': ['sweden/mini', 'east/mini-2', 'east/mini-3'],
      cheap: ['east/mini-2', 'openai/gpt-5-mini'],
    });
  });

  test('knows provisioned throughput from tokens', () => {
    const kinds = Object.entries(config.endpoints).flatMap(([endpoint, { deployments }]) =>
      Object.entries(deployments).map(([name, { kind }]) => `${endpoint}/${name} ${kind ?? '-'}`),
    );
    expect(kinds.filter((kind) => kind.endsWith(' ptu'))).toEqual(['sweden/gpt-5 ptu', 'there/five ptu']);
  });

  test('is left out where there is none, so that the package’s router.json counts', () => {
    expect(appSettings(FORMS['with nothing'])).not.toHaveProperty('ROUTER_CONFIG');
  });
});

describe('a private network', () => {
  test('shuts everything but the app to the outside, and reaches all of it', () => {
    expect(unreachable(everything)).toEqual([]);
  });
});

describe('the files', () => {
  const files = readdirSync(INFRA, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bicep'));

  test.each(files)('%s has at most 300 lines, and no module of a registry', (name) => {
    const text = readFileSync(join(INFRA, name), 'utf8');
    expect(text.split('\n').length).toBeLessThanOrEqual(301);
    expect(text).not.toMatch(/'(br|ts)[:/]/);
  });

  test.each(files)('%s uses whatever it declares', (name) => {
    const text = readFileSync(join(INFRA, name), 'utf8').replace(/^\s*\/\/.*$/gm, '');
    const declared = [...text.matchAll(/^(?:param|var) (\w+)/gm)].map(([, one = '']) => one);
    const exported = [...text.matchAll(/@export\(\)\n(?:@description\([^\n]*\n)?var (\w+)/g)].map(
      ([, one = '']) => one,
    );
    const unused = declared.filter(
      (one) => !exported.includes(one) && text.split(new RegExp(`\\b${one}\\b`)).length < 3,
    );
    expect(unused).toEqual([]);
  });
});
