import { encodeKey } from './keys.ts';
import { acceptChanges, acceptLimit, acceptValues } from './limits.ts';
import {
  type Batched,
  type Change,
  type Page,
  type Range,
  type Row,
  type RowKey,
  type Store,
  StoreError,
  TABLES,
  type Table,
  type Values,
  type Written,
} from './port.ts';

/** Small, so that callers who forget the next page are found out. */
const LARGEST_PAGE = 100;

type Key = Pick<Row, 'partition' | 'row'>;

/** Rows of this process alone, with the semantics of the shared store: for one instance, and for tests. */
export class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly #tables = new Map<Table, Row[]>(TABLES.map((table) => [table, []]));
  #writes = 0;

  async get(key: RowKey): Promise<Row | null> {
    return this.#find(key).found;
  }

  async insert(key: RowKey, values: Values): Promise<Written> {
    const accepted = acceptValues(values);
    return this.#find(key).found === null ? this.#write(key, accepted) : { kind: 'conflict' };
  }

  async replace(key: RowKey, values: Values, etag: string): Promise<Written> {
    const accepted = acceptValues(values);
    return this.#find(key).found?.etag === etag ? this.#write(key, accepted) : { kind: 'conflict' };
  }

  async put(key: RowKey, values: Values): Promise<void> {
    this.#write(key, acceptValues(values));
  }

  async remove(key: RowKey, etag: string | null): Promise<boolean> {
    const { found } = this.#find(key);
    if (found !== null && etag !== null && found.etag !== etag) return false;
    this.#delete(key);
    return true;
  }

  async list(range: Range): Promise<Page> {
    const most = Math.min(acceptLimit(range), LARGEST_PAGE);
    const rows = this.#rowsOf(range.table);
    const { from = '', to } = range.partitions ?? {};
    const found: Row[] = [];
    for (let at = indexOf(rows, beginning(range.after ?? null, from)); at < rows.length; at++) {
      const row = rows[at];
      if (row === undefined || (to !== undefined && row.partition >= to)) break;
      if (!isWithin(row.row, range.rows)) continue;
      if (found.length === most) return { rows: found, next: toToken(row) };
      found.push(row);
    }
    return { rows: found, next: null };
  }

  async batch(table: Table, partition: string, changes: readonly Change[]): Promise<Batched> {
    const accepted = acceptChanges(changes);
    // All keys are looked at before any row is written.
    const found = accepted.map(({ row }) => this.#find({ table, partition, row }).found);
    if (!accepted.every((change, index) => isMet(change, found[index] ?? null))) return { kind: 'conflict' };
    for (const change of accepted) {
      const key = { table, partition, row: change.row };
      if (change.kind === 'remove') this.#delete(key);
      else this.#write(key, change.values);
    }
    return { kind: 'written' };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #write(key: RowKey, values: Values): Written {
    const { rows, index, found } = this.#find(key);
    const etag = `W/"${++this.#writes}"`;
    const row = { partition: key.partition, row: key.row, etag, values: Object.freeze({ ...values }) };
    rows.splice(index, found === null ? 0 : 1, Object.freeze(row));
    return { kind: 'written', etag };
  }

  #delete(key: RowKey): void {
    const { rows, index, found } = this.#find(key);
    if (found !== null) rows.splice(index, 1);
  }

  #find(key: RowKey): { readonly rows: Row[]; readonly index: number; readonly found: Row | null } {
    // Keys that a table could not hold are refused here as well.
    encodeKey(key.partition);
    encodeKey(key.row);
    const rows = this.#rowsOf(key.table);
    const index = indexOf(rows, key);
    const there = rows[index];
    return { rows, index, found: there !== undefined && compare(there, key) === 0 ? there : null };
  }

  #rowsOf(table: Table): Row[] {
    return this.#tables.get(table) ?? [];
  }
}

/** Whether the row is as the change asks for. */
function isMet(change: Change, found: Row | null): boolean {
  if (change.kind === 'insert') return found === null;
  return change.kind !== 'replace' || found?.etag === change.etag;
}

/** The place of the first row at or behind the key; rows are in order. */
function indexOf(rows: readonly Row[], key: Key): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const row = rows[middle];
    if (row !== undefined && compare(row, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(left: Key, right: Key): number {
  if (left.partition !== right.partition) return left.partition < right.partition ? -1 : 1;
  if (left.row === right.row) return 0;
  return left.row < right.row ? -1 : 1;
}

function isWithin(row: string, bounds: Range['rows']): boolean {
  const { from, to } = bounds ?? {};
  return (from === undefined || row >= from) && (to === undefined || row < to);
}

function beginning(after: string | null, from: string): Key {
  const start = after === null ? null : fromToken(after);
  return start !== null && start.partition >= from ? start : { partition: from, row: '' };
}

function toToken({ partition, row }: Key): string {
  return Buffer.from(JSON.stringify([partition, row])).toString('base64url');
}

function fromToken(token: string): Key {
  try {
    const [partition, row] = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown[];
    if (typeof partition === 'string' && typeof row === 'string') return { partition, row };
  } catch {
    // Told below, as for any other token that is none.
  }
  throw new StoreError('failed', 'the page asked for is not one that this store named');
}
