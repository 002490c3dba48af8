import { describe, expect, test } from 'vitest';
import { settled } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { type AppStage, appFor, ask } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com'], {
    agents: { homes: { cpt_agent: 'A/gpt-4.1' }, defaultHome: 'B/gpt-4.1' },
  }),
);
const ADMIN = { 'api-key': 'admin' };

describe('what changes the state', () => {
  const changes = [
    { method: 'POST', target: '/router/deployments/A/gpt-4.1/drain', body: '' },
    { method: 'POST', target: '/router/deployments/A%2Fgpt-4.1/restore', body: '' },
    { method: 'PUT', target: '/router/agents/cpt_agent', body: { deployment: 'B/gpt-4.1' } },
    { method: 'DELETE', target: '/router/agents/cpt_agent', body: '' },
    { method: 'GET', target: '/router/failovers', body: '' },
  ];

  test.each(changes)('$method $target is for the admin alone', async ({ method, target, body }) => {
    const { app } = appFor(CONFIG, [], { adminKey: 'admin', callerKeys: ['caller'], loopbackOnly: false });
    expect((await ask(app, { method, target, body })).status).toBe(401);
    expect((await ask(app, { method, target, body, headers: { 'api-key': 'caller' } })).status).toBe(403);
    expect((await ask(app, { method, target, body, headers: ADMIN })).status).toBe(200);
  });

  test.each(changes.slice(0, 4))('$method $target does not happen by reading it', async ({ target }) => {
    const { app } = appFor(CONFIG);
    await ask(app, { method: 'GET', target });
    expect((await ask(app, { target: '/router/deployments/A/gpt-4.1' })).json).toMatchObject({ state: 'closed' });
    expect((await ask(app, { target: '/router/agents/cpt_agent' })).json).toMatchObject({ why: 'home' });
  });
});

describe('a deployment', () => {
  test('that is drained takes no request until it is restored', async () => {
    const { app, clock } = appFor(CONFIG);
    const drained = await ask(app, { method: 'POST', target: '/router/deployments/A/gpt-4.1/drain' });
    expect(drained.json).toMatchObject({
      id: 'A/gpt-4.1',
      state: 'drained',
      until: null,
      since: expect.any(String) as string,
    });
    clock.advance(1);
    const back = await ask(app, { method: 'POST', target: '/router/deployments/A%2Fgpt-4.1/restore' });
    expect(back.json).toMatchObject({ id: 'A/gpt-4.1', state: 'closed' });
  });

  test('says how often it has failed, and what opened its breaker', async () => {
    const { app, record, clock } = appFor(CONFIG);
    record('A/gpt-4.1', 'failing', { times: 4 });
    const target = '/router/deployments/A/gpt-4.1';
    expect((await ask(app, { target })).json).toMatchObject({ state: 'closed', failures: 4, cause: null });
    clock.advance(1);
    record('A/gpt-4.1', 'failing');
    expect((await ask(app, { target })).json).toMatchObject({ state: 'open', cause: 'a test' });
  });

  test('that nobody knows cannot be drained; those that exist are named', async () => {
    const { app } = appFor(CONFIG);
    const { status, json } = await ask(app, { method: 'POST', target: '/router/deployments/A/gpt-4/drain' });
    expect(status).toBe(404);
    expect(json).toMatchObject({ error: { message: expect.stringContaining('A/gpt-4.1') as string } });
  });
});

