import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dataOf,
  errorEvent,
  HEARTBEAT,
  meaningOf,
  responseIdIn,
  restartEvent,
  splitEvents,
  wholeEventsEnd,
} from '../../src/relay/events.ts';

/** Read line by line, as WHATWG HTML 9.2.6 says: where a reader stands between two events. */
function boundaries(text: string): number[] {
  const found: number[] = [];
  const line = /([^\r\n]*)(\r\n|\n|\r)/gy;
  for (let match = line.exec(text); match !== null; match = line.exec(text))
    if (match[1] === '') found.push(line.lastIndex);
  return found;
}

const ENDINGS = ['\n', '\r\n', '\r'] as const;
const fieldLine = fc.constantFrom('data: {"a":1}', 'data:', 'event: x', ': comment', 'id: 1', 'x', 'data: é漢', ' ');
const eventLines = fc.array(fieldLine, { minLength: 1, maxLength: 4 });

describe('wholeEventsEnd', () => {
  test.each(ENDINGS.map((ending) => ({ ending, name: JSON.stringify(ending) })))(
    'finds the last blank line where lines end in $name, wherever the bytes are cut',
    ({ ending }) => {
      fc.assert(
        fc.property(fc.array(eventLines, { maxLength: 5 }), fc.nat(), (events, cut) => {
          const text = events.map((lines) => lines.map((one) => one + ending).join('') + ending).join('');
          const bytes = Buffer.from(text).subarray(0, cut % (Buffer.byteLength(text) + 1));
          const seen = bytes.toString('latin1');
          // CR may be half of CRLF: a blank line is sure only with its last byte.
          const ends = boundaries(seen).filter((end) => ending !== '\r\n' || seen.slice(0, end).endsWith('\r\n'));
          expect(wholeEventsEnd(bytes)).toBe(ends.at(-1) ?? 0);
        }),
        { numRuns: 500 },
      );
    },
  );

  test('never cuts an event in two, whatever mix of endings', () => {
    const heap = fc.array(fc.constantFrom('a', 'data: x', '\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\r\r'), {
      maxLength: 16,
    });
    fc.assert(
      fc.property(heap, (pieces) => {
        const text = pieces.join('');
        const end = wholeEventsEnd(Buffer.from(text));
        if (end === 0) return;
        // A reader of what was let through, and of nothing else, stands between two events.
        expect(boundaries(text.slice(0, end))).toContain(end);
      }),
      { numRuns: 5_000 },
    );
  });

  test('looks no further back than it is told, but for the blank line that straddles', () => {
    const bytes = Buffer.from('data: a\n\ndata: b\n\ndata: c');
    expect(wholeEventsEnd(bytes)).toBe(18);
    expect(wholeEventsEnd(bytes, 17)).toBe(18);
    expect(wholeEventsEnd(bytes, 18)).toBe(0);
  });

  test('finds nothing in no bytes', () => {
    expect(wholeEventsEnd(Buffer.alloc(0))).toBe(0);
  });
});

describe('splitEvents and dataOf', () => {
  test.each(ENDINGS.map((ending) => ({ ending, name: JSON.stringify(ending) })))(
    'take apart what was put together with $name',
    ({ ending }) => {
      fc.assert(
        fc.property(fc.array(eventLines, { maxLength: 5 }), (events) => {
          const text = events.map((lines) => lines.map((one) => one + ending).join('') + ending).join('');
          expect(splitEvents(text)).toEqual(events.map((lines) => lines.join(ending)));
          for (const [at, event] of splitEvents(text).entries()) {
            const data = (events[at] ?? [])
              .filter((one) => one.startsWith('data:'))
              .map((one) => one.slice(5).replace(/^ /, ''));
            expect(dataOf(event)).toBe(data.length === 0 ? null : data.join('\n'));
          }
        }),
        { numRuns: 200 },
      );
    },
  );

  test.each([
    { what: 'one space behind the colon belongs to no value', event: 'data:  x', data: ' x' },
    { what: 'several lines are joined', event: 'data: a\ndata: b', data: 'a\nb' },
    { what: 'a field without a colon is empty', event: 'data', data: '' },
    { what: 'a comment has no data', event: ': data: x', data: null },
    { what: 'another field has no data', event: 'database: x', data: null },
  ])('$what', ({ event, data }) => {
    expect(dataOf(event)).toBe(data);
  });
});

