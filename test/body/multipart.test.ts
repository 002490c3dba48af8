import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Form, formModelEdits, isMultipart, readForm } from '../../src/body/multipart.ts';
import { splice } from '../../src/body/splice.ts';

interface Part {
  readonly disposition: string;
  readonly isModel: boolean;
  readonly headers: readonly string[];
  readonly content: Buffer;
}

function formOf(parts: readonly Part[], boundary: string, preamble = ''): Buffer {
  const pieces: Buffer[] = [Buffer.from(preamble)];
  for (const { disposition, headers, content } of parts) {
    const lines = [`--${boundary}`, `Content-Disposition: form-data; ${disposition}`, ...headers, '', ''];
    pieces.push(Buffer.from(lines.join('\r\n')), content, Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(pieces);
}

const boundaries = fc
  .string({ unit: fc.constantFrom('a', 'b', 'X', 'Y', '0', '9', '-', '_'), minLength: 4, maxLength: 70 })
  .map((text) => `b${text}`.slice(0, 70));

/** File content, some of which looks like a form itself. */
const lookAlikes = fc.constantFrom(
  'name="model"',
  '\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt\r\n',
  '\r\n--',
  '--\r\n',
  '\r\n\r\n',
  '\r\n--x--\r\n',
  '{"model":"gpt"}',
);
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      lookAlikes.map((text) => Buffer.from(text)),
    ),
    { maxLength: 6 },
  )
  .map((pieces) => Buffer.concat(pieces));

const filePart: fc.Arbitrary<Part> = fc.record({
  disposition: fc.constantFrom(
    'name="file"; filename="a.wav"',
    'name="file"; filename="model"',
    'name="image[]"; filename="name=model.png"',
    'name="model_name"',
    'name="my model"',
    'name="models"',
    'filename="x.png"; name=file',
    'name="prompt"',
  ),
  isModel: fc.constant(false),
  headers: fc.constantFrom(
    [],
    ['Content-Type: application/octet-stream'],
    ['content-type: audio/wav', 'X-Name: name="model"'],
  ),
  content,
});

const modelPart: fc.Arbitrary<Part> = fc.record({
  disposition: fc.constantFrom('name="model"', 'name=model', 'name=model; x=y', 'x="y"; name="model"'),
  isModel: fc.constant(true),
  headers: fc.constantFrom([], ['Content-Type: text/plain; charset=utf-8']),
  content: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Buffer.from(text)),
});

const forms = fc
  .record({
    boundary: boundaries,
    before: fc.array(filePart, { maxLength: 3 }),
    model: fc.option(modelPart),
    after: fc.array(filePart, { maxLength: 3 }),
    quoted: fc.boolean(),
    preamble: fc.constantFrom('', '', 'This is a form.\r\n'),
  })
  .filter(({ boundary, before, model, after }) =>
    [...before, ...(model === null ? [] : [model]), ...after].every(
      ({ content: bytes }) => !bytes.includes(`--${boundary}`),
    ),
  );

function named(body: Buffer, form: Form, model: string): Buffer {
  return splice(body, formModelEdits(form, model));
}

describe('a multipart form', () => {
  test('gets its model exchanged, or put in, and keeps every other byte', () => {
    fc.assert(
      fc.property(
        forms,
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
        ({ boundary, before, model, after, quoted, preamble }, name) => {
          const body = formOf([...before, ...(model === null ? [] : [model]), ...after], boundary, preamble);
          const form = readForm(body, `multipart/form-data; boundary=${quoted ? `"${boundary}"` : boundary}`);
          if (form === null) throw new Error('the form was not recognised');
          expect(form.model).toBe(model === null ? null : model.content.toString());
          const exchanged: Part = {
            disposition: 'name="model"',
            isModel: true,
            headers: [],
            ...model,
            content: Buffer.from(name),
          };
          const expected = model === null ? [exchanged, ...before, ...after] : [...before, exchanged, ...after];
          expect(named(body, form, name).equals(formOf(expected, boundary, preamble))).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('is searched for its model behind a large file without tasting the file', () => {
    const file = Buffer.alloc(8 * 1024 * 1024, 'name="model"\r\n\r\nno ');
    const part = (disposition: string, bytes: Buffer): Part => ({
      disposition,
      isModel: false,
      headers: [],
      content: bytes,
    });
    const body = formOf([part('name="file"; filename="a"', file), part('name="model"', Buffer.from('whisper'))], 'xyz');
    const form = readForm(body, 'multipart/form-data; boundary=xyz');
    expect(form?.model).toBe('whisper');
  });

  test('with a model without content gets one', () => {
    const body = Buffer.from('--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n--b--\r\n');
    const form = readForm(body, 'multipart/form-data; boundary=b');
    expect(form?.model).toBe('');
    expect(form === null ? '' : named(body, form, 'm').toString()).toBe(
      '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n',
    );
  });

  test.each([
    {
      what: 'a file whose name speaks of a model',
      disposition: 'name="file"; filename="take 2; name=model small.wav"',
    },
    { what: 'a field whose name differs in case', disposition: 'name="MODEL"' },
  ])('does not take $what for the model', ({ disposition }) => {
    const body = formOf([{ disposition, isModel: false, headers: [], content: Buffer.from('sound') }], 'b1234');
    expect(readForm(body, 'multipart/form-data; boundary=b1234')?.model).toBeNull();
  });

  test('that names several models gets all of them exchanged, as a reader may take the first or the last', () => {
    const part = (text: string): Part => ({
      disposition: 'name="model"',
      isModel: true,
      headers: [],
      content: Buffer.from(text),
    });
    const body = formOf([part('pool'), part('another-deployment')], 'b1234');
    const form = readForm(body, 'multipart/form-data; boundary=b1234');
    expect(form === null ? '' : named(body, form, 'm').toString()).toBe(
      formOf([part('m'), part('m')], 'b1234').toString(),
    );
  });

  test.each([
    { what: 'no boundary is named', type: 'multipart/form-data', body: '--b\r\n' },
    { what: 'the boundary is empty', type: 'multipart/form-data; boundary=', body: '--\r\n' },
    {
      what: 'the boundary is longer than RFC 2046 allows',
      type: `multipart/form-data; boundary=${'b'.repeat(71)}`,
      body: `--${'b'.repeat(71)}\r\n`,
    },
    { what: 'the body has another boundary', type: 'multipart/form-data; boundary=c', body: '--b\r\n' },
    { what: 'the body is empty', type: 'multipart/form-data; boundary=c', body: '' },
  ])('is none where $what', ({ type, body }) => {
    expect(readForm(Buffer.from(body), type)).toBeNull();
  });

  test('is answered, never with an exception, whatever the bytes', () => {
    const pieces = fc.oneof(
      fc.constantFrom('--b', '\r\n', '--', 'Content-Disposition: form-data; name="model"', '\r\n\r\n'),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (heap) => {
        const body = Buffer.from(heap.join(''));
        const form = readForm(body, 'multipart/form-data; boundary=b');
        if (form !== null) expect(named(body, form, 'm').includes('m')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('isMultipart', () => {
  test.each([
    ['multipart/form-data; boundary=x', true],
    [' Multipart/Form-Data;boundary=x', true],
    ['multipart/form-data', true],
    ['multipart/form-database', false],
    ['multipart/mixed; boundary=x', false],
    ['application/json', false],
    [null, false],
  ])('%s: %s', (type, is) => {
    expect(isMultipart(type)).toBe(is);
  });
});
