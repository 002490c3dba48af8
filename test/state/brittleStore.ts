/** A store that fails, forgets its answers or lets the test decide when it answers. */
import { MemoryStore } from '../../src/store/memory.ts';
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
} from '../../src/store/port.ts';

export type Trouble =
  | 'none'
  /** Nobody is there. */
  | 'down'
  /** What is written is written, and the answer is lost on the way. */
  | 'answersLost';

export class BrittleStore implements Store {
  readonly kind = 'tables';
  readonly inner: Store;
  trouble: Trouble = 'none';
  calls = 0;
  writes = 0;
  /** Passed before each call, and before its answer. */
  gate: () => Promise<void> = () => Promise.resolve();

  constructor(inner: Store = new MemoryStore()) {
    this.inner = inner;
  }

  get(key: RowKey, withinMs: number): Promise<Row | null> {
    return this.#ask(() => this.inner.get(key, withinMs));
  }

  insert(key: RowKey, values: Values, withinMs: number): Promise<Written> {
    return this.#write(() => this.inner.insert(key, values, withinMs));
  }

  replace(key: RowKey, values: Values, etag: string, withinMs: number): Promise<Written> {
    return this.#write(() => this.inner.replace(key, values, etag, withinMs));
  }

  async put(key: RowKey, values: Values, withinMs: number): Promise<void> {
    await this.#ask(() => this.inner.put(key, values, withinMs));
  }

  remove(key: RowKey, etag: string | null, withinMs: number): Promise<boolean> {
    return this.#ask(() => this.inner.remove(key, etag, withinMs));
  }

  list(range: Range, withinMs: number): Promise<Page> {
    return this.#ask(() => this.inner.list(range, withinMs));
  }

  async batch(table: Table, partition: string, changes: readonly Change[], withinMs: number): Promise<Batched> {
    return await this.#ask(() => this.inner.batch(table, partition, changes, withinMs));
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  async #write(call: () => Promise<Written>): Promise<Written> {
    const written = await this.#ask(call);
    if (written.kind === 'written') this.writes++;
    if (this.trouble === 'answersLost') throw new StoreError('late', 'the answer was lost');
    return written;
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    this.calls++;
    if (this.trouble === 'down') throw new StoreError('unreachable', 'nobody is there');
    await this.gate();
    const answer = await call();
    await this.gate();
    return answer;
  }
}
