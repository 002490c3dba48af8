import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { RestError } from '@azure/data-tables';
import { afterEach, describe, expect, test } from 'vitest';
import type { TokenCredential } from '../../src/store/client.ts';
import { toStoreError } from '../../src/store/failure.ts';
import { type Change, type Store, StoreError } from '../../src/store/port.ts';
import { createTablesStore } from '../../src/store/tables.ts';
import {
  hang,
  json,
  type Received,
  raw,
  reset,
  type Script,
  type ScriptedUpstream,
  startUpstream,
} from '../harness/upstream.ts';

const KEY = `${'Qz7+'.repeat(21)}Q0==`;
const SIGNATURE = 'c2lnbmVkLWJ5LW1l';
const WITHIN_MS = 5000;
const ETAG = `W/"datetime'2026-11-21T12%3A00%3A00.0000000Z'"`;

const key = { table: 'deployments', partition: 'p', row: 'r' } as const;

const CALLS: Readonly<Record<string, (store: Store, withinMs: number) => Promise<unknown>>> = {
  get: (store, ms) => store.get(key, ms),
  insert: (store, ms) => store.insert(key, { a: 1 }, ms),
  replace: (store, ms) => store.replace(key, { a: 1 }, ETAG, ms),
  put: (store, ms) => store.put(key, { a: 1 }, ms),
  'remove with an etag': (store, ms) => store.remove(key, ETAG, ms),
  remove: (store, ms) => store.remove(key, null, ms),
  list: (store, ms) => store.list({ table: 'deployments', limit: 5 }, ms),
  batch: (store, ms) => store.batch('deployments', 'p', [{ kind: 'put', row: 'r', values: { a: 1 } }], ms),
  'batch with an etag': (store, ms) =>
    store.batch('deployments', 'p', [{ kind: 'replace', row: 'r', values: { a: 1 }, etag: ETAG }], ms),
  'batch with an insert': (store, ms) =>
    store.batch('deployments', 'p', [{ kind: 'insert', row: 'r', values: { a: 1 } }], ms),
};

function withKey(url: string): Store {
  const text = `DefaultEndpointsProtocol=http;AccountName=router;AccountKey=${KEY};TableEndpoint=${url}/router`;
  return createTablesStore({ connection: { kind: 'connectionString', text } });
}

function withSignature(url: string): Store {
  const text = `TableEndpoint=${url}/router;SharedAccessSignature=sv=2022-11-02&ss=t&sig=${SIGNATURE}`;
  return createTablesStore({ connection: { kind: 'connectionString', text } });
}

async function failureOf(call: Promise<unknown>): Promise<StoreError> {
  const error = await call.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreError)) throw error;
  return error;
}

let upstream: ScriptedUpstream | null = null;
afterEach(async () => {
  await upstream?.[Symbol.asyncDispose]();
  upstream = null;
});

async function storeOn(...scripts: Script[]): Promise<{ store: Store; received: Received[]; url: string }> {
  upstream = await startUpstream(...scripts);
  return { store: withKey(upstream.url), received: upstream.received, url: upstream.url };
}

