/**
 * The Functions worker as far as the library is concerned: it offers `@azure/functions-core`, takes the registrations, and runs each
 * call through the library's own invocation model and HTTP proxy. The host in front is the test.
 */
import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, Server } from 'node:http';
import { createRequire, Module } from 'node:module';
import { vi } from 'vitest';

export interface Registration {
  readonly metadata: {
    readonly name: string;
    readonly bindings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  readonly callback: (...args: unknown[]) => unknown;
}

interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], handler: unknown): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<unknown>;
}

interface ProgrammingModel {
  getInvocationModel(context: object): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export type Library = typeof import('@azure/functions');

export interface Worker {
  readonly library: Library;
  readonly functions: Registration[];
  readonly hooks: Map<string, (context: object) => unknown>;
  /** What the worker would have logged as errors of its own. */
  readonly failures: unknown[];
  readonly capabilities: Readonly<Record<string, string>>;
  /** Ends the start-up, as the host does once all files are loaded. */
  start(): Promise<void>;
  /** One call as the host makes it: through the proxy and the invocation model. */
  call(call: WorkerCall): WorkerAnswer;
  close(): Promise<void>;
}

export interface WorkerCall {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written piece by piece; without a content-length the body is chunked. */
  readonly body?: readonly (string | Buffer)[];
  /** Whether the body is ended behind its pieces; else it stays open. */
  readonly open?: boolean;
}

export interface WorkerAnswer {
  readonly head: Promise<IncomingMessage>;
  /** The worker's side of the call: settles once the library has sent the answer, rejects where the host would wait for ever. */
  readonly invocation: Promise<void>;
  readonly whole: Promise<{
    readonly status: number;
    readonly headers: IncomingMessage['headers'];
    readonly body: Buffer;
    readonly complete: boolean;
  }>;
  /** Writes on, or breaks off. */
  write(piece: string | Buffer): Promise<void>;
  destroy(): void;
}

/** Loads a fresh copy of the library, which finds the runtime that it looks for. */
export function startWorker(): Worker {
  const functions: Registration[] = [];
  const hooks = new Map<string, (context: object) => unknown>();
  const failures: unknown[] = [];
  let model: ProgrammingModel | null = null;
  let capabilities: Record<string, string> = {};
  let proxy: Server | null = null;

  const core = {
    setProgrammingModel: (one: ProgrammingModel) => {
      model = one;
    },
    registerFunction: (metadata: Registration['metadata'], callback: Registration['callback']) =>
      functions.push({ metadata, callback }),
    registerHook: (name: string, callback: (context: object) => unknown) => hooks.set(name, callback),
    log: (level: string, _: string, message: string) => {
      if (level === 'error') failures.push(message);
    },
  };
  const library = withModule('@azure/functions-core', core, () => {
    const require = createRequire(import.meta.url);
    for (const path of Object.keys(require.cache)) if (path.includes('/@azure/functions/')) delete require.cache[path];
    const fresh = require('@azure/functions') as Library;
    // The runtime is looked for once, at the first use.
    fresh.app.setup({});
    fresh.app.hook.appStart(() => undefined);
    return fresh;
  });

  async function start(): Promise<void> {
    if (model === null) throw new Error('no function was registered');
    const listen = vi.spyOn(Server.prototype, 'listen');
    capabilities = await model.getCapabilities({});
    proxy = (listen.mock.contexts[0] as Server | undefined) ?? null;
    listen.mockRestore();
  }

  function call({ method = 'POST', path, headers = {}, body = [], open = false }: WorkerCall): WorkerAnswer {
    const [registration] = functions;
    const uri = capabilities['HttpUri'];
    if (registration === undefined || model === null || uri === undefined)
      throw new Error('the worker has not started');
    const invocationId = randomUUID();
    const { port } = new URL(uri);
    const own = {
      'x-ms-invocation-id': invocationId,
      'x-forwarded-host': 'router.azurewebsites.net',
      'x-forwarded-proto': 'https',
    };
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path, headers: { ...headers, ...own } });
    const invocation = invoke(model, registration, { invocationId, headers: { ...headers, ...own } });
    const head = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on('response', resolve).on('error', reject);
      // No answer comes of an invocation that failed: the host would let its caller wait.
      invocation.catch(reject);
    });
    head.catch(() => undefined);
    for (const piece of body) outgoing.write(piece);
    if (open) outgoing.flushHeaders();
    else outgoing.end();
    return {
      head,
      invocation,
      get whole() {
        return head.then(collect);
      },
      write: (piece) =>
        new Promise((resolve, reject) => outgoing.write(piece, (error) => (error ? reject(error) : resolve()))),
      destroy: () => outgoing.destroy(),
    };
  }

  async function close(): Promise<void> {
    proxy?.closeAllConnections();
    await new Promise<void>((resolve) => (proxy === null ? resolve() : proxy.close(() => resolve())));
  }

  return {
    library,
    functions,
    hooks,
    failures,
    get capabilities() {
      return capabilities;
    },
    start,
    call,
    close,
  };
}

/** What the worker does with an invocation request of the host. */
async function invoke(
  model: ProgrammingModel,
  { metadata, callback }: Registration,
  call: { invocationId: string; headers: object },
): Promise<void> {
  const trigger = Object.entries(metadata.bindings).find(([, { type }]) => type === 'httpTrigger')?.[0] ?? '';
  const request = {
    inputData: [{ name: trigger, data: {} }],
    triggerMetadata: { Headers: { json: JSON.stringify(call.headers) } },
  };
  const invocation = model.getInvocationModel({
    invocationId: call.invocationId,
    metadata,
    request,
    log: () => undefined,
    state: undefined,
  });
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, callback);
  await invocation.getResponse(context, result);
}

async function collect(response: IncomingMessage) {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // Broken off: `complete` says so.
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks),
    complete: response.complete,
  };
}

/** CommonJS's loader finds `exports` under `name` while `run` runs, as the real worker arranges it. */
function withModule<T>(name: string, exports: object, run: () => T): T {
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown };
  const load = loader._load;
  loader._load = (request, ...rest) => (request === name ? exports : load(request, ...rest));
  try {
    return run();
  } finally {
    loader._load = load;
  }
}
