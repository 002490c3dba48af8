import { describe, expect, test } from 'vitest';
import type { Assignment } from '../../src/domain/assignment.ts';
import type { RouterConfig } from '../../src/domain/config.ts';
import type { Call } from '../../src/relay/call.ts';
import { createRelay } from '../../src/relay/relay.ts';
import { UpstreamError } from '../../src/upstream/port.ts';
import { settled } from '../harness/manualClock.ts';
import { configFor, moved } from '../routing/facts.ts';
import { never, ok, type Script, type Sent, type Stage, stageFor, status } from './fakes.ts';

const ONCE = { sameDeployment: 0, baseMs: 500, maxMs: 8_000, budgetPercent: 20 };
const CONFIG: RouterConfig = {
  ...configFor({
    pools: {
      first: { strategy: 'priority', members: ['A/m', 'B/m', 'C/m'] },
      careful: { strategy: 'priority', members: ['A/m', 'B/m'], failoverOn: 'availability' },
      bought: { strategy: 'priority', members: ['D/n', 'B/m'] },
      even: { strategy: 'roundRobin', members: ['A/m', 'B/m'] },
    },
    agents: { homes: { owner: 'A/m', buyer: 'D/n' } },
  }),
  retries: ONCE,
};
const LABELS = { agent: 'owner', creator: 'unknown_creator', operation: 'unknown_operation' };
const THROTTLED = status(429, { 'retry-after-ms': '60000' });
const reset: Script = (sent) => sent.listener.onError(new UpstreamError('reset', 'connection lost'));
const filtered: Script = (sent) => sent.answer(400, { error: { code: 'content_filter' } });

/** What the state is told of one request. */
async function told(scripts: readonly Script[], facts: Parameters<Stage['call']>[0] = {}, config = CONFIG) {
  const stage = stageFor(config, scripts);
  const call = stage.call({ name: 'first', labels: LABELS, ...facts });
  const from = stage.clock.now();
  const answer = createRelay(stage.deps)
    .serve(call)
    .catch((error: unknown) => error);
  await stage.clock.pass(300_000);
  await answer;
  return { ...stage.watched.told, from, to: stage.clock.now() };
}

