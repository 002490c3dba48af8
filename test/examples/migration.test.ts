import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { configFromEnvironment, parseConfig } from '../../src/config/load.ts';
import type { RouterConfig } from '../../src/domain/config.ts';
import { ROOT } from '../client/installed.ts';
import { accepted } from '../config/parsing.ts';
import { startRouter } from '../harness/router.ts';
import { json, startUpstream } from '../harness/upstream.ts';

const run = promisify(execFile);
const PAGE = await readFile(join(ROOT, 'docs/migration.md'), 'utf8');
const KEY = '0123456789abcdef0123456789abcdef';
const ENV = Object.fromEntries(
  ['API_KEY', 'API_KEY_0', 'API_KEY_1', 'API_KEY_2', 'API_KEY_3', 'KEY'].map((name) => [`AZURE_OPENAI_${name}`, KEY]),
);

/** The code blocks of a chapter in one language. */
function blocks(chapter: string, language: string): string[] {
  const text = PAGE.split(/^## /m).find((part) => part.startsWith(chapter)) ?? '';
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, code = '']) =>
    name === language ? [code] : [],
  );
}

/** Without a fault; nor with a note, for a page is read as an example of how it is done. */
function read(chapter: string): RouterConfig {
  const [text = ''] = blocks(chapter, 'jsonc');
  const { config, notes } = accepted(parseConfig(text, ENV, 'docs/migration.md'));
  expect(notes).toEqual([]);
  return config;
}

const membersOf = (config: RouterConfig, pool: string) =>
  config.pools.get(pool)?.members.map(({ deployment }) => deployment);

const MANAGER = 'A backend manager with agent assignments';
const ROUND_ROBIN = 'Round robin with a lock file and retry';
const CONNECTOR = 'A connector with a backups list';
const TENACITY = 'Tenacity retries and a client pool';
const CHAPTERS = [MANAGER, ROUND_ROBIN, CONNECTOR, TENACITY];

/** The document of a chapter, with these in the place of its addresses, in order. */
function addressed(chapter: string, urls: readonly string[]): object {
  const [text = ''] = blocks(chapter, 'jsonc');
  const rest = [...urls];
  return JSON.parse(
    text.replaceAll(/https:\/\/\w+\.openai\.azure\.com/g, () => rest.shift() ?? '').replaceAll(/\$\{\w+\}/g, KEY),
  ) as object;
}

