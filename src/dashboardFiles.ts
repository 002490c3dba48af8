/** The dashboard as files: beside the bundle, where `npm run build` has put them, or out of memory. */
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dashboard, DashboardFile, DashboardFiles } from './http/page.ts';

/** Each file by its name, and packed as `name.br` and `name.gz`. */
export type FileBytes = ReadonlyMap<string, Buffer>;

export const PAGE = 'index.html';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

export const NO_DASHBOARD: DashboardFiles = { load: () => Promise.resolve(null) };

/** Read when somebody first wants to see the page, and kept; `null` where the folder holds none. */
export function builtDashboard(folder: string): DashboardFiles {
  return remembered(async () => dashboardOf(await filesIn(folder)));
}

/** What was found is kept; what was not may come yet. */
export function remembered(find: () => Promise<Dashboard | null>): DashboardFiles {
  let found: Promise<Dashboard | null> | null = null;
  return {
    async load() {
      found ??= find();
      const under = found;
      const dashboard = await under.catch((error: unknown) => {
        if (found === under) found = null;
        throw error;
      });
      if (dashboard === null && found === under) found = null;
      return dashboard;
    },
  };
}

export function dashboardOf(files: FileBytes): Dashboard | null {
  const page = fileOf(files, PAGE);
  if (page === null) return null;
  const assets = new Map<string, DashboardFile>();
  for (const name of files.keys()) {
    const file = name === PAGE ? null : fileOf(files, name);
    if (file !== null) assets.set(name, file);
  }
  return { page, assets };
}

/** `null` for what is not meant for browsers, such as the packed forms. */
function fileOf(files: FileBytes, name: string): DashboardFile | null {
  const contentType = CONTENT_TYPES[name.split('.').at(-1) ?? ''];
  const [plain, br, gzip] = [files.get(name), files.get(`${name}.br`), files.get(`${name}.gz`)];
  if (contentType === undefined || plain === undefined || br === undefined || gzip === undefined) return null;
  return { contentType, etag: `"${hash('sha256', plain, 'base64url').slice(0, 22)}"`, plain, packed: { br, gzip } };
}

async function filesIn(folder: string): Promise<FileBytes> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  return new Map(
    await Promise.all(names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(join(folder, name))])),
  );
}