describe('an agent', () => {
  const target = '/router/agents/cpt_agent';

  test.each([
    { name: 'cpt_agent', is: { home: 'A/gpt-4.1', assignment: 'A/gpt-4.1', why: 'home', failures: 0 } },
    { name: 'a%20stranger', is: { agent: 'a stranger', home: 'B/gpt-4.1', why: 'defaultHome' } },
  ])('$name is where it belongs', async ({ name, is }) => {
    const { app } = appFor(CONFIG);
    expect((await ask(app, { target: `/router/agents/${name}` })).json).toMatchObject(is);
  });

  test('is pinned and sent home again', async () => {
    const { app, clock } = appFor(CONFIG);
    const pinned = await ask(app, { method: 'PUT', target, body: { deployment: 'B/gpt-4.1', pinned: true } });
    expect(pinned.json).toMatchObject({
      assignment: 'B/gpt-4.1',
      from: 'A/gpt-4.1',
      why: 'pinned',
      pinned: true,
      since: new Date(clock.now()).toISOString(),
      returnAt: null,
    });
    expect((await ask(app, { target: '/router/agents' })).json).toMatchObject({
      items: [{ agent: 'cpt_agent', why: 'pinned' }],
    });
    expect((await ask(app, { method: 'DELETE', target })).json).toMatchObject({ assignment: 'A/gpt-4.1', why: 'home' });
  });

  test('is moved for as long as if it had moved by itself', async () => {
    const { app, clock } = appFor(CONFIG);
    const moved = await ask(app, { method: 'PUT', target, body: { deployment: 'B/gpt-4.1' } });
    const returnAt = new Date(clock.now() + 300_000).toISOString();
    expect(moved.json).toMatchObject({ why: 'operator', pinned: false, returnAt });
  });

  test.each([
    { body: '', says: 'JSON' },
    { body: '[]', says: 'object' },
    { body: { deployment: 5 }, says: 'deployment' },
    { body: { deployment: 'A/gpt-4.1', pinned: 'yes' }, says: 'pinned' },
    { body: { deployment: 'C/gpt-4.1' }, says: 'A/gpt-4.1' },
    { body: { deployment: 'B/gpt-4.1', pined: true }, says: 'Did you mean pinned?' },
    { body: { deployment: 'B/gpt-4.1', x: 1 }, says: 'Known are deployment, pinned.' },
  ])('is not moved by $body', async ({ body, says }) => {
    const { app } = appFor(CONFIG);
    const { status, json } = await ask(app, { method: 'PUT', target, body });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(json).toMatchObject({ error: { message: expect.stringContaining(says) as string } });
  });

  test('with a name that no caller could send is refused', async () => {
    const { app } = appFor(CONFIG);
    const long = `/router/agents/${'x'.repeat(129)}`;
    expect((await ask(app, { method: 'PUT', target: long, body: { deployment: 'A/gpt-4.1' } })).status).toBe(400);
  });
});

describe('what happened', () => {
  async function happened({ app }: AppStage, query = ''): Promise<unknown> {
    return (await ask(app, { target: `/router/failovers${query}` })).json;
  }

  test('is told newest first, since whenever is asked', async () => {
    const stage = appFor(CONFIG);
    await ask(stage.app, { method: 'POST', target: '/router/deployments/A/gpt-4.1/drain' });
    stage.clock.advance(60_000);
    const between = new Date(stage.clock.now() - 1_000).toISOString();
    await ask(stage.app, { method: 'PUT', target: '/router/agents/cpt_agent', body: { deployment: 'B/gpt-4.1' } });
    await settled();
    const moved = { kind: 'agentMoved', agent: 'cpt_agent', from: 'A/gpt-4.1', to: 'B/gpt-4.1' };
    expect(await happened(stage)).toMatchObject({ items: [moved, { kind: 'drained', deployment: 'A/gpt-4.1' }] });
    expect(await happened(stage, `?since=${between}`)).toMatchObject({ items: [moved] });
    expect(await happened(stage, `?since=${stage.clock.now() - 1_000}`)).toMatchObject({ items: [moved] });
    expect(await happened(stage, '?limit=1')).toMatchObject({ items: [moved] });
  });

  test.each(['?since=yesterday', '?limit=0', '?limit=1001', '?limit=x'])('is not told for %s', async (query) => {
    const { status, json } = await ask(appFor(CONFIG).app, { target: `/router/failovers${query}` });
    expect([status, json]).toMatchObject([400, { error: { code: 'invalid_request' } }]);
  });
});

test('the status shows agents and the store as well', async () => {
  const { app } = appFor(CONFIG);
  expect((await ask(app, { target: '/router/status' })).json).toMatchObject({
    agents: [{ agent: 'cpt_agent', why: 'home' }],
    store: { kind: 'memory', shared: false, instances: 1 },
  });
});
