import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { METRICS, median, ratioOf, valuesOf } from './metrics.js';
import { markdown, text } from './table.js';
import { verdicts } from './targets.js';

/**
 * @typedef {object} Run
 * @property {import('../measures/rounds.js').Samples} samples
 * @property {readonly string[]} columns The contenders' names.
 * @property {string} command
 * @property {string} date
 * @property {number} rounds
 * @property {number} window
 */

/** What a column's figures are held against. */
const BASES = { 'our function': 'null function' };
const BASE = 'floor';
const STARTS = ['npm start', 'node src/local.ts', 'Azurite'];

/** @param {Run} run */
export function printed(run) {
  return sections(run)
    .map(({ title, rows }) => `\n${title}\n\n${text(rows)}`)
    .join('\n');
}

/** @param {Run} run */
export function documented(run) {
  const intro = readFileSync(new URL('./introduction.md', import.meta.url), 'utf8');
  const machine = [
    `Made by \`${run.command}\` on ${run.date}: Node ${process.version}, ${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}),`,
    `${run.rounds} rounds with loads of ${run.window / 1000} s.`,
  ].join(' ');
  const tables = sections(run).map(({ title, rows }) => `## ${title}\n\n${markdown(rows)}\n`);
  return [intro.replace('<!-- the run -->', machine).trimEnd(), '', ...tables].join('\n');
}

function sections(run) {
  return [
    { title: 'Figures', rows: figureRows(run) },
    { title: 'Start', rows: startRows(run) },
    { title: 'Targets', rows: targetRows(run) },
  ].filter(({ rows }) => rows.length > 1);
}

/** A contender that was not measured at something has a dash there. */
function figureRows({ samples, columns }) {
  const rows = METRICS.filter(({ sampled }) => samples.has(sampled)).map((metric) => [
    metric.title,
    ...columns.map((name) => cell(samples, metric, name)),
  ]);
  return [
    ['median (× floor)', ...columns.map((name) => (name in BASES ? `${name} (× ${BASES[name]})` : name))],
    ...rows,
  ];
}

function cell(samples, metric, name) {
  const value = median(valuesOf(samples, metric, name));
  if (Number.isNaN(value)) return '–';
  const ratio = ratioOf(samples, metric, name, BASES[name] ?? BASE);
  const shown = thousands(value, metric.digits);
  return Number.isNaN(ratio) || name === BASE ? shown : `${shown} (${ratio.toFixed(2)})`;
}

function startRows({ samples }) {
  const bySubject = samples.get('startMs');
  if (bySubject === undefined) return [];
  const rows = STARTS.map((name) => {
    const ratio = ratioOf(samples, { sampled: 'startMs', added: false }, name, 'Azurite');
    return [name, thousands(median(bySubject.get(name) ?? []), 0), `${ratio.toFixed(2)}`];
  });
  return [['from the start of the process', 'ms', '× Azurite'], ...rows];
}

function targetRows({ samples }) {
  const rows = verdicts(samples).map(({ target, ratio, text: verdict }) => [
    `${target.subject}: ${target.title}`,
    `${target.sense} ${target.limit}× ${target.base}`,
    `${ratio.toFixed(2)}×`,
    verdict,
  ]);
  return [['what', 'target', 'found', 'verdict'], ...rows];
}

function thousands(value, digits) {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
