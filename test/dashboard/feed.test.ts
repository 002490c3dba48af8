import { describe, expect, test } from 'vitest';
import { Feed, type FeedState, type Reply, waitAfter } from '../../src/dashboard/live/feed.ts';
import { overview } from './overviews.ts';

type Scripted = Reply | Error;

const FRESH: Reply = { kind: 'fresh', overview: overview(), etag: 'W/"1"' };
const SAME: Reply = { kind: 'unchanged' };
const LOCKED: Reply = { kind: 'locked' };
const GONE = new Error('The router cannot be reached.');

/** A feed whose time passes when the test says so, and whose router answers by a script; its last answer stays. */
function feedFor(...script: Scripted[]) {
  const seen = { tags: [] as (string | null)[], waits: [] as number[], states: [] as FeedState[], drawn: 0 };
  let timer: (() => void) | null = null;
  const feed = new Feed({
    ask: (etag) => {
      seen.tags.push(etag);
      const reply = script.length > 1 ? script.shift() : script[0];
      return reply instanceof Error || reply === undefined ? Promise.reject(reply ?? GONE) : Promise.resolve(reply);
    },
    now: () => 1_000_000,
    after: (lengthMs, fn) => {
      seen.waits.push(lengthMs);
      timer = fn;
      return () => {
        timer = null;
      };
    },
    onOverview: () => void seen.drawn++,
    onState: (state) => void seen.states.push(state),
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    feed,
    seen,
    settle,
    isWaiting: () => timer !== null,
    pass: async () => {
      const due = timer;
      timer = null;
      due?.();
      await settle();
    },
  };
}

describe('the feed', () => {
  test('asks each second with the tag it has, and draws only what is new', async () => {
    const { feed, seen, settle, pass } = feedFor(FRESH, SAME, SAME, FRESH);
    feed.watch(true);
    await settle();
    for (let turn = 0; turn < 3; turn++) await pass();
    expect(seen).toMatchObject({
      tags: [null, 'W/"1"', 'W/"1"', 'W/"1"'],
      waits: [1_000, 1_000, 1_000, 1_000],
      drawn: 2,
    });
    expect(seen.states).toEqual([{ kind: 'live' }]);
  });

  test('asks less and less often while there is no answer, and recovers by itself', async () => {
    const { feed, seen, settle, pass } = feedFor(FRESH, GONE, GONE, GONE, SAME);
    feed.watch(true);
    await settle();
    for (let turn = 0; turn < 4; turn++) await pass();
    expect(seen.waits).toEqual([1_000, 1_000, 2_000, 4_000, 1_000]);
    expect(seen.states.map(({ kind }) => kind)).toEqual(['live', 'away', 'away', 'away', 'live']);
    expect(seen.states[1]).toEqual({ kind: 'away', since: 1_000_000, retryAt: 1_001_000, problem: GONE.message });
  });

  test('never waits for longer than half a minute', () => {
    expect([1, 2, 5, 6, 50].map(waitAfter)).toEqual([1_000, 2_000, 16_000, 30_000, 30_000]);
  });

  test('rests while nobody looks, and asks at once when somebody does', async () => {
    const { feed, seen, settle, isWaiting } = feedFor(FRESH, SAME);
    feed.watch(true);
    await settle();
    feed.watch(false);
    expect(isWaiting()).toBe(false);
    feed.now();
    await settle();
    expect(seen.tags).toHaveLength(1);
    feed.watch(true);
    await settle();
    expect(seen.tags).toHaveLength(2);
  });

  test('sets no timer for an answer that comes when nobody looks any more', async () => {
    const { feed, settle, isWaiting } = feedFor(FRESH);
    feed.watch(true);
    feed.watch(false);
    await settle();
    expect(isWaiting()).toBe(false);
  });

  test('waits for a key, and then draws whatever comes', async () => {
    const { feed, seen, settle, isWaiting } = feedFor(FRESH, LOCKED, FRESH);
    feed.watch(true);
    await settle();
    feed.now();
    await settle();
    expect(isWaiting()).toBe(false);
    feed.restart();
    await settle();
    expect(seen.tags).toEqual([null, 'W/"1"', null]);
    expect(seen).toMatchObject({ drawn: 2 });
  });

  test('draws whatever comes after it was begun anew, though nothing had changed', async () => {
    const { feed, seen, settle } = feedFor(FRESH);
    feed.watch(true);
    await settle();
    feed.restart();
    await settle();
    expect(seen.tags).toEqual([null, null]);
  });

  test('asks once more where an action came while it was asking', async () => {
    const { feed, seen, settle } = feedFor(FRESH, SAME);
    feed.watch(true);
    feed.now();
    feed.now();
    await settle();
    await settle();
    expect(seen.tags).toHaveLength(2);
  });
});
