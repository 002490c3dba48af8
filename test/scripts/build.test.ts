import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BundlePlan, bundle, sizeTable } from '../../scripts/build.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const ENTRY = `
import { app } from '@azure/functions';
app.setup({ enableHttpStream: true });
app.http('gateway', { route: '{*path}', authLevel: 'anonymous', handler: () => ({ status: 204 }) });
app.timer('sweep', { schedule: '0 * * * * *', handler: () => undefined });
export async function credentialName() {
  const { ManagedIdentityCredential } = await import('@azure/identity');
  return new ManagedIdentityCredential().constructor.name;
}
`;

/** Does what the Functions worker does before it imports the entry: it answers one name itself, through Module.prototype.require. */
const WORKER = `
import Module from 'node:module';
const seen = [];
const core = {
  version: '3.10.0', hostVersion: '4.1000.0', log() {}, registerHook: () => ({ dispose() {} }),
  setProgrammingModel() {}, getProgrammingModel() {}, Disposable: class { dispose() {} },
  registerFunction: (metadata) => { seen.push(metadata.name); return { dispose() {} }; },
};
Module.prototype.require = new Proxy(Module.prototype.require, {
  apply: (target, self, args) => (args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args)),
});
const entry = await import('./dist/main.js');
console.log(JSON.stringify({ seen, credential: await entry.credentialName?.() }));
process.exit();
`;

describe('the bundle', () => {
  let source: string;
  let deployed: string;
  let plan: BundlePlan;
  let table: string;

  beforeAll(async () => {
    source = await mkdtemp(join(tmpdir(), 'router-source-'));
    deployed = await mkdtemp(join(tmpdir(), 'router-deployed-'));
    await symlink(join(ROOT, 'node_modules'), join(source, 'node_modules'), 'junction');
    await writeFile(join(source, 'main.ts'), ENTRY);
    await writeFile(join(deployed, 'package.json'), '{ "type": "module" }');
    await writeFile(join(deployed, 'worker.js'), WORKER);
    plan = { root: source, outDir: join(deployed, 'dist'), entries: { main: 'main.ts' } };
    table = await sizeTable(plan, await bundle(plan));
  });

  afterAll(async () => {
    await rm(source, { recursive: true, force: true });
    await rm(deployed, { recursive: true, force: true });
  });

  it('of the app itself registers its functions with the worker', async () => {
    const own = await mkdtemp(join(tmpdir(), 'router-app-'));
    try {
      await writeFile(join(own, 'package.json'), '{ "type": "module" }');
      await writeFile(join(own, 'worker.js'), WORKER);
      await bundle({ root: ROOT, outDir: join(own, 'dist'), entries: { main: 'src/main.ts' } });
      const { stdout } = await run(process.execPath, ['worker.js'], { cwd: own, env: {} });
      expect((JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { seen: string[] }).seen).toContain('router');
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  });

  it('registers its functions with the worker and loads what it imports on demand, with no node_modules beside it', async () => {
    const { stdout } = await run(process.execPath, ['worker.js'], { cwd: deployed });
    expect(JSON.parse(stdout)).toEqual({ seen: ['gateway', 'sweep'], credential: 'ManagedIdentityCredential' });
  });

  it('keeps what is imported on demand out of what a start reads', async () => {
    const texts = { start: '', 'on demand': '' };
    for (const line of table.split('\n').slice(1)) {
      const file = /dist\/(\S+)/.exec(line)?.[1] ?? '';
      texts[line.endsWith('start') ? 'start' : 'on demand'] += await readFile(join(deployed, 'dist', file), 'utf8');
    }
    expect(texts.start).toContain('enableHttpStream');
    expect(texts['on demand']).toContain('WorkloadIdentityCredential');
    expect(texts.start).not.toContain('WorkloadIdentityCredential');
  });

  it('keeps source maps in a folder of their own and names it in every file', async () => {
    const main = await readFile(join(deployed, 'dist/main.js'), 'utf8');
    expect(main.endsWith('\n//# sourceMappingURL=maps/main.js.map\n')).toBe(true);
    const map = JSON.parse(await readFile(join(deployed, 'dist/maps/main.js.map'), 'utf8')) as { sourceRoot: string };
    expect(map.sourceRoot).toBe('../');
    expect((await readdir(join(deployed, 'dist'))).filter((name) => name.endsWith('.map'))).toEqual([]);
  });

  it('carries the licence of every package inside', async () => {
    const text = await readFile(join(deployed, 'dist/LICENSES.txt'), 'utf8');
    for (const name of ['@azure/functions', '@azure/identity', '@azure/msal-node']) expect(text).toContain(`${name} `);
  });

  it('leaves nothing of an earlier build behind', async () => {
    await writeFile(join(deployed, 'dist/stale.js'), '');
    await bundle(plan);
    expect(await readdir(join(deployed, 'dist'))).not.toContain('stale.js');
  });
});
