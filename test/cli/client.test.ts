/** What the router is asked, with what key, and what is never shown or sent elsewhere. */
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/failure.ts';
import { DRAINED, EXPLAINED, MADE, PINNED, PROBES, TROUBLED, USED_CSV, WELL } from './fleet.ts';
import { type Asked, type Script, scripted } from './scripted.ts';
import { play, type Seen, type Stage, wordsOf } from './stage.ts';

async function ask(
  line: string,
  script: Script,
  stage: Stage = {},
): Promise<Seen & { readonly asked: readonly Asked[] }> {
  await using server = await scripted(script);
  return { ...(await play(wordsOf(line), { router: server.url, ...stage })), asked: [...server.asked] };
}

describe('the router is asked', () => {
  it.each<[string, unknown, Partial<Asked>]>([
    ['probe', PROBES, { method: 'POST', url: '/router/probe', body: {} }],
    ['probe A/x --completion --record', PROBES, { body: { deployments: ['A/x'], completion: true, record: true } }],
    ['drain A/gpt-4.1', DRAINED, { method: 'POST', url: '/router/deployments/A%2Fgpt-4.1/drain', body: null }],
    [
      'move "my agent/1" B/gpt-4.1',
      PINNED,
      { method: 'PUT', url: '/router/agents/my%20agent%2F1', body: { deployment: 'B/gpt-4.1', pinned: false } },
    ],
    ['move a B/gpt-4.1 --pin', PINNED, { body: { deployment: 'B/gpt-4.1', pinned: true } }],
    ['home a', PINNED, { method: 'DELETE', url: '/router/agents/a' }],
    [
      'keys make --account x --plan p --agent a --creator c --operation o --pools "m, n" --expires 30d',
      MADE,
      {
        method: 'POST',
        body: {
          account: 'x',
          plan: 'p',
          agent: 'a',
          creator: 'c',
          operation: 'o',
          pools: ['m', 'n'],
          expiresAt: '2026-12-21T12:02:56.000Z',
        },
      },
    ],
    ['keys make --account x', MADE, { body: { account: 'x' } }],
    ['keys revoke k', MADE, { method: 'DELETE', url: '/router/keys/k' }],
    [
      'failovers --since 1h --limit 5',
      { items: [] },
      { url: '/router/failovers?since=2026-11-21T11%3A02%3A56.000Z&limit=5' },
    ],
    ['failovers', { items: [] }, { url: '/router/failovers' }],
    [
      'explain --model m --agent a --tier economy --failover off',
      EXPLAINED,
      {
        body: {
          path: '/openai/v1/chat/completions',
          headers: { 'x-agent-name': 'a', 'x-router-tier': 'economy', 'x-router-failover': 'off' },
          body: { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
        },
      },
    ],
    ['--json status', WELL, { method: 'GET', url: '/router/status' }],
  ])('%s', async (line, body, expected) => {
    const { asked, stderr } = await ask(line, { body });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject(expected);
    expect(stderr).not.toContain('openai-router:');
  });

  it('with a body from stdin, whose model an option outranks', async () => {
    const stdin = '{"model": "gpt-4o", "stream": true}';
    const { asked } = await ask('explain --body - --model gpt-4.1', { body: EXPLAINED }, { stdin });
    expect(asked[0]?.body).toMatchObject({ body: { model: 'gpt-4.1', stream: true } });
  });
});

describe('the answer', () => {
  it("is the router's own, byte for byte, as CSV, and its own JSON with --json", async () => {
    expect((await ask('usage --csv', { body: USED_CSV })).stdout).toBe(USED_CSV);
    for (const line of [
      'status',
      'deployments',
      'agents',
      'failovers',
      'quota',
      'usage',
      'keys list',
      'probe',
      'drain A/a',
      'home a',
      'keys revoke k',
      'explain --model m',
      'keys make --account x',
      'move a B/b',
      'restore A/a',
    ]) {
      const body = { ...WELL, items: [], results: [], more: { a: [1, null, 'ü'] } };
      expect(JSON.parse((await ask(`${line} --json`, { body })).stdout)).toEqual(body);
    }
  });
});

describe('the key', () => {
  it.each<[string, string, Stage, string | undefined]>([
    ['comes from ROUTER_ADMIN_KEY', 'agents', { env: { ROUTER_ADMIN_KEY: 'k1' } }, 'k1'],
    ['comes from --key before it', 'agents --key k2', { env: { ROUTER_ADMIN_KEY: 'k1' } }, 'k2'],
    ['comes from stdin, of which it is the first line, by --key -', 'agents --key -', { stdin: 'k3\r\nmore\n' }, 'k3'],
    ['is none where none is set', 'agents', { env: { ROUTER_ADMIN_KEY: ' ' } }, undefined],
  ])('%s', async (_what, line, stage, key) => {
    const { asked, exit } = await ask(line, { body: { items: [] } }, stage);
    expect(exit).toBe(EXIT.ok);
    expect(asked[0]?.key).toBe(key);
  });

  it('does not follow where it is sent on', async () => {
    await using elsewhere = await scripted({ body: { items: [] } });
    const { exit } = await ask('agents --key k', {
      status: 307,
      headers: { location: `${elsewhere.url}/router/agents` },
      body: '',
    });
    expect(exit).toBe(EXIT.unreachable);
    expect(elsewhere.asked).toEqual([]);
  });

  it('is warned of where it would go unencrypted, and shown nowhere', async () => {
    const { stderr, screen } = await play(['agents', '--url', 'http://router.invalid', '--key', 'hunter2']);
    expect(stderr).toContain('warning: the key goes to router.invalid unencrypted');
    expect(screen).not.toContain('hunter2');
  });
});

describe('what goes wrong', () => {
  const error = { error: { message: 'No.', type: 'x', code: 'y', param: null } };

  it.each<[number, number]>([
    [400, EXIT.no],
    [401, EXIT.notAllowed],
    [403, EXIT.notAllowed],
    [404, EXIT.no],
    [429, EXIT.no],
    [500, EXIT.no],
    [503, EXIT.no],
  ])('status %i is exit code %i, with the error itself for programs', async (status, exit) => {
    const seen = await ask('agents --json', { status, body: error });
    expect(seen.exit).toBe(exit);
    expect(JSON.parse(seen.stdout)).toEqual(error);
    expect(seen.stderr).toContain('No.');
  });

  it('a router that keeps silent is given up', async () => {
    const send = (_url: string, { signal }: RequestInit): Promise<Response> =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error));
      });
    const { exit, stderr } = await play(['agents', '--timeout', '1ms'], { parts: { send } });
    expect(exit).toBe(EXIT.unreachable);
    expect(stderr).toContain('has not answered within 0.001 s');
  });

  it('escape sequences in what callers named themselves do not reach the terminal', async () => {
    const agent = { ...PINNED, agent: 'a\u001b[2J\u202eb\n' };
    const { stdout } = await ask('agents', { body: { items: [agent] } });
    expect(stdout).toContain('a�[2J�b�');
    const { stderr } = await ask('agents', { status: 404, body: { error: { ...error.error, message: 'x\u001b[2J' } } });
    expect(stderr).toContain('x�[2J');
  });
});

