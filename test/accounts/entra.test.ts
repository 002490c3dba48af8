import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/accounts/credential.ts';
import { type TokenHolder, VerifiedTokens } from '../../src/accounts/entra.ts';
import type { Entra } from '../../src/domain/config.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { json, reset, type ScriptedUpstream, startUpstream } from '../harness/upstream.ts';
import { instanceOn, refusalOf, showing } from './instances.ts';

const ISSUER = 'https://login.test/tenant/v2.0';
const OLD_ISSUER = 'https://sts.test/tenant/';
const AUDIENCE = 'api://router';
const APP = '11111111-aaaa-4aaa-8aaa-111111111111';
const USER = '22222222-bbbb-4bbb-8bbb-222222222222';

type Signer = { readonly sign: (claims: JWTPayload) => Promise<string>; readonly jwk: object };

async function signerFor(alg: string, kid: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims) => new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(privateKey),
  };
}

let rsa: Signer;
let next: Signer;
let stranger: Signer;
let ec: Signer;
let issuer: ScriptedUpstream;
let clock: ManualClock;

beforeAll(async () => {
  [rsa, next, stranger, ec] = await Promise.all([
    signerFor('RS256', 'k1'),
    signerFor('RS256', 'k2'),
    signerFor('RS256', 'k1'),
    signerFor('ES256', 'k3'),
  ]);
  issuer = await startUpstream();
});

afterAll(() => issuer[Symbol.asyncDispose]());

beforeEach(() => {
  clock = new ManualClock();
  issuer.received.length = 0;
  publish(rsa, ec);
});

function publish(...signers: readonly Signer[]): void {
  issuer.script(json(200, { keys: signers.map(({ jwk }) => jwk) }));
}

function tokensOf(entra: Partial<Entra> = {}): VerifiedTokens {
  const full: Entra = {
    issuers: [ISSUER, OLD_ISSUER],
    audiences: ['router', AUDIENCE],
    keysUrl: `${issuer.url}/keys`,
    callerRole: 'Router.Caller',
    adminRole: 'Router.Admin',
    accounts: new Map([[USER.toUpperCase(), 'clinic-7']]),
    ...entra,
  };
  return new VerifiedTokens(full, clock);
}

function claims(change: object = {}): JWTPayload {
  const now = clock.now() / 1000;
  const good = { iss: ISSUER, aud: AUDIENCE, azp: APP, roles: ['Router.Caller'], nbf: now, exp: now + 3_600 };
  return { ...good, ...change };
}

function verify(tokens: VerifiedTokens, token: string): Promise<TokenHolder> {
  return tokens.verify(token, digestOf(token));
}

