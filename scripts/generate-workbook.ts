/** Writes `infra/workbook.json`: the questions of docs/telemetry.md as charts of an Azure workbook. `npm run generate` runs it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const WORKBOOK_FILE = fileURLToPath(new URL('../infra/workbook.json', import.meta.url));
const SOURCE = new URL('../docs/telemetry.md', import.meta.url);

export interface Question {
  readonly title: string;
  readonly query: string;
}

/** A question is the paragraph before a query, up to its colon. */
export function questionsIn(text: string): Question[] {
  return [...text.matchAll(/(?:^|\n\n)([^\n][^`]*?|[^\n]*?):\n\n```kql\n([\s\S]*?)```/g)].map(
    ([, before = '', query = '']) => ({
      title: (before.split('\n\n').at(-1) ?? '').replaceAll('\n', ' ').replaceAll('`', '').trim(),
      query: query.trim(),
    }),
  );
}

export function generateWorkbook(): string {
  const questions = questionsIn(readFileSync(SOURCE, 'utf8'));
  const items = [heading(), ...questions.map(chart)];
  const workbook = { version: 'Notebook/1.0', items, isLocked: false, fallbackResourceIds: [] };
  return `${JSON.stringify(workbook, null, 2)}\n`;
}

function heading(): object {
  const json =
    '# Azure OpenAI router\nWhat the router tells of itself. Each query stands in docs/telemetry.md, with what its metrics and events mean.';
  return { type: 1, content: { json }, name: 'about' };
}

function chart({ title, query }: Question, at: number): object {
  const content = {
    version: 'KqlItem/1.0',
    query,
    size: 0,
    title,
    queryType: 0,
    resourceType: 'microsoft.insights/components',
    visualization: isSeries(query) ? 'timechart' : 'table',
  };
  return { type: 3, content, name: `question-${at + 1}` };
}

/** Figures by slices of time, in their order, are a line; everything else is read row by row. */
function isSeries(query: string): boolean {
  return /\bbin\(timestamp, \w+\)/.test(query) && /order by timestamp asc\s*$/.test(query);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(WORKBOOK_FILE, generateWorkbook());
