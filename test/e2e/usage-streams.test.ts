/** Streams, and what was begun in vain: counted as exactly as anybody can, and without a trace in what the caller gets. */
import { describe, expect, it } from 'vitest';
import { chat, type LogLine, linesOf, type MeteredRouter, startMetered } from '../harness/metered.ts';
import { operatorOf } from '../harness/operator.ts';
import { begin, contentOf, payloadsOf, QUESTION, type RawAnswer, STREAMED } from '../harness/raw.ts';
import { fleet as fleetOf, startRouter } from '../harness/router.ts';
import { unasked } from '../harness/unasked.ts';
import { azureError, chunk, DONE, type Received, type Script, startUpstream, stream } from '../harness/upstream.ts';

const PATIENT = { timeout: 10_000, interval: 25 };

/** Several kinds of streams, and whether their callers asked for the usage. */
const STREAMS = [
  { what: 'a chat that asks for nothing', body: STREAMED, hasAsked: false },
  { what: 'a chat that asks not to', body: { ...STREAMED, stream_options: { include_usage: false } }, hasAsked: false },
  { what: 'a chat with other options', body: { ...STREAMED, stream_options: {} }, hasAsked: false },
  { what: 'a chat that asks', body: { ...STREAMED, stream_options: { include_usage: true } }, hasAsked: true },
  { what: 'a reasoning chat that asks for nothing', body: { ...STREAMED, model: 'gpt-5-mini' }, hasAsked: false },
  {
    what: 'a tool call that asks for nothing',
    body: {
      ...STREAMED,
      messages: [{ role: 'user', content: 'call look' }],
      tools: [{ type: 'function', function: { name: 'look' } }],
    },
    hasAsked: false,
  },
];

async function startKeyed(config: object = {}): Promise<{ fleet: MeteredRouter; key: string }> {
  const fleet = await startMetered({ config });
  return { fleet, key: (await fleet.operator.makeKey({ account: 'clinic-7' })).key };
}

function sentFor({ simulator }: MeteredRouter, { headers }: RawAnswer): Buffer {
  return simulator.sent(String(headers['apim-request-id'])) ?? Buffer.alloc(0);
}

describe.each(['v1', '2025-04-01-preview'])('a stream from an endpoint that speaks %s', (api) => {
  it.each(STREAMS)('is counted exactly, and shows its usage to whoever asked: $what', async ({ body, hasAsked }) => {
    await using fleet = await startMetered({ api });
    const { key } = await fleet.operator.makeKey({ account: 'clinic-7' });
    const answer = await chat(fleet.url, { key, body });
    expect([answer.status, answer.whole]).toEqual([200, true]);
    const sent = sentFor(fleet, answer);
    // The deployment was asked in any case.
    expect(sent.toString()).toContain('"usage":{');
    expect(answer.body.equals(hasAsked ? sent : unasked(sent)!)).toBe(true);
    expect(answer.text.includes('usage')).toBe(hasAsked);
    const { total } = await fleet.operator.usage();
    const { promptTokens, completionTokens, reasoningTokens } = fleet.simulator.books().total;
    expect(total).toMatchObject({ requests: 1, promptTokens, completionTokens, reasoningTokens, estimatedRequests: 0 });
  });

  it('of the responses API passes byte for byte, usage and all, and is counted exactly', async () => {
    await using fleet = await startMetered({ api });
    const { key } = await fleet.operator.makeKey({ account: 'clinic-7' });
    const body = { model: 'gpt-5-mini', input: 'How tall is the house?', stream: true };
    const answer = await chat(fleet.url, { key, path: '/openai/v1/responses', body });
    expect(answer.body.equals(sentFor(fleet, answer))).toBe(true);
    const { promptTokens, completionTokens, reasoningTokens } = fleet.simulator.books().total;
    const { total } = await fleet.operator.usage();
    expect(total).toMatchObject({ promptTokens, completionTokens, reasoningTokens, estimatedRequests: 0 });
    expect(reasoningTokens).toBeGreaterThan(0);
  });
});

