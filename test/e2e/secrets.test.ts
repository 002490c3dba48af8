/** A router that has done everything there is; whatever it has written anywhere is searched for what it must not tell. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { HttpClient, InsightsOptions } from '../../src/telemetry/insights/parts.ts';
import { type Canary, foundIn } from '../harness/canaries.ts';
import { runEmulator } from '../harness/emulator.ts';
import {
  COMPLETION,
  ENDPOINT_KEYS,
  everything,
  HEADER,
  PROMPT,
  QUERY,
  type Run,
  type Seen,
  STORE_KEY,
} from '../harness/everything.ts';
import { errorIn } from '../harness/operator.ts';
import { Ingestion } from '../telemetry/insights/ingestion.ts';

const captured = vi.hoisted(() => ({ httpClient: null as HttpClient | null }));

/** As composed, but for whom it is sent to. */
vi.mock('../../src/telemetry/insights/connect.ts', async (original) => {
  const real = await original<typeof import('../../src/telemetry/insights/connect.ts')>();
  const connectInsights = (options: InsightsOptions) => {
    const { httpClient } = captured;
    return real.connectInsights(httpClient === null ? options : { ...options, httpClient, storageDirectory: null });
  };
  return { ...real, connectInsights };
});

/** A fault of the router's own, whose message quotes all there is. */
vi.mock('../../src/relay/reserve.ts', async (original) => {
  const real = await original<typeof import('../../src/relay/reserve.ts')>();
  const askFor: typeof real.askFor = (config, prices, call) => {
    const { payload } = call;
    const text = payload.kind === 'none' ? '' : payload.bytes.toString();
    if (text.includes('[[own fault]]')) throw new TypeError(`${text} ${call.headers.join(' ')}`);
    return real.askFor(config, prices, call);
  };
  return { ...real, askFor };
});

const CONVERSATION = [PROMPT, COMPLETION, HEADER, QUERY];

let run: Run;
let secrets: readonly Canary[];
const ingestion = new Ingestion();

beforeAll(async () => {
  captured.httpClient = ingestion.httpClient;
  await using emulator = await runEmulator();
  run = await everything(emulator);
  secrets = [...run.credentials, ...ENDPOINT_KEYS, STORE_KEY];
}, 60_000);

describe('after a run with everything switched on', () => {
  it('all kinds of ends have been met, in the answers and in the log', () => {
    const statuses = new Set(run.seen.map(({ status }) => status));
    expect([...statuses].sort((one, other) => one - other)).toEqual([200, 400, 401, 403, 404, 429, 500, 502, 503, 504]);
    const messages = new Set(run.log.map((line) => (JSON.parse(line) as { message: string }).message));
    for (const message of [
      'Request successful',
      'Request refused',
      'Request failed',
      'Filtered',
      'Stream broke',
      'Rate limit hit (429)',
      'Retrying with fallback backend',
      'Deployment failed',
      'Deployment is misconfigured',
      'Credentials refused',
      'Breaker opened',
      'Agent moved',
      'Deployment drained',
      'The router failed',
    ]) {
      expect(messages).toContain(message);
    }
    const codes = run.seen.flatMap((answer) =>
      answer.status === 200 || answer.text === '' ? [] : [errorIn(answer).code],
    );
    expect(run.seen.some(({ headers }) => headers['x-router-cache'] === 'hit')).toBe(true);
    expect(codes).toEqual(expect.arrayContaining(['quota_exceeded', 'deadline_exceeded', 'no_deployment_available']));
  });

  it('no line of the log tells a secret or a word of a conversation', () => {
    const lines = run.log.map((line): [string, string] => ['the log', line]);
    expect(lines.length).toBeGreaterThan(50);
    expect(foundIn(lines, [...CONVERSATION, ...secrets])).toEqual([]);
  });

  it('no row of any table tells one', () => {
    const texts = [...run.rows].flatMap(([table, rows]) =>
      rows.map((row): [string, string] => [table, JSON.stringify(row)]),
    );
    const filled = [...run.rows].filter(([, rows]) => rows.length > 0).map(([table]) => table);
    expect(filled).toEqual(
      expect.arrayContaining(['deployments', 'assignments', 'quota', 'usage', 'keys', 'affinity', 'events']),
    );
    expect(foundIn(texts, [...CONVERSATION, ...secrets])).toEqual([]);
  });

  it('no envelope to Application Insights tells one', () => {
    const events = ingestion.events.map(({ name }) => name);
    expect(ingestion.envelopes.length).toBeGreaterThan(30);
    expect(events).toEqual(expect.arrayContaining(['opened', 'agentMoved', 'fault', 'drained']));
    const texts = ingestion.requests.map(({ url, text }): [string, string] => ['an envelope', `${url} ${text}`]);
    expect(foundIn(texts, [...CONVERSATION, ...secrets])).toEqual([]);
  });

  it('no header of an answer tells one', () => {
    const texts = run.seen.map((answer): [string, string] => [answer.of, answer.rawHeaders.join('\n')]);
    expect(foundIn(texts, [...CONVERSATION, ...secrets])).toEqual([]);
  });

  it('no body tells a key, but the one of the answer that made it', () => {
    const texts = run.seen
      .filter(({ carries }) => carries !== 'key')
      .map((answer): [string, string] => [`${answer.of} ${answer.status}`, answer.text]);
    expect(foundIn(texts, secrets)).toEqual([]);
  });

  it('no body of the router’s own repeats a conversation: errors, the control plane, explanations', () => {
    const own = run.seen.filter((answer) => answer.carries === 'nothing' || isOwnError(answer));
    expect(own.length).toBeGreaterThan(40);
    const texts = own.map((answer): [string, string] => [`${answer.of} ${answer.status}`, answer.text]);
    expect(foundIn(texts, CONVERSATION)).toEqual([]);
  });

  it('what callers showed went to no endpoint, and each endpoint was shown its own key alone', () => {
    for (const [at, requests] of run.received.entries()) {
      expect(requests.length).toBeGreaterThan(10);
      const own = ENDPOINT_KEYS[at]!;
      const texts = requests.map(({ url, rawHeaders, body }): [string, string] => [
        `a request to ${own.name} at ${url}`,
        `${url}\n${rawHeaders.join('\n')}\n${body.toString('latin1')}`,
      ]);
      expect(foundIn(texts, [...secrets.filter(({ text }) => text !== own.text), QUERY])).toEqual([]);
      for (const { headers } of requests) {
        expect([headers['api-key'], headers.authorization, headers.cookie]).toEqual([own.text, undefined, undefined]);
      }
    }
  });

  it('all that was looked for had been there to be found', () => {
    const requests = run.received.flat();
    // A caller's own headers travel.
    expect(requests.some(({ headers }) => headers['x-custom'] === HEADER.text)).toBe(true);
    expect(requests.some(({ body }) => body.includes(PROMPT.text))).toBe(true);
    expect(run.seen.some(({ text }) => text.includes(COMPLETION.text))).toBe(true);
    const shownOnce = run.seen
      .filter(({ carries }) => carries === 'key')
      .map(({ text }): [string, string] => ['', text]);
    expect(foundIn(shownOnce, run.credentials)).toHaveLength(3);
  });
});

const OWN_CODES = ['quota_exceeded', 'no_deployment_available', 'deadline_exceeded', 'upstream_failed', 'internal'];

function isOwnError(answer: Seen): boolean {
  return answer.status >= 400 && answer.text !== '' && OWN_CODES.includes(errorIn(answer).code);
}
