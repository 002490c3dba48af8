import { describe, expect, test } from 'vitest';
import { type AttemptEnd, type AttemptOptions, attempt, type LiveSink } from '../../src/relay/attempt.ts';
import { UpstreamError, type UpstreamRequest } from '../../src/upstream/port.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { configFor } from '../routing/facts.ts';
import { FakeCaller, FakeUpstream } from './fakes.ts';

const CONFIG = configFor({ pools: { p: { strategy: 'priority', members: ['A/m'] } } });
const PRELUDE = Buffer.from('data: {"choices":[],"prompt_filter_results":[]}\n\n');
const CONTENT = Buffer.from('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n');
const SSE = { 'content-type': 'text/event-stream; charset=utf-8' };
const MB = 1024 * 1024;

function begin(limitMs = 10_000) {
  const clock = new ManualClock();
  const upstream = new FakeUpstream(clock);
  const caller = new FakeCaller();
  const endpoint = CONFIG.endpoints.get('A');
  if (endpoint === undefined) throw new Error('there is no A');
  const request: UpstreamRequest = { endpoint, method: 'POST', path: '/', headers: [], body: null };
  const options: AttemptOptions = { upstream, clock, request, caller, limitMs };
  const result: { end: AttemptEnd | null } = { end: null };
  void attempt(options).then((end) => {
    result.end = end;
  });
  return { clock, caller, result, sent: upstream.last, listener: upstream.last.listener };
}

function sinkTo(heard: string[]): LiveSink {
  return {
    onData: (chunk) => heard.push(chunk.length > 100 ? `${chunk.length} bytes` : chunk.toString()),
    onEnd: () => heard.push('end'),
    onBroken: (cause) => heard.push(`broken: ${cause}`),
  };
}

function liveOf(end: AttemptEnd | null) {
  if (end === null || !('live' in end)) throw new Error(`the attempt is ${end?.kind ?? 'under way'}`);
  return end.live;
}

