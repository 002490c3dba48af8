import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ADMIN_KEY } from '../harness/operator.ts';
import { ask, exchange, QUESTION } from '../harness/raw.ts';
import { fleet, startRouter } from '../harness/router.ts';
import { json, startUpstream } from '../harness/upstream.ts';
import { differences, faultsOf, OPERATIONS } from '../http/openapi/conforming.ts';

const RUNS = 600;
/** Far beyond the deadline that the router has here. */
const HANGS_AFTER_MS = 5_000;
const CONFIG = {
  timeouts: { deadlineMs: 300 },
  limits: { bodyMb: 0.05, headerCount: 40, headerKb: 8 },
  tiers: { premium: { chain: ['gpt-4.1'] } },
  agents: { homes: { ada: 'A/gpt-4.1' } },
  // Refused credentials are to be refused one by one, not all together.
  auth: { failuresPerMinute: 1_000_000 },
};

const NAMES = ['gpt-4.1', 'A%2Fgpt-4.1', 'A/gpt-4.1', 'auto', 'premium', 'ada', 'nope', '', '%', '%E0%A4', '%00', '..'];
const ODD = ['__proto__', 'constructor', '%2e%2e', '\u{1f600}', 'ä', '\\', 'a b', ';', '{x}', '*', 'x'.repeat(9_000)];

const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES) }, fc.constantFrom(...ODD), fc.string());
const deep = (depth: number): string => `${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`;
const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(null, true, '', -1, 0, 1.5, 1e308, Number.MAX_SAFE_INTEGER, '\ud800', '__proto__', [], {}, [[]]),
  fc.constantFrom('A/gpt-4.1', 'gpt-4.1', ['A/gpt-4.1'], '2100-01-01T00:00:00Z', { role: 'user' }),
);

const BODIES: readonly Readonly<Record<string, unknown>>[] = [
  { ...QUESTION, stream: true, stream_options: { include_usage: true }, max_tokens: 5 },
  { model: 'gpt-4.1', input: 'x', previous_response_id: 'resp_1' },
  { account: 'acme', plan: null, agent: 'ada', creator: 'c', operation: 'o', pools: ['gpt-4.1'], expiresAt: null },
  { deployment: 'A/gpt-4.1', pinned: true },
  { path: '/v1/chat/completions', headers: { 'x-agent-name': 'ada' }, body: QUESTION },
  { deployments: ['A/gpt-4.1'], completion: true, record: true },
];

/** A valid body with members changed, taken away or added. */
const mutated = fc
  .tuple(fc.constantFrom(...BODIES), fc.array(fc.tuple(fc.nat(8), fc.option(value), fc.boolean()), { maxLength: 3 }))
  .map(([body, changes]) => {
    const members = new Map(Object.entries(body));
    for (const [at, changed, isNew] of changes) {
      const member = isNew ? `extra${at}` : ([...members.keys()][at % Math.max(1, members.size)] ?? 'x');
      if (changed === null) members.delete(member);
      else members.set(member, changed);
    }
    return Buffer.from(JSON.stringify(Object.fromEntries(members)));
  });

const spoilt = fc.tuple(mutated, fc.nat(), fc.uint8Array({ maxLength: 6 })).map(([body, at, bytes]) => {
  const place = at % (body.length + 1);
  return Buffer.concat([body.subarray(0, place), bytes, body.subarray(place + (at % 3))]);
});

const body = fc.oneof(
  { weight: 6, arbitrary: mutated },
  { weight: 3, arbitrary: spoilt },
  { weight: 2, arbitrary: fc.constant(Buffer.alloc(0)) },
  value.map((json) => Buffer.from(JSON.stringify(json))),
  fc.nat(3_000).map((depth) => Buffer.from(`{"model":"gpt-4.1","x":${deep(depth)}}`)),
  fc.constantFrom(
    ...['1e999', '-0', `{"n":${'9'.repeat(500)}}`, '{"model":"gpt-4.1","model":4}'].map((text) => Buffer.from(text)),
  ),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constant(Buffer.alloc(60_000, 0x20)),
);

/** What would end the line makes another request of it. */
const sent = (target: string): string => target.replace(/[\r\n\0 ]/g, '');

const path = fc
  .tuple(
    fc.constantFrom(...OPERATIONS.map((operation) => operation.path)),
    name,
    fc.constantFrom('', '', '', '', '/', '//', '/x', '%', '/..', '/../..', '.json', '/drain', '?'),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('') },
      fc.webQueryParameters().map((query) => `?${query}`),
      name.map((one) => `?since=${one}&limit=${one}&by=${one}&from=${one}&format=${one}&api-version=${one}`),
    ),
  )
  .map(([template, filling, tail, query]) => sent(template.replace(/\{\w+\}/, () => filling) + tail + query));

