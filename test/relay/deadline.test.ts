/** A request ends within its deadline, whatever the store does meanwhile: time that the test owns, the state that the router has. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AccountQuotas } from '../../src/accounts/quotaKeeper.ts';
import { UNLIMITED } from '../../src/domain/account.ts';
import type { RouterConfig } from '../../src/domain/config.ts';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { createRelay, type Relay } from '../../src/relay/relay.ts';
import { DistantStore, type Weather } from '../../src/simulation/distantStore.ts';
import { drawFrom } from '../../src/simulator/seeded.ts';
import { SharedState } from '../../src/state/shared.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { RowKey, Values, Written } from '../../src/store/port.ts';
import type { ManualClock } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { chunk } from '../harness/upstream.ts';
import type { CallFacts, Sent, Stage } from './fakes.ts';
import { FakeUpstream, jsonPayload, QUIET, stageFor } from './fakes.ts';

const ENDPOINTS = ['A', 'B', 'C'] as const;
type Endpoint = (typeof ENDPOINTS)[number];
const MEMBERS = ENDPOINTS.map((name) => `${name}/gpt-4.1`);
const STRATEGIES = ['priority', 'roundRobin', 'strict', 'weighted', 'spread', 'leastLatency', 'mostHeadroom'] as const;
type Strategy = (typeof STRATEGIES)[number];

const OPEN_MS = 1_000;
const AGENTS = { homes: { cpt_agent: 'B/gpt-4.1' }, defaultHome: 'A/gpt-4.1' };

function configWith(strategy: Strategy): RouterConfig {
  const pool = strategy === 'strict' ? { strategy: 'roundRobin', block: 1 } : { strategy };
  return configOf(
    fleet(
      ENDPOINTS.map((name) => `https://${name.toLowerCase()}.test`),
      {
        pools: { 'gpt-4.1': { ...pool, members: MEMBERS } },
        agents: AGENTS,
        breaker: { failures: 3, openMs: OPEN_MS, maxOpenMs: OPEN_MS },
      },
    ),
  );
}

const CONFIGS = new Map(STRATEGIES.map((strategy) => [strategy, configWith(strategy)]));

/** `contended`: somebody else is always first. `silent`: no call is answered, and each is given up in its time. */
type Mood = { readonly kind: 'slow' | 'contended'; readonly ms: number } | { readonly kind: 'silent' };

class RivalledStore extends MemoryStore {
  isRivalled = false;

  override async insert(key: RowKey, values: Values): Promise<Written> {
    return this.isRivalled ? { kind: 'conflict' } : await super.insert(key, values);
  }

  override async replace(key: RowKey, values: Values, etag: string): Promise<Written> {
    const row = this.isRivalled ? await this.get(key) : null;
    if (row !== null) await this.put(key, row.values);
    return await super.replace(key, values, etag);
  }
}

/** What an endpoint does with each request, so many milliseconds after it has come. */
interface Behaviour {
  readonly kind: 'answers' | 'fails' | 'throttles' | 'says nothing';
  readonly ms: number;
}

type Behaviours = Readonly<Record<Endpoint, Behaviour>>;

interface Asked {
  /** After the store has begun to misbehave. */
  readonly atMs: number;
  readonly deadlineMs: number;
  /** `goesOn`, `stored`: it is about a stored response that this instance has not seen made. */
  readonly kind: 'plain' | 'goesOn' | 'stored';
  readonly agent: 'cpt_agent' | 'unknown_agent';
  readonly stream: boolean;
  readonly cache: boolean;
  /** By an account with a quota. */
  readonly limited: boolean;
}

interface Situation {
  readonly strategy: Strategy;
  readonly mood: Mood;
  readonly endpoints: Behaviours;
  /** Their breakers' windows have just passed: the next request there is a probe. */
  readonly probed: readonly Endpoint[];
  readonly asked: readonly Asked[];
  readonly seed: number;
}

interface End {
  readonly asked: Asked;
  /** `null`: it has not ended by its deadline. */
  readonly tookMs: number | null;
  readonly error: unknown;
}

interface Run {
  readonly ends: readonly End[];
  /** Calls of the store while the requests were under way. */
  readonly calls: number;
}

/** What comes of adding lengths to instants. */
const ROUNDING_MS = 0.01;

class Scene {
  readonly stage: Stage;
  readonly state: SharedState;
  readonly relay: Relay;
  readonly #clock: ManualClock;
  readonly #store = new RivalledStore();
  readonly #ends: End[] = [];
  #weather: Weather = { kind: 'open', latency: { medianMs: 1, spread: 0 } };
  #calls = 0;

