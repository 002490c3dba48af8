/** Through the real identity library, as inside App Service: its local endpoint is played by this test. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { compose } from '../../src/compose.ts';
import { startServer } from '../../src/server/server.ts';
import { configOf } from '../harness/router.ts';
import { json, startUpstream } from '../harness/upstream.ts';

interface Asked {
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
}

const asked: Asked[] = [];
let status = 200;

/**
 * What App Service offers inside (https://learn.microsoft.com/azure/app-service/overview-managed-identity). The library keeps its
 * address for the life of the process: so there is one for all tests.
 */
const identity = createServer((request, response) => {
  asked.push({ url: new URL(request.url ?? '', 'http://localhost'), headers: request.headers });
  const expires = Math.floor(Date.now() / 1000) + 86_400;
  const token = {
    access_token: `token-${asked.length}`,
    expires_on: String(expires),
    resource: 'r',
    token_type: 'Bearer',
    client_id: 'c',
  };
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(status === 200 ? token : { statusCode: status, message: 'no identity' }));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(identity.address() as AddressInfo).port}/msi/token`);
  vi.stubEnv('IDENTITY_HEADER', 'the-header');
});

beforeEach(() => {
  asked.length = 0;
  status = 200;
});

afterAll(async () => {
  vi.unstubAllEnvs();
  identity.closeAllConnections();
  await new Promise<void>((resolve) => identity.close(() => resolve()));
});

async function routerFor(url: string, auth: object) {
  const endpoint = { url, api: 'v1', deployments: { m: { model: 'm' } }, ...auth };
  const config = configOf({
    endpoints: { A: endpoint },
    pools: { p: { strategy: 'priority', members: ['A/m'] } },
    retries: { sameDeployment: 0 },
  });
  const log: string[] = [];
  const composition = compose({
    config,
    gate: { adminKey: null, callerKeys: [], loopbackOnly: true },
    storage: { kind: 'memory', isNew: true, connection: () => Promise.resolve({ kind: 'memory' }) },
    insights: null,
    hasPlatformIdentity: true,
    log: (line) => log.push(line),
  });
  const server = await startServer({ app: composition.app, clock: composition.clock, host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    await server.drain(0);
    await composition.close();
  });
  const ask = () => fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: '{"model":"p"}' });
  return { ask, log };
}

describe('managed identity', () => {
  test.each([
    {
      what: 'the scope of Azure OpenAI',
      auth: { auth: 'managedIdentity' },
      resource: 'https://cognitiveservices.azure.com',
      clientId: null,
    },
    {
      what: 'the configured scope',
      auth: { auth: 'managedIdentity', scope: 'https://ai.azure.com/.default' },
      resource: 'https://ai.azure.com',
      clientId: null,
    },
    {
      what: 'the identity that was assigned by the user',
      auth: { auth: 'managedIdentity', clientId: '11111111-2222-3333-4444-555555555555' },
      resource: 'https://cognitiveservices.azure.com',
      clientId: '11111111-2222-3333-4444-555555555555',
    },
  ])('brings a token for $what, once for many requests', async ({ auth, resource, clientId }) => {
    await using upstream = await startUpstream(json(200, { ok: true }));
    const { ask } = await routerFor(upstream.url, auth);
    const answers = await Promise.all(Array.from({ length: 5 }, ask));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200]);
    expect(upstream.received.map(({ headers }) => headers.authorization)).toEqual(
      Array.from({ length: 5 }, () => 'Bearer token-1'),
    );
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers['x-identity-header']).toBe('the-header');
    expect(asked[0]?.url.searchParams.get('resource')).toBe(resource);
    expect(asked[0]?.url.searchParams.get('client_id')).toBe(clientId);
  });

  test('that cannot be had is a fault of ours: 502, told in the log, and the caller’s own credential is not used instead', async () => {
    status = 400;
    await using upstream = await startUpstream();
    const { ask, log } = await routerFor(upstream.url, { auth: 'managedIdentity' });
    const answer = await ask();
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ error: { code: 'upstream_failed' } });
    expect(upstream.received).toEqual([]);
    expect(log.join('\n')).toContain('Deployment is misconfigured');
  });
});
