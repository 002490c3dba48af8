import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePackage, type Package } from '../../scripts/package.ts';
import { components, readLockfile } from '../../scripts/sbom.ts';
import { zip } from '../../scripts/zip.ts';
import { json, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';
import { ALLOWED_LICENCES } from './licences.ts';
import type { Call, Told } from './standInWorker.ts';
import { unzip } from './unzip.ts';

const run = promisify(execFile);
const WORKER = fileURLToPath(new URL('standInWorker.ts', import.meta.url));
const MB = 1024 * 1024;
const ADMIN_KEY = 'the-admin-key-of-the-package-test';

let folder: string;
let made: Package;
let unpacked: string;
let upstream: ScriptedUpstream;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'router-package-'));
  made = await makePackage(join(folder, 'made'));
  unpacked = join(folder, 'unpacked');
  for (const { path, bytes } of unzip(await readFile(made.zipFile))) {
    await mkdir(dirname(join(unpacked, path)), { recursive: true });
    await writeFile(join(unpacked, path), bytes);
  }
  await rm(made.folder, { recursive: true });
  upstream = await startUpstream(json(200, { answer: 'from upstream' }));
}, 120_000);

afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The app from the unpacked folder alone, in an environment that holds nothing but its settings. */
async function start(calls: readonly Call[], settings: Readonly<Record<string, string>>) {
  const { stdout, stderr } = await run(process.execPath, [WORKER, unpacked, JSON.stringify(calls)], {
    cwd: unpacked,
    env: settings,
  });
  return { ...(JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Told), noise: stdout + stderr };
}

function settings(): Record<string, string> {
  const endpoints = {
    A: { url: upstream.url, apiKey: '${KEY_OF_A}', region: 'eastus2', deployments: { mini: { model: 'gpt-5-mini' } } },
  };
  const pools = { 'gpt-5-mini': { members: ['A/mini'] } };
  return {
    ROUTER_CONFIG: JSON.stringify({ endpoints, pools }),
    KEY_OF_A: 'upstream-key',
    ROUTER_ADMIN_KEY: ADMIN_KEY,
    ROUTER_STORAGE: 'memory',
  };
}

describe('the package', () => {
  test('holds what the host reads, and nothing of the workshop', () => {
    expect(made.files).toEqual(
      expect.arrayContaining(['dist/LICENSES.txt', 'dist/main.js', 'host.json', 'package.json']),
    );
    const strange = made.files.filter(
      (path) =>
        !/^(dist\/(main\.js|LICENSES\.txt|chunks\/|dashboard\/)|host\.json$|package\.json$|router\.json$|LICENSE$)/.test(
          path,
        ),
    );
    expect(strange).toEqual([]);
    expect(made.files.filter((path) => /\.map$|\.env|local\.settings|\.ts$/.test(path))).toEqual([]);
  });

  test('names its entry, and no dependency that it would lack', async () => {
    const manifest = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(Object.keys(manifest)).toEqual(['name', 'version', 'license', 'private', 'type', 'main', 'engines']);
    expect(made.files).toContain(manifest['main']);
  });

  test('is smaller than 5 MB without telemetry’s share', () => {
    console.log(
      `the package: ${(made.bytes / MB).toFixed(2)} MB, about ${(made.telemetryBytes / MB).toFixed(2)} MB of it telemetry`,
    );
    expect(made.telemetryBytes).toBeGreaterThan(0);
    expect(made.bytes - made.telemetryBytes).toBeLessThan(5 * MB);
  });

  test('comes with a bill of materials that names whatever is bundled, under licences that are allowed', async () => {
    const { components: named } = JSON.parse(await readFile(join(dirname(made.zipFile), 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string }[];
    };
    const known = new Set(named.map(({ name, version }) => `${name} ${version}`));
    expect(made.bundled.size).toBeGreaterThan(40);
    expect([...made.bundled].filter((one) => !known.has(one))).toEqual([]);
    const licences = components(readLockfile(), made.bundled).map(
      ({ name, license }) => `${name}: ${license ?? 'none'}`,
    );
    expect(licences.filter((one) => !ALLOWED_LICENCES.some((allowed) => one.endsWith(`: ${allowed}`)))).toEqual([]);
  });

  test('is the same, byte for byte, when it is made again', async () => {
    const again = await makePackage(join(folder, 'again'));
    expect((await readFile(again.zipFile)).equals(await readFile(made.zipFile))).toBe(true);
  }, 120_000);

  test('lies where no node_modules is in reach', () => {
    for (let above = unpacked; above !== parse(above).root; above = dirname(above))
      expect(existsSync(join(above, 'node_modules')), above).toBe(false);
  });
});

describe('the app from the package alone', () => {
  test('registers its functions and serves callers, operators and the curious', async () => {
    const chat: Call = {
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', 'api-key': ADMIN_KEY },
      body: '{"model":"gpt-5-mini","messages":[]}',
    };
    const { functions, answers, loadMs } = await start(
      [
        { path: '/healthz' },
        { ...chat, headers: {} },
        chat,
        { path: '/router/status', headers: { 'api-key': ADMIN_KEY } },
        { path: '/' },
      ],
      settings(),
    );
    console.log(`the package’s entry was loaded in ${loadMs} ms`);
    expect(new Set(functions.map(({ types }) => types[0]))).toEqual(new Set(['httpTrigger', 'timerTrigger']));
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200, 200, 200]);
    expect(JSON.parse(answers[2]?.body ?? '')).toEqual({ answer: 'from upstream' });
    expect(answers[2]?.headers['x-router-deployment']).toBe('A/mini');
    expect(answers[4]?.headers['content-type']).toMatch(/^text\/html/);
    expect(upstream.received.map(({ headers }) => headers['api-key'])).toEqual(['upstream-key']);
  });

  test('finds what it loads later: tables, identities, telemetry', async () => {
    const { answers, noise } = await start(
      [{ path: '/readyz' }, { path: '/router/status', headers: { 'api-key': ADMIN_KEY } }],
      {
        ...settings(),
        ROUTER_STORAGE: 'https://nowhere.table.invalid',
        IDENTITY_ENDPOINT: 'http://127.0.0.1:9/token',
        IDENTITY_HEADER: 'x',
        APPLICATIONINSIGHTS_CONNECTION_STRING:
          'InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://127.0.0.1:9/',
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD',
      },
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(noise).not.toMatch(/MODULE_NOT_FOUND|Cannot find (module|package)|is not a function/);
  });

  test('says what is missing where nothing is configured, to nobody but its owner', async () => {
    const { answers } = await start([{ path: '/readyz' }, { path: '/readyz', headers: { 'api-key': ADMIN_KEY } }], {
      ROUTER_ADMIN_KEY: ADMIN_KEY,
    });
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
    expect(answers[0]?.body).not.toContain('ROUTER_CONFIG');
    expect(answers[1]?.body).toContain('ROUTER_CONFIG');
  });
});

describe('a zip', () => {
  test('gives back what was put in, in the order of names', () => {
    const files = new Map([
      ['b/ü.txt', Buffer.from('two')],
      ['a.txt', Buffer.alloc(100_000, 'x')],
      ['c', Buffer.alloc(0)],
    ]);
    const read = unzip(zip(files));
    expect(read.map(({ path }) => path)).toEqual(['a.txt', 'b/ü.txt', 'c']);
    expect(new Map(read.map(({ path, bytes }) => [path, bytes]))).toEqual(files);
  });
});
