/** The forms of values in Bicep, by descent: a choice is made of sums, a sum of members and calls, and so on. */
import { BicepFault, type Place, type Token } from './tokens.ts';
import type { Expression, Field, Statement } from './tree.ts';

/** From loose to tight. */
const LEVELS: readonly (readonly string[])[] = [
  ['??'],
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/'],
];

export abstract class ExpressionParser {
  readonly #tokens: readonly Token[];
  readonly #file: string;
  #at = 0;

  constructor(tokens: readonly Token[], file: string) {
    this.#tokens = tokens;
    this.#file = file;
  }

  /** A resource may hold others. */
  abstract statement(): Statement;

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  place(): Place {
    const { line = this.#tokens.at(-1)?.line ?? 0 } = this.#tokens[this.#at] ?? {};
    return { file: this.#file, line };
  }

  take(): Token {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new BicepFault('the file ends here', this.place());
    return token;
  }

  accept(text: string): boolean {
    const token = this.#tokens[this.#at];
    const isThere = token?.text === text && (token.kind === 'sign' || token.kind === 'word');
    if (isThere) this.#at++;
    return isThere;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw new BicepFault(`“${text}” is missing before “${this.#peek()}”`, this.place());
  }

  word(): string {
    const token = this.take();
    if (token.kind !== 'word') throw new BicepFault(`“${token.text}” is no name`, token);
    return token.text;
  }

  plainText(): string {
    const token = this.take();
    const only = token.kind === 'string' && token.parts.length === 1 ? token.parts[0] : undefined;
    if (typeof only !== 'string') throw new BicepFault(`“${token.text}” is no plain text`, token);
    return only;
  }

  /** Up to the end of the line or the “=”, as written. */
  typeText(): string {
    let text = '';
    while (!this.atEnd && this.#peek() !== '\n' && this.#peek() !== '=') text += this.take().text;
    return text;
  }

  skipLines(): void {
    while (this.#tokens[this.#at]?.kind === 'newline') this.#at++;
  }

  endLine(): void {
    if (!this.atEnd && this.#peek() !== '\n' && this.#peek() !== '}')
      throw new BicepFault(`“${this.#peek()}” stands behind the end`, this.place());
  }

  /** What stands behind “=” of a resource or a module. */
  declaration(): Expression {
    const place = this.place();
    return this.accept('if') ? this.#conditional(place) : this.expression();
  }

  expression(): Expression {
    const place = this.place();
    const when = this.#binary(0);
    if (!this.accept('?')) return when;
    const then = this.expression();
    this.expect(':');
    return { ...place, kind: 'choice', when, then, otherwise: this.expression() };
  }

  /** Behind “(”. */
  arguments(): Expression[] {
    const found: Expression[] = [];
    for (this.skipLines(); !this.accept(')'); this.skipLines()) {
      found.push(this.expression());
      this.skipLines();
      if (!this.accept(',') && this.#peek() !== ')') this.expect(')');
    }
    return found;
  }

  #peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead]?.text ?? '';
  }

  #conditional(place: Place): Expression {
    this.expect('(');
    const when = this.expression();
    this.expect(')');
    return { ...place, kind: 'if', when, body: this.expression() };
  }

  #binary(level: number): Expression {
    const signs = LEVELS[level];
    if (signs === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const place = this.place();
      const sign = signs.find((one) => this.accept(one));
      if (sign === undefined) return left;
      left = { ...place, kind: 'binary', sign, left, right: this.#binary(level + 1) };
    }
  }

  #unary(): Expression {
    const place = this.place();
    for (const sign of ['!', '-'] as const)
      if (this.accept(sign)) return { ...place, kind: 'unary', sign, of: this.#unary() };
    return this.#access(this.#primary());
  }

  #access(of: Expression): Expression {
    const place = this.place();
    if (this.accept('.')) return this.#access({ ...place, kind: 'member', of, name: this.word(), safe: false });
    if (this.accept('.?')) return this.#access({ ...place, kind: 'member', of, name: this.word(), safe: true });
    // “known not to be null”: the value is the same.
    if (this.accept('!')) return this.#access(of);
    if (!this.accept('[')) return of;
    const by = this.expression();
    this.expect(']');
    return this.#access({ ...place, kind: 'index', of, by });
  }

  #primary(): Expression {
    const place = this.place();
    if (this.accept('{')) return this.#object(place);
    if (this.accept('[')) return this.#list(place);
    if (this.accept('(')) return this.#grouped(place);
    const token = this.take();
    if (token.kind === 'number') return { ...place, kind: 'literal', value: token.value };
    if (token.kind === 'string') return this.#text(token, place);
    if (token.kind !== 'word') throw new BicepFault(`“${token.text}” is no value`, token);
    const { text: name } = token;
    if (name === 'null') return { ...place, kind: 'literal', value: null };
    if (name === 'true' || name === 'false') return { ...place, kind: 'literal', value: name === 'true' };
    if (this.accept('=>')) return { ...place, kind: 'lambda', params: [name], body: this.expression() };
    return this.accept('(')
      ? { ...place, kind: 'call', name, args: this.arguments() }
      : { ...place, kind: 'name', name };
  }

  #text(token: Token & { kind: 'string' }, place: Place): Expression {
    const parts = token.parts.map((part) =>
      typeof part === 'string'
        ? part
        : new (this.constructor as new (t: readonly Token[], f: string) => this)(part, this.#file).expression(),
    );
    const [only] = parts;
    if (parts.length === 1 && typeof only === 'string') return { ...place, kind: 'literal', value: only };
    return { ...place, kind: 'text', parts };
  }

  #grouped(place: Place): Expression {
    const from = this.#at;
    const params: string[] = [];
    while (this.#tokens[this.#at]?.kind === 'word' && (this.#peek(1) === ',' || this.#peek(1) === ')')) {
      params.push(this.word());
      if (this.take().text === ')') break;
    }
    if (params.length > 0 && this.accept('=>')) return { ...place, kind: 'lambda', params, body: this.expression() };
    this.#at = from;
    const [only, ...more] = this.arguments();
    if (only === undefined || more.length > 0) throw new BicepFault('these parentheses hold no value', place);
    return only;
  }

  #list(place: Place): Expression {
    this.skipLines();
    if (this.accept('for')) return this.#loop(place);
    const items: Expression[] = [];
    for (this.skipLines(); !this.accept(']'); this.skipLines()) {
      items.push(this.expression());
      this.accept(',');
    }
    return { ...place, kind: 'list', items };
  }

  #loop(place: Place): Expression {
    const isPair = this.accept('(');
    const item = this.word();
    let index: string | null = null;
    if (isPair) {
      this.expect(',');
      index = this.word();
      this.expect(')');
    }
    this.expect('in');
    const over = this.expression();
    this.expect(':');
    const body = this.declaration();
    this.skipLines();
    this.expect(']');
    return { ...place, kind: 'for', item, index, over, body };
  }

  #object(place: Place): Expression {
    const fields: Field[] = [];
    const nested: Statement[] = [];
    for (this.skipLines(); !this.accept('}'); this.skipLines()) {
      const isField = this.#peek(1) === ':' || this.#tokens[this.#at]?.kind === 'string';
      if (isField) fields.push(this.#field());
      else nested.push(this.statement());
      this.accept(',');
    }
    return { ...place, kind: 'object', fields, nested };
  }

  #field(): Field {
    const place = this.place();
    const token = this.take();
    const key: Expression =
      token.kind === 'string' ? this.#text(token, place) : { ...place, kind: 'literal', value: token.text };
    this.expect(':');
    return { key, value: this.expression() };
  }
}
