import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { RetryBudget } from '../../src/relay/budget.ts';
import { settled } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { configWith, outcome, reset, sentTo, THROTTLED, URLS } from './attempting.ts';
import { never, ok, type Script, stageFor, status } from './fakes.ts';

describe('the attempts of a request', () => {
  test('go to the candidates in order, at once, until one serves', async () => {
    const stage = stageFor(configWith(4), [status(503), THROTTLED, reset, ok]);
    const result = await outcome(stage);
    expect(result).toMatchObject({ trail: 'A:failing B:throttled C:failing D:ok', afterMs: 0, error: null });
    expect(result.served?.deployment.id).toBe('D/gpt-4.1');
  });

  test.each<{ what: string; script: Script; trail: string }>([
    { what: 'an answer', script: ok, trail: 'A:ok' },
    { what: 'a refusal', script: status(400), trail: 'A:refused' },
    {
      what: 'filtered content',
      script: (sent) => sent.answer(400, { error: { code: 'content_filter' } }),
      trail: 'A:filtered',
    },
    {
      what: 'a 404 about something else',
      script: (sent) => sent.answer(404, { error: { code: 'file_not_found' } }),
      trail: 'A:refused',
    },
  ])('end with $what', async ({ script, trail }) => {
    const stage = stageFor(configWith(3), [script, ok]);
    expect(await outcome(stage)).toMatchObject({ trail, error: null });
  });

  test.each<{ what: string; script: Script; trail: string }>([
    { what: 'throttling', script: THROTTLED, trail: 'A:throttled' },
    { what: 'a wrong key', script: status(401), trail: 'A:misconfigured' },
    { what: 'the firewall', script: status(403), trail: 'A:misconfigured' },
    {
      what: 'a missing deployment',
      script: (sent) => sent.answer(404, { error: { code: 'DeploymentNotFound' } }),
      trail: 'A:misconfigured',
    },
    { what: 'a failure', script: status(500), trail: 'A:failing B:ok' },
  ])('under the preset availability hand $what to the caller unless it is a failure', async ({ script, trail }) => {
    const document = fleet(URLS.slice(0, 2), {
      pools: { 'gpt-4.1': { strategy: 'priority', members: ['A/gpt-4.1', 'B/gpt-4.1'], failoverOn: 'availability' } },
    });
    const stage = stageFor(configOf(document), [script, ok]);
    expect(await outcome(stage)).toMatchObject({ trail, error: null });
  });

  test('stay on one deployment where the caller turned failing over off', async () => {
    const stage = stageFor(configWith(3), [status(503), ok]);
    const result = await outcome(stage, stage.attempts(stage.call({ wishes: { failover: false } })));
    expect(result).toMatchObject({ trail: 'A:failing', error: null });
    expect(result.served?.end.kind).toBe('whole');
  });

  test('say 502 where the one deployment that was allowed did not answer', async () => {
    const stage = stageFor(configWith(3), [reset]);
    const result = await outcome(stage, stage.attempts(stage.call({ wishes: { failover: false } })));
    expect(result.error).toMatchObject({ code: 'upstream_failed', status: 502 });
    expect(sentTo(stage)).toBe('A');
  });

  test('abort a stream that failed before its content, and fail over', async () => {
    const failing: Script = (sent) => {
      sent.listener.onHead(200, { 'content-type': 'text/event-stream' });
      sent.listener.onData(Buffer.from('data: {"error":{"code":"server_error"}}\n\n'));
    };
    const stage = stageFor(configWith(2), [failing, ok]);
    expect(await outcome(stage, stage.attempts(stage.call({ stream: true })))).toMatchObject({
      trail: 'A:failing B:ok',
    });
    expect(stage.upstream.sent[0]?.aborted).toBe(true);
  });

  test('end with 499 for a caller who left, and teach nothing about the deployment', async () => {
    const stage = stageFor(configWith(2), [never]);
    const run = stage.attempts();
    const result = run.run().catch((error: unknown) => error);
    await settled();
    stage.caller.leave();
    expect(await result).toMatchObject({ status: 499 });
    expect(run.trail).toMatchObject([{ outcome: 'aborted' }]);
    expect(stage.state.health('A/gpt-4.1').breaker).toMatchObject({ kind: 'closed', failedAt: [] });
  });

  test.each([
    { what: 'while it is asked', scripts: [never], restMs: null },
    { what: 'while the request waits', scripts: [ok], restMs: 5_000 },
  ])('end with a 503 that may be retried where the caller is dismissed $what', async ({ scripts, restMs }) => {
    const stage = stageFor(configWith(1), scripts);
    if (restMs !== null) stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: restMs });
    const result = stage
      .attempts()
      .run()
      .catch((error: unknown) => error);
    await settled();
    stage.caller.dismiss();
    expect(await result).toMatchObject({ code: 'internal', status: 503, retryAfterMs: 500 });
    expect(stage.upstream.sent.every(({ aborted }) => aborted)).toBe(true);
    expect(stage.state.health('A/gpt-4.1').breaker).toMatchObject({ kind: 'closed', failedAt: [] });
    expect(stage.clock.pending).toBe(0);
  });

  test('let a fault that is no outcome through as what it is', async () => {
    const stage = stageFor(configWith(1), [], {
      upstream: {
        send: () => {
          throw new TypeError('a bug');
        },
        close: () => Promise.resolve(),
      },
    });
    await expect(stage.attempts().run()).rejects.toBeInstanceOf(TypeError);
  });
});

