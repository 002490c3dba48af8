/**
 * What every store refuses before anything is sent, so that what passes on one passes on all of them. Code that asks for the
 * impossible gets a `TypeError`; data that has grown too large gets a `StoreError`, as it is nobody's programming fault.
 */
import { type Change, LARGEST_BATCH, type Range, StoreError, type Value, type Values } from './port.ts';

/** What tables can be asked for: letters, digits and single underscores. Two of them mark the pieces of a long text. */
const NAME = /^(?!.*__)[A-Za-z][A-Za-z0-9_]{0,199}$/;
/** The service's and its client library's own names, and those of Cosmos DB for Table. */
const RESERVED = new Set(['partitionkey', 'rowkey', 'timestamp', 'etag', 'id', 'rid', 'resourceid']);

/** The service's limits; the emulator has none of them. */
const LARGEST_ROW_BYTES = 1024 * 1024;
const MOST_PROPERTIES = 252;
const LARGEST_BATCH_BYTES = 4 * 1024 * 1024;
/** What a change costs in a batch beside its values: headers, address, keys. */
const CHANGE_BYTES = 2048;

/** Texts are split into pieces of this many UTF-16 units; a property holds 64 KiB, which is a little more. */
export const PIECE = 32_000;

/** The values as a store keeps them: `-0` is 0, and half a surrogate pair, which UTF-8 cannot carry, is U+FFFD. */
export function acceptValues(values: Values): Values {
  const accepted: Record<string, Value> = {};
  for (const [name, value] of Object.entries(values)) {
    if (!NAME.test(name) || RESERVED.has(name.toLowerCase())) throw new TypeError(`no value can be called '${name}'`);
    accepted[name] = acceptValue(name, value);
  }
  const bytes = rowBytes(accepted);
  if (bytes > LARGEST_ROW_BYTES) {
    throw new StoreError('failed', `a row of ${bytes} bytes is larger than the ${LARGEST_ROW_BYTES} of a table`);
  }
  const properties = Object.values(accepted).reduce<number>((sum, value) => sum + piecesOf(value), 0);
  if (properties > MOST_PROPERTIES) {
    throw new StoreError('failed', `a row of ${properties} properties has more than the ${MOST_PROPERTIES} of a table`);
  }
  return accepted;
}

export function acceptChanges(changes: readonly Change[]): readonly Change[] {
  if (changes.length > LARGEST_BATCH) {
    throw new TypeError(`a batch takes ${LARGEST_BATCH} changes, not ${changes.length}`);
  }
  if (new Set(changes.map(({ row }) => row)).size < changes.length) {
    throw new TypeError('a batch changes each row once');
  }
  const accepted = changes.map((change) =>
    change.kind === 'remove' ? change : { ...change, values: acceptValues(change.values) },
  );
  const bytes = accepted.reduce((sum, change) => sum + CHANGE_BYTES + sentBytes(change), 0);
  if (bytes > LARGEST_BATCH_BYTES) {
    throw new StoreError('failed', `a batch of ${bytes} bytes is larger than the ${LARGEST_BATCH_BYTES} of a table`);
  }
  return accepted;
}

export function acceptLimit({ limit }: Range): number {
  if (!Number.isInteger(limit) || limit < 1) throw new TypeError(`a page holds one row or more, not ${limit}`);
  return limit;
}

function acceptValue(name: string, value: Value): Value {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0;
  throw new TypeError(`'${name}' is neither text nor a finite number nor a truth value`);
}

/** As the service counts, and with the longest keys it takes. */
function rowBytes(values: Values): number {
  const ofKeys = 4 + 2 * 1024;
  return Object.entries(values).reduce((sum, [name, value]) => {
    const perPiece = 8 + 2 * (name.length + '__99'.length);
    return sum + piecesOf(value) * perPiece + (typeof value === 'string' ? 4 + 2 * value.length : 8);
  }, ofKeys);
}

/** At most so many: a piece is one shorter where a surrogate pair would be cut. */
function piecesOf(value: Value): number {
  return typeof value === 'string' ? Math.max(1, Math.ceil(value.length / (PIECE - 1))) : 1;
}

function sentBytes(change: Change): number {
  return change.kind === 'remove' ? 0 : Buffer.byteLength(JSON.stringify(change.values));
}
