import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { availability } from '../../src/routing/availability.ts';
import { settled } from '../harness/manualClock.ts';
import { A, B, C, converge, fleetOf, HOMES, type Instance, learn } from './fleet.ts';

function standing({ state }: Instance, now: number, id = A): string {
  const found = availability(state.health(id), now);
  return found.kind === 'out' ? found.reason : found.kind;
}

describe('a breaker that one instance opens', () => {
  test('is open there at once, and everywhere within one refresh period', async () => {
    const { clock, instances } = fleetOf({ count: 3, started: true });
    const [one] = instances as [Instance, Instance, Instance];
    await clock.pass(2_000);
    learn(one, clock, 'failing', { times: 5 });
    expect(standing(one, clock.now())).toBe('open');
    await clock.pass(1_000);
    expect(instances.map((instance) => standing(instance, clock.now()))).toEqual(['open', 'open', 'open']);
  });

  test('is told to people once, by the instance that opened it', async () => {
    const { clock, instances } = fleetOf({ count: 3, started: true });
    await clock.pass(2_000);
    for (const instance of instances) learn(instance, clock, 'failing', { times: 5 });
    await clock.pass(3_000);
    expect(instances.flatMap(({ told }) => told)).toMatchObject([
      { kind: 'opened', deployment: A, cause: 'status 503' },
    ]);
    const [one] = instances as [Instance];
    expect(await one.operations.events(0, 10)).toMatchObject([{ kind: 'opened' }]);
  });

  test('is probed by one request of the fleet, and closes everywhere when that is answered', async () => {
    const { clock, instances } = fleetOf({ count: 4 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(30_000);
    expect(standing(two, clock.now())).toBe('probe');
    const claims = await Promise.all(instances.map(({ state }) => state.claimProbe(A, clock.now())));
    expect(claims.filter((granted) => granted)).toHaveLength(1);
    await converge(instances);
    expect(instances.map((instance) => standing(instance, clock.now()))).toEqual(Array(4).fill('halfOpen'));
    const prober = instances[claims.indexOf(true)] as Instance;
    learn(prober, clock, 'ok', { probe: true });
    await converge(instances);
    expect(instances.every((instance) => instance.state.health(A).breaker.kind === 'closed')).toBe(true);
    const other = instances.find((instance) => instance !== prober) as Instance;
    expect(other.state.health(A).recovery).toMatchObject({ sent: 0, answered: 0 });
  });

  test('opens for longer when the probe fails, and late answers of others change nothing', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(30_000);
    expect(await two.state.claimProbe(A, clock.now())).toBe(true);
    learn(one, clock, 'ok');
    learn(two, clock, 'failing', { probe: true });
    await converge(instances);
    for (const { state } of instances) expect(state.health(A).breaker).toMatchObject({ kind: 'open', openings: 2 });
  });

  test('is probed by the next when the prober is killed, as soon as its lease is over', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(30_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    await two.state.exchange();
    await clock.pass(9_999);
    expect(await two.state.claimProbe(A, clock.now())).toBe(false);
    await clock.pass(1);
    expect(await two.state.claimProbe(A, clock.now())).toBe(true);
    learn(one, clock, 'ok', { probe: true });
    await converge(instances);
    expect(two.state.health(A).breaker.kind).toBe('halfOpen');
  });

  test('stays with its prober as long as that is alive and its request takes', async () => {
    const { clock, instances } = fleetOf({ count: 2, started: true });
    const [one, two] = instances as [Instance, Instance];
    await clock.pass(1_000);
    learn(one, clock, 'failing', { times: 5 });
    await clock.pass(31_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    for (let second = 0; second < 60; second++) {
      await clock.pass(1_000);
      expect(await two.state.claimProbe(A, clock.now())).toBe(false);
    }
    learn(one, clock, 'ok', { probe: true });
    await clock.pass(1_000);
    expect(two.state.health(A).breaker.kind).toBe('closed');
  });

  test('may be probed again at once when the prober’s caller left', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'failing', { times: 5 });
    await converge(instances);
    await clock.pass(30_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    one.state.dropProbe(A);
    await converge(instances);
    expect(await two.state.claimProbe(A, clock.now())).toBe(true);
  });
});

describe('failures', () => {
  test('of several instances open the breaker together', async () => {
    const { clock, instances } = fleetOf({ count: 5 });
    for (const instance of instances.slice(0, 4)) learn(instance, clock, 'failing');
    await converge(instances);
    const [one, , , , last] = instances as [Instance, Instance, Instance, Instance, Instance];
    expect(one.operations.failuresOf(A)).toBe(4);
    expect(standing(last, clock.now())).toBe('ready');
    learn(last, clock, 'failing');
    expect(standing(last, clock.now())).toBe('open');
    await converge(instances);
    expect(instances.map((instance) => standing(instance, clock.now()))).toEqual(Array(5).fill('open'));
  });

  test('are none too few, however many instances count at once', async () => {
    const { clock, instances } = fleetOf({ count: 8, extra: { breaker: { failures: 401 } }, started: true });
    await clock.pass(1_000);
    for (let round = 0; round < 50; round++) {
      for (const instance of instances) learn(instance, clock, 'failing');
      await clock.pass(7);
    }
    await clock.pass(2_000);
    expect(instances.map(({ operations }) => operations.failuresOf(A))).toEqual(Array(8).fill(400));
    learn(instances[3] as Instance, clock, 'failing');
    await clock.pass(1_000);
    expect(instances.map((instance) => standing(instance, clock.now()))).toEqual(Array(8).fill('open'));
  });

  test('do not add up across a success that any instance saw', async () => {
    const { clock, instances } = fleetOf({ count: 3 });
    const [one, two, three] = instances as [Instance, Instance, Instance];
    learn(one, clock, 'failing', { times: 2 });
    learn(two, clock, 'failing', { times: 2 });
    await converge(instances);
    await clock.pass(10);
    learn(three, clock, 'ok');
    await converge(instances);
    await clock.pass(10);
    expect(one.operations.failuresOf(A)).toBe(0);
    learn(one, clock, 'failing', { times: 2 });
    learn(two, clock, 'failing', { times: 2 });
    await converge(instances);
    expect(standing(three, clock.now())).toBe('ready');
  });

  test('that are everyday among many answers are not told at all', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'ok', { times: 50 });
    learn(one, clock, 'failing');
    await converge(instances);
    expect(two.operations.failuresOf(A)).toBe(0);
  });
});

