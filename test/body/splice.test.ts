import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Fields, scanBody } from '../../src/body/fields.ts';
import { modelEdits, pieces, splice } from '../../src/body/splice.ts';
import { type Document, documents, textOf } from './documents.ts';

function fieldsOf(text: string): Fields {
  const scan = scanBody(Buffer.from(text), 100);
  if (!scan.ok) throw new Error(scan.problem);
  return scan.fields;
}

/** What a person with an editor would have made of it. */
function rewritten(document: Document, model: string): string {
  const text = JSON.stringify(model);
  const fields = document.fields.map((field) => (field.key === 'model' ? { ...field, valueText: text } : field));
  if (fields.some(({ key }) => key === 'model')) return textOf({ ...document, fields });
  const inserted = `{"model":${text}${fields.length === 0 ? '' : ','}`;
  return document.before + inserted + textOf({ ...document, before: '' }).slice(1);
}

const names = fc.oneof(
  fc.constantFrom('gpt-4.1', 'my deployment', 'ä/"quoted"\\'),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);

function named(body: Buffer, fields: Fields, model: string): Buffer {
  return splice(body, modelEdits(fields, model));
}

describe('modelEdits', () => {
  test('names the deployment and leaves every other byte as it was', () => {
    fc.assert(
      fc.property(documents, names, (document, model) => {
        const text = textOf(document);
        const changed = named(Buffer.from(text), fieldsOf(text), model).toString();
        expect(changed).toBe(rewritten(document, model));
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives a document that means the same but for its model', () => {
    fc.assert(
      fc.property(documents, names, (document, model) => {
        const text = textOf(document);
        const changed = JSON.parse(named(Buffer.from(text), fieldsOf(text), model).toString()) as object;
        expect(changed).toEqual({ ...(JSON.parse(text) as object), model });
      }),
      { numRuns: 1_000 },
    );
  });

  test('leaves integers alone that a parser would round', () => {
    const text = '{"seed": 9007199254740993, "model" : "x", "n":1.0}';
    expect(named(Buffer.from(text), fieldsOf(text), 'y').toString()).toBe(
      '{"seed": 9007199254740993, "model" : "y", "n":1.0}',
    );
  });

  test('exchanges every model there is, as a reader may take the first or the last', () => {
    const text = '{"model":"a","x":{"model":"inner"},"m\\u006fdel":["b"]}';
    expect(named(Buffer.from(text), fieldsOf(text), 'y').toString()).toBe(
      '{"model":"y","x":{"model":"inner"},"m\\u006fdel":"y"}',
    );
  });

  test('leaves bytes alone that are no UTF-8', () => {
    const tail = Buffer.from([0x22, 0x2c, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0xc3, 0x22, 0x7d]);
    const body = Buffer.concat([Buffer.from('{"model":"old'), tail]);
    const scan = scanBody(body, 4);
    if (!scan.ok) throw new Error(scan.problem);
    expect(named(body, scan.fields, 'new')).toEqual(Buffer.concat([Buffer.from('{"model":"new'), tail]));
  });
});

describe('splice', () => {
  test('hands back the very body where there is nothing to change', () => {
    const body = Buffer.from('{}');
    expect(splice(body, [])).toBe(body);
  });

  test('exchanges spans and nothing between them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 })), {
          maxLength: 6,
        }),
        (parts) => {
          let body = '';
          const edits = parts.map(([kept, old, text]) => {
            const start = Buffer.byteLength(body + kept);
            body += kept + old;
            return { start, end: Buffer.byteLength(body), text };
          });
          const expected = parts.map(([kept, , text]) => kept + text).join('');
          expect(splice(Buffer.from(`${body}end`), edits).toString()).toBe(`${expected}end`);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('pieces', () => {
  test('share the body’s memory and make up what splice makes', () => {
    const body = Buffer.from('{"model":"a","n":1}');
    const edits = [{ start: 9, end: 12, text: '"b"' }];
    const parts = pieces(body, edits);
    expect(Buffer.concat(parts).equals(splice(body, edits))).toBe(true);
    expect([parts[0]?.buffer, parts.at(-1)?.buffer]).toEqual([body.buffer, body.buffer]);
  });
});
