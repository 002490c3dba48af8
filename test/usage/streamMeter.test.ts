import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StreamMeter } from '../../src/usage/streamMeter.ts';

const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9, prompt_tokens_details: { cached_tokens: 4 } };
const TOKENS = { prompt: 7, cached: 4, completion: 2, reasoning: 0, promptAudio: 0, completionAudio: 0 };

function chunk(content: string, fields: object = {}): object {
  return { id: 'c', model: 'gpt-4.1-2025-04-14', choices: [{ index: 0, delta: { content } }], ...fields };
}

function eventOf(data: object | string, lineEnd = '\n'): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}${lineEnd}${lineEnd}`;
}

function passed(meter: StreamMeter, ...pieces: readonly string[]): string {
  return pieces.map((piece) => meter.pass(Buffer.from(piece)).toString()).join('');
}

describe('a stream whose usage the router asked for', () => {
  /** Texts that look like what is taken out. */
  const contents = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '"usage":null',
      ',"usage":null',
      '","usage":null,"',
      '{"usage":{"prompt_tokens":1}}',
      'data: x\n\n',
      '\\"',
      ',',
    ),
  );

  test('leaves its caller the very bytes that would have come unasked, wherever it is cut between events', () => {
    fc.assert(
      fc.property(
        fc.array(contents, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        (texts, lineEnd, together) => {
          const plain = [...texts.map((text) => eventOf(chunk(text), lineEnd)), eventOf('[DONE]', lineEnd)];
          const asked = [
            ...texts.map((text) => eventOf(chunk(text, { usage: null }), lineEnd)),
            eventOf({ id: 'c', choices: [], usage: USAGE }, lineEnd),
            eventOf('[DONE]', lineEnd),
          ];
          const meter = new StreamMeter(true);
          expect(passed(meter, ...(together ? [asked.join('')] : asked))).toBe(plain.join(''));
          expect(meter.tokens).toEqual(TOKENS);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    { what: 'stands first', asked: '{"usage":null,"choices":[1]}', plain: '{"choices":[1]}' },
    { what: 'stands last, with spaces', asked: '{"choices":[1] , "usage" : null }', plain: '{"choices":[1]  }' },
    {
      what: 'comes with the last choice',
      asked: `{"choices":[1],"usage":${JSON.stringify(USAGE)},"x":1}`,
      plain: '{"choices":[1],"x":1}',
    },
    {
      what: 'comes with the last choice, first',
      asked: `{"usage":${JSON.stringify(USAGE)},"choices":[1]}`,
      plain: '{"choices":[1]}',
    },
  ])('is mended where the report $what', ({ asked, plain }) => {
    expect(passed(new StreamMeter(true), eventOf(asked))).toBe(eventOf(plain));
  });

  test('keeps bytes that are no text', () => {
    const bytes = Buffer.concat([
      Buffer.from('data: {"a":"'),
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('","usage":null}\n\n'),
    ]);
    const left = new StreamMeter(true).pass(bytes);
    expect([...left]).toEqual([...Buffer.from('data: {"a":"'), 0xff, 0xfe, 0x80, ...Buffer.from('"}\n\n')]);
  });
});

describe('a stream whose caller asked for its usage', () => {
  test('passes as it is, and is counted all the same', () => {
    const meter = new StreamMeter(false);
    const text = [
      eventOf(chunk('Hi', { usage: null })),
      eventOf({ choices: [], usage: USAGE }),
      eventOf('[DONE]'),
    ].join('');
    expect(passed(meter, text)).toBe(text);
    expect(meter.tokens).toEqual(TOKENS);
  });

  test('is counted from the last event of a response', () => {
    const meter = new StreamMeter(false);
    const usage = { input_tokens: 7, input_tokens_details: { cached_tokens: 4 }, output_tokens: 2 };
    passed(meter, eventOf({ type: 'response.created', response: { model: 'gpt-5', usage: null } }));
    expect(meter.tokens).toBeNull();
    passed(meter, eventOf({ type: 'response.completed', response: { tools: [{ usage: {} }], usage } }));
    expect(meter.tokens).toEqual(TOKENS);
    expect(meter.model).toBe('gpt-5');
  });
});

describe('what is kept of a stream', () => {
  test('is its beginning, and how much there was', () => {
    const meter = new StreamMeter(false);
    const event = eventOf(chunk('x'.repeat(1_000)));
    passed(meter, ...Array.from({ length: 50 }, () => event));
    expect(meter.bytes).toBe(50 * event.length);
    expect(meter.beginning.length).toBe(16 * 1024);
    expect(event.repeat(50).startsWith(meter.beginning.toString())).toBe(true);
    expect(meter.model).toBe('gpt-4.1-2025-04-14');
  });

  test('is a copy', () => {
    const bytes = Buffer.from('data: 1\n\n');
    const meter = new StreamMeter(false);
    meter.pass(bytes);
    bytes.fill(0);
    expect(meter.beginning.toString()).toBe('data: 1\n\n');
  });
});
