import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyList, makeKey, readKeyRequest, revokeKey } from '../../src/http/keys.ts';
import { CONFIG, instanceOn, refusalOf } from './instances.ts';

const NOW = Date.UTC(2026, 10, 21);
const LABEL = 'must be text of 1 to 128 characters';

function read(json: unknown): ReturnType<typeof readKeyRequest> {
  return readKeyRequest(CONFIG, Buffer.from(JSON.stringify(json)), NOW);
}

describe('a request for a key', () => {
  test('needs an account, and may fix whatever else a request could say', () => {
    const nothing = { plan: null, agent: null, creator: null, operation: null, pools: null, expiresAt: null };
    expect(read({ account: 'clinic-7' })).toEqual({ account: 'clinic-7', ...nothing });
    expect(read({ account: 'a', ...nothing })).toEqual({ account: 'a', ...nothing });
    const full = { account: 'a', plan: 'pro', agent: 'cpt_agent', creator: 'é', operation: 'x y', pools: ['gpt-4.1'] };
    expect(read({ ...full, expiresAt: '2027-01-31T00:00:00+01:00' })).toEqual({
      ...full,
      expiresAt: Date.UTC(2027, 0, 30, 23),
    });
    expect(read({ account: 'x'.repeat(128), pools: ['gpt-4.1', 'gpt-4.1'] })).toMatchObject({ pools: ['gpt-4.1'] });
  });

  test.each<{ what: string; json: unknown; param: string; message: string }>([
    { what: 'no account', json: {}, param: 'account', message: 'account is missing' },
    { what: 'an account of null', json: { account: null }, param: 'account', message: 'account is missing' },
    { what: 'an empty account', json: { account: '' }, param: 'account', message: LABEL },
    { what: 'an account that is a figure', json: { account: 7 }, param: 'account', message: LABEL },
    { what: 'a long account', json: { account: 'x'.repeat(129) }, param: 'account', message: LABEL },
    { what: 'a space before it', json: { account: ' a' }, param: 'account', message: LABEL },
    { what: 'a control character', json: { account: 'a', agent: 'a\nb' }, param: 'agent', message: LABEL },
    {
      what: 'another control character',
      json: { account: 'a', creator: 'a\u0085b' },
      param: 'creator',
      message: LABEL,
    },
    { what: 'half a character', json: { account: 'a', operation: '\ud83d' }, param: 'operation', message: LABEL },
    {
      what: 'an unknown plan',
      json: { account: 'a', plan: 'por' },
      param: 'plan',
      message: 'There is no plan named "por". These exist: pro, free.',
    },
    { what: 'a plan that is none', json: { account: 'a', plan: 1 }, param: 'plan', message: 'These exist: ' },
    {
      what: 'an unknown pool',
      json: { account: 'a', pools: ['gpt-4.1', 'gpt-4'] },
      param: 'pools',
      message: 'There is no pool named "gpt-4". These exist: gpt-4.1.',
    },
    { what: 'no pools at all', json: { account: 'a', pools: [] }, param: 'pools', message: 'must be a list of pools' },
    { what: 'pools that are no list', json: { account: 'a', pools: 'x' }, param: 'pools', message: 'must be a list' },
    { what: 'pools that are figures', json: { account: 'a', pools: [1] }, param: 'pools', message: 'must be a list' },
    ...[1, 'soon', '2027', '2027-01-31', '2027-02-30T00:00:00Z', '2027-01-31T00:00:00', '2027-13-01T00:00:00Z'].map(
      (expiresAt) => ({
        what: `an expiry of ${expiresAt}`,
        json: { account: 'a', expiresAt },
        param: 'expiresAt',
        message: 'must be an instant such as',
      }),
    ),
    {
      what: 'an expiry that is now',
      json: { account: 'a', expiresAt: '2026-11-21T00:00:00Z' },
      param: 'expiresAt',
      message: 'must be in the future',
    },
    {
      what: 'a misspelt field',
      json: { account: 'a', expires_at: '2027-01-01T00:00:00Z' },
      param: 'expires_at',
      message: '"expires_at" is not a field of a key. Did you mean expiresAt?',
    },
    {
      what: 'a field of another world',
      json: { account: 'a', colour: 1 },
      param: 'colour',
      message: 'Known are account, plan,',
    },
    { what: 'a list', json: [], param: 'body', message: 'must be an object' },
    { what: 'nothing', json: null, param: 'body', message: 'must be an object' },
  ])('is refused with $what', async ({ json, param, message }) => {
    const refusal = await refusalOf(() => read(json));
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_request', param });
    expect(refusal?.message).toContain(message);
  });

  test('is told everything that is wrong with it at once', async () => {
    const json = { acount: 'a', plan: 'x', pools: ['y'], agent: '', expiresAt: '2020-01-01T00:00:00Z' };
    const refusal = await refusalOf(() => read(json));
    for (const part of [
      'Did you mean account?',
      'account is missing',
      'plan named "x"',
      '"y"',
      'agent',
      'the future',
    ]) {
      expect(refusal?.message).toContain(part);
    }
    expect(refusal?.param).toBe('acount');
  });

  test('that is no JSON is told so', async () => {
    const refusal = await refusalOf(() => readKeyRequest(CONFIG, Buffer.from('{'), NOW));
    expect(refusal).toMatchObject({ status: 400, message: 'The body is not valid JSON.' });
  });

  test('is read or refused, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (json) => {
        const refusal = await refusalOf(() => read(json));
        expect([undefined, 'invalid_request']).toContain(refusal?.code);
      }),
    );
  });
});

describe('/router/keys', () => {
  test('shows a new key once, lists what it stands for, and revokes it', async () => {
    const { desk, clock } = instanceOn();
    const facts = { config: CONFIG, desk, now: () => clock.now() };
    const body = { account: 'clinic-7', agent: 'cpt_agent', expiresAt: '2026-11-21T00:00:05Z' };
    const { key, ...made } = await makeKey(facts, Buffer.from(JSON.stringify(body)));
    expect(key).toMatch(/^aor_/);
    expect(made).toEqual({
      id: key.slice(4, 14),
      account: 'clinic-7',
      plan: null,
      agent: 'cpt_agent',
      creator: null,
      operation: null,
      pools: null,
      createdAt: '2026-11-21T00:00:00.000Z',
      expiresAt: '2026-11-21T00:00:05.000Z',
      expired: false,
    });
    expect(await keyList(facts)).toEqual({ items: [made] });
    clock.advance(5_000);
    expect(await keyList(facts)).toEqual({ items: [{ ...made, expired: true }] });
    expect(await revokeKey(facts, made.id)).toEqual({ ...made, expired: true, revoked: true });
    expect(await keyList(facts)).toEqual({ items: [] });
    expect(await refusalOf(() => revokeKey(facts, made.id))).toMatchObject({ status: 404, param: 'id' });
  });
});