describe('a rest', () => {
  test('is kept to by all, exactly by whoever was asked, a little longer by the others', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    const at = clock.now();
    learn(one, clock, 'throttled', { retryAfterMs: 20_000 });
    await converge(instances);
    expect(one.state.health(A).restUntil).toBe(at + 20_000);
    expect(two.state.health(A).restUntil).toBe(at + 20_500);
  });
});

describe('a misconfigured deployment', () => {
  test('leaves rotation everywhere, is tried by one request at a time, and is back when that is served', async () => {
    const { clock, instances } = fleetOf({ count: 3 });
    const [one, two] = instances as [Instance, Instance];
    learn(one, clock, 'misconfigured', { cause: 'status 401' });
    await converge(instances);
    expect(instances.map((instance) => standing(instance, clock.now()))).toEqual(Array(3).fill('misconfigured'));
    await clock.pass(300_000);
    const claims = await Promise.all(instances.map(({ state }) => state.claimProbe(A, clock.now())));
    expect(claims.filter((granted) => granted)).toHaveLength(1);
    learn(instances[claims.indexOf(true)] as Instance, clock, 'ok', { probe: true });
    await converge(instances);
    expect(two.state.health(A).misconfigured).toBeNull();
  });
});

describe('an operator', () => {
  test('drains and restores for the whole fleet', async () => {
    const { clock, instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    learn(two, clock, 'failing', { times: 5 });
    learn(two, clock, 'throttled', { retryAfterMs: 60_000 });
    await one.operations.drain(A);
    await converge(instances);
    expect(standing(two, clock.now())).toBe('drained');
    await clock.pass(1);
    await one.operations.restore(A);
    await converge(instances);
    expect(instances.map((instance) => standing(instance, clock.now()))).toEqual(['ready', 'ready']);
  });

  test('pins an agent everywhere and sends it home again', async () => {
    const { instances } = fleetOf({ count: 2 });
    const [one, two] = instances as [Instance, Instance];
    await one.operations.assign('cpt_agent', C, true);
    await converge(instances);
    expect(two.state.assignment('cpt_agent')).toMatchObject({ deployment: C, from: A, returnAt: null });
    expect(await two.operations.release('cpt_agent')).toBe(true);
    expect(await two.operations.release('cpt_agent')).toBe(false);
    await converge(instances);
    expect(one.state.assignment('cpt_agent')).toBeNull();
  });
});

describe('an agent', () => {
  const failed = { agent: 'cpt_agent', on: A, failed: true, fallback: B, cause: 'throttled' };

  test('moves on every instance with the third failure that the fleet has seen', async () => {
    const { clock, instances } = fleetOf({ count: 3 });
    const [one, two, three] = instances as [Instance, Instance, Instance];
    one.state.recordAgent({ ...failed, at: clock.now() });
    two.state.recordAgent({ ...failed, at: clock.now() });
    await converge(instances);
    expect(three.operations.agent('cpt_agent')).toMatchObject({ failures: 2, assignment: null });
    three.state.recordAgent({ ...failed, at: clock.now() });
    expect(three.state.assignment('cpt_agent')?.deployment).toBe(B);
    await converge(instances);
    expect(instances.map(({ state }) => state.assignment('cpt_agent')?.deployment)).toEqual([B, B, B]);
    expect(instances.flatMap(({ told }) => told)).toMatchObject([
      { kind: 'agentMoved', agent: 'cpt_agent', from: A, to: B },
    ]);
  });

  test('that is served leaves no trace', async () => {
    const { clock, instances, store } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    await one.state.exchange();
    one.state.recordAgent({ ...failed, failed: false, at: clock.now() });
    await one.state.exchange();
    expect(one.operations.agents()).toEqual([]);
    expect(await store.get({ table: 'assignments', partition: 'fleet', row: 'sheet' }, 100)).toBeNull();
  });
});

describe('an instance that joins later', () => {
  test('knows all that the fleet knows after its first exchange', async () => {
    const { clock, instances, add } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    learn(one, clock, 'failing', { times: 5 });
    learn(one, clock, 'throttled', { on: B, retryAfterMs: 9_000 });
    await one.operations.drain(C);
    await one.operations.assign('cpt_agent', C, true);
    await converge(instances);
    const late = add('late');
    await late.state.exchange();
    expect([A, B, C].map((id) => standing(late, clock.now(), id))).toEqual(['open', 'throttled', 'drained']);
    expect(late.state.assignment('cpt_agent')?.deployment).toBe(C);
  });
});

describe('rows of a newer version', () => {
  test('are left alone, and the instance keeps to itself what it learns', async () => {
    const { clock, instances, store } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    const key = { table: 'deployments' as const, partition: 'fleet', row: 'sheet' };
    const theirs = JSON.stringify({ deployments: { [B]: { drainedSince: 1 } }, census: {} });
    await store.insert(key, { schema: 2, content: theirs }, 100);
    await one.state.exchange();
    learn(one, clock, 'failing', { times: 5 });
    await one.state.exchange();
    expect(standing(one, clock.now())).toBe('open');
    await clock.pass(30_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(true);
    learn(one, clock, 'ok', { probe: true });
    await one.state.exchange();
    expect(standing(one, clock.now())).toBe('ready');
    expect((await store.get(key, 100))?.values['content']).toBe(theirs);
    expect(standing(one, clock.now(), B)).toBe('ready');
    expect(one.operations.store()).toMatchObject({ shared: false });
  });
});

test('what an instance sees at once is what the fleet’s word and its own evidence come to', async () => {
  const steps = fc.array(
    fc.record({
      instance: fc.nat(2),
      outcome: fc.constantFrom(
        'ok' as const,
        'failing' as const,
        'throttled' as const,
        'misconfigured' as const,
        'other' as const,
      ),
      exchange: fc.boolean(),
      afterMs: fc.integer({ min: 1, max: 20_000 }),
    }),
    { maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const { clock, instances } = fleetOf({ count: 3, extra: HOMES });
      for (const { instance, outcome, exchange, afterMs } of taken) {
        const one = instances[instance] as Instance;
        const isProbe = standing(one, clock.now()) === 'probe' && (await one.state.claimProbe(A, clock.now()));
        const isOut = ['open', 'halfOpen', 'throttled', 'misconfigured'].includes(standing(one, clock.now()));
        if (isProbe || !isOut) learn(one, clock, outcome, { probe: isProbe, retryAfterMs: 3_000 });
        if (exchange) await one.state.exchange();
        await clock.pass(afterMs);
      }
      await converge(instances);
      await settled();
      const views = instances.map(({ state }) => {
        const { breaker, misconfigured, drainedSince } = state.health(A);
        return { kind: breaker.kind, misconfigured, drainedSince };
      });
      expect(views[1]).toEqual(views[0]);
      expect(views[2]).toEqual(views[0]);
    }),
    { numRuns: 200 },
  );
});

describe('a large fleet', () => {
  const key = { table: 'deployments' as const, partition: 'fleet', row: 'sheet' };
  /** Sixteen marks so low that there must be about a million instances. */
  const census = { epoch: 4_000_000, marks: Array.from({ length: 16 }, (_, at) => at * 4_000), before: 0 };

  test('has its probe asked for by few, and by whoever has nowhere else to go', async () => {
    const { clock, instances, store } = fleetOf({ count: 1 });
    const [one] = instances as [Instance];
    const deployments = { [A]: { breaker: { kind: 'open', openUntil: clock.now() - 1, openings: 1, cause: 'c' } } };
    await store.insert(key, { schema: 1, content: JSON.stringify({ deployments, census }) }, 100);
    await one.state.exchange();
    expect(one.operations.store().instances).toBeGreaterThan(100_000);
    expect(await one.state.claimProbe(A, clock.now())).toBe(false);
    expect(await one.state.claimProbe(A, clock.now(), true)).toBe(true);
  });

  test('is told by each instance at its own time, and never twice in a period', async () => {
    const { clock, instances, store } = fleetOf({ count: 1, draw: () => 0 });
    const [one] = instances as [Instance];
    await store.insert(key, { schema: 1, content: JSON.stringify({ deployments: {}, census }) }, 100);
    await one.state.exchange();
    const etags = new Set<string | undefined>();
    for (let failure = 0; failure < 4; failure++) {
      learn(one, clock, 'failing');
      await clock.pass(150);
      etags.add((await store.get(key, 100))?.etag);
    }
    expect(etags.size).toBe(1);
  });
});
