/** Tokens become statements. The forms of values are in expressions.ts. */
import { ExpressionParser } from './expressions.ts';
import { BicepFault, type Place, tokensOf } from './tokens.ts';
import type { Decorator, Statement } from './tree.ts';

export function parseBicep(text: string, file: string): Statement[] {
  return new Parser(tokensOf(text, file), file).file();
}

class Parser extends ExpressionParser {
  file(): Statement[] {
    const found: Statement[] = [];
    for (this.skipLines(); !this.atEnd; this.skipLines()) found.push(this.statement());
    return found;
  }

  override statement(): Statement {
    const decorators: Decorator[] = [];
    while (this.accept('@')) {
      const name = this.word();
      this.expect('(');
      decorators.push({ name, args: this.arguments() });
      this.skipLines();
    }
    const place = this.place();
    const keyword = this.word();
    const found = this.#bodyOf(keyword, place, decorators);
    this.endLine();
    return found;
  }

  #bodyOf(keyword: string, place: Place, decorators: readonly Decorator[]): Statement {
    switch (keyword) {
      case 'targetScope':
        this.expect('=');
        return { ...place, kind: 'targetScope', scope: this.plainText() };
      case 'import':
        return this.#importOf(place);
      case 'type':
        return this.#typeOf(place, decorators);
      case 'param': {
        const name = this.word();
        const type = this.typeText();
        return {
          ...place,
          decorators,
          kind: 'param',
          name,
          type,
          fallback: this.accept('=') ? this.expression() : null,
        };
      }
      case 'var': {
        const name = this.word();
        this.expect('=');
        return { ...place, decorators, kind: 'variable', name, value: this.expression() };
      }
      case 'output': {
        const name = this.word();
        const type = this.typeText();
        this.expect('=');
        return { ...place, decorators, kind: 'output', name, type, value: this.expression() };
      }
      case 'resource': {
        const [name, type] = [this.word(), this.plainText()];
        const isExisting = this.accept('existing');
        this.expect('=');
        return { ...place, decorators, kind: 'resource', name, type, isExisting, body: this.declaration() };
      }
      case 'module': {
        const [name, path] = [this.word(), this.plainText()];
        this.expect('=');
        return { ...place, decorators, kind: 'module', name, path, body: this.declaration() };
      }
      default:
        throw new BicepFault(`“${keyword}” begins no statement`, place);
    }
  }

  #importOf(place: Place): Statement {
    this.expect('{');
    const names: string[] = [];
    for (this.skipLines(); !this.accept('}'); this.skipLines()) {
      names.push(this.word());
      this.accept(',');
    }
    if (this.word() !== 'from') throw new BicepFault('an import without “from”', place);
    return { ...place, kind: 'import', names, path: this.plainText() };
  }

  /** What a type says is the compiler's business; its braces are counted. */
  #typeOf(place: Place, decorators: readonly Decorator[]): Statement {
    const name = this.word();
    this.expect('=');
    let depth = 0;
    do {
      const { text } = this.take();
      if ('{[('.includes(text)) depth++;
      if ('}])'.includes(text)) depth--;
    } while (depth > 0);
    return { ...place, decorators, kind: 'type', name };
  }
}
