import { describe, expect, it } from 'vitest';
import { call, chatRaw, QUESTION, STREAMED, simulate } from './fixture.ts';

const KEYLESS = { bare: true };

describe('control calls', () => {
  it('need no key, and a call on any port reaches every endpoint', async () => {
    const { a, b } = await simulate();
    const armed = await call(b, '/simulator/faults', { ...KEYLESS, body: { fault: '500', endpoint: 'A', count: 1 } });
    expect(armed.status).toBe(201);
    const listed = JSON.parse((await call(a, '/simulator/faults', KEYLESS)).body) as { items: unknown[] };
    expect(listed.items).toMatchObject([{ spec: '500', scope: { endpoint: 'A' }, remaining: 1 }]);
    expect((await chatRaw(a)).status).toBe(500);
  });

  it('take a fault back by its id, or all of them', async () => {
    const { simulator, a } = await simulate();
    const id = simulator.faults.add('500');
    simulator.faults.add('503');
    await call(a, `/simulator/faults/${id}`, { ...KEYLESS, method: 'DELETE' });
    expect(simulator.faults.list().map(({ spec }) => spec)).toEqual(['503']);
    expect((await call(a, '/simulator/faults', { ...KEYLESS, method: 'DELETE' })).body).toBe('{"cleared":1}\n');
    expect(simulator.faults.list()).toEqual([]);
  });

  it.each([
    { fault: 'a body that is no object', body: '[]', says: 'must be a JSON object' },
    { fault: 'no fault', body: { endpoint: 'A' }, says: '"fault" is missing' },
    { fault: 'an unknown fault', body: { fault: 'explode' }, says: 'There is no fault "explode"' },
    { fault: 'an unknown field', body: { fault: '500', often: 3 }, says: 'There is no field "often"' },
    {
      fault: 'an unknown endpoint',
      body: { fault: '500', endpoint: 'Z' },
      says: 'There is no endpoint "Z"; there are A, B',
    },
    { fault: 'a count below zero', body: { fault: '500', count: -1 }, says: '"count" must be a number from 0' },
    {
      fault: 'a deployment that is no name',
      body: { fault: '500', deployment: 1 },
      says: '"deployment" must be a name',
    },
    {
      fault: 'operations that are no list',
      body: { fault: '500', operations: 'chat' },
      says: '"operations" must be a list',
    },
  ])('refuse $fault', async ({ body, says }) => {
    const { simulator, a } = await simulate();
    const answer = await call(a, '/simulator/faults', { ...KEYLESS, body });
    expect(answer.status).toBe(400);
    expect((JSON.parse(answer.body) as { error: string }).error).toContain(says);
    expect(simulator.faults.list()).toEqual([]);
  });

  it('stop and start endpoints, their own included', async () => {
    const { a, b } = await simulate();
    expect((await call(a, '/simulator/endpoints/A/stop', { ...KEYLESS, method: 'POST' })).status).toBe(200);
    await expect.poll(async () => (await chatRaw(a)).ended).toBe('ECONNREFUSED');
    expect((await call(b, '/simulator/endpoints/A/start', { ...KEYLESS, method: 'POST' })).status).toBe(200);
    expect((await chatRaw(a)).status).toBe(200);
    expect((await call(a, '/simulator/endpoints/B/stop', { ...KEYLESS, method: 'POST' })).status).toBe(200);
    expect((await chatRaw(b)).ended).toBe('ECONNREFUSED');
  });

  it.each([
    '/simulator/endpoints/Z/stop',
    '/simulator/endpoints/A/pause',
    '/simulator/nothing',
    '/simulator/endpoints/%/stop',
    '/simulator/',
  ])('do not know POST %s', async (path) => {
    const { a } = await simulate();
    expect((await call(a, path, { ...KEYLESS, method: 'POST' })).status).toBe(404);
  });

  it('name the endpoints', async () => {
    const { a } = await simulate();
    const told = JSON.parse((await call(a, '/simulator/endpoints', KEYLESS)).body) as { items: { name: string }[] };
    expect(told.items.map(({ name }) => name)).toEqual(['A', 'B']);
  });

  it('are nobody’s where they are switched off', async () => {
    const { a } = await simulate({ control: 'off' });
    expect((await call(a, '/simulator/books', KEYLESS)).status).toBe(403);
  });
});

describe('what was sent and received', () => {
  it.each([
    { form: 'whole', body: QUESTION },
    { form: 'streamed', body: STREAMED },
  ])('a $form answer is kept to the byte, with its request', async ({ body }) => {
    const { a } = await simulate();
    const answer = await chatRaw(a, body, { headers: { 'x-mine': 'yes' } });
    const id = String(answer.headers['apim-request-id']);
    expect((await call(a, `/simulator/sent/${id}`, KEYLESS)).bytes).toEqual(answer.bytes);
    const received = JSON.parse((await call(a, `/simulator/received/${id}`, KEYLESS)).body) as Record<string, unknown>;
    expect(received).toMatchObject({
      method: 'POST',
      path: '/openai/v1/chat/completions',
      headers: { 'x-mine': 'yes' },
    });
    expect(Buffer.from(String(received['bodyBase64']), 'base64').toString()).toBe(JSON.stringify(body));
  });

  it('a broken answer is kept as far as it went', async () => {
    const { simulator, a } = await simulate();
    const answer = await chatRaw(a, STREAMED, { headers: { 'x-simulator-fault': 'cut;bytes=200' } });
    expect(simulator.sent(String(answer.headers['apim-request-id']))).toEqual(answer.bytes);
  });

  it('only the last calls are kept', async () => {
    const { simulator, a } = await simulate({ keepCalls: 2 });
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push(String((await chatRaw(a)).headers['apim-request-id']));
    expect(ids.map((id) => simulator.sent(id) !== null)).toEqual([false, true, true]);
    expect(simulator.calls().map(({ id }) => id)).toEqual(ids.slice(1));
    expect((await call(a, `/simulator/sent/${ids[0]}`, KEYLESS)).status).toBe(404);
    expect((await call(a, `/simulator/received/${ids[0]}`, KEYLESS)).status).toBe(404);
  });

  it('none is kept where none is wanted', async () => {
    const { simulator, a } = await simulate({ keepCalls: 0 });
    const id = String((await chatRaw(a)).headers['apim-request-id']);
    expect([simulator.sent(id), simulator.received(id), simulator.calls()]).toEqual([null, null, []]);
    expect(simulator.books().total.calls).toBe(1);
  });
});
