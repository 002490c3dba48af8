/** The largest fleet that ships, whole: a region is down for 1,000 instances with 200 deployments. It takes a minute or two. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Figures } from '../../src/simulation/figures.ts';
import { missesOf } from '../../src/simulation/report.ts';

const PROGRAM = fileURLToPath(new URL('../../src/simulation/program.ts', import.meta.url));
const LONGEST_MS = 600_000;

it(
  'a thousand instances lose a region without an error, late news or a partition beyond its target',
  async () => {
    const args = ['--max-semi-space-size=64', PROGRAM, 'thousand', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 });
    const [figures, ...others] = JSON.parse(stdout) as Figures[];
    if (figures === undefined) throw new Error('it said nothing');
    expect(others).toEqual([]);
    expect(figures).toMatchObject({ instances: 1_000, deployments: 200, errors: 0, faults: [] });
    expect(missesOf([figures])).toEqual([]);
  },
  LONGEST_MS,
);
