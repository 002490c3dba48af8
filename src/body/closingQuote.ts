const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Prose is full of escaped quotes, pictures have none: after so many the rest of a string is looked through as text. */
const FEW_ESCAPES = 16;
const WINDOW = 64 * 1024;

/** Where the string that begins at `start` ends, looked for from `from`; -1 where it does not. */
export function closingQuote(bytes: Buffer, from: number, start: number): number {
  let quote = bytes.indexOf(QUOTE, from);
  for (let met = 0; quote !== -1 && escaped(bytes, quote, start); met++) {
    if (met === FEW_ESCAPES) return quoteByWindows(bytes, quote + 1, start);
    quote = bytes.indexOf(QUOTE, quote + 1);
  }
  return quote;
}

/** Looks on as text, piece by piece: a search within a string costs a fraction of one within a buffer, once it is there. */
function quoteByWindows(bytes: Buffer, from: number, start: number): number {
  for (let base = from; base < bytes.length; base += WINDOW) {
    const text = bytes.toString('latin1', base, base + WINDOW);
    let at = text.indexOf('"');
    while (at !== -1 && escaped(bytes, base + at, start)) at = text.indexOf('"', at + 1);
    if (at !== -1) return base + at;
  }
  return -1;
}

function escaped(bytes: Buffer, quote: number, start: number): boolean {
  let at = quote - 1;
  while (at >= start && bytes[at] === BACKSLASH) at--;
  return (quote - 1 - at) % 2 === 1;
}
