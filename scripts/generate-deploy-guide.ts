/** Fills in the tables of docs/deploy.md that are made of data: settings and costs. `npm run generate` runs it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { settingsTable } from './app-settings.ts';
import { costTable } from './costs.ts';

export const DEPLOY_GUIDE_FILE = fileURLToPath(new URL('../docs/deploy.md', import.meta.url));

export function generateDeployGuide(): string {
  const text = readFileSync(DEPLOY_GUIDE_FILE, 'utf8');
  return between(between(text, 'settings', settingsTable()), 'costs', costTable());
}

function between(text: string, mark: string, table: string): string {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/deploy.md lacks ${begin} … ${end}`);
  return `${before}${begin}\n${table}\n${end}${after}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(DEPLOY_GUIDE_FILE, generateDeployGuide());
