import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { Attempts } from '../../src/relay/attempts.ts';
import { UpstreamError } from '../../src/upstream/port.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';
import { finding, health, routed } from '../routing/facts.ts';
import { configWith, outcome, reset, THROTTLED } from './attempting.ts';
import { never, ok, type Script, type Stage, stageFor, status } from './fakes.ts';

describe('a deployment that may be tried again', () => {
  /** A's breaker may be tried again now; B is well. */
  function due(scripts: readonly Script[], count = 2, extra: object = {}): Stage {
    const stage = stageFor(configWith(count, { breaker: { failures: 1, openMs: 1_000 }, ...extra }), scripts);
    stage.record('A/gpt-4.1', 'failing');
    stage.clock.advance(1_000);
    stage.watched.told.findings.length = 0;
    return stage;
  }

  test('is claimed before it is tried, and what came of that is told as the probe’s', async () => {
    const stage = due([status(503), ok]);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing B:ok' });
    const { claimed, findings, dropped } = stage.watched.told;
    expect(claimed).toEqual(['A/gpt-4.1']);
    expect(findings.map(({ deployment, probe }) => [deployment, probe])).toEqual([
      ['A/gpt-4.1', true],
      ['B/gpt-4.1', false],
    ]);
    expect(dropped).toEqual([]);
    expect(stage.state.health('A/gpt-4.1').breaker).toMatchObject({ kind: 'open', openings: 2 });
  });

  test('is closed again by a probe that was served', async () => {
    const stage = due([ok]);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:ok' });
    expect(stage.state.health('A/gpt-4.1')).toMatchObject({ breaker: { kind: 'closed' }, recovery: { sent: 1 } });
  });

  test('is passed over where another instance holds its probe, at no cost', async () => {
    const config = configWith(2, { breaker: { failures: 1, openMs: 1_000 }, retries: { budgetPercent: 0 } });
    const stage = stageFor(config, [ok]);
    const { watched } = stage;
    const deps = { ...stage.deps, state: { ...watched, claimProbe: () => Promise.resolve(false) } };
    stage.record('A/gpt-4.1', 'failing');
    stage.clock.advance(1_000);
    const { candidates } = routed(
      config,
      { name: 'gpt-4.1' },
      { snapshot: watched.snapshot(), now: stage.clock.now() },
    );
    // The same one four times: that would be one more than is free.
    const again = [0, 0, 0, 0, 1].flatMap((at) => candidates[at] ?? []);
    const route = { ...routed(config, { name: 'gpt-4.1' }), candidates: again };
    expect(await outcome(stage, new Attempts(deps, stage.call(), route))).toMatchObject({ trail: 'B:ok' });
    expect(watched.told.sent).toEqual(['B/gpt-4.1']);
  });

  test('is given back where the caller left before it could teach anything', async () => {
    const stage = due([never]);
    const result = stage
      .attempts()
      .run()
      .catch((error: unknown) => error);
    await settled();
    stage.caller.leave();
    expect(await result).toMatchObject({ status: 499 });
    expect(stage.watched.told).toMatchObject({ dropped: ['A/gpt-4.1'], findings: [] });
  });

  test('is given back where the caller left while it was being claimed, and nothing is sent', async () => {
    const stage = due([never]);
    const result = stage
      .attempts()
      .run()
      .catch((error: unknown) => error);
    stage.caller.leave();
    expect(await result).toMatchObject({ status: 499 });
    expect(stage.watched.told).toMatchObject({ claimed: ['A/gpt-4.1'], dropped: ['A/gpt-4.1'], findings: [] });
    expect(stage.upstream.sent).toEqual([]);
  });

  test('is given back by a hasty caller, whose time-out says nothing', async () => {
    const stage = due([never], 1);
    await outcome(stage, stage.attempts(stage.call({ wishes: { deadlineMs: 5 } })));
    expect(stage.watched.told).toMatchObject({ dropped: ['A/gpt-4.1'], findings: [] });
  });

  test('is given back where the deadline passed while it was being claimed, and nothing is sent', async () => {
    const stage = due([ok], 1);
    const slow = {
      ...stage.watched,
      claimProbe: (id: DeploymentId, now: number) => {
        stage.clock.advance(50);
        return stage.watched.claimProbe(id, now, true);
      },
    };
    const { candidates } = routed(stage.deps.config, {}, { snapshot: slow.snapshot(), now: stage.clock.now() });
    const route = { ...routed(stage.deps.config, {}), candidates };
    const call = stage.call({ wishes: { deadlineMs: 40 } });
    const result = await outcome(stage, new Attempts({ ...stage.deps, state: slow }, call, route));
    expect(result.error).toMatchObject({ code: 'deadline_exceeded' });
    expect(stage.upstream.sent).toEqual([]);
    expect(stage.watched.told.dropped).toEqual(['A/gpt-4.1']);
  });

  test('is given back where a fault of ours ends the attempt', async () => {
    const stage = due([]);
    const broken = {
      send: () => {
        throw new TypeError('a bug');
      },
      close: () => Promise.resolve(),
    };
    const { candidates } = routed(
      stage.deps.config,
      {},
      { snapshot: stage.watched.snapshot(), now: stage.clock.now() },
    );
    const route = { ...routed(stage.deps.config, {}), candidates };
    await expect(new Attempts({ ...stage.deps, upstream: broken }, stage.call(), route).run()).rejects.toThrow('a bug');
    expect(stage.watched.told.dropped).toEqual(['A/gpt-4.1']);
  });

  test('is given back where no budget is left for it', async () => {
    const stage = stageFor(configWith(4, { breaker: { failures: 1, openMs: 1_000 }, retries: { budgetPercent: 0 } }), [
      status(503),
    ]);
    stage.record('D/gpt-4.1', 'failing');
    stage.clock.advance(1_000);
    expect(await outcome(stage)).toMatchObject({ trail: 'A:failing B:failing C:failing' });
    expect(stage.watched.told).toMatchObject({ claimed: ['D/gpt-4.1'], dropped: ['D/gpt-4.1'] });
  });

  test('is heard of in the end, whatever happens: each probe that was claimed is told of or given back, once', async () => {
    const script = fc.constantFrom<Script[]>(never, reset, status(503), THROTTLED, status(401), status(400), ok);
    const situation = fc.record({
      scripts: fc.array(script, { minLength: 1, maxLength: 5 }),
      deadlineMs: fc.constantFrom(5, 900, 20_000),
      leavesAfterMs: fc.option(fc.nat({ max: 1_500 })),
      budgetPercent: fc.constantFrom(0, 20),
    });
    await fc.assert(
      fc.asyncProperty(situation, async ({ scripts, deadlineMs, leavesAfterMs, budgetPercent }) => {
        const extra = {
          breaker: { failures: 1, openMs: 300 },
          retries: { budgetPercent },
          timeouts: { deadlineMs: 20_000 },
        };
        const stage = stageFor(configWith(4, extra), scripts);
        for (const id of ['A/gpt-4.1', 'C/gpt-4.1'] as const) stage.record(id, 'failing');
        stage.clock.advance(300);
        stage.watched.told.findings.length = 0;
        if (leavesAfterMs !== null) stage.clock.after(leavesAfterMs, () => stage.caller.leave());
        await outcome(stage, stage.attempts(stage.call({ wishes: { deadlineMs } })));
        const { claimed, dropped, findings } = stage.watched.told;
        const heard = findings.flatMap(({ deployment, probe }) => (probe ? [deployment] : []));
        expect([...heard, ...dropped].sort()).toEqual([...claimed].sort());
      }),
      { numRuns: 200 },
    );
  });
});

