import OpenAI, { AuthenticationError, AzureOpenAI, PermissionDeniedError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, type MeteredRouter, startMetered } from '../harness/metered.ts';
import { byLabel, errorIn, type KeyOrder, type OpenAIError } from '../harness/operator.ts';
import { QUESTION, type RawAnswer } from '../harness/raw.ts';

const CONFIG = {
  pools: {
    'gpt-4.1': { members: ['A/gpt-4.1', 'B/gpt-4.1'] },
    cheap: { members: ['A/gpt-4.1-mini'] },
    wide: { members: ['A/gpt-4o', 'A/gpt-4.1'] },
  },
  defaultPool: 'gpt-4.1',
  tiers: { premium: { chain: ['gpt-4.1'] }, economy: { chain: ['cheap'] } },
  plans: {
    free: { tiers: ['economy'] },
    strict: { tiers: ['economy'], onHigherTier: 'refuse' },
    pro: {},
  },
  accounts: { 'clinic-7': { plan: 'pro' } },
};

const OPTIONS = { maxRetries: 0 };

/** The stock clients with a key of ours: `AzureOpenAI` sends it as `api-key`, `OpenAI` as a bearer. */
const CLIENTS = [
  {
    client: 'AzureOpenAI',
    connect: (endpoint: string, apiKey: string) =>
      new AzureOpenAI({ ...OPTIONS, endpoint, apiKey, apiVersion: '2024-10-21' }),
  },
  {
    client: 'OpenAI under /openai/v1',
    connect: (url: string, apiKey: string) => new OpenAI({ ...OPTIONS, apiKey, baseURL: `${url}/openai/v1` }),
  },
] as const;

const question = { model: 'gpt-4.1', messages: [{ role: 'user' as const, content: 'How tall is the house?' }] };

let fleet: MeteredRouter;

beforeAll(async () => {
  fleet = await startMetered({ config: CONFIG });
});
afterAll(() => fleet[Symbol.asyncDispose]());

async function keyFor(order: Partial<KeyOrder> = {}): Promise<string> {
  return (await fleet.operator.makeKey({ account: 'clinic-7', ...order })).key;
}

describe.each(CLIENTS)('the stock client $client', ({ connect }) => {
  it('works with a made key, streamed and not', async () => {
    const client = connect(fleet.url, await keyFor());
    expect((await client.chat.completions.create(question)).choices).toHaveLength(1);
    const stream = client.chat.completions.stream(question);
    expect((await stream.finalChatCompletion()).choices[0]?.message.content).not.toBe('');
  });

  it('gets AuthenticationError without a key that is good', async () => {
    const client = connect(fleet.url, 'no-such-key');
    const failure = await client.chat.completions.create(question).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AuthenticationError);
    expect(failure).toMatchObject({ status: 401, code: 'unauthorized', type: 'authentication_error' });
  });

  it('gets PermissionDeniedError for a pool that its key does not permit, and is told those that it does', async () => {
    const client = connect(fleet.url, await keyFor({ pools: ['cheap'] }));
    const failure = await client.chat.completions
      .create({ ...question, model: 'wide' })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PermissionDeniedError);
    expect(failure).toMatchObject({ status: 403, code: 'forbidden' });
    expect((failure as Error).message).toMatch(/"wide".*these pools: cheap\./);
  });

  it('lists the models that its key permits, and no others', async () => {
    const client = connect(fleet.url, await keyFor({ pools: ['cheap'] }));
    const names = (await client.models.list()).data.map(({ id }) => id);
    expect(names).toEqual(['cheap', 'economy', 'A/gpt-4.1-mini', 'auto']);
  });
});