describe('a token', () => {
  test.each<{ what: string; change: () => object; holder: TokenHolder }>([
    {
      what: 'with the role of callers: an account named like the application',
      change: () => ({}),
      holder: { application: APP, account: APP, isAdmin: false },
    },
    {
      what: 'of the first version',
      change: () => ({ iss: OLD_ISSUER, aud: 'router', azp: undefined, appid: APP.toUpperCase() }),
      holder: { application: APP, account: APP, isAdmin: false },
    },
    {
      what: 'without a role, of an application with an account',
      change: () => ({ roles: undefined, azp: USER }),
      holder: { application: USER, account: 'clinic-7', isAdmin: false },
    },
    {
      what: 'without a role, of an object with an account',
      change: () => ({ roles: [], oid: USER }),
      holder: { application: APP, account: 'clinic-7', isAdmin: false },
    },
    {
      what: 'with the role of admins alone',
      change: () => ({ roles: ['Router.Admin'] }),
      holder: { application: APP, account: APP, isAdmin: true },
    },
    {
      what: 'for several audiences',
      change: () => ({ aud: ['other', AUDIENCE] }),
      holder: { application: APP, account: APP, isAdmin: false },
    },
    {
      what: 'that expired a minute ago, by a clock that runs apart',
      change: () => ({ exp: clock.now() / 1000 - 59 }),
      holder: { application: APP, account: APP, isAdmin: false },
    },
    {
      what: 'that begins in a minute',
      change: () => ({ nbf: clock.now() / 1000 + 60 }),
      holder: { application: APP, account: APP, isAdmin: false },
    },
  ])('is good $what', async ({ change, holder }) => {
    for (const signer of [rsa, ec]) {
      expect(await verify(tokensOf(), await signer.sign(claims(change())))).toEqual(holder);
    }
  });

  test.each<{ what: string; change: () => object; message: string }>([
    { what: 'of another issuer', change: () => ({ iss: 'https://evil.test' }), message: 'its issuer is none of those' },
    { what: 'without an issuer', change: () => ({ iss: undefined }), message: 'its issuer is none of those' },
    { what: 'for somebody else', change: () => ({ aud: 'api://other' }), message: 'issued for another audience' },
    { what: 'without an audience', change: () => ({ aud: undefined }), message: 'issued for another audience' },
    { what: 'that has expired', change: () => ({ exp: clock.now() / 1000 - 61 }), message: 'it has expired' },
    { what: 'that never expires', change: () => ({ exp: undefined }), message: 'does not say when it expires' },
    { what: 'that is of the future', change: () => ({ nbf: clock.now() / 1000 + 62 }), message: 'not valid yet' },
  ])('is refused $what', async ({ change, message }) => {
    const token = await rsa.sign(claims(change()));
    const refusal = await refusalOf(() => verify(tokensOf(), token));
    expect(refusal).toMatchObject({ status: 401, code: 'unauthorized' });
    expect(refusal?.message).toMatch(new RegExp(`^The token was refused: .*${message}`));
    expect(refusal?.message).not.toContain(token.slice(0, 20));
  });

  test('is refused where somebody else signed it, or nobody', async () => {
    const good = await rsa.sign(claims());
    const [header = '', payload = ''] = good.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const secret = new TextEncoder().encode('a secret that both sides would have to know');
    const symmetric = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(secret);
    const forged = [
      { token: await stranger.sign(claims()), message: 'its signature is wrong' },
      {
        token: `${header}.${Buffer.from('{}').toString('base64url')}.${good.split('.')[2]}`,
        message: 'signature is wrong',
      },
      { token: `${none}.${payload}.AA`, message: 'its algorithm is not allowed' },
      { token: symmetric, message: 'its algorithm is not allowed' },
      { token: 'a.b.c', message: 'it is not a well-formed token' },
      { token: await next.sign(claims()), message: 'a key that its issuer does not have' },
    ];
    for (const { token, message } of forged) {
      const refusal = await refusalOf(() => verify(tokensOf(), token));
      expect({ status: refusal?.status, message: refusal?.message }).toEqual({
        status: 401,
        message: expect.stringContaining(message) as string,
      });
    }
  });

  test.each<{ what: string; change: object }>([
    { what: 'without a role or an account', change: { roles: [] } },
    { what: 'with a role of another name', change: { roles: ['router.caller', 'Reader'] } },
    { what: 'whose roles are no list', change: { roles: 'Router.Caller' } },
    { what: 'that names nobody', change: { azp: undefined } },
  ])('has no business here $what', async ({ change }) => {
    const refusal = await refusalOf(async () => verify(tokensOf(), await rsa.sign(claims(change))));
    expect(refusal).toMatchObject({ status: 403, code: 'forbidden' });
  });

  test('is three parts of base64url, and nothing else is', () => {
    const tokens = tokensOf();
    const texts = ['a.b.c', 'a-_.b.c', 'a.b', 'a..c', 'a.b.c.d', 'a b.c.d', 'aor_x', ''];
    expect(texts.filter((text) => tokens.isToken(text))).toEqual(['a.b.c', 'a-_.b.c']);
  });
});

describe('a token that was good', () => {
  test.each([
    { what: 'for five minutes', livesS: 3_600, forMs: 300_000 },
    { what: 'until it expires', livesS: 100, forMs: 100_000 },
  ])('is remembered $what', async ({ livesS, forMs }) => {
    const tokens = tokensOf();
    const token = await rsa.sign(claims({ exp: clock.now() / 1000 + livesS }));
    const holder = await verify(tokens, token);
    clock.advance(forMs - 1);
    expect(tokens.recall(digestOf(token))).toEqual(holder);
    clock.advance(1);
    expect(tokens.recall(digestOf(token))).toBeNull();
  });

  test('is forgotten where a thousand came after it', async () => {
    const tokens = tokensOf();
    const token = await rsa.sign(claims());
    for (let count = 0; count <= 1_000; count++) await tokens.verify(token, `${count}`);
    expect([0, 1, 1_000].map((count) => tokens.recall(`${count}`) === null)).toEqual([true, false, false]);
  });

  test('is not remembered where it was refused', async () => {
    const tokens = tokensOf();
    const token = await rsa.sign(claims({ roles: [] }));
    await refusalOf(() => verify(tokens, token));
    expect(tokens.recall(digestOf(token))).toBeNull();
  });

  test('passes the gate at once from then on', async () => {
    const tokens = tokensOf();
    const { gate } = instanceOn({ tokens, clock });
    const headers = showing(await rsa.sign(claims({ oid: USER })));
    expect(await gate.admitCaller(headers, 'a')).toMatchObject({ account: 'clinic-7', keyId: APP });
    expect(gate.admitCaller(headers, 'a')).toMatchObject({ account: 'clinic-7' });
  });
});

