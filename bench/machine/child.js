/** Processes that the bench starts, and ends again whatever happens. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
const scratch = mkdtempSync(join(tmpdir(), 'router-bench-'));
let count = 0;

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(1));

/** A folder for generated configuration; gone when the bench ends. */
export function scratchFolder() {
  return scratch;
}

/**
 * @typedef {object} Program
 * @property {string} command
 * @property {readonly string[]} args
 * @property {Readonly<Record<string, string | undefined>>} [env]
 * @property {string} [cwd]
 * @property {boolean} [ipc]
 */

/**
 * @typedef {object} Child
 * @property {number} pid
 * @property {import('node:child_process').ChildProcess} process
 * @property {(pattern: RegExp) => Promise<RegExpExecArray>} says Waits for a line of its output.
 * @property {() => Promise<void>} stop
 */

const START_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 3_000;

/**
 * @param {Program} program
 * @returns {Child}
 */
export function startChild({ command, args, env = {}, cwd, ipc = false }) {
  count += 1;
  // Into a file: a pipe would have to be emptied by the bench while it measures.
  const log = join(scratch, `${count}.log`);
  const logHandle = openSync(log, 'w');
  const stdio = ipc ? ['ignore', logHandle, logHandle, 'ipc'] : ['ignore', 'pipe', logHandle];
  const child = spawn(command, args, { cwd, env: { ...cleanEnvironment(), ...env }, stdio });
  closeSync(logHandle);
  running.add(child);
  const over = new Promise((resolve) => child.once('exit', resolve));
  void over.then(() => running.delete(child));

  let output = '';
  const says = (pattern) =>
    new Promise((resolve, reject) => {
      const fail = (why) =>
        reject(
          new Error(`${[command, ...args].join(' ')} ${why}:\n${output}${readFileSync(log, 'utf8').slice(-2000)}`),
        );
      const timer = setTimeout(() => fail(`did not say ${pattern} within ${START_WITHIN_MS} ms`), START_WITHIN_MS);
      const look = () => {
        const match = pattern.exec(output);
        if (match === null) return;
        clearTimeout(timer);
        resolve(match);
      };
      child.stdout?.on('data', (text) => {
        output += text;
        look();
      });
      child.once('error', (error) => fail(error.message));
      void over.then((code) => fail(`ended with ${code}`));
      look();
    });

  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await over;
    clearTimeout(timer);
  };
  return { pid: child.pid ?? 0, process: child, says, stop };
}

/** Without what the bench's own shell may have set: it would configure the router, or tune Node. */
function cleanEnvironment() {
  const foreign = /^(AZURE_|ROUTER_|AzureWebJobs|OPENAI_|NODE_|PORT$|npm_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

/** @returns {Promise<number>} */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** @param {number} port */
export async function untilListening(port) {
  const giveUpAt = performance.now() + START_WITHIN_MS;
  while (!(await accepts(port))) {
    if (performance.now() > giveUpAt) throw new Error(`nothing listens on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (yes) => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', () => settle(true)).once('error', () => settle(false));
  });
}
