/** JSON documents as people and libraries write them: arbitrary space, escapes, nesting and doubled fields. */
import fc from 'fast-check';

export const WATCHED = ['model', 'stream', 'previous_response_id', 'prompt_cache_key', 'store'] as const;

/** A field of the outermost object, as text and as it is meant. */
export interface Field {
  readonly key: string;
  readonly keyText: string;
  readonly valueText: string;
  /** Before the key, behind it, before the value, behind it. */
  readonly space: readonly [string, string, string, string];
}

export interface Document {
  readonly fields: readonly Field[];
  readonly before: string;
  readonly inside: string;
  readonly after: string;
}

export function textOf({ fields, before, inside, after }: Document): string {
  const inner = fields
    .map(({ keyText, valueText, space: [a, b, c, d] }) => `${a}${keyText}${b}:${c}${valueText}${d}`)
    .join(',');
  return `${before}{${fields.length === 0 ? inside : inner}}${after}`;
}

const space = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  fc.constantFrom(' ', '\n', '\r\n', '\t', '  \n\t ', '\n    '),
);

/** The same text with some of its letters written as escapes. */
function withEscapes(text: string): fc.Arbitrary<string> {
  return fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((escaped) => {
    const letters = text
      .split('')
      .map((letter, at) => (escaped[at] === true ? unicodeEscape(letter) : JSON.stringify(letter).slice(1, -1)));
    return `"${letters.join('')}"`;
  });
}

function unicodeEscape(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const HOSTILE_PIECES = [
  '\\\\',
  '\\"',
  '\\\\\\"',
  '\\u0022',
  '\\u005C',
  '\\/',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  'model',
  'é',
  '漢',
  '😀',
  ' ',
  'x',
];

/** The text of a JSON string, quotes included; many are about as long as where the scan changes its way of reading. */
export const stringText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 12 }).map((text) => JSON.stringify(text)),
  fc.string({ unit: 'grapheme', maxLength: 60 }).map((text) => JSON.stringify(text)),
  fc.string({ unit: 'binary', maxLength: 60 }).map((text) => JSON.stringify(text)),
  fc.array(fc.constantFrom(...HOSTILE_PIECES), { maxLength: 60 }).map((pieces) => `"${pieces.join('')}"`),
  fc
    .tuple(
      fc.integer({ min: 24, max: 40 }),
      fc.integer({ min: 0, max: 9 }),
      fc.constantFrom('', '\\"', '\\"x', 'é', '\\"}'),
    )
    .map(([length, slashes, end]) => `"${'x'.repeat(length)}${'\\\\'.repeat(slashes)}${end}"`),
  fc
    .tuple(fc.integer({ min: 0, max: 3_000 }), fc.constantFrom('', '\\"', ',"model":1'.replaceAll('"', '\\"')))
    .map(([n, end]) => `"${'long '.repeat(n)}${end}"`),
);

const numberText = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '0',
    '-0',
    '1e400',
    '-1E-7',
    '1.5e+10',
    '9007199254740993',
    '123456789012345678901234567890.5',
    '0.10',
    '0e0',
  ),
);

const { valueText } = fc.letrec<{ valueText: string; arrayText: string; objectText: string }>((tie) => ({
  valueText: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    stringText,
    numberText,
    fc.constantFrom('true', 'false', 'null'),
    tie('arrayText'),
    tie('objectText'),
  ),
  arrayText: fc
    .tuple(
      space,
      fc.array(
        fc.tuple(space, tie('valueText'), space).map((parts) => parts.join('')),
        { maxLength: 5 },
      ),
    )
    .map(([inside, items]) => (items.length === 0 ? `[${inside}]` : `[${items.join(',')}]`)),
  objectText: fc
    .tuple(space, fc.array(fc.tuple(space, stringText, space, space, tie('valueText'), space), { maxLength: 5 }))
    .map(([inside, members]) =>
      members.length === 0
        ? `{${inside}}`
        : `{${members.map(([a, key, b, c, value, d]) => `${a}${key}${b}:${c}${value}${d}`).join(',')}}`,
    ),
}));

const keyText = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...WATCHED).map((key) => JSON.stringify(key)) },
  fc.constantFrom(...WATCHED).chain(withEscapes),
  fc.constantFrom(
    '"messages"',
    '"Model"',
    '"model "',
    '"modell"',
    '"__proto__"',
    '""',
    '"a_field_with_a_name_longer_than_any_we_watch"',
  ),
  stringText,
);

const field: fc.Arbitrary<Field> = fc
  .record({
    keyText,
    valueText: fc.oneof(stringText, fc.constantFrom('true', 'false', 'null'), valueText),
    space: fc.tuple(space, space, space, space),
  })
  .map((parts) => ({ ...parts, key: JSON.parse(parts.keyText) as string }));

export const documents: fc.Arbitrary<Document> = fc.record({
  fields: fc.array(field, { maxLength: 8 }),
  before: space,
  inside: space,
  after: space,
});