describe('a key', () => {
  it('is shown once, when it is made, and never again', async () => {
    const made = await fleet.operator.makeKey({ account: 'clinic-7', creator: 'maria', pools: ['cheap'] });
    expect(made).toMatchObject({ account: 'clinic-7', creator: 'maria', pools: ['cheap'], expired: false });
    const secret = made.key.slice(made.key.lastIndexOf('_') + 1);
    await chat(fleet.url, { key: made.key, body: { ...QUESTION, model: 'cheap' } });
    const pages = ['/router/keys', '/router/status', '/router/agents', '/router/failovers', '/router/quotas', '/'];
    for (const path of [...pages, '/router/usage?by=creator,model,operation,account,agent,day']) {
      const { status, text, rawHeaders } = await fleet.operator.ask({ path });
      expect([path, status]).toEqual([path, 200]);
      expect(`${text}${rawHeaders.join()}`).not.toContain(made.key);
      expect(text).not.toContain(secret);
    }
    const { items } = await fleet.operator.control<{ items: { id: string }[] }>({ path: '/router/keys' });
    const { key: _, ...listed } = made;
    expect(items.find(({ id }) => id === made.id)).toEqual(listed);
    expect(fleet.router.log.join('\n')).not.toContain(secret);
  });

  it('says whose its requests are; the agent and what it leaves open are the request’s to say', async () => {
    const key = await keyFor({ account: 'lab', agent: 'fixed_agent', creator: 'fixed', operation: 'coding' });
    const open = await keyFor({ account: 'open' });
    const headers = [
      ['x-creator', 'asked'],
      ['x-operation', 'asked too'],
    ] as const;
    await chat(fleet.url, { key, headers });
    await chat(fleet.url, { key: open, headers: [...headers, ['x-agent-name', 'own_agent']] });
    const { rows } = await fleet.operator.usage('by=account,agent,creator,operation');
    const accounts = byLabel(rows, 'account');
    expect(accounts.get('lab')).toMatchObject({ agent: 'fixed_agent', creator: 'fixed', operation: 'coding' });
    expect(accounts.get('open')).toMatchObject({ agent: 'own_agent', creator: 'asked', operation: 'asked too' });
    expect([accounts.get('lab')?.requests, accounts.get('open')?.requests]).toEqual([1, 1]);
  });

  it.each([
    { what: 'a pool', model: 'wide', status: 403 },
    { what: 'a deployment', model: 'A/gpt-4o', status: 403 },
    { what: 'a tier without a pool of it', model: 'premium', status: 403 },
    { what: 'its own pool', model: 'cheap', status: 200 },
    { what: 'a deployment of its own pool', model: 'A/gpt-4.1-mini', status: 200 },
    { what: 'auto', model: 'auto', status: 200 },
    { what: 'what does not exist', model: 'gpt-9', status: 404 },
  ])('that permits one pool gets $status for $what', async ({ model, status }) => {
    const key = await keyFor({ pools: ['cheap'] });
    const answer = await chat(fleet.url, { key, body: { ...QUESTION, model } });
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.headers['x-router-deployment']).toBe('A/gpt-4.1-mini');
    else expect(errorIn(answer).message).not.toMatch(/A\/gpt-4o[^"]*,|gpt-4\.1,/);
  });

  it('that permits one pool does not fail over out of it', async () => {
    await using own = await startMetered({ config: { ...CONFIG, retries: { sameDeployment: 0 } } });
    own.simulator.faults.add({ fault: '503', deployment: 'gpt-4.1-mini' });
    const { key } = await own.operator.makeKey({ account: 'clinic-7', pools: ['cheap'] });
    const answer = await chat(own.url, { key, body: { ...QUESTION, model: 'cheap' } });
    expect(answer.status).toBe(503);
    expect(own.simulator.books().rows.map(({ deployment }) => deployment)).toEqual(['gpt-4.1-mini']);
  });

  it.each([
    { what: 'the tier in the header', wish: { 'x-router-tier': 'premium' }, model: 'cheap' },
    { what: 'the tier by name', wish: {}, model: 'premium' },
    { what: 'a pool of the tier', wish: {}, model: 'gpt-4.1' },
  ])('with a plan without $what is served by a lower one, and told so', async ({ wish, model }) => {
    const key = await keyFor({ account: 'frugal', plan: 'free' });
    const answer = await chat(fleet.url, { key, headers: Object.entries(wish), body: { ...QUESTION, model } });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-router-tier']).toBe('economy;downgraded-from=premium;reason=plan');
    expect(answer.headers['x-router-deployment']).toBe('A/gpt-4.1-mini');
  });

  it('with a plan that refuses gets 403, and hears which tiers it has', async () => {
    const key = await keyFor({ account: 'frugal', plan: 'strict' });
    const answer = await chat(fleet.url, { key, body: { ...QUESTION, model: 'premium' } });
    expect(answer.status).toBe(403);
    expect(errorIn(answer)).toMatchObject({ code: 'forbidden', type: 'permission_error' });
    expect(errorIn(answer).message).toMatch(/"strict" does not include the tier premium\. It has economy\./);
  });

  it('with a plan of its own has it instead of its account’s', async () => {
    const [pro, free] = [await keyFor(), await keyFor({ plan: 'free' })];
    const headers = [['x-router-tier', 'premium']] as const;
    expect((await chat(fleet.url, { key: pro, headers })).headers['x-router-tier']).toBe('premium');
    expect((await chat(fleet.url, { key: free, headers })).headers['x-router-tier']).toMatch(/^economy;/);
  });

  it('is good until it expires, and is then told when that was', async () => {
    const expiresAt = new Date(Date.now() + 2_000).toISOString();
    const key = await keyFor({ expiresAt });
    expect((await chat(fleet.url, { key })).status).toBe(200);
    const answers: RawAnswer[] = [];
    const statusNow = async (): Promise<number> => {
      answers.push(await chat(fleet.url, { key }));
      return answers.at(-1)?.status ?? 0;
    };
    await expect.poll(statusNow, { timeout: 10_000, interval: 100 }).toBe(401);
    expect(errorIn(answers.at(-1)!).message).toBe(`The key expired on ${expiresAt}.`);
    const { items } = await fleet.operator.control<{ items: { expiresAt: string; expired: boolean }[] }>({
      path: '/router/keys',
    });
    expect(items.find((one) => one.expiresAt === expiresAt)?.expired).toBe(true);
  });

  it('that was revoked is refused from the answer on, and revoking it again is 404', async () => {
    const { id, key } = await fleet.operator.makeKey({ account: 'clinic-7' });
    expect((await chat(fleet.url, { key })).status).toBe(200);
    const path = `/router/keys/${id}`;
    const { status, text } = await fleet.operator.ask({ method: 'DELETE', path });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ id, account: 'clinic-7', revoked: true });
    expect(text).not.toContain(key);
    expect((await chat(fleet.url, { key })).status).toBe(401);
    const again = await fleet.operator.ask({ method: 'DELETE', path });
    expect([again.status, errorIn(again).param]).toEqual([404, 'id']);
  });
});

