/**
 * What any store may answer: a map of rows, and for a history of calls that overlap the question whether some order of them explains
 * every answer. Herlihy and Wing, "Linearizability", 1990; the search is Wing and Gong's.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Change, Page, Row, Values, Written } from '../../src/store/port.ts';

export interface Place {
  readonly partition: string;
  readonly row: string;
}

export interface Bounds {
  readonly from?: string;
  readonly to?: string;
}

/** The page before, which the store gave to the same client. */
export interface Before {
  readonly call: number;
  readonly last: Place | null;
}

export type Asked =
  | { readonly kind: 'get'; readonly at: Place }
  | { readonly kind: 'insert'; readonly at: Place; readonly values: Values }
  | { readonly kind: 'replace'; readonly at: Place; readonly values: Values; readonly etag: string }
  | { readonly kind: 'put'; readonly at: Place; readonly values: Values }
  | { readonly kind: 'remove'; readonly at: Place; readonly etag: string | null }
  | { readonly kind: 'batch'; readonly partition: string; readonly changes: readonly Change[] }
  | {
      readonly kind: 'list';
      readonly partitions: Bounds;
      readonly rows: Bounds;
      readonly limit: number;
      readonly before: Before | null;
    };

export type Answer =
  | { readonly kind: 'row'; readonly row: Row | null }
  | { readonly kind: 'written'; readonly written: Written }
  | { readonly kind: 'removed'; readonly removed: boolean }
  | { readonly kind: 'page'; readonly page: Page }
  | { readonly kind: 'done' };

