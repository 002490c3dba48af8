import OpenAI, { APIConnectionError, APIError, InternalServerError, NotFoundError, RateLimitError } from 'openai';
import { describe, expect, it } from 'vitest';
import {
  createRouterClient,
  factsOf,
  isQuotaExceeded,
  isRouterError,
  isUnavailable,
  isUnknownModel,
  RouterApiError,
} from '../../src/client/index.ts';
import { ERROR_CODES } from '../../src/domain/errors.ts';
import { fleet, startRouter } from '../harness/router.ts';
import { startSimulated } from '../harness/simulated.ts';
import { json, startUpstream } from '../harness/upstream.ts';

const QUESTION = { model: 'gpt-4.1', messages: [{ role: 'user' as const, content: 'Hello' }] };
const QUOTA = { tokensPerDay: 0 };

async function thrown(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it went well');
    },
    (error: unknown) => error,
  );
}

const connect = (baseUrl: string) => createRouterClient({ baseUrl, apiKey: 'any', maxRetries: 0 });

describe("errors of the router's client", () => {
  it('are what the SDK throws, and the router’s as well', async () => {
    await using simulated = await startSimulated();
    const error = await thrown(connect(simulated.url).chat.completions.create({ ...QUESTION, model: 'nope' }));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toBeInstanceOf(RouterApiError);
    expect(isUnknownModel(error)).toBe(true);
    expect(isRouterError(error, 'quota_exceeded', 'internal')).toBe(false);
    expect(error).toMatchObject({ status: 404, code: 'unknown_model', retryAfterMs: null });
    const { requestId, route } = error as RouterApiError;
    expect(requestId).toMatch(/^[\w-]{36}$/);
    expect(route.requestId).toBe(requestId);
  });

  it('tell of a quota that is used up, and that waiting is no use where it is', async () => {
    await using upstream = await startUpstream();
    await using router = await startRouter(fleet([upstream.url], { accounts: { default: { quota: QUOTA } } }));
    const error = await thrown(connect(router.url).chat.completions.create(QUESTION));
    expect(isQuotaExceeded(error)).toBe(true);
    expect(isUnavailable(error)).toBe(false);
    expect(error).toBeInstanceOf(RateLimitError);
    expect((error as RouterApiError).retryAfterMs).toBeNull();
    expect(upstream.received).toEqual([]);
  });

  it('tell when deployments that rest are expected back, and who was tried', async () => {
    await using upstream = await startUpstream(json(429, { error: { message: 'slow' } }, { 'retry-after-ms': '7000' }));
    await using router = await startRouter(fleet([upstream.url], { retries: { sameDeployment: 0 } }));
    const error = await thrown(connect(router.url).chat.completions.create(QUESTION));
    expect(isUnavailable(error)).toBe(true);
    expect(error).toBeInstanceOf(RateLimitError);
    const { retryAfterMs, route } = error as RouterApiError;
    expect(retryAfterMs).toBeGreaterThan(5_000);
    expect(retryAfterMs).toBeLessThanOrEqual(7_000);
    expect(route.steps).toEqual([{ deployment: 'A/gpt-4.1', outcome: 'throttled' }]);
  });

  it('of a deployment stay what they were', async () => {
    const body = { error: { message: 'bad', code: 'content_filter', param: 'prompt', type: null } };
    await using upstream = await startUpstream(json(400, body));
    await using router = await startRouter(fleet([upstream.url]));
    const error = await thrown(connect(router.url).chat.completions.create(QUESTION));
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).not.toBeInstanceOf(RouterApiError);
    expect(isRouterError(error)).toBe(false);
    expect(factsOf(error)).toBeNull();
  });

  it("of somebody else with one of the router's codes are not the router's", async () => {
    await using upstream = await startUpstream(json(500, { error: { message: 'x', code: 'internal' } }));
    const error = await thrown(connect(upstream.url).chat.completions.create(QUESTION));
    expect(error).toBeInstanceOf(InternalServerError);
    expect(error).not.toBeInstanceOf(RouterApiError);
    expect(isRouterError(error)).toBe(false);
  });

  it('without an answer are connection errors', async () => {
    const error = await thrown(connect('http://127.0.0.1:1').chat.completions.create(QUESTION));
    expect(error).toBeInstanceOf(APIConnectionError);
    expect(isRouterError(error)).toBe(false);
  });

  it.each([null, undefined, 'text', 7, new Error('x')])('are not %s', (value) => {
    expect(value instanceof RouterApiError).toBe(false);
    expect(isRouterError(value)).toBe(false);
    expect(factsOf(value)).toBeNull();
  });

  it.each(ERROR_CODES)('have the code %s', async (code) => {
    const answer = json(400, { error: { message: 'x', code } }, { 'x-router-request-id': 'r1', 'retry-after': '3' });
    await using upstream = await startUpstream(answer);
    const error = await thrown(connect(upstream.url).chat.completions.create(QUESTION));
    expect(isRouterError(error, code)).toBe(true);
    expect(factsOf(error)).toMatchObject({ code, requestId: 'r1', retryAfterMs: 3_000 });
  });
});

describe('the errors of others', () => {
  it('are read as well: those of a stock client', async () => {
    await using simulated = await startSimulated();
    const stock = new OpenAI({ baseURL: `${simulated.url}/v1`, apiKey: 'any', maxRetries: 0 });
    const error = await thrown(stock.chat.completions.create({ ...QUESTION, model: 'nope' }));
    expect(isUnknownModel(error)).toBe(true);
    expect(factsOf(error)).toMatchObject({ code: 'unknown_model', route: { attempts: 0 } });
  });

  it('are read as well: those of a stream that broke', async () => {
    await using simulated = await startSimulated();
    simulated.simulator.faults.add({ fault: 'reset;chunks=3', endpoint: 'A' });
    const read = async () => {
      for await (const _ of await connect(simulated.url).chat.completions.create({ ...QUESTION, stream: true }));
    };
    const error = await thrown(read());
    expect(error).toBeInstanceOf(APIError);
    expect(isUnavailable(error)).toBe(true);
    expect(factsOf(error)).toMatchObject({ code: 'upstream_failed', route: { deployment: 'A/gpt-4.1' } });
  });
});
