import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { components, readLockfile, sbom } from '../../scripts/sbom.ts';
import { ALLOWED_LICENCES } from './licences.ts';

const lockfile = readLockfile();
const all = components(lockfile);

interface Sbom {
  readonly components: readonly {
    'bom-ref': string;
    name: string;
    hashes?: readonly { alg: string; content: string }[];
  }[];
  readonly dependencies: readonly { ref: string; dependsOn: readonly string[] }[];
}

describe('what the app runs on', () => {
  test('has licences that are allowed, every single one', () => {
    expect(all.length).toBeGreaterThan(20);
    expect(all.filter(({ license }) => license === null || !ALLOWED_LICENCES.includes(license))).toEqual([]);
  });

  test('is pinned by a digest, every single one', () => {
    expect(all.filter(({ integrity }) => integrity?.startsWith('sha512-') !== true).map(({ name }) => name)).toEqual(
      [],
    );
  });
});

describe('the bill of materials', () => {
  const document = JSON.parse(sbom(lockfile)) as Sbom;
  const known = new Set(document.components.map((one) => one['bom-ref']));

  test('names every dependency of package.json', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const [name, version] of Object.entries(dependencies))
      expect(known).toContain(`pkg:npm/${name.replace('@', '%40')}@${version}`);
  });

  test('leaves no dependency of a dependency open, and nothing that nobody needs', () => {
    const asked = document.dependencies.flatMap(({ dependsOn }) => dependsOn);
    expect(asked.filter((ref) => !known.has(ref))).toEqual([]);
    expect([...known].filter((ref) => !asked.includes(ref))).toEqual([]);
  });

  test('has digests of the right length, and is the same each time', () => {
    for (const { hashes = [], name } of document.components)
      for (const { alg, content } of hashes) expect([name, alg, content.length]).toEqual([name, 'SHA-512', 128]);
    expect(sbom(lockfile)).toBe(sbom(readLockfile()));
  });
});
