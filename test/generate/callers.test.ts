/** Who may generate, and what it costs them. */
import { describe, expect, it, vi } from 'vitest';
import { chat, startMetered } from '../harness/metered.ts';
import { roomInMinute } from '../harness/minute.ts';
import { errorIn } from '../harness/operator.ts';
import { ask } from '../harness/raw.ts';
import { fleet, startRouter } from '../harness/router.ts';
import { startUpstream } from '../harness/upstream.ts';
import { GOOD, generate, ORDER, says } from './scripted.ts';

const TEXT = '/router/generate/text';
const order = { prompt: 'How tall is the house?' };

describe('a caller', () => {
  it('needs a key as for any call, and not that of the operator', async () => {
    await using fleetOf = await startMetered();
    const { key } = await fleetOf.operator.makeKey({ account: 'clinic-7' });
    const send = (with_: string | undefined) =>
      chat(fleetOf.url, { path: TEXT, body: order, ...(with_ === undefined ? {} : { key: with_ }) });
    const [without, wrong, right] = [await send(undefined), await send('guess'), await send(key)];
    expect([without.status, wrong.status, right.status]).toEqual([401, 401, 200]);
    expect(errorIn(without).code).toBe('unauthorized');
  });

  it('is held to the pools of its key', async () => {
    await using fleetOf = await startMetered();
    const { key } = await fleetOf.operator.makeKey({ account: 'clinic-7', pools: ['gpt-4o'] });
    const send = (model: string) => chat(fleetOf.url, { path: TEXT, body: { ...order, model }, key });
    const [inside, outside] = [await send('gpt-4o'), await send('gpt-4.1')];
    expect([inside.status, outside.status, errorIn(outside).code]).toEqual([200, 403, 'forbidden']);
  });

  it('pays for what it used, under its own labels', async () => {
    await using fleetOf = await startMetered();
    const { key } = await fleetOf.operator.makeKey({ account: 'clinic-7' });
    const headers = [
      ['x-creator', 'maria'],
      ['x-agent-name', 'cpt_agent'],
    ] as const;
    const answer = await chat(fleetOf.url, { path: TEXT, body: order, key, headers });
    const told = JSON.parse(answer.text) as { usage: Record<string, number> };
    const books = fleetOf.simulator.books().total;
    expect(told.usage).toMatchObject({ promptTokens: books.promptTokens, completionTokens: books.completionTokens });
    const { rows, total } = await fleetOf.operator.usage('by=account,creator,agent,model');
    expect(rows).toMatchObject([{ account: 'clinic-7', creator: 'maria', agent: 'cpt_agent', model: 'gpt-4.1' }]);
    expect(total).toMatchObject({
      requests: 1,
      totalTokens: told.usage['totalTokens'],
      costUsd: told.usage['costUsd'],
    });
  });

  it('pays for the repair as well, and is stopped by its quota between the two', async () => {
    await roomInMinute();
    await using a = await startUpstream(says('no'), says(JSON.stringify(GOOD)));
    const accounts = { default: { quota: { requestsPerMinute: 3 } } };
    await using router = await startRouter(fleet([a.url], { accounts }));
    const first = await generate(router.url, ORDER);
    expect([first.status, first.json['repaired']]).toEqual([200, true]);
    a.script(says('no'));
    const second = await generate(router.url, { ...ORDER, prompt: 'Another one?' });
    expect([second.status, second.error['code']]).toEqual([429, 'quota_exceeded']);
    expect(a.received).toHaveLength(3);
    const usage = JSON.parse((await ask(router.url, { path: '/router/usage' })).text) as { total: object };
    expect(usage.total).toMatchObject({ totalTokens: 360 });
  });
});

describe('a request that is none', () => {
  it.each([
    { what: 'GET', call: { method: 'GET', path: TEXT }, status: 405, code: 'invalid_request' },
    { what: 'no JSON', call: { path: TEXT, body: '{"prompt"' }, status: 400, code: 'invalid_request' },
    { what: 'no object', call: { path: TEXT, body: '["x"]' }, status: 400, code: 'invalid_request' },
    { what: 'no body', call: { method: 'POST', path: TEXT, body: '' }, status: 400, code: 'invalid_request' },
    { what: 'too deep', call: { path: TEXT, body: `{"a":${'['.repeat(5_000)}` }, status: 400, code: 'invalid_request' },
    {
      what: 'too large',
      call: { path: TEXT, body: Buffer.alloc(1_200_000, 32) },
      status: 413,
      code: 'request_too_large',
    },
    {
      what: 'another path',
      call: { path: '/router/generate/poems', body: order },
      status: 404,
      code: 'invalid_request',
    },
    {
      what: 'packed',
      call: { path: TEXT, body: order, headers: [['content-encoding', 'gzip']] as const },
      status: 415,
      code: 'invalid_request',
    },
  ])('is told so: $what', async ({ call, status, code }) => {
    await using a = await startUpstream(says('x'));
    await using router = await startRouter(fleet([a.url], { limits: { bodyMb: 1 } }));
    const answer = await ask(router.url, call);
    expect([answer.status, errorIn(answer).code]).toEqual([status, code]);
    expect(answer.headers['x-router-request-id']).toBeTypeOf('string');
    expect(a.received).toHaveLength(0);
  });

  it('has all its faults told, in the error', async () => {
    await using a = await startUpstream(says('x'));
    await using router = await startRouter(fleet([a.url]));
    const { status, error } = await generate(router.url, { schema: { type: 'x' }, maxTokens: -1 });
    expect([status, error['param']]).toEqual([400, 'maxTokens']);
    expect((error['faults'] as { path: string }[]).map(({ path }) => path).sort()).toEqual([
      '/maxTokens',
      '/prompt',
      '/schema/type',
    ]);
  });

  it('is not paid for where its schema can never be checked', async () => {
    await using a = await startUpstream(says('x'));
    await using router = await startRouter(fleet([a.url]));
    const { status, error } = await generate(router.url, { prompt: 'x', schema: { $ref: '#' } });
    expect([status, error['param']]).toEqual([400, 'schema']);
    expect(a.received).toHaveLength(0);
  });
});

it('keeps prompts and completions out of the log, and the environment out of its calls', async () => {
  const secret = 'xyzzy-1234';
  await using a = await startUpstream(says(secret));
  await using router = await startRouter(fleet([a.url]));
  const printed: unknown[] = [];
  for (const level of ['debug', 'log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((...all: unknown[]) => void printed.push(...all));
  process.env['OPENAI_LOG'] = 'debug';
  process.env['OPENAI_ORG_ID'] = 'org-of-another';
  try {
    await generate(router.url, { ...ORDER, prompt: secret });
    await generate(router.url, { prompt: secret }, { kind: 'text' });
  } finally {
    vi.restoreAllMocks();
    delete process.env['OPENAI_LOG'];
    delete process.env['OPENAI_ORG_ID'];
  }
  expect(router.log.join('\n')).not.toContain(secret);
  expect(printed).toEqual([]);
  expect(a.received.length).toBe(3);
  for (const { headers } of a.received) expect(JSON.stringify(headers)).not.toContain('org-of-another');
});
