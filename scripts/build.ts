/**
 * Bundles the app into `dist/`: what the Functions worker loads. One file at start and chunks that are loaded on demand,
 * because reading hundreds of small files is most of a cold start.
 *
 * The output is ES modules. The worker hands its own API out by intercepting `Module.prototype.require` for
 * `@azure/functions-core`; a `require` made by `createRequire` goes through there (test/scripts/build.test.ts).
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Metafile, type OutputFile } from 'esbuild';
import { buildDashboard } from '../src/dashboardBuild.ts';
import { buildClient } from './client.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Name in `dist/` and source. The local server is not here: it runs from its sources. */
const ENTRIES: Readonly<Record<string, string>> = { main: 'src/main.ts' };

/** CommonJS dependencies call `require`, which an ES module lacks. */
const BANNER =
  "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);";

export interface BundlePlan {
  /** What paths in messages, maps and `entries` are relative to. */
  readonly root: string;
  readonly outDir: string;
  readonly entries: Readonly<Record<string, string>>;
}

/** Empties `outDir`, writes the bundle, its maps (`maps/`, never shipped) and the licences of what is inside. */
export async function bundle(plan: BundlePlan): Promise<Metafile> {
  await rm(plan.outDir, { recursive: true, force: true });
  const result = await build({
    absWorkingDir: plan.root,
    entryPoints: { ...plan.entries },
    outdir: plan.outDir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    format: 'esm',
    splitting: true,
    platform: 'node',
    target: 'node22',
    // First the ES modules of packages from before `exports`: the other form of jsonc-parser cannot be bundled.
    mainFields: ['module', 'main'],
    external: ['@azure/functions-core'],
    banner: { js: BANNER },
    // Identifiers stay as they are, for stack traces. esbuild's `keepNames` would do it at the cost of a call per closure made.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'external',
    legalComments: 'external',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  await writeOutputs(plan.outDir, result.outputFiles);
  await writeFile(join(plan.outDir, 'LICENSES.txt'), await licences(plan.root, result));
  return result.metafile;
}

async function writeOutputs(outDir: string, files: readonly OutputFile[]): Promise<void> {
  for (const file of files) {
    const name = relative(outDir, file.path);
    if (name.endsWith('.LEGAL.txt')) continue;
    if (name.endsWith('.map')) {
      const map = JSON.parse(file.text) as { sourceRoot?: string };
      await write(join(outDir, 'maps', name), JSON.stringify({ ...map, sourceRoot: '../' }));
    } else {
      const up = '../'.repeat(name.split(/[\\/]/).length - 1);
      await write(file.path, `${file.text}//# sourceMappingURL=${up}maps/${name.replaceAll('\\', '/')}.map\n`);
    }
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** The licence of every package in the bundle, then the legal comments found in the sources. */
async function licences(root: string, result: { metafile: Metafile; outputFiles: OutputFile[] }): Promise<string> {
  const packages = new Set<string>();
  for (const input of Object.keys(result.metafile.inputs)) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
    if (folder !== undefined) packages.add(folder);
  }
  const texts = await Promise.all([...packages].sort().map((folder) => licenceOf(join(root, folder))));
  const comments = result.outputFiles
    .filter((file) => file.path.endsWith('.LEGAL.txt'))
    .map((file) => file.text.trim());
  return `${[...texts, ...new Set(comments)].filter((text) => text !== '').join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

async function licenceOf(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageManifest;
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? '' : `\n\n${(await readFile(join(folder, file), 'utf8')).trim()}`;
  return `${manifest.name} ${manifest.version} (${manifest.license ?? 'see its repository'})${text}`;
}

/** Writes the dashboard beside the bundle, packed too, and the licences of what is inside; one line of its size. */
export async function bundleDashboard({ root, outDir }: BundlePlan): Promise<string> {
  const { files, metafile } = await buildDashboard(root);
  const folder = join(outDir, 'dashboard');
  await mkdir(folder, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
  await writeFile(join(folder, 'LICENSES.txt'), await licences(root, { metafile, outputFiles: [] }));
  const packed = [...files].filter(([name]) => name.endsWith('.br')).reduce((sum, [, { length }]) => sum + length, 0);
  return `the dashboard: ${kb(packed)} KB brotli, read when it is first looked at`;
}

/** One line per file: its size, and whether a start reads it or only a later `import()`. */
export async function sizeTable(plan: BundlePlan, metafile: Metafile): Promise<string> {
  const scripts = Object.keys(metafile.outputs).filter((path) => path.endsWith('.js'));
  const sources = new Set(Object.values(plan.entries));
  const starts = scripts.filter((path) => sources.has(metafile.outputs[path]?.entryPoint ?? ''));
  const atStart = filesReadAtStart(starts, metafile);

  const rows = await Promise.all(
    scripts.map(async (path) => {
      const bytes = await readFile(join(plan.root, path));
      return {
        path,
        size: bytes.length,
        packed: gzipSync(bytes).length,
        when: atStart.has(path) ? 'start' : 'on demand',
      };
    }),
  );
  rows.sort((a, b) => a.when.localeCompare(b.when) * -1 || b.size - a.size);
  const width = Math.max(...rows.map((row) => row.path.length));
  const line = (path: string, size: string, packed: string, when: string): string =>
    `${path.padEnd(width)}  ${size.padStart(9)}  ${packed.padStart(9)}  ${when}`;
  return [
    line('file', 'KB', 'gzip KB', 'loaded'),
    ...rows.map((row) => line(row.path, kb(row.size), kb(row.packed), row.when)),
  ].join('\n');
}

function filesReadAtStart(starts: readonly string[], metafile: Metafile): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    for (const next of metafile.outputs[path]?.imports ?? []) {
      if (next.kind === 'import-statement' && next.external !== true) visit(next.path);
    }
  };
  for (const path of starts) visit(path);
  return found;
}

function kb(bytes: number): string {
  return (bytes / 1024).toFixed(1);
}

async function main(): Promise<void> {
  const missing = Object.entries(ENTRIES).filter(([, source]) => !existsSync(join(ROOT, source)));
  for (const [name, source] of missing)
    console.error(`${source} does not exist: there is nothing to build dist/${name}.js from.`);
  if (missing.length > 0) {
    process.exitCode = 1;
    return;
  }
  const startedAt = performance.now();
  const plan: BundlePlan = { root: ROOT, outDir: join(ROOT, 'dist'), entries: ENTRIES };
  const metafile = await bundle(plan);
  const page = await bundleDashboard(plan);
  console.log(await sizeTable(plan, metafile));
  console.log(page);
  console.log(await buildClient({ root: ROOT, outDir: join(plan.outDir, 'client') }));
  console.log(`built in ${Math.round(performance.now() - startedAt)} ms`);
}

if (import.meta.main) await main();
