import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/accounts/credential.ts';
import { type EntraTokens, NO_TOKENS, type TokenHolder } from '../../src/accounts/entra.ts';
import { createGate, type GateSettings, type KnownKeys } from '../../src/accounts/gate.ts';
import { ofAccount, principalFor } from '../../src/accounts/principal.ts';
import { Refusals } from '../../src/accounts/refusals.ts';
import { Throttle } from '../../src/accounts/throttle.ts';
import { UNLIMITED } from '../../src/domain/account.ts';
import { RouterError } from '../../src/domain/errors.ts';
import { ManualClock } from '../harness/manualClock.ts';
import { BrittleStore } from '../state/brittleStore.ts';
import { CLOSED, CONFIG, instanceOn, LOOPBACK, ORDER, refusalOf, showing, verdict } from './instances.ts';

const KEYED: GateSettings = { adminKey: 'admin', callerKeys: ['one', 'two'], loopbackOnly: false };
const [IN, WHO, NO, THROTTLED] = ['in', '401 unauthorized', '403 forbidden', '429 unauthorized'];
const GUESS = `aor_aaaaaaaaaa_${'x'.repeat(43)}`;
const guesses = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `aor_aaaaaaaaaa_${String(at).padStart(43, 'x')}`);

/** Tokens are the texts of three parts that it knows. */
class KnownTokens implements EntraTokens {
  readonly remembered = new Map<string, TokenHolder>();
  verified = 0;

  isToken(text: string): boolean {
    return text.split('.').length === 3;
  }

  recall(digest: string): TokenHolder | null {
    return this.remembered.get(digest) ?? null;
  }

  async verify(token: string, digest: string): Promise<TokenHolder> {
    this.verified++;
    await Promise.resolve();
    const [name = '', account = '', role] = token.split('.');
    if (name === 'bad') throw new RouterError('unauthorized', 'The token was refused: it has expired.');
    const holder = { application: name, account, isAdmin: role === 'admin' };
    this.remembered.set(digest, holder);
    return holder;
  }
}

