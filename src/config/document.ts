/** Text with comments and trailing commas -> plain values, or the places where it is no such text. */
import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Path, Report } from './faults.ts';

const EXPECTED: Readonly<Record<string, readonly [problem: string, allowed: string]>> = {
  InvalidSymbol: [
    'there is a word that JSON does not know',
    'text in double quotes, a number, true, false, null, { or [',
  ],
  InvalidNumberFormat: ['a number is not well formed', 'a number such as 30 or 0.5'],
  PropertyNameExpected: ['the name of a setting is missing', 'a name in double quotes'],
  ValueExpected: ['a value is missing', 'text in double quotes, a number, true, false, null, { or ['],
  ColonExpected: ['a colon is missing', '":" between the name of a setting and its value'],
  CommaExpected: ['a comma is missing', '"," between two entries'],
  CloseBraceExpected: ['a closing brace is missing', '"}" at the end of the object'],
  CloseBracketExpected: ['a closing bracket is missing', '"]" at the end of the list'],
  EndOfFileExpected: ['the document goes on after its end', 'nothing but comments after the last "}"'],
  InvalidCommentToken: ['a comment is not well formed', '"// …" or "/* … */"'],
  UnexpectedEndOfComment: ['a comment is not closed', '"*/" at the end of the comment'],
  UnexpectedEndOfString: ['a text is not closed', 'a closing double quote on the same line'],
  UnexpectedEndOfNumber: ['a number is not complete', 'a number such as 30 or 0.5'],
  InvalidUnicode: ['a \\u escape is not well formed', '\\u and four hex digits'],
  InvalidEscapeCharacter: [
    'a backslash escapes nothing that can be escaped',
    '\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u and four hex digits',
  ],
  InvalidCharacter: [
    'there is a character that cannot stand in a text',
    'control characters as escapes, such as \\n or \\t',
  ],
};

/** Its own value, since `undefined` and `null` are answers too. */
export const UNREADABLE = Symbol('unreadable');

export function readDocument(source: string, sourceName: string, report: Report): unknown {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  if (root !== undefined && errors.length > 0) return reportSyntax(text, sourceName, errors, report);
  if (root === undefined) {
    report.fault({
      path: [],
      problem: 'The document is empty.',
      allowed: 'an object with at least "endpoints" or "endpoint"',
    });
    return UNREADABLE;
  }
  const before = report.faults.length;
  const value = toValue(root, [], report);
  return report.faults.length === before ? value : UNREADABLE;
}

/** One fault a line: the parser's further complaints about a line follow from the first. The text itself may be a secret. */
function reportSyntax(
  text: string,
  sourceName: string,
  errors: readonly ParseError[],
  report: Report,
): typeof UNREADABLE {
  const reported = new Set<number>();
  for (const error of errors) {
    const { line, column } = position(text, error.offset);
    if (reported.has(line)) continue;
    reported.add(line);
    const [problem, allowed] = EXPECTED[printParseErrorCode(error.error)] ?? [
      'the text is not well formed',
      'JSON, with comments if you like',
    ];
    report.fault({
      path: [`${sourceName}:${line}:${column}`],
      problem: `At line ${line}, column ${column}, ${problem}.`,
      allowed,
    });
  }
  return UNREADABLE;
}

function position(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) as string).length + 1 };
}

// Not the parser's own objects: they let the last of two equal keys win unseen, and `__proto__` change the object.
function toValue(node: Node, path: Path, report: Report): unknown {
  if (node.type === 'array') return (node.children ?? []).map((child, at) => toValue(child, [...path, at], report));
  if (node.type !== 'object') return node.value as unknown;
  const object: Record<string, unknown> = {};
  for (const property of node.children ?? []) {
    const [key, child] = property.children ?? [];
    if (key === undefined || child === undefined) continue;
    const keyName = key.value as string;
    const keyPath = [...path, keyName];
    if (keyName === '__proto__') {
      report.fault({ path: keyPath, problem: 'Nothing can be named "__proto__".', allowed: 'any other name' });
    } else if (Object.hasOwn(object, keyName)) {
      report.fault({
        path: keyPath,
        problem: 'This is written twice; only one of the two can hold.',
        allowed: 'each name once in an object',
      });
    } else {
      object[keyName] = toValue(child, keyPath, report);
    }
  }
  return object;
}