describe('an agent at home', () => {
  test.each<{ what: string; scripts: readonly Script[]; name?: string; off?: true; is: object }>([
    { what: 'was served there', scripts: [ok], is: { failed: false, fallback: null, cause: 'ok' } },
    { what: 'asked for too much', scripts: [status(400)], is: { failed: false, fallback: null, cause: 'refused' } },
    { what: 'asked for what is filtered', scripts: [filtered], is: { failed: false, cause: 'filtered' } },
    {
      what: 'was served elsewhere',
      scripts: [status(503), ok],
      is: { failed: true, fallback: 'B/m', cause: 'failing' },
    },
    {
      what: 'was served by the second backup',
      scripts: [THROTTLED, reset, ok],
      is: { failed: true, fallback: 'C/m', cause: 'throttled' },
    },
    {
      what: 'was refused elsewhere',
      scripts: [status(401), status(400)],
      is: { failed: true, fallback: 'B/m', cause: 'misconfigured' },
    },
    {
      what: 'was served by nobody, and might be by the first that is ready',
      scripts: [status(503), THROTTLED, status(503)],
      is: { failed: true, fallback: 'C/m', cause: 'failing' },
    },
    {
      what: 'was served by nobody, and nobody is left',
      scripts: [THROTTLED],
      is: { failed: true, fallback: null, cause: 'throttled' },
    },
    {
      what: 'got its 429 as it came, as the pool fails over on failures alone',
      scripts: [THROTTLED],
      name: 'careful',
      is: { failed: true, fallback: 'B/m', cause: 'throttled' },
    },
    {
      what: 'wanted no failing over, and might be served elsewhere another time',
      scripts: [status(503)],
      off: true,
      is: { failed: true, fallback: 'B/m', cause: 'failing' },
    },
    {
      what: 'wanted no failing over, and its connection broke',
      scripts: [reset],
      off: true,
      is: { failed: true, fallback: 'B/m', cause: 'failing' },
    },
    {
      what: 'waited until its deadline',
      scripts: [never],
      off: true,
      is: { failed: true, fallback: 'B/m', cause: 'failing' },
    },
  ])('is told of once, if it $what', async ({ scripts, name = 'first', off, is }) => {
    const { agents, from, to } = await told(scripts, { name, wishes: { failover: off !== true } });
    const [{ at, ...rest } = { at: 0 }, ...more] = agents;
    expect([rest, more]).toEqual([{ agent: 'owner', on: 'A/m', fallback: null, ...is }, []]);
    expect(at >= from && at <= to).toBe(true);
  });

  test.each<{ what: string; facts: Parameters<Stage['call']>[0] }>([
    { what: 'named a deployment', facts: { name: 'A/m' } },
    { what: 'went to a pool without its home', facts: { name: 'bought' } },
    { what: 'has no home', facts: { labels: { ...LABELS, agent: 'guest' } } },
  ])('is not told of where it $what', async ({ facts }) => {
    expect((await told([ok], facts)).agents).toEqual([]);
  });

  test('is not told of where its home was never tried', async () => {
    const stage = stageFor(CONFIG, [ok]);
    stage.record('A/m', 'throttled', { retryAfterMs: 60_000 });
    await createRelay(stage.deps).serve(stage.call({ name: 'first', labels: LABELS }));
    expect(stage.watched.told.agents).toEqual([]);
  });

  test('is not told of where the caller left', async () => {
    const stage = stageFor(CONFIG, [status(503), never]);
    const answer = createRelay(stage.deps)
      .serve(stage.call({ name: 'first', labels: LABELS }))
      .catch((error: unknown) => error);
    await settled();
    stage.caller.leave();
    expect(await answer).toMatchObject({ status: 499 });
    expect(stage.watched.told).toMatchObject({ agents: [], failovers: [] });
  });

  test('is handed to one that is ready before one that is only to be tried again', async () => {
    const stage = stageFor(CONFIG, [status(503)]);
    stage.record('B/m', 'failing', { times: 5 });
    stage.clock.advance(CONFIG.breaker.openMs);
    const call = () => stage.call({ name: 'first', labels: LABELS, wishes: { failover: false } });
    await createRelay(stage.deps).serve(call());
    stage.record('C/m', 'throttled', { retryAfterMs: 60_000 });
    await createRelay(stage.deps).serve(call());
    expect(stage.watched.told.agents.map(({ fallback }) => fallback)).toEqual(['C/m', 'B/m']);
  });

  test('is not told of where the caller was in too much of a hurry', async () => {
    expect((await told([never], { wishes: { deadlineMs: 5 } })).agents).toEqual([]);
  });

  test('counts as served where only the repeat succeeded', async () => {
    const config = { ...CONFIG, retries: { ...ONCE, sameDeployment: 1 } };
    const { agents } = await told([status(503), status(503), status(503), ok], {}, config);
    expect(agents).toMatchObject([{ failed: false, cause: 'ok' }]);
  });
});

describe('an agent on provisioned throughput', () => {
  const buyer = { name: 'bought', labels: { ...LABELS, agent: 'buyer' } };

  test('is not told of where that is used up: it spills only what it would have refused', async () => {
    const { agents, failovers } = await told([THROTTLED, ok], buyer);
    expect(agents).toEqual([]);
    expect(failovers).toMatchObject([{ agent: 'buyer', from: 'D/n', to: 'B/m', cause: 'throttled' }]);
  });

  test.each([
    { what: 'fails', scripts: [status(503), ok], is: { failed: true, fallback: 'B/m' } },
    { what: 'serves', scripts: [ok], is: { failed: false } },
  ])('is told of where that $what', async ({ scripts, is }) => {
    expect((await told(scripts, buyer)).agents).toMatchObject([{ agent: 'buyer', on: 'D/n', ...is }]);
  });
});

describe('an agent that is not at home', () => {
  async function toldAway(assignment: Assignment, scripts: readonly Script[], facts: Partial<Call> = {}) {
    const stage = stageFor(CONFIG, scripts);
    const now = stage.clock.now();
    stage.watched.assignments.set('owner', { ...assignment, returnAt: now + 1_000 });
    await createRelay(stage.deps).serve(stage.call({ name: 'first', labels: LABELS, ...facts }));
    return stage.watched.told;
  }
  const toB = moved({ deployment: 'B/m', from: 'A/m' });

  test('is told of by the deployment it is assigned to', async () => {
    expect((await toldAway(toB, [ok])).agents).toMatchObject([{ on: 'B/m', failed: false }]);
    const { agents, failovers } = await toldAway(toB, [status(503), ok]);
    expect(agents).toMatchObject([{ on: 'B/m', failed: true, fallback: 'C/m' }]);
    expect(failovers).toMatchObject([{ from: 'B/m', to: 'C/m' }]);
  });

  test('is told of under round robin too', async () => {
    expect((await toldAway(toB, [ok], { name: 'even' })).agents).toMatchObject([{ on: 'B/m', failed: false }]);
  });
});

