/** What runs in Azure is a bundle, so bundles are measured: made as `npm run build` makes them, into a folder of the bench's own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/build.ts';

const BENCH = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @param {readonly string[]} revs */
export async function makeBundles(revs) {
  const ours = join(BENCH, 'dist', 'ours');
  const nothing = join(BENCH, 'dist', 'null');
  await bundle({ root: ROOT, outDir: ours, entries: { main: 'src/main.ts', local: 'src/local.ts' } });
  await bundle({ root: BENCH, outDir: nothing, entries: { main: 'programs/nullFunction.js' } });
  return {
    ours: { main: join(ours, 'main.js'), local: join(ours, 'local.js') },
    nullFunction: join(nothing, 'main.js'),
    earlier: Object.fromEntries(await Promise.all(revs.map(async (rev) => [rev, await bundleAt(rev)]))),
  };
}

/** Another commit's sources with today's packages: what differs is our code alone. */
async function bundleAt(rev) {
  const root = mkdtempSync(join(tmpdir(), 'router-bench-'));
  const archive = execFileSync('git', ['archive', rev, 'src', 'package.json'], { cwd: ROOT, maxBuffer: 1e9 });
  execFileSync('tar', ['-x', '-C', root], { input: archive });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const outDir = join(root, 'dist');
  await bundle({ root, outDir, entries: { local: 'src/local.ts' } });
  return join(outDir, 'local.js');
}
