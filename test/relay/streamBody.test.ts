import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dismissedEvent, errorEvent, HEARTBEAT, restartEvent, wholeEventsEnd } from '../../src/relay/events.ts';
import { StreamBody } from '../../src/relay/streamBody.ts';
import { type Restarted, StreamBroken, type StreamEnd, type StreamLimits } from '../../src/relay/streamPort.ts';
import { StreamMeter } from '../../src/usage/streamMeter.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { FakeCaller, FakeLive } from './fakes.ts';

const LIMITS: StreamLimits = { idleMs: 60_000, maxMs: 600_000, heartbeatMs: 15_000 };
const EVENT = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n';

interface Setting {
  readonly limits?: Partial<StreamLimits>;
  readonly live?: FakeLive;
  readonly typed?: boolean;
  readonly strips?: boolean;
  readonly restart?: () => Promise<Restarted | null>;
  /** The codes of errors that are a reason to begin again. */
  readonly due?: readonly (string | null)[];
}

function streamOf({ limits = {}, live = new FakeLive(), typed = false, strips = false, restart, due }: Setting = {}) {
  const clock = new ManualClock();
  const caller = new FakeCaller();
  const ends: StreamEnd[] = [];
  const over = { times: 0 };
  const body = new StreamBody({
    live,
    meter: new StreamMeter(strips),
    clock,
    caller,
    limits: { ...LIMITS, ...limits },
    typed,
    restart: restart === undefined ? null : { begin: restart, isDue: (code) => due?.includes(code) === true },
    onPartEnd: (end) => ends.push(end),
    onEnd: () => over.times++,
  });
  return { live, clock, caller, ends, over, body };
}

/** Reads all that comes; what has come so far stands in `text`. */
function reading(body: StreamBody) {
  const read = { bytes: Buffer.alloc(0), ended: false, error: null as unknown, text: () => read.bytes.toString() };
  const all = async (): Promise<void> => {
    try {
      for await (const chunk of body) read.bytes = Buffer.concat([read.bytes, chunk]);
    } catch (error) {
      read.error = error;
    }
    read.ended = true;
  };
  void all();
  return read;
}

function brokenText(cause: string, typed = false): string {
  const message = `The deployment's stream broke after it had begun (${cause}). What came so far is incomplete.`;
  return errorEvent({ message, code: 'upstream_failed' }, typed).toString();
}

const eventTexts = fc.constantFrom(
  EVENT,
  'data: {"a":"é漢😀"}\n\n',
  ': comment\n\n',
  'event: x\ndata: 1\n\n',
  'data: a\ndata: b\n\n',
  'data: [DONE]\n\n',
);
const streams = fc.record({
  events: fc.array(eventTexts, { minLength: 1, maxLength: 8 }),
  cuts: fc.array(fc.nat(), { maxLength: 10 }),
  pauses: fc.array(fc.boolean(), { minLength: 11, maxLength: 11 }),
});

function chunksOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % bytes.length))]
    .filter((cut) => cut > 0)
    .sort((left, right) => left - right);
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index]));
}

