import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleDashboard } from '../../scripts/build.ts';
import { builtDashboard, remembered } from '../../src/dashboardFiles.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** All that a browser fetches to show the page, packed. */
const MOST_BYTES = 150 * 1024;

describe('the built page', () => {
  let outDir: string;

  beforeAll(async () => {
    outDir = await mkdtemp(join(tmpdir(), 'router-page-'));
    await bundleDashboard({ root: ROOT, outDir, entries: {} });
  });

  afterAll(() => rm(outDir, { recursive: true, force: true }));

  test('is found beside the bundle, with all that it names', async () => {
    const dashboard = await builtDashboard(join(outDir, 'dashboard')).load();
    const named = [...(dashboard?.page.plain.toString().matchAll(/\/router\/assets\/([\w.-]+)/g) ?? [])].map(
      ([, name]) => name,
    );
    expect(named).toHaveLength(2);
    expect([...(dashboard?.assets.keys() ?? [])].toSorted((a, b) => a.localeCompare(b))).toEqual(
      named.toSorted((a, b) => (a ?? '').localeCompare(b ?? '')),
    );
  });

  test('loads in less than 150 KB', async () => {
    const dashboard = await builtDashboard(join(outDir, 'dashboard')).load();
    const files = [dashboard?.page, ...(dashboard?.assets.values() ?? [])];
    const [br, gzip] = (['br', 'gzip'] as const).map((coding) =>
      files.reduce((sum, file) => sum + (file?.packed[coding].length ?? 0), 0),
    );
    console.log(`The first load of the dashboard: ${br} bytes by brotli, ${gzip} by gzip.`);
    expect(gzip).toBeGreaterThan(10_000);
    expect(gzip).toBeLessThan(MOST_BYTES);
  });

  test('names the licence of what is inside', async () => {
    expect(await readFile(join(outDir, 'dashboard/LICENSES.txt'), 'utf8')).toMatch(/uplot .*\(MIT\)/i);
    expect(await readdir(join(outDir, 'dashboard'))).toHaveLength(10);
  });

  test('is nothing where nothing was built', async () => {
    expect(await builtDashboard(join(outDir, 'elsewhere')).load()).toBeNull();
  });
});

describe('what was read', () => {
  const FILE = {
    contentType: 'text/html',
    etag: '"1"',
    plain: Buffer.alloc(0),
    packed: { br: Buffer.alloc(0), gzip: Buffer.alloc(0) },
  };
  const DASHBOARD = { page: FILE, assets: new Map() };

  test('is read once, however many ask', async () => {
    let reads = 0;
    const files = remembered(async () => {
      reads++;
      return DASHBOARD;
    });
    expect(reads).toBe(0);
    await Promise.all([files.load(), files.load()]);
    await files.load();
    expect(reads).toBe(1);
  });

  test('is looked for again after a failure, and after nothing was found', async () => {
    const found = [new Error('a fault'), null, DASHBOARD];
    const files = remembered(() => {
      const next = found.shift() ?? null;
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
    });
    await expect(files.load()).rejects.toThrow('a fault');
    expect(await files.load()).toBeNull();
    expect(await files.load()).toBe(DASHBOARD);
  });
});