describe('the same deployment', () => {
  test('is tried again after a backoff with jitter, doubled each time, and then no more', async () => {
    const stage = stageFor(configWith(1), [status(503)]);
    const result = await outcome(stage);
    expect(result).toMatchObject({ trail: 'A:failing A:failing A:failing', afterMs: 250 + 500 });
    expect(result.error).toMatchObject({ code: 'no_deployment_available', status: 503, retryAfterMs: 500 });
  });

  test.each([
    { draw: 0, afterMs: 0 },
    { draw: 0.999, afterMs: 999 * 1.5 * 0.999 + 1.5 * 0.999 },
  ])('waits between nothing and the whole backoff: a draw of $draw waits $afterMs ms', async ({ draw, afterMs }) => {
    const stage = stageFor(configWith(1), [status(503)], { draw: () => draw });
    expect((await outcome(stage)).afterMs).toBeCloseTo(afterMs, 6);
  });

  test('is tried again at once where no wait is allowed', async () => {
    const stage = stageFor(configWith(1, { retries: { maxMs: 0 } }), [status(503), ok]);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing A:ok', afterMs: 0 });
  });

  test('is tried again as the first that recovers, where several rest', async () => {
    const stage = stageFor(configWith(3), [
      status(429, { 'retry-after-ms': '7000' }),
      status(429, { 'retry-after-ms': '2000' }),
      status(429, { 'retry-after-ms': '5000' }),
      ok,
    ]);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:throttled B:throttled C:throttled B:ok', afterMs: 2_000 });
  });

  test('is not tried again where that is configured as 0 times', async () => {
    const stage = stageFor(configWith(1, { retries: { sameDeployment: 0 } }), [status(503)]);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing', afterMs: 0 });
  });

  test('is not tried again without budget', async () => {
    const stage = stageFor(configWith(1), [status(503)], { budget: new RetryBudget(0) });
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing', afterMs: 0 });
  });

  test('is not tried again where it is misconfigured', async () => {
    const stage = stageFor(configWith(1), [status(401)]);
    const result = await outcome(stage);
    expect(result).toMatchObject({ trail: 'A:misconfigured', afterMs: 0 });
    expect(result.error).toMatchObject({ code: 'upstream_failed', status: 502 });
  });

  test('that rests beyond the longest wait is refused at once, with its recovery', async () => {
    const stage = stageFor(configWith(1), [THROTTLED]);
    const result = await outcome(stage);
    expect(result).toMatchObject({ trail: 'A:throttled', afterMs: 0 });
    expect(result.error).toMatchObject({ status: 429, retryAfterMs: 60_000 });
  });
});

