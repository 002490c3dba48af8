/** A client that speaks in bytes, for what no HTTP client would send. */
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawClient {
  write(text: string | Buffer): void;
  /** All that came so far. */
  readonly text: string;
  /** Waits until what came holds this. */
  until(part: string | RegExp): Promise<string>;
  /** Waits until the server has closed, and answers all that came. */
  readonly closed: Promise<string>;
  destroy(): void;
}

export async function rawClient(url: string): Promise<RawClient> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let text = '';
  let check: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    check();
  });
  const closed = new Promise<string>((resolve) => socket.on('error', () => undefined).on('close', () => resolve(text)));
  onTestFinished(() => void socket.destroy());
  return {
    write: (part) => void socket.write(part),
    get text() {
      return text;
    },
    until: (part) =>
      new Promise((resolve, reject) => {
        check = () => {
          if (typeof part === 'string' ? text.includes(part) : part.test(text)) resolve(text);
        };
        void closed.then(() => reject(new Error(`closed after: ${text}`)));
        check();
      }),
    closed,
    destroy: () => void socket.destroy(),
  };
}

/** The answers in what came, head and body taken apart; bodies by their content-length. */
export function answersIn(text: string): { status: number; head: string; body: string }[] {
  const answers: { status: number; head: string; body: string }[] = [];
  let rest = text;
  while (rest.startsWith('HTTP/1.1 ')) {
    const end = rest.indexOf('\r\n\r\n') + 4;
    const head = rest.slice(0, end).toLowerCase();
    const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
    answers.push({ status: Number(head.slice(9, 12)), head, body: rest.slice(end, end + length) });
    rest = rest.slice(end + length);
  }
  return answers;
}
