/** Every request has its line in the log under its id, those too that were wrong before anybody could be asked. */
import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/domain/errors.ts';
import type { RefusedRequest } from '../../src/telemetry/port.ts';
import { configOf, fleet } from '../harness/router.ts';
import { ok, status } from '../relay/fakes.ts';
import { appFor, ask, type Question } from './ask.ts';

const CONFIG = configOf(
  fleet(['https://a.openai.azure.com'], { retries: { sameDeployment: 0 }, limits: { headerCount: 5 } }),
);
const CHAT: Question = { target: '/v1/chat/completions', body: { model: 'gpt-4.1', messages: [] } };

function listening(scripts = [ok], gate: Parameters<typeof appFor>[2] = {}) {
  const stage = appFor(CONFIG, scripts, gate);
  const lines: RefusedRequest[] = [];
  Object.assign(stage.appDeps.journal, { requestRefused: (line: RefusedRequest) => lines.push(line) });
  return { ...stage, lines };
}

describe('a request that was wrong in itself', () => {
  const headers = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`x-${at}`, 'v']));
  test.each<{ what: string; question: Question; code: number }>([
    { what: 'a body that is no JSON', question: { ...CHAT, body: '{"a":' }, code: 400 },
    { what: 'a wrong header', question: { ...CHAT, headers: { 'x-router-tier': 'gold' } }, code: 400 },
    { what: 'a path that nobody knows', question: { target: '/nowhere' }, code: 404 },
    { what: 'a path that leads upwards', question: { target: '/openai/v1/../x', body: '{}' }, code: 400 },
    { what: 'too many headers', question: { ...CHAT, headers }, code: 431 },
    { what: 'a model that is not listed', question: { target: '/v1/models/nope' }, code: 404 },
    { what: 'an order that cannot be read', question: { target: '/router/generate/text', body: '{' }, code: 400 },
    { what: 'a deployment that an operator misspells', question: { target: '/router/deployments/A/x' }, code: 404 },
  ])('has one line, under the id of its answer: $what', async ({ question, code }) => {
    const { app, lines, records } = listening();
    const answer = await ask(app, question);
    expect(answer.status).toBe(code);
    expect(lines).toEqual([
      {
        requestId: answer.headers.get('x-router-request-id'),
        agent: null,
        status: code,
        code: (answer.json as { error: { code: string } }).error.code,
        durationMs: 0,
      },
    ]);
    expect(records).toEqual([]);
  });

  test('has one line where its body is too large, with the agent that it names', async () => {
    const { app, lines } = listening();
    await app.handle({
      method: 'POST',
      target: CHAT.target,
      headers: ['x-agent-name', 'ada'],
      source: '127.0.0.1',
      caller: { gone: false, onGone: () => () => undefined },
      readBody: () => Promise.reject(new RouterError('request_too_large', 'Too large.')),
    });
    expect(lines).toMatchObject([{ agent: 'ada', status: 413, code: 'request_too_large' }]);
  });

  test.each<{ what: string; question: Question; scripts?: Parameters<typeof appFor>[1]; lines: number }>([
    { what: 'is not known', question: { ...CHAT, body: { model: 'nope' } }, lines: 1 },
    { what: 'nobody could serve', question: CHAT, scripts: [status(503)], lines: 1 },
    { what: 'was served', question: CHAT, lines: 1 },
  ])('has no second line where the relay has told of it: $what', async ({ question, scripts = [ok], lines: told }) => {
    const { app, lines, records } = listening([...scripts]);
    await ask(app, question);
    expect([lines.length, records.length]).toEqual([0, told]);
  });

  test('has none where it was not let in: these come in floods', async () => {
    const { app, lines } = listening([ok], { callerKeys: ['k'], adminKey: 'a' });
    expect((await ask(app, CHAT)).status).toBe(401);
    expect((await ask(app, { target: '/router/status', headers: { 'api-key': 'k' } })).status).toBe(403);
    expect(lines).toEqual([]);
  });

  test('is told of as a fault where the router failed', async () => {
    const { app, lines, appDeps } = listening();
    const faults: unknown[] = [];
    Object.assign(appDeps.journal, { fault: (fault: unknown) => faults.push(fault) });
    Object.assign(appDeps.relay, { serve: () => Promise.reject(new TypeError('x')) });
    expect((await ask(app, CHAT)).status).toBe(500);
    expect([lines.length, faults.length]).toEqual([0, 1]);
  });
});
