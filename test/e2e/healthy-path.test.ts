/** What a request of a healthy router waits for: its deployment, and nothing that lies in the tables. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runEmulator } from '../harness/emulator.ts';
import { startMetered } from '../harness/metered.ts';
import { many, PATIENT } from '../harness/processes.ts';
import { ask, CHAT, QUESTION, type RawAnswer, type RawCall, STREAMED } from '../harness/raw.ts';
import { StoreTrace } from '../harness/storeTrace.ts';

const RESPONSES = '/openai/v1/responses';
const HOME = 'B/gpt-4.1';
const FAR = 1_000_000_000;

const CONFIG = {
  pools: {
    'gpt-4.1': { members: ['A/gpt-4.1', 'B/gpt-4.1'] },
    blocks: { strategy: 'roundRobin', block: 8, members: ['A/gpt-4.1', 'B/gpt-4.1'] },
    strict: { strategy: 'roundRobin', block: 1, members: ['A/gpt-4.1', 'B/gpt-4.1'] },
    vectors: { members: ['A/text-embedding-3-small', 'B/text-embedding-3-small'] },
  },
  defaultPool: 'gpt-4.1',
  agents: { homes: { cpt_agent: HOME } },
  accounts: {
    'clinic-7': { quota: { requestsPerMinute: FAR, tokensPerMinute: FAR, tokensPerDay: FAR, usdPerMonth: FAR } },
  },
  usage: { flushMs: 200 },
};

const AT_HOME = [['x-agent-name', 'cpt_agent']] as const;
const CACHED = [['x-router-cache', 'on']] as const;
const anew = (): object => ({ ...QUESTION, seed: Math.floor(Math.random() * 1e9) });
const askResponse = (more: object) => ({ path: RESPONSES, body: { model: 'gpt-4.1', input: 'How tall?', ...more } });

interface Place extends AsyncDisposable {
  readonly trace: StoreTrace;
  readonly send: (call: RawCall) => Promise<RawAnswer>;
  /** A stored response that was made here. */
  readonly storedId: string;
}

/** So much was asked for lately that nothing below is unusual. */
const LATELY = 300;

/** A router that has been asked everything before, by the holder of a key that was made, far from any quota. */
async function startPlace(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const emulator = stack.use(await runEmulator());
  const trace = new StoreTrace();
  const storage = { kind: 'connectionString', text: emulator.connectionString } as const;
  const { url, operator } = stack.use(await startMetered({ config: CONFIG, parts: { storage, trace } }));
  const { key } = await operator.makeKey({ account: 'clinic-7' });
  const send = ({ headers = [], ...call }: RawCall) =>
    ask(url, { path: CHAT, ...call, headers: [['api-key', key], ...headers] });
  const { id: storedId } = JSON.parse((await send(askResponse({}))).text) as { id: string };
  for (const { call } of [STRICT, ...CALLS]) expect((await send(call(storedId))).status).toBe(200);
  await many(LATELY, 8, () => send({ body: QUESTION }));
  // What was asked for in one period is at hand in the next.
  const before = trace.calls.length;
  await vi.waitFor(() => expect(trace.calls.slice(before)).toContain('replace quota'), PATIENT);
  const kept = stack.move();
  return { trace, send, storedId, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

interface Row {
  readonly what: string;
  readonly call: (storedId: string) => RawCall;
  /** What is begun behind the request all the same. */
  readonly behind?: readonly string[];
  readonly from?: string;
}

/** What a lease that is half used is filled up by. */
const LEASES = ['get quota', 'replace quota'];

const STRICT = { call: (): RawCall => ({ body: { ...QUESTION, model: 'strict' } }) };

const CALLS: readonly Row[] = [
  { what: 'a completion', call: () => ({ body: QUESTION }) },
  { what: 'a stream', call: () => ({ body: STREAMED }) },
  { what: 'an agent at home', call: () => ({ body: QUESTION, headers: AT_HOME }), from: 'B' },
  { what: 'a stream of an agent at home', call: () => ({ body: STREAMED, headers: AT_HOME }), from: 'B' },
  {
    what: 'round robin in blocks',
    call: () => ({ body: { ...QUESTION, model: 'blocks' } }),
    behind: ['replace cursors', 'insert cursors', 'get cursors'],
  },
  { what: 'an answer that is put into the cache', call: () => ({ body: anew(), headers: CACHED }) },
  { what: 'an answer out of the cache', call: () => ({ body: QUESTION, headers: CACHED }) },
  { what: 'a stream out of the cache', call: () => ({ body: STREAMED, headers: CACHED }) },
  { what: 'embeddings', call: () => ({ path: '/openai/v1/embeddings', body: { model: 'vectors', input: 'a house' } }) },
  { what: 'a response', call: () => askResponse({ store: false }) },
  { what: 'a streamed response', call: () => askResponse({ store: false, stream: true }) },
  { what: 'a response that is stored', call: () => askResponse({}), behind: ['put affinity'] },
  { what: 'a streamed response that is stored', call: () => askResponse({ stream: true }), behind: ['put affinity'] },
  {
    what: 'a response that goes on from one made here',
    call: (storedId) => askResponse({ previous_response_id: storedId }),
    behind: ['put affinity'],
  },
  { what: 'a stored response made here', call: (storedId) => ({ path: `${RESPONSES}/${storedId}` }) },
];

const TIMES = 6;

describe('on the healthy path', () => {
  let place: Place;

  beforeAll(async () => {
    place = await startPlace();
  });

  afterAll(() => place[Symbol.asyncDispose]());

  it.each(CALLS)('$what waits for 0 calls of the store', async ({ call, behind = [], from }) => {
    const { trace, send, storedId } = place;
    for (let turn = 0; turn < TIMES; turn++) {
      const { result, begun, waitedFor } = await trace.watch(() => send(call(storedId)));
      expect([result.status, result.whole, waitedFor]).toEqual([200, true, []]);
      expect(begun.filter((name) => ![...LEASES, ...behind].includes(name))).toEqual([]);
      if (from !== undefined) expect(result.headers['x-router-endpoint']).toBe(from);
    }
  });

  it('a turn of strict order alone waits for its call, and is seen to', async () => {
    const { result, begun, waitedFor } = await place.trace.watch(() => place.send(STRICT.call()));
    expect(result.status).toBe(200);
    expect(begun).toContain('replace cursors');
    expect(waitedFor).toContain('replace cursors');
  });
});

describe('while no call of the store is ever answered', () => {
  it('everything that is healthy is', async () => {
    await using place = await startPlace();
    const { trace, send, storedId } = place;
    using _held = trace.hold();
    const askAll = () => Promise.all(CALLS.map(({ call }) => send(call(storedId))));
    const answers = [...(await askAll()), ...(await askAll())];
    // The exchange with the fleet and the refresh of the keys come by, and hang.
    await expect.poll(() => trace.held, PATIENT).toEqual(expect.arrayContaining(['get deployments', 'get keys']));
    answers.push(...(await askAll()));
    expect(answers.filter(({ status, whole }) => status !== 200 || !whole).map(({ text }) => text)).toEqual([]);
    expect(trace.held).toContain('put affinity');
  });
});
