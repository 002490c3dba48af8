/** The program as a process: its start on any Node, pipes, signals, exit codes. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WELL } from './fleet.ts';
import { scripted } from './scripted.ts';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'bin/openai-router.js');

/** Nothing of this machine's own settings, but for the path. */
const BARE = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', TZ: 'UTC' };

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Run {
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: string;
  readonly stdin?: string;
  readonly bin?: string;
}

interface Program {
  readonly child: ChildProcess;
  readonly seen: () => { stdout: string; stderr: string };
  readonly exit: Promise<number | null>;
  /** Resolves once stdout says so. */
  readonly says: (text: RegExp) => Promise<RegExpExecArray>;
}

function start(
  argv: readonly string[],
  { env = {}, node = process.execPath, stdin = '', bin = BIN }: Run = {},
): Program {
  const child = spawn(node, [bin, ...argv], { cwd: tmpdir(), env: { ...BARE, ...env } });
  children.push(child);
  const seen = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    seen.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    seen.stderr += chunk.toString();
  });
  child.stdin.end(stdin);
  const exit = once(child, 'close').then(([code]) => code as number | null);
  const says = async (text: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = text.exec(seen.stdout);
      if (found !== null) return found;
      await Promise.race([
        once(child.stdout, 'data'),
        exit.then(() => Promise.reject(new Error(`it ended: ${seen.stderr}`))),
      ]);
    }
  };
  return { child, seen: () => seen, exit, says };
}

/** Nodes of this machine that do not strip types by themselves. */
function oldNodes(): string[] {
  const folders = BARE.PATH.split(delimiter).concat('/usr/bin', '/usr/local/bin');
  const found = [...new Set(folders)].map((folder) => join(folder, 'node')).filter((path) => existsSync(path));
  return found.filter(
    (path) => Number(spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.split('.')[0]) < 22,
  );
}

const [oldNode] = oldNodes();

describe('the program', () => {
  it('asks the router that ROUTER_URL names, with the key from stdin', async () => {
    await using router = await scripted({ body: WELL });
    const { exit, seen } = start(['status', '--key', '-'], { env: { ROUTER_URL: router.url }, stdin: 'from-stdin\n' });
    expect(await exit).toBe(0);
    expect(seen().stdout).toContain('all 3 deployments can serve');
    expect(seen().stdout).not.toContain('\u001b');
    expect(router.asked[0]?.key).toBe('from-stdin');
  });

  it.each<[string, string[], Record<string, string>, number, RegExp]>([
    ['wrong usage', ['statsu'], {}, 64, /Did you mean status\?/],
    ['a router that is not there', ['status'], { ROUTER_URL: 'http://127.0.0.1:59999' }, 69, /nothing listens there/],
    ['a faulty configuration', ['check', '/nowhere.json'], {}, 78, /ENOENT/],
    ['wrong options of start', ['start', '--prot', '1'], {}, 64, /--prot/],
    ['wrong options of simulate', ['simulate', 'million'], {}, 64, /"million" is neither/],
  ])('leaves with its code: %s', async (_what, argv, env, code, says) => {
    const { exit, seen } = start(argv, { env });
    expect(await exit).toBe(code);
    expect(`${seen().stdout}${seen().stderr}`).toMatch(says);
    expect(seen().stderr).not.toMatch(/\n\s+at /);
  });

  it('starts the router, asks it, and lets SIGTERM end it', async () => {
    const router = start(['start', '--port', '0', '--storage', 'memory']);
    const [, url = ''] = await router.says(/^ready (http:\S+)$/m);
    const asked = start(['probe', 'A/gpt-4.1'], { env: { ROUTER_URL: url } });
    expect(await asked.exit).toBe(0);
    router.child.kill('SIGTERM');
    expect(await router.exit).toBe(0);
  });

  it('hands simulate over with its arguments', async () => {
    const { exit, seen } = start(['simulate', 'three', '--json']);
    expect(await exit).toBe(0);
    expect(JSON.parse(seen().stdout)).toHaveLength(1);
  });

  it('ends a watch on Ctrl-C with 0', async () => {
    await using router = await scripted({ body: WELL });
    const watch = start(['status', '--watch'], { env: { ROUTER_URL: router.url } });
    await watch.says(/C\/gpt-4o: serves/);
    watch.child.kill('SIGINT');
    expect(await watch.exit).toBe(0);
    expect(watch.seen().stderr).toBe('');
  });

  it('ends a watch at once on Ctrl-C while the router keeps silent', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      if (asked === 1) response.end(JSON.stringify(WELL));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const watch = start(['status', '--watch', '--timeout', '1h'], { env: { ROUTER_URL: url } });
    while (asked < 2) await once(server, 'request');
    watch.child.kill('SIGINT');
    expect(await watch.exit).toBe(0);
    server.closeAllConnections();
    server.close();
  });

  it('is quiet where nobody reads on', async () => {
    await using router = await scripted({
      body: { ...WELL, deployments: Array.from({ length: 20_000 }, () => WELL.deployments[0]) },
    });
    const { child, exit, seen } = start(['status'], { env: { ROUTER_URL: router.url } });
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await exit).toBe(0);
    expect(seen().stderr).toBe('');
  });
});

describe.skipIf(oldNode === undefined)('on a machine whose own Node is too old', () => {
  it('goes on with the packaged Node: words, stdin and exit code alike', async () => {
    await using router = await scripted({ body: WELL });
    const old = { node: oldNode ?? '', env: { ROUTER_URL: router.url } };
    const status = start(['status', '--key', '-'], { ...old, stdin: 'k' });
    expect(await status.exit).toBe(0);
    expect(status.seen()).toEqual({
      stderr: '',
      stdout: expect.stringContaining('all 3 deployments can serve') as string,
    });
    expect(await start(['statsu'], old).exit).toBe(64);
  });

  it('passes Ctrl-C on', async () => {
    await using router = await scripted({ body: WELL });
    const watch = start(['status', '--watch'], { node: oldNode ?? '', env: { ROUTER_URL: router.url } });
    await watch.says(/C\/gpt-4o: serves/);
    watch.child.kill('SIGINT');
    expect(await watch.exit).toBe(0);
  });

  it('says in one sentence what is needed where there is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'router-bin-'));
    mkdirSync(join(folder, 'bin'));
    copyFileSync(BIN, join(folder, 'bin/openai-router.js'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const { exit, seen } = start(['status'], { node: oldNode ?? '', bin: join(folder, 'bin/openai-router.js') });
    expect(await exit).toBe(1);
    expect(seen().stderr).toMatch(/^openai-router: Node 22\.18 or later is needed, this is \S+: run npm ci, .+\n$/);
    rmSync(folder, { recursive: true });
  });
});

describe('the package', () => {
  it('has it in its bin, executable', () => {
    const { stdout, status } = spawnSync(BIN, ['--version'], { encoding: 'utf8', env: { ...BARE } });
    expect({ stdout, status }).toEqual({ stdout: '0.1.0\n', status: 0 });
  });

  it('runs it by npm run cli', () => {
    const { stdout, status } = spawnSync('npm', ['run', '--silent', 'cli', '--', '--version'], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...BARE },
    });
    expect({ stdout, status }).toEqual({ stdout: '0.1.0\n', status: 0 });
  });
});