function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const body = JSON.stringify({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hello' }] });
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
}

const routeOf = ({ headers }: Response): string | null => headers.get('x-router-route');

describe('docs/migration.md', () => {
  it('has these chapters, each with what was, what is and what is left', () => {
    expect([...PAGE.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(CHAPTERS);
    const parts = [
      'What it does',
      'The same in the router',
      'What is left in the agent',
      'What gets better',
      'What to watch',
    ];
    const found = [...PAGE.matchAll(/^### (.+)$/gm)].map(([, title]) => title);
    expect(found).toEqual(CHAPTERS.flatMap(() => parts));
  });

  it('gives the agents of a backend manager their homes, thresholds and deployments', () => {
    const config = read(MANAGER);
    expect(Object.fromEntries(config.agents.homes)).toEqual({
      cpt_agent: 'A/gpt-4.1',
      icd_agent: 'A/gpt-4.1-2',
      modifier_assignment_agent: 'B/gpt-4.1',
    });
    expect(config.agents).toMatchObject({ defaultHome: 'A/gpt-4.1', failureThreshold: 3, failureWindowMs: 300_000 });
    expect(membersOf(config, 'gpt-4.1')).toEqual(['A/gpt-4.1', 'A/gpt-4.1-2', 'B/gpt-4.1', 'B/gpt-4.1-2']);
  });

  it('takes the environment of a round robin, and says the same in a document', () => {
    const [text = ''] = blocks(ROUND_ROBIN, 'sh');
    const env = Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split('=', 2) as [string, string]),
    );
    const { config, notes } = accepted(configFromEnvironment(env));
    expect(notes).toEqual([]);
    expect(config.pools.get('gpt-4.1')).toMatchObject({ strategy: 'roundRobin', block: 17 });
    expect(config.endpoints.size).toBe(2);
    const written = read(ROUND_ROBIN);
    expect(written.pools.get('gpt-4.1')).toMatchObject({ strategy: 'roundRobin', block: 1 });
    expect(written.endpoints.size).toBe(2);
  });

  it('takes the configuration of a connector as it is', () => {
    const config = read(CONNECTOR);
    expect(config.pools.get('gpt-4.1')?.strategy).toBe('priority');
    expect(membersOf(config, 'gpt-4.1')).toEqual(['A/gpt-4.1', 'B/gpt-4.1', 'C/gpt-4.1-dr']);
    expect([...(config.pools.get('gpt-4.1')?.failoverOn ?? [])].sort()).toEqual([
      'failing',
      'misconfigured',
      'throttled',
    ]);
  });

  it('gives the models of a client pool their deployments', () => {
    const config = read(TENACITY);
    expect(membersOf(config, 'gpt-4o')).toEqual(['A/my-deployment']);
    expect(membersOf(config, 'gpt-4o-mini')).toEqual(['A/my-small-deployment']);
    const shortest = {
      AZURE_OPENAI_ENDPOINT: 'https://one.openai.azure.com',
      AZURE_OPENAI_KEY: KEY,
      AZURE_OPENAI_DEPLOYMENT: 'my-deployment',
    };
    expect(membersOf(accepted(configFromEnvironment(shortest)).config, 'my-deployment')).toEqual(['A/my-deployment']);
  });

  it('sends the agents of a backend manager home, and on to the next when their home fails', async () => {
    await using one = await startUpstream();
    await using two = await startUpstream();
    await using router = await startRouter(addressed(MANAGER, [one.url, two.url]));
    const of = async (agent: string) => routeOf(await ask(router.url, { 'x-agent-name': agent }));
    expect(await of('cpt_agent')).toBe('A/gpt-4.1:ok');
    expect(await of('icd_agent')).toBe('A/gpt-4.1-2:ok');
    expect(await of('modifier_assignment_agent')).toBe('B/gpt-4.1:ok');
    expect(await of('another_agent')).toBe('A/gpt-4.1:ok');
    two.script(json(500, {}));
    expect(await of('modifier_assignment_agent')).toBe('B/gpt-4.1:failing,A/gpt-4.1:ok');
  });

  it('goes round its endpoints', async () => {
    await using one = await startUpstream();
    await using two = await startUpstream();
    await using router = await startRouter(addressed(ROUND_ROBIN, [one.url, two.url]));
    for (let turn = 0; turn < 10; turn++) expect(routeOf(await ask(router.url))).toMatch(/^[AB]\/gpt-4\.1:ok$/);
    // Who waits too long for a turn, as on a machine that is busy, takes one of its own.
    expect(Math.abs(one.received.length - two.received.length)).toBeLessThanOrEqual(2);
  });

  it("a pool's status has the connector's words, with the backup it stands at", async () => {
    await using one = await startUpstream(json(503, { error: { message: 'down' } }));
    await using two = await startUpstream();
    const config = addressed(CONNECTOR, [one.url, two.url, two.url]);
    await using router = await startRouter({ ...config, breaker: { failures: 1 } });
    expect(routeOf(await ask(router.url))).toBe('A/gpt-4.1:failing,B/gpt-4.1:ok');
    const status = (await (await fetch(`${router.url}/router/pools/gpt-4.1`)).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ total_endpoints: 3, current_type: 'backup', current_index: 1, has_backups: true });
    const words = /has the words of the old status: (.+)\.$/m.exec(PAGE)?.[1] ?? '';
    const named = [...words.matchAll(/`(\w+)`/g)].map(([, word = '']) => word);
    expect(named).toHaveLength(7);
    expect(Object.keys(status)).toEqual(expect.arrayContaining(named));
  });

  it.for(CHAPTERS)('has Python that compiles: %s', async (chapter, { skip }) => {
    const sources = blocks(chapter, 'python');
    expect(sources).toHaveLength(2);
    const hasPython = await run('python3', ['--version']).then(
      () => true,
      () => false,
    );
    if (!hasPython) skip('python3 is not installed');
    const folder = await mkdtemp(join(tmpdir(), 'router-migration-'));
    try {
      for (const [at, source] of sources.entries()) {
        const path = join(folder, `${at}.py`);
        await writeFile(path, source);
        await run('python3', ['-m', 'py_compile', path]);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
