/** The HTTP client of the control plane. Every way in which asking can go wrong becomes a `Failure` that says what to do. */
import { clean, EXIT, Failure, type FailureParts, wrongUsage } from './failure.ts';

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Percent-encoded, beginning with `/router/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Gives it up. */
  readonly signal?: AbortSignal;
}

export interface ControlPlane {
  readonly url: string;
  /** The answer's JSON. What it is like the caller knows; what does not fit shows when it is read. */
  ask<Answer>(question: Question): Promise<Answer>;
  /** The answer as it came. */
  askText(question: Question): Promise<string>;
}

export interface Connection {
  readonly url: string;
  readonly key: string | null;
  readonly timeoutMs: number;
  readonly send: (url: string, init: RequestInit) => Promise<Response>;
}

export function createControlPlane(connection: Connection): ControlPlane {
  const askText = async (question: Question): Promise<string> => {
    const { response, text } = await exchange(connection, question);
    if (response.status < 300) return text;
    throw refusal(connection, question, { status: response.status, text, location: response.headers.get('location') });
  };
  return {
    url: connection.url,
    askText,
    async ask<Answer>(question: Question) {
      const text = await askText(question);
      const json = jsonIn(text);
      if (typeof json === 'object' && json !== null) return json as Answer;
      throw notARouter(connection, JSON.stringify(text.slice(0, 60)));
    },
  };
}

/** A name as a part of a path. */
export function inPath(name: string): string {
  // Addresses are tidied up before they are sent, and nothing keeps these two in them.
  if (name === '.' || name === '..') throw wrongUsage(`"${name}" cannot be asked for by its name.`);
  return encodeURIComponent(name.toWellFormed());
}

async function exchange(connection: Connection, question: Question) {
  const { url, key, timeoutMs, send } = connection;
  const init: RequestInit = {
    method: question.method ?? 'GET',
    headers: { accept: 'application/json', ...(key === null ? {} : { 'api-key': key }) },
    body: question.body === undefined ? null : JSON.stringify(question.body),
    // The key is for this address alone.
    redirect: 'manual',
    signal: AbortSignal.any([
      AbortSignal.timeout(timeoutMs),
      ...(question.signal === undefined ? [] : [question.signal]),
    ]),
  };
  try {
    const response = await send(addressOf(url, question), init);
    return { response, text: await response.text() };
  } catch (error) {
    throw unreachable(connection, error);
  }
}

function addressOf(url: string, { path, query = {} }: Question): string {
  const asked = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return url + path + (asked.length === 0 ? '' : `?${new URLSearchParams(asked).toString()}`);
}

const CONNECTION_FAULTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no machine of that name',
  EAI_AGAIN: 'its name cannot be looked up just now',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  EHOSTUNREACH: 'there is no way to that machine',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'the machine does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'the machine does not answer',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function unreachable({ url, timeoutMs }: Connection, error: unknown): Failure {
  if (error instanceof Error && error.name === 'TimeoutError') {
    const problem = `The router at ${url} has not answered within ${timeoutMs / 1_000} s.`;
    return new Failure(
      { exit: EXIT.unreachable, problem, attempt: '--timeout with more seconds, or look whether it is busy' },
      error,
    );
  }
  const code = codeOf(error);
  const why = CONNECTION_FAULTS[code] ?? (code === '' ? messageOf(error) : code);
  return new Failure(
    {
      exit: EXIT.unreachable,
      problem: `No router can be reached at ${url}: ${why}.`,
      attempt: 'openai-router start, or --url (ROUTER_URL) with the address of one that runs',
    },
    error,
  );
}

/** The innermost: what `fetch` itself says is that it failed. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the request failed';
  return error.cause instanceof Error ? messageOf(error.cause) : clean(error.message);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return codeOf(error.cause);
}

interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly location: string | null;
}

function refusal(connection: Connection, question: Question, { status, text, location }: Refusal): Failure {
  const where = `${question.method ?? 'GET'} ${connection.url}${question.path} answered ${status}`;
  if (status < 400) {
    const problem = `What answers at ${connection.url} sends its callers elsewhere.`;
    const attempt = '--url with the address of the router itself';
    return new Failure({
      exit: EXIT.unreachable,
      problem,
      where,
      ...(location === null ? {} : { found: location }),
      attempt,
    });
  }
  const message = messageIn(text);
  if (message === null) return notARouter(connection, `status ${status}`);
  return new Failure({ exit: exitFor(status), problem: message, where, ...hintFor(connection, status), answer: text });
}

function exitFor(status: number) {
  return status === 401 || status === 403 ? EXIT.notAllowed : EXIT.no;
}

function hintFor({ key }: Connection, status: number): Partial<FailureParts> {
  if (status === 401 || status === 403) {
    const found = key === null ? 'no key' : 'a key that does not open the control plane';
    return {
      found,
      attempt: 'set ROUTER_ADMIN_KEY to the admin key of that router, or --key - to hand it in on stdin',
    };
  }
  if (status === 429) return { attempt: 'again in a minute' };
  return status === 503 ? { attempt: 'openai-router status, which says how the store does; then again' } : {};
}

function notARouter({ url }: Connection, found: string): Failure {
  return new Failure({
    exit: EXIT.unreachable,
    problem: `What answers at ${url} does not speak like a router.`,
    found,
    attempt: '--url (ROUTER_URL) with the address of a router',
  });
}

/** Of OpenAI's error shape. */
function messageIn(text: string): string | null {
  const json = jsonIn(text);
  if (typeof json !== 'object' || json === null || !('error' in json)) return null;
  const { error } = json;
  if (typeof error !== 'object' || error === null || !('message' in error)) return null;
  return typeof error.message === 'string' ? clean(error.message) : null;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
