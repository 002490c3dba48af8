/**
 * The Functions worker as far as a package is concerned, in a process of its own: `node standInWorker.ts <folder> <calls>`. It reads
 * `main` from the folder's package.json as the worker does, answers `@azure/functions-core` itself, takes the registrations, makes the
 * calls through the library's own proxy and invocation model, and prints what came of it as one line of JSON.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { Module } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Call {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Told {
  readonly functions: readonly { name: string; types: readonly string[] }[];
  readonly loadMs: number;
  readonly answers: readonly { status: number; headers: Record<string, string>; body: string }[];
}

interface Registration {
  readonly metadata: { name: string; bindings: Record<string, { type: string }> };
  readonly callback: unknown;
}

interface Model {
  getCapabilities(known: object): Promise<Record<string, string>>;
  getInvocationModel(context: object): {
    getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
    invokeFunction(context: unknown, inputs: unknown[], handler: unknown): Promise<unknown>;
    getResponse(context: unknown, result: unknown): Promise<unknown>;
  };
}

const registrations: Registration[] = [];
const hooks = new Map<string, (context: object) => unknown>();
const models: Model[] = [];
const core = {
  version: '3.10.0',
  hostVersion: '4.1000.0',
  setProgrammingModel: (one: Model) => void models.push(one),
  getProgrammingModel: () => models.at(-1),
  registerFunction: (metadata: Registration['metadata'], callback: unknown) => {
    registrations.push({ metadata, callback });
    return { dispose: () => undefined };
  },
  registerHook: (name: string, callback: (context: object) => unknown) => {
    hooks.set(name, callback);
    return { dispose: () => undefined };
  },
  log: () => undefined,
};

/** So does the real one: whoever requires this name gets the worker’s own API. */
function answerForCore(): void {
  const prototype = Module.prototype as unknown as { require: (name: string) => unknown };
  prototype.require = new Proxy(prototype.require, {
    apply: (target, self, args: [string]) =>
      args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args),
  });
}

async function call(model: Model, uri: string, { method = 'GET', path, headers = {}, body = '' }: Call) {
  const http = registrations.find(({ metadata }) =>
    Object.values(metadata.bindings).some(({ type }) => type === 'httpTrigger'),
  );
  if (http === undefined) throw new Error('no function takes requests');
  const invocationId = randomUUID();
  const own = {
    ...headers,
    'x-ms-invocation-id': invocationId,
    'x-forwarded-host': 'router.azurewebsites.net',
    'x-forwarded-proto': 'https',
  };
  const answer = new Promise<Told['answers'][number]>((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: new URL(uri).port, method, path, headers: own }, (response) => {
      const chunks: Buffer[] = [];
      response
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks).toString(),
          });
        });
    });
    outgoing.on('error', reject).end(body);
  });
  const [trigger = ''] = Object.keys(http.metadata.bindings);
  const invocation = model.getInvocationModel({
    invocationId,
    metadata: http.metadata,
    request: { inputData: [{ name: trigger, data: {} }], triggerMetadata: { Headers: { json: JSON.stringify(own) } } },
    log: () => undefined,
    state: undefined,
  });
  const { context, inputs } = await invocation.getArguments();
  await invocation.getResponse(context, await invocation.invokeFunction(context, inputs, http.callback));
  return answer;
}

async function main([folder = '', calls = '[]']: readonly string[]): Promise<void> {
  answerForCore();
  const { main: entry } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { main: string };
  const startedAt = performance.now();
  await import(pathToFileURL(join(folder, entry)).href);
  const loadMs = Math.round(performance.now() - startedAt);
  const model = models.at(-1);
  if (model === undefined) throw new Error('nothing was registered');
  const uri = (await model.getCapabilities({}))['HttpUri'] ?? '';
  const answers = [];
  for (const one of JSON.parse(calls) as Call[]) answers.push(await call(model, uri, one));
  await hooks.get('appTerminate')?.({});
  const functions = registrations.map(({ metadata: { name, bindings } }) => ({
    name,
    types: Object.values(bindings).map(({ type }) => type),
  }));
  process.stdout.write(`\n${JSON.stringify({ functions, loadMs, answers } satisfies Told)}\n`, () => process.exit());
}

if (import.meta.main) await main(process.argv.slice(2));
