import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeylessGate } from '../../src/accounts/keylessGate.ts';
import { createUnconfiguredApp } from '../../src/http/unconfigured.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { anyHealth } from '../routing/facts.ts';
import { appFor, ask, OPEN } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com', 'https://c.openai.azure.com']),
);
const ADMIN = { 'api-key': 'admin' };

describe('the open pages', () => {
  test.each([
    { path: '/healthz', is: { status: 'ok' } },
    { path: '/readyz', is: { status: 'ready' } },
  ])('$path needs no key', async ({ path, is }) => {
    const { app } = appFor(CONFIG, [], { adminKey: 'admin', loopbackOnly: false });
    expect(await ask(app, { target: path })).toMatchObject({ status: 200, json: is });
    expect(await ask(app, { method: 'HEAD', target: path })).toMatchObject({ status: 200, text: '' });
  });
});

describe('the control plane', () => {
  const paths = [
    '/router/status',
    '/router/deployments',
    '/router/deployments/A%2Fgpt-4.1',
    '/router/pools',
    '/router/pools/gpt-4.1',
    '/router/explain',
  ];

  test.each(paths)('%s is for the admin alone', async (target) => {
    const { app } = appFor(CONFIG, [], { adminKey: 'admin', callerKeys: ['caller'], loopbackOnly: false });
    const body = target === '/router/explain' ? { path: '/v1/chat/completions', body: { model: 'gpt-4.1' } } : '';
    expect((await ask(app, { target, body })).status).toBe(401);
    expect((await ask(app, { target, body, headers: { 'api-key': 'caller' } })).status).toBe(403);
    expect((await ask(app, { target, body, headers: ADMIN })).status).toBe(200);
  });

  test('tells how each deployment stands', async () => {
    const { app, record, clock } = appFor(CONFIG);
    record('A/gpt-4.1', 'throttled', { retryAfterMs: 5_000 });
    record('B/gpt-4.1', 'misconfigured');
    const { json } = await ask(app, { target: '/router/status' });
    expect(json).toMatchObject({
      at: new Date(clock.now()).toISOString(),
      defaultPool: 'gpt-4.1',
      deployments: [
        {
          id: 'A/gpt-4.1',
          endpoint: 'A',
          model: 'gpt-4.1',
          state: 'throttled',
          until: new Date(clock.now() + 5_000).toISOString(),
        },
        { id: 'B/gpt-4.1', state: 'misconfigured', cause: 'a test' },
        { id: 'C/gpt-4.1', state: 'closed', until: null, cause: null },
      ],
    });
  });

  test('tells a pool in the words that operators know', async () => {
    const { app, record } = appFor(CONFIG);
    const pool = async () => (await ask(app, { target: '/router/pools/gpt-4.1' })).json;
    expect(await pool()).toMatchObject({
      total_endpoints: 3,
      current_endpoint: 'A/gpt-4.1',
      current_type: 'primary',
      current_index: 0,
      failed_endpoints: [],
      available_backups: ['B/gpt-4.1', 'C/gpt-4.1'],
      has_backups: true,
    });
    record('A/gpt-4.1', 'failing', { times: 5 });
    expect(await pool()).toMatchObject({
      current_endpoint: 'B/gpt-4.1',
      current_type: 'backup',
      current_index: 1,
      failed_endpoints: ['A/gpt-4.1'],
      available_backups: ['B/gpt-4.1', 'C/gpt-4.1'],
    });
    for (const id of ['B/gpt-4.1', 'C/gpt-4.1'] as const) record(id, 'failing', { times: 5 });
    expect(await pool()).toMatchObject({
      current_endpoint: null,
      current_type: null,
      current_index: null,
      available_backups: [],
    });
  });

  test('finds a deployment by its id, percent-encoded or not', async () => {
    const { app } = appFor(CONFIG);
    for (const path of ['A%2Fgpt-4.1', 'A/gpt-4.1'])
      expect((await ask(app, { target: `/router/deployments/${path}` })).json).toMatchObject({
        id: 'A/gpt-4.1',
        state: 'closed',
      });
  });

  test.each([
    {
      what: 'a deployment nobody knows',
      question: { target: '/router/deployments/Z%2Fz' },
      status: 404,
      says: /These exist: A\/gpt-4\.1/,
    },
    { what: 'a pool nobody knows', question: { target: '/router/pools/gpt-5' }, status: 404, says: /gpt-4\.1/ },
    { what: 'a path nobody knows', question: { target: '/router/nothing' }, status: 404, says: /There is nothing at/ },
    {
      what: 'a name that is encoded wrongly',
      question: { target: '/router/pools/%zz' },
      status: 400,
      says: /percent-encoded/,
    },
    { what: 'a wrong method', question: { method: 'DELETE', target: '/router/status' }, status: 405, says: /GET/ },
    { what: 'explain by GET', question: { method: 'GET', target: '/router/explain' }, status: 405, says: /POST/ },
    {
      what: 'explain without JSON',
      question: { target: '/router/explain', body: 'what?' },
      status: 400,
      says: /valid JSON/,
    },
    { what: 'explain of a list', question: { target: '/router/explain', body: '[]' }, status: 400, says: /object/ },
    {
      what: 'explain without a path',
      question: { target: '/router/explain', body: {} },
      status: 400,
      says: /path must be/,
    },
    {
      what: 'explain of the control plane',
      question: { target: '/router/explain', body: { path: '/router/status' } },
      status: 400,
      says: /data-plane/,
    },
    {
      what: 'explain with headers that are no texts',
      question: { target: '/router/explain', body: { path: '/v1/chat/completions', headers: { a: 1 } } },
      status: 400,
      says: /headers\.a/,
    },
    {
      what: 'explain with a wrong wish',
      question: {
        target: '/router/explain',
        body: { path: '/v1/chat/completions', headers: { 'x-router-tier': 'gold' }, body: { model: 'gpt-4.1' } },
      },
      status: 400,
      says: /x-router-tier/,
    },
    {
      what: 'explain of a model nobody knows',
      question: { target: '/router/explain', body: { path: '/v1/chat/completions', body: { model: 'x' } } },
      status: 404,
      says: /There is no model/,
    },
  ])('answers $what with what would be right', async ({ question, status: expected, says }) => {
    const { app } = appFor(CONFIG);
    const { status: code, text } = await ask(app, question);
    expect(code).toBe(expected);
    expect(text).toMatch(says);
  });

  test('names the methods of a path with the 405', async () => {
    const { app } = appFor(CONFIG);
    expect((await ask(app, { method: 'PUT', target: '/router/explain' })).headers.get('allow')).toBe('POST');
  });
});

