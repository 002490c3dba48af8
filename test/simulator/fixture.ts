/** Simulators that close themselves after their test, stock clients for them, and calls that show bytes. */
import { type IncomingHttpHeaders, request } from 'node:http';
import OpenAI, { AzureOpenAI } from 'openai';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/domain/clock.ts';
import {
  defaultFleet,
  type SimulatedEndpoint,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../src/simulator/server.ts';

export interface Stage {
  readonly simulator: Simulator;
  readonly a: SimulatedEndpoint;
  readonly b: SimulatedEndpoint;
  /** Dated paths and `api-key`. */
  readonly azure: AzureOpenAI;
  /** `/openai/v1` and a bearer key. */
  readonly v1: OpenAI;
}

export async function simulate(options: Partial<SimulatorOptions> = {}): Promise<Stage> {
  const simulator = await startSimulator({ endpoints: defaultFleet(), ...options });
  onTestFinished(() => simulator.close());
  const [a, b = a] = simulator.endpoints;
  if (!a || !b) throw new Error('a fleet has at least one endpoint');
  return { simulator, a, b, azure: azureClient(a), v1: v1Client(a) };
}

export function azureClient({ url, apiKey }: SimulatedEndpoint, apiVersion = '2025-04-01-preview'): AzureOpenAI {
  return new AzureOpenAI({ endpoint: url, apiKey, apiVersion, maxRetries: 0 });
}

export function v1Client({ url, apiKey }: SimulatedEndpoint): OpenAI {
  return new OpenAI({ baseURL: `${url}/openai/v1`, apiKey, maxRetries: 0 });
}

export const QUESTION = { model: 'gpt-4.1', messages: [{ role: 'user' as const, content: 'How tall is the house?' }] };
export const STREAMED = { ...QUESTION, stream: true as const };

export interface RawAnswer {
  /** 0 where no headers came. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
  /** How it ended: in good order, early in good order, with an error code, or not at all. */
  readonly ended: 'complete' | 'cut' | 'silent' | (string & {});
}

export interface RawCall {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Sends no key of its own. */
  readonly bare?: boolean;
  /** How long no headers may come before the call is given up. */
  readonly headPatienceMs?: number;
  /** How long nothing more may come after the headers. */
  readonly patienceMs?: number;
}

export function call(
  endpoint: SimulatedEndpoint,
  path: string,
  { method, headers, body, bare = false, headPatienceMs = 5_000, patienceMs = 5_000 }: RawCall = {},
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let status = 0;
    let seen: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    const finish = (ended: string) => {
      const bytes = Buffer.concat(chunks);
      resolve({ status, headers: seen, body: bytes.toString('utf8'), bytes, ended });
      sent.destroy();
    };
    const sent = request(endpoint.url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(bare ? {} : { 'api-key': endpoint.apiKey }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      timeout: headPatienceMs,
      agent: false,
    });
    sent.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    sent.on('timeout', () => finish('silent'));
    sent.on('response', (response) => {
      status = response.statusCode ?? 0;
      seen = response.headers;
      sent.setTimeout(patienceMs);
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => finish('complete'));
      response.on('error', (error: NodeJS.ErrnoException) =>
        finish(error.message === 'aborted' ? 'cut' : (error.code ?? error.message)),
      );
    });
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

export const CHAT_PATH = '/openai/v1/chat/completions';

export function chatRaw(
  endpoint: SimulatedEndpoint,
  body: unknown = QUESTION,
  options: RawCall = {},
): Promise<RawAnswer> {
  return call(endpoint, CHAT_PATH, { ...options, body });
}

/** The parsed `data:` lines of a stream; `[DONE]` stays a text. */
export function eventsIn(body: string): Record<string, unknown>[] {
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>);
}

export function contentEventsIn(body: string): number {
  return body.match(/"delta":\{"content":"[^"]/g)?.length ?? 0;
}

/** A clock that stands still until it is told; what waits on it waits for the telling. */
export function manualClock(startsAt = 1_800_000_000_000): Clock & { advance: (ms: number) => void } {
  let now = startsAt;
  const waiting = new Set<{ at: number; fn: () => void }>();
  return {
    now: () => now,
    monotonicMs: () => now,
    after(delayMs, fn) {
      const entry = { at: now + delayMs, fn };
      waiting.add(entry);
      return () => waiting.delete(entry);
    },
    advance(ms) {
      now += ms;
      for (const entry of [...waiting]) {
        if (entry.at > now) continue;
        waiting.delete(entry);
        entry.fn();
      }
    },
  };
}
