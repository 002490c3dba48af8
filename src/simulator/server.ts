/**
 * A fake Azure OpenAI: endpoints with deployments that answer as the real service does, fail on demand and keep books. It
 * shares nothing with the router but the words of `domain/`, so that real Azure can take its place.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultControl } from './armed-faults.ts';
import type { Books, CallRecord, Received } from './books.ts';
import type { Endpoint } from './call.ts';
import { answerControl, isControl } from './control.ts';
import { exchange } from './exchange.ts';
import type { SimulatorOptions } from './fleet.ts';
import { gatewayError } from './refusal.ts';
import { createWorld, type World } from './world.ts';

export type { ArmedFault, FaultControl, FaultRequest } from './armed-faults.ts';
export type { BookRow, Books, CallRecord, Received } from './books.ts';
export { DEFAULT_KEY, type DeploymentOptions, defaultFleet, type EndpointOptions, type Latency, type SimulatorOptions } from './fleet.ts';

export interface SimulatedEndpoint {
  readonly name: string;
  /** Without a path: `http://127.0.0.1:8001`. */
  readonly url: string;
  readonly apiKey: string;
  readonly region: string;
  readonly port: number;
  /** The names of its deployments. */
  readonly deployments: readonly string[];
}

export interface Simulator extends AsyncDisposable {
  readonly endpoints: readonly SimulatedEndpoint[];
  readonly faults: FaultControl;
  books(): Books;
  resetBooks(): void;
  /** The last calls, oldest first. */
  calls(): readonly CallRecord[];
  /** The body bytes that were sent for a call, by its `apim-request-id`. */
  sent(id: string): Buffer | null;
  received(id: string): Received | null;
  /** Closes the endpoint's port, cutting its connections: further ones are refused. */
  stop(endpoint: string): Promise<void>;
  /** Opens the port again. */
  start(endpoint: string): Promise<void>;
  close(): Promise<void>;
}

/** One endpoint's port, open or closed. */
interface Listener {
  readonly server: Server;
  readonly facts: SimulatedEndpoint;
}

const LOOPBACK = '127.0.0.1';

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const world = createWorld(options);
  const host = options.host ?? LOOPBACK;
  const listeners = new Map<string, Listener>();
  const listenerOf = (name: string): Listener => {
    const listener = listeners.get(name);
    if (!listener) throw new RangeError(`There is no endpoint "${name}"; there are ${[...listeners.keys()].join(', ')}.`);
    return listener;
  };
  const stop = (name: string) => shut(listenerOf(name).server);
  const start = async (name: string) => {
    const { server, facts } = listenerOf(name);
    if (!server.listening) await listen(server, facts.port, host);
  };
  const close = async () => {
    await Promise.all([...listeners.values()].map(({ server }) => shut(server)));
  };
  const switches = { stop, start };
  try {
    for (const { name, port } of options.endpoints) {
      const endpoint = world.endpoints.get(name);
      if (endpoint) listeners.set(name, await openListener(endpoint, { host, port: port ?? 0 }, (...call) => serve(world, switches, endpoint, call)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const { ledger, faults } = world;
  return {
    endpoints: [...listeners.values()].map(({ facts }) => facts),
    faults: { add: faults.add, list: faults.list, clear: faults.clear },
    books: ledger.books,
    resetBooks: ledger.reset,
    calls: ledger.calls,
    sent: ledger.sent,
    received: ledger.received,
    ...switches,
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Switches = Pick<Simulator, 'stop' | 'start'>;
type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function openListener(endpoint: Endpoint, { host, port }: { host: string; port: number }, handler: Handler): Promise<Listener> {
  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, handler);
  await listen(server, port, host);
  const bound = (server.address() as AddressInfo).port;
  const shownHost = host === '0.0.0.0' || host === '::' ? LOOPBACK : host.includes(':') ? `[${host}]` : host;
  const { name, apiKey, region } = endpoint;
  return { server, facts: { name, url: `http://${shownHost}:${bound}`, apiKey, region, port: bound, deployments: [...endpoint.deployments.keys()] } };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function serve(world: World, switches: Switches, endpoint: Endpoint, [request, response]: Parameters<Handler>): void {
  answer(world, switches, endpoint, [request, response]).catch((error: unknown) => {
    console.error('simulator:', error);
    if (response.headersSent) response.destroy();
    else respondJson(response, 500, gatewayError('SimulatorError', 'The simulator itself failed; its console says how.'));
  });
}

async function answer(world: World, switches: Switches, endpoint: Endpoint, [request, response]: Parameters<Handler>): Promise<void> {
  const body = await readBody(request);
  if (body === null) return;
  if (!isControl(request)) return exchange(world, endpoint, request, response, body);
  const told = await answerControl({ world, switches, reachedBy: endpoint.name }, request, body);
  response.writeHead(told.status, { 'content-type': told.contentType, 'content-length': String(told.body.length) }).end(told.body, told.then);
}

/** `null` where the caller left before the end. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  return Buffer.concat(chunks);
}

function respondJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
