import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerText, StreamedText } from '../../src/dashboard/live/completion.ts';

const chunk = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const STREAM = `${chunk('Grüße')}: a remark\n\n${chunk(', 世界')}data: {"choices":[]}\n\n${chunk('!')}data: [DONE]\n\n`;

test('a stream reads the same however it is cut', () => {
  const bytes = new TextEncoder().encode(STREAM);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const text = new StreamedText();
      const read = places.slice(1).map((end, at) => text.add(bytes.subarray(places[at], end)));
      expect(read.join('')).toBe('Grüße, 世界!');
    }),
  );
});

test.each([
  ['a whole answer', '{"choices":[{"message":{"content":"Yes."}}]}', 'Yes.'],
  ['an error', '{"error":{"message":"No."}}', 'No.'],
  ['what holds no text', '{"choices":[]}', '{"choices":[]}'],
  ['what is no JSON', '<p>', '<p>'],
])('%s is shown', (_what, body, text) => {
  expect(answerText(body)).toBe(text);
});
