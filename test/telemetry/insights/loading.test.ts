import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BundlePlan, bundle, sizeTable } from '../../../scripts/build.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CONNECT = JSON.stringify(join(ROOT, 'src/telemetry/insights/connect.ts'));

/** A process of its own: it connects, says what it has loaded before and after its first answer, and what it has sent. */
const PROGRAM = `
import { gunzipSync } from 'node:zlib';
import { connectInsights } from ${CONNECT};

const sent = [];
const httpClient = {
  sendRequest: async (request) => {
    const bytes = Buffer.from(request.body);
    const text = request.headers.get('content-encoding') === 'gzip' ? gunzipSync(bytes).toString() : bytes.toString();
    sent.push(...JSON.parse(text));
    return { request, status: 200, headers: Object.assign(new Map(), { toJSON: () => ({}) }), bodyAsText: '{"itemsReceived":1,"itemsAccepted":1,"errors":[]}' };
  },
};
let answered = () => undefined;
const insights = connectInsights({
  connectionString: 'InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://ingestion.invalid/',
  credential: null,
  gauges: { deployments: () => [], assignments: () => [], quotas: () => [], store: () => ({ healthy: true, instances: 1 }) },
  labelValues: 200, instance: 'i-1', roleName: 'router', httpClient, storageDirectory: null,
  after: (fn) => { answered = fn; },
});
insights.journal.usageLost({ requests: 1 });
await new Promise((resolve) => setTimeout(resolve, 200));
const before = { modules: globalThis.modules(), sent: sent.length };
answered();
await insights.close();
const names = sent.map(({ data }) => data.baseData.name ?? data.baseData.metrics[0].name);
console.log(JSON.stringify({ before, after: { modules: globalThis.modules(), names } }));
`;

/** Counts what is loaded from elsewhere than this project, as it is loaded. */
const COUNTER = `
import { registerHooks } from 'node:module';
const seen = new Set();
registerHooks({
  load(url, context, next) {
    if (url.includes('node_modules') || url.includes('/chunks/sdk')) seen.add(url);
    return next(url, context);
  },
});
globalThis.modules = () => seen.size;
`;

interface Report {
  readonly before: { readonly modules: number; readonly sent: number };
  readonly after: { readonly modules: number; readonly names: readonly string[] };
}

async function report(cwd: string, program: string): Promise<Report> {
  const { stdout } = await run(process.execPath, ['--import', './counter.mjs', program], {
    cwd,
    env: { APPLICATION_INSIGHTS_NO_STATSBEAT: '1' },
  });
  return JSON.parse(stdout) as Report;
}

describe('the SDK', () => {
  let folder: string;
  let plan: BundlePlan;
  let table: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'router-insights-'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'counter.mjs'), COUNTER);
    await writeFile(join(folder, 'program.ts'), PROGRAM);
    plan = { root: ROOT, outDir: join(folder, 'dist'), entries: { main: relative(ROOT, join(folder, 'program.ts')) } };
    table = await sizeTable(plan, await bundle(plan));
  }, 30_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is not loaded before the first answer has gone out, and sends what was told before', async () => {
    const { before, after } = await report(folder, 'program.ts');
    expect(before).toEqual({ modules: 0, sent: 0 });
    expect(after.modules).toBeGreaterThan(10);
    expect(after.names).toContain('usageLost');
    expect(after.names).toContain('router.usage.lost');
  });

  it('works from the bundle, with no node_modules beside it, and is loaded there as late', async () => {
    const { before, after } = await report(folder, 'dist/main.js');
    expect(before).toEqual({ modules: 0, sent: 0 });
    expect(after.modules).toBe(1);
    expect(after.names).toContain('usageLost');
    expect(after.names).toContain('router.usage.lost');
  });

  it('lies in chunks of its own, which a start does not read', async () => {
    const files = await readdir(join(folder, 'dist/chunks'));
    expect(files.filter((name) => name.startsWith('sdk-'))).toHaveLength(1);
    const start = table.split('\n').filter((line) => line.endsWith('start'));
    expect(start.some((line) => line.includes('/sdk-'))).toBe(false);
    expect(start.reduce(addKb, 0)).toBeLessThan(30);
  });

  it('stays small: no instrumentation of other libraries comes along', () => {
    const kb = table
      .split('\n')
      .filter((line) => line.endsWith('on demand'))
      .reduce(addKb, 0);
    expect(kb).toBeGreaterThan(100);
    expect(kb).toBeLessThan(700);
  });
});

function addKb(sum: number, line: string): number {
  return sum + Number(line.trim().split(/\s+/)[1]);
}
