import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommitGate, type GateVerdict } from '../../src/relay/commitGate.ts';

const PRELUDES = [
  ': comment',
  'data: {"choices":[],"prompt_filter_results":[]}',
  'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}',
  'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1"}}',
  'id: 5',
] as const;
const DECIDING = [
  { event: 'data: {"choices":[{"index":0,"delta":{"content":"Hé 漢"}}]}', verdict: { kind: 'commit' } },
  { event: 'data: [DONE]', verdict: { kind: 'commit' } },
  {
    event: 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"H"}',
    verdict: { kind: 'commit' },
  },
  { event: 'data: {"error":{"code":"server_error","message":"m"}}', verdict: { kind: 'error', code: 'server_error' } },
  { event: 'data: {"error":{}}', verdict: { kind: 'error', code: null } },
  { event: 'event: error\ndata: {"type":"error","code":"429"}', verdict: { kind: 'error', code: '429' } },
] as const satisfies readonly { event: string; verdict: GateVerdict }[];

function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % bytes.length))]
    .filter((cut) => cut > 0)
    .sort((left, right) => left - right);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index]));
}

describe('the commit gate', () => {
  test('opens with the very chunk that completes the first content or error, however the bytes are cut', () => {
    const streams = fc.record({
      preludes: fc.array(fc.constantFrom(...PRELUDES), { maxLength: 4 }),
      deciding: fc.constantFrom(...DECIDING),
      rest: fc.array(fc.constantFrom(...PRELUDES, ...DECIDING.map(({ event }) => event)), { maxLength: 3 }),
      ending: fc.constantFrom('\n', '\r\n', '\r'),
      cuts: fc.array(fc.nat(), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(streams, ({ preludes, deciding, rest, ending, cuts }) => {
        const written = (events: readonly string[]) =>
          Buffer.from(events.map((event) => `${event}\n\n`.replaceAll('\n', ending)).join(''));
        const decidedAt = written([...preludes, deciding.event]).length;
        const gate = new CommitGate();
        const all = written([...preludes, deciding.event, ...rest]);
        let received = 0;
        for (const chunk of chunksOf(all, cuts)) {
          received += chunk.length;
          const verdict = gate.push(chunk);
          expect(gate.held.equals(all.subarray(0, received))).toBe(true);
          if (received < decidedAt) expect(verdict).toEqual({ kind: 'wait' });
          else {
            expect(verdict).toEqual(deciding.verdict);
            return;
          }
        }
        throw new Error('the gate never opened');
      }),
      { numRuns: 2_000 },
    );
  });

  test('remembers the stored response that the first event names', () => {
    const gate = new CommitGate();
    expect(gate.responseId).toBeNull();
    gate.push(
      Buffer.from(
        'data: {"type":"response.created","response":{"id":"resp_1"}}\n\ndata: {"type":"response.in_progress","response":{"id":"resp_2"}}\n\n',
      ),
    );
    expect(gate.responseId).toBe('resp_1');
  });

  test('holds a prelude of 256 kB at most, of many events or of one that never ends', () => {
    for (const piece of [`: ${'x'.repeat(1_000)}\n\n`, 'x'.repeat(1_000)]) {
      const gate = new CommitGate();
      let pushed = 0;
      while (gate.push(Buffer.from(piece)).kind === 'wait') pushed += piece.length;
      expect(pushed).toBeGreaterThan(250 * 1024);
      expect(gate.held.length).toBeLessThan(258 * 1024);
    }
  });
});