/** One call of one client: it took effect, if it did, between two instants of the order in which things happened. */
export interface Call {
  readonly id: number;
  readonly client: number;
  readonly asked: Asked;
  readonly answer: Answer;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** A row as it must be, or where one has been. */
interface Entry {
  readonly at: Place;
  readonly values: Values | null;
  /** `null`: written by a call that does not name it; the next answer that does, tells. */
  readonly etag: string | null;
  /** Those of earlier writes, and those that a conflict has shown not to be its own. */
  readonly past: readonly string[];
}

interface Reference {
  readonly entries: ReadonlyMap<string, Entry>;
  /** Of each page that was not the last: the first row that it left out. */
  readonly left: ReadonlyMap<number, Place>;
}

const EMPTY: Reference = { entries: new Map(), left: new Map() };

/** The order of the calls that explains what each of them answered; `null`: there is none. */
export function explanation(calls: readonly Call[]): readonly Call[] | null {
  const tried = new Set<string>();
  const search = (reference: Reference, remaining: readonly Call[]): readonly Call[] | null => {
    if (remaining.length === 0) return [];
    const known = JSON.stringify([remaining.map(({ id }) => id), [...reference.entries], [...reference.left]]);
    if (tried.has(known)) return null;
    tried.add(known);
    const firstAnswer = Math.min(...remaining.map(({ answeredAt }) => answeredAt));
    for (const call of remaining) {
      if (call.askedAt > firstAnswer) continue;
      const next = explained(reference, call);
      if (next === null) continue;
      const rest = remaining.filter((one) => one !== call);
      const found = search(next, rest);
      if (found !== null) return [call, ...found];
    }
    return null;
  };
  return search(EMPTY, calls);
}

/** The rows after the call, if it took effect now; `null`: then it would have answered otherwise. */
function explained(reference: Reference, { id, asked, answer }: Call): Reference | null {
  switch (asked.kind) {
    case 'get': {
      if (answer.kind !== 'row') return null;
      const entry = entryOf(reference, asked.at);
      if (answer.row === null) return entry.values === null ? reference : null;
      const seen = seenAs(entry, answer.row);
      return seen && withEntry(reference, seen);
    }
    case 'insert': {
      const entry = entryOf(reference, asked.at);
      if (answer.kind !== 'written') return null;
      if (answer.written.kind === 'conflict') return entry.values === null ? null : reference;
      return entry.values === null ? writtenAs(reference, entry, asked.values, answer.written.etag) : null;
    }
    case 'replace': {
      if (answer.kind !== 'written') return null;
      const held = matched(entryOf(reference, asked.at), asked.etag, answer.written.kind === 'written');
      if (held === null) return null;
      if (answer.written.kind === 'conflict') return withEntry(reference, held);
      return held.values === null ? null : writtenAs(reference, held, asked.values, answer.written.etag);
    }
    case 'put':
      return answer.kind === 'done'
        ? withEntry(reference, rewritten(entryOf(reference, asked.at), asked.values))
        : null;
    case 'remove':
      return answer.kind === 'removed' ? removed(reference, asked, answer.removed) : null;
    case 'batch': {
      let next = reference;
      for (const change of asked.changes) {
        const entry = entryOf(next, { partition: asked.partition, row: change.row });
        next = withEntry(next, rewritten(entry, change.kind === 'put' ? change.values : null));
      }
      return answer.kind === 'done' ? next : null;
    }
    case 'list':
      return answer.kind === 'page' ? listed(reference, id, asked, answer.page) : null;
    default:
      return asked satisfies never;
  }
}

function removed(reference: Reference, { at, etag }: Asked & { kind: 'remove' }, isRemoved: boolean): Reference | null {
  const entry = entryOf(reference, at);
  // A row that is not there counts as removed.
  if (entry.values === null) return isRemoved ? reference : null;
  if (etag === null) return isRemoved ? withEntry(reference, rewritten(entry, null)) : null;
  const held = matched(entry, etag, isRemoved);
  return held && withEntry(reference, isRemoved ? rewritten(held, null) : held);
}

/** The entry where a condition on its etag held, or did not; `null`: it cannot have been so. */
function matched(entry: Entry, etag: string, held: boolean): Entry | null {
  if (entry.values === null) return held ? null : entry;
  if (entry.etag !== null) return (entry.etag === etag) === held ? entry : null;
  if (entry.past.includes(etag)) return held ? null : entry;
  // Nobody has seen its etag yet: this tells something of it.
  return held ? { ...entry, etag } : { ...entry, past: [...entry.past, etag] };
}

/** A page holds the first rows of its range, and says so if there are more. */
function listed(
  reference: Reference,
  id: number,
  asked: Asked & { kind: 'list' },
  { rows, next }: Page,
): Reference | null {
  const before = asked.before;
  const from = before === null ? null : (reference.left.get(before.call) ?? null);
  const matching = [...reference.entries.values()]
    .filter(({ at, values }) => values !== null && isIn(at.partition, asked.partitions) && isIn(at.row, asked.rows))
    .filter(({ at }) => before === null || before.last === null || compare(at, before.last) > 0)
    // Rows that were inserted between one page and the row at which the next one begins may be passed over.
    .filter(({ at }) => from === null || compare(at, from) >= 0 || rows.some((row) => compare(row, at) === 0))
    .sort((left, right) => compare(left.at, right.at));
  if (rows.length > asked.limit || (next === null && rows.length < matching.length)) return null;
  let told = reference;
  for (const [index, row] of rows.entries()) {
    const entry = matching[index];
    const seen = entry === undefined || compare(entry.at, row) !== 0 ? null : seenAs(entry, row);
    if (seen === null) return null;
    told = withEntry(told, seen);
  }
  const left = matching[rows.length];
  return left === undefined ? told : { ...told, left: new Map(told.left).set(id, left.at) };
}

/** The entry, seen by somebody as this row; `null`: it is another. */
function seenAs(entry: Entry, { partition, row, etag, values }: Row): Entry | null {
  if (entry.values === null || !isDeepStrictEqual(values, entry.values)) return null;
  if (compare(entry.at, { partition, row }) !== 0) return null;
  if (entry.etag !== null) return entry.etag === etag ? entry : null;
  return entry.past.includes(etag) ? null : { ...entry, etag };
}

function rewritten(entry: Entry, values: Values | null): Entry {
  if (entry.values === null && values === null) return entry;
  return { at: entry.at, values, etag: null, past: pastOf(entry) };
}

/** Each write has an etag that the row has not had before. */
function writtenAs(reference: Reference, entry: Entry, values: Values, etag: string): Reference | null {
  const past = pastOf(entry);
  return past.includes(etag) ? null : withEntry(reference, { at: entry.at, values, etag, past });
}

function pastOf({ etag, past }: Entry): readonly string[] {
  return etag === null ? past : [...past, etag];
}

function entryOf({ entries }: Reference, at: Place): Entry {
  return entries.get(keyOf(at)) ?? { at, values: null, etag: null, past: [] };
}

function withEntry(reference: Reference, entry: Entry): Reference {
  return { ...reference, entries: new Map(reference.entries).set(keyOf(entry.at), entry) };
}

function keyOf({ partition, row }: Place): string {
  return JSON.stringify([partition, row]);
}

function isIn(text: string, { from, to }: Bounds): boolean {
  return (from === undefined || text >= from) && (to === undefined || text < to);
}

function compare(left: Place, right: Place): number {
  if (left.partition !== right.partition) return left.partition < right.partition ? -1 : 1;
  if (left.row === right.row) return 0;
  return left.row < right.row ? -1 : 1;
}
