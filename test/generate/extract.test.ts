import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extract } from '../../src/generate/extract.ts';

const values = (text: string) => extract(text).map(({ value }) => value);

/** Words, marks, quotes, code in single ticks: all but what may itself be taken for JSON or a fence. */
const prose = fc
  .string({ unit: fc.constantFrom(...'ab CZ.,:;!?\'"`()<>#*_-—é\n'.split('')), maxLength: 60 })
  .map((text) => text.replaceAll('```', '``'));
const json = fc.json({ maxDepth: 4 });
const container = json.filter((text) => /^[{[]/.test(text));
const pretty = (text: string): string => JSON.stringify(JSON.parse(text), null, 2);
const written = (text: string) => fc.constantFrom(text, pretty(text), ` \n${text}\r\n`);

const fence = fc.constantFrom('```', '````', '~~~');
const info = fc.constantFrom('', 'json', 'JSON', 'json5', ' json', 'javascript');
const newline = fc.constantFrom('\n', '\r\n');

const calm = (text: string): string => text.replaceAll(/["`~]/g, '');

describe('a JSON value', () => {
  it('comes back bare, with space around it', () => {
    fc.assert(
      fc.property(json.chain(written), fc.constantFrom('', '\uFEFF'), (text, mark) => {
        expect(values(mark + text)).toEqual([JSON.parse(text)]);
      }),
      { numRuns: 500 },
    );
  });

  it('comes back from any fence, whatever is said before and behind', () => {
    fc.assert(
      fc.property(json.chain(written), prose, prose, fence, info, newline, (text, before, behind, marks, lang, end) => {
        const wrapped = `${calm(before)}${marks}${lang}${end}${text}${end}${marks}\n${calm(behind)}`;
        expect(values(wrapped)).toEqual([JSON.parse(text)]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('comes back from a fence that was never closed', () => {
    fc.assert(
      fc.property(json, prose, fence, (text, before, marks) => {
        expect(values(`${calm(before)}${marks}json\n${text}`)).toEqual([JSON.parse(text)]);
      }),
      { numRuns: 300 },
    );
  });

  it('comes back from prose, if it is an object or a list', () => {
    fc.assert(
      fc.property(container.chain(written), prose, prose, (text, before, behind) => {
        expect(values(`So: ${before}\n${text}\n${behind} (end)`)).toEqual([JSON.parse(text)]);
      }),
      { numRuns: 1_000 },
    );
  });

  it('comes back as it was written, to the last digit', () => {
    const text = '{"id": 9007199254740993, "rate": 1.10, "id2": 12345678901234567890}';
    for (const wrapped of [text, `\`\`\`json\n${text}\n\`\`\``, `Here: ${text}.`])
      expect(extract(wrapped).map((one) => one.text)).toEqual([text]);
  });
});

describe('what stands beside a value', () => {
  it.each([
    ['nothing', '', []],
    ['prose alone', 'I would rather not.', []],
    ['a value that is cut off', '```json\n{"a": [1, 2', []],
    ['a brace that is none of JSON', 'Use { braces } like so: {"a": 1}', [{ a: 1 }]],
    ['a bracket with a note', 'As [one] says: {"a": 1}', [{ a: 1 }]],
    ['two fences', '```json\n{"a":1}\n```\nor\n```json\n{"a":2}\n```', [{ a: 1 }, { a: 2 }]],
    ['a fence with a program', '```js\nlet x = 1;\n```\n```json\n{"a":1}\n```', [{ a: 1 }]],
    ['two values in one fence', '```json\n{"a":1}\n{"a":2}\n```', [{ a: 1 }, { a: 2 }]],
    ['a fence within a string', '```json\n{"a":"```js\\nx\\n```"}\n```', [{ a: '```js\nx\n```' }]],
    ['a fence on one line', 'So ```json {"a":1}``` it is', [{ a: 1 }]],
    ['a bare word in a fence', '```\ntrue\n```', [true]],
    ['braces within strings', 'x {"a":"}{","b":"\\"}"} y', [{ a: '}{', b: '"}' }]],
  ])('%s', (_what, text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  it('costs no more than a little, however many brackets are opened', () => {
    const startedAt = performance.now();
    expect(extract('{['.repeat(500_000))).toEqual([]);
    expect(extract('```'.repeat(300_000))).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
