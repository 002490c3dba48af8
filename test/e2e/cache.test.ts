/** Answers that are given again. */
import { describe, expect, it } from 'vitest';
import type { UsageReport } from '../../src/usage/port.ts';
import { ask, keepAlive, QUESTION, type RawAnswer, type RawCall, STREAMED } from '../harness/raw.ts';
import { startRouter } from '../harness/router.ts';
import { startSimulated } from '../harness/simulated.ts';
import { json, startUpstream } from '../harness/upstream.ts';

const ON = [['x-router-cache', 'on']] as const;
const cacheOf = ({ headers }: RawAnswer) => headers['x-router-cache'];
const callsOf = ({ simulator }: Awaited<ReturnType<typeof startSimulated>>) => simulator.books().total.calls;

describe('an answer that is asked for again', () => {
  it.each([
    { what: 'a chat', body: QUESTION },
    { what: 'a stream', body: STREAMED },
    { what: 'a stream with its usage', body: { ...STREAMED, stream_options: { include_usage: true } } },
  ])('is given again byte for byte, and says so: $what', async ({ body }) => {
    await using both = await startSimulated();
    const first = await ask(both.url, { body, headers: ON });
    const again = await ask(both.url, { body, headers: ON });
    expect([cacheOf(first), cacheOf(again)]).toEqual(['miss', 'hit']);
    expect(again.body.equals(first.body)).toBe(true);
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
    expect([again.headers['x-router-deployment'], again.headers['x-router-attempts']]).toEqual(['A/gpt-4.1', '0']);
    expect(again.headers['x-router-request-id']).not.toBe(first.headers['x-router-request-id']);
    expect(again.headers['apim-request-id']).toBeUndefined();
    expect(Number(again.headers['age'])).toBeLessThan(60);
    expect(callsOf(both)).toBe(1);
  });

  it('in other words for the same is the same', async () => {
    await using both = await startSimulated();
    const { messages, model } = QUESTION;
    await ask(both.url, {
      body: `{"model":"${model}", "messages": ${JSON.stringify(messages)}, "temperature":0}`,
      headers: ON,
    });
    const body = `{"temperature":0,"messages":${JSON.stringify(messages)},"model":"${model}"}`;
    expect(cacheOf(await ask(both.url, { body, headers: ON }))).toBe('hit');
  });

  it('costs no tokens, and is a request in the ledger all the same', async () => {
    await using both = await startSimulated();
    for (let count = 0; count < 3; count++) await ask(both.url, { body: QUESTION, headers: ON });
    const { total } = JSON.parse((await ask(both.url, { path: '/router/usage' })).text) as UsageReport;
    const books = both.simulator.books().total;
    expect(total).toMatchObject({ requests: 3, totalTokens: books.promptTokens + books.completionTokens });
    const hit = await ask(both.url, { body: QUESTION, headers: ON });
    expect([hit.headers['x-router-tokens'], hit.headers['x-router-cost-usd']]).toEqual(['0', '0']);
  });

  it('is fetched anew where that is asked for, and kept', async () => {
    await using both = await startSimulated();
    await ask(both.url, { body: QUESTION, headers: ON });
    const anew = await ask(both.url, { body: QUESTION, headers: [['x-router-cache', 'refresh']] });
    expect([cacheOf(anew), callsOf(both)]).toEqual(['miss', 2]);
    expect(cacheOf(await ask(both.url, { body: QUESTION, headers: ON }))).toBe('hit');
  });
});

