#!/usr/bin/env node
/**
 * The command line, from its sources. Plain JavaScript, and old: it has to run on whatever Node the machine has, and to go on
 * with the packaged one where that does not strip types by itself.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const ENTRY = new URL('../src/cli.ts', import.meta.url);
const PACKAGED = fileURLToPath(
  new URL(`../node_modules/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`, import.meta.url),
);

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isNewEnough = major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);

if (isNewEnough) {
  await import(ENTRY.href);
} else if (existsSync(PACKAGED)) {
  const child = spawn(PACKAGED, [fileURLToPath(ENTRY), ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C at a terminal reaches both by itself, and twice would be once too often.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('error', (error) => {
    process.stderr.write(`openai-router: The packaged Node does not start: ${error.message}.\n`);
    process.exitCode = 1;
  });
  child.once('close', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
} else {
  process.stderr.write(
    `openai-router: Node 22.18 or later is needed, this is ${process.versions.node}: run npm ci, which brings one, or install it.\n`,
  );
  process.exitCode = 1;
}
