import type { Batched, Change, Page, Range, Row, RowKey, Store, Table, Values, Written } from '../store/port.ts';

export const OPERATIONS = ['get', 'insert', 'replace', 'put', 'remove', 'list', 'batch'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** One call of the store, as it is asked. */
export interface Asked {
  readonly operation: Operation;
  readonly table: Table;
  /** Of a list the one that it begins in. */
  readonly partition: string;
  /** Rows that it touches; of a list nobody knows yet. */
  readonly entities: number;
  /** Rows that are to be there afterwards. */
  readonly puts: readonly { readonly row: string; readonly values: Values }[];
  readonly withinMs: number;
}

/** What came of it. */
export interface Came {
  readonly isConflict: boolean;
  /** Rows that were brought back. */
  readonly rows: readonly Row[];
}

const DONE: Came = { isConflict: false, rows: [] };

/** A store above another one, for all of whose calls the same is to be done. */
export abstract class StoreLayer implements Store {
  readonly kind: Store['kind'];
  readonly #beneath: Store;

  constructor(beneath: Store) {
    this.kind = beneath.kind;
    this.#beneath = beneath;
  }

  protected abstract around<T>(asked: Asked, perform: () => Promise<T>, came: (answer: T) => Came): Promise<T>;

  get(key: RowKey, withinMs: number): Promise<Row | null> {
    const asked = askedFor('get', key, { withinMs });
    const came = (row: Row | null) => (row === null ? DONE : { isConflict: false, rows: [row] });
    return this.around(asked, () => this.#beneath.get(key, withinMs), came);
  }

  insert(key: RowKey, values: Values, withinMs: number): Promise<Written> {
    const asked = askedFor('insert', key, { withinMs, values });
    return this.around(asked, () => this.#beneath.insert(key, values, withinMs), written);
  }

  replace(key: RowKey, values: Values, etag: string, withinMs: number): Promise<Written> {
    const asked = askedFor('replace', key, { withinMs, values });
    return this.around(asked, () => this.#beneath.replace(key, values, etag, withinMs), written);
  }

  put(key: RowKey, values: Values, withinMs: number): Promise<void> {
    const asked = askedFor('put', key, { withinMs, values });
    return this.around(
      asked,
      () => this.#beneath.put(key, values, withinMs),
      () => DONE,
    );
  }

  remove(key: RowKey, etag: string | null, withinMs: number): Promise<boolean> {
    const came = (removed: boolean) => ({ isConflict: !removed, rows: [] });
    return this.around(askedFor('remove', key, { withinMs }), () => this.#beneath.remove(key, etag, withinMs), came);
  }

  list(range: Range, withinMs: number): Promise<Page> {
    const key = { table: range.table, partition: range.partitions?.from ?? '', row: '' };
    const came = ({ rows }: Page) => ({ isConflict: false, rows });
    return this.around(askedFor('list', key, { withinMs }), () => this.#beneath.list(range, withinMs), came);
  }

  batch(table: Table, partition: string, changes: readonly Change[], withinMs: number): Promise<Batched> {
    const puts = changes.filter((change) => change.kind !== 'remove');
    const entities = Math.max(1, changes.length);
    const asked: Asked = { operation: 'batch', table, partition, entities, puts, withinMs };
    return this.around(asked, () => this.#beneath.batch(table, partition, changes, withinMs), written);
  }

  close(): Promise<void> {
    return this.#beneath.close();
  }
}

interface Details {
  readonly withinMs: number;
  readonly values?: Values;
}

function askedFor(operation: Operation, { table, partition, row }: RowKey, { withinMs, values }: Details): Asked {
  const puts = values === undefined ? [] : [{ row, values }];
  return { operation, table, partition, entities: 1, puts, withinMs };
}

function written({ kind }: Pick<Written, 'kind'>): Came {
  return { isConflict: kind === 'conflict', rows: [] };
}
