/** Shows that the checks notice: each breaks one thing, on one side only, in a copy. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  codeFaults,
  configFaults,
  namesRead,
  queriesIn,
  queryFaults,
  runtimeFaults,
  settingFaults,
  tableFaults,
} from './agreement.ts';
import type { Deployment } from './bicep/deployment.ts';
import { leaks, openDoors, rolesIn, unreachable } from './rights.ts';
import { type Form, formsOf, INFRA } from './template.ts';

interface Break {
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly form?: Form;
  readonly seenBy: (deployment: Deployment, infra: string) => readonly string[];
  readonly as: string | RegExp;
}

const SITE = 'modules/function-app.bicep';
const ALERTS = 'modules/alerts.bicep';

const BREAKS: readonly Break[] = [
  {
    what: 'a role is another one',
    file: 'roles.bicep',
    from: '0a9a7e1f',
    to: '1a9a7e1f',
    seenBy: rolesIn,
    as: /1a9a7e1f.* on Microsoft.Storage/,
  },
  {
    what: 'a role is given on the whole group',
    file: 'modules/vault.bicep',
    from: '  scope: vault\n',
    to: '',
    seenBy: rolesIn,
    as: 'Key Vault Secrets User on ?',
  },
  {
    what: 'a table is renamed',
    file: 'main.bicep',
    from: "'affinity'",
    to: "'affinities'",
    seenBy: tableFaults,
    as: 'the table affinity is not made',
  },
  {
    what: 'a table is left over',
    file: 'main.bicep',
    from: "'affinity'",
    to: "'affinity', 'sessions'",
    seenBy: tableFaults,
    as: 'nobody uses the table sessions',
  },
  {
    what: 'a setting is renamed',
    file: SITE,
    from: 'ROUTER_ADMIN_KEY:',
    to: 'ROUTER_ADMINKEY:',
    seenBy: (of) => settingFaults(of),
    as: 'ROUTER_ADMIN_KEY is not set',
  },
  {
    what: 'a setting is nobody’s',
    file: SITE,
    from: 'ROUTER_ADMIN_KEY:',
    to: "NODE_OPTIONS: ''\n  ROUTER_ADMIN_KEY:",
    seenBy: (of) => settingFaults(of),
    as: 'nobody reads NODE_OPTIONS',
  },
  {
    what: 'the store is entered with no identity',
    file: SITE,
    from: 'AzureWebJobsStorage__clientId: clientId',
    to: "AzureWebJobsStorage__clientId: ''",
    seenBy: configFaults,
    as: 'the store is entered with another identity',
  },
  {
    what: 'a pool names a deployment otherwise',
    file: 'modules/router-config.bicep',
    from: "'${at.name}/${deployment.name}'",
    to: "'${at.name}/${deployment.model}x'",
    seenBy: configFaults,
    as: /^ROUTER_CONFIG.*pools|^pools/,
  },
  {
    what: 'an endpoint’s setting is misspelt',
    file: 'modules/router-config.bicep',
    from: "auth: 'managedIdentity'",
    to: "auth: 'identity'",
    seenBy: configFaults,
    as: /auth/,
  },
  {
    what: 'an account has another host than the router is told',
    file: 'main.bicep',
    from: 'https://${accountNames[at]}.openai',
    to: 'https://${accounts[at].name}.openai',
    seenBy: configFaults,
    as: /is made, and the router does not know it/,
  },
  {
    what: 'an alert asks for another event',
    file: ALERTS,
    from: '"misconfigured"',
    to: '"misconfiguration"',
    seenBy: (of) => queriesIn(of).flatMap(queryFaults),
    as: 'misconfiguration is told by nobody',
  },
  {
    what: 'an alert asks for another metric',
    file: ALERTS,
    from: '"router.cost"',
    to: '"router.costs"',
    seenBy: (of) => queriesIn(of).flatMap(queryFaults),
    as: 'router.costs is told by nobody',
  },
  {
    what: 'a chart asks for another dimension',
    file: 'workbook.json',
    from: 'customDimensions.creator',
    to: 'customDimensions.author',
    seenBy: (of) => queriesIn(of).flatMap(queryFaults),
    as: /author is no dimension of router.cost/,
  },
  {
    what: 'shared keys are on',
    file: 'modules/storage.bicep',
    from: 'allowSharedKeyAccess: false',
    to: 'allowSharedKeyAccess: true',
    seenBy: openDoors,
    as: /allowSharedKeyAccess is not false/,
  },
  {
    what: 'keys of Azure OpenAI are on',
    file: 'modules/openai-account.bicep',
    from: 'disableLocalAuth: true',
    to: 'disableLocalAuth: false',
    seenBy: openDoors,
    as: /disableLocalAuth is not true/,
  },
  {
    what: 'telemetry takes keys',
    file: 'modules/monitoring.bicep',
    from: 'DisableLocalAuth: true',
    to: 'DisableLocalAuth: false',
    seenBy: openDoors,
    as: /DisableLocalAuth is not true/,
  },
  {
    what: 'plain http is let in',
    file: SITE,
    from: 'httpsOnly: true',
    to: 'httpsOnly: false',
    seenBy: openDoors,
    as: /httpsOnly is not true/,
  },
  {
    what: 'packages can be published by password',
    file: SITE,
    from: "name: 'scm'\n    properties: { allow: false }",
    to: "name: 'scm'\n    properties: { allow: true }",
    seenBy: openDoors,
    as: /scm: properties.allow is not false/,
  },
  {
    what: 'an output tells the admin key',
    file: 'main.bicep',
    from: 'output ROUTER_URL string = app.outputs.url',
    to: 'output ROUTER_URL string = adminKey',
    seenBy: leaks,
    as: 'the output ROUTER_URL tells a secret',
  },
  {
    what: 'the admin key is a plain setting',
    file: 'main.bicep',
    from: 'cosmosUrl: cosmosUrl',
    to: 'cosmosUrl: adminKey',
    seenBy: leaks,
    as: 'the admin key stands in Microsoft.Web/sites/config',
  },
  {
    what: 'Node is older than the package wants',
    file: 'main.bicep',
    from: "nodeVersion string = '24'",
    to: "nodeVersion string = '20'",
    seenBy: (of) => runtimeFaults(of, '>=22.18', '24.21.0'),
    as: 'Node 20 is older than >=22.18',
  },
  {
    what: 'the vault stays public in a private network',
    file: 'modules/vault.bicep',
    from: "isPrivate ? 'Disabled' : 'Enabled'",
    to: "isPrivate ? 'Enabled' : 'Enabled'",
    form: 'with everything',
    seenBy: unreachable,
    as: /^kv-.* is open to everybody/,
  },
  {
    what: 'a private endpoint is missing',
    file: 'modules/private-endpoints.bicep',
    from: 'targetId: vaultId',
    to: 'targetId: storageId',
    form: 'with everything',
    seenBy: unreachable,
    as: /^kv-.* has no private endpoint/,
  },
];

test.each(BREAKS)('it is noticed that $what', ({ file, from, to, form = 'as in the parameters file', seenBy, as }) => {
  const infra = copyOf(INFRA);
  const text = readFileSync(join(infra, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(infra, file), text.replace(from, to));
  const before = seenBy(formsOf()[form], INFRA);
  const found = seenBy(formsOf(infra)[form], infra).filter((one) => !before.includes(one));
  expect(found).toContainEqual(typeof as === 'string' ? as : expect.stringMatching(as));
});

test.each([
  {
    what: 'a parameter that no module has',
    file: 'main.bicep',
    from: 'isPrivate: usePrivateNetwork',
    to: 'private: usePrivateNetwork',
    as: /there is no parameter “private”/,
  },
  {
    what: 'a parameter that is missing',
    file: 'main.bicep',
    from: '    sku: storageSku\n',
    to: '',
    as: /parameter “sku” is missing/,
  },
  {
    what: 'an output that is none',
    file: 'main.bicep',
    from: 'vault.outputs.url',
    to: 'vault.outputs.uri',
    as: /there is no output “uri”/,
  },
  {
    what: 'a name that is none',
    file: 'modules/vault.bicep',
    from: 'value: adminKey',
    to: 'value: admin_key',
    as: /nothing is called “admin_key”/,
  },
  {
    what: 'a brace too few',
    file: 'modules/vault.bicep',
    from: "sku: { family: 'A'",
    to: "sku: family: 'A'",
    as: /vault\.bicep:\d+/,
  },
  {
    what: 'a text without its end',
    file: 'modules/vault.bicep',
    from: "'text/plain'",
    to: "'text/plain",
    as: /a text does not end/,
  },
])('the reader refuses $what', ({ file, from, to, as }) => {
  const infra = copyOf(INFRA);
  const text = readFileSync(join(infra, file), 'utf8');
  expect(text).toContain(from);
  writeFileSync(join(infra, file), text.replace(from, to));
  expect(() => formsOf(infra)).toThrow(as);
});

test('it is noticed that the code reads a setting of another name', () => {
  const sources = copyOf(join(INFRA, '../src'));
  const file = join(sources, 'settings.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll("'ROUTER_ADMIN_KEY'", "'ROUTER_ROOT_KEY'"));
  const main = join(sources, 'main.ts');
  writeFileSync(main, readFileSync(main, 'utf8').replaceAll("'ROUTER_ADMIN_KEY'", "'ROUTER_ROOT_KEY'"));
  expect(codeFaults(namesRead(sources))).toEqual([
    'ROUTER_ROOT_KEY is read, and on no list',
    'ROUTER_ADMIN_KEY is on the list, and nobody reads it',
  ]);
});

function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'router-infra-'));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(folder, copy, { recursive: true });
  return copy;
}