describe('where all candidates rest from the beginning', () => {
  test('the request waits for the soonest and takes it', async () => {
    const stage = stageFor(configWith(2), [ok]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 4_000 });
    stage.record('B/gpt-4.1', 'throttled', { retryAfterMs: 3_000 });
    // Half of a tenth later, so that those who wait for the same do not come back together.
    expect(await outcome(stage)).toMatchObject({ trail: 'B:ok', afterMs: 3_150 });
  });

  test('the wait is no repeat and asks no budget: nobody has been asked yet', async () => {
    const stage = stageFor(configWith(1, { retries: { budgetPercent: 0, sameDeployment: 1 } }), [ok]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 1_000 });
    const runs = Array.from({ length: 30 }, () => outcome(stage));
    for (const result of await Promise.all(runs)) expect(result).toMatchObject({ trail: 'A:ok', error: null });
  });

  test('what is asked again after the wait is a repeat, and has to be paid for', async () => {
    const stage = stageFor(configWith(1, { retries: { budgetPercent: 0 } }), [status(503)]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 1_000 });
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing', afterMs: 1_050 });
  });

  test('a rest that is prolonged over and over is waited for no longer than the longest wait', async () => {
    const stage = stageFor(configWith(1, { retries: { maxMs: 2_000 } }), [ok]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 1_500 });
    for (const atMs of [1_000, 1_700, 2_400])
      stage.clock.after(atMs, () => stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 900 }));
    const result = await outcome(stage);
    expect(result).toMatchObject({ trail: '', error: { status: 429 } });
    expect(result.afterMs).toBeLessThanOrEqual(2_000);
  });

  test.each([
    { what: 'the soonest recovery is beyond the longest wait', extra: {}, restMs: 8_001 },
    { what: 'it is beyond the deadline', extra: { timeouts: { deadlineMs: 3_000 } }, restMs: 3_000 },
    { what: 'no repeats are configured', extra: { retries: { sameDeployment: 0 } }, restMs: 100 },
  ])('the request is refused at once if $what', async ({ extra, restMs }) => {
    const stage = stageFor(configWith(1, extra), [ok]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: restMs });
    const result = await outcome(stage);
    expect(result).toMatchObject({ trail: '', afterMs: 0 });
    expect(result.error).toMatchObject({ status: 429, retryAfterMs: restMs });
  });

  test('a misconfigured one is not waited for: nobody can foretell when its owner mends it', async () => {
    const stage = stageFor(configWith(1, { breaker: { openMs: 1_000, maxOpenMs: 2_000 } }), [ok]);
    stage.record('A/gpt-4.1', 'misconfigured');
    const result = await outcome(stage);
    expect(result).toMatchObject({ trail: '', afterMs: 0 });
    expect(result.error).toMatchObject({ code: 'upstream_failed', status: 502 });
  });

  test('one request of many that waited for an open window probes, and the others do not flood', async () => {
    const stage = stageFor(configWith(1, { breaker: { openMs: 2_000 } }), [never]);
    stage.record('A/gpt-4.1', 'failing', { times: 5 });
    for (let count = 0; count < 5; count++)
      void stage
        .attempts()
        .run()
        .catch(() => undefined);
    await stage.clock.pass(2_500);
    expect(sentTo(stage)).toBe('A');
  });

  describe('and one request of many probes', () => {
    const DUE = { breaker: { failures: 1, openMs: 1_000 }, retries: { budgetPercent: 0 } };
    /** Ten requests that wait for the same window. */
    function waiting(scripts: readonly Script[], extra: object = DUE) {
      const stage = stageFor(configWith(1, extra), scripts);
      stage.record('A/gpt-4.1', 'failing');
      return { stage, results: Promise.all(Array.from({ length: 10 }, () => outcome(stage))) };
    }

    test('the others are served as soon as its answer is there', async () => {
      const { stage, results } = waiting([ok]);
      for (const { trail, afterMs } of await results) {
        expect(trail).toBe('A:ok');
        expect(afterMs).toBeLessThan(1_500);
      }
      expect(stage.watched.told.claimed).toHaveLength(1);
    });

    test('the others come back a few at a time', async () => {
      const later: Script = (sent) => void stage.clock.after(400, () => ok(sent));
      const { stage, results } = waiting([later]);
      for (const { trail } of await results) expect(trail).toBe('A:ok');
      const times = stage.upstream.sent.map(({ atMs }) => atMs);
      const within = (from: number): number => times.filter((at) => at >= from && at < from + 390).length;
      const first = times[0] ?? 0;
      expect([within(first), within(first + 400)]).toEqual([1, 2]);
    });

    test('and they are refused once it has failed, as the next window is too far away', async () => {
      const { stage, results } = waiting([status(503)], { ...DUE, breaker: { failures: 1, openMs: 6_000 } });
      const all = await results;
      expect(all.map(({ trail }) => trail).sort()).toEqual([...Array.from({ length: 9 }, () => ''), 'A:failing']);
      for (const { error, afterMs } of all) {
        expect(error?.status).toBe(503);
        expect(afterMs).toBeLessThan(6_700);
      }
      expect(stage.upstream.sent).toHaveLength(1);
    });

    test('and they wait for one that hangs no longer than their deadlines', async () => {
      const { stage, results } = waiting([never], { ...DUE, timeouts: { deadlineMs: 3_000 } });
      for (const { afterMs } of await results) expect(afterMs).toBeLessThanOrEqual(3_000);
      expect(stage.upstream.sent).toHaveLength(1);
    });

    test('and they wait for one that hangs no longer than the longest wait', async () => {
      const { stage, results } = waiting([never], { ...DUE, timeouts: { deadlineMs: 30_000 } });
      const others = (await results).filter(({ trail }) => trail === '');
      expect(others).toHaveLength(9);
      for (const { afterMs } of others) expect(afterMs).toBeLessThanOrEqual(8_000);
      expect(stage.upstream.sent).toHaveLength(1);
    });
  });

  test('a rest that was prolonged during the wait is kept', async () => {
    const stage = stageFor(configWith(1), [ok]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 2_000 });
    void stage
      .attempts()
      .run()
      .catch(() => undefined);
    await stage.clock.pass(1_000);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 5_000 });
    await stage.clock.pass(1_500);
    expect(sentTo(stage)).toBe('');
  });

  test('a caller who leaves ends the wait', async () => {
    const stage = stageFor(configWith(1), [ok]);
    stage.record('A/gpt-4.1', 'throttled', { retryAfterMs: 4_000 });
    const result = stage
      .attempts()
      .run()
      .catch((error: unknown) => error);
    await stage.clock.pass(1_000);
    stage.caller.leave();
    expect(await result).toMatchObject({ status: 499 });
    expect(sentTo(stage)).toBe('');
    expect(stage.clock.pending).toBe(0);
  });
});

