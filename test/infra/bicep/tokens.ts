/**
 * A reader of Bicep, as much of the language as infra/ uses: it parses every file, evaluates the deployment for given parameters and
 * hands out the resources that it would make. It is here because the compiler is not to be had everywhere (scripts/bicep.ts); where
 * it is, test/infra/compiled.test.ts holds this reader's result to the compiler's. What it does not know it refuses.
 */

export interface Place {
  readonly file: string;
  readonly line: number;
}

export type Token = Place &
  (
    | { readonly kind: 'word' | 'sign' | 'newline'; readonly text: string }
    | { readonly kind: 'number'; readonly text: string; readonly value: number }
    /** Texts and the tokens between `${` and `}`, by turns. */
    | { readonly kind: 'string'; readonly text: string; readonly parts: readonly (string | readonly Token[])[] }
  );

export class BicepFault extends Error {
  override readonly name = 'BicepFault';
  constructor(message: string, { file, line }: Place) {
    super(`${file}:${line}: ${message}`);
  }
}

const SIGNS = ['=>', '==', '!=', '>=', '<=', '&&', '||', '??', '.?', ...'{}[]()=:,.?!@|<>+-*/'.split('')];
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', "'": "'", '\\': '\\', $: '$' };

export function tokensOf(text: string, file: string): Token[] {
  return new Reader(text, file, 1).read();
}

class Reader {
  readonly #text: string;
  readonly #file: string;
  #line: number;
  #at = 0;

  constructor(text: string, file: string, line: number) {
    this.#text = text;
    this.#file = file;
    this.#line = line;
  }

  read(): Token[] {
    const found: Token[] = [];
    while (this.#at < this.#text.length) {
      const token = this.#next();
      if (token !== null) found.push(token);
    }
    return found;
  }

  #next(): Token | null {
    const blank = this.#match(/(?:[ \t\r]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)/y);
    if (blank !== null) {
      this.#line += blank.split('\n').length - 1;
      return null;
    }
    const place = this.#place();
    if (this.#text[this.#at] === '\n') {
      this.#at++;
      this.#line++;
      return { ...place, kind: 'newline', text: '\n' };
    }
    if (this.#text[this.#at] === "'") return this.#string();
    const word = this.#match(/[A-Za-z_]\w*/y);
    if (word !== null) return { ...place, kind: 'word', text: word };
    const digits = this.#match(/\d+/y);
    if (digits !== null) return { ...place, kind: 'number', text: digits, value: Number(digits) };
    const sign = SIGNS.find((one) => this.#text.startsWith(one, this.#at));
    if (sign === undefined) throw new BicepFault(`“${this.#text[this.#at] ?? ''}” stands here`, place);
    this.#at += sign.length;
    return { ...place, kind: 'sign', text: sign };
  }

  #string(): Token {
    const place = this.#place();
    const from = this.#at++;
    const parts: (string | Token[])[] = [];
    let text = '';
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n') throw new BicepFault('a text does not end', place);
      this.#at++;
      if (char === "'") break;
      if (char === '\\') text += this.#escaped(place);
      else if (char === '$' && this.#text[this.#at] === '{') {
        parts.push(text, this.#inserted());
        text = '';
      } else text += char;
    }
    return { ...place, kind: 'string', text: this.#text.slice(from, this.#at), parts: [...parts, text] };
  }

  #escaped(place: Place): string {
    const char = ESCAPES[this.#text[this.#at++] ?? ''];
    if (char === undefined) throw new BicepFault('an unknown escape', place);
    return char;
  }

  /** The tokens of `{…}`, which may hold texts of their own. */
  #inserted(): Token[] {
    const place = this.#place();
    this.#at++;
    const found: Token[] = [];
    for (let depth = 0; ; ) {
      const token = this.#next();
      if (token === null) continue;
      if (token.kind === 'newline') throw new BicepFault('an insertion does not end', place);
      if (token.text === '}' && depth-- === 0) return found;
      if (token.text === '{') depth++;
      found.push(token);
    }
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    this.#at += found?.length ?? 0;
    return found;
  }

  #place(): Place {
    return { file: this.#file, line: this.#line };
  }
}
