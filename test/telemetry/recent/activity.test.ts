import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeploymentId } from '../../../src/domain/deployment.ts';
import type { Activity } from '../../../src/domain/overview.ts';
import { createRecentActivity } from '../../../src/telemetry/recent/activity.ts';
import { MOST_NAMES } from '../../../src/telemetry/recent/shares.ts';
import { ManualClock } from '../../harness/manualClock.ts';
import { record } from '../records.ts';

const A: DeploymentId = 'A/gpt-4.1';
const B: DeploymentId = 'B/gpt-4.1';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

type Facts = NonNullable<Parameters<typeof record>[0]>;

function stage() {
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 10));
  const recent = createRecentActivity(() => clock.now());
  return {
    clock,
    ended: (facts: Facts = {}): void => recent.journal.requestEnded(record({ at: clock.now(), ...facts })),
    activity: (): Activity => recent.activity(),
    now: (): Activity['minutes'][number] | undefined => recent.activity().minutes.at(-1),
  };
}

const tokens = (prompt: number, cached: number, completion: number) => ({
  prompt,
  cached,
  completion,
  reasoning: 1,
  promptAudio: 0,
  completionAudio: 0,
});

describe('the minutes', () => {
  test('are the last sixty, oldest first, with zeros where nothing was asked', () => {
    const { activity } = stage();
    const { minutes } = activity();
    expect(minutes.map(({ at }) => at)).toEqual(
      Array.from({ length: 60 }, (_, at) => new Date(Date.UTC(2026, 10, 21, 9, 1 + at)).toISOString()),
    );
    expect(new Set(minutes.map((minute) => JSON.stringify({ ...minute, at: undefined })))).toEqual(
      new Set([
        '{"requests":0,"failed":0,"throttled":0,"failovers":0,"promptTokens":0,"cachedTokens":0,"completionTokens":0,"costUsd":0}',
      ]),
    );
  });

  test('sum what requests used, in dollars exact to the billionth', () => {
    const { ended, now } = stage();
    for (let count = 0; count < 3; count++) ended({ tokens: tokens(10, 4, 5), costNanoUsd: 100_000_001 });
    ended({ costNanoUsd: null, tokens: tokens(1, 0, 0) });
    expect(now()).toMatchObject({
      requests: 4,
      promptTokens: 31,
      cachedTokens: 12,
      completionTokens: 15,
      costUsd: 0.300000003,
    });
  });

  test.each<{ what: string; facts: Facts; is: number }>([
    { what: 'served', facts: { end: 'ok' }, is: 0 },
    { what: 'refused by the deployment', facts: { end: 'refused', status: 400 }, is: 0 },
    { what: 'filtered', facts: { end: 'filtered', status: 400 }, is: 0 },
    { what: 'left by its caller', facts: { end: 'aborted', status: 499 }, is: 0 },
    { what: 'refused for its quota', facts: { end: 'error', status: 429, errorCode: 'quota_exceeded' }, is: 0 },
    { what: 'throttled by all', facts: { end: 'error', status: 429, errorCode: 'no_deployment_available' }, is: 1 },
    { what: 'out of time', facts: { end: 'error', status: 504, errorCode: 'deadline_exceeded' }, is: 1 },
    { what: 'throttled, and passed on so', facts: { end: 'throttled', status: 429 }, is: 1 },
    { what: 'failing, and passed on so', facts: { end: 'failing', status: 500 }, is: 1 },
    { what: 'a stream that broke', facts: { end: 'broken' }, is: 1 },
  ])('count as failed what its caller did not bring about: $what', ({ facts, is }) => {
    const { ended, now } = stage();
    ended(facts);
    expect(now()?.failed).toBe(is);
  });

  test('count a throttled request once, and each time one went on to another deployment', () => {
    const { ended, now } = stage();
    const attempt = (deployment: DeploymentId, outcome: 'ok' | 'throttled') => ({ deployment, outcome });
    ended({ attempts: [attempt(A, 'throttled'), attempt(B, 'throttled'), attempt(A, 'ok')] });
    ended({ attempts: [attempt(A, 'throttled'), attempt(A, 'ok')] });
    ended({ attempts: [attempt(A, 'ok')] });
    ended({ attempts: [] });
    expect(now()).toMatchObject({ requests: 4, throttled: 2, failovers: 2 });
  });

  test('forget what is an hour old', () => {
    const { ended, activity, clock } = stage();
    ended();
    clock.advance(59 * MINUTE);
    expect(activity().minutes[0]?.requests).toBe(1);
    expect(activity().by.model).toHaveLength(1);
    clock.advance(MINUTE);
    expect(activity().minutes.every(({ requests }) => requests === 0)).toBe(true);
    expect(activity().by.model).toEqual([]);
  });
});