describe('the budget', () => {
  test('never denies the first failover, nor the second', async () => {
    const stage = stageFor(configWith(5, { retries: { budgetPercent: 0 } }), [
      status(503),
      status(503),
      status(503),
      ok,
    ]);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing B:failing C:failing' });
  });

  test('pays for the attempts beyond the third', async () => {
    const stage = stageFor(configWith(5), [status(503), status(503), status(503), status(503), ok]);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing B:failing C:failing D:failing E:ok' });
  });

  test('is not asked for a deployment whose probe another request holds: nothing was sent there', async () => {
    const stage = stageFor(configWith(5, { retries: { budgetPercent: 0 }, breaker: { failures: 1, openMs: 1_000 } }), [
      status(503),
      ok,
    ]);
    for (const id of ['B/gpt-4.1', 'C/gpt-4.1', 'D/gpt-4.1'] as const) stage.record(id, 'failing');
    stage.clock.advance(1_000);
    const run = stage.attempts();
    // While A is being asked, other requests begin to probe B, C and D.
    for (const id of ['B/gpt-4.1', 'C/gpt-4.1', 'D/gpt-4.1'] as const)
      await stage.state.claimProbe(id, stage.clock.now());
    expect(await outcome(stage, run)).toMatchObject({ trail: 'A:failing E:ok' });
  });
});

