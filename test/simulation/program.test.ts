import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/simulation/programOptions.ts';
import { QUICK, SCENARIOS } from '../../src/simulation/scenarios.ts';

const PROGRAM = fileURLToPath(new URL('../../src/simulation/program.ts', import.meta.url));

function run(...words: string[]) {
  return spawnSync(process.execPath, [PROGRAM, ...words], { encoding: 'utf8' });
}

describe('the arguments', () => {
  it('ask for the quick scenarios where they name none', () => {
    expect(readOptions([])).toEqual({ kind: 'run', options: { scenarios: QUICK, seed: 1, json: false, svg: null } });
  });

  it('name scenarios, a seed and a picture, in either spelling', () => {
    const options = { scenarios: ['thousand'], seed: 7, json: true, svg: 'out.svg' };
    expect(readOptions(['thousand', '--seed', '7', '--svg', 'out.svg', '--json'])).toEqual({ kind: 'run', options });
    expect(readOptions(['--json', '--svg=out.svg', '--seed=7', 'thousand'])).toEqual({ kind: 'run', options });
  });

  it.each([
    [['million'], '"million" is neither an option nor a scenario.'],
    [['--sed', '7'], '"--sed" is neither an option nor a scenario.'],
    [['three', '--seed'], '--seed needs a value.'],
    [['three', '--seed', '--json'], '--seed needs a value.'],
    [['three', '--seed', '-1'], '--seed takes a whole number from 0 to 4294967295, not "-1".'],
    [['--svg', 'out.svg'], '--svg draws one scenario: name it.'],
    [['three', 'hundred', '--svg', 'out.svg'], '--svg draws one scenario: name it.'],
  ])('are refused where they are wrong: %j', (words, problem) => {
    const read = readOptions(words);
    expect(read.kind === 'wrong' && read.problems[0]?.startsWith(problem)).toBe(true);
  });
});

describe('the program', () => {
  it('helps, naming every scenario', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    for (const name of Object.keys(SCENARIOS)) expect(stdout).toContain(`  ${name} `);
  });

  it('ends with 64 on wrong arguments, and says what is allowed', () => {
    const { status, stdout, stderr } = run('million');
    expect([status, stdout]).toEqual([64, '']);
    expect(stderr).toContain('Scenarios: three, hundred,');
    expect(stderr).toContain('Usage: npm run simulate');
  });

  it('prints figures as JSON', () => {
    const { status, stdout } = run('three', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ scenario: 'three', seed: 1, instances: 3 }]);
  });
});

describe('the scenarios that ship', () => {
  it.each(Object.entries(SCENARIOS))('%s goes by its name and ends after its faults', (name, scenario) => {
    const { faults, lastsMs, ...rest } = scenario();
    expect(rest.name).toBe(name);
    expect(Math.max(...faults.map(({ toMs }) => toMs))).toBeLessThan(lastsMs);
    expect(Math.min(...faults.map(({ fromMs }) => fromMs))).toBeGreaterThan(rest.settledAtMs);
  });
});
