import { describe, expect, test } from 'vitest';
import type { DeploymentId } from '../../src/domain/deployment.ts';
import { settled } from '../harness/manualClock.ts';
import { configOf, fleet } from '../harness/router.ts';
import { never, type Script, status } from '../relay/fakes.ts';
import { type AppStage, appFor, ask } from './ask.ts';

const CONFIG = configOf(fleet(['https://a.openai.azure.com', 'https://b.openai.azure.com']));
const A: DeploymentId = 'A/gpt-4.1';
const COMPLETION = { deployments: [A], completion: true };
const RECORDED = { ...COMPLETION, record: true };

const USAGE = { prompt_tokens: 8, completion_tokens: 1, total_tokens: 9 };
const answered: Script = (sent) => sent.answer(200, { model: 'gpt-4.1', choices: [], usage: USAGE });
const coded =
  (code: number, error: string): Script =>
  (sent) =>
    sent.answer(code, { error: { code: error } });

interface Result {
  readonly deployment: string;
  readonly [fact: string]: unknown;
}

async function probe(stage: AppStage, body: object | string = {}): Promise<Result[]> {
  const { status: code, json, text } = await ask(stage.app, { method: 'POST', target: '/router/probe', body });
  expect(code, text).toBe(200);
  return (json as { results: Result[] }).results;
}

function healthOf(stage: AppStage) {
  return stage.state.snapshot().health(A);
}

