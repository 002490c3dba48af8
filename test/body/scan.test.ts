import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanBody, scanId } from '../../src/body/fields.ts';
import { documents, stringText, textOf } from './documents.ts';

const DEEP = 1_000;

/** What a reader that parses the whole document makes of it. */
function parsedFields(text: string) {
  const json = JSON.parse(text) as Record<string, unknown>;
  const textIn = (name: string) => (typeof json[name] === 'string' ? json[name] : null);
  return {
    model: textIn('model'),
    stream: json['stream'] === true,
    previousResponseId: textIn('previous_response_id'),
    promptCacheKey: textIn('prompt_cache_key'),
    store: json['store'] !== false,
    empty: Object.keys(json).length === 0,
  };
}

function scannedFields(text: string) {
  const scan = scanBody(Buffer.from(text), DEEP);
  if (!scan.ok) return scan;
  const { model, stream, previousResponseId, promptCacheKey, store, empty } = scan.fields;
  return { model, stream, previousResponseId, promptCacheKey, store, empty };
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

describe('scanBody beside JSON.parse', () => {
  test('finds the same fields in every document', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const text = textOf(document);
        expect(scannedFields(text)).toEqual(parsedFields(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test('finds the same fields in a document that was printed for people', () => {
    fc.assert(
      fc.property(documents, fc.constantFrom(1, 2, 4, '\t'), (document, indent) => {
        const text = JSON.stringify(JSON.parse(textOf(document)), null, indent);
        expect(scannedFields(text)).toEqual(parsedFields(text));
      }),
      { numRuns: 500 },
    );
  });

  test('agrees on what is a document, for any heap of tokens', () => {
    const tokens = [
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"model"',
      '1',
      '0',
      '-',
      '.',
      'e',
      '+',
      'true',
      'null',
      'nul',
      ' ',
      '\n',
      '"',
      'x',
    ];
    const heap = fc.array(fc.constantFrom(...tokens), { maxLength: 12 }).map((parts) => `{${parts.join('')}`);
    fc.assert(
      fc.property(heap, (text) => {
        expect(scanBody(Buffer.from(text), DEEP).ok).toBe(isObjectText(text));
      }),
      { numRuns: 20_000 },
    );
  });

  test('agrees on a document with one slip in its structure', () => {
    const slips = ['', '{', '}', '[', ']', ',', ':', '1', 'x', ' ', '-', '.5', '01', '"'];
    const broken = fc
      .tuple(documents, fc.nat(), fc.constantFrom(...slips), fc.boolean())
      .map(([document, place, slip, replaces]) => {
        const text = textOf(document);
        const at = place % (text.length + 1);
        return text.slice(0, at) + slip + text.slice(at + (replaces ? 1 : 0));
      });
    fc.assert(
      fc.property(broken, (text) => {
        const { ok } = scanBody(Buffer.from(text), DEEP);
        if (isObjectText(text)) expect(ok).toBe(true);
        // What stands inside strings is the deployment's to judge; line breaks and tabs are not let through.
        const skeleton = text.replace(/"(?:[^"\\]|\\[\s\S])*"/g, (string) =>
          /[\n\r\t]/.test(string.slice(1, -1)) ? '!' : '"s"',
        );
        if (ok) expect(isObjectText(skeleton)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    { what: 'a line feed', raw: '\n' },
    { what: 'a carriage return', raw: '\r' },
    { what: 'a tab', raw: '\t' },
  ])('refuses $what inside a string wherever it stands', ({ raw }) => {
    fc.assert(
      fc.property(stringText, fc.nat(), fc.boolean(), (string, place, inKey) => {
        const letters = [...string.slice(1, -1).matchAll(/\\u....|\\.|[^\\]/gsu)].map(([letter]) => letter);
        letters.splice(place % (letters.length + 1), 0, raw);
        const marred = `"${letters.join('')}"`;
        const scan = scanBody(Buffer.from(inKey ? `{"a":"\\n",${marred}:1}` : `{"a":"fine",\n"b":${marred}}`), DEEP);
        expect(scan).toMatchObject({ ok: false, problem: expect.stringContaining('raw line break') as string });
      }),
      { numRuns: 500 },
    );
  });
});

describe('scanBody', () => {
  test.each([
    { what: 'an empty body', text: '' },
    { what: 'space alone', text: ' \n' },
    { what: 'a list', text: '[{"model":"a"}]' },
    { what: 'a string', text: '"model"' },
    { what: 'a number', text: '1' },
    { what: 'nothing but null', text: 'null' },
    { what: 'a second document', text: '{} {}' },
    { what: 'a comma at the end of an object', text: '{"a":1,}' },
    { what: 'a comma at the end of a list', text: '{"a":[1,]}' },
    { what: 'a comma at the beginning', text: '{,"a":1}' },
    { what: 'a field without a value', text: '{"a"}' },
    { what: 'a field without quotes', text: '{a:1}' },
    { what: 'single quotes', text: "{'a':1}" },
    { what: 'a comment', text: '{/* no */"a":1}' },
    { what: 'a byte order mark', text: '\ufeff{}' },
    { what: 'the wrong bracket', text: '{"a":[1}}' },
    { what: 'an object cut off', text: '{"a":{"b":1}' },
    { what: 'a string cut off', text: '{"a":"b' },
    { what: 'a string cut off behind a backslash', text: '{"a":"b\\' },
    { what: 'a long string cut off behind a backslash', text: `{"a":"${'b'.repeat(50)}\\"` },
    { what: 'a leading zero', text: '{"a":01}' },
    { what: 'a bare minus', text: '{"a":-}' },
    { what: 'a point without digits', text: '{"a":1.}' },
    { what: 'an exponent without digits', text: '{"a":1e+}' },
    { what: 'NaN', text: '{"a":NaN}' },
    { what: 'a word cut off', text: '{"a":tru' },
    { what: 'a word with a tail', text: '{"a":trueish}' },
  ])('refuses $what and says where', ({ text }) => {
    expect(isObjectText(text)).toBe(false);
    const scan = scanBody(Buffer.from(text), DEEP);
    expect(scan).toMatchObject({ ok: false, problem: expect.any(String) as string });
    if (!scan.ok) expect(scan.at).toBeLessThanOrEqual(Buffer.byteLength(text));
  });

  test('answers any bytes at all, and never throws', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 60 }).map((tail) => Buffer.concat([Buffer.from('{"model":"'), tail])),
    );
    fc.assert(
      fc.property(bytes, (array) => {
        const body = Buffer.from(array);
        expect(typeof scanBody(body, 8).ok).toBe('boolean');
        expect(scanId(body, 8)).toSatisfy((id) => id === null || typeof id === 'string');
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([1, 2, 3, 31, 128])('takes %i levels inside the document, and not one more', (levels) => {
    const nest = (depth: number, [open, close]: readonly [string, string]) =>
      `{"a":${open.repeat(depth)}${open.startsWith('{') ? '1' : ''}${close.repeat(depth)},"model":"m"}`;
    for (const brackets of [
      ['[', ']'],
      ['{"b":', '}'],
    ] as const) {
      expect(scanBody(Buffer.from(nest(levels, brackets)), levels)).toMatchObject({ ok: true, fields: { model: 'm' } });
      expect(scanBody(Buffer.from(nest(levels + 1, brackets)), levels)).toMatchObject({
        ok: false,
        problem: `nested deeper than ${levels} levels`,
      });
    }
  });

  test('counts how deep a document is, not how many brackets it has', () => {
    const wide = `{"a":[${Array.from({ length: 500 }, () => '[{}]').join(',')}],"b":[[{}]]}`;
    expect(scanBody(Buffer.from(wide), 3).ok).toBe(true);
    expect(scanBody(Buffer.from(wide), 2).ok).toBe(false);
  });

  test('survives nesting that would overflow a call stack', () => {
    const deep = Buffer.from(`{"a":${'['.repeat(1_000_000)}`);
    expect(scanBody(deep, 10_000)).toMatchObject({ ok: false, problem: 'nested deeper than 10000 levels' });
    expect(scanBody(deep, 2_000_000).ok).toBe(false);
  });

  test.each([
    {
      what: 'field names',
      body: (n: number) => `{${Array.from({ length: n }, (_, at) => `"${`${at}`.padStart(28, 'k')}":0`).join(',')}}`,
    },
    {
      what: 'long strings',
      body: (n: number) => `{"a":[${Array.from({ length: n }, () => `"${'s'.repeat(40)}"`).join(',')}]}`,
    },
    { what: 'escaped quotes', body: (n: number) => `{"a":"${'x'.repeat(40)}${'\\"'.repeat(n * 15)}"}` },
    { what: 'backslashes', body: (n: number) => `{"a":"${'x'.repeat(40)}${'\\\\'.repeat(n * 15)}"}` },
    {
      what: 'line breaks between long strings',
      body: (n: number) => `{"a":[${Array.from({ length: n }, () => `"${'s'.repeat(40)}"`).join(',\n')}]}`,
    },
  ])('reads many $what in a time in proportion to their number', ({ body }) => {
    const bytes = Buffer.from(body(120_000));
    const startedAt = performance.now();
    expect(scanBody(bytes, 4).ok).toBe(true);
    // Linear is below 100 ms; with the square of the number it would be 3 s and more.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe('scanId', () => {
  test('finds the id that JSON.parse finds', () => {
    fc.assert(
      fc.property(documents, stringText, fc.nat(), (document, id, place) => {
        const fields = [...document.fields];
        fields.splice(place % (fields.length + 1), 0, {
          key: 'id',
          keyText: '"id"',
          valueText: id,
          space: ['', '', ' ', ''],
        });
        const text = textOf({ ...document, fields });
        const expected: unknown = (JSON.parse(text) as { id: unknown }).id;
        expect(scanId(Buffer.from(text), DEEP)).toBe(typeof expected === 'string' ? expected : null);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    { what: 'a nested id alone', text: '{"response":{"id":"r"}}' },
    { what: 'an id that is a number', text: '{"id":5}' },
    { what: 'a list', text: '[{"id":"r"}]' },
    { what: 'an answer cut off', text: '{"id":"r"' },
    { what: 'no bytes', text: '' },
  ])('finds none in $what', ({ text }) => {
    expect(scanId(Buffer.from(text), 4)).toBeNull();
  });
});
