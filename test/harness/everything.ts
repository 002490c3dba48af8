/** One run of a router with everything switched on: all that it can be asked, by everybody who may ask it and by some who may not. */
import { type Composition, compose } from '../../src/compose.ts';
import { startServer } from '../../src/server/server.ts';
import { type Row, TABLES, type Table } from '../../src/store/port.ts';
import { CONNECTION } from '../telemetry/insights/ingestion.ts';
import type { Canary } from './canaries.ts';
import type { RunningEmulator } from './emulator.ts';
import { DEPLOYMENTS, gossip } from './gossip.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { operatorOf } from './operator.ts';
import { ask, begin, CHAT, type RawAnswer, type RawCall } from './raw.ts';
import { configOf } from './router.ts';
import { type Received, startUpstream } from './upstream.ts';

export const PROMPT: Canary = { name: 'a prompt', text: 'canary-prompt: my left knee hurts since Tuesday' };
export const COMPLETION: Canary = { name: 'a completion', text: 'canary-completion: rest it and see a doctor' };
export const HEADER: Canary = { name: 'a header of the caller', text: 'canary-header-4711-value' };
export const QUERY: Canary = { name: 'a query of the caller', text: 'canary-query-0815-value' };
const NAMES = ['A', 'B'] as const;
export const ENDPOINT_KEYS: readonly Canary[] = NAMES.map((name) => ({
  name: `the key of endpoint ${name}`,
  text: `canary-endpoint-key-${name}-0123456789abcdef`,
}));
const ADMIN: Canary = { name: 'the admin key', text: 'canary-admin-key-0123456789abcdef' };
const CALLER: Canary = { name: 'the caller key of the environment', text: 'canary-caller-key-0123456789abcdef' };
const GUESS: Canary = { name: 'a key that was refused', text: 'canary-guess-0123456789abcdef' };
export const STORE_KEY: Canary = {
  name: 'the key of the store',
  text: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

const WITHIN_MS = 1_000;

function documentFor(urls: readonly string[], { entra }: Issuer): object {
  const deployments = Object.fromEntries(DEPLOYMENTS.map((name) => [name, { model: 'gpt-4.1' }]));
  const endpoints = Object.fromEntries(
    urls.map((url, at): [string, object] => [
      NAMES[at]!,
      { url, apiKey: ENDPOINT_KEYS[at]?.text, api: 'v1', deployments },
    ]),
  );
  const pools = Object.fromEntries(DEPLOYMENTS.map((name) => [name, { members: [`A/${name}`, `B/${name}`] }]));
  return {
    endpoints,
    pools,
    defaultPool: 'ok',
    tiers: { premium: { chain: ['ok'] }, economy: { chain: ['ok'] } },
    plans: { free: { tiers: ['economy'], quota: { requestsPerMinute: 500, usdPerMonth: 50 } } },
    accounts: { narrow: { quota: { requestsPerMinute: 1, tokensPerDay: 100_000 } } },
    agents: { homes: { cpt_agent: 'A/failing' }, failureThreshold: 1 },
    breaker: { failures: 1, openMs: 60_000, refreshMs: 200 },
    retries: { sameDeployment: 0 },
    timeouts: { deadlineMs: WITHIN_MS },
    auth: { entra, failuresPerMinute: 20 },
    usage: { flushMs: 1_000 },
    telemetry: { requestLog: true },
  };
}

/** An answer, and whether its body is meant to carry what was said in the conversation, or a key that was just made. */
export interface Seen extends RawAnswer {
  readonly of: string;
  readonly carries: 'conversation' | 'key' | 'nothing';
}

export interface Run {
  readonly seen: readonly Seen[];
  readonly log: readonly string[];
  readonly rows: ReadonlyMap<Table, readonly Row[]>;
  /** What endpoint A was sent, and what B. */
  readonly received: readonly (readonly Received[])[];
  /** The canaries by which callers and operators were let in. */
  readonly credentials: readonly Canary[];
}

export async function everything(emulator: RunningEmulator): Promise<Run> {
  await using issuer = await startIssuer();
  await using one = await startUpstream(gossip(COMPLETION.text, true));
  await using two = await startUpstream(gossip(COMPLETION.text, false));
  const log: string[] = [];
  const composition = composeAll(documentFor([one.url, two.url], issuer), emulator, log);
  const server = await startServer({ app: composition.app, clock: composition.clock, host: '127.0.0.1', port: 0 });
  const seen: Seen[] = [];
  const credentials = await converse(server.url, issuer, seen);
  await composition.resetFailureWindows();
  await server.drain(1_000);
  await composition.close();
  return { seen, log, rows: await rowsOn(emulator), received: [one.received, two.received], credentials };
}

function composeAll(document: object, { connectionString }: RunningEmulator, log: string[]): Composition {
  return compose({
    config: configOf(document),
    gate: { adminKey: ADMIN.text, callerKeys: [CALLER.text], loopbackOnly: false },
    storage: {
      kind: 'tables',
      isNew: false,
      connection: () => Promise.resolve({ kind: 'connectionString', text: connectionString }),
    },
    insights: { connectionString: CONNECTION, identity: null, roleName: 'router' },
    hasPlatformIdentity: false,
    log: (line) => log.push(line),
  });
}

async function rowsOn(emulator: RunningEmulator): Promise<Map<Table, readonly Row[]>> {
  const store = emulator.openStore();
  const rows = new Map<Table, readonly Row[]>();
  for (const table of TABLES) rows.set(table, (await store.list({ table, limit: 1_000 }, 5_000)).rows);
  await store.close();
  return rows;
}

function saying(model: string, more: object = {}): object {
  const messages = [
    { role: 'system', content: PROMPT.text },
    { role: 'user', content: `${PROMPT.text} [[${model}]]` },
  ];
  return { model, messages, user: PROMPT.text, metadata: { note: PROMPT.text }, ...more };
}

/** All that a router can be asked, by everybody who may ask it and by some who may not. */
async function converse(url: string, issuer: Issuer, seen: Seen[]): Promise<Canary[]> {
  const admin = operatorOf(url, ADMIN.text);
  const [token, adminToken] = [await issuer.token(), await issuer.token({ roles: ['Router.Admin'] })];
  const forged = await issuer.forged();
  const keep = (of: string, answer: RawAnswer, carries: Seen['carries'] = 'nothing'): RawAnswer => {
    seen.push({ ...answer, of, carries });
    return answer;
  };
  const made: string[] = [];
  for (const order of [{ account: 'clinic-7', plan: 'free' }, { account: 'narrow' }, { account: 'x', pools: ['ok'] }]) {
    const answer = keep('POST /router/keys', await admin.ask({ path: '/router/keys', body: order }), 'key');
    made.push((JSON.parse(answer.text) as { key: string }).key);
  }
  const [key = '', narrow = '', confined = ''] = made;
  const chat = async (
    credential: readonly [string, string],
    call: RawCall,
    carries: Seen['carries'],
  ): Promise<RawAnswer> => {
    const headers = [
      credential,
      ['x-agent-name', 'cpt_agent'],
      ['x-creator', 'maria'],
      ['x-custom', HEADER.text],
      ['cookie', `session=${HEADER.text}`],
      ...(call.headers ?? []),
    ] as const;
    const path = `${call.path ?? CHAT}?code=${QUERY.text}`;
    return keep(`${call.method ?? 'POST'} ${path}`, await ask(url, { ...call, path, headers }), carries);
  };
  const bearers = [
    ['api-key', key],
    ['Authorization', `Bearer ${key}`],
    ['api-key', CALLER.text],
    ['api-key', ADMIN.text],
    ['Authorization', `Bearer ${token}`],
    ['Authorization', `Bearer ${adminToken}`],
  ] as const;
  for (const bearer of bearers) await chat(bearer, { body: saying('ok') }, 'conversation');
  const mine = ['api-key', key] as const;
  for (const name of DEPLOYMENTS) {
    for (const more of [{}, { stream: true }, { stream: true, stream_options: { include_usage: true } }]) {
      await chat(mine, { body: saying(name, more) }, 'conversation');
    }
  }
  const breaking = saying('breaking', { stream: true });
  await chat(mine, { body: breaking, headers: [['x-router-on-break', 'restart']] }, 'conversation');
  for (let again = 0; again < 2; again++) {
    await chat(mine, { body: saying('ok', { seed: 1 }), headers: [['x-router-cache', 'on']] }, 'conversation');
  }
  const response = { model: 'ok', input: PROMPT.text };
  await chat(mine, { path: '/openai/v1/responses', body: response }, 'conversation');
  await chat(mine, { path: '/openai/v1/responses/resp_0123456789', method: 'GET' }, 'conversation');
  await chat(mine, { path: '/openai/v1/embeddings', body: { model: 'ok', input: PROMPT.text } }, 'conversation');
  await chat(mine, { path: '/openai/v1/models', method: 'GET' }, 'nothing');
  // What the router itself refuses, or fails at.
  await chat(mine, { body: saying('nowhere') }, 'nothing');
  await chat(mine, { body: `{"model":"ok","messages":["${PROMPT.text}` }, 'nothing');
  await chat(mine, { body: saying('ok [[own fault]]') }, 'nothing');
  await chat(
    mine,
    { body: saying('ok', { padding: 'x'.repeat(40) }), headers: [['x-router-tier', 'none']] },
    'nothing',
  );
  await chat(['api-key', confined], { body: saying('failing') }, 'nothing');
  for (let again = 0; again < 3; again++) await chat(['api-key', narrow], { body: saying('ok') }, 'conversation');
  const altered = `${key.slice(0, -3)}abc`;
  for (const bad of [GUESS.text, altered, forged]) {
    await chat(['api-key', bad], { body: saying('ok') }, 'nothing');
  }
  await leaveEarly(url, key);
  await control(url, keep, { key, adminToken, token });
  const shown = [key, altered, narrow, confined, token, adminToken, forged].map((text, at) => ({
    name: `credential ${at}`,
    text,
  }));
  return [...shown, ADMIN, CALLER, GUESS];
}

async function leaveEarly(url: string, key: string): Promise<void> {
  const body = saying('breaking', { stream: true });
  const answer = await begin(url, { headers: [['api-key', key]], body });
  answer.on('error', () => undefined);
  answer.destroy();
}

type Keep = (of: string, answer: RawAnswer, carries?: Seen['carries']) => RawAnswer;

async function control(
  url: string,
  keep: Keep,
  shown: { key: string; adminToken: string; token: string },
): Promise<void> {
  const admin = operatorOf(url, ADMIN.text);
  const headers = { 'api-key': shown.key, authorization: `Bearer ${shown.key}`, 'x-custom': HEADER.text };
  const explain = { path: `${CHAT}?code=${QUERY.text}`, headers, body: saying('failing') };
  const calls: readonly RawCall[] = [
    ...['status', 'deployments', 'pools', 'agents', 'failovers', 'keys', 'quotas'].map((name) => ({
      path: `/router/${name}`,
    })),
    { path: '/router/usage?by=creator,model,operation,account,agent,day' },
    { path: '/router/usage?by=account&format=csv' },
    { path: '/' },
    { path: '/readyz' },
    { path: '/router/overview' },
    { path: '/router/probe', body: { deployments: ['A/ok', 'B/refusing'] } },
    { path: '/router/explain', body: explain },
    { path: '/router/explain', body: { ...explain, headers: { 'api-key': GUESS.text } } },
    { path: '/router/keys', body: { account: '', creator: 7 } },
    { method: 'PUT', path: '/router/agents/cpt_agent', body: { deployment: 'B/ok', pinned: true } },
    { method: 'POST', path: '/router/deployments/A%2Fhtml/drain' },
  ];
  for (const call of calls) keep(`${call.method ?? ''} ${call.path}`, await admin.ask(call));
  for (const credential of [shown.key, shown.token, GUESS.text]) {
    keep('/router/status by a caller', await operatorOf(url, credential).ask({ path: '/router/status' }));
  }
  keep('/router/status by a token', await operatorOf(url, shown.adminToken).ask({ path: '/router/status' }));
}