describe('a stream that comes whole', () => {
  test('reaches the caller byte for byte, however it is cut and read', async () => {
    await fc.assert(
      fc.asyncProperty(streams, async ({ events, cuts, pauses }) => {
        const { live, body, ends, clock } = streamOf();
        const bytes = Buffer.from(events.join(''));
        const read = reading(body);
        for (const [at, chunk] of chunksOf(bytes, cuts).entries()) {
          live.sink.onData(chunk);
          if (pauses[at] === true) await settled();
        }
        live.sink.onEnd();
        await settled();
        expect(read.bytes.equals(bytes)).toBe(true);
        expect(read).toMatchObject({ ended: true, error: null });
        expect(ends).toEqual([{ kind: 'complete' }]);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a stream that has said its last word', () => {
  const DONE = 'data: [DONE]\n\n';
  const COMPLETED = 'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n';
  const DELTA = 'event: response.output_text.delta\ndata: {"type":"response.output_text.delta"}\n\n';
  const FORMS = [
    { what: '[DONE]', typed: false, text: EVENT + DONE },
    { what: 'response.completed', typed: true, text: DELTA + COMPLETED },
    { what: 'a comment behind [DONE]', typed: false, text: `${EVENT}${DONE}: bye\n\n` },
  ];
  const HAPPENINGS: readonly { readonly how: string; readonly happen: (live: FakeLive) => void }[] = [
    { how: 'ends', happen: ({ sink }) => sink.onEnd() },
    { how: 'breaks', happen: ({ sink }) => sink.onBroken('connection lost') },
    {
      how: 'breaks amid an event',
      happen: ({ sink }) => {
        sink.onData(Buffer.from('data: ha'));
        sink.onBroken('connection lost');
      },
    },
  ];

  test.each(FORMS.flatMap((form) => HAPPENINGS.map((happening) => ({ ...form, ...happening }))))(
    'is complete, whatever its connection does: $what, and it $how',
    async ({ typed, text, happen }) => {
      const restart = (): Promise<null> => Promise.reject(new Error('nobody shall be asked'));
      const { live, body, ends, over, clock } = streamOf({ typed, restart });
      const read = reading(body);
      live.sink.onData(Buffer.from(text));
      await settled();
      happen(live);
      await settled();
      expect(read).toMatchObject({ ended: true, error: null });
      expect([read.text(), ends, over.times]).toEqual([text, [{ kind: 'complete' }], 1]);
      expect(clock.pending).toBe(0);
    },
  );

  test.each(FORMS)('is waited for no longer than a second: $what', async ({ typed, text }) => {
    const { live, body, ends, clock } = streamOf({ typed });
    const read = reading(body);
    live.sink.onData(Buffer.from(text));
    await clock.pass(999);
    expect([read.ended, live.aborted]).toEqual([false, false]);
    await clock.pass(1);
    expect([read.ended, live.aborted, read.text()]).toEqual([true, true, text]);
    expect(ends).toEqual([{ kind: 'complete' }]);
    expect(clock.pending).toBe(0);
  });

  test('is complete with an end too long to be held', async () => {
    const { live, body, ends } = streamOf({ typed: true });
    const read = reading(body);
    const [head, tail] = COMPLETED.split('{}') as [string, string];
    const text = `${DELTA}${head}{"result":"${'x'.repeat(1_100_000)}"}${tail}`;
    for (let at = 0; at < text.length; at += 60_000) live.sink.onData(Buffer.from(text.slice(at, at + 60_000)));
    live.sink.onBroken('connection lost');
    await settled();
    expect(read.text() === text).toBe(true);
    expect(ends).toEqual([{ kind: 'complete' }]);
  });

  test('goes on where more comes all the same, and may break then', async () => {
    const { live, body, ends, clock } = streamOf();
    const read = reading(body);
    live.sink.onData(Buffer.from(DONE));
    await clock.pass(500);
    live.sink.onData(Buffer.from(EVENT));
    await clock.pass(5_000);
    expect(read.ended).toBe(false);
    live.sink.onBroken('connection lost');
    await settled();
    expect(read.text()).toBe(DONE + EVENT + brokenText('connection lost'));
    expect(ends).toMatchObject([{ kind: 'broken' }]);
  });

  test.each([
    { what: 'has all of it', reads: true, end: 'complete' },
    { what: 'has not taken it', reads: false, end: 'gone' },
  ])('whose caller leaves then and $what: $end', async ({ reads, end }) => {
    const { live, body, ends, caller } = streamOf();
    if (reads) reading(body);
    live.sink.onData(Buffer.from(EVENT + DONE));
    await settled();
    caller.leave();
    expect(ends).toEqual([{ kind: end }]);
    expect(live.aborted).toBe(true);
  });

  test.each(['data: [DONE]', 'data: [DONE]\n'])('may lack the blank line behind it: %j', async (last) => {
    const { live, body, ends } = streamOf();
    const read = reading(body);
    live.sink.onData(Buffer.from(EVENT + last));
    live.sink.onEnd();
    await settled();
    expect([read.text(), ends]).toEqual([EVENT + last, [{ kind: 'complete' }]]);
  });
});

describe('a stream that ends amid an event', () => {
  test.each(['data: {"choices":[{"del', 'da', 'data: [DON', EVENT.trimEnd(), `${EVENT.trimEnd()}\n`])(
    'is broken: %j is held back',
    async (half) => {
      const { live, body, ends } = streamOf();
      const read = reading(body);
      live.sink.onData(Buffer.from(EVENT + half));
      live.sink.onEnd();
      await settled();
      expect(read.text()).toBe(EVENT + brokenText('it ended amid an event'));
      expect(ends).toEqual([{ kind: 'broken', cause: 'it ended amid an event' }]);
    },
  );

  test('is broken where the event was let through, as it never ended', async () => {
    const { live, body, ends } = streamOf();
    const read = reading(body);
    const long = Buffer.alloc(1024 * 1024 + 1, 'x');
    live.sink.onData(long);
    live.sink.onEnd();
    await settled();
    expect(read.text().slice(long.length)).toBe(`\n\n${brokenText('it ended amid an event')}`);
    expect(ends).toMatchObject([{ kind: 'broken' }]);
  });

  test('begins again elsewhere where that was asked for', async () => {
    const next = new FakeLive();
    const restart = () => Promise.resolve({ live: next, meter: new StreamMeter(false), from: 'A/m', to: 'B/m' });
    const { live, body } = streamOf({ restart });
    const read = reading(body);
    live.sink.onData(Buffer.from(`${EVENT}data: ha`));
    live.sink.onEnd();
    await settled();
    next.sink.onData(Buffer.from(EVENT));
    next.sink.onEnd();
    await settled();
    expect(read.text()).toBe(`${EVENT}${restartEvent('A/m', 'B/m', false).toString()}${EVENT}`);
  });
});

describe("the deployment's own error event", () => {
  const ERROR = 'data: {"error":{"code":"server_error","message":"m"}}\n\n';
  const DONE = 'data: [DONE]\n\n';

  test.each([
    { what: 'ends', text: EVENT + ERROR, end: 'onEnd' as const },
    { what: 'breaks', text: EVENT + ERROR, end: 'onBroken' as const },
    { what: 'says [DONE] all the same', text: EVENT + ERROR + DONE, end: 'onEnd' as const },
    { what: 'says [DONE] later', text: EVENT + ERROR, late: DONE, end: 'onEnd' as const },
  ])('passes as it came, and is an end that is none: its stream $what', async ({ text, late = '', end }) => {
    const { live, body, ends } = streamOf();
    const read = reading(body);
    live.sink.onData(Buffer.from(text));
    await settled();
    if (late !== '') live.sink.onData(Buffer.from(late));
    live.sink[end]('connection lost');
    await settled();
    expect(read.text()).toBe(text + late);
    expect(ends).toEqual([{ kind: 'erred', code: 'server_error' }]);
  });

  test('is withheld where the stream begins again, and what came before it is not', async () => {
    const next = new FakeLive();
    const restart = () => Promise.resolve({ live: next, meter: new StreamMeter(false), from: 'A/m', to: 'B/m' });
    const { live, body, ends } = streamOf({ restart, due: ['server_error'] });
    const read = reading(body);
    live.sink.onData(Buffer.from(EVENT + EVENT + ERROR + DONE));
    await settled();
    expect(live.aborted).toBe(true);
    next.sink.onData(Buffer.from(EVENT));
    next.sink.onEnd();
    await settled();
    expect(read.text()).toBe(EVENT + EVENT + restartEvent('A/m', 'B/m', false).toString() + EVENT);
    expect(ends).toEqual([{ kind: 'erred', code: 'server_error' }, { kind: 'complete' }]);
  });

  test('comes after all where nobody is left to begin again', async () => {
    const { live, body, over } = streamOf({ restart: () => Promise.resolve(null), due: ['server_error'] });
    const read = reading(body);
    live.sink.onData(Buffer.from(EVENT + ERROR));
    await settled();
    expect([read.text(), read.ended, over.times]).toEqual([EVENT + ERROR, true, 1]);
  });

  test("is no reason to begin again where it is the caller's affair", async () => {
    const restart = (): Promise<null> => Promise.reject(new Error('nobody shall be asked'));
    const { live, body } = streamOf({ restart, due: ['server_error'] });
    const read = reading(body);
    const filtered = ERROR.replace('server_error', 'content_filter');
    live.sink.onData(Buffer.from(EVENT + filtered));
    live.sink.onEnd();
    await settled();
    expect(read.text()).toBe(EVENT + filtered);
  });
});

describe('a stream whose caller is dismissed', () => {
  test.each([false, true])('ends with one error event on a boundary (typed: %s)', async (typed) => {
    const { live, body, ends, over, caller, clock } = streamOf({ typed });
    const read = reading(body);
    live.sink.onData(Buffer.from(`${EVENT}data: ha`));
    await settled();
    caller.dismiss();
    await settled();
    expect(read.text()).toBe(EVENT + dismissedEvent(typed).toString());
    expect(read).toMatchObject({ ended: true, error: null });
    expect([ends, over.times, live.aborted, clock.pending]).toEqual([[{ kind: 'dismissed' }], 1, true, 0]);
  });

  test('is complete where it has said its last word', async () => {
    const { live, body, ends, caller } = streamOf();
    const read = reading(body);
    live.sink.onData(Buffer.from(`${EVENT}data: [DONE]\n\n`));
    await settled();
    caller.dismiss();
    await settled();
    expect([read.text(), ends]).toEqual([`${EVENT}data: [DONE]\n\n`, [{ kind: 'complete' }]]);
  });

  test('begins nothing again', async () => {
    const begun = Promise.withResolvers<Restarted | null>();
    const { live, body, ends, caller } = streamOf({ restart: () => begun.promise });
    const read = reading(body);
    live.sink.onData(Buffer.from(EVENT));
    live.sink.onBroken('connection lost');
    caller.dismiss();
    const next = new FakeLive();
    begun.resolve({ live: next, meter: new StreamMeter(false), from: 'A/m', to: 'B/m' });
    await settled();
    expect(read.text()).toBe(EVENT + dismissedEvent(false).toString());
    expect([ends, next.aborted]).toEqual([[{ kind: 'broken', cause: 'connection lost' }], true]);
  });

  test('is broken off where no event can say so', async () => {
    const { live, body, caller } = streamOf({ live: new FakeLive(false) });
    const read = reading(body);
    live.sink.onData(Buffer.from('sound'));
    await settled();
    caller.dismiss();
    await settled();
    expect(read.error).toBeInstanceOf(StreamBroken);
  });
});

describe('a stream that breaks', () => {
  test('has ended on a boundary before its one error event, wherever it broke', async () => {
    await fc.assert(
      fc.asyncProperty(streams, fc.nat(), fc.boolean(), async ({ events, cuts, pauses }, place, typed) => {
        const { live, body, ends, clock } = streamOf({ typed });
        const whole = Buffer.from(events.join(''));
        const bytes = whole.subarray(0, 1 + (place % whole.length));
        const read = reading(body);
        for (const [at, chunk] of chunksOf(bytes, cuts).entries()) {
          live.sink.onData(chunk);
          if (pauses[at] === true) await settled();
        }
        live.sink.onBroken('connection lost');
        await settled();
        const forwarded = bytes.subarray(0, wholeEventsEnd(bytes)).toString();
        const isComplete = /data: \[DONE\]\n\n(?:: comment\n\n)*$/.test(forwarded);
        expect(read.text()).toBe(forwarded + (isComplete ? '' : brokenText('connection lost', typed)));
        expect(read).toMatchObject({ ended: true, error: null });
        expect(ends).toEqual([isComplete ? { kind: 'complete' } : { kind: 'broken', cause: 'connection lost' }]);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('says so once, whatever comes behind', async () => {
    const { live, body, ends } = streamOf();
    const read = reading(body);
    const { sink } = live;
    sink.onData(Buffer.from(EVENT));
    sink.onBroken('first');
    sink.onBroken('second');
    sink.onData(Buffer.from(EVENT));
    sink.onEnd();
    await settled();
    expect(read.text()).toBe(EVENT + brokenText('first'));
    expect(ends).toHaveLength(1);
  });

  test('is broken off for the caller too where no event can say so', async () => {
    const { live, body } = streamOf({ live: new FakeLive(false) });
    const read = reading(body);
    live.sink.onData(Buffer.from('sound'));
    await settled();
    live.sink.onBroken('connection lost');
    await settled();
    expect(read.text()).toBe('sound');
    expect(read.error).toBeInstanceOf(StreamBroken);
  });

  test('hands over what waits before it breaks off, read late', async () => {
    const { live, body } = streamOf({ live: new FakeLive(false) });
    live.sink.onData(Buffer.from('sound'));
    live.sink.onBroken('connection lost');
    const read = reading(body);
    await settled();
    expect(read.text()).toBe('sound');
    expect(read.error).toBeInstanceOf(StreamBroken);
  });
});

describe('an event half received', () => {
  test('is held back until its end has come', async () => {
    const { live, body } = streamOf();
    const read = reading(body);
    live.sink.onData(Buffer.from(`${EVENT}data: half`));
    await settled();
    expect(read.text()).toBe(EVENT);
    live.sink.onData(Buffer.from(' and whole\n'));
    await settled();
    expect(read.text()).toBe(EVENT);
    live.sink.onData(Buffer.from('\n'));
    await settled();
    expect(read.text()).toBe(`${EVENT}data: half and whole\n\n`);
  });

  test('is let through after 1 MB, and closed before an error event', async () => {
    const { live, body } = streamOf();
    const read = reading(body);
    const piece = Buffer.alloc(64 * 1024, 'x');
    for (let count = 0; count < 16; count++) live.sink.onData(piece);
    await settled();
    expect(read.bytes.length).toBe(0);
    live.sink.onData(piece);
    await settled();
    expect(read.bytes.length).toBe(17 * piece.length);
    live.sink.onData(Buffer.from('the beginning of more'));
    live.sink.onBroken('connection lost');
    await settled();
    expect(read.text().slice(17 * piece.length)).toBe(`\n\n${brokenText('connection lost')}`);
  });

  test('that was let through is followed by whole events again', async () => {
    const { live, body } = streamOf();
    const read = reading(body);
    const long = Buffer.alloc(1024 * 1024 + 1, 'x');
    live.sink.onData(long);
    live.sink.onData(Buffer.from(`\n\n${EVENT}data: half`));
    live.sink.onBroken('connection lost');
    await settled();
    expect(read.text().slice(long.length)).toBe(`\n\n${EVENT}${brokenText('connection lost')}`);
  });
});

describe('a heartbeat', () => {
  test('comes in every silence of its length, and only there', async () => {
    const { live, body, clock } = streamOf({ limits: { idleMs: 100_000 } });
    const read = reading(body);
    await clock.pass(14_000);
    live.sink.onData(Buffer.from(EVENT));
    await clock.pass(14_999);
    expect(read.text()).toBe(EVENT);
    await clock.pass(1);
    expect(read.text()).toBe(`${EVENT}${HEARTBEAT.toString()}`);
    await clock.pass(30_000);
    expect(read.text()).toBe(`${EVENT}${HEARTBEAT.toString().repeat(3)}`);
  });

  test('never stands within an event, whatever comes when', async () => {
    const steps = fc.array(fc.oneof(fc.nat({ max: 40_000 }), fc.constantFrom('data: x', '\n', '\n\n', 'é', EVENT)), {
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(steps, async (happenings) => {
        const { live, body, clock } = streamOf({ limits: { idleMs: 1e9, maxMs: 1e9 } });
        const read = reading(body);
        let sent = '';
        for (const one of happenings) {
          if (typeof one === 'number') await clock.pass(one);
          else {
            live.sink.onData(Buffer.from(one));
            sent += one;
          }
          await settled();
        }
        const beat = HEARTBEAT.toString();
        const pieces = read.text().split(beat);
        let before = '';
        for (const piece of pieces.slice(0, -1)) {
          before += piece;
          expect(wholeEventsEnd(Buffer.from(before))).toBe(Buffer.byteLength(before));
        }
        expect(sent.startsWith(pieces.join(''))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('does not come into an event that was let through in part', async () => {
    const { live, body, clock } = streamOf();
    const read = reading(body);
    const long = Buffer.alloc(1024 * 1024 + 1, 'x');
    live.sink.onData(long);
    await clock.pass(45_000);
    expect(read.bytes.length).toBe(long.length);
  });

  test('does not come between the bytes of a sound', async () => {
    const { body, clock } = streamOf({ live: new FakeLive(false) });
    const read = reading(body);
    await clock.pass(45_000);
    expect(read.text()).toBe('');
  });

  test('does not pile up where nobody reads', async () => {
    const { live, body, clock } = streamOf();
    await clock.pass(45_000);
    live.sink.onData(Buffer.from(EVENT));
    const read = reading(body);
    await settled();
    expect(read.text()).toBe(EVENT);
  });

  test('never comes where it is configured as 0', async () => {
    const { body, clock } = streamOf({ limits: { heartbeatMs: 0 } });
    const read = reading(body);
    await clock.pass(50);
    expect(read.text()).toBe('');
  });
});

describe('time', () => {
  test('ends a stream that is silent for too long, heartbeats or not', async () => {
    const { live, body, clock, ends } = streamOf();
    const read = reading(body);
    await clock.pass(59_999);
    expect(read.ended).toBe(false);
    await clock.pass(1);
    const cause = 'it was silent for 60000 ms';
    expect(read.text()).toBe(HEARTBEAT.toString().repeat(3) + brokenText(cause));
    expect(live.aborted).toBe(true);
    expect(ends).toEqual([{ kind: 'broken', cause }]);
    expect(read.ended).toBe(true);
  });

  test('is counted anew with every byte', async () => {
    const { live, body, clock } = streamOf();
    const read = reading(body);
    for (let count = 0; count < 5; count++) {
      await clock.pass(59_000);
      live.sink.onData(Buffer.from('x'));
    }
    await clock.pass(59_999);
    expect(read.ended).toBe(false);
    await clock.pass(1);
    expect(read.ended).toBe(true);
  });

  test('ends a stream that lasts too long, though it is lively', async () => {
    const { live, body, clock, ends } = streamOf();
    const read = reading(body);
    for (let count = 0; count < 59; count++) {
      await clock.pass(10_000);
      live.sink.onData(Buffer.from(EVENT));
    }
    await clock.pass(9_999);
    expect(read.ended).toBe(false);
    await clock.pass(1);
    const cause = 'it lasted longer than 600000 ms';
    expect(read.text()).toBe(EVENT.repeat(59) + brokenText(cause));
    expect(ends).toEqual([{ kind: 'broken', cause }]);
    expect(live.aborted).toBe(true);
  });

  test('ends a sound in silence: broken off, not completed', async () => {
    const { body, clock } = streamOf({ live: new FakeLive(false) });
    const read = reading(body);
    await clock.pass(60_000);
    expect(read.error).toBeInstanceOf(StreamBroken);
  });
});

describe('a slow caller', () => {
  const piece = Buffer.from(`data: ${'x'.repeat(64 * 1024 - 8)}\n\n`);

  test('makes the deployment wait once 256 kB wait for it, and go on once they are taken', async () => {
    const { live, body } = streamOf();
    for (let count = 0; count < 4; count++) live.sink.onData(piece);
    expect(live.paused).toBe(false);
    live.sink.onData(piece);
    expect(live.paused).toBe(true);
    const read = reading(body);
    await settled();
    expect(live.paused).toBe(false);
    expect(read.bytes.length).toBe(5 * piece.length);
  });

  test('is not the silence of the deployment', async () => {
    const { live, body, clock, ends } = streamOf();
    for (let count = 0; count < 5; count++) live.sink.onData(piece);
    await clock.pass(300_000);
    expect(ends).toEqual([]);
    const read = reading(body);
    await clock.pass(59_000);
    expect(read.ended).toBe(false);
  });

  test('that never reads on is let go after the longest duration', async () => {
    const { live, clock, ends } = streamOf();
    for (let count = 0; count < 5; count++) live.sink.onData(piece);
    await clock.pass(600_000);
    expect(live.aborted).toBe(true);
    expect(ends).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});

describe('a caller who leaves', () => {
  test.each([
    { what: 'as the host tells', leave: (one: ReturnType<typeof streamOf>) => one.caller.leave() },
    { what: 'by reading no further', leave: (one: ReturnType<typeof streamOf>) => void one.body.return() },
  ])('$what, ends the stream upstream, and nothing is left behind', async ({ leave }) => {
    const one = streamOf();
    one.live.sink.onData(Buffer.from(EVENT));
    leave(one);
    await settled();
    expect(one.live.aborted).toBe(true);
    expect(one.ends).toEqual([{ kind: 'gone' }]);
    expect(one.clock.pending).toBe(0);
    expect(one.caller.watched).toBe(false);
  });
});

describe('a restart', () => {
  function restarting(next: FakeLive | null, setting: Setting = {}) {
    let begin: (value: Restarted | null) => void = () => undefined;
    const pending = new Promise<Restarted | null>((resolve) => {
      begin = resolve;
    });
    const one = streamOf({ ...setting, restart: () => pending });
    return {
      ...one,
      begin: () => begin(next === null ? null : { live: next, meter: new StreamMeter(false), from: 'A/m', to: 'B/m' }),
    };
  }

  test.each([true, false])(
    'is marked, begins from the beginning, and drops the half event (typed: %s)',
    async (typed) => {
      const next = new FakeLive();
      const { live, body, ends, begin } = restarting(next, { typed });
      const read = reading(body);
      live.sink.onData(Buffer.from(`${EVENT}data: half`));
      live.sink.onBroken('connection lost');
      live.sink.onData(Buffer.from('late'));
      begin();
      await settled();
      next.sink.onData(Buffer.from(`${EVENT}${EVENT}`));
      next.sink.onEnd();
      await settled();
      expect(read.text()).toBe(`${EVENT}${restartEvent('A/m', 'B/m', typed).toString()}${EVENT}${EVENT}`);
      expect(ends).toEqual([{ kind: 'broken', cause: 'connection lost' }, { kind: 'complete' }]);
      expect(read.ended).toBe(true);
    },
  );

  test('closes an event that was let through in part before its mark', async () => {
    const next = new FakeLive();
    const { live, body, begin } = restarting(next);
    const read = reading(body);
    const long = Buffer.alloc(1024 * 1024 + 1, 'x');
    live.sink.onData(long);
    live.sink.onBroken('connection lost');
    begin();
    await settled();
    expect(read.text().slice(long.length)).toBe(`\n\n${restartEvent('A/m', 'B/m', false).toString()}`);
  });

  test('that finds nowhere to go ends in the error event', async () => {
    const { live, body, begin } = restarting(null);
    const read = reading(body);
    live.sink.onData(Buffer.from(EVENT));
    live.sink.onBroken('connection lost');
    begin();
    await settled();
    expect(read.text()).toBe(EVENT + brokenText('connection lost'));
  });

  test('that throws ends in the error event', async () => {
    const { live, body } = streamOf({ restart: () => Promise.reject(new Error('no')) });
    const read = reading(body);
    live.sink.onBroken('connection lost');
    await settled();
    expect(read.text()).toBe(brokenText('connection lost'));
  });

  test('keeps the caller’s connection alive while it looks for a deployment, and is no silence', async () => {
    const next = new FakeLive();
    const { live, body, clock, begin } = restarting(next);
    const read = reading(body);
    live.sink.onBroken('connection lost');
    await clock.pass(90_000);
    expect(read.text()).toBe(HEARTBEAT.toString().repeat(6));
    begin();
    await clock.pass(59_000);
    expect(read.ended).toBe(false);
  });

  test('after the caller has left is given up', async () => {
    const next = new FakeLive();
    const { live, caller, body, begin, ends } = restarting(next);
    const read = reading(body);
    live.sink.onBroken('connection lost');
    caller.leave();
    begin();
    await settled();
    expect(next.aborted).toBe(true);
    expect(read.ended).toBe(true);
    expect(ends).toEqual([{ kind: 'broken', cause: 'connection lost' }]);
  });

  test('does not outlast the longest duration', async () => {
    const next = new FakeLive();
    const { live, clock, body, begin } = restarting(next);
    const read = reading(body);
    live.sink.onBroken('connection lost');
    await clock.pass(600_000);
    expect(read.ended).toBe(true);
    begin();
    await settled();
    expect(next.aborted).toBe(true);
  });

  test('makes the new deployment wait as well for a caller who is behind', async () => {
    const next = new FakeLive();
    const { live, begin } = restarting(next);
    const piece = Buffer.from(`data: ${'x'.repeat(64 * 1024)}\n\n`);
    for (let count = 0; count < 5; count++) live.sink.onData(piece);
    live.sink.onBroken('connection lost');
    begin();
    await settled();
    for (let count = 0; count < 5; count++) next.sink.onData(piece);
    expect(next.paused).toBe(true);
  });
});

describe('what the router asked for behind its caller', () => {
  const TOLD = 'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n';
  const WITH = EVENT.replace(']}', '],"usage":null}');

  test.each([
    { what: 'in whole events', cuts: [] },
    { what: 'in pieces of every size', cuts: [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144] },
  ])('never reaches the caller, who reads to the end ($what)', async ({ cuts }) => {
    const { live, body, ends, over } = streamOf({ strips: true });
    const read = reading(body);
    const bytes = Buffer.from(`${WITH}${WITH}${TOLD}data: [DONE]\n\n`);
    let from = 0;
    for (const to of [...cuts.filter((at) => at < bytes.length), bytes.length]) {
      live.sink.onData(bytes.subarray(from, to));
      from = to;
    }
    live.sink.onEnd();
    await settled();
    expect(read.text()).toBe(`${EVENT}${EVENT}data: [DONE]\n\n`);
    expect(ends).toEqual([{ kind: 'complete' }]);
    expect(over.times).toBe(1);
  });

  test('is left where the caller asked for it', async () => {
    const { live, body } = streamOf();
    const read = reading(body);
    live.sink.onData(Buffer.from(`${WITH}${TOLD}`));
    live.sink.onEnd();
    await settled();
    expect(read.text()).toBe(`${WITH}${TOLD}`);
  });
});

describe('the end', () => {
  test.each<{ how: string; end: (one: ReturnType<typeof streamOf>) => void }>([
    { how: 'is over', end: ({ live }) => live.sink.onEnd() },
    { how: 'breaks', end: ({ live }) => live.sink.onBroken('connection lost') },
    { how: 'loses its caller', end: ({ caller }) => caller.leave() },
    { how: 'loses its reader', end: ({ body }) => void body.return() },
  ])('is told once, where the stream $how', async ({ end }) => {
    const one = streamOf();
    reading(one.body);
    one.live.sink.onData(Buffer.from(EVENT));
    end(one);
    await settled();
    one.caller.leave();
    await one.body.return();
    expect(one.over.times).toBe(1);
  });
});
