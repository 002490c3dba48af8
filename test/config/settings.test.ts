import { describe, expect, test } from 'vitest';
import { insightsSettings } from '../../src/settings.ts';

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
