import { describe, expect, test } from 'vitest';
import type { Endpoint, EndpointCredential } from '../../src/domain/deployment.ts';
import { Credentials, type Token } from '../../src/upstream/credentials.ts';
import { ManualClock, settled } from '../harness/manualClock.ts';

const SCOPE = 'https://cognitiveservices.azure.com/.default';
const HOUR_MS = 3_600_000;

function endpoint(credential: EndpointCredential): Endpoint {
  return { name: 'A', origin: 'https://a', basePath: '', credential, dialect: { kind: 'v1' }, region: null };
}

const managed = (clientId: string | null = null, scope = SCOPE) =>
  endpoint({ kind: 'managedIdentity', clientId, scope });

interface Fetch {
  readonly clientId: string | null;
  readonly scope: string;
  succeed(token?: Partial<Token>): Promise<void>;
  fail(): Promise<void>;
}

function identity() {
  const clock = new ManualClock();
  const fetches: Fetch[] = [];
  const credentials = new Credentials(clock, ({ clientId, scope }) => {
    const number = fetches.length + 1;
    return new Promise<Token>((resolve, reject) => {
      fetches.push({
        clientId,
        scope,
        succeed: async (token = {}) => {
          resolve({ token: `token-${number}`, expiresAt: clock.now() + HOUR_MS, refreshAt: null, ...token });
          await settled();
        },
        fail: async () => {
          reject(new Error('the identity service is down'));
          await settled();
        },
      });
    });
  });
  const fetch = (at: number): Fetch => {
    const one = fetches[at];
    if (one === undefined) throw new Error(`there were ${fetches.length} fetches`);
    return one;
  };
  return { clock, credentials, fetches, fetch };
}

async function withToken(token: Partial<Token> = {}) {
  const one = identity();
  const first = one.credentials.headerFor(managed());
  await one.fetch(0).succeed(token);
  expect(await first).toEqual(['authorization', 'Bearer token-1']);
  return one;
}

describe('a key', () => {
  test('is at hand at once, and asks nobody', () => {
    const { credentials, fetches } = identity();
    expect(credentials.headerFor(endpoint({ kind: 'apiKey', apiKey: 'k' }))).toEqual(['api-key', 'k']);
    expect(fetches).toEqual([]);
  });
});

describe('a token', () => {
  test('is fetched once for all who need it at the same time', async () => {
    const { credentials, fetches, fetch } = identity();
    const waiting = Array.from({ length: 20 }, () => Promise.resolve(credentials.headerFor(managed())));
    await fetch(0).succeed();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => ['authorization', 'Bearer token-1']));
    expect(fetches).toHaveLength(1);
  });

  test('is at hand at once afterwards, for every endpoint with the same identity and scope', async () => {
    const { credentials, fetches } = await withToken();
    expect(credentials.headerFor({ ...managed(), name: 'B', origin: 'https://b' })).toEqual([
      'authorization',
      'Bearer token-1',
    ]);
    expect(fetches).toHaveLength(1);
  });

  test.each([
    { what: 'another scope', other: managed(null, 'https://ai.azure.com/.default') },
    { what: 'another identity', other: managed('client-2') },
  ])('is not given out for $what', async ({ other }) => {
    const { credentials, fetches, fetch } = await withToken();
    const second = credentials.headerFor(other);
    await fetch(1).succeed();
    expect(await second).toEqual(['authorization', 'Bearer token-2']);
    expect(fetches.map(({ clientId, scope }) => ({ clientId, scope }))[1]).toEqual({
      clientId: other.credential.kind === 'managedIdentity' ? other.credential.clientId : '',
      scope: other.credential.kind === 'managedIdentity' ? other.credential.scope : '',
    });
  });

  test.each([
    { what: 'five minutes before its end', token: {}, atMs: HOUR_MS - 300_000 },
    {
      what: 'when the identity service would like',
      token: { refreshAt: Date.UTC(2026, 10, 21) + 1_000_000 },
      atMs: 1_000_000,
    },
  ])('is renewed $what, while the old one serves', async ({ token, atMs }) => {
    const { clock, credentials, fetches, fetch } = await withToken(token);
    clock.advance(atMs - 1);
    expect(credentials.headerFor(managed())).toEqual(['authorization', 'Bearer token-1']);
    expect(fetches).toHaveLength(1);
    clock.advance(1);
    for (let count = 0; count < 5; count++)
      expect(credentials.headerFor(managed())).toEqual(['authorization', 'Bearer token-1']);
    expect(fetches).toHaveLength(2);
    await fetch(1).succeed();
    expect(credentials.headerFor(managed())).toEqual(['authorization', 'Bearer token-2']);
    expect(fetches).toHaveLength(2);
  });

  test('goes on to serve until its end where renewing fails, and the next try waits', async () => {
    const { clock, credentials, fetches, fetch } = await withToken();
    clock.advance(HOUR_MS - 300_000);
    void credentials.headerFor(managed());
    await fetch(1).fail();
    clock.advance(29_999);
    expect(credentials.headerFor(managed())).toEqual(['authorization', 'Bearer token-1']);
    expect(fetches).toHaveLength(2);
    clock.advance(1);
    expect(credentials.headerFor(managed())).toEqual(['authorization', 'Bearer token-1']);
    expect(fetches).toHaveLength(3);
    await fetch(2).fail();
    clock.advance(269_999);
    expect(credentials.headerFor(managed())).toEqual(['authorization', 'Bearer token-1']);
  });

  test('that has ended is not given out: the request waits for the next', async () => {
    const { clock, credentials, fetch } = await withToken();
    clock.advance(HOUR_MS);
    const header = credentials.headerFor(managed());
    expect(header).toBeInstanceOf(Promise);
    await fetch(1).succeed();
    expect(await header).toEqual(['authorization', 'Bearer token-2']);
  });

  test('that cannot be had fails those who wait, and the next request asks anew', async () => {
    const { credentials, fetch } = identity();
    const waiting = [credentials.headerFor(managed()), credentials.headerFor(managed())].map((one) =>
      Promise.resolve(one).catch((error: unknown) => error),
    );
    await fetch(0).fail();
    for (const one of await Promise.all(waiting)) expect(one).toBeInstanceOf(Error);
    const again = credentials.headerFor(managed());
    await fetch(1).succeed();
    expect(await again).toEqual(['authorization', 'Bearer token-2']);
  });

  test('whose renewal is still under way at its end is waited for, and not fetched twice', async () => {
    const { clock, credentials, fetches, fetch } = await withToken();
    clock.advance(HOUR_MS - 1_000);
    void credentials.headerFor(managed());
    clock.advance(1_000);
    const header = credentials.headerFor(managed());
    expect(fetches).toHaveLength(2);
    await fetch(1).succeed();
    expect(await header).toEqual(['authorization', 'Bearer token-2']);
  });
});

test('a key goes as a bearer to plain OpenAI', () => {
  const { credentials } = identity();
  const plain = { ...endpoint({ kind: 'apiKey', apiKey: 'k' }), dialect: { kind: 'openai' as const } };
  expect(credentials.headerFor(plain)).toEqual(['authorization', 'Bearer k']);
});
