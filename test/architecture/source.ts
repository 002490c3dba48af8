import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { build, transform } from 'esbuild';

/** Source files by their path inside `src/`, with forward slashes. */
export type Tree = ReadonlyMap<string, string>;

export type ImportKind = 'value' | 'dynamic' | 'type';

export interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly kind: ImportKind;
}

export function readTree(root: string): Tree {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  return new Map(paths.filter(isSource).map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}

function isSource(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.d.ts');
}

/** Every import of every file. Those that stay at run time are found by esbuild's parser; those of types alone, which it erases, by their form. */
export async function importsOf(tree: Tree): Promise<Import[]> {
  const imports: Import[] = [];
  for (const [path, text] of tree) imports.push(...typeImports(path, text));
  await build({
    entryPoints: [...tree.keys()],
    bundle: true,
    write: false,
    outdir: '/',
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    plugins: [
      {
        name: 'tree',
        setup(esbuild) {
          esbuild.onResolve({ filter: /.*/ }, ({ kind, path, importer }) => {
            if (kind === 'entry-point') return { path, namespace: 'tree' };
            imports.push({ from: importer, specifier: path, kind: kind === 'dynamic-import' ? 'dynamic' : 'value' });
            return { path, external: true };
          });
          esbuild.onLoad({ filter: /.*/, namespace: 'tree' }, ({ path }) => ({
            contents: tree.get(path) ?? '',
            loader: 'ts',
          }));
        },
      },
    ],
  });
  return imports;
}

/**
 * `import type … from`, `export type … from` and `import('…').Name`. The formatter puts statements at the start of a line and names in
 * single quotes. A quote in between ends the search: those statements hold none before `from`.
 */
const TYPE_STATEMENT = /^(?:import|export)\s+type\s[^'";]*?\sfrom\s+['"]([^'"]+)['"]/gm;
const TYPE_QUERY = /(?<!await\s)\bimport\(\s*['"]([^'"]+)['"]\s*\)\s*\.\s*[A-Z]/g;

function typeImports(from: string, text: string): Import[] {
  return [...text.matchAll(TYPE_STATEMENT), ...text.matchAll(TYPE_QUERY)].map(
    ([, specifier = '']): Import => ({ from, specifier, kind: 'type' }),
  );
}

/** The file inside `src/` that an import means; null for packages and Node's own modules. */
export function target({ from, specifier }: Import): string | null {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : null;
}

/** `state/table/rows.ts` belongs to `state`; a file directly in `src/` is its own place. */
export function place(path: string): string {
  return path.split('/')[0] ?? path;
}

/** `zod/mini` -> `zod`, `@azure/functions/x` -> `@azure/functions`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The code without comments, and with what texts say taken out: what is left is what runs. */
export async function bareCode(text: string): Promise<string> {
  const { code } = await transform(text, { loader: 'ts', minifyWhitespace: true, legalComments: 'none' });
  return code.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g, '""');
}

/** The first circle of imports that are run when a module loads, as a list of files; null where there is none. */
export function findCycle(imports: readonly Import[]): string[] | null {
  const edges = new Map<string, string[]>();
  for (const one of imports) {
    const to = one.kind === 'value' ? target(one) : null;
    if (to !== null) edges.set(one.from, [...(edges.get(one.from) ?? []), to]);
  }
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next, [...trail, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of [...edges.keys()].sort()) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
