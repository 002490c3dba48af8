/** The ports of the endpoints, each opened and closed on its own. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export const LOOPBACK = '127.0.0.1';

export interface Switches {
  /** Closes the endpoint's port, cutting its connections: further ones are refused. */
  readonly stop: (endpoint: string) => Promise<void>;
  /** Opens the port again. */
  readonly start: (endpoint: string) => Promise<void>;
}

export interface Listeners extends Switches {
  readonly open: (endpoint: string, port: number, listener: RequestListener) => Promise<{ port: number; url: string }>;
  readonly close: () => Promise<void>;
}

export function createListeners(host: string): Listeners {
  const servers = new Map<string, { server: Server; port: number }>();
  const named = (name: string) => {
    const found = servers.get(name);
    if (found) return found;
    throw new RangeError(`There is no endpoint "${name}"; there are ${[...servers.keys()].join(', ')}.`);
  };
  return {
    async open(name, port, listener) {
      const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, listener);
      await listen(server, port, host);
      const bound = (server.address() as AddressInfo).port;
      servers.set(name, { server, port: bound });
      return { port: bound, url: `http://${reachable(host)}:${bound}` };
    },
    stop: async (name) => shut(named(name).server),
    async start(name) {
      const { server, port } = named(name);
      if (!server.listening) await listen(server, port, host);
    },
    async close() {
      await Promise.all([...servers.values()].map(({ server }) => shut(server)));
    },
  };
}

/** The host as a caller on this machine writes it. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return LOOPBACK;
  return host.includes(':') ? `[${host}]` : host;
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
