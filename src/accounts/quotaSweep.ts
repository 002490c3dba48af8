import { SCHEMA } from '../state/cell.ts';
import type { Row, Store } from '../store/port.ts';
import { decodeSheet, encodeSheet, upToDate } from './quotaSheet.ts';

export interface SweepQuotasFacts {
  readonly store: Store;
  readonly now: number;
}

const PAGE = 1_000;
const LONGEST_CALL_MS = 5_000;
/** What is left over is swept by the next run. */
const MOST_PAGES = 50;
const KEPT_MS = 62 * 86_400_000;

/**
 * What the timer does: windows that are over and instances that are gone are cleared away, and rows that nobody has used for two
 * months. Each step is conditional on the row being as it was read, so that two runs at once, or one amid traffic, do no harm:
 * whoever was there first knew as much. Throws a `StoreError` where the store does not answer. The answer: rows changed.
 */
export async function sweepQuotas({ store, now }: SweepQuotasFacts): Promise<number> {
  let swept = 0;
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const found = await store.list({ table: 'quota', limit: PAGE, after }, LONGEST_CALL_MS);
    for (const row of found.rows) if (await sweepRow(store, row, now)) swept++;
    after = found.next;
    if (after === null) break;
  }
  return swept;
}

async function sweepRow(store: Store, { partition, row, etag, values }: Row, now: number): Promise<boolean> {
  const { schema, content } = values;
  // A newer version's row is swept by that version.
  if (typeof schema !== 'number' || schema > SCHEMA || typeof content !== 'string') return false;
  const sheet = decodeSheet(content);
  if (sheet === null) return false;
  const key = { table: 'quota', partition, row } as const;
  const tidy = upToDate(sheet, now);
  const isForgotten = tidy.windows.size === 0 && tidy.until.size === 0 && sheet.latest < now - KEPT_MS;
  if (isForgotten) return await store.remove(key, etag, LONGEST_CALL_MS);
  if (tidy === sheet) return false;
  const written = await store.replace(key, { ...values, content: encodeSheet(tidy) }, etag, LONGEST_CALL_MS);
  return written.kind === 'written';
}
