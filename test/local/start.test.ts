import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const ENTRY = join(import.meta.dirname, '../../src/local.ts');
const ROOT = join(import.meta.dirname, '../..');

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves with the router's address. */
  readonly ready: Promise<string>;
  readonly exit: Promise<number | null>;
}

const programs: Program[] = [];
afterEach(() => {
  for (const { child } of programs.splice(0)) child.kill('SIGKILL');
});

/** Nothing of this machine's own settings, but for the path. */
const BARE = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  return watch(spawn(process.execPath, [ENTRY, ...args], { cwd: tmpdir(), env: { ...BARE, ...env } }));
}

function watch(child: ReturnType<typeof spawn>): Program {
  let output = '';
  let announce: (url: string) => void = () => undefined;
  const ready = new Promise<string>((resolve) => {
    announce = resolve;
  });
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    const url = /^ready (http:\S+)$/m.exec(output)?.[1];
    if (url !== undefined) announce(url);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const program = { child, output: () => output, ready, exit };
  programs.push(program);
  return program;
}

const QUESTION = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }] };

function ask(url: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body), headers });
}

describe('the local router', () => {
  it('serves simulated endpoints A and B where nothing is configured, and says so', async () => {
    const { ready, output } = start(['--port', '0']);
    const answer = await ask(await ready, QUESTION);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-router-route')).toBe('A/gpt-4.1:ok');
    expect(output()).toContain('Nothing is configured');
    expect(output()).toContain('curl http://127.0.0.1:');
  });

  it('answers from B when A is made to fail, as the README shows', async () => {
    const { ready } = start(['--port', '0']);
    const content = 'Hello [[fault:503;endpoint=A]]';
    const answer = await ask(await ready, { ...QUESTION, messages: [{ role: 'user', content }] });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-router-route')).toBe('A/gpt-4.1:failing,B/gpt-4.1:ok');
  });

  it('takes its port from PORT and its deployments from the environment', async () => {
    const env = {
      PORT: '0',
      AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:9',
      AZURE_OPENAI_API_KEY: 'k',
      AZURE_OPENAI_DEPLOYMENT_NAME: 'mine',
    };
    const url = await start([], env).ready;
    const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(['mine', 'A/mine', 'auto']);
  });

  it('reports every fault of a configuration at once and leaves with 78', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'router-'));
    const file = join(folder, 'router.json');
    writeFileSync(
      file,
      '{ "endpoints": { "A": { "url": "nonsense" } }, "pools": { "p": { "strategy": "roundrobin", "members": ["B/x"] } } }',
    );
    const { exit, output } = start(['--config', file]);
    expect(await exit).toBe(78);
    expect(output()).toContain('endpoints.A.url');
    expect(output()).toContain('roundRobin');
    rmSync(folder, { recursive: true });
  });

  it.each([
    {
      what: 'an address that others can reach without a key',
      args: ['--host', '0.0.0.0', '--port', '0'],
      code: 78,
      says: 'ROUTER_ADMIN_KEY',
    },
    { what: 'a port that is none', args: ['--port', 'seven'], code: 64, says: '0 to 65535' },
    { what: 'an option it does not know', args: ['--prot', '1'], code: 64, says: '--prot' },
    { what: 'a file that is not there', args: ['--config', '/nowhere/router.json'], code: 78, says: 'ENOENT' },
    { what: 'a storage that is none', args: ['--storage', 'redis://x'], code: 64, says: '--storage' },
  ])('refuses $what', async ({ args, code, says }) => {
    const { exit, output } = start(args);
    expect(await exit).toBe(code);
    expect(output()).toContain(says);
  });

  it('starts on an address that others can reach with a key, and then asks everybody for it', async () => {
    const { ready } = start(['--host', '0.0.0.0', '--port', '0'], { ROUTER_ADMIN_KEY: 'secret' });
    const url = (await ready).replace('0.0.0.0', '127.0.0.1');
    expect((await ask(url, QUESTION)).status).toBe(401);
    expect((await ask(url, QUESTION, { 'api-key': 'secret' })).status).toBe(200);
  });

  it('says which port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { exit, output } = start(['--port', String(port)]);
    expect(await exit).toBe(1);
    expect(output()).toContain(`127.0.0.1:${port}`);
    other.close();
  });

  it('lets a running stream end after SIGTERM, and then leaves with 0', async () => {
    const { ready, child, exit } = start(['--port', '0']);
    const content = 'Hello [[fault:slow-chunks;ms=5]]';
    const answer = await ask(await ready, { ...QUESTION, stream: true, messages: [{ role: 'user', content }] });
    child.kill('SIGTERM');
    expect(await answer.text()).toContain('data: [DONE]');
    expect(await exit).toBe(0);
  });

  it('ends when npm, which does not pass signals on to it, is told to', async () => {
    const npm = watch(spawn('npm', ['start', '--', '--port', '0'], { cwd: ROOT, env: { ...BARE } }));
    const url = await npm.ready;
    npm.child.kill('SIGTERM');
    await npm.exit;
    // Its output closes with the last process that holds it: the router itself.
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  it('leaves with 0 after --help, having listed its options', async () => {
    const { exit, output } = start(['--help']);
    expect(await exit).toBe(0);
    for (const option of ['--port', '--host', '--config', '--storage']) expect(output()).toContain(option);
  });
});