describe('an attempt', () => {
  test('takes an answer in whole, with the time to its head', async () => {
    const { clock, listener, result } = begin();
    clock.advance(120);
    listener.onHead(200, { 'content-type': 'application/json' });
    listener.onData(Buffer.from('{"a"'));
    listener.onData(Buffer.from(':1}'));
    clock.advance(30);
    await settled();
    expect(result.end).toBeNull();
    listener.onEnd();
    await settled();
    expect(result.end).toMatchObject({ kind: 'whole', head: { status: 200, headMs: 120 } });
    expect(result.end?.kind === 'whole' ? result.end.body.toString() : '').toBe('{"a":1}');
    expect(clock.pending).toBe(0);
  });

  test.each([
    { what: 'an answer without a body', status: 204, headers: {} },
    { what: 'an error told as an event stream', status: 503, headers: SSE },
    { what: 'an answer without a type', status: 200, headers: {} },
  ])('takes $what in whole', async ({ status, headers }) => {
    const { listener, result } = begin();
    listener.onHead(status, headers);
    listener.onEnd();
    await settled();
    expect(result.end).toMatchObject({ kind: 'whole', head: { status } });
  });

  test('lets a whole answer beyond 16 MB pass as it comes, and loses none of it', async () => {
    const { listener, result, clock, caller } = begin();
    listener.onHead(200, { 'content-type': 'application/json' });
    const piece = Buffer.alloc(MB, 'x');
    for (let count = 0; count < 16; count++) listener.onData(piece);
    await settled();
    expect(result.end).toBeNull();
    listener.onData(piece);
    await settled();
    expect(result.end?.kind).toBe('live');
    const live = liveOf(result.end);
    expect(live.events).toBe(false);
    listener.onData(Buffer.from('more'));
    const heard: string[] = [];
    live.attach(sinkTo(heard));
    listener.onData(Buffer.from('last'));
    listener.onEnd();
    expect(heard).toEqual([...Array.from({ length: 17 }, () => `${MB} bytes`), 'more', 'last', 'end']);
    expect(clock.pending).toBe(0);
    expect(caller.watched).toBe(false);
  });

  test.each(['audio/mpeg', 'video/mp4', 'application/octet-stream'])(
    'lets %s pass with its first chunk',
    async (contentType) => {
      const { listener, result } = begin();
      listener.onHead(200, { 'content-type': contentType });
      listener.onData(Buffer.from('s'));
      await settled();
      expect(result.end?.kind).toBe('live');
    },
  );

  test('lets a compressed event stream pass as bytes: its events cannot be read', async () => {
    const { listener, result } = begin();
    listener.onHead(200, { ...SSE, 'content-encoding': 'gzip' });
    listener.onData(Buffer.from([0x1f, 0x8b]));
    await settled();
    expect(liveOf(result.end).events).toBe(false);
  });

  test('holds a stream until its first content, and hands over what it held', async () => {
    const { listener, result, clock } = begin();
    listener.onHead(200, SSE);
    listener.onData(PRELUDE);
    await settled();
    expect(result.end).toBeNull();
    listener.onData(CONTENT);
    await settled();
    expect(result.end?.kind).toBe('live');
    const heard: string[] = [];
    liveOf(result.end).attach(sinkTo(heard));
    listener.onEnd();
    expect(heard).toEqual([PRELUDE.toString() + CONTENT.toString(), 'end']);
    clock.advance(1e6);
    expect(heard).toHaveLength(2);
  });

  test.each([
    { what: 'end', finish: 'end' as const, last: 'end' },
    { what: 'break', finish: 'break' as const, last: 'broken: connection lost' },
  ])('tells of an $what that came before anybody listened', async ({ finish, last }) => {
    const { listener, result } = begin();
    listener.onHead(200, SSE);
    listener.onData(CONTENT);
    if (finish === 'end') listener.onEnd();
    else listener.onError(new UpstreamError('reset', 'connection lost'));
    await settled();
    const heard: string[] = [];
    liveOf(result.end).attach(sinkTo(heard));
    expect(heard).toEqual([CONTENT.toString(), last]);
  });

  test('finds an error before any content, and keeps the stream for whom it concerns', async () => {
    const { listener, result } = begin();
    listener.onHead(200, SSE);
    const failure = Buffer.from('data: {"error":{"code":"server_error"}}\n\n');
    listener.onData(PRELUDE);
    listener.onData(failure);
    await settled();
    expect(result.end).toMatchObject({ kind: 'streamError', code: 'server_error' });
    const heard: string[] = [];
    liveOf(result.end).attach(sinkTo(heard));
    expect(heard).toEqual([PRELUDE.toString() + failure.toString()]);
  });

  test('is broken where a stream ends before any content', async () => {
    const { listener, result } = begin();
    listener.onHead(200, SSE);
    listener.onData(PRELUDE);
    listener.onEnd();
    await settled();
    expect(result.end).toEqual({ kind: 'broken', how: 'lost', cause: 'stream ended before any content' });
  });

  test.each([
    { what: 'without a connection', kind: 'connect' as const, how: 'lost' },
    { what: 'with a lost connection', kind: 'reset' as const, how: 'lost' },
    { what: 'with an answer that is no HTTP', kind: 'protocol' as const, how: 'lost' },
    { what: 'without a token', kind: 'credential' as const, how: 'credential' },
  ])('is broken $what ($how)', async ({ kind, how }) => {
    const { listener, result, clock, caller } = begin();
    listener.onError(new UpstreamError(kind, 'the cause'));
    await settled();
    expect(result.end).toEqual({ kind: 'broken', how, cause: 'the cause' });
    expect(clock.pending).toBe(0);
    expect(caller.watched).toBe(false);
  });

  test.each([
    { what: 'before the head', go: () => undefined },
    { what: 'within a whole answer', go: (one: ReturnType<typeof begin>) => one.listener.onHead(200, {}) },
    {
      what: 'before the first content',
      go: (one: ReturnType<typeof begin>) => {
        one.listener.onHead(200, SSE);
        one.listener.onData(PRELUDE);
      },
    },
  ])('is given up at its limit $what', async ({ go }) => {
    const one = begin(10_000);
    go(one);
    one.clock.advance(9_999);
    await settled();
    expect(one.result.end).toBeNull();
    one.clock.advance(1);
    await settled();
    expect(one.result.end).toEqual({ kind: 'broken', how: 'late', cause: 'no answer within 10000 ms' });
    expect(one.sent.aborted).toBe(true);
  });

  test('has no limit once it is live', async () => {
    const { listener, result, clock, sent } = begin(10_000);
    listener.onHead(200, SSE);
    listener.onData(CONTENT);
    clock.advance(1e6);
    await settled();
    expect(result.end?.kind).toBe('live');
    expect(sent.aborted).toBe(false);
  });

  test('ends with its caller', async () => {
    const { caller, result, sent, clock } = begin();
    caller.leave();
    await settled();
    expect(result.end).toEqual({ kind: 'gone' });
    expect(sent.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('is not begun for a caller who has left', async () => {
    const clock = new ManualClock();
    const upstream = new FakeUpstream(clock);
    const caller = new FakeCaller();
    caller.leave();
    const endpoint = CONFIG.endpoints.get('A');
    if (endpoint === undefined) throw new Error('there is no A');
    const end = await attempt({
      upstream,
      clock,
      caller,
      limitMs: 1,
      request: { endpoint, method: 'GET', path: '/', headers: [], body: null },
    });
    expect(end).toEqual({ kind: 'gone' });
    expect(upstream.sent).toEqual([]);
  });

  test('hands pause, resume and abort on to the exchange, and hears nothing after an abort', async () => {
    const { listener, result, sent } = begin();
    listener.onHead(200, SSE);
    listener.onData(CONTENT);
    await settled();
    const live = liveOf(result.end);
    const heard: string[] = [];
    live.attach(sinkTo(heard));
    live.pause();
    expect(sent.paused).toBe(true);
    live.resume();
    expect(sent.paused).toBe(false);
    live.abort();
    expect(sent.aborted).toBe(true);
    listener.onData(CONTENT);
    listener.onEnd();
    expect(heard).toEqual([CONTENT.toString()]);
  });

  test('that was given up is not revived by a head that was on its way', async () => {
    const { listener, result, clock } = begin(10);
    clock.advance(10);
    listener.onHead(200, {});
    listener.onData(Buffer.from('{}'));
    listener.onEnd();
    await settled();
    expect(result.end).toMatchObject({ kind: 'broken', how: 'late' });
  });
});