describe('POST /router/keys', () => {
  const everything = {
    plan: 'gold',
    agent: ' padded',
    creator: 7,
    pools: ['gpt-4.1', 'nowhere'],
    expiresAt: '2020-01-01T00:00:00Z',
    acount: 'typo',
  };
  it.each<{ what: string; body: string | object; says: readonly RegExp[]; param: string | null }>([
    { what: 'no JSON', body: '{"account"', says: [/not valid JSON/], param: null },
    { what: 'a list', body: [], says: [/must be an object/], param: 'body' },
    { what: 'no account', body: {}, says: [/account is missing/], param: 'account' },
    { what: 'an empty account', body: { account: '' }, says: [/account must be text/], param: 'account' },
    { what: 'an account over 128', body: { account: 'x'.repeat(129) }, says: [/1 to 128/], param: 'account' },
    { what: 'no pools', body: { account: 'a', pools: [] }, says: [/pools must be a list/], param: 'pools' },
    {
      what: 'no day',
      body: { account: 'a', expiresAt: '2030-02-30T00:00:00Z' },
      says: [/instant/],
      param: 'expiresAt',
    },
    {
      what: 'everything wrong',
      body: everything,
      says: [
        /"acount" is not a field of a key\. Did you mean account\?/,
        /account is missing/,
        /no plan named "gold"\. These exist: .*pro/,
        /agent must be text/,
        /creator must be text/,
        /no pool named "nowhere"\. These exist: .*wide/,
        /expiresAt must be in the future/,
      ],
      param: 'acount',
    },
  ])('tells of $what, every fault at once, and makes no key', async ({ body, says, param }) => {
    const before = await fleet.operator.control<{ items: unknown[] }>({ path: '/router/keys' });
    const answer = await fleet.operator.ask({ path: '/router/keys', body });
    expect(answer.status).toBe(400);
    const error: OpenAIError = errorIn(answer);
    expect(error).toMatchObject({ code: 'invalid_request', type: 'invalid_request_error', param });
    for (const what of says) expect(error.message).toMatch(what);
    expect(await fleet.operator.control({ path: '/router/keys' })).toEqual(before);
  });
});
