/** The deployment as infra/ describes it, in the forms that its parameters allow. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Deployed, type Deployment, deploy } from './bicep/deployment.ts';
import type { Plain, Value } from './bicep/values.ts';

export const INFRA = fileURLToPath(new URL('../../infra', import.meta.url));

/** Found nowhere but where it belongs. */
export const ADMIN_KEY = 'canary-of-the-admin-key-0123456789';
export const OTHER_SUBSCRIPTION = '22222222-2222-2222-2222-222222222222';

/** main.parameters.json, with what azd puts in from its environment. */
export function fileParameters(infra = INFRA): Record<string, Value> {
  const env: Readonly<Record<string, string>> = {
    AZURE_ENV_NAME: 'demo',
    AZURE_LOCATION: 'swedencentral',
    ROUTER_ADMIN_KEY: ADMIN_KEY,
  };
  const text = readFileSync(join(infra, 'main.parameters.json'), 'utf8');
  const filled = text.replace(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? `?${name}?`);
  const { parameters } = JSON.parse(filled) as { parameters: Record<string, { value: Value }> };
  return Object.fromEntries(Object.entries(parameters).map(([name, { value }]) => [name, value]));
}

/** Everything that may be had. */
const EVERYTHING: Readonly<Record<string, Value>> = {
  useCosmos: true,
  usePrivateNetwork: true,
  alwaysReadyInstances: 2,
  instanceMemoryMB: 4096,
  monthlyBudget: { usdPerMonth: 50, startDate: '2027-01-01', emails: ['ops@example.com'] },
  alerts: { emails: ['ops@example.com', 'oncall@example.com'], usdPerDay: 10, openingsPerHour: 2 },
  appSettings: { ROUTER_REGION: 'westeurope' },
  foreignKeys: [{ setting: 'OPENAI_API_KEY', secret: 'openai' }],
  accounts: [
    {
      name: 'sweden',
      region: 'swedencentral',
      deployments: [made('gpt-5', 'gpt-5', 'DataZoneProvisionedManaged'), made('mini', 'gpt-5-mini')],
    },
    { name: 'east', region: 'eastus2', deployments: [made('mini-2', 'gpt-5-mini'), made('mini-3', 'gpt-5-mini')] },
  ],
  existingAccounts: [
    existing('here', 'oai-here', [{ name: 'gpt-5', model: 'gpt-5' }]),
    {
      ...existing('there', 'oai-there', [{ name: 'five', model: 'gpt-5', kind: 'ptu' }]),
      subscriptionId: OTHER_SUBSCRIPTION,
    },
  ],
  routerSettings: {
    endpoints: {
      openai: {
        kind: 'openai',
        url: 'https://api.openai.com/v1',
        apiKey: '${OPENAI_API_KEY}',
        deployments: { 'gpt-5-mini': {} },
      },
    },
    pools: { cheap: { strategy: 'priority', members: ['east/mini-2', 'openai/gpt-5-mini'] } },
    plans: { free: { quota: { usdPerMonth: 5 } } },
  },
};

function made(name: string, model: string, sku = 'GlobalStandard'): Record<string, Value> {
  return { name, model, version: '2025-08-07', sku, capacity: 50 };
}

function existing(name: string, accountName: string, deployments: Value[]): Record<string, Value> {
  const url = `https://${accountName}.openai.azure.com`;
  return { name, accountName, resourceGroup: `rg-${name}`, region: 'westeurope', url, deployments };
}

export type Form = 'as in the parameters file' | 'with everything' | 'with nothing';

export function formsOf(infra = INFRA): Readonly<Record<Form, Deployment>> {
  const main = join(infra, 'main.bicep');
  const base = fileParameters(infra);
  return {
    'as in the parameters file': deploy(main, base),
    'with everything': deploy(main, { ...base, ...EVERYTHING }),
    'with nothing': deploy(main, { ...base, accounts: [] }),
  };
}

export function ofType({ resources }: Deployment, type: string): Deployed[] {
  return resources.filter((one) => one.type === type);
}

/** A property by its path; `undefined` where there is none. */
export function at(of: Plain | undefined, path: string): Plain | undefined {
  let value: Plain | undefined = of;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Array.isArray(value) ? value[Number(step)] : value[step];
  }
  return value;
}

/** The same, where a text is expected; nothing where there is none. */
export function textAt(of: Plain | undefined, path: string): string {
  const value = at(of, path);
  return typeof value === 'string' ? value : '';
}

export function appSettings(deployment: Deployment): Record<string, string> {
  const found = ofType(deployment, 'Microsoft.Web/sites/config').find(({ name }) => name === 'appsettings');
  return (found?.body['properties'] ?? {}) as Record<string, string>;
}
