import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, startUpstream } from '../harness/upstream.ts';
import { installClient, type Project, ROOT } from './installed.ts';

const run = promisify(execFile);

const AGENT = `
import { APIError } from 'openai';
import { createRouterClient, isQuotaExceeded, RouterApiError, routeOf, type Route } from 'azure-openai-router/client';

const client = createRouterClient({ baseUrl: 'http://127.0.0.1:1', apiKey: 'k', agent: 'cpt_agent', maxRetries: 0 });
export async function code(): Promise<string> {
  const schema = { type: 'object', properties: { code: { type: 'string' } }, required: ['code'] } as const;
  const { data } = await client.forAgent('icd_agent').generateStructured({ prompt: 'x', schema });
  return data.code;
}
export const route: Route | null = routeOf(new Response());
// @ts-expect-error: a string
export const wrong: number = (await client.generateText({ prompt: 'x' }).catch(() => ({ text: '' }))).text;
try {
  await code();
} catch (error) {
  if (!(error instanceof APIError)) throw error;
  if (error instanceof RouterApiError || isQuotaExceeded(error)) console.log('refused');
  else console.log(error.constructor.name);
}
`;

/** What pages have, as far as it is used. */
const WEB = {
  AbortController,
  AbortSignal,
  Blob,
  clearTimeout,
  console,
  fetch,
  File,
  FormData,
  Headers,
  performance,
  ReadableStream,
  Request,
  Response,
  setTimeout,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
};

describe('azure-openai-router/client', () => {
  let project: Project;
  beforeAll(async () => {
    project = await installClient(['openai']);
  });
  afterAll(() => project[Symbol.asyncDispose]());

  it('imports openai and nothing else', async () => {
    const { metafile } = await build({
      entryPoints: [join(project.installed, 'dist/client/index.js')],
      bundle: true,
      format: 'esm',
      packages: 'external',
      metafile: true,
      write: false,
    });
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
    expect([...new Set(imports)]).toEqual(['openai']);
  });

  it('is a few kilobytes', async () => {
    expect((await stat(join(project.installed, 'dist/client/index.js'))).size).toBeLessThan(16_384);
  });

  it('becomes, with openai, a script for browsers, which runs where nothing of Node is', async () => {
    await using upstream = await startUpstream(json(200, { text: 'fine' }, { 'x-router-request-id': 'r1' }));
    const script = await forBrowsers(`
      import { createRouterClient } from 'azure-openai-router/client';
      const client = createRouterClient({ baseUrl: '${upstream.url}', apiKey: 'k', agent: 'page', maxRetries: 0 });
      globalThis.answer = client.generateText({ prompt: 'x' });
    `);
    const page = createContext({ ...WEB });
    runInContext(script, page);
    expect(await page['answer']).toMatchObject({ text: 'fine', route: { requestId: 'r1' } });
    expect(upstream.received[0]?.headers['x-agent-name']).toBe('page');
  });

  it('could not become one with anything of Node in it', async () => {
    const mixed = forBrowsers("export * from 'azure-openai-router/client';\nimport 'node:fs';\n");
    await expect(mixed).rejects.toThrow('Could not resolve "node:fs"');
  });

  async function forBrowsers(text: string): Promise<string> {
    const entry = await project.write('page.js', text);
    const { outputFiles, metafile } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      metafile: true,
      write: false,
      logLevel: 'silent',
    });
    expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
    return outputFiles[0]?.text ?? '';
  }

  it.each([
    { resolution: 'nodenext', options: ['--module', 'nodenext'] },
    { resolution: 'bundler', options: ['--module', 'esnext', '--moduleResolution', 'bundler'] },
  ])('brings its types, without those of Node, for $resolution', async ({ options }) => {
    await project.write('agent.ts', AGENT);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--noEmit'];
    const target = ['--target', 'es2022', '--lib', 'es2022,dom,dom.iterable', '--types', ''];
    const args = [tsc, 'agent.ts', ...options, ...strict, ...target];
    const { stdout } = await run(process.execPath, args, { cwd: project.folder }).catch(
      (error: unknown) => error as { stdout: string },
    );
    // openai's own declarations are openai's.
    const ours = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('node_modules/openai/'));
    expect(ours).toEqual([]);
  });

  it('runs in Node, on the openai that the agent has itself', async () => {
    const path = await project.write('agent-run.ts', AGENT);
    const { stdout } = await run(process.execPath, [path], { cwd: project.folder, env: {} });
    expect(stdout.trim()).toBe('APIConnectionError');
  });

  it('has declarations that name files which are there', async () => {
    const types = join(project.installed, 'dist/client/types');
    const names = (await readdir(types, { recursive: true })).filter((name) => name.endsWith('.d.ts'));
    expect(names).toContain(join('client', 'index.d.ts'));
    for (const name of names) {
      const text = await readFile(join(types, name), 'utf8');
      for (const [, target = ''] of text.matchAll(/from '(\.[^']+)'/g)) {
        expect(target).toMatch(/\.js$/);
        expect(names).toContain(join(name, '..', target.replace(/\.js$/, '.d.ts')));
      }
    }
  });

  it('stays out of the function app', async () => {
    const ignored = (await readFile(join(ROOT, '.funcignore'), 'utf8')).split('\n');
    expect(ignored).toContain('dist/client/');
  });
});
