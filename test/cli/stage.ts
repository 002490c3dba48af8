/** A terminal with the command line on it: what is typed, what is seen, the exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/cli/run.ts';
import type { Surroundings } from '../../src/cli/surroundings.ts';
import { loadConfig } from '../../src/settings.ts';
import { findModel } from '../../src/usage/prices.ts';

export const NOW = Date.parse('2026-11-21T12:02:56Z');

export interface Stage {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly isTerminal?: boolean;
  readonly columns?: number;
  /** Where http://127.0.0.1:7071 really is. */
  readonly router?: string;
  readonly parts?: Partial<Surroundings>;
}

export interface Seen {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as a terminal shows them. */
  readonly screen: string;
}

/** Where the configurations of the tests lie. */
export const HERE = import.meta.dirname;

export async function play(argv: readonly string[], stage: Stage = {}): Promise<Seen> {
  const { env = {}, stdin = '', isTerminal = false, columns = null, router, parts = {} } = stage;
  const written: { readonly to: 'stdout' | 'stderr'; readonly text: string }[] = [];
  const output = (to: 'stdout' | 'stderr') => ({
    isTerminal,
    columns,
    write: (text: string) => void written.push({ to, text }),
  });
  const exit = await run({
    argv,
    env,
    version: '0.1.0',
    stdout: output('stdout'),
    stderr: output('stderr'),
    now: () => NOW,
    timeZone: 'UTC',
    send: (url, init) =>
      fetch(router === undefined ? url : url.replace(/^http:\/\/127\.0\.0\.1:7071(?=\/)/, router), init),
    readStdin: () => Promise.resolve(stdin),
    readFile: (path) => Promise.resolve().then(() => readFileSync(join(HERE, path), 'utf8')),
    loadConfig: (file) => loadConfig(env, file === null ? null : join(HERE, file)),
    isPriced: (model) => Promise.resolve(findModel(model) !== null),
    handOver: () => Promise.reject(new Error('nothing is handed over here')),
    interruption: () => AbortSignal.abort(),
    sleep: () => Promise.resolve(),
    ...parts,
  });
  const of = (to: string): string => written.map((one) => (one.to === to ? one.text : '')).join('');
  return { exit, stdout: of('stdout'), stderr: of('stderr'), screen: written.map(({ text }) => text).join('') };
}

/** `openai-router status --watch` as a shell splits it; quotes keep words together. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}
