/**
 * Makes what is deployed: `.package/app`, the folder as the Functions host sees it, `.package/router.zip`, and beside it the bill of
 * materials. The bundle holds its
 * dependencies, so there is no node_modules in it; a dependency that had to stay outside would make this fail.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import type { Metafile } from 'esbuild';
import { bundle, bundleDashboard } from './build.ts';
import { namedIn, readLockfile, sbom } from './sbom.ts';
import { zip } from './zip.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What the worker answers itself. */
const FROM_THE_WORKER = '@azure/functions-core';
const TELEMETRY = /node_modules\/(@opentelemetry\/|@azure\/(monitor-|core-tracing))/;

export interface Package {
  readonly folder: string;
  readonly zipFile: string;
  readonly bytes: number;
  /** Of `bytes`, what telemetry's SDK takes, as near as compression lets one say. */
  readonly telemetryBytes: number;
  readonly files: readonly string[];
  /** What is bundled, as `name version`. */
  readonly bundled: ReadonlySet<string>;
}

export async function makePackage(outDir: string, root = ROOT): Promise<Package> {
  const folder = join(outDir, 'app');
  await rm(outDir, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const plan = { root, outDir: join(folder, 'dist'), entries: { main: 'src/main.ts' } };
  const metafile = await bundle(plan);
  await bundleDashboard(plan);
  await rm(join(folder, 'dist/maps'), { recursive: true, force: true });
  acceptImports(metafile);
  await writeFile(join(folder, 'package.json'), await manifest(root));
  await copyFile(join(root, 'host.json'), join(folder, 'host.json'));
  await copyFile(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  if (existsSync(join(root, 'router.json'))) await copyFile(join(root, 'router.json'), join(folder, 'router.json'));
  const files = await filesIn(folder);
  const packed = zip(files);
  const zipFile = join(outDir, 'router.zip');
  await writeFile(zipFile, packed);
  const telemetryBytes = await telemetryShare(metafile, root);
  const bundled = new Set(
    [...files].flatMap(([path, bytes]) => (path.endsWith('/LICENSES.txt') ? namedIn(bytes.toString()) : [])),
  );
  await writeFile(join(outDir, 'sbom.cdx.json'), sbom(readLockfile(), bundled));
  return { folder, zipFile, bytes: packed.length, telemetryBytes, files: [...files.keys()].sort(), bundled };
}

/** What the host and the worker read of it: which file to load, that it is a module, and since which Node. */
async function manifest(root: string): Promise<string> {
  const { name, version, license, type, main, engines } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  ) as Record<string, unknown>;
  return `${JSON.stringify({ name, version, license, private: true, type, main, engines }, null, 2)}\n`;
}

function acceptImports(metafile: Metafile): void {
  const outside = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path }) => external === true && !isBuiltin(path) && path !== FROM_THE_WORKER);
  if (outside.length === 0) return;
  const names = [...new Set(outside.map(({ path }) => path))].join(', ');
  throw new Error(`The bundle imports what the package would not hold: ${names}.`);
}

async function filesIn(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const read = paths.map(
    async (path) => [path.slice(folder.length + 1).replaceAll('\\', '/'), await readFile(path)] as const,
  );
  return new Map(await Promise.all(read));
}

/** Each file of the bundle counts by the part of it that comes from telemetry's packages. */
async function telemetryShare(metafile: Metafile, root: string): Promise<number> {
  let sum = 0;
  for (const [path, { inputs, bytes }] of Object.entries(metafile.outputs)) {
    const own = Object.entries(inputs).filter(([input]) => TELEMETRY.test(input));
    const part = own.reduce((total, [, { bytesInOutput }]) => total + bytesInOutput, 0);
    if (part > 0) sum += (part / bytes) * deflateRawSync(await readFile(join(root, path)), { level: 9 }).length;
  }
  return Math.round(sum);
}

async function main(): Promise<void> {
  const { folder, zipFile, bytes, telemetryBytes, files } = await makePackage(join(ROOT, '.package'));
  console.log(`${zipFile}: ${kb(bytes)} KB in ${files.length} files, about ${kb(telemetryBytes)} KB of it telemetry`);
  console.log(`${folder}: the same, unpacked (func start runs it there)`);
}

function kb(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}

if (import.meta.main) await main();
