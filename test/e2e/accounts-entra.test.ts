import OpenAI, { AzureOpenAI } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Issuer, startIssuer } from '../harness/issuer.ts';
import { chat, type MeteredRouter, startMetered } from '../harness/metered.ts';
import { byLabel, errorIn, operatorOf } from '../harness/operator.ts';
import { ask, QUESTION } from '../harness/raw.ts';

const APPLICATION = '11111111-aaaa-4aaa-8aaa-111111111111';
const KNOWN = '22222222-bbbb-4bbb-8bbb-222222222222';

const CONFIG = {
  pools: { 'gpt-4.1': { members: ['A/gpt-4.1'] }, cheap: { members: ['A/gpt-4.1-mini'] } },
  tiers: { premium: { chain: ['gpt-4.1'] }, economy: { chain: ['cheap'] } },
  plans: { free: { tiers: ['economy'] } },
  accounts: { 'clinic-7': { plan: 'free' } },
};

let issuer: Issuer;
let fleet: MeteredRouter;

beforeAll(async () => {
  issuer = await startIssuer({ accounts: { [KNOWN]: 'clinic-7' } });
  fleet = await startMetered({ config: { ...CONFIG, auth: { entra: issuer.entra, failuresPerMinute: 1_000 } } });
});
afterAll(async () => {
  await fleet[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

function bearing(token: string): readonly (readonly [string, string])[] {
  return [['authorization', `Bearer ${token}`]];
}

async function statusWith(token: string): Promise<number> {
  return (await chat(fleet.url, { headers: bearing(token) })).status;
}

const question = { ...QUESTION, messages: [{ role: 'user' as const, content: 'How tall is the house?' }] };

describe('a caller with a token', () => {
  it('is let in, and its account is its application unless the configuration has one for it', async () => {
    const [own, known] = [await issuer.token({ azp: APPLICATION }), await issuer.token({ azp: KNOWN, roles: [] })];
    expect((await chat(fleet.url, { headers: bearing(own) })).headers['x-router-tier']).toBeUndefined();
    const lowered = await chat(fleet.url, { headers: bearing(known) });
    expect(lowered.headers['x-router-tier']).toBe('economy;downgraded-from=premium;reason=plan');
    const accounts = byLabel((await fleet.operator.usage('by=account')).rows, 'account');
    expect(accounts.get(APPLICATION)?.requests).toBe(1);
    expect(accounts.get('clinic-7')?.requests).toBe(1);
  });

  it.each([
    {
      client: 'AzureOpenAI',
      connect: (token: string) =>
        new AzureOpenAI({
          endpoint: fleet.url,
          apiVersion: '2024-10-21',
          azureADTokenProvider: () => Promise.resolve(token),
          maxRetries: 0,
        }),
    },
    {
      client: 'OpenAI',
      connect: (token: string) => new OpenAI({ baseURL: `${fleet.url}/openai/v1`, apiKey: token, maxRetries: 0 }),
    },
  ])('may use the stock client $client', async ({ connect }) => {
    const client = connect(await issuer.token());
    const { data, response } = await client.chat.completions.create(question).withResponse();
    expect(data.choices).toHaveLength(1);
    const sent = fleet.simulator.received(response.headers.get('apim-request-id') ?? '');
    expect(sent?.headers.authorization).toBeUndefined();
  });

  it.each([
    { what: 'was signed by somebody else', make: () => issuer.forged(), status: 401, says: /its signature is wrong/ },
    { what: 'has expired', make: () => issuer.token({ exp: 1_000 }), status: 401, says: /it has expired/ },
    { what: 'is for another audience', make: () => issuer.token({ aud: 'api://x' }), status: 401, says: /audience/ },
    { what: 'is of another issuer', make: () => issuer.token({ iss: 'https://x.test' }), status: 401, says: /issuer/ },
    {
      what: 'has no role and no account',
      make: () => issuer.token({ roles: [] }),
      status: 403,
      says: /"Router.Caller"/,
    },
  ])('is refused with $status where it $what', async ({ make, status, says }) => {
    const token = await make();
    const answer = await chat(fleet.url, { headers: bearing(token) });
    expect(answer.status).toBe(status);
    expect(errorIn(answer).message).toMatch(says);
    expect(`${answer.text}${answer.rawHeaders.join()}`).not.toContain(token.slice(0, 20));
  });

  it('has its issuer asked for keys once, not for each token', async () => {
    for (let index = 0; index < 5; index++)
      expect(await statusWith(await issuer.token({ azp: `app-${index}` }))).toBe(200);
    expect(issuer.asked).toBe(1);
  });
});

describe('the admin role', () => {
  it('opens the control plane and the data plane; the caller’s role opens the data plane alone', async () => {
    const [admin, caller] = [await issuer.token({ roles: ['Router.Admin'] }), await issuer.token()];
    const get = async (token: string): Promise<number> =>
      (await ask(fleet.url, { path: '/router/status', headers: bearing(token) })).status;
    expect([await get(admin), await get(caller)]).toEqual([200, 403]);
    expect([await statusWith(admin), await statusWith(caller)]).toEqual([200, 200]);
    const refused = await ask(fleet.url, { path: '/router/keys', headers: bearing(caller) });
    expect(errorIn(refused).message).toBe('This needs the admin role.');
  });

  it('makes keys that work, and revokes them', async () => {
    const headers = bearing(await issuer.token({ roles: ['Router.Admin'] }));
    const made = await ask(fleet.url, { path: '/router/keys', headers, body: { account: 'lab' } });
    const { id, key } = JSON.parse(made.text) as { id: string; key: string };
    expect((await chat(fleet.url, { key })).status).toBe(200);
    expect((await ask(fleet.url, { method: 'DELETE', path: `/router/keys/${id}`, headers })).status).toBe(200);
    expect((await chat(fleet.url, { key })).status).toBe(401);
  });

  it('is beside the admin key, which works on', async () => {
    expect((await operatorOf(fleet.url).ask({ path: '/router/status' })).status).toBe(200);
  });
});