describe('nothing is given again', () => {
  it.each<{ what: string; one: RawCall; other: RawCall; is: string }>([
    { what: 'where nobody asked for it', one: { body: QUESTION }, other: { body: QUESTION }, is: 'off' },
    {
      what: 'where the caller will have none',
      one: { body: QUESTION, headers: ON },
      other: { body: QUESTION, headers: [['x-router-cache', 'off']] },
      is: 'off',
    },
    {
      what: 'to another question',
      one: { body: QUESTION, headers: ON },
      other: { body: { ...QUESTION, temperature: 0.5 }, headers: ON },
      is: 'miss',
    },
    {
      what: 'for another deployment',
      one: { body: QUESTION, headers: ON },
      other: { body: { ...QUESTION, model: 'B/gpt-4.1' }, headers: ON },
      is: 'miss',
    },
    {
      what: 'that was cut by its length',
      one: { body: { ...QUESTION, max_tokens: 3 }, headers: ON },
      other: { body: { ...QUESTION, max_tokens: 3 }, headers: ON },
      is: 'miss',
    },
    {
      what: 'of a stream that was cut by its length',
      one: { body: { ...STREAMED, max_tokens: 3 }, headers: ON },
      other: { body: { ...STREAMED, max_tokens: 3 }, headers: ON },
      is: 'miss',
    },
    {
      what: 'that was refused',
      one: { body: { ...QUESTION, max_tokens: -1 }, headers: ON },
      other: { body: { ...QUESTION, max_tokens: -1 }, headers: ON },
      is: 'off',
    },
  ])('$what', async ({ one, other, is }) => {
    await using both = await startSimulated();
    await ask(both.url, one);
    expect(cacheOf(await ask(both.url, other))).toBe(is === 'off' && other.headers === ON ? 'miss' : is);
    expect(callsOf(both)).toBe(2);
  });

  it('across accounts', async () => {
    await using both = await startSimulated();
    const keys: string[] = [];
    for (const account of ['one', 'two']) {
      const made = await ask(both.url, { path: '/router/keys', body: { account } });
      keys.push((JSON.parse(made.text) as { key: string }).key);
    }
    const seen: unknown[] = [];
    for (const key of [...keys, ...keys])
      seen.push(cacheOf(await ask(both.url, { body: QUESTION, headers: [...ON, ['api-key', key]] })));
    expect(seen).toEqual(['miss', 'miss', 'hit', 'hit']);
  });

  it('of a stored response, which one caller goes on from', async () => {
    await using both = await startSimulated();
    const call = (store: boolean): RawCall => ({
      path: '/v1/responses',
      body: { model: 'gpt-4.1', input: 'Hello', store },
      headers: ON,
    });
    for (const store of [true, true, false, false]) await ask(both.url, call(store));
    expect(callsOf(both)).toBe(3);
  });

  it('of a stream that broke', async () => {
    await using both = await startSimulated();
    both.simulator.faults.add({ fault: 'cut;chunks=5', endpoint: 'A' });
    expect((await ask(both.url, { body: STREAMED, headers: ON })).text).toContain('upstream_failed');
    both.simulator.faults.clear();
    const again = await ask(both.url, { body: STREAMED, headers: ON });
    expect([cacheOf(again), again.text.includes('upstream_failed')]).toEqual(['miss', false]);
  });
});

describe('a pool with a cache', () => {
  it('needs no header, and is opted out of by one', async () => {
    const pools = { 'gpt-4.1': { strategy: 'priority', members: ['A/gpt-4.1', 'B/gpt-4.1'], cache: true } };
    await using both = await startSimulated({ config: { pools } });
    const seen: unknown[] = [];
    for (const headers of [[], [], [['x-router-cache', 'off']]] as const)
      seen.push(cacheOf(await ask(both.url, { body: QUESTION, headers })));
    expect(seen).toEqual(['miss', 'hit', 'off']);
  });
});

describe('five hundred callers at once', () => {
  it.each([
    { what: 'unstreamed', body: QUESTION },
    { what: 'streamed', body: STREAMED },
  ])('make one call, and all get its answer: $what', async ({ body }) => {
    await using both = await startSimulated();
    using agent = keepAlive(500);
    const answers = await Promise.all(Array.from({ length: 500 }, () => ask(both.url, { body, headers: ON, agent })));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter((one) => cacheOf(one) === 'miss')).toHaveLength(1);
    expect(callsOf(both)).toBe(1);
  });

  it('each go their own way where the first one fails', async () => {
    let calls = 0;
    await using upstream = await startUpstream((request, response) => {
      const script =
        ++calls === 1 ? json(400, { error: { code: 'bad_request', message: 'm' } }) : json(200, { ok: calls });
      setTimeout(() => script(request, response), 50);
    });
    const document = {
      endpoints: { A: { url: upstream.url, apiKey: 'k', api: 'v1', deployments: { 'gpt-4.1': {} } } },
    };
    await using router = await startRouter(document);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(router.url, { body: QUESTION, headers: ON })),
    );
    expect(answers.map(({ status }) => status).sort((one, other) => one - other)).toEqual([
      ...Array.from({ length: 19 }, () => 200),
      400,
    ]);
  });
});
