/** A caller without opinions: it sends the very path, headers and bytes it is given, and shows the very bytes it got. */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request as open } from 'node:http';
import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly text: string;
  /** False where the connection broke before the answer's end. */
  readonly whole: boolean;
}

export interface RawCall {
  readonly method?: string;
  readonly path?: string;
  /** Names may come several times. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** An object is sent as JSON. */
  readonly body?: Buffer | string | object;
  readonly agent?: Agent;
}

export const CHAT = '/openai/v1/chat/completions';
export const DATED_CHAT = '/openai/deployments/gpt-4.1/chat/completions?api-version=2024-10-21';
export const QUESTION = { model: 'gpt-4.1', messages: [{ role: 'user', content: 'How tall is the house?' }] };
export const STREAMED = { ...QUESTION, stream: true };

export async function ask(url: string, call: RawCall = {}): Promise<RawAnswer> {
  const answer = await begin(url, call);
  const chunks: Buffer[] = [];
  const whole = await new Promise<boolean>((resolve) => {
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('error', () => resolve(false));
    answer.on('close', () => resolve(answer.complete));
  });
  const body = Buffer.concat(chunks);
  const { statusCode = 0, headers, rawHeaders } = answer;
  return { status: statusCode, headers, rawHeaders, body, text: body.toString('utf8'), whole };
}

/** Resolves with the answer's head; its body is the test's to read, or to leave. */
export function begin(
  url: string,
  { method, path = CHAT, headers = [], body, agent }: RawCall = {},
): Promise<IncomingMessage> {
  const bytes = toBytes(body);
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const list = headers.flat();
    const has = (wanted: string): boolean => headers.some(([name]) => name.toLowerCase() === wanted);
    if (bytes !== null && !has('content-type')) list.push('content-type', 'application/json');
    if (bytes !== null && !has('content-length') && !has('transfer-encoding'))
      list.push('content-length', String(bytes.length));
    if (!has('host')) list.push('host', `${hostname}:${port}`);
    const sent = open({
      host: hostname,
      port,
      path,
      method: method ?? (bytes === null ? 'GET' : 'POST'),
      headers: list,
      agent: agent ?? false,
    });
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end(bytes ?? undefined);
  });
}

function toBytes(body: RawCall['body']): Buffer | null {
  if (body === undefined) return null;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Bytes on a bare connection, and all that comes back until the other side closes it. */
export function exchange(url: string, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

/** Connections that are used again, for many requests in a row; closed with the test. */
export function keepAlive(maxSockets = 1): Agent & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets });
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() });
}

export interface SentEvent {
  readonly event: string | null;
  readonly data: string | null;
  readonly comments: readonly string[];
}

/** The events of a stream by the letter of the standard; throws where it does not end on an event's boundary. */
export function eventsOf(text: string): SentEvent[] {
  const lines = text.split(/\r\n|\n|\r/);
  if (text !== '' && (lines.at(-1) !== '' || lines.at(-2) !== ''))
    throw new Error(`the stream ends inside an event: ${JSON.stringify(text.slice(-80))}`);
  const events: SentEvent[] = [];
  let open: string[] = [];
  for (const line of lines) {
    if (line !== '') open.push(line);
    else if (open.length > 0) {
      events.push(eventFrom(open));
      open = [];
    }
  }
  return events;
}

function eventFrom(lines: readonly string[]): SentEvent {
  const values = (field: string): string[] =>
    lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''));
  const data = values('data');
  return {
    event: values('event').at(-1) ?? null,
    data: data.length === 0 ? null : data.join('\n'),
    comments: values(''),
  };
}

/** What the events say, as JSON; `[DONE]` and comments left out. */
export function payloadsOf(text: string): Record<string, unknown>[] {
  return eventsOf(text).flatMap(({ data }) =>
    data === null || data === '[DONE]' ? [] : [JSON.parse(data) as Record<string, unknown>],
  );
}

/** The text that a chat stream's chunks add up to. */
export function contentOf(text: string): string {
  const choices = payloadsOf(text).flatMap(
    (payload) => (payload['choices'] as { delta?: { content?: string } }[] | undefined) ?? [],
  );
  return choices.map(({ delta }) => delta?.content ?? '').join('');
}
