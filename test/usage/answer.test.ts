import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { modelIn, usageIn } from '../../src/usage/answer.ts';

const NONE = { prompt: 0, cached: 0, completion: 0, reasoning: 0, promptAudio: 0, completionAudio: 0 };
const read = (answer: unknown) => usageIn(Buffer.from(JSON.stringify(answer)))?.tokens ?? null;

describe('the usage of an answer', () => {
  test.each([
    {
      what: 'a chat',
      usage: {
        prompt_tokens: 100,
        completion_tokens: 40,
        total_tokens: 140,
        prompt_tokens_details: { cached_tokens: 64, audio_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 16, audio_tokens: 5, rejected_prediction_tokens: 0 },
      },
      tokens: { prompt: 100, cached: 64, completion: 40, reasoning: 16, promptAudio: 3, completionAudio: 5 },
    },
    {
      what: 'a response',
      usage: {
        input_tokens: 100,
        input_tokens_details: { cached_tokens: 64 },
        output_tokens: 40,
        output_tokens_details: { reasoning_tokens: 16 },
        total_tokens: 140,
      },
      tokens: { ...NONE, prompt: 100, cached: 64, completion: 40, reasoning: 16 },
    },
    { what: 'embeddings', usage: { prompt_tokens: 9, total_tokens: 9 }, tokens: { ...NONE, prompt: 9 } },
    {
      what: 'a recording',
      usage: { input_tokens: 9, output_tokens: 2, type: 'tokens' },
      tokens: { ...NONE, prompt: 9, completion: 2 },
    },
    {
      what: 'more cached than there is',
      usage: { prompt_tokens: 5, prompt_tokens_details: { cached_tokens: 9 } },
      tokens: { ...NONE, prompt: 5, cached: 5 },
    },
    {
      what: 'details that are null',
      usage: { prompt_tokens: 5, prompt_tokens_details: null },
      tokens: { ...NONE, prompt: 5 },
    },
  ])('is read from $what', ({ usage, tokens }) => {
    expect(read({ choices: [], usage, id: 'x' })).toEqual(tokens);
  });

  test.each([
    { what: 'null', answer: { usage: null } },
    { what: 'absent', answer: { choices: [] } },
    { what: 'of another kind', answer: { usage: { type: 'duration', seconds: 9 } } },
    { what: 'negative', answer: { usage: { prompt_tokens: -1 } } },
    { what: 'no whole number', answer: { usage: { prompt_tokens: 1.5 } } },
    { what: 'text', answer: { usage: { prompt_tokens: '7' } } },
  ])('is none where it is $what', ({ answer }) => {
    expect(read(answer)).toBeNull();
  });

  test('is not taken from what a tool or a text calls so', () => {
    const report = { prompt_tokens: 3, completion_tokens: 4 };
    const fake = { prompt_tokens: 999, completion_tokens: 999 };
    const texts = { content: JSON.stringify({ usage: fake }), metadata: { usage: 'none' } };
    expect(read({ tools: [{ usage: { type: 'object' } }], usage: report, ...texts })).toEqual({
      ...NONE,
      prompt: 3,
      completion: 4,
    });
  });

  test('is read whatever stands around it', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.string(),
        fc.nat(),
        fc.nat(),
        fc.nat(3),
        (before, behind, prompt, completion, indent) => {
          const answer = { a: before, usage: { prompt_tokens: prompt, completion_tokens: completion }, b: behind };
          const text = Buffer.from(JSON.stringify(answer, null, indent));
          expect(usageIn(text)?.tokens).toEqual({ ...NONE, prompt, completion });
        },
      ),
      { numRuns: 300 },
    );
  });

  test('says where it stands', () => {
    const bytes = Buffer.from('{"a":"é","usage":{"prompt_tokens":1},"b":2}');
    const said = usageIn(bytes);
    expect(bytes.subarray(said?.start, said?.end).toString()).toBe('{"prompt_tokens":1}');
  });

  test('is none in what breaks off within it', () => {
    const whole = Buffer.from('{"usage":{"prompt_tokens":1,"x":"}","completion_tokens":2}}');
    for (let end = 0; end < whole.length - 1; end++) expect(usageIn(whole.subarray(0, end))).toBeNull();
    expect(usageIn(whole)?.tokens).toEqual({ ...NONE, prompt: 1, completion: 2 });
  });
});

describe('the model of an answer', () => {
  test.each([
    { where: 'in front', text: '{"model":"gpt-4.1-2025-04-14","choices":[]}' },
    {
      where: 'behind a long text',
      text: `{"choices":"${'x'.repeat(5_000)}","model": "gpt-4.1-2025-04-14","usage":{}}`,
    },
  ])('is found $where', ({ text }) => {
    expect(modelIn(Buffer.from(text))).toBe('gpt-4.1-2025-04-14');
  });

  test.each(['{}', '{"model":""}', '{"model":7}', `{"model":"${'x'.repeat(129)}"}`])('is none in %s', (text) => {
    expect(modelIn(Buffer.from(text))).toBeNull();
  });
});
