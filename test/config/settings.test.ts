import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { gateSettings, insightsSettings, unresolvedKeys } from '../../src/settings.ts';

const CONNECTED = { APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=1' };

describe('Application Insights', () => {
  test.each([
    { what: 'not connected where nothing says so', env: {}, is: null },
    { what: 'not connected by an empty setting', env: { APPLICATIONINSIGHTS_CONNECTION_STRING: ' ' }, is: null },
    { what: 'connected by its key', env: CONNECTED, is: { identity: null, roleName: 'azure-openai-router' } },
    {
      what: 'connected by the identity of the app',
      env: { ...CONNECTED, APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD' },
      is: { identity: { clientId: null } },
    },
    {
      what: 'connected by a user-assigned identity',
      env: { ...CONNECTED, APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=c-1;Authorization=AAD' },
      is: { identity: { clientId: 'c-1' } },
    },
    { what: 'told who tells', env: { ...CONNECTED, WEBSITE_SITE_NAME: 'my-router' }, is: { roleName: 'my-router' } },
  ])('is $what', ({ env, is }) => {
    const settings = insightsSettings(env);
    if (is === null) expect(settings).toBeNull();
    else expect(settings).toMatchObject({ connectionString: 'InstrumentationKey=1', ...is });
  });
});

describe('a Key Vault reference that was not resolved', () => {
  const REFERENCE = '@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/admin)';

  test.each(['ROUTER_ADMIN_KEY', 'ROUTER_API_KEY'])('opens nothing as %s, and is told', (name) => {
    const env = { [name]: ` ${REFERENCE} ` };
    expect(gateSettings(env, false)).toEqual({ adminKey: null, callerKeys: [], loopbackOnly: false });
    expect(unresolvedKeys(env)).toEqual([name]);
  });

  test('is a fault where the configuration names it', () => {
    const document = {
      endpoints: { A: { url: 'https://one.openai.azure.com', apiKey: '${KEY}', deployments: { m: {} } } },
    };
    const parsed = parseConfig(JSON.stringify(document), { KEY: REFERENCE }, 'test');
    expect(parsed.ok ? [] : parsed.faults).toMatchObject([
      {
        path: 'endpoints.A.apiKey',
        problem: 'The environment variable KEY is a Key Vault reference that has not been resolved.',
      },
    ]);
    expect(JSON.stringify(parsed)).not.toContain('vault.azure.net');
  });
});