describe('the deadline', () => {
  test('is shared: a whole answer may take half of what is left while others could still serve', async () => {
    const stage = stageFor(configWith(3, { timeouts: { deadlineMs: 40_000 } }), [never]);
    await outcome(stage);
    expect(stage.upstream.sent.map(({ atMs }) => atMs - (stage.upstream.sent[0]?.atMs ?? 0))).toEqual([
      0, 20_000, 30_000,
    ]);
  });

  test.each([
    { what: 'its first-token time where there is enough', deadlineMs: 200_000, at: [0, 60_000, 120_000] },
    {
      what: 'half of what is left where there is not, while others could still serve',
      deadlineMs: 100_000,
      at: [0, 50_000, 75_000],
    },
  ])('gives each stream $what', async ({ deadlineMs, at }) => {
    const stage = stageFor(configWith(3, { timeouts: { deadlineMs, firstTokenMs: 60_000 } }), [never]);
    await outcome(stage, stage.attempts(stage.call({ stream: true })));
    const times = stage.upstream.sent.map(({ atMs }) => atMs - (stage.upstream.sent[0]?.atMs ?? 0));
    expect(times.slice(0, 3)).toEqual(at);
  });

  test.each([
    {
      what: 'a stream, its first-token time longer than the deadline allows',
      stream: true,
      timeouts: { deadlineMs: 30_000, firstTokenMs: 60_000 },
    },
    {
      what: 'a stream, its first-token time longer than half the deadline',
      stream: true,
      timeouts: { deadlineMs: 100_000, firstTokenMs: 60_000 },
    },
    { what: 'an answer', stream: false, timeouts: { deadlineMs: 30_000 } },
    {
      what: 'an answer with a limit beyond the deadline',
      stream: false,
      timeouts: { deadlineMs: 30_000, answerMs: 60_000 },
    },
  ])('that a hanging deployment uses up counts against it: $what', async ({ stream, timeouts }) => {
    const hangsOnA: Script = (sent) => {
      if (sent.endpoint !== 'A') ok(sent);
    };
    const stage = stageFor(configWith(2, { timeouts, breaker: { windowMs: 3_600_000 } }), [hangsOnA]);
    for (let count = 0; count < 5; count++) await outcome(stage, stage.attempts(stage.call({ stream })));
    expect(stage.state.health('A/gpt-4.1').breaker.kind).toBe('open');
  });

  test.each([
    { what: 'of a stream on its only deployment', count: 1, stream: true },
    { what: 'of an answer on its only deployment', count: 1, stream: false },
    { what: 'of an answer on the last of several', count: 3, stream: false },
  ])('that passes $what is told as such: 504 deadline_exceeded', async ({ count, stream }) => {
    const stage = stageFor(configWith(count, { timeouts: { deadlineMs: 10_000, firstTokenMs: 60_000 } }), [never]);
    const result = await outcome(stage, stage.attempts(stage.call({ stream })));
    expect(result.afterMs).toBe(10_000);
    expect(result.error).toMatchObject({ code: 'deadline_exceeded', status: 504 });
  });

  test('of the caller’s own making is not held against a deployment that had no chance', async () => {
    const stage = stageFor(configWith(1, { retries: { sameDeployment: 0 } }), [never]);
    for (let count = 0; count < 10; count++)
      await outcome(stage, stage.attempts(stage.call({ wishes: { deadlineMs: 1 } })));
    expect(stage.state.health('A/gpt-4.1').breaker).toMatchObject({ kind: 'closed', failedAt: [] });
  });

  test('is never exceeded, nor the budget, whatever the deployments do and did before', async () => {
    const script = fc.constantFrom<Script[]>(
      never,
      reset,
      status(503),
      status(429),
      status(429, { 'retry-after-ms': '900' }),
      THROTTLED,
      status(401),
      ok,
    );
    const situation = fc.record({
      scripts: fc.array(script, { minLength: 1, maxLength: 8 }),
      count: fc.integer({ min: 1, max: 5 }),
      deadlineMs: fc.integer({ min: 1, max: 9_000 }),
      stream: fc.boolean(),
      answerMs: fc.option(fc.integer({ min: 1, max: 9_000 })),
      before: fc.dictionary(
        fc.constantFrom('A/gpt-4.1', 'B/gpt-4.1', 'D/gpt-4.1'),
        fc.constantFrom('failing' as const, 'throttled' as const, 'misconfigured' as const),
      ),
      agoMs: fc.nat({ max: 3_000 }),
      budgetPercent: fc.constantFrom(0, 20),
    });
    await fc.assert(
      fc.asyncProperty(situation, async ({ scripts, count, deadlineMs, stream, answerMs, ...rest }) => {
        const { before, agoMs, budgetPercent } = rest;
        const extra = { breaker: { failures: 1, openMs: 2_000 }, retries: { sameDeployment: 2, budgetPercent } };
        const timeouts = { deadlineMs, answerMs, firstTokenMs: 5_000 };
        const stage = stageFor(configWith(count, { timeouts, ...extra }), scripts);
        for (const [id, what] of Object.entries(before)) stage.record(id as DeploymentId, what);
        stage.clock.advance(agoMs);
        const { afterMs, served, error } = await outcome(stage, stage.attempts(stage.call({ stream })));
        expect(afterMs).not.toBeNull();
        expect(afterMs ?? 0).toBeLessThanOrEqual(deadlineMs);
        expect((served === null) !== (error === null)).toBe(true);
        for (const { atMs } of stage.upstream.sent)
          expect(atMs - (stage.upstream.sent[0]?.atMs ?? 0)).toBeLessThan(deadlineMs);
        expect(stage.clock.pending).toBe(0);
        expect(stage.upstream.sent.length).toBeLessThanOrEqual(budgetPercent === 0 ? 3 : count + 2);
      }),
      { numRuns: 300 },
    );
  });
});

describe('no needless error', () => {
  test('a ready deployment that would serve is found, wherever it stands among three', async () => {
    const bad = fc.constantFrom<Script[]>(status(503), THROTTLED, status(401), reset);
    await fc.assert(
      fc.asyncProperty(fc.array(bad, { maxLength: 2 }), async (scripts) => {
        const stage = stageFor(configWith(3, { retries: { budgetPercent: 0 } }), [...scripts, ok]);
        const { served, afterMs } = await outcome(stage);
        expect(served?.deployment.endpoint).toBe('ABC'[scripts.length]);
        expect(afterMs).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
