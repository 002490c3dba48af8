/** Faults are gathered, not thrown: whoever mends a configuration wants to see everything that is wrong at once. */
import type { Fault } from '../domain/fault.ts';
import { isSecretName, scrub, secretsOf, showFound } from './redact.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Path = readonly (string | number)[];

export interface Complaint {
  readonly path: Path;
  readonly problem: string;
  /** The value as it stands there; leave it out where nothing does. */
  readonly found?: unknown;
  readonly allowed: string;
  readonly suggestion?: string | null;
}

export class Report {
  readonly #faults: Fault[] = [];
  readonly #notes: string[] = [];
  readonly #origins = new Map<string, string>();
  readonly #sourceName: string;
  readonly #env: Environment;
  #secrets: readonly string[];

  constructor(sourceName: string, env: Environment) {
    this.#sourceName = sourceName;
    this.#env = env;
    this.#secrets = secretsOf(null, env);
  }

  /** Keeps the document's own secrets out of everything reported from here on. */
  hideSecretsOf(document: unknown): void {
    this.#secrets = secretsOf(document, this.#env);
  }

  /** Says where the part of the long form at `path` was really written: a short form, or an environment variable. */
  writtenAt(path: Path, origin: string): void {
    this.#origins.set(dotted(path), origin);
  }

  /** The first fault at a place is the one to mend; what follows from it would only confuse. */
  fault(complaint: Complaint): void {
    const path = this.#clean(this.#origin(complaint.path));
    if (this.#faults.some((fault) => fault.path === path)) return;
    const secret = complaint.path.some((part) => typeof part === 'string' && isSecretName(part));
    this.#faults.push({
      path,
      problem: this.#clean(complaint.problem),
      found: complaint.found === undefined ? null : showFound(complaint.found, secret, this.#secrets),
      allowed: this.#clean(complaint.allowed),
      suggestion: typeof complaint.suggestion === 'string' ? this.#clean(complaint.suggestion) : null,
    });
  }

  /** The path as the owner of the configuration knows it. */
  nameOf(path: Path): string {
    return this.#clean(this.#origin(path));
  }

  note(sentence: string): void {
    const clean = this.#clean(sentence);
    if (!this.#notes.includes(clean)) this.#notes.push(clean);
  }

  get faults(): readonly Fault[] {
    return this.#faults;
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  #clean(text: string): string {
    return scrub(text, this.#secrets);
  }

  #origin(path: Path): string {
    for (let length = path.length; length > 0; length -= 1) {
      const origin = this.#origins.get(dotted(path.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    return path.length === 0 ? this.#sourceName : dotted(path);
  }
}

/** `pools.gpt-4.1.members[1]` */
export function dotted(path: Path): string {
  return path.reduce<string>((before, part) => {
    if (typeof part === 'number') return `${before}[${part}]`;
    const name = part === '' ? '""' : part;
    return before === '' ? name : `${before}.${name}`;
  }, '');
}

/** For terminals. */
export function formatFaults(faults: readonly Fault[]): string {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
  return [`The configuration has ${count}.`, ...faults.map(formatFault)].join('\n\n');
}

function formatFault(fault: Fault): string {
  const lines = [`${fault.path}: ${fault.problem}`];
  if (fault.found !== null) lines.push(`  found:        ${fault.found}`);
  lines.push(`  allowed:      ${fault.allowed}`);
  if (fault.suggestion !== null) lines.push(`  did you mean: ${fault.suggestion}`);
  return lines.join('\n');
}

/** For machines: one JSON object, `{"faults": [...]}`. */
export function formatFaultsAsJson(faults: readonly Fault[]): string {
  return JSON.stringify({ faults }, null, 2);
}
