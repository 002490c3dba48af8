/**
 * Keys as a table service can carry them: any text goes in and comes back unchanged, and encoded keys sort as the texts do
 * (by UTF-16 code units, like `<`), so that ranges mean the same in every store.
 *
 * Letters, digits and `+ , - . : @ _` stay. `/` becomes `.~`; `~` is used for nothing else and sorts above whatever may follow
 * a dot, which is where `/` belongs. Any other character becomes four hexadecimal digits behind a sign that sorts where the
 * character does: `!` below the `+`, `;` below the `@`, `[` below the `_`, a backtick below the `a`, `|` above the `z`.
 * The empty text is `!`. None of these is a quote, so that encoded keys stand in OData filters as they are.
 */
import { StoreError } from './port.ts';

/** The service takes 1 KiB per key, in UTF-16. Cosmos DB for Table takes row keys of 255 bytes only. */
const LONGEST_KEY = 512;

const NEEDS_ENCODING = /[^+,\-.0-9:@A-Z_a-z]/g;
const ENCODED = /\.~|[!;[`|]([0-9a-f]{4})/g;

/** For bounds of ranges, which need not be keys themselves. */
export function encodeBound(text: string): string {
  return text === '' ? '!' : text.replace(NEEDS_ENCODING, encodeUnit);
}

export function encodeKey(text: string): string {
  const key = encodeBound(text);
  if (key.length > LONGEST_KEY) {
    throw new StoreError(
      'failed',
      `a key of ${key.length} characters, encoded, is longer than the ${LONGEST_KEY} of a table`,
    );
  }
  return key;
}

export function decodeKey(key: string): string {
  if (key === '!') return '';
  return key.replace(ENCODED, (_, hex: string | undefined) =>
    hex === undefined ? '/' : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function encodeUnit(unit: string): string {
  if (unit === '/') return '.~';
  return `${signFor(unit)}${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function signFor(unit: string): string {
  if (unit < '+') return '!';
  if (unit < '@') return ';';
  if (unit < '_') return '[';
  return unit < 'a' ? '`' : '|';
}
