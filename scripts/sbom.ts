/**
 * The bill of materials: CycloneDX 1.6, of what package-lock.json says the app runs on, and of whatever else is in the bundle.
 * `npm run package` writes it beside the package. Deterministic: no date and no random serial number.
 */
import { readFileSync } from 'node:fs';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  readonly name: string;
  readonly version: string;
  readonly packages: Readonly<Record<string, Locked>>;
}

export interface Component {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly license: string | null;
  readonly integrity: string | null;
  readonly dependencies: readonly string[];
}

export function readLockfile(): Lockfile {
  return JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as Lockfile;
}

/** What is installed for production, and what of the rest is `bundled` (as `name version`). */
export function components({ packages }: Lockfile, bundled: ReadonlySet<string> = new Set()): Component[] {
  const isBundled = (path: string, version = ''): boolean => bundled.has(`${nameIn(path)} ${version}`);
  const found = Object.entries(packages)
    .filter(
      ([path, { version, dev, devOptional }]) =>
        path !== '' && ((dev !== true && devOptional !== true) || isBundled(path, version)),
    )
    .map(([path, { version = '', license, integrity, dependencies = {} }]) => ({
      path,
      name: nameIn(path),
      version,
      license: license ?? null,
      integrity: integrity ?? null,
      dependencies: Object.keys(dependencies).flatMap((name) => resolved(packages, path, name) ?? []),
    }));
  return found.sort((left, right) => (left.path < right.path ? -1 : 1));
}

function nameIn(path: string): string {
  return path.replace(/^.*node_modules\//, '');
}

/** The packages that a LICENSES.txt of the bundle holds, as `name version`. */
export function namedIn(licences: string): string[] {
  return [...licences.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+ \d+\.\d+\.\d+\S*) \(/gm)].map(([, one = '']) => one);
}

/** Where Node finds `name` from `path`: the nearest node_modules above. */
function resolved(packages: Lockfile['packages'], path: string, name: string): string | null {
  for (let above = path; ; above = above.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const candidate = `${above === '' ? '' : `${above}/`}node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (above === '') return null;
  }
}

function reference({ name, version }: { name: string; version: string }): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

export function sbom(lockfile: Lockfile, bundled: ReadonlySet<string> = new Set()): string {
  const all = components(lockfile, bundled);
  const byPath = new Map(all.map((one) => [one.path, reference(one)]));
  const own = reference(lockfile);
  const direct = Object.keys(lockfile.packages['']?.dependencies ?? {}).flatMap(
    (name) => byPath.get(`node_modules/${name}`) ?? [],
  );
  const once = [...new Map(all.map((one) => [reference(one), one])).entries()];
  const needed = new Set(all.flatMap(({ dependencies }) => dependencies.flatMap((path) => byPath.get(path) ?? [])));
  // Built in from what is installed for development alone: the app's own.
  const builtIn = once.map(([purl]) => purl).filter((purl) => !needed.has(purl) && !direct.includes(purl));
  const document = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'application', 'bom-ref': own, name: lockfile.name, version: lockfile.version, purl: own },
    },
    components: once.map(([purl, { name, version, license, integrity }]) => ({
      type: 'library',
      'bom-ref': purl,
      name,
      version,
      purl,
      ...(license === null
        ? {}
        : { licenses: [/[ ()]/.test(license) ? { expression: license } : { license: { id: license } }] }),
      ...(integrity === null ? {} : { hashes: [hashOf(integrity)] }),
    })),
    dependencies: [
      { ref: own, dependsOn: [...direct, ...builtIn].sort() },
      ...once.map(([ref, { dependencies }]) => ({
        ref,
        dependsOn: dependencies.flatMap((path) => byPath.get(path) ?? []).sort(),
      })),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm = '', digest = ''] = integrity.split('-');
  return { alg: algorithm.replace(/^sha/, 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') };
}