describe('the keys of the issuer', () => {
  const sentBy = async (signer: Signer, at = 0): Promise<string> => signer.sign(claims({ jti: `${at}` }));

  test('are fetched once for many tokens', async () => {
    const tokens = tokensOf();
    const all = await Promise.all([1, 2, 3, 4, 5].map((at) => sentBy(rsa, at)));
    await Promise.all(all.map((token) => verify(tokens, token)));
    await verify(tokens, await sentBy(rsa, 6));
    expect(issuer.received.map(({ url }) => url)).toEqual(['/keys']);
  });

  test('are fetched again for a token of a new one, though not for every token that names one', async () => {
    const tokens = tokensOf();
    await verify(tokens, await sentBy(rsa));
    publish(rsa, next);
    const early = await refusalOf(async () => verify(tokens, await sentBy(next)));
    expect(early).toMatchObject({ status: 401 });
    clock.advance(30_000);
    expect(await verify(tokens, await sentBy(next))).toMatchObject({ account: APP });
    expect(issuer.received).toHaveLength(2);
    publish(rsa);
    for (let count = 0; count < 5; count++) {
      await refusalOf(async () => verify(tokens, await sentBy({ ...next, sign: withKid('k9') }, count)));
    }
    expect(issuer.received).toHaveLength(2);
  });

  test('go where the issuer has withdrawn them, within the hour', async () => {
    const tokens = tokensOf();
    await verify(tokens, await sentBy(rsa));
    publish(next);
    clock.advance(60 * 60_000 - 1);
    await verify(tokens, await sentBy(rsa));
    clock.advance(1);
    expect(await refusalOf(async () => verify(tokens, await sentBy(rsa)))).toMatchObject({ status: 401 });
  });

  test('that cannot be fetched leave a token undecided: 503, and not asked for again at once', async () => {
    for (const script of [reset, json(500, {}), json(200, { keys: 'none' })]) {
      const tokens = tokensOf();
      issuer.script(script);
      issuer.received.length = 0;
      for (let count = 0; count < 3; count++) {
        const refusal = await refusalOf(async () => verify(tokens, await sentBy(rsa, count)));
        expect(refusal).toMatchObject({ status: 503, retryAfterMs: 5_000 });
        expect(refusal?.message).toBe('Tokens cannot be checked at the moment. Try again.');
      }
      const asked = issuer.received.length;
      publish(rsa);
      clock.advance(5_000);
      expect(await verify(tokens, await sentBy(rsa))).toMatchObject({ account: APP });
      expect(issuer.received.length).toBe(asked + 1);
      expect(asked).toBe(1);
      clock.advance(30_000);
      expect(await refusalOf(async () => verify(tokens, await sentBy(next)))).toMatchObject({ status: 401 });
    }
  });

  test('serve on for a day while the issuer is away; of a key not among them nobody can tell', async () => {
    const tokens = tokensOf();
    await verify(tokens, await sentBy(rsa));
    issuer.script(json(503, {}));
    clock.advance(2 * 60 * 60_000);
    expect(await verify(tokens, await sentBy(rsa, 1))).toMatchObject({ account: APP });
    expect(await refusalOf(async () => verify(tokens, await sentBy(next)))).toMatchObject({ status: 503 });
    expect(await verify(tokens, await sentBy(rsa, 2))).toMatchObject({ account: APP });
    clock.advance(22 * 60 * 60_000);
    expect(await refusalOf(async () => verify(tokens, await sentBy(rsa, 3)))).toMatchObject({ status: 503 });
  });
});

function withKid(kid: string): Signer['sign'] {
  return async (payload) => {
    const { privateKey } = await generateKeyPair('ES256');
    return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
  };
}