  constructor({ strategy, endpoints, seed }: Situation) {
    const config = CONFIGS.get(strategy)!;
    const draw = drawFrom(seed);
    this.stage = stageFor(config);
    this.#clock = this.stage.clock;
    const weather = () => {
      this.#calls++;
      return this.#weather;
    };
    const store = new DistantStore(this.#store, { clock: this.#clock, draw, weather, onEnded: () => undefined });
    const facts = {
      config,
      store,
      clock: this.#clock,
      draw,
      fingerprint: () => 'c1',
      instance: 'i1',
      journal: JOURNAL,
    };
    this.state = new SharedState(facts);
    const quotas = new AccountQuotas({ ...facts, watch: this.state.watch });
    quotas.start();
    const upstream = new FakeUpstream(this.#clock, (sent) => this.#behave(sent, endpoints[sent.endpoint as Endpoint]));
    this.relay = createRelay({ ...this.stage.deps, state: this.state, upstream, draw, quotas });
  }

  async play({ mood, probed, asked }: Situation): Promise<Run> {
    this.state.start();
    await this.#clock.pass(50);
    for (const name of probed)
      for (let failure = 0; failure < 3; failure++) this.state.record(failureOf(`${name}/gpt-4.1`, this.#clock.now()));
    await this.#clock.pass(OPEN_MS + 500);
    if (mood.kind === 'silent') this.#weather = { kind: 'gone' };
    else this.#weather = { kind: 'open', latency: { medianMs: mood.ms, spread: 0 } };
    this.#store.isRivalled = mood.kind === 'contended';
    this.#calls = 0;
    for (const one of asked) this.#clock.after(one.atMs, () => this.#ask(one));
    await this.#clock.pass(Math.max(...asked.map(({ atMs, deadlineMs }) => atMs + deadlineMs)) + ROUNDING_MS);
    const calls = this.#calls;
    const ended = new Set(this.#ends.map((end) => end.asked));
    const endless = asked.filter((one) => !ended.has(one)).map((one) => ({ asked: one, tookMs: null, error: null }));
    return { ends: [...this.#ends, ...endless], calls };
  }

  #ask(asked: Asked): void {
    const arrivedAt = this.#clock.monotonicMs();
    const end = (error: unknown): void => {
      this.#ends.push({ asked, tookMs: this.#clock.monotonicMs() - arrivedAt, error });
    };
    this.relay.serve(this.stage.call(callFacts(asked))).then(() => end(null), end);
  }

  #behave(sent: Sent, { kind, ms }: Behaviour): void {
    if (kind === 'says nothing') return;
    this.#clock.after(ms, () => {
      if (kind === 'fails') sent.answer(503, {});
      else if (kind === 'throttles') sent.answer(429, {}, { 'retry-after-ms': '700' });
      else if (sent.request.body?.includes(STREAMS) === true) {
        sent.listener.onHead(200, { 'content-type': 'text/event-stream' });
        sent.listener.onData(Buffer.from(chunk('Hello')));
      } else sent.answer(200, { ok: true });
    });
  }
}

const STREAMS = Buffer.from('"stream":true');

const JOURNAL = {
  ...QUIET,
  fault: ({ error }: { readonly error: unknown }) => {
    throw error;
  },
};

function failureOf(deployment: string, at: number) {
  const told = { probe: false, retryAfterMs: null, latencyMs: null, headroom: null, cause: 'status 503' };
  return { deployment: deployment as DeploymentId, outcome: 'failing' as const, at, ...told };
}

function callFacts({ kind, agent, stream, cache, limited, deadlineMs }: Asked): CallFacts {
  const principal = { quota: limited ? { ...UNLIMITED, requestsPerMinute: 1_000_000 } : UNLIMITED };
  const labels = { agent, creator: 'unknown_creator', operation: 'unknown_operation' };
  const wishes = { deadlineMs, cache: cache ? ('on' as const) : null };
  if (kind === 'stored')
    return {
      labels,
      wishes,
      principal,
      method: 'GET',
      target: { kind: 'response', id: 'resp_1', rest: '' },
      payload: { kind: 'none' },
    };
  const operation = kind === 'plain' ? 'chat/completions' : 'responses';
  const goesOn = kind === 'plain' ? {} : { previous_response_id: 'resp_1' };
  const payload = jsonPayload(JSON.stringify({ model: 'gpt-4.1', ...goesOn, ...(stream ? { stream } : {}) }));
  return {
    labels,
    wishes,
    principal,
    stream,
    payload,
    target: { kind: 'deployment', operation, namedBy: 'body', name: null },
  };
}

function play(situation: Situation): Promise<Run> {
  return new Scene(situation).play(situation);
}

/** Those that took longer, or never ended, or ended in what no caller should see. */
function wrong({ ends }: Run): End[] {
  return ends.filter(({ asked, tookMs, error }) => {
    const isLate = tookMs === null || tookMs > asked.deadlineMs + ROUNDING_MS;
    return isLate || (error !== null && !(error instanceof RouterError && error.code !== 'internal'));
  });
}

const PROMPT: Behaviour = { kind: 'answers', ms: 20 };
const PLAIN: Asked = {
  atMs: 0,
  deadlineMs: 150,
  kind: 'plain',
  agent: 'unknown_agent',
  stream: false,
  cache: false,
  limited: false,
};
const USUAL: Omit<Situation, 'mood'> = {
  strategy: 'priority',
  endpoints: { A: PROMPT, B: PROMPT, C: PROMPT },
  probed: [],
  asked: [PLAIN],
  seed: 1,
};

const MOODS: readonly { readonly store: string; readonly mood: Mood }[] = [
  { store: 'slow', mood: { kind: 'slow', ms: 700 } },
  { store: 'contended', mood: { kind: 'contended', ms: 20 } },
  { store: 'silent', mood: { kind: 'silent' } },
];

const WAITS: readonly { readonly what: string; readonly situation: Omit<Situation, 'mood'> }[] = [
  { what: 'a turn of strict order', situation: { ...USUAL, strategy: 'strict' } },
  { what: 'the claim of a probe', situation: { ...USUAL, probed: ENDPOINTS } },
  { what: 'the holder of a response to go on from', situation: { ...USUAL, asked: [{ ...PLAIN, kind: 'goesOn' }] } },
  { what: 'the holder of a stored response', situation: { ...USUAL, asked: [{ ...PLAIN, kind: 'stored' }] } },
];
/** Nobody is served who may have used up what is his. */
const QUOTA = { what: 'what is left of a quota', situation: { ...USUAL, asked: [{ ...PLAIN, limited: true }] } };

describe('a request keeps its deadline', () => {
  const inEachMood = (waits: typeof WAITS) =>
    waits.flatMap(({ what, situation }) => MOODS.map(({ store, mood }) => ({ what, store, situation, mood })));

  test.each(inEachMood([...WAITS, QUOTA]))('where a $store store is asked for $what', async ({ situation, mood }) => {
    const run = await play({ ...situation, mood });
    expect(run.calls).toBeGreaterThan(0);
    expect(wrong(run)).toEqual([]);
  });

  test.each(inEachMood(WAITS))(
    'and is served meanwhile, where a $store store is asked for $what',
    async ({ situation, mood }) => {
      // Where nothing but probes is left, and none can be claimed, nobody may serve.
      const { ends } = await play({ ...situation, probed: situation.probed.slice(0, 1), mood });
      expect(ends.map(({ error, tookMs }) => [error, tookMs === null])).toEqual([[null, false]]);
    },
  );

  test('whatever the strategy, the store and the endpoints do, and however many there are', async () => {
    const mood = fc.oneof(
      fc.record({
        kind: fc.constantFrom('slow' as const, 'contended' as const),
        ms: fc.integer({ min: 1, max: 2_000 }),
      }),
      fc.constant({ kind: 'silent' as const }),
    );
    const behaviour = fc.record({
      kind: fc.constantFrom(
        'answers' as const,
        'answers' as const,
        'fails' as const,
        'throttles' as const,
        'says nothing' as const,
      ),
      ms: fc.integer({ min: 0, max: 2_000 }),
    });
    const asked = fc.record({
      atMs: fc.integer({ min: 0, max: 800 }),
      deadlineMs: fc.oneof(fc.integer({ min: 2, max: 400 }), fc.integer({ min: 400, max: 4_000 })),
      kind: fc.constantFrom('plain' as const, 'plain' as const, 'goesOn' as const, 'stored' as const),
      agent: fc.constantFrom('cpt_agent' as const, 'unknown_agent' as const),
      stream: fc.boolean(),
      cache: fc.boolean(),
      limited: fc.boolean(),
    });
    const situation = fc.record({
      strategy: fc.constantFrom(...STRATEGIES, 'strict' as const),
      mood,
      endpoints: fc.record({ A: behaviour, B: behaviour, C: behaviour }),
      probed: fc.subarray([...ENDPOINTS]),
      asked: fc.array(asked, { minLength: 1, maxLength: 5 }),
      seed: fc.nat(),
    });
    const keeps = fc.asyncProperty(situation, async (one) => {
      expect(wrong(await play(one))).toEqual([]);
    });
    await fc.assert(keeps, { numRuns: 500 });
  });
});
