/**
 * Reading a request's body without parsing it.
 *
 * The router needs a handful of top-level fields of a JSON body that may hold ten megabytes of pictures. The scan walks
 * the bytes once, jumps over strings natively, checks the document's structure, and says where the fields stand so that
 * a value can be exchanged by splicing. What stands inside strings is the deployment's to judge, but for raw line breaks
 * and tabs, the usual mistake of hand-made bodies.
 */

import { QuoteFinder } from './quotes.ts';

/** Where a value stands: from its first byte to behind its last one, quotes included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the watched fields stand. */
export interface TopLevel {
  readonly bodyStart: number;
  readonly empty: boolean;
  readonly last: ReadonlyMap<string, Span>;
  readonly modelSpans: readonly Span[];
}

const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Strings up to this length are read byte by byte: cheaper than one native search. */
const SHORT_STRING = 32;
/** No watched field's name is longer, were every letter of it escaped. */
const LONGEST_KEY = 160;

export class ScanFault extends Error {
  readonly at: number;
  constructor(problem: string, at: number) {
    super(problem);
    this.at = at;
  }
}

export class Scanner {
  readonly #bytes: Buffer;
  readonly #quotes: QuoteFinder;
  readonly #maxDepth: number;
  readonly #watched: ReadonlySet<string>;
  #at = 0;
  #keyStart = 0;
  #keyEnd = 0;
  /** The next line feed, carriage return and tab at or behind the last string looked at. */
  readonly #nextRaw = [-1, -1, -1];

  constructor(bytes: Buffer, maxDepth: number, watched: ReadonlySet<string>) {
    this.#bytes = bytes;
    this.#quotes = new QuoteFinder(bytes);
    this.#maxDepth = maxDepth;
    this.#watched = watched;
  }

  document(): TopLevel {
    if (this.#bytes.length === 0) throw new ScanFault('the body is empty, a JSON object is needed', 0);
    if (this.#skipSpace() !== OPEN_OBJECT) throw this.#unexpected('a JSON object');
    this.#at++;
    const found = this.#topLevel();
    if (this.#skipSpace() !== -1) throw this.#unexpected('the end of the body');
    return found;
  }

  #topLevel(): TopLevel {
    const bodyStart = this.#at;
    const last = new Map<string, Span>();
    const modelSpans: Span[] = [];
    const empty = this.#skipSpace() === CLOSE_OBJECT;
    if (empty) this.#at++;
    let more = !empty;
    while (more) {
      const key = this.#key();
      const start = this.#at;
      this.#value(1);
      if (key !== null) {
        const span = { start, end: this.#at };
        last.set(key, span);
        if (key === 'model') modelSpans.push(span);
      }
      more = this.#another(CLOSE_OBJECT);
    }
    return { bodyStart, empty, last, modelSpans };
  }

  /** Reads `"key":` and leaves the cursor on its value; a key nobody watches is `null`. */
  #key(): string | null {
    this.#anyKey();
    return this.#ifWatched(this.#keyStart, this.#keyEnd);
  }

  #ifWatched(start: number, end: number): string | null {
    if (end - start > LONGEST_KEY) return null;
    let key = this.#bytes.toString('latin1', start + 1, end - 1);
    if (key.includes('\\')) key = parsed(this.#bytes, start, end) ?? '';
    return this.#watched.has(key) ? key : null;
  }

  #value(depth: number): void {
    const first = this.#bytes[this.#at];
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) this.#container(first, depth);
    else this.#scalar(first);
  }

