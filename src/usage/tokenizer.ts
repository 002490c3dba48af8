/** How many tokens a text is. The tables of a tokenizer weigh some 60 MB and take 0.1 s to load: they are loaded when they are first needed. */

export type Encoding = 'o200k_base' | 'cl100k_base';

type Count = (text: string) => number;

/** Of longer texts so much is counted, in pieces from all over them. */
const MOST_COUNTED = 65_536;
/** Merging is quadratic in the length of a word, and a hostile word is as long as its text. */
const PIECE = 512;
/** So far back a piece may end, where a word begins there. */
const LONGEST_WORD = 64;

const counts = new Map<Encoding, Count>();
const loading = new Map<Encoding, Promise<Count>>();

/** The families before gpt-4o; every newer one has the larger vocabulary. */
export function encodingOf(model: string): Encoding {
  return /gpt-?(?:3\.?5|4(?!o|\.))|text-embedding|davinci|babbage/i.test(model) ? 'cl100k_base' : 'o200k_base';
}

/** `null`: its tables are not loaded. */
export function loadedCount(encoding: Encoding): Count | null {
  return counts.get(encoding) ?? null;
}

export function loadCount(encoding: Encoding): Promise<Count> {
  const known = loading.get(encoding);
  if (known !== undefined) return known;
  const loaded = load(encoding);
  loading.set(encoding, loaded);
  loaded.catch(() => loading.delete(encoding));
  return loaded;
}

async function load(encoding: Encoding): Promise<Count> {
  const { countTokens } =
    encoding === 'o200k_base'
      ? await import('gpt-tokenizer/encoding/o200k_base')
      : await import('gpt-tokenizer/encoding/cl100k_base');
  // What looks like a mark between messages is text here like any other.
  const options = { disallowedSpecial: new Set<string>() };
  const count: Count = (text) => countTokens(text, options);
  counts.set(encoding, count);
  return count;
}

export function tokensIn(texts: readonly string[], count: Count): number {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  const every = Math.ceil(length / MOST_COUNTED);
  let at = 0;
  let counted = 0;
  let tokens = 0;
  for (const text of texts) {
    for (const piece of piecesOf(text)) {
      if (at++ % every > 0) continue;
      counted += piece.length;
      tokens += count(piece);
    }
  }
  return counted === 0 ? 0 : tokens * (length / counted);
}

/** Cut before a blank, where there is one: words begin with theirs, so that no token is cut in two. */
function* piecesOf(text: string): Generator<string> {
  let from = 0;
  while (text.length - from > PIECE) {
    const blank = text.lastIndexOf(' ', from + PIECE);
    const to = blank > from + PIECE - LONGEST_WORD ? blank : from + PIECE;
    yield text.slice(from, to);
    from = to;
  }
  if (from < text.length) yield text.slice(from);
}
