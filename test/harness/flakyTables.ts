/** The storage emulator behind a proxy that is as bad as networks and busy services are, on demand. */
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type RunningEmulator, runEmulator } from './emulator.ts';

export const TABLE_FAULTS = ['refuse', 'reset', 'hang', 'slow', 'busy', 'conflict'] as const;
/**
 * `refuse`: nobody listens. `reset`: each connection breaks. `hang`: no answer, ever. `slow`: each answer comes two seconds late.
 * `busy`: the service asks for slower calls. `conflict`: somebody else is always first.
 */
export type TableFault = (typeof TABLE_FAULTS)[number];

export interface FlakyTables extends AsyncDisposable {
  readonly connectionString: string;
  /** Calls that have come so far, whatever became of them. */
  readonly calls: number;
  become(fault: TableFault | 'well'): Promise<void>;
}

const LATE_MS = 2_000;
const BUSY = JSON.stringify({
  'odata.error': { code: 'ServerBusy', message: { lang: 'en-US', value: 'The server is busy.' } },
});
const CONFLICT = JSON.stringify({
  'odata.error': { code: 'UpdateConditionNotSatisfied', message: { lang: 'en-US', value: 'Somebody was first.' } },
});

export async function startFlakyTables(): Promise<FlakyTables> {
  const emulator = await runEmulator();
  const proxy = new TablesProxy(emulator);
  await proxy.listen(0);
  const { connectionString } = emulator;
  return {
    connectionString: connectionString.replace(new URL(emulator.url).host, `127.0.0.1:${proxy.port}`),
    get calls() {
      return proxy.calls;
    },
    become: (fault) => proxy.become(fault),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await emulator[Symbol.asyncDispose]();
    },
  };
}

class TablesProxy {
  readonly #target: URL;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #fault: TableFault | 'well' = 'well';
  port = 0;
  calls = 0;

  constructor({ url }: RunningEmulator) {
    this.#target = new URL(url);
  }

  async become(fault: TableFault | 'well'): Promise<void> {
    this.#fault = fault;
    if (fault === 'refuse') await this.#stop();
    else if (this.#server === null) await this.listen(this.port);
  }

  async listen(port: number): Promise<void> {
    const server = createServer((incoming, answer) => this.#answer(incoming, answer));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await this.#stop();
    this.#agent.destroy();
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #answer(incoming: IncomingMessage, answer: ServerResponse): void {
    this.calls++;
    switch (this.#fault) {
      case 'well':
        this.#passOn(incoming, answer, 0);
        return;
      case 'slow':
        this.#passOn(incoming, answer, LATE_MS);
        return;
      case 'reset':
        incoming.socket.resetAndDestroy();
        return;
      case 'busy':
        refuse(answer, 503, BUSY);
        return;
      case 'conflict':
        if (isConditional(incoming)) refuse(answer, 412, CONFLICT);
        else this.#passOn(incoming, answer, 0);
        return;
      // What cannot even be reached is not asked.
      case 'refuse':
      case 'hang':
        return;
      default:
        this.#fault satisfies never;
    }
  }

  #passOn(incoming: IncomingMessage, answer: ServerResponse, lateMs: number): void {
    const { method, url, headers } = incoming;
    const { hostname, port, host } = this.#target;
    const onward = { hostname, port, method, path: url, headers: { ...headers, host }, agent: this.#agent };
    const sent = request(onward, (response) => {
      const timer = setTimeout(() => {
        answer.writeHead(response.statusCode ?? 500, response.rawHeaders);
        response.pipe(answer);
      }, lateMs);
      answer.on('close', () => clearTimeout(timer));
    });
    sent.on('error', () => answer.destroy());
    incoming.pipe(sent);
  }
}

function refuse(answer: ServerResponse, status: number, body: string): void {
  answer.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  answer.end(body);
}

function isConditional({ headers }: IncomingMessage): boolean {
  const condition = headers['if-match'];
  return condition !== undefined && condition !== '*';
}