describe('what a deployment began in vain', () => {
  it.each([
    { what: 'an answer that was cut short', fault: 'truncated-json', body: QUESTION },
    { what: 'a stream that broke before its first word', fault: 'error-event', body: STREAMED },
    { what: 'an answer that was not waited for any longer', fault: 'hang', body: QUESTION },
  ])('is counted beside what served in its place, as an estimate: $what', async ({ fault, body }) => {
    const { fleet, key } = await startKeyed({ timeouts: { answerMs: 500 } });
    await using _ = fleet;
    fleet.simulator.faults.add({ fault, endpoint: 'A' });
    const answer = await chat(fleet.url, { key, body });
    expect([answer.status, answer.headers['x-router-endpoint']]).toEqual([200, 'B']);
    await expect.poll(async () => (await fleet.operator.usage()).total.requests, PATIENT).toBe(1);
    const { total } = await fleet.operator.usage();
    const served = fleet.simulator.books().rows.find(({ endpoint }) => endpoint === 'B')!;
    expect(total.estimatedRequests).toBe(1);
    expect(total.promptTokens).toBeGreaterThan(served.promptTokens);
    expect(total.completionTokens).toBeGreaterThanOrEqual(served.completionTokens);
    // Nobody knows yet as the answer goes out.
    expect(answer.headers['x-router-tokens']).toBeUndefined();
    expect(linesOf(fleet.router).at(-1)).toMatchObject({ message: 'Request successful', attempts: 2, estimated: true });
  });

  it.each(['429', '500', '503', 'down'])('is nothing where it never began to work: %s', async (fault) => {
    const { fleet, key } = await startKeyed();
    await using _ = fleet;
    fleet.simulator.faults.add({ fault, endpoint: 'A', count: 1 });
    const answer = await chat(fleet.url, { key });
    expect([answer.status, answer.headers['x-router-endpoint']]).toEqual([200, 'B']);
    const { total } = await fleet.operator.usage();
    const { promptTokens, completionTokens } = fleet.simulator.books().total;
    expect(total).toMatchObject({ requests: 1, promptTokens, completionTokens, estimatedRequests: 0 });
  });

  it.each([
    { what: 'breaks', fault: 'reset;chunks=5', message: 'Stream broke' },
    {
      what: 'ends with an error event',
      fault: 'error-event-after;chunks=5',
      message: /Stream broke|Request successful/,
    },
  ])('and was shown in part is estimated by what was seen, where a stream $what', async ({ fault, message }) => {
    const { fleet, key } = await startKeyed();
    await using _ = fleet;
    fleet.simulator.faults.add({ fault, endpoint: 'A' });
    const body = { ...STREAMED, messages: [{ role: 'user', content: 'Go on [[words:200]]' }] };
    const answer = await chat(fleet.url, { key, body });
    expect(answer.status).toBe(200);
    await expect.poll(async () => (await fleet.operator.usage()).total.requests, PATIENT).toBe(1);
    const { total } = await fleet.operator.usage();
    const seen = contentOf(answer.text).length;
    expect(total.estimatedRequests).toBe(1);
    expect(total.promptTokens).toBeGreaterThan(0);
    expect(total.completionTokens).toBeGreaterThan(0);
    expect(total.completionTokens).toBeLessThanOrEqual(seen);
    expect(linesOf(fleet.router).at(-1)).toMatchObject({ message: expect.stringMatching(message) as string });
  });
});

describe('a stream that broke and was begun again elsewhere', () => {
  it('is counted with both its parts, and told as served by whoever brought it to its end', async () => {
    const { fleet, key } = await startKeyed();
    await using _ = fleet;
    fleet.simulator.faults.add({ fault: 'reset;chunks=4', endpoint: 'A' });
    const body = { ...STREAMED, messages: [{ role: 'user', content: 'Go on [[words:60]]' }] };
    const answer = await chat(fleet.url, { key, body, headers: [['x-router-on-break', 'restart']] });
    expect([answer.status, answer.whole, answer.text.includes('"usage"')]).toEqual([200, true, false]);
    await expect.poll(async () => (await fleet.operator.usage()).total.requests, PATIENT).toBe(1);
    const { total } = await fleet.operator.usage();
    const last = fleet.simulator.books().rows.find(({ endpoint }) => endpoint === 'B')!;
    expect(total.estimatedRequests).toBe(1);
    expect(total.promptTokens).toBeGreaterThan(last.promptTokens);
    expect(total.completionTokens).toBeGreaterThan(last.completionTokens);
    const end = linesOf(fleet.router).at(-1);
    expect(end).toMatchObject({ message: 'Request successful', attempts: 2, endpoint: 'B', deployment: 'B/gpt-4.1' });
  });
});