describe('a probe', () => {
  test('asks each deployment’s endpoint for its models, which bills nothing and proves no deployment', async () => {
    const stage = appFor(CONFIG, [answered]);
    const results = await probe(stage, '');
    expect(
      stage.upstream.sent.map(({ request }) => `${request.method} ${request.endpoint.name} ${request.path}`),
    ).toEqual([
      'GET A /openai/models?api-version=2025-01-01-preview',
      'GET B /openai/models?api-version=2025-01-01-preview',
    ]);
    expect(results).toEqual(
      ['A/gpt-4.1', 'B/gpt-4.1'].map((deployment) => ({
        deployment,
        checkedBy: 'models',
        ok: true,
        reachable: true,
        authenticated: true,
        deploymentChecked: false,
        deploymentExists: null,
        latencyMs: 0,
        status: 200,
        outcome: 'ok',
        cause: 'status 200',
        recorded: false,
        usage: null,
      })),
    );
  });

  test('speaks to each endpoint in its own dialect', async () => {
    const v1 = { url: 'https://a.openai.azure.com', apiKey: 'k', api: 'v1', deployments: { 'gpt-4.1': {} } };
    const stage = appFor(configOf({ endpoints: { A: v1 } }), [answered]);
    await probe(stage);
    await probe(stage, COMPLETION);
    expect(stage.upstream.sent.map(({ request }) => request.path)).toEqual([
      '/openai/v1/models',
      '/openai/v1/chat/completions',
    ]);
  });

  test('with completion asks for one token, and tells what that was billed', async () => {
    const stage = appFor(CONFIG, [answered]);
    const [result] = await probe(stage, COMPLETION);
    const { request } = stage.upstream.last;
    expect(request.path).toBe('/openai/deployments/gpt-4.1/chat/completions?api-version=2025-01-01-preview');
    expect(JSON.parse(String(request.body))).toEqual({
      model: 'gpt-4.1',
      messages: [{ role: 'user', content: '.' }],
      max_completion_tokens: 1,
    });
    expect(result).toMatchObject({
      ok: true,
      checkedBy: 'completion',
      deploymentChecked: true,
      deploymentExists: true,
    });
    expect(result?.['usage']).toEqual({
      promptTokens: 8,
      cachedTokens: 0,
      completionTokens: 1,
      reasoningTokens: 0,
      costUsd: 0,
    });
    expect(stage.records).toEqual([]);
  });

  test.each([
    { model: 'text-embedding-3-small', path: 'embeddings', body: { input: '.' } },
    { model: 'gpt-35-turbo-instruct', path: 'completions', body: { prompt: '.', max_tokens: 1 } },
    { model: 'gpt-5-mini', path: 'chat/completions', body: { max_completion_tokens: 1 } },
  ])('asks $model what it can do', async ({ model, path, body }) => {
    const one = { url: 'https://a.openai.azure.com', apiKey: 'k', api: 'v1', deployments: { mine: { model } } };
    const stage = appFor(configOf({ endpoints: { A: one } }), [answered]);
    await probe(stage, { completion: true });
    const { request } = stage.upstream.last;
    expect(request.path).toBe(`/openai/v1/${path}`);
    expect(JSON.parse(String(request.body))).toMatchObject({ model: 'mine', ...body });
  });

  test('asks a version from before max_completion_tokens by the name it knows', async () => {
    const old = { url: 'https://a.openai.azure.com', apiKey: 'k', api: '2024-06-01', deployments: { 'gpt-4.1': {} } };
    const stage = appFor(configOf({ endpoints: { A: old } }), [answered]);
    await probe(stage, COMPLETION);
    expect(JSON.parse(String(stage.upstream.last.request.body))).toHaveProperty('max_tokens', 1);
  });

  const [YES, NO, UNKNOWN] = [true, false, null];
  test.each<{ what: string; script: Script; completion: boolean; is: (boolean | null)[]; outcome: string }>([
    {
      what: 'models: 401',
      script: status(401),
      completion: false,
      is: [NO, YES, NO, UNKNOWN],
      outcome: 'misconfigured',
    },
    {
      what: 'models: 404',
      script: status(404),
      completion: false,
      is: [NO, YES, UNKNOWN, UNKNOWN],
      outcome: 'refused',
    },
    { what: 'models: 302', script: status(302), completion: false, is: [NO, YES, UNKNOWN, UNKNOWN], outcome: 'ok' },
    {
      what: 'models: 503',
      script: status(503),
      completion: false,
      is: [NO, YES, UNKNOWN, UNKNOWN],
      outcome: 'failing',
    },
    {
      what: 'completion: no such deployment',
      script: coded(404, 'DeploymentNotFound'),
      completion: true,
      is: [NO, YES, YES, NO],
      outcome: 'misconfigured',
    },
    {
      what: 'completion: no such path',
      script: coded(404, '404'),
      completion: true,
      is: [NO, YES, UNKNOWN, UNKNOWN],
      outcome: 'refused',
    },
    {
      what: 'completion: refused by what is there',
      script: coded(400, 'OperationNotSupported'),
      completion: true,
      is: [YES, YES, YES, YES],
      outcome: 'refused',
    },
    {
      what: 'completion: 403',
      script: status(403),
      completion: true,
      is: [NO, YES, NO, UNKNOWN],
      outcome: 'misconfigured',
    },
    {
      what: 'completion: 429',
      script: status(429),
      completion: true,
      is: [NO, YES, UNKNOWN, UNKNOWN],
      outcome: 'throttled',
    },
  ])('tells what it saw, and no more: $what', async ({ script, completion, is, outcome }) => {
    const stage = appFor(CONFIG, [script]);
    const [result] = await probe(stage, { deployments: [A], completion });
    const seen = ['ok', 'reachable', 'authenticated', 'deploymentExists'].map((fact) => result?.[fact]);
    expect(seen).toEqual(is);
    expect(result?.['outcome']).toBe(outcome);
  });

  test('gives each call ten seconds, and what does not answer by then is not reachable', async () => {
    const stage = appFor(CONFIG, [never]);
    const asked = probe(stage, { deployments: [A] });
    await stage.clock.pass(9_999);
    expect(stage.upstream.last.aborted).toBe(false);
    await stage.clock.pass(1);
    expect(stage.upstream.last.aborted).toBe(true);
    expect((await asked)[0]).toMatchObject({ ok: false, reachable: false, status: null, latencyMs: 10_000 });
  });

  test('asks eight at once, tells of each in its order, and stays below what a front end waits', async () => {
    const deployments = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`m${at}`, {}]));
    const one = { url: 'https://a.openai.azure.com', apiKey: 'k', api: 'v1', deployments };
    const stage = appFor(configOf({ endpoints: { A: one } }), [never]);
    const asked = probe(stage);
    await settled();
    expect(stage.upstream.sent).toHaveLength(8);
    stage.upstream.sent[3]?.answer(200);
    await settled();
    expect(stage.upstream.sent).toHaveLength(9);
    await stage.clock.pass(200_000);
    const results = await asked;
    expect(results.map(({ deployment }) => deployment)).toEqual(Object.keys(deployments).map((name) => `A/${name}`));
    expect(results.filter(({ ok }) => ok === true)).toHaveLength(1);
    expect(stage.clock.pending).toBe(0);
  });

  test.each([
    { what: 'a deployment that fails', script: status(503), body: COMPLETION },
    { what: 'a missing deployment', script: coded(404, 'DeploymentNotFound'), body: COMPLETION },
    { what: 'a refused credential', script: status(401), body: { deployments: [A] } },
    { what: 'a throttled deployment', script: status(429), body: COMPLETION },
  ])('changes nothing unless it is asked to: $what', async ({ script, body }) => {
    const stage = appFor(CONFIG, [script]);
    const before = healthOf(stage);
    await probe(stage, body);
    expect(healthOf(stage)).toEqual(before);
    expect(stage.watched.told).toMatchObject({ sent: [], findings: [], claimed: [], dropped: [] });
  });
});

