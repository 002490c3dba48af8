import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWholeEnd, lastWordOf } from '../../src/relay/lastWord.ts';

const CHUNK = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"[DONE]"}}],"usage":null}\n\n';
const DONE = 'data: [DONE]\n\n';
const ERROR = 'data: {"error":{"code":"server_error","message":"m"}}\n\n';
const DELTA = 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"error"}\n\n';

function typed(type: string, more: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
}

describe('the last word of a stream', () => {
  test.each<{ what: string; events: string; kind: string }>([
    { what: 'a chunk', events: CHUNK, kind: 'more' },
    { what: 'a chunk without a space', events: CHUNK.replace(': ', ':'), kind: 'more' },
    { what: 'a typed delta', events: DELTA, kind: 'more' },
    { what: 'a typed delta without its event line', events: DELTA.slice(DELTA.indexOf('data')), kind: 'more' },
    { what: 'a report of usage', events: 'data: {"choices":[],"usage":{"total_tokens":{}}}\n\n', kind: 'more' },
    { what: 'a part that is done', events: typed('response.output_text.done'), kind: 'more' },
    { what: 'an error that a filter met', events: 'data: {"choices":[{"error":{"code":"x"}}]}\n\n', kind: 'more' },
    { what: 'an error that is none', events: typed('response.created', { response: { error: null } }), kind: 'more' },
    { what: 'a comment', events: ': keep-alive\n\n', kind: 'nothing' },
    { what: 'a comment behind a chunk', events: `${CHUNK}: keep-alive\n\n`, kind: 'more' },
    { what: 'a comment behind [DONE]', events: `${DONE}: bye\n\n`, kind: 'end' },
    { what: 'a blank line', events: '\n\n', kind: 'nothing' },
    { what: '[DONE]', events: CHUNK + DONE, kind: 'end' },
    { what: '[DONE] without a space', events: 'data:[DONE]\n\n', kind: 'end' },
    { what: '[DONE] behind blank lines', events: `${DONE}\n\n`, kind: 'end' },
    { what: '[DONE] in lines of CRLF', events: (CHUNK + DONE).replaceAll('\n', '\r\n'), kind: 'end' },
    { what: '[DONE] in lines of CR', events: (CHUNK + DONE).replaceAll('\n', '\r'), kind: 'end' },
    { what: '[DONE] behind a named event', events: 'event: done\ndata: [DONE]\n\n', kind: 'end' },
    { what: 'content behind [DONE]', events: DONE + CHUNK, kind: 'more' },
    { what: 'response.completed', events: DELTA + typed('response.completed', { response: {} }), kind: 'end' },
    { what: 'response.incomplete', events: typed('response.incomplete'), kind: 'end' },
    { what: 'response.cancelled', events: typed('response.cancelled'), kind: 'end' },
    { what: 'an end without its event line', events: 'data: {"type":"response.completed"}\n\n', kind: 'end' },
    {
      what: 'an end whose type stands last',
      events: 'data: {"response":{},"type":"response.completed"}\n\n',
      kind: 'more',
    },
    { what: 'a transcript that is done', events: typed('transcript.text.done'), kind: 'end' },
    { what: 'speech that is done', events: typed('speech.audio.done'), kind: 'end' },
    { what: 'a picture that is done', events: typed('image_generation.completed'), kind: 'end' },
    { what: 'an error', events: CHUNK + ERROR, kind: 'error' },
    { what: 'an error before other members', events: `${ERROR.slice(0, -3)},"id":"c"}\n\n`, kind: 'error' },
    { what: 'an error with spaces', events: 'data: { "error" : {"code":"x"}}\n\n', kind: 'error' },
    { what: 'an error behind other members', events: 'data: {"id":"c","error":{"code":"x"}}\n\n', kind: 'error' },
    { what: 'an error in a named event', events: `event: error\n${ERROR}`, kind: 'error' },
    { what: 'a typed error', events: typed('error', { code: 'x', param: null }), kind: 'error' },
    {
      what: 'response.failed',
      events: typed('response.failed', { response: { error: { code: 'x' } } }),
      kind: 'error',
    },
  ])('$what: $kind', ({ events, kind }) => {
    expect(lastWordOf(Buffer.from(events)).kind).toBe(kind);
  });

  test('of an error says which it is and where it begins, [DONE] behind it or not', () => {
    for (const behind of ['', DONE])
      expect(lastWordOf(Buffer.from(CHUNK + CHUNK + ERROR + behind))).toEqual({
        kind: 'error',
        code: 'server_error',
        at: 2 * CHUNK.length,
      });
    expect(lastWordOf(Buffer.from(typed('response.failed')))).toEqual({ kind: 'error', code: null, at: 0 });
  });

  test.each([
    { what: 'a chat', events: [CHUNK, ': comment\n\n', ERROR, DONE] },
    { what: 'a response', events: [DELTA, ': comment\n\n', typed('response.created'), typed('response.completed')] },
  ])('is the same whatever was said before it: $what', ({ events }) => {
    const event = fc.constantFrom(...events);
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 5 }),
        event,
        fc.constantFrom('\n', '\r\n', '\r'),
        (before, one, line) => {
          const last = lastWordOf(Buffer.from(one)).kind;
          const all = lastWordOf(Buffer.from([...before, one].join('').replaceAll('\n', line))).kind;
          // A comment says nothing, and [DONE] behind an error changes nothing.
          if (last === 'more' || last === 'error') expect(all).toBe(last);
          if (last === 'end') expect(['end', 'error']).toContain(all);
        },
      ),
    );
  });
});

describe('what is left when a stream ends', () => {
  test.each([
    { half: 'data: [DONE]', whole: true },
    { half: 'data: [DONE]\n', whole: true },
    { half: 'data: {"type":"response.completed"}\n', whole: true },
    { half: '\n', whole: true },
    { half: ': comment', whole: true },
    { half: 'data: [DON', whole: false },
    { half: 'data: {"choices":[', whole: false },
    { half: CHUNK.trimEnd(), whole: false },
    { half: 'event: response.comp', whole: false },
    { half: 'da', whole: false },
  ])('is whole: $whole, where it is $half', ({ half, whole }) => {
    expect(isWholeEnd(Buffer.from(half))).toBe(whole);
  });
});
