const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Prose is full of escaped quotes, pictures have none: after so many the rest of the body is looked through as text. */
const FEW_ESCAPES = 16;
const WINDOW = 64 * 1024;

/** Finds where strings end. */
export class QuoteFinder {
  readonly #bytes: Buffer;
  #escapes = 0;
  /** The window turned to text last, and where it begins: strings beside each other share it. */
  #text = '';
  #textAt = -1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The quote that closes the string whose content begins at `start`, looked for from `from`; -1 where there is none. */
  closing(from: number, start: number): number {
    if (this.#escapes > FEW_ESCAPES) return this.#byWindows(from, start);
    const bytes = this.#bytes;
    let quote = bytes.indexOf(QUOTE, from);
    while (quote !== -1 && escaped(bytes, quote, start)) {
      if (this.#escapes++ === FEW_ESCAPES) return this.#byWindows(quote + 1, start);
      quote = bytes.indexOf(QUOTE, quote + 1);
    }
    return quote;
  }

  /** A search within text costs a fraction of one within a buffer, once the text is there. */
  #byWindows(from: number, start: number): number {
    const bytes = this.#bytes;
    for (let base = from - (from % WINDOW); base < bytes.length; base += WINDOW) {
      if (base !== this.#textAt) {
        this.#textAt = base;
        this.#text = bytes.toString('latin1', base, base + WINDOW);
      }
      let at = this.#text.indexOf('"', Math.max(0, from - base));
      while (at !== -1 && escaped(bytes, base + at, start)) at = this.#text.indexOf('"', at + 1);
      if (at !== -1) return base + at;
    }
    return -1;
  }
}

function escaped(bytes: Buffer, quote: number, start: number): boolean {
  let at = quote - 1;
  while (at >= start && bytes[at] === BACKSLASH) at--;
  return (quote - 1 - at) % 2 === 1;
}