describe('a request that went elsewhere', () => {
  test('is told of with its first deployment, its last one, and why', async () => {
    const { failovers, from } = await told([reset, THROTTLED, ok], { labels: { ...LABELS, agent: 'guest' } });
    expect(failovers).toEqual([
      { agent: 'guest', from: 'A/m', to: 'C/m', cause: 'failing', at: from, requestId: 'id-1' },
    ]);
  });

  test.each<{ what: string; scripts: readonly Script[]; name?: string }>([
    { what: 'was served at once', scripts: [ok] },
    { what: 'was served by nobody', scripts: [status(503)] },
    { what: 'ended with a failure that was passed on as it came', scripts: [status(503), THROTTLED], name: 'careful' },
  ])('is not told of where it $what', async ({ scripts, name = 'first' }) => {
    expect((await told(scripts, { name })).failovers).toEqual([]);
  });
});

const CONTENT = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n';
const DONE = 'data: [DONE]\n\n';
const begins: Script = (sent) => {
  sent.listener.onHead(200, { 'content-type': 'text/event-stream' });
  sent.listener.onData(Buffer.from(CONTENT));
};

/** A stream of the agent at home that has begun, and is being read. */
async function begun(stage: Stage, facts: Parameters<Stage['call']>[0] = {}) {
  const call = stage.call({ name: 'first', labels: LABELS, stream: true, ...facts });
  const { body } = await createRelay(stage.deps).serve(call);
  const reading = (async () => {
    if (body !== null && !Buffer.isBuffer(body)) for await (const _ of body);
    // What it used is estimated first.
    await settled();
  })();
  await settled();
  return { sent: stage.upstream.last, reading };
}

