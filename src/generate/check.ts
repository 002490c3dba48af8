/** Whether a value is what a JSON Schema asks for, and where it is not. */
import { createContext, Script } from 'node:vm';
import { type OutputUnit, type SchemaDraft, Validator } from '@cfworker/json-schema';
import type { Mismatch } from './port.ts';

export type Schema = Readonly<Record<string, unknown>> | boolean;

/** The schema cannot be worked with: it never ends, or takes too long. */
export class Uncheckable extends Error {
  override readonly name = 'Uncheckable';
}

/** Longest time that checking one value may take: patterns come from callers, and a bad one runs for ever. */
const LONGEST_CHECK_MS = 500;
const LISTED = 20;
const SHOWN_CHARS = 120;

/** The only means to end a regular expression that is under way. */
const context: { run?: () => unknown } = createContext({});
const run = new Script('run()');

/** A busy machine may let the limit pass without having worked: then that was no verdict. */
const MOST_TRIES = 10;

function within<T>(work: () => T): T {
  context.run = work;
  const begunAt = cpuMs();
  for (let tries = 1; ; tries += 1) {
    try {
      return run.runInContext(context, { timeout: LONGEST_CHECK_MS }) as T;
    } catch (cause) {
      const isStarved = isLate(cause) && cpuMs() - begunAt < LONGEST_CHECK_MS;
      if (!isStarved || tries === MOST_TRIES) throw uncheckable(cause);
    }
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function isLate(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

function uncheckable(cause: unknown): Uncheckable {
  if (isLate(cause)) return new Uncheckable(`checking takes longer than ${LONGEST_CHECK_MS} ms`, { cause });
  const why = cause instanceof RangeError ? 'it refers to itself without end' : 'it asks for what cannot be checked';
  return new Uncheckable(why, { cause });
}

export class Checker {
  readonly #schema: Schema;
  readonly #validator: Validator;

  constructor(schema: Schema) {
    // The validator writes into what it is given.
    this.#schema = structuredClone(schema);
    this.#validator = new Validator(this.#schema, draftOf(schema), false);
  }

  /** None: the value is what was asked for. */
  mismatches(value: unknown): Mismatch[] {
    const { valid, errors } = within(() => this.#validator.validate(value));
    if (valid) return [];
    const told = causes(errors).flatMap((unit) => this.#tell(unit, value));
    const once = new Map(told.map((one) => [`${one.path} ${one.allowed}`, one]));
    return [...once.values()].slice(0, LISTED);
  }

  #tell({ instanceLocation, keyword, keywordLocation, error }: OutputUnit, value: unknown): Mismatch[] {
    const path = decoded(instanceLocation.slice(1));
    const here = valueAt(value, path);
    const wanted = keyword === 'false' ? undefined : this.#wantedAt(keywordLocation);
    if (keyword === 'required' && Array.isArray(wanted)) {
      const missing = wanted.filter((name) => !Object.hasOwn(here as object, String(name)));
      return missing.map((name) => ({
        path: `${path}/${escaped(String(name))}`,
        found: 'nothing',
        allowed: 'a value: it is required',
      }));
    }
    return [{ path, found: shown(here), allowed: allowedBy(keyword, wanted, error) }];
  }

  /** What stands in the schema at a keyword's place, through references within the schema. */
  #wantedAt(keywordLocation: string): unknown {
    let at: unknown = this.#schema;
    for (const step of decoded(keywordLocation).split('/').slice(1)) {
      at = child(at, step);
      if (step === '$ref' && typeof at === 'string')
        at = at.startsWith('#') ? valueAt(this.#schema, at.slice(1)) : undefined;
    }
    return at;
  }
}

function draftOf(schema: Schema): SchemaDraft {
  const said = typeof schema === 'object' ? schema['$schema'] : undefined;
  const text = typeof said === 'string' ? said : '';
  if (text.includes('draft-04')) return '4';
  if (text.includes('draft-07') || text.includes('draft-06')) return '7';
  return text.includes('2019-09') ? '2019-09' : '2020-12';
}

/** Keywords that fail only because something below them does. */
const CONTAINERS = new Set([
  'properties',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'dependentSchemas',
  'allOf',
  '$ref',
  '$recursiveRef',
  'if',
]);
/** Of these nobody can tell which branch was meant: they are told as they stand. */
const CHOICES = new Set(['anyOf', 'oneOf']);

function causes(units: readonly OutputUnit[]): readonly OutputUnit[] {
  const kept: OutputUnit[] = [];
  let choice: string | null = null;
  for (const unit of units) {
    const below = choice !== null && (unit.keyword === 'false' || unit.keywordLocation.startsWith(`${choice}/`));
    if (below) continue;
    choice = CHOICES.has(unit.keyword) ? unit.keywordLocation : null;
    if (!CONTAINERS.has(unit.keyword)) kept.push(unit);
  }
  return kept.length > 0 ? kept : units;
}

function allowedBy(keyword: string, wanted: unknown, error: string): string {
  if (keyword === 'false') return 'nothing: there is no place for it';
  if (wanted === undefined) return error;
  if (keyword === 'type') return Array.isArray(wanted) ? wanted.join(' or ') : plain(wanted);
  if (keyword === 'enum' && Array.isArray(wanted)) return `one of ${wanted.map((one) => shown(one)).join(', ')}`;
  if (keyword === 'const') return shown(wanted);
  if (keyword === 'format') return `text in the format ${shown(wanted)}`;
  if (keyword === 'anyOf' && Array.isArray(wanted)) return wanted.map(inShort).join(', or ');
  return `${keyword} ${shown(wanted)}`;
}

/** A type's name bears no quotes. */
function plain(wanted: unknown): string {
  return typeof wanted === 'string' ? wanted : shown(wanted);
}

/** A branch of a choice. */
function inShort(schema: unknown): string {
  const { enum: values, type } = (schema ?? {}) as Record<string, unknown>;
  if (values !== undefined) return allowedBy('enum', values, '');
  return typeof type === 'string' ? type : shown(schema);
}

function decoded(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}

export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}

function valueAt(root: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce((at, step) => child(at, step), root);
}

function child(at: unknown, step: string): unknown {
  if (typeof at !== 'object' || at === null) return undefined;
  const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
  return Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined;
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
