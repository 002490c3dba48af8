import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startWorker, type Worker } from './worker.ts';

let worker: Worker;
let closed = 0;
let resets = 0;

beforeAll(async () => {
  worker = startWorker();
  vi.doMock('@azure/functions', () => worker.library);
  const { registerFunctions } = await import('../../src/functions/register.ts');
  const clock = { now: () => 1, monotonicMs: () => 1, after: () => () => undefined };
  const router = { handle: () => Promise.resolve({ status: 200, headers: [], body: null }) };
  registerFunctions({
    router,
    clock,
    resetFailureWindows: () => {
      resets++;
      return Promise.resolve();
    },
    close: () => {
      closed++;
      return Promise.resolve();
    },
  });
  await worker.start();
});

afterAll(async () => {
  vi.doUnmock('@azure/functions');
  await worker.close();
});

function trigger(of = 'httpTrigger'): Readonly<Record<string, unknown>> {
  const bindings = worker.functions.flatMap(({ metadata }) => Object.values(metadata.bindings));
  return bindings.find(({ type }) => type === of) ?? {};
}

describe('the function app', () => {
  test('streams: chunked bodies arrive and answers leave as they come', () => {
    expect(worker.capabilities['HttpUri']).toMatch(/^http:\/\/localhost:\d+\/$/);
  });

  test('has one function for all paths, so that none can shadow another', () => {
    const http = worker.functions.filter(({ metadata }) =>
      Object.values(metadata.bindings).some(({ type }) => type === 'httpTrigger'),
    );
    expect(http).toHaveLength(1);
    expect(trigger()).toMatchObject({ route: '{*path}' });
  });

  test('sorts behind every function that may be added: the host goes by name, not by route', () => {
    const http = worker.functions.filter(({ metadata }) =>
      Object.values(metadata.bindings).some(({ type }) => type === 'httpTrigger'),
    );
    const names = http.map(({ metadata }) => metadata.name);
    const last = http.find(({ metadata }) => Object.values(metadata.bindings).some(({ route }) => route === '{*path}'))
      ?.metadata.name;
    expect([...names].sort().at(-1)).toBe(last);
  });

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'])(
    'takes %s, which the host drops unless it is listed',
    (method) => {
      expect(trigger()['methods']).toContain(method);
    },
  );

  test('leaves keys to the app: stock clients cannot send the host’s own', () => {
    expect(trigger()['authLevel']).toBe('anonymous');
  });

  test('resets failure windows every minute, on a timer of its own', async () => {
    const timer = worker.functions.find(({ metadata }) => metadata.name === 'resetFailureWindows');
    expect(trigger('timerTrigger')).toMatchObject({ schedule: '0 * * * * *' });
    await timer?.callback({}, {});
    expect(resets).toBe(1);
  });

  test('closes what is open when the host shuts down', async () => {
    await worker.hooks.get('appTerminate')?.({});
    expect(closed).toBe(1);
  });
});
