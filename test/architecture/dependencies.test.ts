import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

describe('a dependency is a decision', () => {
  const manifest = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const named = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
  const reasons = new Map(
    [...read('CONTRIBUTING.md').matchAll(/^- `(@?[^`\s]+)`: (.+)$/gm)].map(([, name = '', why = '']) => [name, why]),
  );

  it.each(named)('%s has its reason in CONTRIBUTING.md', (name) => {
    expect(reasons.get(name)?.length ?? 0).toBeGreaterThan(15);
  });

  it('no reason outlives its dependency', () => {
    expect([...reasons.keys()].filter((name) => !named.some(([known]) => known === name))).toEqual([]);
  });

  it.each(named)('%s is pinned to one version', (_name, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });
});
