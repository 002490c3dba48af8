/**
 * The row `version`: read by every instance in each refresh period, and written with every change of a key, in the same batch, for
 * which it has to be of the same partition: a change that nobody is told of would be a revoked key that lives on. It tells the last
 * changes themselves, so that whoever knew one of the last few versions has nothing else to read.
 */
import type { Row, Values } from '../store/port.ts';
import { fromRow, type Key, toValues } from './keyRow.ts';

export const VERSION_ROW = 'version';

/** The form with a log. Nobody finds the version that is known to him in a row of any other form: he lists the keys. */
const SCHEMA = 2;

/** Everybody reads the row all the time, so it stays small: who was away for longer lists. */
const MOST_ENTRIES = 8;
const MOST_CHARACTERS = 8_000;
const LONGEST_KEPT_MS = 5 * 60_000;

export type KeyChange =
  | { readonly kind: 'made'; readonly key: Key }
  | { readonly kind: 'revoked'; readonly digests: readonly string[] };

/** One change, with the version that it led to. */
export interface Entry {
  readonly version: string;
  readonly at: number;
  readonly change: KeyChange;
}

/** The last changes in their order. */
export interface KeyLog {
  /** The version before the first of them; `null`: of nobody knows what. */
  readonly since: string | null;
  readonly entries: readonly Entry[];
}

/** The version row as it was read. */
export interface VersionRow {
  /** `null`: there is no row. */
  readonly etag: string | null;
  /** `null`: none that can be read. */
  readonly log: KeyLog | null;
}

export function toVersionRow(row: Row | null): VersionRow {
  return { etag: row?.etag ?? null, log: row === null ? null : logIn(row.values) };
}

export function versionOf({ log }: VersionRow): string | null {
  return log === null ? null : (log.entries.at(-1)?.version ?? log.since);
}

/** What has changed since `version`; `null`: the row does not tell. */
export function changesSince(version: string | null, { log }: VersionRow): readonly KeyChange[] | null {
  if (version === null || log === null) return null;
  const known = [log.since, ...log.entries.map((entry) => entry.version)].indexOf(version);
  return known === -1 ? null : log.entries.slice(known).map(({ change }) => change);
}

/** The log with one more entry, without those at its beginning that are too old or too many; it may be too large even by itself. */
export function withEntry(log: KeyLog | null, entry: Entry): KeyLog {
  const all = [...(log?.entries ?? []), entry];
  const isKept = (from: number): boolean => isSmall(all.slice(from)) && isRecent(all[from], entry.at);
  let from = 0;
  while (from < all.length && !isKept(from)) from++;
  return { since: all[from - 1]?.version ?? log?.since ?? null, entries: all.slice(from) };
}

/** `id`: the key that was changed, for people. */
export function versionValues(id: string, at: number, log: KeyLog): Values {
  const instant = new Date(at).toISOString();
  return { schema: SCHEMA, changed: id, at: instant, since: log.since ?? '', log: toText(log.entries) };
}

function isSmall(entries: readonly Entry[]): boolean {
  return entries.length <= MOST_ENTRIES && toText(entries).length <= MOST_CHARACTERS;
}

function isRecent(entry: Entry | undefined, now: number): boolean {
  return entry !== undefined && now - entry.at <= LONGEST_KEPT_MS;
}

function toText(entries: readonly Entry[]): string {
  return JSON.stringify(
    entries.map(({ version, at, change }) => ({ version, at: new Date(at).toISOString(), ...toJson(change) })),
  );
}

function toJson(change: KeyChange): object {
  return change.kind === 'made'
    ? { made: change.key.digest, values: toValues(change.key) }
    : { revoked: change.digests };
}

/** All of it or nothing: a change that was left out would be a revoked key that lives on. */
function logIn({ schema, since, log }: Values): KeyLog | null {
  if (schema !== SCHEMA || typeof since !== 'string' || typeof log !== 'string') return null;
  const entries = listIn(log)?.map(entryIn);
  if (entries === undefined || !entries.every((entry) => entry !== null)) return null;
  return { since: since === '' ? null : since, entries };
}

function listIn(text: string): readonly unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

function entryIn(json: unknown): Entry | null {
  if (!isRecord(json) || typeof json['version'] !== 'string' || typeof json['at'] !== 'string') return null;
  const at = Date.parse(json['at']);
  const change = changeIn(json);
  return change === null || Number.isNaN(at) || json['version'] === ''
    ? null
    : { version: json['version'], at, change };
}

function changeIn({ made, values, revoked }: Readonly<Record<string, unknown>>): KeyChange | null {
  if (Array.isArray(revoked) && revoked.every((digest) => typeof digest === 'string')) {
    return { kind: 'revoked', digests: revoked };
  }
  if (typeof made !== 'string' || !isRecord(values)) return null;
  const key = fromRow({ row: made, values: values as Values });
  return key === null ? null : { kind: 'made', key };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
