/** A control plane that answers what the script says, and remembers what it was asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Line {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text as it is. */
  readonly body: unknown;
}

/** `GET /router/status` → the answer; or one for whatever is asked. */
export type Script = Readonly<Record<string, Line>> | Line;

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly key: string | undefined;
  readonly body: unknown;
}

export interface Scripted extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
}

export async function scripted(script: Script): Promise<Scripted> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '' } = request;
      const text = Buffer.concat(chunks).toString();
      const key = request.headers['api-key'];
      asked.push({
        method,
        url,
        key: String(key ?? '') || undefined,
        body: text === '' ? null : (JSON.parse(text) as unknown),
      });
      const line = 'body' in script ? (script as Line) : lineFor(script, `${method} ${url}`);
      response.writeHead(line.status ?? 200, { 'content-type': 'application/json', ...line.headers });
      response.end(typeof line.body === 'string' ? line.body : JSON.stringify(line.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function lineFor(script: Readonly<Record<string, Line>>, question: string): Line {
  const found = script[question] ?? script[question.split('?', 1)[0] ?? ''];
  return (
    found ?? {
      status: 404,
      body: {
        error: {
          message: `There is nothing at ${question}.`,
          type: 'invalid_request_error',
          code: 'invalid_request',
          param: null,
        },
      },
    }
  );
}
