/**
 * The command line: a caller of the control plane like any other, and a reader of configurations. Nothing in this folder touches
 * the process: what it needs of it stands here, and `src/cli.ts` hands it in.
 */
import type { Parsed } from '../config/load.ts';

export interface Output {
  readonly isTerminal: boolean;
  /** Of the terminal; `null`: there is none, or it does not say. */
  readonly columns: number | null;
  write(text: string): void;
}

export interface Surroundings {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly now: () => number;
  /** For the times that people read; `undefined`: the machine's own. */
  readonly timeZone: string | undefined;
  readonly send: (url: string, init: RequestInit) => Promise<Response>;
  readonly readStdin: () => Promise<string>;
  readonly readFile: (path: string) => Promise<string>;
  /** `null`: nothing is configured at all. */
  readonly loadConfig: (file: string | null) => Parsed | null;
  readonly isPriced: (model: string) => Promise<boolean>;
  /** Lets another program of the package go on in this one's place; its exit code. */
  readonly handOver: (program: 'start' | 'simulate', args: readonly string[]) => Promise<number>;
  /** Aborted once somebody presses Ctrl-C; until this is called, Ctrl-C ends the process as ever. */
  readonly interruption: () => AbortSignal;
  /** Resolves early, and does not reject, where the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}