describe('a deployment that has just come back', () => {
  const NO_REPEATS = { sameDeployment: 0, baseMs: 500, maxMs: 8_000, budgetPercent: 20 };
  const RAMPING_NOW = health({ recovery: { since: new ManualClock().now(), sent: 9, answered: 1 } });
  const recovering = (stage: Stage, sent: number): void => {
    for (let count = 0; count < sent; count++) stage.state.sent('A/gpt-4.1');
  };
  /** A has been closed by a probe a moment ago. */
  async function back(scripts: readonly Script[], count = 3): Promise<Stage> {
    const stage = stageFor(configWith(count, { breaker: { failures: 1, openMs: 1_000 } }), scripts);
    stage.record('A/gpt-4.1', 'failing');
    stage.clock.advance(1_000);
    const at = stage.clock.now();
    await stage.state.claimProbe('A/gpt-4.1', at);
    stage.state.record(finding('ok', { deployment: 'A/gpt-4.1', at, probe: true }));
    stage.clock.advance(1);
    return stage;
  }

  test('is told of each request that is sent there', async () => {
    const stage = await back([ok]);
    await outcome(stage);
    expect(stage.watched.told.sent).toEqual(['A/gpt-4.1']);
    expect(stage.state.health('A/gpt-4.1').recovery).toMatchObject({ sent: 2, answered: 2 });
  });

  test('comes behind the others where it got all it may have since the route was decided, and is not left out', async () => {
    const stage = await back([status(503)]);
    const deps = { ...stage.deps, config: { ...stage.deps.config, retries: NO_REPEATS } };
    const run = new Attempts(deps, stage.call(), routed(stage.deps.config, {}));
    recovering(stage, 2);
    expect(await outcome(stage, run)).toMatchObject({ trail: 'B:failing C:failing A:failing' });
  });

  test('comes behind the others once: where all are just back they are tried in their order', async () => {
    const stage = await back([status(503)]);
    const deps = { ...stage.deps, config: { ...stage.deps.config, retries: NO_REPEATS } };
    const run = new Attempts(deps, stage.call(), routed(stage.deps.config, {}));
    const inner = stage.watched.snapshot();
    Object.assign(inner, { health: () => RAMPING_NOW });
    expect(await outcome(stage, run)).toMatchObject({ trail: 'A:failing B:failing C:failing' });
  });

  test('is tried all the same where there is nobody else', async () => {
    const stage = await back([ok], 1);
    const run = stage.attempts();
    recovering(stage, 9);
    expect(await outcome(stage, run)).toMatchObject({ trail: 'A:ok' });
  });

  test('is not held responsible for what failed of the time before', async () => {
    const stage = stageFor(configWith(1, { breaker: { failures: 1, openMs: 1_000 } }), [never, ok]);
    const early = outcome(stage, stage.attempts(stage.call({ wishes: { failover: false } })));
    await settled();
    const [hanging] = stage.upstream.sent;
    stage.record('A/gpt-4.1', 'failing');
    stage.clock.advance(1_000);
    await stage.attempts().run();
    stage.clock.advance(1);
    hanging?.listener.onError(new UpstreamError('reset', 'connection lost'));
    expect(await early).toMatchObject({ trail: 'A:failing' });
    expect(stage.state.health('A/gpt-4.1').breaker).toMatchObject({ kind: 'closed', failedAt: [] });
  });

  test('is held responsible for what has failed since', async () => {
    const stage = await back([status(503)], 1);
    await outcome(stage, stage.attempts(stage.call({ wishes: { failover: false } })));
    expect(stage.state.health('A/gpt-4.1').breaker.kind).toBe('open');
  });
});
