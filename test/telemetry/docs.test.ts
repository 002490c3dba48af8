import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENTS, METRICS } from '../../src/telemetry/names.ts';

const TEXT = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8');

function section(title: string): string {
  const begin = TEXT.indexOf(`\n${title}\n`);
  const rest = TEXT.slice(begin + title.length + 2);
  const end = rest.search(/^##/m);
  return begin < 0 ? '' : end < 0 ? rest : rest.slice(0, end);
}

/** A table's rows, cell by cell; a cell of names as a list of them. */
function rows(title: string): { name: string; cells: string[] }[] {
  return section(title)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', ...cells]) => ({ name: name.replaceAll('`', ''), cells }));
}

function namesIn(cell: string | undefined): string[] {
  return [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

const QUERIES = [...TEXT.matchAll(/```kql\n([\s\S]*?)```/g)].map(([, query = '']) => query);
const metrics = Object.values(METRICS);

describe('docs/telemetry.md', () => {
  it('lists every metric of the code, and none beside, with its kind and its dimensions', () => {
    expect(rows('### Metrics').map(({ name, cells }) => [name, cells[0], namesIn(cells[2])])).toEqual(
      metrics.map(({ name, kind, dimensions }) => [name, kind, dimensions]),
    );
  });

  it('lists every event of the code, and none beside, with its dimensions', () => {
    expect(rows('### Events').map(({ name, cells }) => [name, namesIn(cells[0])])).toEqual(Object.entries(EVENTS));
  });

  it('answers the questions that it promises to', () => {
    expect(QUERIES.length).toBeGreaterThanOrEqual(8);
    for (const name of [
      'router.cost',
      'router.tokens',
      'router.attempts',
      'router.failovers',
      'router.quota.remaining',
    ])
      expect(
        QUERIES.some((query) => query.includes(`"${name}"`)),
        name,
      ).toBe(true);
  });

  it.each(QUERIES.map((query) => [query.split('\n').find((line) => line.includes('name ')) ?? '', query]))(
    'asks only for names and dimensions that exist: %s',
    (_line, query) => {
      const known = new Map<string, readonly string[]>([
        ...metrics.map(({ name, dimensions }) => [name, dimensions] as const),
        ...Object.entries(EVENTS),
      ]);
      const asked = namesAskedFor(query);
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.filter((name) => !known.has(name))).toEqual([]);
      const dimensions = new Set(asked.flatMap((name) => known.get(name) ?? []));
      const used = [...query.matchAll(/customDimensions(?:\.(\w+)|\["([^"]+)"\])/g)].map(
        ([, one, other]) => one ?? other,
      );
      expect(used.filter((label) => !dimensions.has(label ?? ''))).toEqual([]);
    },
  );

  it('names no metric in its text that does not exist', () => {
    const named = [...TEXT.matchAll(/`((?:router|gen_ai\.client)\.[a-z_.]+)`/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !metrics.some((one) => one.name === name))).toEqual([]);
  });
});

/** `name == "x"` and `name in ("x", "y")`. */
function namesAskedFor(query: string): string[] {
  return [...query.matchAll(/\bname (?:== ("[^"]+")|in \(([^)]+)\))/g)].flatMap(([, one, several]) =>
    [...(one ?? several ?? '').matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  );
}
