import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { EmulatorError, startEmulator } from '../../src/store/emulator.ts';
import { runEmulator } from '../harness/emulator.ts';
import { WITHIN_MS } from './contract.ts';

const run = promisify(execFile);
const source = (name: string): string => fileURLToPath(new URL(`../../src/store/${name}`, import.meta.url));
const key = { table: 'keys', partition: 'p', row: 'r' } as const;

async function newFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'emulator-')));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('two emulators run side by side and share nothing', async () => {
  await using one = await runEmulator();
  await using other = await runEmulator();
  await one.openStore().put(key, { here: true }, WITHIN_MS);
  expect((await one.openStore().get(key, WITHIN_MS))?.values).toEqual({ here: true });
  await expect(other.openStore().get(key, WITHIN_MS)).resolves.toBeNull();
});

test('once it is closed nobody listens there any more, and closing it again does no harm', async () => {
  const emulator = await runEmulator();
  const store = emulator.openStore();
  await store.put(key, {}, WITHIN_MS);
  await emulator.close();
  await emulator.close();
  await expect(store.get(key, WITHIN_MS)).rejects.toMatchObject({ failure: 'unreachable' });
});

test('a port that somebody else has is told as that', async () => {
  await using emulator = await runEmulator();
  const port = Number(new URL(emulator.url).port);
  const refusal = await startEmulator({ port }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(EmulatorError);
  expect(refusal).toMatchObject({ failure: 'portTaken' });
});

test('a process that has one ends when its work is done, and leaves no file and no word behind', async () => {
  await using folder = await newFolder();
  const script = `
    const { startEmulator } = await import(${JSON.stringify(source('emulator.ts'))});
    const { createTablesStore } = await import(${JSON.stringify(source('tables.ts'))});
    const { connectionString: text } = await startEmulator({ port: 0 });
    const store = createTablesStore({ connection: { kind: 'connectionString', text } });
    await store.put({ table: 'keys', partition: 'p', row: 'r' }, { a: 1 }, 60_000);
    console.log('done');`;
  const env = { ...process.env, AZURITE_ACCOUNTS: 'other:AAAA' };
  const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder.path,
    timeout: 20_000,
    env,
  });
  expect({ stdout, stderr }).toEqual({ stdout: 'done\n', stderr: '' });
  await expect(readdir(folder.path)).resolves.toEqual([]);
});

test('where it is not installed, as in production, that is told', async () => {
  await using folder = await newFolder();
  await mkdir(join(folder.path, 'store'));
  for (const name of ['emulator.ts', 'emulatorWorker.ts']) {
    await copyFile(source(name), join(folder.path, 'store', name));
  }
  await writeFile(join(folder.path, 'package.json'), '{"type":"module"}');
  const script = `
    const { startEmulator } = await import('./store/emulator.ts');
    await startEmulator({ port: 0 }).catch(({ name, failure }) => console.log(name, failure));`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder.path,
    timeout: 20_000,
  });
  expect(stdout).toBe('EmulatorError notInstalled\n');
});
