/**
 * The one command: `npm test`. Runs every check in order, stops at the first that fails, and ends with `N passed, N failed`.
 * `npm test -- test/routing` hands its arguments to vitest and leaves the other checks out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A check is one Node program with arguments: that of a package, or one of ours. */
interface Check {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
}

const CHECKS: readonly Check[] = [
  { name: 'format', program: bin('@biomejs/biome', 'biome'), args: ['check', '--linter-enabled=false', '.'] },
  { name: 'lint', program: bin('@biomejs/biome', 'biome'), args: ['lint', '--error-on-warnings', '.'] },
  { name: 'typed lint', program: bin('oxlint', 'oxlint'), args: ['--deny-warnings'] },
  { name: 'types', program: bin('typescript', 'tsc'), args: [] },
  { name: 'types of the page', program: bin('typescript', 'tsc'), args: ['-p', 'src/dashboard'] },
  { name: 'generated files', program: 'scripts/generated.ts', args: ['--check'] },
  { name: 'build', program: 'scripts/build.ts', args: [] },
];

interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** The program's path, so that it runs under this very Node whatever the PATH and the operating system. */
function bin(packageName: string, name: string): string {
  const folder = join(ROOT, 'node_modules', packageName);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const path = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[name];
  if (path === undefined) throw new Error(`${packageName} has no program called ${name}.`);
  return join(folder, path);
}

function runTimed(check: Check): boolean {
  console.log(`\n── ${check.name} ${'─'.repeat(Math.max(3, 76 - check.name.length))}`);
  const startedAt = performance.now();
  const { status, error } = spawnSync(process.execPath, [check.program, ...check.args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (error !== undefined) console.error(error.message);
  const ok = status === 0;
  console.log(`${check.name}: ${ok ? 'ok' : 'FAILED'} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  return ok;
}

/** Vitest's own output stays in sight; the numbers come from its JSON report. */
function runTests(args: readonly string[]): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'router-tests-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const ok = runTimed({ name: 'tests', program: bin('vitest', 'vitest'), args: ['run', ...reporters, ...args] });
    const tally = existsSync(report) ? readTally(readFileSync(report, 'utf8')) : { passed: 0, failed: 0 };
    // An error outside any test, or no report at all, is a failure too.
    return ok ? tally : { ...tally, failed: Math.max(1, tally.failed) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/** A file that could not be loaded has no tests to count, and counts as one failure. */
function readTally(text: string): Tally {
  const report = JSON.parse(text) as VitestReport;
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length };
}

function main(args: readonly string[]): void {
  const checks = args.length > 0 ? [] : CHECKS;
  const tally = checks.every(runTimed) ? runTests(args) : { passed: 0, failed: 1 };
  console.log(`\n${tally.passed} passed, ${tally.failed} failed`);
  process.exitCode = tally.failed > 0 ? 1 : 0;
}

main(process.argv.slice(2));