describe('what the response cache was asked for', () => {
  test('is counted for an hour, and says nothing of the deployment that once served it', () => {
    const { ended, activity, clock } = stage();
    for (let count = 0; count < 9; count++) ended({ cache: 'hit', attempts: [], durationMs: 1 });
    ended({ cache: 'miss' });
    ended({ cache: 'miss' });
    ended();
    expect(activity().cache).toEqual({ hits: 9, misses: 2 });
    expect(activity().minutes.at(-1)).toMatchObject({ requests: 12, failovers: 0 });
    expect(activity().minutes.at(-1)).not.toHaveProperty('hits');
    expect(activity().deployments).toMatchObject([{ attempts: 3, p50Ms: expect.closeTo(1_234, -2) as number }]);
    clock.advance(60 * MINUTE);
    expect(activity().cache).toEqual({ hits: 0, misses: 0 });
  });
});

describe('deployments', () => {
  test('have their attempts of five minutes, and the tokens of what they served', () => {
    const { ended, activity } = stage();
    const attempts = [
      { deployment: A, outcome: 'throttled' },
      { deployment: A, outcome: 'failing' },
      { deployment: A, outcome: 'misconfigured' },
      { deployment: A, outcome: 'refused' },
      { deployment: B, outcome: 'ok' },
    ] as const;
    ended({ attempts, deployment: B, tokens: tokens(10, 2, 5), durationMs: 100, firstChunkMs: null });
    expect(activity().deployments).toEqual([
      { deployment: A, attempts: 4, throttled: 1, failed: 2, tokens: 0, p50Ms: null, p95Ms: null },
      {
        deployment: B,
        attempts: 1,
        throttled: 0,
        failed: 0,
        tokens: 15,
        p50Ms: expect.closeTo(100, -1) as number,
        p95Ms: expect.closeTo(100, -1) as number,
      },
    ]);
  });

  test('are forgotten after five minutes, within half a one', () => {
    const { ended, activity, clock } = stage();
    ended();
    clock.advance(5 * MINUTE - 1);
    expect(activity().deployments).toHaveLength(1);
    clock.advance(1);
    expect(activity().deployments).toEqual([]);
  });

  test('are timed to the first bytes of streams, and only by what they served', () => {
    const { ended, activity } = stage();
    ended({ durationMs: 60_000, firstChunkMs: 200 });
    ended({ durationMs: 9_000, firstChunkMs: null, end: 'refused' });
    expect(activity().deployments[0]?.p95Ms).toBeGreaterThan(190);
    expect(activity().deployments[0]?.p95Ms).toBeLessThan(210);
  });

  test('have percentiles that are at most five percent off', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 900_000 }), { minLength: 1, maxLength: 300 }), (durations) => {
        const { ended, activity } = stage();
        for (const durationMs of durations) ended({ durationMs, firstChunkMs: null });
        const sorted = durations.toSorted((left, right) => left - right);
        const { p50Ms = null, p95Ms = null } = activity().deployments[0] ?? {};
        for (const [share, found] of [
          [0.5, p50Ms],
          [0.95, p95Ms],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
          expect(Math.abs((found ?? 0) - exact)).toBeLessThanOrEqual(0.5 + 0.05 * exact);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('the shares', () => {
  const LABELS = ['creator', 'model', 'operation', 'agent', 'account'] as const;

  test.each(LABELS)('by %s are told apart, dearest first', (label) => {
    const { ended, activity } = stage();
    ended({ labels: { [label]: 'cheap' }, costNanoUsd: 1, tokens: tokens(9, 1, 9) });
    ended({ labels: { [label]: 'dear' }, costNanoUsd: 5_000_000_000, tokens: tokens(3, 2, 1) });
    ended({ labels: { [label]: 'unpriced' }, costNanoUsd: null, tokens: tokens(99, 0, 0) });
    expect(activity().by[label]).toEqual([
      { name: 'dear', requests: 1, tokens: 4, cachedTokens: 2, costUsd: 5 },
      { name: 'cheap', requests: 1, tokens: 18, cachedTokens: 1, costUsd: 0.000000001 },
      { name: 'unpriced', requests: 1, tokens: 99, cachedTokens: 0, costUsd: 0 },
    ]);
  });

  test('are twenty at most, the rest as one', () => {
    const { ended, activity } = stage();
    const ask = (count: number): void => {
      for (let at = 0; at < count; at++) ended({ labels: { agent: `agent-${at}` }, costNanoUsd: 1_000 - at });
    };
    ask(20);
    expect(activity().by.agent.map(({ name }) => name)).toEqual(Array.from({ length: 20 }, (_, at) => `agent-${at}`));
    ask(22);
    const { agent } = activity().by;
    expect(agent).toHaveLength(20);
    expect(agent.at(-1)).toMatchObject({ name: 'other', requests: 4 });
    expect(agent.at(-2)).toMatchObject({ name: 'agent-18', requests: 2 });
  });

  test('keep no more names than there may be, and take new ones when old ones have gone quiet for an hour', () => {
    const { ended, activity, clock } = stage();
    for (let at = 0; at < 10 * MOST_NAMES; at++) ended({ labels: { agent: `agent-${at}` }, costNanoUsd: 1 });
    ended({ labels: { agent: 'late' }, costNanoUsd: 1_000_000 });
    expect(activity().by.agent.map(({ name }) => name)).not.toContain('late');
    expect(activity().by.agent.at(-1)).toMatchObject({ name: 'other', requests: 10 * MOST_NAMES + 1 - 19 });
    clock.advance(60 * MINUTE);
    ended({ labels: { agent: 'late' }, costNanoUsd: 1 });
    expect(activity().by.agent).toMatchObject([{ name: 'late', requests: 1 }]);
  });

  test('do not mistake a caller’s “other” for one of its own', () => {
    const { ended, activity } = stage();
    for (let at = 0; at < 25; at++) ended({ labels: { agent: `agent-${at}` } });
    ended({ labels: { agent: 'other' }, costNanoUsd: 1e12 });
    expect(activity().by.agent.filter(({ name }) => name === 'other')).toHaveLength(1);
  });

  test('add up to the minutes, to the token and the billionth, whatever is asked when', () => {
    const step = fc.record({
      pauseMs: fc.integer({ min: 0, max: 10 * MINUTE }),
      agent: fc.integer({ min: 0, max: 300 }),
      prompt: fc.integer({ min: 0, max: 1_000 }),
      costNanoUsd: fc.option(fc.integer({ min: 0, max: 1_000_000_007 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const { ended, activity, clock } = stage();
        for (const { pauseMs, agent, prompt, costNanoUsd } of steps) {
          clock.advance(pauseMs % 7 === 0 ? pauseMs : 0);
          ended({ labels: { agent: `agent-${agent}` }, tokens: tokens(prompt, 0, 1), costNanoUsd });
        }
        const { minutes, by } = activity();
        const sum = (figures: readonly number[]): number => figures.reduce((one, other) => one + other, 0);
        for (const label of LABELS) {
          expect(sum(by[label].map(({ requests }) => requests))).toBe(sum(minutes.map(({ requests }) => requests)));
          expect(sum(by[label].map((share) => share.tokens))).toBe(
            sum(minutes.map(({ promptTokens, completionTokens }) => promptTokens + completionTokens)),
          );
          const nano = (figures: readonly { readonly costUsd: number }[]): number =>
            sum(figures.map(({ costUsd }) => Math.round(costUsd * 1e9)));
          expect(nano(by[label])).toBe(nano(minutes));
        }
      }),
      { numRuns: 60 },
    );
  });
});

test('what ended longer ago than is kept is not counted for now', () => {
  const { ended, activity, clock } = stage();
  ended();
  clock.advance(60 * MINUTE);
  ended();
  ended({ at: clock.now() - 60 * MINUTE });
  expect(
    activity()
      .minutes.map(({ requests }) => requests)
      .filter((requests) => requests > 0),
  ).toEqual([1]);
});
