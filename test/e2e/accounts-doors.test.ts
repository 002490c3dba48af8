/** Who is let in where: admins, guessers, and callers of a router that only this machine reaches. */
import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chat, type MeteredRouter, startMetered } from '../harness/metered.ts';
import { errorIn, operatorOf } from '../harness/operator.ts';
import { ask, CHAT, QUESTION, type RawAnswer, type RawCall } from '../harness/raw.ts';

let fleet: MeteredRouter;

beforeAll(async () => {
  fleet = await startMetered();
});
afterAll(() => fleet[Symbol.asyncDispose]());

/** Connections that come from another address of this machine. */
function from(localAddress: string): Agent & Disposable {
  const agent = new Agent({ localAddress });
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() });
}

describe('admin rights', () => {
  const CALLS: readonly RawCall[] = [
    ...['status', 'deployments', 'pools', 'agents', 'failovers', 'keys', 'quotas', 'usage'].map((name) => ({
      path: `/router/${name}`,
    })),
    { path: '/router/keys', body: { account: 'mine' } },
    { method: 'DELETE', path: '/router/keys/any' },
    { path: '/router/explain', body: { path: CHAT, headers: {}, body: QUESTION } },
    { method: 'PUT', path: '/router/agents/x', body: { deployment: 'A/gpt-4.1' } },
    { method: 'POST', path: '/router/deployments/A%2Fgpt-4.1/drain' },
  ];

  it('are not a caller’s, on no page of the control plane', async () => {
    const { key } = await fleet.operator.makeKey({ account: 'clinic-7' });
    for (const call of CALLS) {
      const [mine, nobodys] = [await operatorOf(fleet.url, key).ask(call), await ask(fleet.url, call)];
      expect([call.path, mine.status, nobodys.status]).toEqual([call.path, 403, 401]);
      expect(errorIn(mine).message).toBe('This needs the admin key.');
    }
  });

  it('do not show the dashboard’s figures to whoever has none; health is open to all', async () => {
    const page = await ask(fleet.url, { path: '/' });
    expect(page.status).toBe(200);
    expect(page.text).not.toContain('A/gpt-4.1');
    for (const path of ['/healthz', '/readyz']) expect((await ask(fleet.url, { path })).status).toBe(200);
  });
});

describe('whoever guesses keys', () => {
  it('is told to wait, and a good key from the same place passes all the while', async () => {
    await using own = await startMetered({ config: { auth: { failuresPerMinute: 4 } } });
    const { key } = await own.operator.makeKey({ account: 'clinic-7' });
    const statuses: number[] = [];
    let last: RawAnswer | null = null;
    for (let guess = 0; guess < 7; guess++) {
      last = await chat(own.url, { key: `guess-${guess}` });
      statuses.push(last.status);
      expect((await chat(own.url, { key })).status).toBe(200);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429, 429]);
    expect(errorIn(last!)).toMatchObject({ code: 'unauthorized' });
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await own.operator.ask({ path: '/router/keys' })).status).toBe(200);
    // Refused before anything was read or sent.
    expect(own.simulator.books().total.calls).toBe(7);
  });

  it.runIf(process.platform === 'linux')('does not make anybody wait who comes from elsewhere', async () => {
    await using own = await startMetered({ config: { auth: { failuresPerMinute: 2 } } });
    using elsewhere = from('127.0.0.2');
    const statusFor = async (agent?: Agent): Promise<number> =>
      (await chat(own.url, { key: 'guess', ...(agent === undefined ? {} : { agent }) })).status;
    for (const expected of [401, 401, 429]) expect(await statusFor()).toBe(expected);
    for (const expected of [401, 401, 429]) expect(await statusFor(elsewhere)).toBe(expected);
  });
});

describe('on a loopback address', () => {
  const OPEN = { parts: { adminKey: null, loopbackOnly: true } };

  it('nobody needs a key until the first is made; from then on everybody does', async () => {
    await using own = await startMetered(OPEN);
    const operator = operatorOf(own.url, null);
    expect((await chat(own.url)).status).toBe(200);
    expect((await chat(own.url, { key: 'anything at all' })).status).toBe(200);
    const { id, key } = await operator.makeKey({ account: 'clinic-7' });
    expect((await chat(own.url)).status).toBe(401);
    expect((await chat(own.url, { key })).status).toBe(200);
    const { rows } = await operator.usage('by=account');
    expect(new Map(rows.map(({ account, requests }) => [account, requests]))).toEqual(
      new Map([
        ['clinic-7', 1],
        ['default', 2],
      ]),
    );
    await operator.revoke(id);
    expect((await chat(own.url)).status).toBe(200);
  });
});