const HEADERS = [
  'x-agent-name',
  'x-creator',
  'x-operation',
  'x-router-tier',
  'x-router-failover',
  'x-router-on-break',
  'x-router-cache',
  'content-type',
  'content-encoding',
  'accept-encoding',
  'if-none-match',
  'authorization',
  'cookie',
  'expect',
  'x-forwarded-for',
  'x-ms-invocation-id',
];
const VALUES = [
  '',
  'on',
  'off',
  'premium',
  'gold',
  'gzip',
  'gzip;q=x',
  '*',
  'W/"',
  'multipart/form-data; boundary=',
  'Bearer ',
  '100-continue',
  'ä',
  'x'.repeat(10_000),
];

const headers = fc.array(fc.tuple(fc.constantFrom(...HEADERS), fc.oneof(fc.constantFrom(...VALUES), fc.string())), {
  maxLength: 5,
});

const call = fc.record({
  method: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'POST', 'PUT', 'DELETE', 'HEAD') },
    fc.constantFrom('PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'get', 'X'),
  ),
  path,
  headers,
  body,
  key: fc.oneof({ weight: 9, arbitrary: fc.constant(ADMIN_KEY) }, fc.constantFrom('', 'x', 'sk-1')),
  /** How many bytes are said to come, beyond those that do. */
  missing: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, fc.nat(3)),
});

type Call = Parameters<Parameters<typeof call.map>[0]>[0];

function bytesOf(one: Call): Buffer {
  const fields = one.headers.map(([field, text]) => `${field}: ${text.replace(/[\r\n\0]/g, '')}\r\n`).join('');
  const head =
    `${one.method} ${one.path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\napi-key: ${one.key}\r\n` +
    `${fields}content-length: ${one.body.length + one.missing}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), one.body]);
}

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** A deployment's own answer: whatever it says, it is passed on. */
  readonly isPassedOn: boolean;
}

async function replyTo(url: string, one: Call): Promise<Reply> {
  const hung = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('no answer')), HANGS_AFTER_MS).unref();
  });
  const whole = await Promise.race([exchange(url, bytesOf(one)), hung]);
  const answer = whole.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  const end = answer.indexOf('\r\n\r\n');
  const head = answer.slice(0, end);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0),
    type: /\r\ncontent-type: ([^\r]+)/i.exec(head)?.[1] ?? '',
    text: Buffer.from(answer.slice(end + 4), 'latin1').toString('utf8'),
    isPassedOn: /\r\nx-router-deployment: /i.test(head),
  };
}

const ERROR = { $ref: '#/components/schemas/Error' };

/** What the router may have meant: all that the document has under this path and method. */
function describedBy(method: string, target: string): string[] {
  const [asked = ''] = target.split('?', 1);
  return OPERATIONS.filter(({ path: template, method: known }) => {
    const pattern = template.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+');
    return known === method && new RegExp(`^${pattern}$`).test(asked);
  }).map(({ described }) => described.operationId);
}

function check(one: Call, { status, type, text, isPassedOn }: Reply): void {
  expect(status).toBeGreaterThanOrEqual(200);
  // A missing file is told to a browser.
  const isFile = one.path.startsWith('/router/assets/') && type.startsWith('text/plain');
  const isBare = one.method === 'HEAD' || status === 304 || isPassedOn || isFile;
  // These say more beside the message; their description is held to below.
  const saysMore = one.path.startsWith('/router/generate/');
  if (status >= 400 && !isBare && !saysMore) expect(faultsOf(JSON.parse(text), ERROR)).toEqual([]);
  // An operator's drain, which this may hit upon, leaves nobody to serve.
  if (status >= 500 && !isBare)
    expect([status, text]).toEqual([503, expect.stringContaining('no_deployment_available')]);
  if (isBare) expect(status === 503 || status < 500).toBe(true);
  const ids = isBare || status === 431 ? [] : describedBy(one.method, one.path);
  for (const id of ids.slice(0, 1)) expect(differences(id, { status, type, text })).toEqual([]);
}

it(`answers whatever comes in OpenAI's shape, without a fault and without hanging`, { timeout: 120_000 }, async () => {
  await using upstream = await startUpstream(
    json(200, { model: 'gpt-4.1', usage: { prompt_tokens: 1, total_tokens: 1 } }),
  );
  await using router = await startRouter(fleet([upstream.url, upstream.url], CONFIG), {
    adminKey: ADMIN_KEY,
    loopbackOnly: false,
  });
  // Until its store is open, a quarter of a second after the start, operators' changes are refused with 503.
  const restore = { method: 'POST', path: '/router/deployments/A%2Fgpt-4.1/restore' };
  const admin = [['api-key', ADMIN_KEY]] as const;
  await expect.poll(async () => (await ask(router.url, { ...restore, headers: admin })).status).toBe(200);
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(call, async (one) => {
      const reply = await replyTo(router.url, one);
      seen.set(reply.status, (seen.get(reply.status) ?? 0) + 1);
      check(one, reply);
    }),
    { numRuns: RUNS },
  );
  expect(router.log.filter((line) => line.includes('The router failed'))).toEqual([]);
  expect((await ask(router.url, { path: '/healthz' })).status).toBe(200);
  // Else it would have been refused at the door each time.
  for (const status of [200, 400, 401, 404, 405]) expect([status, seen.get(status) ?? 0]).not.toEqual([status, 0]);
});
