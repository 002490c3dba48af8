import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const FOLDER = new URL('../../.github/workflows/', import.meta.url);

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

const workflows = readdirSync(FOLDER).map((name) => ({ name, text: read(`.github/workflows/${name}`) }));

describe.each(workflows)('$name', ({ name, text }) => {
  test('may read the repository and nothing else, but where it signs in to Azure', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n/m);
    const more = [...text.matchAll(/^ +([a-z-]+): write$/gm)].map(([, right]) => right);
    expect(more.filter((right) => right !== 'id-token')).toEqual([]);
    if (name !== 'deploy.yml') expect(more).toEqual([]);
  });

  test('has no password of Azure, and hands its inputs to no shell as text', () => {
    const secrets = new Set([...text.matchAll(/secrets\.(\w+)/g)].map(([, secret]) => secret));
    expect([...secrets].filter((secret) => secret !== 'ROUTER_ADMIN_KEY')).toEqual([]);
    const runs = [...text.matchAll(/^ +(?:- )?run: (.*(?:\n {10,}.*)*)/gm)].map(([, script = '']) => script);
    expect(runs.length).toBeGreaterThan(2);
    expect(runs.filter((script) => script.includes('${{'))).toEqual([]);
  });

  test('uses actions of a stated version, and leaves no credential behind', () => {
    const used = [...text.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action);
    expect(used.filter((action) => !/@(v\d+|[0-9a-f]{40})$/.test(action))).toEqual([]);
    const checkouts = used.filter((action) => action.startsWith('actions/checkout@')).length;
    expect(text.split('persist-credentials: false').length - 1).toBe(checkouts);
  });

  test('runs scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run ([\w-]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => scripts[script] === undefined)).toEqual([]);
    const files = [...text.matchAll(/node (scripts\/\S+\.ts)/g)].map(([, file = '']) => file);
    expect(files.filter((file) => !existsSync(new URL(`../../${file}`, import.meta.url)))).toEqual([]);
  });
});

describe('SECURITY.md', () => {
  const text = read('SECURITY.md');
  const named = [...text.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);

  test('names a test for every threat', () => {
    const rows = text
      .slice(text.indexOf('| threat |'))
      .split('\n')
      .slice(2)
      .filter((line) => line.startsWith('|'));
    expect(rows.length).toBeGreaterThan(12);
    expect(rows.filter((row) => !row.includes('`test/'))).toEqual([]);
  });

  test.each([...new Set(named)])('%s is there', (path) => {
    expect(existsSync(new URL(`../../${path}`, import.meta.url))).toBe(true);
  });
});