function odata(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Script {
  const error = { 'odata.error': { code, message: { lang: 'en-US', value: 'as the service puts it' } } };
  return json(status, error, { 'content-type': 'application/json;odata=minimalmetadata', ...headers });
}

/** Names and queries of what it was asked: what a failing proxy may show in its error pages. */
function echo(status: number): Script {
  return (request, response) => {
    const body = Buffer.from(
      JSON.stringify({ url: request.url, headers: request.headers, message: request.url, code: request.url }),
    );
    raw(status, body, { 'content-type': 'application/json' })(request, response);
  };
}

describe.each(Object.entries(CALLS))('%s', (name, call) => {
  test('is unreachable at once where nobody listens', async () => {
    const gone = await startUpstream();
    await gone[Symbol.asyncDispose]();
    const began = performance.now();
    const error = await failureOf(call(withKey(gone.url), WITHIN_MS));
    expect(error).toMatchObject({ failure: 'unreachable', message: expect.stringContaining('ECONNREFUSED') as string });
    expect(performance.now() - began).toBeLessThan(500);
  });

  test('is late where there is no answer in its time', async () => {
    const { store } = await storeOn(hang);
    const began = performance.now();
    await expect(call(store, 60)).rejects.toMatchObject({ failure: 'late' });
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test.each([
    [503, 'ServerBusy', 'throttled'],
    [429, 'TooManyRequests', 'throttled'],
    [401, 'NoAuthenticationInformation', 'denied'],
    [403, 'AuthorizationPermissionMismatch', 'denied'],
    [500, 'InternalError', 'failed'],
    [400, 'InvalidInput', 'failed'],
    [504, 'GatewayTimeout', 'failed'],
  ])('that is answered with %d %s is %s, and sent once', async (status, code, failure) => {
    const { store, received } = await storeOn(odata(status, code, { 'retry-after': '30' }));
    const error = await failureOf(call(store, WITHIN_MS));
    expect(error).toMatchObject({ failure, message: expect.stringContaining(`${status} ${code}`) as string });
    expect(received).toHaveLength(1);
  });

  const bearsRepeating = ['get', 'put', 'list', 'batch'].includes(name);
  test(`whose connection ends without an answer is unreachable, and sent ${bearsRepeating ? 'once more' : 'once'}`, async () => {
    const { store, received } = await storeOn(reset);
    await expect(call(store, WITHIN_MS)).rejects.toMatchObject({ failure: 'unreachable' });
    expect(received).toHaveLength(bearsRepeating ? 2 : 1);
  });

  test('that something else answers than a table service is failed', async () => {
    const page = raw(502, Buffer.from('<html>bad gateway</html>'), { 'content-type': 'text/html' });
    const { store } = await storeOn(page);
    await expect(call(store, WITHIN_MS)).rejects.toMatchObject({ failure: 'failed' });
  });

  test('tells no secret, whatever the answer quotes', async () => {
    const { store, received, url } = await storeOn(echo(500), echo(403), echo(500), echo(200), echo(503));
    const stores = [store, store, withSignature(url), withSignature(url), withSignature(url)];
    for (const one of stores) {
      const error = await call(one, WITHIN_MS).then(
        () => null,
        (reason: unknown) => reason,
      );
      const shown = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`;
      const secrets = [KEY, SIGNATURE, received.at(-1)?.headers.authorization ?? KEY];
      expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    }
    expect(received.some(({ url: asked }) => asked.includes(SIGNATURE))).toBe(true);
  });
});

describe('an answer', () => {
  test('that breaks off half-way is unreachable', async () => {
    const { store } = await storeOn((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"PartitionKey":', () => response.destroy());
    });
    await expect(store.get(key, WITHIN_MS)).rejects.toMatchObject({ failure: 'unreachable' });
  });

  test('that begins and never ends is late', async () => {
    const { store } = await storeOn((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
    });
    await expect(store.get(key, 60)).rejects.toMatchObject({ failure: 'late' });
  });

  test('that is late is not waited for any longer: its connection is closed', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const { store } = await storeOn((_, response) => response.once('close', resolve));
    await expect(store.get(key, 60)).rejects.toMatchObject({ failure: 'late' });
    await closed;
  });

  test('that a conditional write did not get is no conflict: nothing was sent twice that could have met itself', async () => {
    const { store, received } = await storeOn(reset, odata(412, 'UpdateConditionNotSatisfied'));
    await expect(store.replace(key, {}, ETAG, WITHIN_MS)).rejects.toMatchObject({ failure: 'unreachable' });
    await expect(store.replace(key, {}, ETAG, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
    expect(received.map(({ headers }) => headers['if-match'])).toEqual([ETAG, ETAG]);
  });
});

describe('a table', () => {
  const made: Script = (_, response) => response.writeHead(204, { etag: ETAG, 'content-length': '0' }).end();

  test('that others make at the same time serves the write as well', async () => {
    const { store, received } = await storeOn(odata(404, 'TableNotFound'), odata(409, 'TableAlreadyExists'), made);
    await expect(store.insert(key, {}, WITHIN_MS)).resolves.toEqual({ kind: 'written', etag: ETAG });
    expect(received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /router/deployments',
      'POST /router/Tables',
      'POST /router/deployments',
    ]);
  });

  test('that is being deleted makes no conflict of an insert', async () => {
    const { store } = await storeOn(odata(404, 'TableNotFound'), odata(409, 'TableBeingDeleted'));
    const error = await failureOf(store.insert(key, {}, WITHIN_MS));
    expect(error).toMatchObject({ failure: 'failed', message: expect.stringContaining('TableBeingDeleted') as string });
  });

  test('that we may not make is told as denied', async () => {
    const { store } = await storeOn(odata(404, 'TableNotFound'), odata(403, 'AuthorizationPermissionMismatch'));
    await expect(store.put(key, {}, WITHIN_MS)).rejects.toMatchObject({ failure: 'denied' });
  });

  test('that cannot be made is not tried for ever', async () => {
    const { store, received } = await storeOn(
      odata(404, 'TableNotFound'),
      odata(409, 'TableAlreadyExists'),
      odata(404, 'TableNotFound'),
    );
    await expect(store.put(key, {}, WITHIN_MS)).rejects.toMatchObject({ failure: 'failed' });
    expect(received).toHaveLength(3);
  });
});

describe('a batch', () => {
  /** As the service answers a transaction: 202, and the one refusal within. */
  function refused(status: number, code: string): Script {
    const error = JSON.stringify({
      'odata.error': { code, message: { lang: 'en-US', value: '0:as the service puts it' } },
    });
    const body = [
      '--batchresponse_1',
      'Content-Type: multipart/mixed; boundary=changesetresponse_1',
      '',
      '--changesetresponse_1',
      'Content-Type: application/http',
      '',
      `HTTP/1.1 ${status} Refused`,
      'Content-Type: application/json;odata=minimalmetadata',
      '',
      error,
      '--changesetresponse_1--',
      '--batchresponse_1--',
    ].join('\r\n');
    return raw(202, Buffer.from(body), { 'content-type': 'multipart/mixed; boundary=batchresponse_1' });
  }

  test.each([
    [503, 'ServerBusy', 'throttled'],
    [403, 'AuthorizationFailure', 'denied'],
    [413, 'ContentLengthExceeded', 'failed'],
  ])('of which the service refuses one change with %d %s is %s', async (status, code, failure) => {
    const { store, received } = await storeOn(refused(status, code));
    await expect(store.batch('usage', 'p', [{ kind: 'remove', row: 'r' }], WITHIN_MS)).rejects.toMatchObject({
      failure,
    });
    expect(received).toHaveLength(1);
  });

  test.each<[number, string, Change]>([
    [412, 'UpdateConditionNotSatisfied', { kind: 'replace', row: 'r', values: {}, etag: ETAG }],
    [409, 'EntityAlreadyExists', { kind: 'insert', row: 'r', values: {} }],
  ])('with a condition that the service answers with %d %s is a conflict', async (status, code, change) => {
    const { store, received } = await storeOn(refused(status, code));
    const changes: Change[] = [{ kind: 'remove', row: 's' }, change];
    await expect(store.batch('usage', 'p', changes, WITHIN_MS)).resolves.toEqual({ kind: 'conflict' });
    expect(received).toHaveLength(1);
  });

  test.each<[number, string, Change]>([
    [412, 'UpdateConditionNotSatisfied', { kind: 'put', row: 'r', values: {} }],
    [409, 'TableBeingDeleted', { kind: 'insert', row: 'r', values: {} }],
  ])('that meets no condition of its own with %d %s is failed', async (status, code, change) => {
    const { store } = await storeOn(refused(status, code));
    await expect(store.batch('usage', 'p', [change], WITHIN_MS)).rejects.toMatchObject({ failure: 'failed' });
  });

  test('that is refused for a row which is there after all is not sent for ever', async () => {
    const there = json(200, { RowKey: 'r', 'odata.etag': ETAG });
    const gone = refused(404, 'ResourceNotFound');
    const { store, received } = await storeOn(
      ...Array.from({ length: 9 }, (_, turn) => (turn % 2 === 0 ? gone : there)),
    );
    await expect(store.batch('usage', 'p', [{ kind: 'remove', row: 'r' }], WITHIN_MS)).rejects.toMatchObject({
      failure: 'failed',
    });
    expect(received.filter(({ method }) => method === 'POST')).toHaveLength(5);
  });
});

describe('an identity', () => {
  function opened(getToken: TokenCredential['getToken']): Store {
    // Nothing is ever sent there.
    return createTablesStore({
      connection: { kind: 'identity', url: 'https://127.0.0.1:1', credential: { getToken } },
    });
  }

  test('that has no token to give is told as denied, with what the sign-in says', async () => {
    const refusal = Object.assign(new Error('no managed identity here'), { name: 'CredentialUnavailableError' });
    const error = await failureOf(opened(() => Promise.reject(refusal)).get(key, WITHIN_MS));
    expect(error).toMatchObject({ failure: 'denied', cause: refusal });
  });

  test('that takes for ever is late', async () => {
    const store = opened(() => new Promise(() => undefined));
    await expect(store.get(key, 60)).rejects.toMatchObject({ failure: 'late' });
  });

  test('asks for a token of storage', async () => {
    const scopes: (string | string[])[] = [];
    const store = opened((scope) => {
      scopes.push(scope);
      return Promise.resolve({ token: 'Zk9Zk9', expiresOnTimestamp: Date.UTC(2100, 0) });
    });
    const error = await failureOf(store.get(key, WITHIN_MS));
    expect(scopes.flat()).toEqual(['https://storage.azure.com/.default']);
    expect(error.failure).toBe('unreachable');
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('Zk9Zk9');
  });
});

test.each(['ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'CERT_HAS_EXPIRED', 'REQUEST_SEND_ERROR'])(
  'an error of the connection, %s, is unreachable and named',
  (code) => {
    const asked = { what: 'get', table: 'deployments', host: 'router', withinMs: 1 } as const;
    const error = toStoreError(new RestError('?', { code }), asked);
    expect(error.failure).toBe('unreachable');
    expect(error.message).toBe(`the table store at router cannot be reached (${code}): get in deployments`);
  },
);

test('a call that ended before its time keeps no process alive', async () => {
  const tables = fileURLToPath(new URL('../../src/store/tables.ts', import.meta.url));
  const { store: _, url } = await storeOn(odata(404, 'ResourceNotFound'));
  const script = `
    const { createTablesStore } = await import(${JSON.stringify(tables)});
    const text = 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=AAAA;TableEndpoint=${url}/a';
    const store = createTablesStore({ connection: { kind: 'connectionString', text } });
    console.log(await store.get({ table: 'keys', partition: 'p', row: 'r' }, 3_600_000));`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { timeout: 10_000 });
  expect(stdout).toBe('null\n');
});
