import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readOptions } from '../../src/simulator/program-options.ts';

const PROGRAM = fileURLToPath(new URL('../../src/simulator/program.ts', import.meta.url));

function run(...words: string[]): { child: ChildProcess; out: () => string; errors: () => string } {
  const child = spawn(process.execPath, [PROGRAM, ...words]);
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, out: () => out, errors: () => errors };
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null) await once(child, 'exit');
  return child.exitCode;
}

describe('the program', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('serves its endpoints with its key until %s', async (signal) => {
    const { child, out } = run('--port', '0', '--endpoints', 'A,B', '--key', 'sesame');
    await expect.poll(out, { timeout: 10_000 }).toMatch(/(^ready http\S+\n){2}/m);
    expect(out()).toContain('Key: sesame');
    const [url] = out().match(/(?<=^ready )\S+/m) ?? [];
    expect((await fetch(`${url}/openai/v1/models`, { headers: { 'api-key': 'sesame' } })).status).toBe(200);
    expect((await fetch(`${url}/openai/v1/models`, { headers: { 'api-key': 'simulator' } })).status).toBe(401);
    child.kill(signal);
    expect(await exitCode(child)).toBe(0);
  });

  it('helps', async () => {
    const { child, out } = run('--help');
    expect(await exitCode(child)).toBe(0);
    expect(out()).toContain('Usage: npm run simulator');
  });

  it('tells every wrong argument at once', async () => {
    const { child, errors } = run('--port', 'many', '--colour', '--key');
    expect(await exitCode(child)).toBe(2);
    expect(errors()).toContain('--port takes a whole number from 0 to 65535, not "many".');
    expect(errors()).toContain('"--colour" is not an option.');
    expect(errors()).toContain('--key needs a value.');
  });

  it('says so when its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { child, errors } = run('--port', String(port));
    expect(await exitCode(child)).toBe(1);
    expect(errors()).toContain('EADDRINUSE');
  });
});

describe('the arguments', () => {
  it('have defaults', () => {
    expect(readOptions([])).toEqual({
      kind: 'run',
      options: {
        names: ['A'],
        port: 8_080,
        key: 'simulator',
        host: '127.0.0.1',
        latency: { headMs: 0, firstTokenMs: 0, chunkMs: 0 },
      },
    });
  });

  it('come with a space or an equals sign', () => {
    expect(readOptions(['--port=9000', '--host', '0.0.0.0', '--first-token-ms', '80', '--chunk-ms=9'])).toMatchObject({
      options: { port: 9_000, host: '0.0.0.0', latency: { firstTokenMs: 80, chunkMs: 9 } },
    });
  });

  it.each([
    { words: ['--endpoints', 'A,,B'], says: '"" is none' },
    { words: ['--endpoints', 'A,A'], says: 'names "A" twice' },
    { words: ['--port', '65535', '--endpoints', 'A,B'], says: 'leaves no ports for 2 endpoints' },
    { words: ['--key', 'two words'], says: 'printable ASCII' },
    { words: ['--port', '--key', 'x'], says: '--port needs a value' },
    { words: ['8080'], says: '"8080" is not an option' },
  ])('$words are refused', ({ words, says }) => {
    const read = readOptions(words);
    expect(read.kind === 'wrong' ? read.problems.join('\n') : '').toContain(says);
  });
});
