import { describe, expect, it } from 'vitest';
import { call, chatRaw, QUESTION, simulate } from './fixture.ts';

const FLAT = { statusCode: 401, message: expect.stringContaining('Access token is missing, invalid') as string };
const NESTED = {
  error: { code: '401', message: expect.stringContaining('Access denied due to invalid subscription key') as string },
};

describe('who may call', () => {
  it.each([
    { credential: 'its key in api-key', headers: { 'api-key': 'simulator' } },
    { credential: 'its key as a bearer token', headers: { authorization: 'Bearer simulator' } },
    { credential: 'an accepted Entra token', headers: { authorization: 'Bearer entra-token' } },
  ])('an endpoint takes $credential', async ({ headers }) => {
    const { a } = await simulate({ acceptedTokens: ['entra-token'] });
    expect((await chatRaw(a, QUESTION, { headers, bare: true })).status).toBe(200);
  });

  it.each([
    { credential: 'a wrong key', headers: { 'api-key': 'wrong' }, body: NESTED },
    { credential: 'a wrong token', headers: { authorization: 'Bearer wrong' }, body: FLAT },
    { credential: 'nothing', headers: {}, body: FLAT },
  ])('$credential is refused as Azure refuses it', async ({ headers, body }) => {
    const { a } = await simulate();
    const answer = await chatRaw(a, QUESTION, { headers, bare: true });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual(body);
  });
});

const DATED = '/openai/deployments/gpt-4.1/chat/completions';

describe('paths', () => {
  it.each([
    { path: `${DATED}?api-version=2024-10-21`, status: 200 },
    { path: '/openai/v1/chat/completions', status: 200 },
    { path: '/openai/v1/chat/completions?api-version=preview', status: 200 },
    { path: DATED, status: 404, code: '404' },
    { path: `${DATED}?api-version=latest`, status: 400, code: 'BadRequest' },
    { path: '/openai/v1/chat/completions?api-version=2024-10-21', status: 400, code: 'BadRequest' },
    {
      path: '/openai/deployments/none/chat/completions?api-version=2024-10-21',
      status: 404,
      code: 'DeploymentNotFound',
    },
    {
      path: '/openai/deployments/whisper/chat/completions?api-version=2024-10-21',
      status: 400,
      code: 'OperationNotSupported',
    },
    { path: '/openai/deployments/gpt-4.1/unknown?api-version=2024-10-21', status: 404, code: '404' },
    { path: '/openai/v1/unknown', status: 404, code: '404' },
    { path: '/v1/chat/completions', status: 404, code: '404' },
    { path: '/', status: 404, code: '404' },
    { path: '//', status: 404, code: '404' },
    { path: '//host/openai/v1/chat/completions', status: 404, code: '404' },
    { path: '/openai/v1/responses/%', status: 404, code: '404' },
  ])('POST $path is answered $status', async ({ path, status, code }) => {
    const { a } = await simulate();
    const answer = await call(a, path, { body: QUESTION });
    expect(answer.status).toBe(status);
    const told = JSON.parse(answer.body) as { error?: { code: string } };
    expect(told.error?.code).toBe(code);
  });

  it('an unknown path has the very body that Azure sends', async () => {
    const { a } = await simulate();
    expect((await call(a, '/openai/v1/none')).body).toBe('{"error":{"code":"404","message":"Resource not found"}}');
  });

  it('in a dated path the deployment counts and the model of the body does not', async () => {
    const { a } = await simulate();
    const answer = await call(a, `${DATED}?api-version=2024-10-21`, { body: { ...QUESTION, model: 'gpt-4o' } });
    expect(answer.headers['x-ms-deployment-name']).toBe('gpt-4.1');
  });

  it('the responses API needs the first version that has it', async () => {
    const { a } = await simulate();
    const body = { model: 'gpt-4.1', input: 'hello' };
    expect((await call(a, '/openai/responses?api-version=2024-10-21', { body })).status).toBe(400);
    expect((await call(a, '/openai/responses?api-version=2025-03-01-preview', { body })).status).toBe(200);
  });

  it('a body that is no JSON is refused', async () => {
    const { a } = await simulate();
    const answer = await call(a, `${DATED}?api-version=2024-10-21`, { body: '{"messages":' });
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('could not parse the JSON body');
  });
});

describe('headers of an answer', () => {
  it('name the call, the region, the deployment and what is left of its limits', async () => {
    const { a } = await simulate();
    const { headers } = await chatRaw(a, QUESTION, { headers: { 'x-ms-client-request-id': 'mine-1' } });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'apim-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'x-ms-client-request-id': 'mine-1',
      'x-ms-region': 'East US 2',
      'x-ms-deployment-name': 'gpt-4.1',
      'x-ratelimit-limit-requests': expect.stringMatching(/^\d+$/) as string,
      'x-ratelimit-remaining-requests': expect.stringMatching(/^\d+$/) as string,
      'x-ratelimit-limit-tokens': expect.stringMatching(/^\d+$/) as string,
      'x-ratelimit-remaining-tokens': expect.stringMatching(/^\d+$/) as string,
      'azureml-model-session': expect.any(String) as string,
      'openai-processing-ms': expect.stringMatching(/^\d+$/) as string,
      'strict-transport-security': expect.stringContaining('max-age') as string,
    });
  });

  it('carry the call id as client id where the client sent none', async () => {
    const { a } = await simulate();
    const { headers } = await chatRaw(a);
    expect(headers['x-ms-client-request-id']).toBe(headers['apim-request-id']);
  });
});

describe('compression', () => {
  it.each([
    {
      told: 'by the option',
      options: { compress: true },
      headers: { 'accept-encoding': 'gzip' },
      body: QUESTION,
      encoding: 'gzip',
    },
    {
      told: 'by a header',
      options: {},
      headers: { 'accept-encoding': 'br, gzip', 'x-simulator-compress': '1' },
      body: QUESTION,
      encoding: 'gzip',
    },
    {
      told: 'by the prompt',
      options: {},
      headers: { 'accept-encoding': 'gzip' },
      body: { ...QUESTION, user: '[[gzip]]' },
      encoding: 'gzip',
    },
    { told: 'by nobody', options: {}, headers: { 'accept-encoding': 'gzip' }, body: QUESTION, encoding: undefined },
    {
      told: 'to one who does not take it',
      options: { compress: true },
      headers: {},
      body: QUESTION,
      encoding: undefined,
    },
    {
      told: 'for a stream',
      options: { compress: true },
      headers: { 'accept-encoding': 'gzip' },
      body: { ...QUESTION, stream: true },
      encoding: undefined,
    },
  ])('asked for $told', async ({ options, headers, body, encoding }) => {
    const { a } = await simulate(options);
    const answer = await chatRaw(a, body, { headers });
    expect(answer.headers['content-encoding']).toBe(encoding);
    if (encoding === 'gzip') expect(answer.bytes.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  });
});
