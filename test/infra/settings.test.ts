import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { settingsTable } from '../../scripts/app-settings.ts';
import { generateWorkbook, questionsIn, WORKBOOK_FILE } from '../../scripts/generate-workbook.ts';
import { codeFaults, namesRead } from './agreement.ts';
import { ROLES } from './rights.ts';

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

describe('the list of settings', () => {
  test('holds every environment variable that the app reads, and none beside', () => {
    expect(codeFaults(namesRead())).toEqual([]);
  });

  test('stands in docs/deploy.md', () => {
    expect(read('docs/deploy.md')).toContain(settingsTable());
  });
});

describe('the guide', () => {
  const text = read('docs/deploy.md');

  test('explains every parameter of main.bicep, and none beside', () => {
    const declared = [...read('infra/main.bicep').matchAll(/^param (\w+)/gm)].map(([, name = '']) => name);
    const [, table = ''] = text.split('\n| parameter | default | what |\n');
    const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(1);
    const explained = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    );
    // These three are asked for by name, further up.
    expect([...explained, 'adminKey', 'environmentName', 'location'].sort()).toEqual(declared.sort());
  });

  test('has the roles that are given, by name', () => {
    const [, table = ''] = text.split('\n| role | on | for |\n');
    const roles = table
      .split('\n')
      .slice(1, 6)
      .map((row) => row.split('|')[1]?.trim());
    expect(new Set(roles)).toEqual(new Set(Object.keys(ROLES)));
  });
});

describe('the workbook', () => {
  test('has a chart for each question of docs/telemetry.md, under its words', () => {
    const text = read('docs/telemetry.md');
    const questions = questionsIn(text);
    expect(questions).toHaveLength(text.match(/```kql/g)?.length ?? 0);
    expect(questions.filter(({ title }) => title === '' || title.length > 120)).toEqual([]);
  });

  test('is what its generator would write', () => {
    expect(readFileSync(WORKBOOK_FILE, 'utf8')).toBe(generateWorkbook());
  });
});