describe('a stream of an agent at home', () => {
  const ERROR = (code: string): Buffer => Buffer.from(`data: {"error":{"code":"${code}","message":"m"}}\n\n`);
  const lost = ({ listener }: Sent): void => listener.onError(new UpstreamError('reset', 'connection lost'));
  const erred =
    (code: string) =>
    ({ listener }: Sent): void => {
      listener.onData(ERROR(code));
      listener.onEnd();
    };
  const done = ({ listener }: Sent): void => {
    listener.onData(Buffer.from(DONE));
    listener.onEnd();
  };

  test.each<{ what: string; end: (sent: Sent) => void; agent: object | null; deployment: string | null; as: string }>([
    { what: 'ends well', end: done, agent: { failed: false, fallback: null }, deployment: 'ok', as: 'ok' },
    {
      what: 'ends without its end marker',
      end: ({ listener }) => listener.onEnd(),
      agent: { failed: false },
      deployment: 'ok',
      as: 'ok',
    },
    {
      what: 'breaks',
      end: lost,
      agent: { failed: true, fallback: 'B/m', cause: 'failing' },
      deployment: 'failing',
      as: 'broken',
    },
    {
      what: 'ends amid an event',
      end: ({ listener }) => {
        listener.onData(Buffer.from('data: ha'));
        listener.onEnd();
      },
      agent: { failed: true, fallback: 'B/m' },
      deployment: 'failing',
      as: 'broken',
    },
    {
      what: 'ends with an error of the deployment',
      end: erred('server_error'),
      agent: { failed: true, fallback: 'B/m', cause: 'failing' },
      deployment: 'failing',
      as: 'broken',
    },
    {
      what: 'ends as the deployment is throttled',
      end: erred('rate_limit_exceeded'),
      agent: { failed: true, fallback: 'B/m', cause: 'throttled' },
      deployment: 'throttled',
      as: 'broken',
    },
    {
      what: 'is filtered',
      end: erred('content_filter'),
      agent: { failed: false, cause: 'filtered' },
      deployment: null,
      as: 'filtered',
    },
    {
      what: 'is refused',
      end: erred('context_length_exceeded'),
      agent: { failed: false },
      deployment: null,
      as: 'refused',
    },
    {
      what: 'breaks once it is complete',
      end: (sent) => {
        sent.listener.onData(Buffer.from(DONE));
        lost(sent);
      },
      agent: { failed: false },
      deployment: 'ok',
      as: 'ok',
    },
  ])('is told of when it is over, and counts for what it was: it $what', async ({ end, agent, deployment, as }) => {
    const stage = stageFor(CONFIG, [begins]);
    const { sent, reading } = await begun(stage);
    expect(stage.watched.told.agents).toEqual([]);
    expect(stage.watched.told.findings).toMatchObject([{ outcome: 'other', latencyMs: expect.any(Number) as number }]);
    end(sent);
    await reading;
    expect(stage.watched.told.agents).toMatchObject(agent === null ? [] : [{ agent: 'owner', on: 'A/m', ...agent }]);
    expect(stage.watched.told.findings.slice(1)).toMatchObject(
      deployment === null ? [] : [{ deployment: 'A/m', outcome: deployment, sequel: true, probe: false }],
    );
    expect(stage.records).toMatchObject([{ end: as, status: 200 }]);
  });

  test.each(['leave', 'dismiss'] as const)('teaches nothing where its callers $0', async (how) => {
    const stage = stageFor(CONFIG, [begins]);
    const { reading } = await begun(stage);
    stage.caller[how]();
    await reading;
    expect([stage.watched.told.agents, stage.watched.told.findings.length]).toEqual([[], 1]);
    expect(stage.records).toMatchObject([{ end: how === 'leave' ? 'aborted' : 'broken' }]);
  });

  test('is moved after its third break in a row, and not where streams between them ended well', async () => {
    const breaks = async (stage: Stage): Promise<void> => {
      const { sent, reading } = await begun(stage);
      lost(sent);
      await reading;
    };
    const stage = stageFor(CONFIG, [begins]);
    for (let count = 0; count < 3; count++) await breaks(stage);
    expect(stage.watched.told.agents).toMatchObject([1, 2, 3].map(() => ({ failed: true, fallback: 'B/m' })));
  });

  test('opens the breaker at the breaks in a row that it takes: that each began well clears nothing', async () => {
    const stage = stageFor(CONFIG, [begins]);
    for (let count = 0; count < 5; count++) {
      expect(stage.state.health('A/m').breaker).toMatchObject({ kind: 'closed', inRow: count });
      const { sent, reading } = await begun(stage, { name: 'A/m' });
      lost(sent);
      await reading;
    }
    expect(stage.state.health('A/m').breaker.kind).toBe('open');
  });

  test('that ended well clears them', async () => {
    const stage = stageFor(CONFIG, [begins]);
    for (const end of [lost, lost, done, lost]) {
      const { sent, reading } = await begun(stage, { name: 'A/m' });
      end(sent);
      await reading;
    }
    expect(stage.state.health('A/m').breaker).toMatchObject({ kind: 'closed', inRow: 1 });
  });

  test('is not held against a deployment that has been down and is back since it began', async () => {
    const stage = stageFor(CONFIG, [begins]);
    const { sent, reading } = await begun(stage);
    stage.record('A/m', 'failing', { times: 5 });
    stage.clock.advance(30_000);
    await stage.state.claimProbe('A/m', stage.clock.now(), true);
    const at = stage.clock.now();
    const unsaid = { retryAfterMs: null, latencyMs: null, headroom: null, cause: 'a test' };
    stage.state.record({ deployment: 'A/m', outcome: 'ok', at, probe: true, ...unsaid });
    lost(sent);
    await reading;
    expect([stage.watched.told.agents, stage.watched.told.findings.length]).toEqual([[], 1]);
  });
});

describe('a stream that begins again on another deployment', () => {
  test('is told of when it breaks, and as no failover: the request is one', async () => {
    const stage = stageFor(CONFIG, [begins]);
    const { sent, reading } = await begun(stage, { wishes: { onBreak: 'restart' } });
    sent.listener.onError(new UpstreamError('reset', 'connection lost'));
    await settled();
    expect(stage.upstream.sent.map(({ endpoint }) => endpoint).join('')).toBe('AB');
    stage.upstream.last.listener.onEnd();
    await reading;
    expect(stage.watched.told.agents).toMatchObject([{ on: 'A/m', failed: true, fallback: 'B/m' }]);
    expect(stage.watched.told.failovers).toEqual([]);
    expect(stage.records).toMatchObject([{ end: 'ok', deployment: 'B/m' }]);
  });
});

describe('the search for a stored response', () => {
  test('teaches nothing about an agent', async () => {
    const missing: Script = (sent) => sent.answer(404, { error: { code: 'not_found' } });
    const stored = { method: 'GET', target: { kind: 'response' as const, id: 'resp_1', rest: '' }, name: null };
    const { agents, failovers, sought } = await told([missing, status(503), ok], {
      ...stored,
      payload: { kind: 'none' },
    });
    expect([agents, failovers, sought]).toEqual([[], [], ['resp_1']]);
  });
});
