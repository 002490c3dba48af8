/**
 * A fake Azure OpenAI: endpoints with deployments that answer as the real service does, fail on demand and keep books. It
 * shares nothing with the router but the words of `domain/`, so that real Azure can take its place.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultControl } from './armed-faults.ts';
import type { Books, CallRecord, Received } from './books.ts';
import type { Endpoint } from './call.ts';
import { answerControl, isControl } from './control.ts';
import { exchange } from './exchange.ts';
import { DEFAULT_KEY, defaultFleet, type SimulatorOptions } from './fleet.ts';
import { createListeners, LOOPBACK, type Switches } from './listeners.ts';
import { gatewayError } from './refusal.ts';
import { createWorld, type World } from './world.ts';

export type { ArmedFault, FaultControl, FaultRequest } from './armed-faults.ts';
export type { BookRow, Books, CallRecord, Received } from './books.ts';
export type { DeploymentOptions, EndpointOptions, Latency, SimulatorOptions } from './fleet.ts';
export { DEFAULT_KEY, defaultFleet };

export interface SimulatedEndpoint {
  readonly name: string;
  /** Without a path: `http://127.0.0.1:8001`. */
  readonly url: string;
  readonly apiKey: string;
  readonly region: string;
  readonly port: number;
  readonly deployments: readonly { readonly name: string; readonly model: string; readonly kind: 'standard' | 'ptu' }[];
}

export interface Simulator extends AsyncDisposable, Switches {
  readonly endpoints: readonly SimulatedEndpoint[];
  readonly faults: FaultControl;
  readonly books: () => Books;
  readonly resetBooks: () => void;
  /** The last calls, oldest first. */
  readonly calls: () => readonly CallRecord[];
  /** The body bytes that were sent for a call, by its `apim-request-id`. */
  readonly sent: (id: string) => Buffer | null;
  readonly received: (id: string) => Received | null;
  readonly close: () => Promise<void>;
}

export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const world = createWorld(options);
  const { open, close, stop, start } = createListeners(options.host ?? LOOPBACK);
  const ports = new Map(options.endpoints.map(({ name, port }) => [name, port ?? 0]));
  const endpoints: SimulatedEndpoint[] = [];
  try {
    for (const [name, endpoint] of world.endpoints) {
      const desk: Desk = { world, endpoint, switches: { stop, start } };
      const where = await open(name, ports.get(name) ?? 0, (request, response) => serve(desk, request, response));
      endpoints.push({
        ...where,
        name,
        apiKey: endpoint.apiKey,
        region: endpoint.region,
        deployments: deploymentsOf(endpoint),
      });
    }
  } catch (error) {
    await close();
    throw error;
  }
  const { faults, ledger } = world;
  return {
    endpoints,
    faults: { add: faults.add, list: faults.list, clear: faults.clear },
    books: ledger.books,
    resetBooks: ledger.reset,
    calls: ledger.calls,
    sent: ledger.sent,
    received: ledger.received,
    stop,
    start,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function deploymentsOf(endpoint: Endpoint): SimulatedEndpoint['deployments'] {
  return [...endpoint.deployments.values()].map(({ name, model, kind }) => ({ name, model: model.name, kind }));
}

/** One endpoint's port, and what calls by it can reach. */
interface Desk {
  readonly world: World;
  readonly endpoint: Endpoint;
  readonly switches: Switches;
}

function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): void {
  answer(desk, request, response).catch((error: unknown) => {
    process.stderr.write(`simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    if (response.headersSent) response.destroy();
    else
      respondJson(response, 500, gatewayError('SimulatorError', 'The simulator itself failed; its console says how.'));
  });
}

async function answer(
  { world, endpoint, switches }: Desk,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === null) return;
  if (!isControl(request)) return exchange(world, endpoint, { request, response, body });
  const told = await answerControl({ world, switches, reachedBy: endpoint.name }, request, body);
  const headers = { 'content-type': told.contentType, 'content-length': String(told.body.length) };
  response.writeHead(told.status, headers).end(told.body, told.afterwards);
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