  #scalar(first: number | undefined): void {
    switch (first) {
      case QUOTE:
        return this.#string();
      case 0x74:
        return this.#literal('true');
      case 0x66:
        return this.#literal('false');
      case 0x6e:
        return this.#literal('null');
      default:
        return this.#number();
    }
  }

  /** Walks nested objects and arrays with a stack of its own, so that depth costs no call stack. */
  #container(opener: number, depth: number): void {
    const open = [opener];
    let fresh = true;
    this.#at++;
    for (let inside = open.at(-1); inside !== undefined; inside = open.at(-1)) {
      const closer = inside === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
      if (!(fresh ? this.#first(closer) : this.#another(closer))) {
        open.pop();
        fresh = false;
        continue;
      }
      const nested = this.#member(inside);
      fresh = nested !== 0;
      if (!fresh) continue;
      if (depth + open.length > this.#maxDepth)
        throw new ScanFault(`nested deeper than ${this.#maxDepth} levels`, this.#at);
      this.#at++;
      open.push(nested);
    }
  }

  /** Right behind an opening bracket: whether a member follows, or the container has ended. */
  #first(closer: number): boolean {
    if (this.#skipSpace() !== closer) return true;
    this.#at++;
    return false;
  }

  /** Reads one member up to its end, or answers the bracket with which a nested one opens. */
  #member(inside: number): number {
    if (inside === OPEN_OBJECT) this.#anyKey();
    else this.#skipSpace();
    const first = this.#bytes[this.#at];
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) return first;
    this.#scalar(first);
    return 0;
  }

  #anyKey(): void {
    if (this.#skipSpace() !== QUOTE) throw this.#unexpected('a field name in double quotes');
    this.#keyStart = this.#at;
    this.#string();
    this.#keyEnd = this.#at;
    if (this.#skipSpace() !== COLON) throw this.#unexpected('":"');
    this.#at++;
    this.#skipSpace();
  }

  /** Behind a member: whether another one follows, or the container has ended. */
  #another(closer: number): boolean {
    const next = this.#skipSpace();
    if (next === COMMA) {
      this.#at++;
      return true;
    }
    if (next !== closer) throw this.#unexpected(closer === CLOSE_OBJECT ? '"," or "}"' : '"," or "]"');
    this.#at++;
    return false;
  }

  #string(): void {
    const bytes = this.#bytes;
    const start = this.#at + 1;
    const near = Math.min(start + SHORT_STRING, bytes.length);
    let at = start;
    while (at < near) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return;
      }
      if (byte < SPACE) throw rawControl(at);
      at += byte === BACKSLASH ? 2 : 1;
    }
    this.#at = this.#endOfLongString(start, at);
  }

  #endOfLongString(start: number, from: number): number {
    const quote = this.#quotes.closing(from, start);
    if (quote === -1) throw new ScanFault('a string does not end', start - 1);
    this.#refuseRawBreak(LF, 0, start, quote);
    this.#refuseRawBreak(CR, 1, start, quote);
    this.#refuseRawBreak(TAB, 2, start, quote);
    return quote + 1;
  }

  #refuseRawBreak(byte: number, slot: number, start: number, end: number): void {
    let next = this.#nextRaw[slot] as number;
    if (next < start) {
      const found = this.#bytes.indexOf(byte, start);
      next = found === -1 ? Number.POSITIVE_INFINITY : found;
      this.#nextRaw[slot] = next;
    }
    if (next < end) throw rawControl(next);
  }

  #literal(word: string): void {
    const end = this.#at + word.length;
    if (this.#bytes.toString('latin1', this.#at, end) !== word) throw this.#unexpected('a value');
    this.#at = end;
  }

  #number(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    let at = start;
    if (bytes[at] === 0x2d) at++;
    const whole = digitsEnd(bytes, at);
    if (whole === at || (bytes[at] === 0x30 && whole > at + 1)) throw this.#unexpected('a value');
    at = whole;
    if (bytes[at] === 0x2e) at = this.#digits(at + 1);
    if (bytes[at] === 0x65 || bytes[at] === 0x45) {
      const sign = bytes[at + 1];
      at = this.#digits(sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
    }
    this.#at = at;
  }

  #digits(from: number): number {
    const end = digitsEnd(this.#bytes, from);
    if (end === from) {
      this.#at = from;
      throw this.#unexpected('a digit');
    }
    return end;
  }

  #skipSpace(): number {
    const bytes = this.#bytes;
    let at = this.#at;
    let byte = bytes[at];
    while (byte === SPACE || byte === LF || byte === CR || byte === TAB) byte = bytes[++at];
    this.#at = at;
    return byte ?? -1;
  }

  #unexpected(wanted: string): ScanFault {
    const at = this.#at;
    if (at >= this.#bytes.length) return new ScanFault(`the body ends where ${wanted} should stand`, at);
    return new ScanFault(`${wanted} should stand here`, at);
  }
}

function rawControl(at: number): ScanFault {
  return new ScanFault('a string holds a raw line break, tab or control character (escape it)', at);
}

function digitsEnd(bytes: Buffer, from: number): number {
  let at = from;
  let byte = bytes[at];
  while (byte !== undefined && byte >= 0x30 && byte <= 0x39) byte = bytes[++at];
  return at;
}

/** The text between two quotes, escapes resolved; `null` where it is no JSON string. */
export function parsed(bytes: Buffer, start: number, end: number): string | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', start, end));
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
