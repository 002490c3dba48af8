/** What a command is. */
import type { ControlPlane } from './controlPlane.ts';
import type { Exit } from './failure.ts';
import type { Times } from './instants.ts';
import type { Given, Options } from './options.ts';
import type { Paint } from './paint.ts';
import type { Surroundings } from './surroundings.ts';
import type { TableLook } from './table.ts';

export interface Command {
  /** One word, or two: `keys make`. */
  readonly name: string;
  readonly about: string;
  /** Its words, without options: `AGENT ID`. */
  readonly synopsis: string;
  readonly fewest: number;
  readonly most: number;
  readonly options: Options;
  /** Where its answer comes from: the router, this machine, or another program, which reads the arguments itself. */
  readonly by: 'router' | 'itself' | 'program';
  /** Further paragraphs of the help. */
  readonly more?: string;
  readonly examples: readonly Example[];
  readonly run: (call: Call) => Promise<Exit>;
}

export interface Example {
  readonly line: string;
  readonly does: string;
}

export interface Call extends Given {
  readonly on: Surroundings;
  /** For `by: 'program'`: what follows the command, unread. */
  readonly rest: readonly string[];
  readonly json: boolean;
  readonly paint: Paint;
  readonly look: TableLook;
  /** As the clock stands when it is read. */
  readonly times: () => Times;
  readonly router: () => Promise<ControlPlane>;
  /** To stdout. */
  readonly print: (text: string) => void;
  /** To stderr: progress, warnings. */
  readonly tell: (text: string) => void;
}

export function printJson(call: Pick<Call, 'print'>, answer: unknown): void {
  call.print(`${JSON.stringify(answer, null, 2)}\n`);
}

/** The words of a command that takes exactly so many. */
export function word({ words }: Given, at: number): string {
  return words[at] ?? '';
}
