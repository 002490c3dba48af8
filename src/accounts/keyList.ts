import { type Row, type Store, StoreError } from '../store/port.ts';
import { BEHIND_DIGESTS, fromRow, KEYS, type Key } from './keyRow.ts';

const PAGE = 1_000;
const LONGEST_PAGE_MS = 5_000;

/** All rows of keys there are. */
export interface KeyList {
  readonly keys: readonly Key[];
  /** Rows that cannot be read. */
  readonly unreadable: number;
}

/** `null`: the store is too busy for it. */
export async function listKeys(store: Store): Promise<KeyList | null> {
  try {
    const rows = await allRows(store);
    const keys = rows.map(fromRow).filter((key) => key !== null);
    return { keys, unreadable: rows.length - keys.length };
  } catch (error) {
    if (error instanceof StoreError && error.failure === 'throttled') return null;
    throw error;
  }
}

async function allRows(store: Store): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const partitions = { from: KEYS, to: `${KEYS}\u0000` };
  const range = { table: 'keys', partitions, rows: { to: BEHIND_DIGESTS }, limit: PAGE } as const;
  let after: string | null = null;
  do {
    const page = await store.list({ ...range, after }, LONGEST_PAGE_MS);
    rows.push(...page.rows);
    after = page.next;
  } while (after !== null);
  return rows;
}
