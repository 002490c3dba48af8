/**
 * Builds the dashboard out of its sources: a script, a style sheet and the page that names them. `npm run build` writes the outcome
 * beside the bundle; the local router, which has no build step, does this in memory when the page is first asked for.
 */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Metafile } from 'esbuild';
import { builtDashboard, dashboardOf, type FileBytes, PAGE, remembered } from './dashboardFiles.ts';
import { ASSETS, type DashboardFiles } from './http/page.ts';

const packBrotli = promisify(brotliCompress);
const packGzip = promisify(gzip);

export interface BuiltDashboard {
  readonly files: FileBytes;
  readonly metafile: Metafile;
}

/** `root`: the project's folder. */
export async function buildDashboard(root: string): Promise<BuiltDashboard> {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { script: 'src/dashboard/main.ts', style: 'src/dashboard/style/page.css' },
    outdir: 'dashboard',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome125', 'firefox126', 'safari18'],
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const named = outputFiles.map(({ path, contents }) => {
    const [kind = '', ending = ''] = path.split(/[\\/]/).at(-1)?.split('.') ?? [];
    const digest = hash('sha256', contents, 'base64url').replaceAll(/[-_]/g, 'x').slice(0, 10);
    return { kind, name: `dashboard-${digest}.${ending}`, bytes: Buffer.from(contents) };
  });
  const template = await readFile(join(root, 'src/dashboard/page.html'), 'utf8');
  const page = named.reduce((html, { kind, name }) => html.replace(`{{${kind}}}`, `${ASSETS}${name}`), template);
  const plain = new Map([
    [PAGE, Buffer.from(page)],
    ...named.map(({ name, bytes }): [string, Buffer] => [name, bytes]),
  ]);
  return { files: await withPacked(plain), metafile };
}

async function withPacked(plain: FileBytes): Promise<FileBytes> {
  const files = new Map(plain);
  for (const [name, bytes] of plain) {
    files.set(`${name}.br`, await packBrotli(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
    files.set(`${name}.gz`, await packGzip(bytes, { level: 9 }));
  }
  return files;
}

/** From its sources; where what builds them is not installed, as `npm run build` has left it. */
export function sourceDashboard(root: string): DashboardFiles {
  const built = builtDashboard(join(root, 'dist/dashboard'));
  return remembered(async () => {
    try {
      return dashboardOf((await buildDashboard(root)).files);
    } catch (error) {
      if (isMissing(error)) return built.load();
      throw error;
    }
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
