import type { TableClient, TransactionAction } from '@azure/data-tables';
import { type CallOptions, createTable, unless } from './client.ts';
import { type EntityKey, toEntity, toEntityKey } from './entity.ts';
import { statusOf } from './failure.ts';
import type { Change } from './port.ts';

/** One change, with the row's key as the service knows it. */
export interface KeyedChange {
  readonly change: Change;
  readonly key: EntityKey;
}

/** So often at most a batch is sent: others may remove rows as fast as we look which are still there. */
const MOST_SENDINGS = 5;

export function toKeyed(partition: string, changes: readonly Change[]): KeyedChange[] {
  return changes.map((change) => ({ change, key: toEntityKey(partition, change.row) }));
}

/**
 * One transaction. The service refuses all of it where a row to be removed is not there (404), and says which one in its text
 * alone: so the rows are then looked for, and the batch is sent anew without those that are gone. Few batches ever need it.
 */
export async function sendBatch(
  client: TableClient,
  options: CallOptions,
  changes: readonly KeyedChange[],
): Promise<void> {
  let left = changes;
  for (let sending = 1; left.length > 0; sending++) {
    try {
      await client.submitTransaction(left.map(toAction), options);
      return;
    } catch (error) {
      if (statusOf(error) !== 404 || sending === MOST_SENDINGS) throw error;
      left = await stillNeeded(client, options, left);
    }
  }
}

async function stillNeeded(
  client: TableClient,
  options: CallOptions,
  changes: readonly KeyedChange[],
): Promise<readonly KeyedChange[]> {
  if (changes.every(({ change }) => change.kind === 'put')) {
    // Where nothing is to be removed, what is missing is the table.
    await createTable(client, options);
    return changes;
  }
  const isNeeded = await Promise.all(changes.map((keyed) => hasEffect(client, options, keyed)));
  return changes.filter((_, index) => isNeeded[index]);
}

async function hasEffect(client: TableClient, options: CallOptions, { change, key }: KeyedChange): Promise<boolean> {
  if (change.kind === 'put') return true;
  const query = { ...options, queryOptions: { select: ['rowKey'] } };
  return await unless([404], false, async () => {
    await client.getEntity(key.partitionKey, key.rowKey, query);
    return true;
  });
}

function toAction({ change, key }: KeyedChange): TransactionAction {
  return change.kind === 'put' ? ['upsert', toEntity(key, change.values), 'Replace'] : ['delete', { ...key }];
}
