/**
 * Makes a text that a regular expression matches: literals, classes, escapes, groups, alternatives and quantifiers. Look-around
 * and back-references are beyond it; such a pattern gets a text without them.
 */
import type { Draw } from '../domain/clock.ts';
import { wholeBetween } from './seeded.ts';

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const WORD = `${LOWER}${UPPER}${DIGITS}_`;
const PRINTABLE = ` !#$%&'()*+,-./${DIGITS}:;<=>?@${UPPER}[]^_${LOWER}{|}~`;

interface Reader {
  readonly source: string;
  at: number;
  readonly draw: Draw;
  /** How often an open-ended repeat goes round beyond its minimum. */
  readonly generosity: number;
}

export function textFor(pattern: string, draw: Draw, generosity = 2): string {
  return readAlternatives({ source: pattern, at: 0, draw, generosity });
}

/** Every alternative is read, one is kept: the reader must get past all of them. */
function readAlternatives(reader: Reader): string {
  const alternatives = [readSequence(reader)];
  while (reader.source[reader.at] === '|') {
    reader.at += 1;
    alternatives.push(readSequence(reader));
  }
  return alternatives[wholeBetween(reader.draw, 0, alternatives.length - 1)] ?? '';
}

function readSequence(reader: Reader): string {
  let text = '';
  while (reader.at < reader.source.length && !'|)'.includes(reader.source[reader.at] ?? ''))
    text += readRepeated(reader);
  return text;
}

function readRepeated(reader: Reader): string {
  const from = reader.at;
  let text = readAtom(reader);
  const times = readQuantifier(reader);
  if (times === null) return text;
  const after = reader.at;
  text = '';
  for (let i = 0; i < times; i++) {
    reader.at = from;
    text += readAtom(reader);
  }
  reader.at = after;
  return text;
}

function readQuantifier(reader: Reader): number | null {
  const found = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(reader.source.slice(reader.at));
  if (!found) return null;
  reader.at += found[0].length;
  const [, sign, low, comma, high] = found;
  const fewest = sign === '+' ? 1 : sign === undefined ? Number(low) : 0;
  const exactly = sign === undefined && comma === '';
  const most = sign === '?' ? 1 : exactly ? fewest : high ? Number(high) : fewest + reader.generosity;
  return wholeBetween(reader.draw, fewest, Math.min(most, fewest + reader.generosity));
}

function readAtom(reader: Reader): string {
  const sign = reader.source[reader.at++] ?? '';
  switch (sign) {
    case '(':
      return readGroup(reader);
    case '[':
      return oneOf(readClass(reader), reader.draw);
    case '\\':
      return readEscape(reader);
    case '.':
      return oneOf(WORD, reader.draw);
    case '^':
    case '$':
      return '';
    default:
      return sign;
  }
}

function readGroup(reader: Reader): string {
  const opening = /^\?(?::|<[A-Za-z_]\w*>|<?[=!])/.exec(reader.source.slice(reader.at))?.[0] ?? '';
  reader.at += opening.length;
  const text = readAlternatives(reader);
  reader.at += 1;
  return /[=!]$/.test(opening) ? '' : text;
}

function readEscape(reader: Reader): string {
  const sign = reader.source[reader.at++] ?? '';
  if (sign === 'b' || sign === 'B') return '';
  if (sign === 'u' || sign === 'x') return readCodePoint(reader, sign);
  return oneOf(charsOf(sign), reader.draw);
}

function readCodePoint(reader: Reader, sign: 'u' | 'x'): string {
  const length = sign === 'u' ? 4 : 2;
  const code = Number.parseInt(reader.source.slice(reader.at, reader.at + length), 16);
  reader.at += length;
  return String.fromCharCode(code);
}

/** The characters that an escape stands for. */
function charsOf(sign: string): string {
  switch (sign) {
    case 'd':
      return DIGITS;
    case 'w':
      return WORD;
    case 's':
      return ' ';
    case 'D':
      return LOWER;
    case 'W':
      return '-';
    case 'S':
      return WORD;
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    default:
      return sign;
  }
}

function readClass(reader: Reader): string {
  const negated = reader.source[reader.at] === '^';
  if (negated) reader.at += 1;
  let chars = '';
  while (reader.at < reader.source.length && reader.source[reader.at] !== ']') {
    const first = readClassChars(reader);
    const ranged =
      reader.source[reader.at] === '-' && (reader.source[reader.at + 1] ?? ']') !== ']' && first.length === 1;
    if (!ranged) {
      chars += first;
      continue;
    }
    reader.at += 1;
    chars += range(first, readClassChars(reader));
  }
  reader.at += 1;
  if (!negated) return chars;
  return [...PRINTABLE].filter((char) => !chars.includes(char)).join('');
}

function readClassChars(reader: Reader): string {
  const sign = reader.source[reader.at++] ?? '';
  if (sign !== '\\') return sign;
  const escaped = reader.source[reader.at++] ?? '';
  return escaped === 'u' || escaped === 'x' ? readCodePoint(reader, escaped) : charsOf(escaped);
}

function range(from: string, to: string): string {
  let chars = '';
  for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) chars += String.fromCharCode(code);
  return chars;
}

function oneOf(chars: string, draw: Draw): string {
  return chars[wholeBetween(draw, 0, chars.length - 1)] ?? '';
}
