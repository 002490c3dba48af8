import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY } from '../../harness/operator.ts';
import { ask, CHAT, QUESTION, type RawCall } from '../../harness/raw.ts';
import { fleet, startRouter, type TestRouter } from '../../harness/router.ts';
import { azureError, json, type ScriptedUpstream, startUpstream } from '../../harness/upstream.ts';
import { differences, OPERATIONS } from './conforming.ts';

const CONFIG = {
  accounts: { acme: { quota: { tokensPerDay: 1_000_000, usdPerMonth: 10 } } },
  agents: { homes: { ada: 'A/gpt-4.1' } },
  limits: { headerCount: 40 },
};
const MODEL = { 'content-type': 'application/json' };
const ANSWER = { model: 'gpt-4.1', usage: { prompt_tokens: 8, completion_tokens: 1, total_tokens: 9 } };

let upstream: ScriptedUpstream;
let router: TestRouter;
let keyId = '';
beforeAll(async () => {
  upstream = await startUpstream(json(200, ANSWER, MODEL));
  router = await startRouter(fleet([upstream.url, upstream.url], CONFIG), { adminKey: ADMIN_KEY, loopbackOnly: false });
  const made = await send({ path: '/router/keys', body: { account: 'acme', plan: null, pools: ['gpt-4.1'] } });
  keyId = (JSON.parse(made.text) as { id: string }).id;
  // Something to show: a failover, an agent away from home, a request that was served.
  upstream.script(azureError(503, 'busy'), json(200, ANSWER, MODEL));
  await send({ path: CHAT, body: QUESTION, headers: [['x-agent-name', 'ada']] });
  await send({ method: 'PUT', path: '/router/agents/grace', body: { deployment: 'B/gpt-4.1', pinned: true } });
});
afterAll(async () => {
  await router[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function send({ headers = [], ...call }: RawCall) {
  return ask(router.url, { ...call, headers: [['api-key', ADMIN_KEY], ...headers] });
}

interface Row {
  readonly id: string;
  readonly call: RawCall | (() => RawCall);
  readonly status?: number;
  /** Sent without the admin's key. */
  readonly bare?: boolean;
}

const EXPLAINED = { path: CHAT, headers: { 'x-agent-name': 'ada' }, body: QUESTION };
const SCHEMA = { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] };
const STRUCTURED: RawCall = { path: '/router/generate/structured', body: { prompt: 'x', schema: SCHEMA } };
const TEXT: RawCall = { path: '/router/generate/text', body: { prompt: 'x' } };
const ANEW = [['x-router-cache', 'off']] as const;

/** A call for which the model says this. */
function says(content: string, call: RawCall): () => RawCall {
  const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content, refusal: null } }];
  return () => {
    const said = json(200, { ...ANSWER, choices }, MODEL);
    upstream.script(said, said, json(200, ANSWER, MODEL));
    return call;
  };
}

const MANY_HEADERS = Array.from({ length: 50 }, (_, at) => [`x-${at}`, 'v'] as const);