describe('a probe that is to be recorded', () => {
  test.each([
    { what: 'a failure', script: status(503), body: RECORDED, outcome: 'failing' },
    {
      what: 'a missing deployment',
      script: coded(404, 'DeploymentNotFound'),
      body: RECORDED,
      outcome: 'misconfigured',
    },
    { what: 'throttling', script: status(429), body: RECORDED, outcome: 'throttled' },
    { what: 'an answer', script: answered, body: RECORDED, outcome: 'ok' },
    { what: 'a credential refused to all', script: status(401), body: { record: true }, outcome: 'misconfigured' },
  ])('counts as an attempt’s finding does: $what', async ({ script, body, outcome }) => {
    const stage = appFor(CONFIG, [script]);
    const [result] = await probe(stage, body);
    expect(result?.['recorded']).toBe(true);
    expect(stage.watched.told.findings[0]).toMatchObject({ deployment: A, outcome, probe: false });
    expect(stage.watched.told.sent).toContain(A);
  });

  test.each([
    { what: 'a list of models says nothing good of a deployment', script: answered },
    { what: 'a list of models that is throttled says nothing bad of it', script: status(429) },
  ])('$what', async ({ script }) => {
    const stage = appFor(CONFIG, [script]);
    const [result] = await probe(stage, { deployments: [A], record: true });
    expect(result?.['recorded']).toBe(false);
    expect(stage.watched.told.findings).toEqual([]);
  });

  test('is not where it ran out of time: requests have more', async () => {
    const stage = appFor(CONFIG, [never]);
    const asked = probe(stage, RECORDED);
    await stage.clock.pass(10_000);
    expect((await asked)[0]).toMatchObject({ outcome: 'failing', recorded: false });
    expect(stage.watched.told.findings).toEqual([]);
  });

  const opened = (script: Script): AppStage => {
    const stage = appFor(CONFIG, [script]);
    stage.record(A, 'failing', { times: CONFIG.breaker.failures });
    expect(healthOf(stage).breaker.kind).toBe('open');
    return stage;
  };

  test('is not while its deployment is out: nobody is to try it yet', async () => {
    const stage = opened(answered);
    const [result] = await probe(stage, RECORDED);
    expect(result).toMatchObject({ ok: true, recorded: false });
    expect(healthOf(stage).breaker.kind).toBe('open');
  });

  test('is the fleet’s one probe where it is time to try the deployment again, and closes its breaker', async () => {
    const stage = opened(answered);
    await stage.clock.pass(CONFIG.breaker.openMs * 2);
    const [result] = await probe(stage, RECORDED);
    expect(result).toMatchObject({ ok: true, recorded: true });
    expect(stage.watched.told.claimed).toEqual([A]);
    expect(stage.watched.told.findings.at(-1)).toMatchObject({ probe: true, outcome: 'ok' });
    expect(healthOf(stage).breaker.kind).toBe('closed');
  });

  test('gives the fleet’s probe back where it taught nothing', async () => {
    const stage = opened(never);
    await stage.clock.pass(CONFIG.breaker.openMs * 2);
    const asked = probe(stage, RECORDED);
    await stage.clock.pass(10_000);
    expect((await asked)[0]).toMatchObject({ recorded: false });
    expect(stage.watched.told.dropped).toEqual([A]);
  });

  test('leaves the fleet’s probe to those who complete something', async () => {
    const stage = opened(status(401));
    await stage.clock.pass(CONFIG.breaker.openMs * 2);
    const [result] = await probe(stage, { deployments: [A], record: true });
    expect(result?.['recorded']).toBe(false);
    expect(stage.watched.told.claimed).toEqual([]);
  });
});

describe('a probe that cannot be understood', () => {
  test.each([
    {
      what: 'an unknown deployment',
      body: { deployments: [A, 'A/gpt-4.l'] },
      code: 404,
      says: /gpt-4\.l.*exist: A\/gpt-4\.1, B/,
    },
    { what: 'no deployment at all', body: { deployments: [] }, code: 400, says: /deployments must be a list/ },
    { what: 'deployments that are no list', body: { deployments: 'A/gpt-4.1' }, code: 400, says: /deployments must/ },
    { what: 'deployments that are no names', body: { deployments: [1] }, code: 400, says: /deployments must/ },
    { what: 'a flag that is none', body: { completion: 'yes' }, code: 400, says: /completion must be true or false/ },
    { what: 'a field that is none', body: { completions: true }, code: 400, says: /Did you mean completion\?/ },
    { what: 'a list', body: '[]', code: 400, says: /body must be an object/ },
    { what: 'no JSON', body: '{', code: 400, says: /not valid JSON/ },
  ])('is refused, and asks nobody: $what', async ({ body, code, says }) => {
    const stage = appFor(CONFIG, [answered]);
    const answer = await ask(stage.app, { method: 'POST', target: '/router/probe', body });
    expect([answer.status, answer.text]).toEqual([code, expect.stringMatching(says)]);
    expect(stage.upstream.sent).toEqual([]);
  });
});
