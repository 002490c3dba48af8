/** The package in the real Functions host, where the Core Tools are installed. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makePackage } from '../../scripts/package.ts';

const { error } = spawnSync('func', ['--version'], { timeout: 20_000 });
const missing = error === undefined ? null : `the Azure Functions Core Tools are not installed (${error.message})`;
if (missing !== null) console.log(`skipped: ${missing}`);

test.skipIf(missing !== null)(
  'the package answers under func start',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'router-func-'));
    const { folder: app } = await makePackage(folder);
    const values = {
      FUNCTIONS_WORKER_RUNTIME: 'node',
      AzureWebJobsDisableHomepage: 'true',
      // The timer would want a storage account.
      'AzureWebJobs.resetFailureWindows.Disabled': 'true',
      ROUTER_STORAGE: 'memory',
      ROUTER_ADMIN_KEY: 'the-admin-key-of-the-func-test',
      ROUTER_CONFIG: JSON.stringify({
        endpoints: { A: { url: 'https://nowhere.example', apiKey: '${KEY}', deployments: { mini: {} } } },
      }),
      KEY: 'k',
    };
    await writeFile(join(app, 'local.settings.json'), JSON.stringify({ IsEncrypted: false, Values: values }));
    const port = await freePort();
    const host = spawn('func', ['start', '--port', String(port)], { cwd: app, stdio: 'inherit' });
    try {
      await expect
        .poll(() => statusOf(`http://127.0.0.1:${port}/healthz`), { timeout: 100_000, interval: 500 })
        .toBe(200);
      expect(await statusOf(`http://127.0.0.1:${port}/readyz`)).toBe(200);
      expect(await statusOf(`http://127.0.0.1:${port}/router/status`)).toBe(401);
    } finally {
      host.kill('SIGINT');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
  180_000,
);

async function statusOf(url: string): Promise<number> {
  try {
    return (await fetch(url)).status;
  } catch {
    return 0;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
