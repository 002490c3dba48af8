/** JSON out of what models wrap around it: Markdown fences, a sentence before, a sentence behind. */

/** A value as it was written: numbers too long for JavaScript stay what they are. */
export interface Extracted {
  readonly text: string;
  readonly value: unknown;
}

/** Places where a value may begin that are looked at: text that only opens brackets must not cost its length squared. */
const MOST_PLACES = 64;

/** All that may be meant, in order; none where there is no JSON. The whole text where it is JSON, else what fences hold, else what prose does. */
export function extract(text: string): Extracted[] {
  const whole = parsed(text.trim());
  if (whole !== null) return [whole];
  const fenced = inFences(text);
  return fenced.length > 0 ? fenced : inProse(text);
}

const FENCE = /(`{3,}|~{3,})/g;
/** The language, and what else stands on the opening line. */
const INFO = /^[^\S\n]*[A-Za-z][\w+.#-]*(?=[\s{["])/;

function inFences(text: string): Extracted[] {
  const found: Extracted[] = [];
  FENCE.lastIndex = 0;
  for (let places = 0; places < MOST_PLACES; places++) {
    const opening = FENCE.exec(text);
    if (opening === null) break;
    const from = FENCE.lastIndex;
    const end = fencedEnd(text, from, opening[0], found);
    if (end !== null) FENCE.lastIndex = end;
  }
  return found;
}

/** Where the fence's content ends behind its closing, if it is one value and nothing else; the value is added. */
function fencedEnd(text: string, from: number, fence: string, found: Extracted[]): number | null {
  const info = INFO.exec(text.slice(from, from + 100))?.[0].length ?? 0;
  for (const start of info === 0 ? [from] : [from, from + info]) {
    const at = skipSpace(text, start);
    const end = valueEnd(text, at);
    if (end === null) continue;
    const behind = skipSpace(text, end);
    if (behind < text.length && !text.startsWith(fence, behind)) continue;
    const one = parsed(text.slice(at, end));
    if (one === null) continue;
    found.push(one);
    return Math.min(text.length, behind + fence.length);
  }
  return null;
}

/** In prose only objects and lists tell themselves apart from words. */
function inProse(text: string): Extracted[] {
  const found: Extracted[] = [];
  const opening = /[{[]/g;
  for (let places = 0; places < MOST_PLACES; places++) {
    const at = opening.exec(text)?.index;
    if (at === undefined) break;
    const end = valueEnd(text, at);
    const one = end === null ? null : parsed(text.slice(at, end));
    if (one === null || end === null) continue;
    found.push(one);
    opening.lastIndex = end;
  }
  return found;
}

const SCALAR = /(?:true|false|null|-?\d[\d.eE+-]*)/y;

/** Right behind the value that begins at `at`, as far as brackets and quotes tell; `null` where none does, or it does not end. */
function valueEnd(text: string, at: number): number | null {
  const first = text[at];
  if (first === '"') return stringEnd(text, at);
  if (first !== '{' && first !== '[') {
    SCALAR.lastIndex = at;
    return SCALAR.test(text) ? SCALAR.lastIndex : null;
  }
  let open = 0;
  for (let place: number | null = at; place !== null && place < text.length; ) {
    const sign = text[place];
    if (sign === '"') {
      place = stringEnd(text, place);
      continue;
    }
    if (sign === '{' || sign === '[') open += 1;
    if (sign === '}' || sign === ']') open -= 1;
    place += 1;
    if (open === 0) return place;
  }
  return null;
}

function stringEnd(text: string, at: number): number | null {
  for (let place = at + 1; place < text.length; place += 1) {
    const sign = text[place];
    if (sign === '\\') place += 1;
    else if (sign === '"') return place + 1;
  }
  return null;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at] as string)) at += 1;
  return at;
}

function parsed(text: string): Extracted | null {
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}
