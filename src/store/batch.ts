import type { TableClient, TransactionAction } from '@azure/data-tables';
import { type CallOptions, createTable, unless } from './client.ts';
import { type EntityKey, toEntity, toEntityKey } from './entity.ts';
import { statusOf } from './failure.ts';
import type { Batched, Change } from './port.ts';

/** One change, with the row's key as the service knows it. */
export interface KeyedChange {
  readonly change: Change;
  readonly key: EntityKey;
}

const WRITTEN: Batched = { kind: 'written' };
const CONFLICT: Batched = { kind: 'conflict' };

/** So often at most a batch is sent: others may remove rows as fast as we look which are still there. */
const MOST_SENDINGS = 5;

/** Whether it asks that the row be as somebody knows it: made twice, it would meet itself. */
export function isConditional({ kind }: Change): boolean {
  return kind === 'insert' || kind === 'replace';
}

export function toKeyed(partition: string, changes: readonly Change[]): KeyedChange[] {
  return changes.map((change) => ({ change, key: toEntityKey(partition, change.row) }));
}

/**
 * One transaction. The service refuses all of it where a row to be removed or replaced is not there (404), and says which one in its
 * text alone: so the rows are then looked for, and the batch is sent anew without removals of what is gone. Few batches ever need it.
 */
export async function sendBatch(
  client: TableClient,
  options: CallOptions,
  changes: readonly KeyedChange[],
): Promise<Batched> {
  let left: readonly KeyedChange[] | null = changes;
  for (let sending = 1; left !== null && left.length > 0; sending++) {
    try {
      const actions = left.map(toAction);
      return await unless(refusals(left), CONFLICT, async () => {
        await client.submitTransaction(actions, options);
        return WRITTEN;
      });
    } catch (error) {
      if (statusOf(error) !== 404 || sending === MOST_SENDINGS) throw error;
      left = await stillNeeded(client, options, left);
    }
  }
  return left === null ? CONFLICT : WRITTEN;
}

/** What answers a condition that is not met; without one it is an error like any other. */
function refusals(changes: readonly KeyedChange[]): readonly number[] {
  return changes.some(({ change }) => isConditional(change)) ? [409, 412] : [];
}

/** `null`: a row is gone that is to be replaced. */
async function stillNeeded(
  client: TableClient,
  options: CallOptions,
  changes: readonly KeyedChange[],
): Promise<readonly KeyedChange[] | null> {
  if (!changes.some(needsRow)) {
    // What is missing is the table.
    await createTable(client, options);
    return changes;
  }
  const isThere = await Promise.all(
    changes.map(async (keyed) => !needsRow(keyed) || (await hasRow(client, options, keyed))),
  );
  if (changes.some(({ change }, index) => change.kind === 'replace' && !isThere[index])) return null;
  return changes.filter((_, index) => isThere[index]);
}

function needsRow({ change: { kind } }: KeyedChange): boolean {
  return kind === 'remove' || kind === 'replace';
}

async function hasRow(client: TableClient, options: CallOptions, { key }: KeyedChange): Promise<boolean> {
  const query = { ...options, queryOptions: { select: ['rowKey'] } };
  return await unless([404], false, async () => {
    await client.getEntity(key.partitionKey, key.rowKey, query);
    return true;
  });
}

function toAction({ change, key }: KeyedChange): TransactionAction {
  switch (change.kind) {
    case 'put':
      return ['upsert', toEntity(key, change.values), 'Replace'];
    case 'insert':
      return ['create', toEntity(key, change.values)];
    case 'replace':
      return ['update', toEntity(key, change.values), 'Replace', { etag: change.etag }];
    case 'remove':
      return ['delete', { ...key }];
    default:
      return change satisfies never;
  }
}
