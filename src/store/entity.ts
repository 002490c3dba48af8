/** Rows as the client library's entities, and back. */
import type { Edm, TableEntity } from '@azure/data-tables';
import { decodeKey, encodeKey } from './keys.ts';
import { PIECE } from './limits.ts';
import type { Row, Value, Values } from './port.ts';

export interface EntityKey {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** A long text lies in `name`, `name__1`, `name__2`, … */
const LATER_PIECE = /__\d+$/;

const INT32 = 2 ** 31;

export function toEntityKey(partition: string, row: string): EntityKey {
  return { partitionKey: encodeKey(partition), rowKey: encodeKey(row) };
}

export function toEntity(key: EntityKey, values: Values): TableEntity {
  const entity: TableEntity = { ...key };
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string') {
      for (const [index, piece] of toPieces(value).entries()) entity[index === 0 ? name : `${name}__${index}`] = piece;
    } else {
      entity[name] = typeof value === 'number' ? toEdm(value) : value;
    }
  }
  return entity;
}

export function fromEntity(entity: Readonly<Record<string, unknown>>): Row {
  const { partitionKey, rowKey, etag, timestamp: _, ...properties } = entity;
  const values: Record<string, Value> = {};
  for (const [name, property] of Object.entries(properties)) {
    // `odata.metadata` comes along where a single row was asked for.
    if (name.startsWith('odata.') || LATER_PIECE.test(name)) continue;
    const value = fromProperty(property);
    if (value !== null) values[name] = typeof value === 'string' ? value + laterPieces(name, properties) : value;
  }
  return { partition: decodeKey(String(partitionKey)), row: decodeKey(String(rowKey)), etag: String(etag), values };
}

function toPieces(text: string): string[] {
  const pieces: string[] = [];
  let at = 0;
  do {
    let end = at + PIECE;
    // Half a surrogate pair would not survive the way there.
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    pieces.push(text.slice(at, end));
    at = end;
  } while (at < text.length);
  return pieces;
}

function laterPieces(name: string, properties: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (let index = 1; ; index++) {
    const piece = properties[`${name}__${index}`];
    if (typeof piece !== 'string') return text;
    text += piece;
  }
}

/** Without a type the service takes whole numbers for Int32, and the library does not tell the others apart either. */
function toEdm(value: number): number | Edm<'Int64' | 'Double'> {
  if (!Number.isSafeInteger(value)) return { type: 'Double', value };
  return value >= -INT32 && value < INT32 ? value : { type: 'Int64', value: String(value) };
}

/** `null`: of a kind that this router does not write, so somebody else did. */
function fromProperty(property: unknown): Value | null {
  if (typeof property === 'bigint') return Number(property);
  return typeof property === 'string' || typeof property === 'number' || typeof property === 'boolean'
    ? property
    : null;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