const ROWS: readonly Row[] = [
  { id: 'getPage', call: { path: '/' } },
  { id: 'getPage', call: { path: '/' }, bare: true },
  { id: 'getAsset', call: { path: '/router/assets/nope.js' }, bare: true, status: 404 },
  { id: 'isAlive', call: { path: '/healthz' }, bare: true },
  { id: 'isReady', call: { path: '/readyz' }, bare: true },
  { id: 'isReady', call: { path: '/readyz', headers: MANY_HEADERS }, status: 431 },
  { id: 'getDescription', call: { path: '/router/openapi.json' } },
  { id: 'getStatus', call: { path: '/router/status' } },
  { id: 'getStatus', call: { path: '/router/status' }, bare: true, status: 401 },
  { id: 'getOverview', call: { path: '/router/overview' } },
  { id: 'getOverview', call: { path: '/router/overview', headers: [['if-none-match', '*']] }, status: 304 },
  { id: 'getOverview', call: { path: '/router/overview', headers: [['api-key', 'x']] }, bare: true, status: 401 },
  { id: 'listDeployments', call: { path: '/router/deployments' } },
  { id: 'getDeployment', call: { path: '/router/deployments/A%2Fgpt-4.1' } },
  { id: 'getDeployment', call: { path: '/router/deployments/nope' }, status: 404 },
  { id: 'getDeployment', call: { path: '/router/deployments/%E0' }, status: 400 },
  { id: 'drainDeployment', call: { method: 'POST', path: '/router/deployments/A%2Fgpt-4.1/drain' } },
  { id: 'drainDeployment', call: { method: 'POST', path: '/router/deployments/nope/drain' }, status: 404 },
  { id: 'getDeployment', call: { path: '/router/deployments/A%2Fgpt-4.1' } },
  { id: 'explain', call: { path: '/router/explain', body: EXPLAINED } },
  { id: 'restoreDeployment', call: { method: 'POST', path: '/router/deployments/A%2Fgpt-4.1/restore' } },
  { id: 'restoreDeployment', call: { method: 'POST', path: '/router/deployments/nope/restore' }, status: 404 },
  { id: 'listPools', call: { path: '/router/pools' } },
  { id: 'getPool', call: { path: '/router/pools/gpt-4.1' } },
  { id: 'getPool', call: { path: '/router/pools/nope' }, status: 404 },
  { id: 'listAgents', call: { path: '/router/agents' } },
  { id: 'getAgent', call: { path: '/router/agents/ada' } },
  { id: 'getAgent', call: { path: '/router/agents/nobody' } },
  { id: 'assignAgent', call: { method: 'PUT', path: '/router/agents/ada', body: { deployment: 'B/gpt-4.1' } } },
  { id: 'assignAgent', call: { method: 'PUT', path: '/router/agents/ada', body: { deployment: 'x' } }, status: 404 },
  { id: 'assignAgent', call: { method: 'PUT', path: '/router/agents/ada', body: '{' }, status: 400 },
  {
    id: 'assignAgent',
    call: { method: 'PUT', path: '/router/agents/ada', body: 'x'.repeat(70_000) },
    status: 413,
  },
  { id: 'releaseAgent', call: { method: 'DELETE', path: '/router/agents/ada' } },
  { id: 'listFailovers', call: { path: '/router/failovers' } },
  { id: 'listFailovers', call: { path: '/router/failovers?limit=0' }, status: 400 },
  { id: 'explain', call: { path: '/router/explain', body: EXPLAINED } },
  { id: 'explain', call: { path: '/router/explain', body: { ...EXPLAINED, body: { model: 'x' } } }, status: 404 },
  { id: 'explain', call: { path: '/router/explain', body: {} }, status: 400 },
  { id: 'probe', call: { method: 'POST', path: '/router/probe' } },
  { id: 'probe', call: { path: '/router/probe', body: { deployments: ['A/gpt-4.1'], completion: true } } },
  { id: 'probe', call: { path: '/router/probe', body: { deployments: ['x'] } }, status: 404 },
  { id: 'probe', call: { path: '/router/probe', body: { completion: 1 } }, status: 400 },
  { id: 'listKeys', call: { path: '/router/keys' } },
  { id: 'makeKey', call: { path: '/router/keys', body: { account: 'acme', expiresAt: '2100-01-01T00:00:00Z' } } },
  { id: 'makeKey', call: { path: '/router/keys', body: { account: 1, plan: 'x', more: 2 } }, status: 400 },
  { id: 'listQuotas', call: { path: '/router/quotas' } },
  { id: 'getUsage', call: { path: '/router/usage' } },
  { id: 'getUsage', call: { path: '/router/usage?by=creator,model,operation,account,agent,day' } },
  { id: 'getUsage', call: { path: '/router/usage?format=csv' } },
  { id: 'getUsage', call: { path: '/router/usage?by=colour' }, status: 400 },
  { id: 'revokeKey', call: () => ({ method: 'DELETE', path: `/router/keys/${keyId}` }) },
  { id: 'revokeKey', call: { method: 'DELETE', path: '/router/keys/nope' }, status: 404 },
  { id: 'generateStructured', call: says('{"code":"99213"}', STRUCTURED) },
  { id: 'generateStructured', call: STRUCTURED },
  { id: 'generateStructured', call: says('no JSON at all', { ...STRUCTURED, headers: ANEW }), status: 422 },
  { id: 'generateStructured', call: { ...STRUCTURED, body: { prompt: 'x' } }, status: 400 },
  { id: 'generateStructured', call: { ...STRUCTURED, body: '{' }, status: 400 },
  { id: 'generateStructured', call: STRUCTURED, bare: true, status: 401 },
  { id: 'generateText', call: says('Hello.', TEXT) },
  { id: 'generateText', call: { ...TEXT, body: { prompt: 'x', model: 'nope' } }, status: 404 },
  { id: 'generateText', call: { ...TEXT, body: { prompt: 'x', more: 1 } }, status: 400 },
  { id: 'listModelsV1', call: { path: '/openai/v1/models' } },
  { id: 'getModelDated', call: { path: '/openai/models/gpt-4.1?api-version=x' } },
  { id: 'getModelShort', call: { path: '/v1/models/nope' }, status: 404 },
  { id: 'chatCompletionsV1', call: { path: CHAT, body: QUESTION } },
  { id: 'chatCompletionsV1', call: { path: CHAT, body: { model: 'x' } }, status: 404 },
  { id: 'chatCompletionsV1', call: { path: CHAT, body: '{' }, status: 400 },
  { id: 'chatCompletionsV1', call: { path: CHAT, body: QUESTION }, bare: true, status: 401 },
];

describe('what the router answers is what its description says', () => {
  test.each(ROWS)('$id $status $call.path', async ({ id, call, status = 200, bare = false }) => {
    const made = typeof call === 'function' ? call() : call;
    const { status: found, headers, text } = await (bare ? ask(router.url, made) : send(made));
    expect(found, text).toBe(status);
    expect(differences(id, { status: found, type: headers['content-type'] ?? '', text })).toEqual([]);
  });

  test('for each operation of the control plane, and for its errors', () => {
    const control = OPERATIONS.filter(({ path }) => !/^\/(?:openai|v1)\//.test(path));
    const asked = new Set(ROWS.map(({ id }) => id));
    expect(control.map(({ described }) => described.operationId).filter((id) => !asked.has(id))).toEqual([]);
  });

  test('for callers who may not ask', async () => {
    const made = await send({ path: '/router/keys', body: { account: 'acme' } });
    const { key } = JSON.parse(made.text) as { key: string };
    const { status, text } = await ask(router.url, { path: '/router/status', headers: [['api-key', key]] });
    expect(status).toBe(403);
    expect(differences('getStatus', { status, type: 'application/json', text })).toEqual([]);
  });
});
