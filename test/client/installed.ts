/** The client as an agent has it: a project of its own, and in its `node_modules` what `package.json` says is there. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildClient } from '../../scripts/client.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** Where the package is. */
  readonly installed: string;
  write(name: string, text: string): Promise<string>;
}

/** `packages` beside the client are this repository's own. */
export async function installClient(packages: readonly string[]): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'router-agent-'));
  const installed = join(folder, 'node_modules/azure-openai-router');
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return path;
  };
  await write('package.json', '{ "type": "module", "private": true }');
  await write('node_modules/azure-openai-router/package.json', await readFile(join(ROOT, 'package.json'), 'utf8'));
  await buildClient({ root: ROOT, outDir: join(installed, 'dist/client') });
  for (const name of packages) {
    const path = join(folder, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), path, 'junction');
  }
  return {
    folder,
    installed,
    write,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