describe('the gate', () => {
  test.each<{ what: string; headers: readonly string[]; caller: string; admin: string }>([
    { what: 'nothing', headers: [], caller: WHO, admin: WHO },
    { what: "a caller's key", headers: ['api-key', 'one'], caller: IN, admin: NO },
    { what: "another caller's key", headers: ['Api-Key', 'two'], caller: IN, admin: NO },
    { what: 'a bearer', headers: ['Authorization', 'Bearer one'], caller: IN, admin: NO },
    { what: 'a bearer in other case', headers: ['authorization', 'bearer   one '], caller: IN, admin: NO },
    { what: 'the admin key', headers: ['api-key', 'admin'], caller: IN, admin: IN },
    { what: 'the admin key as a bearer', headers: ['authorization', 'Bearer admin'], caller: IN, admin: IN },
    { what: 'a wrong key', headers: ['api-key', 'three'], caller: WHO, admin: WHO },
    { what: 'an empty key', headers: ['api-key', ''], caller: WHO, admin: WHO },
    { what: 'a key in other case', headers: ['api-key', 'ONE'], caller: WHO, admin: WHO },
    { what: 'a key with more behind', headers: ['api-key', 'onee'], caller: WHO, admin: WHO },
    { what: 'another scheme', headers: ['authorization', 'Basic one'], caller: WHO, admin: WHO },
    { what: 'a key without a scheme', headers: ['authorization', 'one'], caller: WHO, admin: WHO },
    { what: 'a key in a header of the host', headers: ['x-functions-key', 'one'], caller: WHO, admin: WHO },
    {
      what: 'an empty api-key beside a good bearer',
      headers: ['api-key', '', 'authorization', 'Bearer one'],
      caller: IN,
      admin: NO,
    },
    { what: 'a made key that nobody made', headers: ['api-key', GUESS], caller: WHO, admin: WHO },
    { what: 'a good token', headers: showing('app.clinic-7.x'), caller: IN, admin: NO },
    { what: "an admin's token", headers: showing('app.clinic-7.admin'), caller: IN, admin: IN },
    { what: 'a bad token', headers: showing('bad.clinic-7.admin'), caller: WHO, admin: WHO },
  ])('with keys, for $what: caller $caller, admin $admin', async ({ headers, caller, admin }) => {
    const { gate } = instanceOn({ settings: KEYED, tokens: new KnownTokens() });
    for (let again = 0; again < 2; again++) {
      expect(await verdict(() => gate.admitCaller(headers, 'a'))).toBe(caller);
      expect(await verdict(() => gate.admitAdmin(headers, 'a'))).toBe(admin);
      expect(await gate.isAdmin(headers, 'a')).toBe(admin === IN);
    }
  });

  test.each<{ what: string; settings: GateSettings; caller: string; admin: string; withMade: string }>([
    { what: 'on loopback without any key', settings: LOOPBACK, caller: IN, admin: IN, withMade: WHO },
    {
      what: 'on loopback with an admin key',
      settings: { ...LOOPBACK, adminKey: 'admin' },
      caller: IN,
      admin: WHO,
      withMade: WHO,
    },
    {
      what: 'on loopback with callers’ keys',
      settings: { ...LOOPBACK, callerKeys: ['one'] },
      caller: WHO,
      admin: WHO,
      withMade: WHO,
    },
    {
      what: 'anywhere else without any key',
      settings: { ...LOOPBACK, loopbackOnly: false },
      caller: WHO,
      admin: WHO,
      withMade: WHO,
    },
    { what: 'anywhere else with an admin key alone', settings: CLOSED, caller: WHO, admin: WHO, withMade: WHO },
  ])('$what, a stranger is: caller $caller, admin $admin, caller once a key is made $withMade', async (row) => {
    const { gate, desk, ring } = instanceOn({ settings: row.settings });
    await ring.refresh();
    for (const headers of [[], ['api-key', 'anything']]) {
      expect(await verdict(() => gate.admitCaller(headers, 'a'))).toBe(row.caller);
      expect(await verdict(() => gate.admitAdmin(headers, 'a'))).toBe(row.admin);
      expect(await gate.isAdmin(headers, 'a')).toBe(row.admin === IN);
    }
    const { key } = await desk.make(ORDER);
    expect(await verdict(() => gate.admitCaller([], 'a'))).toBe(row.withMade);
    expect(await verdict(() => gate.admitAdmin([], 'a'))).toBe(row.admin);
    await desk.revoke(key.id);
    expect(await verdict(() => gate.admitCaller([], 'a'))).toBe(row.caller);
  });

  test('answers at once, without a promise, whatever memory knows', async () => {
    const tokens = new KnownTokens();
    const { gate, desk, ring } = instanceOn({ settings: KEYED, tokens });
    await ring.refresh();
    const { text } = await desk.make(ORDER);
    await gate.admitCaller(showing('app.clinic-7.x'), 'a');
    for (const shown of ['one', 'admin', text, 'app.clinic-7.x']) {
      const admitted = gate.admitCaller(showing(shown), 'a');
      expect(admitted).not.toBeInstanceOf(Promise);
      expect(gate.admitCaller(showing(shown), 'a')).toBe(admitted);
    }
    expect(tokens.verified).toBe(1);
  });

  test('honours a made key on a loopback that is open to all others', async () => {
    const store = new BrittleStore();
    const [here, there] = [instanceOn({ store, settings: LOOPBACK }), instanceOn({ store })];
    await here.ring.refresh();
    const { text } = await there.desk.make(ORDER);
    expect(await here.gate.admitCaller([], 'a')).toMatchObject({ account: 'default', keyId: null });
    expect(await here.gate.admitCaller(showing(GUESS), 'a')).toMatchObject({ account: 'default', keyId: null });
    expect(await here.gate.admitCaller(showing(text), 'a')).toMatchObject({ account: 'clinic-7' });
    expect(await verdict(() => here.gate.admitCaller([], 'a'))).toBe(WHO);
  });

  test('honours a token on an open loopback, and lets pass whoever has a bad one', async () => {
    const { gate, ring } = instanceOn({ settings: LOOPBACK, tokens: new KnownTokens() });
    await ring.refresh();
    for (let again = 0; again < 2; again++) {
      expect(await gate.admitCaller(showing('app.clinic-7.x'), 'a')).toMatchObject({
        account: 'clinic-7',
        keyId: 'app',
      });
      expect(await gate.admitCaller(showing('bad.clinic-7.x'), 'a')).toMatchObject({ account: 'default' });
    }
  });

  test('does not let an expired key or one of a lost plan pass as a stranger on an open loopback', async () => {
    const store = new BrittleStore();
    const [here, there] = [instanceOn({ store, settings: LOOPBACK }), instanceOn({ store })];
    await here.ring.refresh();
    const { text } = await there.desk.make({ ...ORDER, plan: 'gone' });
    expect(await verdict(() => here.gate.admitCaller(showing(text), 'a'))).toBe(NO);
  });

  test('says what is missing, what is unknown, and nothing of what was sent', async () => {
    const { gate } = instanceOn({ settings: KEYED });
    const refusals = await Promise.all(
      [[], ['api-key', 'my-secret'], ['api-key', GUESS], ['api-key', 'one']].map((headers) =>
        refusalOf(() => gate.admitAdmin(headers, 'a')),
      ),
    );
    expect(refusals.map((refusal) => refusal?.message)).toEqual([
      'A key is needed: send it as "api-key: …" or "Authorization: Bearer …".',
      'The key is not known here.',
      'The key is not known here.',
      'This needs the admin key.',
    ]);
    expect(refusals[1]?.headers).toEqual(['www-authenticate', 'Bearer']);
  });

  test('tells a made key that it is no admin’s, and a token what it lacks', async () => {
    const { gate, desk } = instanceOn({ settings: KEYED, tokens: new KnownTokens() });
    const { text } = await desk.make(ORDER);
    expect(await refusalOf(() => gate.admitAdmin(showing(text), 'a'))).toMatchObject({ status: 403 });
    expect(await refusalOf(() => gate.admitAdmin(showing('app.b.c'), 'a'))).toMatchObject({
      status: 403,
      message: 'This needs the admin role.',
    });
  });
});

