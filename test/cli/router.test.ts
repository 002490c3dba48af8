/** Every command against a real router before a simulated fleet: what it asks is what the control plane takes. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatusAnswer } from '../../src/cli/answers.ts';
import { type SimulatedRouter, startSimulated } from '../harness/simulated.ts';
import { play, type Seen, type Stage } from './stage.ts';

const ADMIN = 'the-admin-key';
const ENV = { ROUTER_ADMIN_KEY: ADMIN };

/** The router opens its store a moment after its start, and refuses changes until then. */
async function storeOpened(url: string): Promise<void> {
  for (let isOpen = false; !isOpen; ) {
    const answer = await fetch(`${url}/router/status`);
    const { store } = (await answer.json()) as StatusAnswer;
    isOpen = store.healthy && store.since !== null;
    if (!isOpen) await delay(20);
  }
}

describe('the commands', () => {
  let stage: SimulatedRouter;
  beforeAll(async () => {
    stage = await startSimulated({
      config: {
        agents: { homes: { cpt_agent: 'A/gpt-4.1' } },
        plans: { small: { tiers: ['standard'], quota: { tokensPerDay: 1_000_000 } } },
        tiers: { standard: { chain: ['gpt-4.1'] } },
        accounts: { 'clinic-7': { plan: 'small' } },
      },
    });
    await storeOpened(stage.url);
    await fetch(`${stage.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'x-creator': 'dr-lee' },
      body: JSON.stringify({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }] }),
    }).then((answer) => answer.text());
  });
  afterAll(() => stage[Symbol.asyncDispose]());

  const typed = (line: string, more: Stage = {}): Promise<Seen> => {
    const env = { ROUTER_URL: stage.url, ...more.env };
    return play(line.split(' '), { parts: { now: () => Date.now() }, ...more, env });
  };
  /** What it prints where all goes well. */
  const printed = async (line: string): Promise<string> => {
    const { stdout, stderr, exit } = await typed(line);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    return stdout;
  };
  const json = async (line: string): Promise<unknown> => {
    const { stdout, stderr, exit } = await typed(`${line} --json`);
    expect({ stderr: stderr.replace(/^probing .*\n/, ''), exit }).toEqual({ stderr: '', exit: 0 });
    return JSON.parse(stdout);
  };

  it('status and deployments show every deployment', async () => {
    for (const line of ['status', 'deployments']) {
      const { stdout, exit } = await typed(line);
      expect(exit).toBe(0);
      for (const id of stage.router.config.deployments.keys())
        expect(stdout).toMatch(new RegExp(`^${id.replace('.', '\\.')} .* serves$`, 'm'));
    }
    expect(await json('status')).toMatchObject({ defaultPool: 'gpt-4.1' });
    expect(await json('deployments')).toMatchObject({ items: expect.any(Array) as unknown });
  });

  it('drain takes out of rotation, status says so, restore brings back', async () => {
    expect(await printed('drain B/gpt-4.1')).toMatch(/^B\/gpt-4\.1: drained by an operator since /);
    const troubled = await typed('status --exit-code');
    expect(troubled.exit).toBe(1);
    expect(troubled.stdout).toMatch(/^B\/gpt-4\.1 .* drained by an operator since /m);
    expect(await printed('restore B/gpt-4.1')).toBe('B/gpt-4.1: serves.\n');
    expect((await typed('status --exit-code')).exit).toBe(0);
    expect((await typed('failovers --since 1h')).stdout).toContain('B/gpt-4.1 was restored');
  });

  it('a deployment that is unknown is 1, with those that are known', async () => {
    const { exit, stderr } = await typed('drain Z/z');
    expect(exit).toBe(1);
    expect(stderr).toContain('A/gpt-4.1');
  });

  it('explain says where a request would go, home first', async () => {
    const { stdout } = await typed('explain --model gpt-4.1 --agent cpt_agent');
    expect(stdout).toMatch(/^1\. {2}A\/gpt-4\.1 +is the agent's home +serves$/m);
    expect(stdout).toMatch(/^2\. {2}B\/gpt-4\.1/m);
    expect(await json('explain --model auto --agent cpt_agent')).toMatchObject({ agent: 'cpt_agent' });
    expect((await typed('explain --model nonsense')).exit).toBe(1);
  });

  it('move and home change where an agent is', async () => {
    expect(await printed('move cpt_agent B/gpt-4.1 --pin')).toBe('cpt_agent is on B/gpt-4.1: pinned by an operator.\n');
    expect(await printed('agents')).toMatch(/^cpt_agent +B\/gpt-4\.1 +A\/gpt-4\.1 .* pinned by an operator$/m);
    expect(await printed('move cpt_agent B/gpt-4.1')).toMatch(/moved by an operator, stays until /);
    expect(await printed('home cpt_agent')).toBe('cpt_agent is on A/gpt-4.1: at home.\n');
    expect(await json('agents')).toMatchObject({ items: [{ agent: 'cpt_agent', why: 'home' }] });
  });

  it('keys are made once, listed without the key, and revoked', async () => {
    const made = await typed('keys make --account clinic-7 --agent cpt_agent --expires 30d');
    const [, key = ''] = /^key +(\S+)$/m.exec(made.stdout) ?? [];
    const [, id = ''] = /^id +(\S+)$/m.exec(made.stdout) ?? [];
    expect(made.stdout).toContain('expires  in 30 days');
    const list = await typed('keys list');
    expect(list.stdout).toMatch(new RegExp(`^${id} +clinic-7 .* agent=cpt_agent`, 'm'));
    expect(key.length).toBeGreaterThan(20);
    expect(list.screen).not.toContain(key);
    expect(await printed(`keys revoke ${id}`)).toBe(`The key ${id} of clinic-7 is revoked.\n`);
    expect((await typed(`keys revoke ${id}`)).exit).toBe(1);
  });

  it('usage and quota count what was asked', async () => {
    const { stdout } = await typed('usage --by creator,model');
    expect(stdout).toMatch(/^dr-lee +gpt-4\.1\S* +1 /m);
    expect((await typed('usage --csv --by creator')).stdout).toMatch(/^creator,requests,/);
    expect(await json('usage --by day,agent')).toMatchObject({ by: ['day', 'agent'], total: { requests: 1 } });
    expect((await typed('quota')).stdout).toMatch(/^clinic-7 +tokens a day .* 1,000,000 /m);
    expect(await json('quota')).toMatchObject({ items: [{ account: 'clinic-7' }] });
  });

  it('probe asks each deployment, and leaves with 1 where one is not well', async () => {
    const { stdout, stderr, exit } = await typed('probe A/gpt-4.1 B/gpt-4.1');
    expect({ exit, stderr: stderr.replace(/\d+\.\d/, 'N') }).toEqual({
      exit: 0,
      stderr: 'probing 2 deployments … N s\n',
    });
    expect(stdout).toMatch(/^A\/gpt-4\.1 +yes +yes +yes /m);
    expect(await json('probe A/gpt-4.1 --completion')).toMatchObject({
      results: [{ deployment: 'A/gpt-4.1', deploymentExists: true }],
    });
    expect((await typed('probe Z/z')).exit).toBe(1);
  });

  it('without a key, or with a wrong one, are not allowed where the router has an admin key', async () => {
    await using closed = await startSimulated({});
    const { startRouter } = await import('../harness/router.ts');
    const { endpointsOf } = await import('../harness/simulated.ts');
    await using router = await startRouter(
      { endpoints: endpointsOf(closed.simulator, 'v1') },
      { adminKey: ADMIN, loopbackOnly: false },
    );
    const at = { ROUTER_URL: router.url };
    expect(await play(['agents'], { env: at })).toMatchObject({ exit: 77, stdout: '' });
    expect(await play(['agents', '--key', '-'], { env: at, stdin: 'wrong' })).toMatchObject({ exit: 77, stdout: '' });
    expect(await play(['agents'], { env: { ...at, ...ENV } })).toMatchObject({ exit: 0, stderr: '' });
  });
});
