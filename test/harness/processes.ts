/** Routers as they run in Azure: processes that have nothing in common but the tables, here those of one storage emulator. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, vi } from 'vitest';
import { startEmulator } from '../../src/store/emulator.ts';
import type { Store } from '../../src/store/port.ts';
import { createTablesStore } from '../../src/store/tables.ts';
import { ask, keepAlive, type RawAnswer, type RawCall } from './raw.ts';

const ENTRY = join(import.meta.dirname, '../../src/local.ts');

export interface RouterProcess {
  readonly url: string;
  /** What it has logged so far. */
  readonly log: readonly LogLine[];
  ask(call?: RawCall): Promise<RawAnswer>;
  /** The same on the control plane, which is to answer 200; the body. */
  control<T>(call: RawCall): Promise<T>;
}

export interface LogLine {
  readonly message: string;
  readonly [fact: string]: unknown;
}

export interface ProcessFleet extends AsyncDisposable {
  /** Those that run now. A process that was started again is in its predecessor's place. */
  readonly routers: readonly RouterProcess[];
  /** The tables, seen by a client of their own. */
  readonly store: Store;
  /** `kill -9`; resolves when the process is gone. Its place keeps what it has logged. */
  kill(at: number): Promise<void>;
  restart(at: number): Promise<void>;
}

export interface ProcessFleetFacts {
  readonly count: number;
  /** The configuration, as its owner would write it. */
  readonly config: object;
}

/** Resolves when every process has heard of every other one. */
export async function startProcesses({ count, config }: ProcessFleetFacts): Promise<ProcessFleet> {
  const emulator = await startEmulator({ port: 0 });
  const folder = await mkdtemp(join(tmpdir(), 'router-fleet-'));
  const file = join(folder, 'router.json');
  await writeFile(file, JSON.stringify(config));
  const args = ['--port', '0', '--storage', emulator.connectionString, '--config', file];
  const running = await Promise.all(Array.from({ length: count }, () => startProcess(args)));
  const fleet: ProcessFleet = {
    routers: running,
    store: createTablesStore({ connection: { kind: 'connectionString', text: emulator.connectionString } }),
    kill: (at) => running[at]!.kill(),
    async restart(at) {
      await running[at]!.kill();
      running[at] = await startProcess(args);
      await acquaint(running, [running[at]]);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(running.map((one) => one.kill()));
      await emulator.close();
      await rm(folder, { recursive: true });
    },
  };
  await acquaint(running, running);
  return fleet;
}

interface Running extends RouterProcess {
  kill(): Promise<void>;
}

async function startProcess(args: readonly string[]): Promise<Running> {
  // Nothing of this machine's own settings. Run as npm runs it, it ends by itself should the tests be killed.
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', npm_lifecycle_event: 'start' };
  const child = spawn(process.execPath, [ENTRY, ...args], { cwd: tmpdir(), env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log: LogLine[] = [];
  createInterface(child.stderr).on('line', (line) => log.push(toLogLine(line)));
  const closed = once(child, 'close');
  const url = await readyAt(child, log);
  const agent = keepAlive(64);
  const send = (call: RawCall = {}): Promise<RawAnswer> => ask(url, { agent, ...call });
  return {
    url,
    log,
    ask: send,
    async control<T>(call: RawCall) {
      const { status, text } = await send(call);
      if (status !== 200) throw new Error(`${call.method ?? 'GET'} ${call.path}: ${status} ${text}`);
      return JSON.parse(text) as T;
    },
    async kill() {
      child.kill('SIGKILL');
      await closed;
      agent.destroy();
    },
  };
}

function toLogLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    // Node's own words, such as those of a process that breaks down.
    return { message: line };
  }
}

function readyAt(child: ChildProcess, log: readonly LogLine[]): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface(child.stdout!).on('line', (line) => {
      const url = /^ready (http:\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) => {
      reject(new Error(`the router ended with ${code}: ${log.map(({ message }) => message).join('\n')}`));
    });
  });
}

let acquainted = 0;

/** Each of `strangers` leaves a mark, and everybody waits until they have read it. */
async function acquaint(all: readonly Running[], strangers: readonly Running[]): Promise<void> {
  const marks = strangers.map((router) => ({ router, path: `/router/agents/acquainted-${++acquainted}` }));
  const [deployment] = await deploymentsOf(all[0]!);
  for (const { router, path } of marks) {
    await vi.waitFor(() => router.control({ method: 'PUT', path, body: { deployment, pinned: true } }), PATIENT);
  }
  const hasRead = async (router: Running, path: string): Promise<void> => {
    expect(await router.control({ path })).toMatchObject({ pinned: true });
  };
  for (const { path } of marks) {
    await Promise.all(all.map((router) => vi.waitFor(() => hasRead(router, path), PATIENT)));
  }
  for (const { router, path } of marks) await router.control({ method: 'DELETE', path });
}

/** For what is bound to happen, on a machine that may be busy. */
export const PATIENT = { timeout: 20_000, interval: 20 };

async function deploymentsOf(router: RouterProcess): Promise<string[]> {
  const { items } = await router.control<{ items: { id: string }[] }>({ path: '/router/deployments' });
  return items.map(({ id }) => id);
}

/** Runs `task` for 0, 1, … `count` - 1, so many at a time. */
export async function many<T>(count: number, atOnce: number, task: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      results[index] = await task(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, run));
  return results;
}

/** How often each comes up. */
export function tally<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
