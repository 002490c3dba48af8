import { parseArgs } from 'node:util';

const OPTIONS = /** @type {const} */ ({
  only: { type: 'string', multiple: true },
  among: { type: 'string', multiple: true },
  quick: { type: 'boolean', default: false },
  beside: { type: 'string', multiple: true, default: [] },
  rounds: { type: 'string' },
  date: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', default: false },
});

export const USAGE = `Usage: npm start -- [options]

  --only NAME   this measurement alone (repeatable): npm-start, cold-start, requests, streams, bodies, failover, slow-streams
  --among NAME  these contenders alone (repeatable): direct, nginx, floor, ours, Portkey, "null function", "our function"
  --beside REV  also ours as it was at this commit, as ours@REV (repeatable)
  --quick       few and short rounds, to see that everything works
  --rounds N    rounds of everything (4, or 2 with --quick)
  --date TEXT   the date the report bears (today)
  --out FILE    where the report goes as Markdown (docs/benchmarks.md; nowhere for a run with --only, --among, --beside or --quick)`;

/** @param {readonly string[]} argv */
export function readOptions(argv) {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  const { only = null, among = null, beside, quick, date, out, help } = values;
  const rounds = Number(values.rounds ?? (quick ? 2 : 4));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new Error(`--rounds is ${String(values.rounds)}; allowed is a whole number above 0`);
  const whole = only === null && among === null && beside.length === 0 && !quick;
  return {
    only,
    among,
    beside,
    quick,
    help,
    rounds,
    /** How long one load lasts, in ms. */
    window: quick ? 250 : 800,
    date: date ?? new Date().toISOString().slice(0, 10),
    out: out ?? (whole ? '../docs/benchmarks.md' : null),
    command: ['npm run bench --', ...argv].join(' ').replace(/ --$/, ''),
  };
}
