/** `GET /router/usage`: what is asked for, and the answer as JSON or as a table for spreadsheets. */
import { RouterError } from '../domain/errors.ts';
import type { Answer, HeaderList } from '../domain/message.ts';
import { GROUPS, type Group, type UsageQuery, type UsageReport, type UsageRow } from '../usage/port.ts';
import { jsonAnswer } from './errors.ts';

const FORMATS = ['json', 'csv'] as const;
export type UsageFormat = (typeof FORMATS)[number];

export interface UsageQuestion extends UsageQuery {
  readonly format: UsageFormat;
}

const PARAMS = ['from', 'to', 'by', 'format'];

/** Without bounds the current month so far; without `by` the total alone. */
export function readUsageQuestion(query: string, now: number): UsageQuestion {
  const asked = new URLSearchParams(query);
  const unknown = [...asked.keys()].find((name) => !PARAMS.includes(name));
  if (unknown !== undefined) throw wrong(unknown, `is not known here; known are ${PARAMS.join(', ')}`);
  const today = dayOf(now);
  const from = readDay('from', asked.get('from')) ?? `${today.slice(0, 8)}01`;
  const to = readDay('to', asked.get('to')) ?? today;
  if (from > to) throw wrong('from', `must not be after to: ${from} is after ${to}`);
  return { from, to, by: readGroups(asked.get('by') ?? ''), format: readFormat(asked.get('format') ?? 'json') };
}

/** A day of UTC, or the one that an instant lies in. */
function readDay(name: string, text: string | null): string | null {
  if (text === null || text === '') return null;
  const instant = /^\d{4}-\d{2}-\d{2}(?:T.+)?$/.test(text) ? Date.parse(text) : Number.NaN;
  // The thirtieth of February is read as the second of March.
  const isThere = Number.isFinite(instant) && dayOf(Date.parse(text.slice(0, 10))) === text.slice(0, 10);
  if (!isThere) throw wrong(name, 'must be a day such as 2026-11-21 or an instant such as 2026-11-21T10:00:00Z');
  return dayOf(instant);
}

function readGroups(text: string): Group[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.find((name) => !isOneOf(GROUPS, name));
  if (unknown !== undefined) {
    throw wrong('by', `names ${JSON.stringify(unknown.slice(0, 50))}; allowed are ${GROUPS.join(', ')}`);
  }
  return [...new Set(names)].filter((name) => isOneOf(GROUPS, name));
}

function readFormat(text: string): UsageFormat {
  if (isOneOf(FORMATS, text)) return text;
  throw wrong('format', `must be ${FORMATS.join(' or ')}`);
}

function isOneOf<T extends string>(allowed: readonly T[], text: string): text is T {
  return (allowed as readonly string[]).includes(text);
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

function wrong(param: string, fault: string): RouterError {
  return new RouterError('invalid_request', `${param.slice(0, 50)} ${fault}.`, { param: param.slice(0, 50) });
}

export function usageAnswer(report: UsageReport, question: UsageQuestion, headers: HeaderList = []): Answer {
  const { from, to, by, format } = question;
  if (format === 'json') return jsonAnswer(200, { from, to, by, ...report }, headers);
  const disposition = `attachment; filename="usage-${from}-${to}.csv"`;
  return {
    status: 200,
    headers: ['content-type', 'text/csv; charset=utf-8', 'content-disposition', disposition, ...headers],
    body: Buffer.from(csvOf(report, by)),
  };
}

const FIGURES = [
  'requests',
  'promptTokens',
  'cachedTokens',
  'completionTokens',
  'reasoningTokens',
  'totalTokens',
  'costUsd',
  'estimatedRequests',
  'unpricedRequests',
] as const;

const COST_DECIMALS = 9;

/** RFC 4180. The total stands there only where nothing else would: among the rows it would be summed with them. */
function csvOf({ rows, total }: UsageReport, by: readonly Group[]): string {
  const lines: readonly UsageRow[] = by.length === 0 ? [total] : rows;
  const table = lines.map((row) => [...by.map((group) => labelCell(row[group] ?? '')), ...figureCells(row)]);
  return [[...by, ...FIGURES], ...table].map((cells) => `${cells.join(',')}\r\n`).join('');
}

function figureCells(row: UsageRow): string[] {
  return FIGURES.map((name) => (name === 'costUsd' ? row.costUsd.toFixed(COST_DECIMALS) : String(row[name])));
}

/** Callers choose labels, and spreadsheets run what looks like a formula. */
function labelCell(label: string): string {
  const text = /^[=+\-@\t\r\n]/.test(label) ? `'${label}` : label;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
