/**
 * Builds what agents import, `azure-openai-router/client`: one ES module and its types, in a folder of their own that the function
 * app does without (.funcignore). `openai` stays outside, so that the errors an agent catches are of the `openai` it has itself.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const run = promisify(execFile);

export interface ClientPlan {
  readonly root: string;
  readonly outDir: string;
}

/** One line of its size. */
export async function buildClient({ root, outDir }: ClientPlan): Promise<string> {
  await rm(outDir, { recursive: true, force: true });
  const [{ metafile }] = await Promise.all([bundleModule(root, outDir), emitTypes(root, join(outDir, 'types'))]);
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
  return `the client: ${(bytes / 1024).toFixed(1)} KB, beside openai`;
}

function bundleModule(root: string, outDir: string) {
  return build({
    absWorkingDir: root,
    entryPoints: { index: 'src/client/index.ts' },
    outdir: outDir,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    external: ['openai'],
    metafile: true,
    logLevel: 'warning',
  });
}

async function emitTypes(root: string, outDir: string): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const emit = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', outDir];
  await run(process.execPath, [tsc, '-p', join(root, 'src/client'), ...emit]);
  for (const name of await readdir(outDir, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue;
    const path = join(outDir, name);
    // The sources name each other as Node runs them; declarations name what stands beside them.
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll(/(from '\.{1,2}\/[^']+)\.ts'/g, "$1.js'"));
  }
}
