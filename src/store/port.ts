/**
 * Rows in tables, with conditional writes: all that the router asks of its store. One contract suite runs every implementation
 * (test/store/contract.ts). Keys and values are the caller's; what a table service cannot carry in a key, an adapter encodes.
 */

/** Every table there is; infra/ makes the same ones. */
export const TABLES = [
  'deployments',
  'assignments',
  'failures',
  'cursors',
  'quota',
  'usage',
  'keys',
  'affinity',
  'events',
] as const;
export type Table = (typeof TABLES)[number];

export interface RowKey {
  readonly table: Table;
  readonly partition: string;
  readonly row: string;
}

export type Value = string | number | boolean;
export type Values = Readonly<Record<string, Value>>;

export interface Row {
  readonly partition: string;
  readonly row: string;
  /** Changes with every write. */
  readonly etag: string;
  readonly values: Values;
}

/** What became of a conditional write. `conflict`: somebody else was there first; nothing was written. */
export type Written = { readonly kind: 'written'; readonly etag: string } | { readonly kind: 'conflict' };

/** What became of a batch. `conflict`: a row is not as one of the changes asks; nothing of the batch was written. */
export type Batched = Pick<Written, 'kind'>;

/** Rows by key, ascending; partitions from `from` (included) to `to` (left out). An absent bound does not bound. */
export interface Range {
  readonly table: Table;
  readonly partitions?: { readonly from?: string; readonly to?: string };
  /** Rows from `from` (included) to `to` (left out), within each partition. */
  readonly rows?: { readonly from?: string; readonly to?: string };
  /** Most rows of the answer. */
  readonly limit: number;
  /** Where the page before ended. */
  readonly after?: string | null;
}

export interface Page {
  readonly rows: readonly Row[];
  /** Where the next page begins; `null`: there is none. A page may be short of `limit`, or empty, and still not be the last. */
  readonly next: string | null;
}

/** One change in a batch, as the call of that name makes it. All are of one partition; they happen together or not at all. */
export type Change =
  | { readonly kind: 'put'; readonly row: string; readonly values: Values }
  | { readonly kind: 'insert'; readonly row: string; readonly values: Values }
  | { readonly kind: 'replace'; readonly row: string; readonly values: Values; readonly etag: string }
  | { readonly kind: 'remove'; readonly row: string };

/** Most changes in a batch. */
export const LARGEST_BATCH = 100;

/**
 * Each call ends by itself within `withinMs`, with a `StoreError` where the store gave no answer. A write that ended so may
 * still have happened: whoever cares reads the row again.
 */
export interface Store {
  readonly kind: 'memory' | 'tables';
  get(key: RowKey, withinMs: number): Promise<Row | null>;
  /** `conflict`: there is such a row already. */
  insert(key: RowKey, values: Values, withinMs: number): Promise<Written>;
  /** Puts `values` in the place of all the row held. `conflict`: the row is no longer the one of `etag`, or is gone. */
  replace(key: RowKey, values: Values, etag: string, withinMs: number): Promise<Written>;
  /** Whatever was there. */
  put(key: RowKey, values: Values, withinMs: number): Promise<void>;
  /** False: `etag` is given and the row is no longer that one. A row that is not there counts as removed. */
  remove(key: RowKey, etag: string | null, withinMs: number): Promise<boolean>;
  list(range: Range, withinMs: number): Promise<Page>;
  /** At most `LARGEST_BATCH` changes, each of another row. Removing what is not there is no failure. */
  batch(table: Table, partition: string, changes: readonly Change[], withinMs: number): Promise<Batched>;
  close(): Promise<void>;
}

/** `denied`: the store refused our credential. `throttled`: it asked us to slow down. */
export type StoreFailure = 'unreachable' | 'late' | 'throttled' | 'denied' | 'failed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}
