import { execFile } from 'node:child_process';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultFleet, type Simulator, startSimulator } from '../../src/simulator/server.ts';
import { installClient, type Project, ROOT } from '../client/installed.ts';
import { startRouter, type TestRouter } from '../harness/router.ts';
import { endpointsOf } from '../harness/simulated.ts';

const run = promisify(execFile);
const EXAMPLES = join(ROOT, 'examples');
const KEY = 'key-of-the-quick-starts';
const ADMIN_KEY = 'key-of-the-operator';

const SAYS = 'You said: "How tall is the house?"';
const CODE = /^code \S+/m;

interface QuickStart {
  readonly file: string;
  readonly requests: number;
  readonly prints: readonly (string | RegExp)[];
  readonly agents?: readonly string[];
}

const IN_JAVASCRIPT: readonly QuickStart[] = [
  { file: 'openai-node.mjs', requests: 2, prints: [SAYS, 'served by A/gpt-4.1', 'You said: "Tell me a story"'] },
  { file: 'langchain.mjs', requests: 2, prints: [SAYS, CODE] },
  { file: 'vercel-ai.mjs', requests: 2, prints: [SAYS, CODE] },
  {
    file: 'router-client.ts',
    requests: 3,
    prints: [SAYS, CODE, 'served by A/gpt-4.1'],
    agents: ['cpt_agent', 'icd_agent'],
  },
];

const IN_PYTHON: readonly (QuickStart & { readonly needs: string })[] = [
  { file: 'openai-python.py', needs: 'openai', requests: 2, prints: [SAYS, 'served by A/gpt-4.1', 'Tell me a story'] },
  { file: 'requests-python.py', needs: 'requests', requests: 2, prints: [SAYS, 'after 1 attempt(s)', CODE] },
  { file: 'httpx-python.py', needs: 'httpx', requests: 1, prints: ['You said: "Tell me a story"'] },
];

const PACKAGES = ['openai', '@langchain/openai', '@langchain/core', '@ai-sdk/azure', 'ai', 'zod'];

describe('the quick starts', () => {
  let project: Project;
  let simulator: Simulator;
  let router: TestRouter;

  beforeAll(async () => {
    project = await installClient(PACKAGES);
    await cp(EXAMPLES, join(project.folder, 'examples'), { recursive: true });
    simulator = await startSimulator({ endpoints: defaultFleet() });
    const config = { endpoints: endpointsOf(simulator, '2025-01-01-preview'), agents: { defaultHome: 'A/gpt-4.1' } };
    router = await startRouter(config, { callerKeys: [KEY], adminKey: ADMIN_KEY });
  });
  afterAll(async () => {
    await router[Symbol.asyncDispose]();
    await simulator.close();
    await project[Symbol.asyncDispose]();
  });

  /** Runs a quick start as its reader would, and what the router knows of it. */
  async function follow(
    { file, requests, prints, agents = ['cpt_agent'] }: QuickStart,
    program: string,
  ): Promise<void> {
    const before = await requestsByAgent();
    const { stdout, stderr } = await run(program, [join(project.folder, 'examples', file)], {
      cwd: project.folder,
      env: { PATH: process.env['PATH'] ?? '', ROUTER_URL: router.url, ROUTER_KEY: KEY },
    });
    for (const text of prints) expect(stdout).toMatch(text);
    expect(stderr).not.toMatch(/error|deprecat/i);
    const made = [...(await requestsByAgent())].map(
      ([agent, count]) => [agent, count - (before.get(agent) ?? 0)] as const,
    );
    const active = made.filter(([, count]) => count > 0);
    expect(active.map(([agent]) => agent).sort()).toEqual([...agents].sort());
    expect(active.reduce((sum, [, count]) => sum + count, 0)).toBe(requests);
  }

  async function requestsByAgent(): Promise<Map<string, number>> {
    const headers = { 'api-key': ADMIN_KEY };
    const answer = await fetch(`${router.url}/router/usage?by=agent`, { headers });
    const { rows } = (await answer.json()) as { rows: { agent: string; requests: number }[] };
    return new Map(rows.map(({ agent, requests }) => [agent, requests]));
  }

  it.each(IN_JAVASCRIPT)('$file does what it shows', (start) => follow(start, process.execPath));

  it('curl.sh does what it shows', async ({ skip }) => {
    if (!(await works('bash', ['-c', 'command -v curl']))) skip('bash or curl is not installed');
    const prints = ['You said: \\"How tall', 'x-router-deployment: A/gpt-4.1', 'data: [DONE]', /^\{"data":\{"code":"/m];
    await follow({ file: 'curl.sh', requests: 3, prints }, 'bash');
  });

  it.for(IN_PYTHON)('$file does what it shows', async ({ needs, ...start }, { skip }) => {
    if (!(await works('python3', ['--version']))) skip('python3 is not installed');
    await run('python3', ['-m', 'py_compile', join(project.folder, 'examples', start.file)]);
    if (!(await works('python3', ['-c', `import ${needs}`]))) skip(`python3 has no package ${needs}: compiled only`);
    await follow(start, 'python3');
  });

  it('are right for the type checker', async () => {
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', EXAMPLES]);
  });
});

async function works(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}

describe('docs/quickstarts.md', () => {
  it('shows every quick start once, byte for byte', async () => {
    const page = await readFile(join(ROOT, 'docs/quickstarts.md'), 'utf8');
    const shown = [...page.matchAll(/^<!-- examples\/(\S+) -->\n```\w+\n([\s\S]*?)^```$/gm)];
    const files = (await readdir(EXAMPLES)).filter((name) => name !== 'tsconfig.json');
    expect(new Set(shown.map(([, name]) => name))).toEqual(new Set(files));
    expect(shown).toHaveLength(files.length);
    for (const [, name = '', text] of shown) expect(text, name).toBe(await readFile(join(EXAMPLES, name), 'utf8'));
    // No other code that nobody runs.
    expect(page.match(/^```\w/gm)).toHaveLength(files.length);
  });
});