describe('those who guess', () => {
  test.each(['wrong key', GUESS, 'bad.token.x'])(
    '%s: are told to wait after so many, and others are not',
    async (shown) => {
      const { gate, ring } = instanceOn({ perMinute: 5, tokens: new KnownTokens() });
      await ring.refresh();
      const headers = ['api-key', shown];
      for (let count = 0; count < 5; count++) expect(await verdict(() => gate.admitCaller(headers, 'a'))).toBe(WHO);
      expect(await verdict(() => gate.admitCaller(headers, 'a'))).toBe(THROTTLED);
      expect(await verdict(() => gate.admitAdmin(headers, 'a'))).toBe(THROTTLED);
      expect(await gate.isAdmin(headers, 'a')).toBe(false);
      expect(await verdict(() => gate.admitCaller(headers, 'b'))).toBe(WHO);
    },
  );

  test('cost neither a read nor a verification once they have to wait, also all at once; good credentials pass', async () => {
    const store = new BrittleStore();
    const tokens = new KnownTokens();
    const { gate, desk, ring } = instanceOn({ store, perMinute: 5, tokens, settings: KEYED });
    const { text } = await desk.make(ORDER);
    await gate.admitCaller(showing('app.clinic-7.x'), 'a');
    await ring.refresh();
    store.calls = 0;
    tokens.verified = 0;
    const verdicts = await Promise.all(
      guesses(50).map((guess) => verdict(() => gate.admitCaller(showing(guess), 'a'))),
    );
    expect(verdicts.filter((one) => one === WHO)).toHaveLength(5);
    expect(verdicts.filter((one) => one === THROTTLED)).toHaveLength(45);
    expect(await verdict(() => gate.admitCaller(showing('bad.token.x'), 'a'))).toBe(THROTTLED);
    expect({ calls: store.calls, verified: tokens.verified }).toEqual({ calls: 5, verified: 0 });
    for (const good of [text, 'one', 'admin', 'app.clinic-7.x']) {
      expect(await verdict(() => gate.admitCaller(showing(good), 'a'))).toBe(IN);
    }
  });

  test('are not those who show many new credentials that are good', async () => {
    const store = new BrittleStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store, perMinute: 2 })];
    await there.ring.refresh();
    const texts: string[] = [];
    for (let count = 0; count < 20; count++) texts.push((await here.desk.make(ORDER)).text);
    const verdicts = texts.map((text) => verdict(() => there.gate.admitCaller(showing(text), 'a')));
    expect(new Set(await Promise.all(verdicts))).toEqual(new Set([IN]));
    expect(await verdict(() => there.gate.admitCaller(showing(GUESS), 'a'))).toBe(WHO);
  });

  test('do not have others refused who show the same from elsewhere', async () => {
    const store = new BrittleStore();
    const [here, there] = [instanceOn({ store }), instanceOn({ store, perMinute: 1 })];
    await there.ring.refresh();
    const { text } = await here.desk.make(ORDER);
    expect(await verdict(() => there.gate.admitCaller(showing('wrong'), 'a'))).toBe(WHO);
    const both = ['a', 'b'].map((source) => verdict(() => there.gate.admitCaller(showing(text), source)));
    expect(await Promise.all(both)).toEqual([THROTTLED, IN]);
  });

  test('are counted, each request once; without a credential nobody is', async () => {
    const { gate, told, clock, refusals, desk } = instanceOn({ perMinute: 3 });
    const { text } = await desk.make({ ...ORDER, expiresAt: clock.now() + 1 });
    clock.advance(1);
    await verdict(() => gate.admitCaller([], 'a'));
    expect(await gate.isAdmin([], 'a')).toBe(false);
    for (const shown of ['wrong', text, 'wrong', 'wrong', 'wrong']) {
      await verdict(() => gate.admitCaller(showing(shown), 'a'));
    }
    await Promise.all([1, 2].map(() => verdict(() => gate.admitCaller(showing(GUESS), 'a'))));
    refusals.close();
    expect(told).toEqual([{ count: 7, throttled: 3 }]);
  });
});

