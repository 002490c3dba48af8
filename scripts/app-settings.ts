/** Every environment variable that the deployed app reads, and those of the host that the deployment sets. docs/deploy.md holds the table; test/infra compares this list with the code and with the template. */

/** `template`: infra/ sets it. `owner`: whoever deploys may. `platform`: Azure does. */
export type SetBy = 'template' | 'owner' | 'platform';

export interface AppSetting {
  readonly name: string;
  readonly readBy: 'app' | 'host' | 'both';
  readonly setBy: SetBy;
  /** Where the template sets it only at times: when. */
  readonly when?: string;
  readonly meaning: string;
}

export const APP_SETTINGS: readonly AppSetting[] = [
  setting(
    'ROUTER_CONFIG',
    'app',
    'template',
    'The configuration: made of the accounts and `routerSettings`. A file’s path may stand there as well.',
    'there are accounts or settings; else a `router.json` in the package is read',
  ),
  setting(
    'ROUTER_ADMIN_KEY',
    'app',
    'template',
    'The admin key: a reference to the secret `router-admin-key` of the vault.',
  ),
  setting(
    'ROUTER_API_KEY',
    'app',
    'owner',
    'A key for the data plane alone. Keys made at `/router/keys` are better: they have an account and an end.',
  ),
  setting(
    'ROUTER_STORAGE',
    'app',
    'template',
    'Where the tables are, if not in the storage account of the host.',
    '`useCosmos`',
  ),
  setting(
    'ROUTER_REGION',
    'app',
    'owner',
    'The region the router takes itself to be in (`preferRegion: true`), in the place of `REGION_NAME`.',
  ),
  setting('REGION_NAME', 'app', 'platform', 'The region of the app.'),
  setting(
    'AzureWebJobsStorage__tableServiceUri',
    'both',
    'template',
    'The tables: the router’s, and the host’s diagnostic events.',
  ),
  setting('AzureWebJobsStorage__clientId', 'both', 'template', 'The identity that opens the storage account.'),
  setting('AzureWebJobsStorage__blobServiceUri', 'host', 'template', 'The host’s locks and the schedule of the timer.'),
  setting('AzureWebJobsStorage__credential', 'host', 'template', '`managedidentity`: no key.'),
  setting(
    'AzureWebJobsStorage__accountName',
    'app',
    'owner',
    'The storage account by its name alone, in the place of `__tableServiceUri`.',
  ),
  setting('AzureWebJobsStorage', 'app', 'owner', 'A connection string, for the emulator. In Azure keys are off.'),
  setting('AzureWebJobsDisableHomepage', 'host', 'template', '`true`: the app answers at `/`.'),
  setting(
    'APPLICATIONINSIGHTS_CONNECTION_STRING',
    'both',
    'template',
    'Where telemetry goes. It opens nothing: local authentication is off.',
  ),
  setting('APPLICATIONINSIGHTS_AUTHENTICATION_STRING', 'both', 'template', 'The identity that may write telemetry.'),
  setting(
    'APPLICATION_INSIGHTS_NO_STATSBEAT',
    'app',
    'owner',
    'The exporter’s reports on itself; `1`, unless something else is set.',
  ),
  setting(
    'AZURE_OPENAI_…',
    'app',
    'owner',
    'The quick starts of [configuration.md](configuration.md), where there is no `ROUTER_CONFIG`.',
  ),
  setting('WEBSITE_SITE_NAME', 'app', 'platform', 'The app’s name in telemetry.'),
  setting('WEBSITE_INSTANCE_ID', 'app', 'platform', 'That the app runs in Azure.'),
  setting('AZURE_FUNCTIONS_ENVIRONMENT', 'app', 'platform', '`Development` under the Core Tools.'),
  setting('IDENTITY_ENDPOINT', 'app', 'platform', 'That there is a managed identity.'),
];

function setting(name: string, readBy: AppSetting['readBy'], setBy: SetBy, meaning: string, when?: string): AppSetting {
  return { name, readBy, setBy, meaning, ...(when === undefined ? {} : { when }) };
}

const WHO: Readonly<Record<SetBy, string>> = { template: 'the template', owner: 'you, if you like', platform: 'Azure' };

export function settingsTable(): string {
  const rows = APP_SETTINGS.map(({ name, readBy, setBy, when, meaning }) => {
    const who = when === undefined ? WHO[setBy] : `${WHO[setBy]}, where ${when}`;
    return `| \`${name}\` | ${readBy === 'both' ? 'app and host' : readBy} | ${who} | ${meaning} |`;
  });
  return ['| setting | read by | set by | what |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