describe('status', () => {
  it.each<[string, unknown, number]>([
    ['status', TROUBLED, EXIT.ok],
    ['status --exit-code', WELL, EXIT.ok],
    ['status --exit-code', TROUBLED, EXIT.no],
    ['status --exit-code', { ...WELL, store: TROUBLED.store }, EXIT.no],
    ['status --exit-code', { ...WELL, pools: TROUBLED.pools }, EXIT.no],
    ['status --exit-code', { ...WELL, deployments: TROUBLED.deployments }, EXIT.no],
  ])('%s (case %#) leaves with the right code', async (line, body, exit) => {
    expect((await ask(line, { body })).exit).toBe(exit);
  });

  it.each<[string, Stage, boolean]>([
    ['on a terminal', { isTerminal: true }, true],
    ['with NO_COLOR', { isTerminal: true, env: { NO_COLOR: '1' } }, false],
    ['with an empty NO_COLOR, which says nothing', { isTerminal: true, env: { NO_COLOR: '' } }, true],
    ['on a dumb terminal', { isTerminal: true, env: { TERM: 'dumb' } }, false],
    ['into a pipe', {}, false],
  ])('%s it has colours or not', async (_where, stage, coloured) => {
    const { stdout } = await ask('status', { body: WELL }, stage);
    expect(stdout.includes('\u001b[')).toBe(coloured);
  });

  it('is as wide as it comes in a pipe, and no wider than the terminal on one', async () => {
    const longest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));
    expect(
      longest((await ask('deployments', { body: { items: TROUBLED.deployments } }, { columns: 40 })).stdout),
    ).toBeGreaterThan(100);
    for (const columns of [40, 60, 80, 120]) {
      const stage = { isTerminal: true, columns, env: { NO_COLOR: '1' } };
      const { stdout } = await ask('deployments', { body: { items: TROUBLED.deployments } }, stage);
      expect(longest(stdout)).toBeLessThanOrEqual(columns);
      expect(stdout).toContain('resting');
    }
  });

  it('watched on a terminal is drawn anew, says what goes wrong meanwhile, and ends without fault', async () => {
    const stop = new AbortController();
    const answers = [Response.json(WELL), Response.error(), Response.json(TROUBLED)];
    const parts = {
      send: () =>
        Promise.resolve(answers.shift()).then((answer) =>
          answer?.ok === true ? answer : Promise.reject(new Error('gone')),
        ),
      interruption: () => stop.signal,
      sleep: () => Promise.resolve(answers.length === 0 ? stop.abort() : undefined),
    };
    const { exit, stdout, stderr } = await play(['status', '--watch'], { isTerminal: true, parts });
    const screens = stdout.split('\u001b[H\u001b[2J').slice(1);
    expect(screens).toHaveLength(3);
    expect(screens[1]).toContain('No router can be reached');
    expect(screens[2]).toContain('resting until 12:03:10');
    expect(screens[2]).not.toContain('No router');
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  });

  it('watched in a pipe tells changes alone', async () => {
    const stop = new AbortController();
    const answers = [WELL, WELL, TROUBLED];
    const parts = {
      send: () => Promise.resolve(Response.json(answers.shift())),
      interruption: () => stop.signal,
      sleep: () => Promise.resolve(answers.length === 0 ? stop.abort() : undefined),
    };
    const { stdout } = await play(['status', '--watch'], { parts });
    expect(stdout.split('\n').map((line) => line.slice(9, 27))).toEqual([
      'A/gpt-4.1: serves',
      'B/gpt-4.1: serves',
      'C/gpt-4o: serves',
      'A/gpt-4.1: resting',
      'C/gpt-4o: failing,',
      '',
    ]);
  });

  it('watched is a fault where there is no router to begin with', async () => {
    const send = () => Promise.reject(new Error('gone'));
    expect((await play(['status', '--watch'], { parts: { send } })).exit).toBe(EXIT.unreachable);
  });
});