describe('who a credential stands for', () => {
  const { plans } = CONFIG;

  test('whoever has a key of the environment, or needs none, has the default account with its plan', async () => {
    const { gate, ring } = instanceOn({ settings: KEYED });
    const open = instanceOn({ settings: LOOPBACK });
    await Promise.all([ring.refresh(), open.ring.refresh()]);
    const expected = { account: 'default', plan: plans.get('free'), quota: { ...UNLIMITED, requestsPerMinute: 60 } };
    const principals = [
      await gate.admitCaller(showing('one'), 'a'),
      await gate.admitCaller(showing('admin'), 'a'),
      await open.gate.admitCaller([], 'a'),
    ];
    for (const principal of principals) {
      expect(principal).toMatchObject({ ...expected, quota: { requestsPerMinute: 60, tokensPerDay: 1_000 } });
    }
    expect(principals.map(({ keyId }) => keyId)).toEqual(['ROUTER_API_KEY', 'ROUTER_ADMIN_KEY', null]);
  });

  test.each<{ what: string; account: string; plan: string | null; is: string | null; quota: object }>([
    {
      what: 'the plan of the account, and its own limits above it',
      account: 'clinic-7',
      plan: null,
      is: 'pro',
      quota: { ...UNLIMITED, requestsPerMinute: 600, usdPerMonth: 500 },
    },
    {
      what: 'the plan of the key, and the limits of the account above it',
      account: 'clinic-7',
      plan: 'free',
      is: 'free',
      quota: { ...UNLIMITED, requestsPerMinute: 60, tokensPerDay: 1_000, usdPerMonth: 500 },
    },
    {
      what: 'the plan of the key where the account is not configured',
      account: 'stranger',
      plan: 'pro',
      is: 'pro',
      quota: { ...UNLIMITED, requestsPerMinute: 600, usdPerMonth: 50 },
    },
    { what: 'no plan and no limits', account: 'stranger', plan: null, is: null, quota: UNLIMITED },
  ])('$what', ({ account, plan, is, quota }) => {
    const principal = principalFor(CONFIG, { ...ofAccount(account, 'k'), plan });
    expect({ plan: principal.plan?.name ?? null, quota: principal.quota }).toEqual({ plan: is, quota });
  });

  test('a limit of nothing is a limit', () => {
    const own = { name: 'z', plan: 'pro', quota: { ...UNLIMITED, requestsPerMinute: 0 } };
    const config = { plans, accounts: new Map([['z', own]]) };
    expect(principalFor(config, ofAccount('z', null)).quota.requestsPerMinute).toBe(0);
  });

  test('a key whose plan is gone is refused, as what it may do is not known', async () => {
    const config = { plans: new Map(plans), accounts: CONFIG.accounts };
    const { gate, desk } = instanceOn({ config });
    const { text } = await desk.make({ ...ORDER, plan: 'enterprise' });
    expect(await refusalOf(() => gate.admitCaller(showing(text), 'a'))).toMatchObject({
      status: 403,
      code: 'forbidden',
      message: 'The plan "enterprise" of account "clinic-7" is not in the router\'s configuration any more.',
    });
  });

  test('a token that many requests show at once is verified once', async () => {
    const tokens = new KnownTokens();
    const { gate } = instanceOn({ tokens });
    const burst = Array.from({ length: 20 }, () => verdict(() => gate.admitCaller(showing('app.clinic-7.x'), 'a')));
    expect(new Set(await Promise.all(burst))).toEqual(new Set([IN]));
    expect(tokens.verified).toBe(1);
  });

  test('a token stands for its account, and says which application it was', async () => {
    const { gate } = instanceOn({ tokens: new KnownTokens() });
    const principal = await gate.admitCaller(showing('app.clinic-7.x'), 'a');
    expect(principal).toMatchObject({ account: 'clinic-7', plan: plans.get('pro'), keyId: 'app', pools: null });
  });

  test('the digest of a credential is its SHA-256', () => {
    expect(digestOf('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('on this machine, a store that does not answer soon holds nobody up', async () => {
    const clock = new ManualClock();
    const keys: KnownKeys = {
      hasKeys: null,
      ready: () => new Promise(() => undefined),
      recall: () => null,
      find: () => Promise.resolve(null),
    };
    const settings = { adminKey: null, callerKeys: [], loopbackOnly: true };
    const gate = createGate({
      settings,
      keys,
      clock,
      config: { plans: new Map(), accounts: new Map() },
      tokens: NO_TOKENS,
      throttle: new Throttle(clock, 30),
      refusals: new Refusals(clock, { credentialsRefused: () => undefined }),
    });
    const admitted = Promise.resolve(gate.admitCaller([], 'a'));
    await clock.pass(250);
    expect(await admitted).toMatchObject({ account: 'default' });
    expect(gate.admitCaller([], 'a')).toMatchObject({ account: 'default' });
  });
});
