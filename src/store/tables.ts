/** The store in Azure Table Storage, in its emulator, or in Cosmos DB for Table (which gives rows in no order). */
import type { TableClient } from '@azure/data-tables';
import { isConditional, sendBatch, toKeyed } from './batch.ts';
import { ask, type CallOptions, inTable, openTable, type TablesConnection, unbroken, unless } from './client.ts';
import { fromEntity, toEntity, toEntityKey } from './entity.ts';
import { encodeBound } from './keys.ts';
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
  type Table,
  type Values,
  type Written,
} from './port.ts';

/** The service's own. */
const LARGEST_PAGE = 1000;

const CONFLICT: Written = { kind: 'conflict' };
const EMPTY: Page = { rows: [], next: null };

/** One call, before it is made. */
interface Question {
  readonly what: string;
  readonly table: Table;
  readonly withinMs: number;
}

export function createTablesStore({ connection }: { readonly connection: TablesConnection }): TablesStore {
  return new TablesStore(connection);
}

export class TablesStore implements Store {
  readonly kind = 'tables';
  readonly #connection: TablesConnection;
  readonly #clients = new Map<Table, TableClient>();

  constructor(connection: TablesConnection) {
    this.#connection = connection;
  }

  async get({ table, partition, row }: RowKey, withinMs: number): Promise<Row | null> {
    const { partitionKey, rowKey } = toEntityKey(partition, row);
    return await this.#ask({ what: 'get', table, withinMs }, (client, options) =>
      unless([404], null, async () =>
        fromEntity(await unbroken(() => client.getEntity(partitionKey, rowKey, options))),
      ),
    );
  }

  async insert({ table, partition, row }: RowKey, values: Values, withinMs: number): Promise<Written> {
    const entity = toEntity(toEntityKey(partition, row), acceptValues(values));
    return await this.#ask({ what: 'insert', table, withinMs }, (client, options) =>
      unless([409], CONFLICT, () =>
        inTable(client, options, async () => written(await client.createEntity(entity, options))),
      ),
    );
  }

  async replace({ table, partition, row }: RowKey, values: Values, etag: string, withinMs: number): Promise<Written> {
    const entity = toEntity(toEntityKey(partition, row), acceptValues(values));
    // Where there is no table, the row is as gone as can be.
    return await this.#ask({ what: 'replace', table, withinMs }, (client, options) =>
      unless([404, 412], CONFLICT, async () =>
        written(await client.updateEntity(entity, 'Replace', { ...options, etag })),
      ),
    );
  }

  async put({ table, partition, row }: RowKey, values: Values, withinMs: number): Promise<void> {
    const entity = toEntity(toEntityKey(partition, row), acceptValues(values));
    await this.#ask({ what: 'put', table, withinMs }, (client, options) =>
      inTable(client, options, () => unbroken(() => client.upsertEntity(entity, 'Replace', options))),
    );
  }

  async remove({ table, partition, row }: RowKey, etag: string | null, withinMs: number): Promise<boolean> {
    const { partitionKey, rowKey } = toEntityKey(partition, row);
    const condition = etag === null ? {} : { etag };
    return await this.#ask({ what: 'remove', table, withinMs }, (client, options) =>
      unless([412], false, () =>
        unless([404], true, async () => {
          await client.deleteEntity(partitionKey, rowKey, { ...options, ...condition });
          return true;
        }),
      ),
    );
  }

  async list(range: Range, withinMs: number): Promise<Page> {
    const filter = toFilter(range);
    const maxPageSize = Math.min(acceptLimit(range), LARGEST_PAGE);
    const start = typeof range.after === 'string' ? { continuationToken: range.after } : {};
    return await this.#ask({ what: 'list', table: range.table, withinMs }, (client, options) =>
      unless([404], EMPTY, async () => {
        const query = filter === '' ? options : { ...options, queryOptions: { filter } };
        const pages = () => client.listEntities(query).byPage({ maxPageSize, ...start });
        const first = await unbroken(() => pages().next());
        if (first.done === true) return EMPTY;
        return { rows: first.value.map(fromEntity), next: first.value.continuationToken ?? null };
      }),
    );
  }

  async batch(table: Table, partition: string, changes: readonly Change[], withinMs: number): Promise<Batched> {
    const keyed = toKeyed(partition, acceptChanges(changes));
    return await this.#ask({ what: 'batch', table, withinMs }, (client, options) => {
      const send = () => sendBatch(client, options, keyed);
      return changes.some(isConditional) ? send() : unbroken(send);
    });
  }

  close(): Promise<void> {
    // Connections that nobody uses keep no process alive, and end by themselves.
    return Promise.resolve();
  }

  #ask<T>(question: Question, call: (client: TableClient, options: CallOptions) => Promise<T>): Promise<T> {
    const client = this.#clientFor(question.table);
    return ask({ ...question, host: new URL(client.url).host }, (options) => call(client, options));
  }

  #clientFor(table: Table): TableClient {
    let client = this.#clients.get(table);
    if (client === undefined) {
      client = openTable(this.#connection, table);
      this.#clients.set(table, client);
    }
    return client;
  }
}

function written({ etag }: { readonly etag?: string }): Written {
  if (etag === undefined) throw new StoreError('failed', 'the table store named no etag');
  return { kind: 'written', etag };
}

/** Encoded keys hold no quotes, so they stand between quotes as they are. */
function toFilter({ partitions, rows }: Range): string {
  const { from, to } = partitions ?? {};
  // A single partition is asked for as such: the service then looks in one place alone.
  const isOne = from !== undefined && to === `${from}\u0000`;
  const partitionBounds = isOne ? [`PartitionKey eq '${encodeBound(from)}'`] : toBounds('PartitionKey', from, to);
  return [...partitionBounds, ...toBounds('RowKey', rows?.from, rows?.to)].join(' and ');
}

function toBounds(property: string, from: string | undefined, to: string | undefined): string[] {
  const lower = from === undefined ? [] : [`${property} ge '${encodeBound(from)}'`];
  return to === undefined ? lower : [...lower, `${property} lt '${encodeBound(to)}'`];
}
