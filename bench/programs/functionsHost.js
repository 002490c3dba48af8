/**
 * Stands in for the Functions worker around a bundle, the same for every bundle. It hands the library its core API as the
 * worker does, and takes a call through the library's own code from there: `setupHttpProxy` listens, `createStreamRequest`
 * makes the HttpRequest, `sendProxyResponse` writes the answer. What Azure has besides, the host process and its gRPC
 * messages to the worker, is left out: each call comes straight from the caller.
 *
 *     node functionsHost.js BUNDLE
 */
import http from 'node:http';
import Module from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

let model = null;
let registered = null;
let calls = 0;

const core = {
  version: '3.10.0',
  hostVersion: '4.1041.0',
  log: (level, _category, message) => {
    if (level === 'error' || level === 'critical') console.error(message);
  },
  registerHook: () => ({ dispose: () => undefined }),
  setProgrammingModel: (given) => {
    model = given;
  },
  getProgrammingModel: () => model,
  registerFunction: (metadata, callback) => {
    // Timers have no place in front of callers.
    const isHttp = Object.values(metadata.bindings).some(({ type }) => type === 'httpTrigger');
    if (isHttp) registered = { metadata, callback };
    return { dispose: () => undefined };
  },
  Disposable: class {
    dispose() {
      return undefined;
    }
  },
};

/** Bindings as the worker hands them on, the types in its own capitals. */
const HTTP_BINDINGS = {
  httpTrigger: { type: 'httpTrigger', direction: 'in' },
  $return: { type: 'http', direction: 'out' },
};

/** One call, in the order of the worker's invocation handler. */
async function invoke(invocationId, headers) {
  const request = {
    invocationId,
    functionId: '1',
    inputData: [{ name: 'httpTrigger', data: {} }],
    outputData: [],
    triggerMetadata: { Headers: { json: JSON.stringify(headers) } },
    traceContext: null,
    retryContext: null,
  };
  const metadata = { name: registered.metadata.name, bindings: HTTP_BINDINGS };
  const context = { invocationId, metadata, request, state: 'none', log: core.log };
  const invocation = model.getInvocationModel(context);
  const { context: invocationContext, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(invocationContext, inputs, registered.callback);
  await invocation.getResponse(invocationContext, result);
}

/** What the host adds to a call on its way to the worker. It comes before the library's own listener. */
function asFromTheHost(request) {
  calls += 1;
  const invocationId = `00000000-0000-4000-8000-${String(calls).padStart(12, '0')}`;
  const callersOwn = { ...request.headers };
  request.headers['x-ms-invocation-id'] = invocationId;
  request.headers['x-forwarded-host'] = request.headers.host;
  request.headers['x-forwarded-proto'] = 'http';
  void invoke(invocationId, callersOwn);
}

Module.prototype.require = new Proxy(Module.prototype.require, {
  apply: (target, self, args) => (args[0] === '@azure/functions-core' ? core : Reflect.apply(target, self, args)),
});

const { createServer } = http;
http.createServer = (...args) => createServer(...args).on('request', asFromTheHost);

await import(pathToFileURL(resolve(process.argv[2])).href);
const { HttpUri } = await model.getCapabilities({});
console.log(`ready ${HttpUri}`);
