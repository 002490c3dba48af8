import {
  type Batched,
  type Change,
  type Page,
  type Range,
  type Row,
  type RowKey,
  type Store,
  StoreError,
  type Table,
  type Values,
  type Written,
} from './port.ts';

/** A store that is opened when the first answers are out: its library is heavy, and nobody is to wait for it. */
export class LazyStore implements Store {
  readonly #expected: Store['kind'];
  readonly #opening: () => Promise<Store>;
  #store: Store | null = null;

  constructor(kind: Store['kind'], opening: () => Promise<Store>) {
    this.#expected = kind;
    this.#opening = opening;
  }

  get kind(): Store['kind'] {
    return this.#store?.kind ?? this.#expected;
  }

  async open(): Promise<void> {
    this.#store ??= await this.#opening();
  }

  async get(key: RowKey, withinMs: number): Promise<Row | null> {
    return await this.#opened().get(key, withinMs);
  }

  async insert(key: RowKey, values: Values, withinMs: number): Promise<Written> {
    return await this.#opened().insert(key, values, withinMs);
  }

  async replace(key: RowKey, values: Values, etag: string, withinMs: number): Promise<Written> {
    return await this.#opened().replace(key, values, etag, withinMs);
  }

  async put(key: RowKey, values: Values, withinMs: number): Promise<void> {
    await this.#opened().put(key, values, withinMs);
  }

  async remove(key: RowKey, etag: string | null, withinMs: number): Promise<boolean> {
    return await this.#opened().remove(key, etag, withinMs);
  }

  async list(range: Range, withinMs: number): Promise<Page> {
    return await this.#opened().list(range, withinMs);
  }

  async batch(table: Table, partition: string, changes: readonly Change[], withinMs: number): Promise<Batched> {
    return await this.#opened().batch(table, partition, changes, withinMs);
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }

  #opened(): Store {
    if (this.#store === null) throw new StoreError('unreachable', 'the store is not open yet');
    return this.#store;
  }
}
