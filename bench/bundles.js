/** What runs in Azure is a bundle, so bundles are measured: made as `npm run build` makes them, into a folder of the bench's own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../scripts/build.ts';

const BENCH = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));

export async function makeBundles() {
  const ours = join(BENCH, 'dist', 'ours');
  const nothing = join(BENCH, 'dist', 'null');
  await bundle({ root: ROOT, outDir: ours, entries: { main: 'src/main.ts', local: 'src/local.ts' } });
  await bundle({ root: BENCH, outDir: nothing, entries: { main: 'programs/nullFunction.js' } });
  return {
    ours: { main: join(ours, 'main.js'), local: join(ours, 'local.js') },
    nullFunction: join(nothing, 'main.js'),
  };
}
