/** Where infra/ and the code say the same thing twice: tables, settings, the configuration, metrics and events, the runtime. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { APP_SETTINGS } from '../../scripts/app-settings.ts';
import { parseConfig } from '../../src/config/load.ts';
import { isUnresolved } from '../../src/config/reference.ts';
import { gateSettings, insightsSettings } from '../../src/settings.ts';
import { storageSettings } from '../../src/store/connection.ts';
import { TABLES } from '../../src/store/port.ts';
import { EVENTS, METRICS } from '../../src/telemetry/names.ts';
import type { Deployment } from './bicep/deployment.ts';
import { appSettings, at, ofType, textAt } from './template.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLIENT_ID = '33333333-3333-3333-3333-333333333333';

/** What the app would find in its environment. */
export function environmentOf(deployment: Deployment): Record<string, string> {
  const settings = Object.entries(appSettings(deployment)).map(([name, value]) => [
    name,
    value
      .replaceAll('<identity.properties.clientId>', CLIENT_ID)
      .replace(/^<.*ConnectionString>$/, 'InstrumentationKey=0;IngestionEndpoint=https://x'),
  ]);
  return Object.fromEntries(settings) as Record<string, string>;
}

export function tableFaults(deployment: Deployment): string[] {
  const types = [
    'Microsoft.Storage/storageAccounts/tableServices/tables',
    'Microsoft.DocumentDB/databaseAccounts/tables',
  ];
  const made = types.flatMap((type) => ofType(deployment, type)).map(({ name }) => name);
  return [
    ...TABLES.filter((name) => !made.includes(name)).map((name) => `the table ${name} is not made`),
    ...made.filter((name) => !TABLES.some((known) => known === name)).map((name) => `nobody uses the table ${name}`),
  ];
}

export function settingFaults(deployment: Deployment, foreign: readonly string[] = []): string[] {
  const set = Object.keys(appSettings(deployment)).filter((name) => !foreign.includes(name));
  const known = APP_SETTINGS.filter(({ setBy }) => setBy === 'template');
  return [
    ...set.filter((name) => !known.some((one) => one.name === name)).map((name) => `nobody reads ${name}`),
    ...known
      .filter(({ name, when }) => when === undefined && !set.includes(name))
      .map(({ name }) => `${name} is not set`),
  ];
}

const NOT_THE_APP =
  /^(cli|simulator|simulation|dashboard|client|generate)\/|^(cli|local|start|arguments|greeting|storage)\.ts$/;
