/** `npm run simulate`. */
import { writeFileSync } from 'node:fs';
import { type Figures, figuresOf } from './figures.ts';
import { plot } from './plot.ts';
import { type Options, readOptions, usage } from './programOptions.ts';
import { missesOf, tableOf } from './report.ts';
import { simulate } from './run.ts';
import { SCENARIOS } from './scenarios.ts';

/** As sysexits.h has it. */
const WRONG_USAGE = 64;

async function run({ scenarios, seed, json, svg }: Options): Promise<void> {
  const all: Figures[] = [];
  for (const name of scenarios) {
    const scenario = SCENARIOS[name]();
    process.stderr.write(`${name}: ${scenario.about} … `);
    const startedAt = performance.now();
    const ended = await simulate(scenario, seed);
    process.stderr.write(`${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
    all.push(figuresOf(ended));
    if (svg !== null) writeFileSync(svg, plot(ended));
  }
  process.stdout.write(json ? `${JSON.stringify(all, null, 2)}\n` : `\n${tableOf(all)}\n${verdict(all)}\n`);
}

function verdict(all: readonly Figures[]): string {
  const misses = missesOf(all);
  return misses.length === 0
    ? 'Every target is met.'
    : `Missed targets:\n${misses.map((one) => `  ${one}`).join('\n')}`;
}

const read = readOptions(process.argv.slice(2));
switch (read.kind) {
  case 'help':
    process.stdout.write(usage());
    break;
  case 'wrong':
    process.stderr.write(`${read.problems.join('\n')}\n\n${usage()}`);
    process.exitCode = WRONG_USAGE;
    break;
  case 'run':
    await run(read.options);
    break;
  default:
    read satisfies never;
}
