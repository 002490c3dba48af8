/** The process of the command line: its words, environment, streams, signals and exit code. What it does is in `cli/`. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run } from './cli/run.ts';
import type { Output, Surroundings } from './cli/surroundings.ts';
import { loadConfig } from './settings.ts';

/** `simulate` makes and drops millions of small objects. */
const SIMULATION_FLAGS = ['--max-semi-space-size=64'];

/** Whoever reads through `head` has seen enough, which is no fault. */
function untilClosed(stream: NodeJS.WriteStream): Output {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    // Undefined where it is none, whatever its type says.
    isTerminal: Boolean(stream.isTTY),
    get columns() {
      return stream.isTTY ? stream.columns : null;
    },
    write: (text) => void stream.write(text),
  };
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function handOver(program: 'start' | 'simulate', args: readonly string[]): Promise<number> {
  const path = fileURLToPath(new URL(program === 'start' ? './local.ts' : './simulation/program.ts', import.meta.url));
  if (program === 'simulate') return await spawned([...SIMULATION_FLAGS, path, ...args]);
  // In this very process: its signals and its end are the router's own.
  process.argv.splice(1, process.argv.length, path, ...args);
  await import('./local.ts');
  return Number(process.exitCode ?? 0);
}

function spawned(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  // Ctrl-C at a terminal reaches both by itself.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

function interruption(): AbortSignal {
  const stop = new AbortController();
  // Not `once`: npm passes on what the terminal has sent already, and the second one would end the process.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

async function versionOf(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const surroundings: Surroundings = {
  argv: process.argv.slice(2),
  env: process.env,
  version: await versionOf(),
  stdout: untilClosed(process.stdout),
  stderr: untilClosed(process.stderr),
  now: () => Date.now(),
  timeZone: undefined,
  send: (url, init) => fetch(url, init),
  readStdin,
  readFile: (path) => readFile(path, 'utf8'),
  loadConfig: (file) => loadConfig(process.env, file),
  // Only `check` wants the table of prices, which is large.
  isPriced: async (model) => (await import('./usage/prices.ts')).findModel(model) !== null,
  handOver,
  interruption,
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
};

process.exitCode = await run(surroundings);