describe('a caller who leaves in the middle of a stream', () => {
  it('has used what had come by then, as far as anybody can tell', async () => {
    const { fleet, key } = await startKeyed();
    await using _ = fleet;
    fleet.simulator.faults.add({ fault: 'slow-chunks;ms=20' });
    const body = { ...STREAMED, messages: [{ role: 'user', content: 'Go on [[words:2000]]' }] };
    const answer = await begin(fleet.url, { headers: [['api-key', key]], body });
    answer.on('error', () => undefined);
    await new Promise((resolve) => answer.once('data', resolve));
    answer.destroy();
    await expect.poll(async () => (await fleet.operator.usage()).total.requests, PATIENT).toBe(1);
    const { total } = await fleet.operator.usage();
    expect(total.estimatedRequests).toBe(1);
    expect(total.promptTokens).toBeGreaterThan(0);
    expect(total.completionTokens).toBeLessThan(1_000);
    expect(linesOf(fleet.router).at(-1)).toMatchObject({ message: 'Caller left', estimated: true });
  });
});

const ORDINARY: Script = stream([chunk('Tall.'), DONE]);

/** As older models and gateways do it. */
function refusingOptions(request: Received, response: Parameters<Script>[1]): void {
  const refused = azureError(400, 'unknown_parameter', "Unknown parameter: 'stream_options'.");
  const { stream_options: options } = JSON.parse(request.body.toString()) as { stream_options?: unknown };
  (options === undefined ? ORDINARY : refused)(request, response);
}

describe('a deployment that refuses stream_options', () => {
  it('is asked once and never again, and no caller sees anything of it', async () => {
    await using upstream = await startUpstream(refusingOptions);
    await using router = await startRouter(fleetOf([upstream.url]));
    for (let index = 0; index < 3; index++) {
      const answer = await chat(router.url, { body: STREAMED });
      expect([answer.status, answer.headers['x-router-attempts'], contentOf(answer.text)]).toEqual([200, '1', 'Tall.']);
    }
    const asked = upstream.received.map(({ body }) => body.includes('stream_options'));
    expect(asked).toEqual([true, false, false, false]);
    const operator = operatorOf(router.url, null);
    await expect.poll(async () => (await operator.usage()).total.estimatedRequests, PATIENT).toBe(3);
    expect(await operator.control({ path: '/router/deployments/A%2Fgpt-4.1' })).toMatchObject({ state: 'closed' });
  });

  it('still refuses whoever asks for it, and its words reach that caller', async () => {
    await using upstream = await startUpstream(refusingOptions);
    await using router = await startRouter(fleetOf([upstream.url]));
    const body = { ...STREAMED, stream_options: { include_usage: true } };
    const answer = await chat(router.url, { body });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("Unknown parameter: 'stream_options'.");
    expect(upstream.received).toHaveLength(1);
  });

  it('is not asked at all where the configuration says so', async () => {
    await using upstream = await startUpstream(ORDINARY);
    await using router = await startRouter(fleetOf([upstream.url], { usage: { askForUsage: false } }));
    const answer = await chat(router.url, { body: STREAMED });
    expect(upstream.received[0]?.body.includes('stream_options')).toBe(false);
    expect(payloadsOf(answer.text)).toHaveLength(1);
  });
});

describe('the log', () => {
  it('tells a failover of a 429 as three lines under one request id', async () => {
    const { fleet, key } = await startKeyed();
    await using _ = fleet;
    fleet.simulator.faults.add({ fault: '429;retry-after-ms=60000', endpoint: 'A' });
    const headers = [
      ['x-agent-name', 'cpt_agent'],
      ['x-creator', 'maria'],
      ['x-operation', 'coding'],
    ] as const;
    const answer = await chat(fleet.url, { key, headers });
    const requestId = answer.headers['x-router-request-id'];
    const story = linesOf(fleet.router).filter((line: LogLine) => line['requestId'] === requestId);
    const { promptTokens: prompt, completionTokens: completion } = fleet.simulator.books().total;
    expect(story).toMatchObject([
      {
        level: 'warn',
        message: 'Rate limit hit (429)',
        agentName: 'cpt_agent',
        endpoint: 'A',
        deployment: 'A/gpt-4.1',
        retryAfter: 60,
      },
      { message: 'Retrying with fallback backend', from: 'A/gpt-4.1', to: 'B/gpt-4.1', cause: 'throttled' },
      {
        level: 'info',
        message: 'Request successful',
        agentName: 'cpt_agent',
        account: 'clinic-7',
        creator: 'maria',
        operation: 'coding',
        model: 'gpt-4.1',
        endpoint: 'B',
        deployment: 'B/gpt-4.1',
        attempts: 2,
        status: 200,
        tokens: { prompt, completion },
        costUsd: Number(answer.headers['x-router-cost-usd']),
        estimated: false,
      },
    ]);
    expect(story[2]?.['responseTime']).toBeGreaterThanOrEqual(0);
    expect(story[2]?.['responseTime']).toBeLessThan(30_000);
  });
});
