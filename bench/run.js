/** `npm start`: measures everything and reports. docs/benchmarks.md says what is compared with what. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { makeBundles } from './bundles.js';
import { contenders } from './contenders/all.js';
import { startUpstream } from './contenders/upstream.js';
import { startLoad } from './machine/load.js';
import { MEASURES } from './measures/all.js';
import { createField } from './measures/field.js';
import { runMeasure } from './measures/rounds.js';
import { readOptions, USAGE } from './options.js';
import { documented, printed } from './report/report.js';

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) console.log(USAGE);
  else await run(options);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
// Ends what is still running, too.
process.exit();

async function run({ only, among, beside, rounds, window, quick, date, out, command }) {
  const measures = chosen(MEASURES, only);
  const field = chosen(contenders(beside), among && [...among, ...beside.map((rev) => `ours@${rev}`)]);
  const upstream = await startUpstream();
  const world = { ...(await makeBundles(beside)), ...upstream };
  const load = startLoad();
  const bench = createField({ contenders: field, world, load, quick, window });
  const samples = new Map();
  for (const measure of measures) await runMeasure(measure, bench, Math.ceil(rounds * measure.share), samples);

  const report = { samples, columns: field.map(({ name }) => name), command, date, rounds, window };
  console.log(printed(report));
  if (out === null) return;
  writeFileSync(resolve(import.meta.dirname, out), documented(report));
  console.log(`\nwritten to ${out}`);
}

/**
 * @template {{ name: string }} T
 * @param {readonly T[]} all
 * @param {readonly string[] | null} names
 */
function chosen(all, names) {
  const unknown = names?.find((name) => !all.some((one) => one.name === name));
  if (unknown !== undefined)
    throw new Error(`There is no ${unknown}; there are ${all.map(({ name }) => name).join(', ')}.`);
  return all.filter(({ name }) => names === null || names.includes(name));
}