test('the status stands whatever state the deployments are in', async () => {
  await fc.assert(
    fc.asyncProperty(anyHealth, async (health) => {
      const { app, state } = appFor(CONFIG);
      Object.defineProperty(state, 'health', { value: () => health });
      expect((await ask(app, { target: '/router/status' })).status).toBe(200);
    }),
    { numRuns: 100 },
  );
});

describe('the app without a configuration', () => {
  const fault = { path: 'pools.x', problem: 'A secret problem.', found: null, allowed: 'y', suggestion: null };
  const app = (loopbackOnly: boolean) =>
    createUnconfiguredApp({
      faults: [fault],
      gate: createKeylessGate({ ...OPEN, adminKey: 'admin', loopbackOnly }, new ManualClock()),
      newId: () => 'id',
    });

  test.each(['/', '/router/status', '/v1/chat/completions', '/openai/deployments/x/chat/completions?x', '/nowhere'])(
    'answers 503 at %s and tells no details',
    async (target) => {
      const { status: code, text, json, headers } = await ask(app(false), { target, headers: ADMIN });
      expect(code).toBe(503);
      expect(text).not.toContain('secret');
      expect(json).toMatchObject({ error: { code: 'internal' } });
      expect(headers.get('x-should-retry')).toBe('false');
      expect(headers.has('server-timing')).toBe(target.startsWith('/v1/') || target.startsWith('/openai/'));
    },
  );

  test('tells its faults at /readyz to the admin alone', async () => {
    const stranger = await ask(app(false), { target: '/readyz' });
    expect(stranger).toMatchObject({ status: 503, json: { status: 'unconfigured', faults: 1 } });
    const admin = await ask(app(false), { target: '/readyz?x=1', headers: ADMIN });
    expect(admin).toMatchObject({ status: 503, json: { status: 'unconfigured', faults: [fault] } });
  });

  test('lives', async () => {
    expect((await ask(app(false), { target: '/healthz' })).status).toBe(200);
  });

  test('without any key tells its faults to nobody from elsewhere', async () => {
    const unkeyed = createUnconfiguredApp({
      faults: [fault],
      gate: createKeylessGate({ adminKey: null, callerKeys: [], loopbackOnly: false }, new ManualClock()),
      newId: () => 'id',
    });
    for (const headers of [{}, { 'api-key': '' }, { 'api-key': 'null' }])
      expect((await ask(unkeyed, { target: '/readyz', headers })).json).toEqual({ status: 'unconfigured', faults: 1 });
  });
});
