/** Who may do what: roles, keys, passwords, networks, secrets. Each check hands out what is wrong, so that tests can break things and see. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployed, Deployment } from './bicep/deployment.ts';
import { ADMIN_KEY, at, OTHER_SUBSCRIPTION, ofType, textAt } from './template.ts';

/** As the services number them; nothing else may be given. */
export const ROLES = {
  'Cognitive Services OpenAI User': '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd',
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6',
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb',
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
} as const;

const STORAGE = 'Microsoft.Storage/storageAccounts';
const OPENAI = 'Microsoft.CognitiveServices/accounts';

function nameOf(role: string): string {
  return Object.entries(ROLES).find(([, id]) => role.endsWith(`/${id}`))?.[0] ?? role;
}

/** `role on type`, sorted. */
export function rolesIn(deployment: Deployment): string[] {
  return ofType(deployment, 'Microsoft.Authorization/roleAssignments')
    .map(
      ({ body, on }) =>
        `${nameOf(textAt(body, 'properties.roleDefinitionId'))} on ${on?.split('/providers/')[1] ?? '?'}`,
    )
    .map((text) => text.replace(/(-|\/st|\/kv-)[0-9a-z]{10,}/g, '$1…'))
    .sort();
}

export function assignees(deployment: Deployment): Set<string> {
  const all = ofType(deployment, 'Microsoft.Authorization/roleAssignments');
  return new Set(all.map(({ body }) => textAt(body, 'properties.principalId')));
}

/** What must hold of every resource of a type, wherever it is declared. */
const SHUT: readonly (readonly [type: string, path: string, value: string | boolean])[] = [
  [STORAGE, 'properties.allowSharedKeyAccess', false],
  [STORAGE, 'properties.allowBlobPublicAccess', false],
  [STORAGE, 'properties.defaultToOAuthAuthentication', true],
  [STORAGE, 'properties.minimumTlsVersion', 'TLS1_2'],
  [STORAGE, 'properties.supportsHttpsTrafficOnly', true],
  [`${STORAGE}/blobServices/containers`, 'properties.publicAccess', 'None'],
  ['Microsoft.DocumentDB/databaseAccounts', 'properties.disableLocalAuth', true],
  ['Microsoft.DocumentDB/databaseAccounts', 'properties.minimalTlsVersion', 'Tls12'],
  [OPENAI, 'properties.disableLocalAuth', true],
  ['Microsoft.Insights/components', 'properties.DisableLocalAuth', true],
  ['Microsoft.OperationalInsights/workspaces', 'properties.features.disableLocalAuth', true],
  ['Microsoft.KeyVault/vaults', 'properties.enableRbacAuthorization', true],
  ['Microsoft.KeyVault/vaults', 'properties.enablePurgeProtection', true],
  ['Microsoft.Web/sites', 'properties.httpsOnly', true],
  ['Microsoft.Web/sites', 'properties.siteConfig.minTlsVersion', '1.2'],
  ['Microsoft.Web/sites', 'properties.siteConfig.scmMinTlsVersion', '1.2'],
  ['Microsoft.Web/sites', 'properties.siteConfig.ftpsState', 'Disabled'],
  ['Microsoft.Web/sites/basicPublishingCredentialsPolicies', 'properties.allow', false],
];

const PRIVATE = [STORAGE, 'Microsoft.DocumentDB/databaseAccounts', OPENAI, 'Microsoft.KeyVault/vaults'];

export function openDoors(deployment: Deployment): string[] {
  const wrong = SHUT.flatMap(([type, path, value]) =>
    ofType(deployment, type)
      .filter(({ body }) => at(body, path) !== value)
      .map(({ name }) => `${type} ${name}: ${path} is not ${value}`),
  );
  const passwords = ofType(deployment, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies').map(
    ({ name }) => name,
  );
  const missing = ['ftp', 'scm'].filter((name) => !passwords.includes(name));
  return [...wrong, ...missing.map((name) => `publishing by password is not switched off for ${name}`)];
}

/** Where the network is private: what can still be reached from outside, or not from inside. */
export function unreachable(deployment: Deployment): string[] {
  const closed = deployment.resources.filter(({ type }) => PRIVATE.includes(type));
  const open = closed.filter(({ body }) => at(body, 'properties.publicNetworkAccess') !== 'Disabled');
  const reached = new Set(
    ofType(deployment, 'Microsoft.Network/privateEndpoints').map(({ body }) =>
      textAt(body, 'properties.privateLinkServiceConnections.0.properties.privateLinkServiceId'),
    ),
  );
  const [app] = ofType(deployment, 'Microsoft.Web/sites');
  return [
    ...open.map(({ name }) => `${name} is open to everybody`),
    ...closed.filter(({ id }) => !reached.has(id)).map(({ name }) => `${name} has no private endpoint`),
    ...(at(app?.body, 'properties.virtualNetworkSubnetId') ? [] : ['the app is in no network']),
    ...zoneFaults(deployment),
  ];
}

function zoneFaults(deployment: Deployment): string[] {
  const zones = new Set(ofType(deployment, 'Microsoft.Network/privateDnsZones').map(({ id }) => id));
  const groups = ofType(deployment, 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups');
  const asked = groups.map(({ body }) =>
    textAt(body, 'properties.privateDnsZoneConfigs.0.properties.privateDnsZoneId'),
  );
  return asked.filter((id) => !zones.has(id)).map((id) => `there is no zone ${id}`);
}

/** Where the admin key, or anything like a key, would be read by somebody it is not meant for. */
export function leaks(deployment: Deployment, infra: string): string[] {
  const holders = deployment.resources.filter((one) => JSON.stringify(one).includes(ADMIN_KEY)).map(({ type }) => type);
  const files = readdirSync(infra, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bicep'));
  const calls = files.filter((name) =>
    /\blist\w*\(|\.listKeys|@Microsoft\.KeyVault.*outputs/.test(readFileSync(join(infra, name), 'utf8')),
  );
  const told = Object.entries(deployment.outputs).filter(([name, value]) =>
    /canary|ConnectionString|InstrumentationKey|password/i.test(`${name} ${JSON.stringify(value)}`),
  );
  return [
    ...holders
      .filter((type) => type !== 'Microsoft.KeyVault/vaults/secrets')
      .map((type) => `the admin key stands in ${type}`),
    ...calls.map((name) => `${name} asks for keys`),
    ...told.map(([name]) => `the output ${name} tells a secret`),
  ];
}

/** Roles on accounts that are there already are given in their own group and subscription. */
export function foreignRoles({ resources }: Deployment): Deployed[] {
  return resources.filter(({ file }) => file === 'modules/openai-access.bicep');
}

export function isElsewhere({ on }: Deployed): boolean {
  return on?.includes(`/subscriptions/${OTHER_SUBSCRIPTION}/resourceGroups/rg-there/`) ?? false;
}