const choice = (delta: unknown, more: object = {}) => ({
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});

describe('meaningOf', () => {
  test.each<{ what: string; data: unknown; is: 'prelude' | 'content' }>([
    {
      what: "Azure's verdict on the prompt",
      data: { choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      is: 'prelude',
    },
    { what: 'the role', data: choice({ role: 'assistant', content: '', refusal: null }), is: 'prelude' },
    { what: 'the role alone', data: choice({ role: 'assistant' }), is: 'prelude' },
    { what: 'an empty delta', data: choice({}), is: 'prelude' },
    { what: 'null content', data: choice({ content: null }), is: 'prelude' },
    {
      what: 'a filter chunk without delta',
      data: { choices: [{ index: 0, content_filter_results: {}, finish_reason: null }] },
      is: 'prelude',
    },
    { what: 'usage', data: { choices: [], usage: { total_tokens: 3 } }, is: 'prelude' },
    { what: 'a word', data: choice({ content: 'Hi' }), is: 'content' },
    { what: 'a blank', data: choice({ content: ' ' }), is: 'content' },
    { what: 'a tool call', data: choice({ tool_calls: [{ index: 0, id: 'call' }] }), is: 'content' },
    { what: 'a function call', data: choice({ function_call: { name: 'f' } }), is: 'content' },
    { what: 'a refusal', data: choice({ refusal: 'No' }), is: 'content' },
    { what: 'sound', data: choice({ audio: { id: 'a' } }), is: 'content' },
    { what: 'reasoning', data: choice({ reasoning_content: 'Well' }), is: 'content' },
    { what: 'the end of an empty answer', data: choice({}, { finish_reason: 'stop' }), is: 'content' },
    { what: 'the end by the filter', data: choice({}, { finish_reason: 'content_filter' }), is: 'content' },
    {
      what: 'content in the second choice',
      data: { choices: [{ delta: {} }, { index: 1, delta: { content: 'x' } }] },
      is: 'content',
    },
    {
      what: 'text of the old completions',
      data: { choices: [{ index: 0, text: 'Hi', finish_reason: null }] },
      is: 'content',
    },
    { what: 'no text yet', data: { choices: [{ index: 0, text: '', finish_reason: null }] }, is: 'prelude' },
    { what: 'response.created', data: { type: 'response.created', response: { id: 'r', error: null } }, is: 'prelude' },
    { what: 'response.queued', data: { type: 'response.queued', response: { id: 'r' } }, is: 'prelude' },
    { what: 'response.in_progress', data: { type: 'response.in_progress', response: { id: 'r' } }, is: 'prelude' },
    { what: 'an item announced', data: { type: 'response.output_item.added', item: {} }, is: 'prelude' },
    { what: 'a part announced', data: { type: 'response.content_part.added', part: {} }, is: 'prelude' },
    { what: 'text of a response', data: { type: 'response.output_text.delta', delta: 'H' }, is: 'content' },
    {
      what: 'arguments of a response',
      data: { type: 'response.function_call_arguments.delta', delta: '{' },
      is: 'content',
    },
    {
      what: 'reasoning of a response',
      data: { type: 'response.reasoning_summary_text.delta', delta: 'H' },
      is: 'content',
    },
    { what: 'a whole response', data: { type: 'response.completed', response: {} }, is: 'content' },
    { what: 'an incomplete response', data: { type: 'response.incomplete', response: {} }, is: 'content' },
    { what: 'a type nobody knows', data: { type: 'something.new' }, is: 'content' },
    { what: 'an object nobody knows', data: { hello: 1 }, is: 'content' },
  ])('takes $what for $is', ({ data, is }) => {
    expect(meaningOf(JSON.stringify(data))).toEqual({ kind: is });
  });

  test.each([
    { what: 'the end', data: '[DONE]' },
    { what: 'no JSON', data: 'hello' },
    { what: 'half JSON', data: '{"choices":[' },
    { what: 'a list', data: '[]' },
    { what: 'null', data: 'null' },
    { what: 'nothing', data: '' },
  ])('takes $what for content: what it does not know it does not hold', ({ data }) => {
    expect(meaningOf(data)).toEqual({ kind: 'content' });
  });

  test.each<{ what: string; data: unknown; code: string }>([
    { what: 'an error in a chat', data: { error: { code: 'server_error', message: 'm' } }, code: 'server_error' },
    { what: 'an error with a number', data: { error: { code: 429, message: 'm' } }, code: '429' },
    {
      what: 'an error with a type alone',
      data: { error: { type: 'overloaded', message: 'm', code: null } },
      code: 'overloaded',
    },
    { what: 'an error that says nothing', data: { error: {} }, code: '' },
    { what: 'an error beside choices', data: { choices: [], error: { code: 'x' } }, code: 'x' },
    {
      what: 'an error event of a response',
      data: { type: 'error', code: 'rate_limit_exceeded', message: 'm' },
      code: 'rate_limit_exceeded',
    },
    { what: 'an error event without a code', data: { type: 'error', message: 'm', code: null }, code: '' },
    {
      what: 'a failed response',
      data: { type: 'response.failed', response: { error: { code: 'server_error' } } },
      code: 'server_error',
    },
    {
      what: 'a failed response without an error',
      data: { type: 'response.failed', response: { error: null } },
      code: '',
    },
    { what: 'a failed response without a response', data: { type: 'response.failed' }, code: '' },
  ])('finds $what', ({ data, code }) => {
    expect(meaningOf(JSON.stringify(data))).toEqual({ kind: 'error', code });
  });

  test('takes no answer for an error because it speaks of one', () => {
    expect(meaningOf(JSON.stringify(choice({ content: '{"error":{"code":"x"}}' }))).kind).toBe('content');
    expect(meaningOf(JSON.stringify({ type: 'response.created', error: null, response: {} })).kind).toBe('prelude');
  });

  test('answers any data at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (data) => {
        expect(['prelude', 'content', 'error']).toContain(meaningOf(data).kind);
        expect(responseIdIn(data)).toSatisfy((id) => id === null || typeof id === 'string');
      }),
      { numRuns: 500 },
    );
  });
});

describe('what the router writes itself', () => {
  const error = { message: 'It "broke"\nhere', code: 'upstream_failed' };
  test.each([
    { what: 'an error for a chat', bytes: errorEvent(error, false) },
    { what: 'an error for a response', bytes: errorEvent(error, true) },
    { what: 'a restart of a chat', bytes: restartEvent('A/m', 'B/m', false) },
    { what: 'a restart of a response', bytes: restartEvent('A/m', 'B/m', true) },
    { what: 'a heartbeat', bytes: HEARTBEAT },
  ])('$what is exactly one event', ({ bytes }) => {
    expect(boundaries(bytes.toString())).toEqual([bytes.length]);
  });

  test('an error is readable by the clients of either API', () => {
    const chat = JSON.parse(dataOf(errorEvent(error, false).toString()) ?? '') as object;
    expect(chat).toEqual({ error: { ...error, type: 'server_error', param: null } });
    const typed = JSON.parse(dataOf(errorEvent(error, true).toString()) ?? '') as object;
    expect(typed).toMatchObject({ type: 'error', ...error });
  });

  test('a heartbeat has no data', () => {
    expect(dataOf(HEARTBEAT.toString())).toBeNull();
  });
});