const NAME =
  /['"`]((?:ROUTER|AZURE|APPLICATION|APPLICATIONINSIGHTS|WEBSITE|IDENTITY|REGION|FUNCTIONS)_[A-Z0-9_]+|AzureWebJobs\w+)(?:['"`]|\$\{)/g;
const READ = /\benv(?:\[['"](\w+)['"]\]|\.([A-Z]\w+))|\b(?:read|present)\(['"](\w+)['"]\)/g;

/** Names of environment variables in the sources of the deployed app. */
export function namesRead(sources = join(ROOT, 'src')): Set<string> {
  const files = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.ts') && !NOT_THE_APP.test(name));
  const found = files.flatMap((name) => {
    const text = readFileSync(join(sources, name), 'utf8').replace(/^\s*(\/\/|\/?\*).*$/gm, '');
    // Others speak of settings in what they tell people.
    if (!text.includes('env[')) return [];
    const reads = [...text.matchAll(READ)].flatMap(([, one, two, three]) => one ?? two ?? three ?? []);
    return [...[...text.matchAll(NAME)].map(([, name_ = '']) => name_), ...reads];
  });
  return new Set(found.map((name) => (name.startsWith('AZURE_OPENAI_') ? 'AZURE_OPENAI_…' : name)));
}

export function codeFaults(read: ReadonlySet<string>): string[] {
  const known = APP_SETTINGS.filter(({ readBy }) => readBy !== 'host').map(({ name }) => name);
  return [
    ...[...read].filter((name) => !known.includes(name)).map((name) => `${name} is read, and on no list`),
    ...known.filter((name) => !read.has(name)).map((name) => `${name} is on the list, and nobody reads it`),
  ];
}

/** What the app would make of its settings. */
/** App Service puts secrets in the place of the references that it can follow. */
function resolved(env: Record<string, string>): Record<string, string> {
  const secrets = Object.entries(env).map(([name, value]) => [name, isUnresolved(value) ? 'a-secret' : value] as const);
  return Object.fromEntries(secrets);
}

export function configFaults(deployment: Deployment): string[] {
  const env = resolved(environmentOf(deployment));
  const faults: string[] = [];
  const storage = storageSettings(env);
  if (storage?.kind !== 'identity') faults.push('the store is not entered with an identity');
  if (storage?.kind === 'identity' && storage.clientId !== CLIENT_ID)
    faults.push('the store is entered with another identity');
  if (insightsSettings(env)?.identity?.clientId !== CLIENT_ID) faults.push('telemetry is sent with another identity');
  if (gateSettings(env, false).adminKey === null) faults.push('there is no admin key');
  const text = env['ROUTER_CONFIG'];
  if (text !== undefined) faults.push(...parsedFaults(text, env, deployment));
  return faults;
}

function parsedFaults(text: string, env: Record<string, string>, deployment: Deployment): string[] {
  const parsed = parseConfig(text, env, 'ROUTER_CONFIG');
  if (!parsed.ok) return parsed.faults.map(({ path, problem }) => `${path}: ${problem}`);
  const made = ofType(deployment, 'Microsoft.CognitiveServices/accounts/deployments');
  const { endpoints } = JSON.parse(text) as {
    endpoints: Record<string, { url: string; deployments: Record<string, object> }>;
  };
  const named = Object.values(endpoints).flatMap(({ url, deployments }) =>
    Object.keys(deployments).map((name) => `${new URL(url).hostname.split('.')[0] ?? ''}/deployments/${name}`),
  );
  return made
    .map(({ id }) => id.split('/accounts/')[1] ?? '')
    .filter((id) => !named.includes(id))
    .map((id) => `${id} is made, and the router does not know it`);
}

/** `name == "x"`, `name in ("x", "y")`, and the labels that are asked of them. */
export function queryFaults(query: string): string[] {
  const known = new Map<string, readonly string[]>([
    ...Object.values(METRICS).map(({ name, dimensions }) => [name, dimensions] as const),
    ...Object.entries(EVENTS),
  ]);
  const asked = [...query.matchAll(/\bname (?:== ("[^"]+")|in \(([^)]+)\))/g)].flatMap(([, one, several]) =>
    [...(one ?? several ?? '').matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  );
  const labels = new Set(asked.flatMap((name) => known.get(name) ?? []));
  const used = [...query.matchAll(/customDimensions(?:\.(\w+)|\["([^"]+)"\])/g)].map(
    ([, one, other]) => one ?? other ?? '',
  );
  const isEvent = query.includes('customEvents');
  return [
    ...(asked.length === 0 ? ['a query asks for no name'] : []),
    ...asked.filter((name) => !known.has(name)).map((name) => `${name} is told by nobody`),
    ...asked
      .filter((name) => known.has(name) && isEvent !== name in EVENTS)
      .map((name) => `${name} is looked for in the wrong table`),
    ...used.filter((label) => !labels.has(label)).map((label) => `${label} is no dimension of ${asked.join(', ')}`),
  ];
}

export function queriesIn(deployment: Deployment): string[] {
  const alerts = ofType(deployment, 'Microsoft.Insights/scheduledQueryRules').map(({ body }) =>
    textAt(body, 'properties.criteria.allOf.0.query'),
  );
  const charts = ofType(deployment, 'Microsoft.Insights/workbooks').flatMap(({ body }) => {
    const { items } = JSON.parse(textAt(body, 'properties.serializedData')) as {
      items: { content: { query?: string } }[];
    };
    return items.flatMap(({ content: { query } }) => query ?? []);
  });
  return [...alerts, ...charts];
}

export function runtimeFaults(deployment: Deployment, engines: string, runs: string): string[] {
  const [app] = ofType(deployment, 'Microsoft.Web/sites');
  const { name, version } = (at(app?.body, 'properties.functionAppConfig.runtime') ?? {}) as {
    name?: string;
    version?: string;
  };
  const least = Number(/^>=(\d+)/.exec(engines)?.[1]);
  return [
    ...(name === 'node' ? [] : ['the runtime is not Node']),
    ...(Number(version) >= least ? [] : [`Node ${version ?? '?'} is older than ${engines}`]),
    ...(runs.startsWith(`${version ?? '?'}.`) ? [] : [`Node ${version ?? '?'} is not what the tests run on (${runs})`]),
  ];
}
