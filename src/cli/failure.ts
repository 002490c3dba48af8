/** What can go wrong, told so that whoever reads it can go on. */

/** As sysexits.h has them. */
export const EXIT = {
  ok: 0,
  no: 1,
  wrongUsage: 64,
  unreachable: 69,
  notAllowed: 77,
  faultyConfiguration: 78,
};
/** One of `EXIT`, or what another program of the package left with. */
export type Exit = number;

export interface FailureParts {
  readonly exit: Exit;
  /** One sentence. */
  readonly problem: string;
  readonly where?: string;
  readonly found?: string;
  readonly allowed?: string;
  readonly attempt?: string;
  /** The router's own answer, for programs. */
  readonly answer?: string;
}

export class Failure extends Error {
  readonly parts: FailureParts;
  constructor(parts: FailureParts, cause?: unknown) {
    super(parts.problem, { cause });
    this.parts = parts;
  }
}

export function wrongUsage(problem: string, more: Partial<FailureParts> = {}): Failure {
  return new Failure({ exit: EXIT.wrongUsage, problem, ...more });
}

/** For terminals; what stands in it came from anywhere. */
export function formatFailure({ problem, where, found, allowed, attempt }: FailureParts): string {
  const lines = [`openai-router: ${problem}`];
  const rows = { where, found, allowed, try: attempt };
  for (const [name, text] of Object.entries(rows))
    if (text !== undefined) lines.push(`  ${`${name}:`.padEnd(9)}${text}`);
  return `${lines.map(clean).join('\n')}\n`;
}

/** Escape sequences, and marks that turn the direction of writing: agents and creators are named by callers. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export function clean(text: string): string {
  return text.replace(UNPRINTABLE, '�');
}
