/** The app without a host: a request in, an answer out. */

import type { GateSettings } from '../../src/accounts/gate.ts';
import type { KeyDesk } from '../../src/accounts/keyDesk.ts';
import { createKeylessGate } from '../../src/accounts/keylessGate.ts';
import type { Clock } from '../../src/domain/clock.ts';
import type { RouterConfig } from '../../src/domain/config.ts';
import type { Answer, HeaderList } from '../../src/domain/message.ts';
import { type App, type AppDeps, createApp } from '../../src/http/app.ts';
import type { Dashboard } from '../../src/http/page.ts';
import { createProber } from '../../src/relay/probe.ts';
import { createRelay } from '../../src/relay/relay.ts';
import { SharedOperations } from '../../src/state/operations.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { createRecentActivity } from '../../src/telemetry/recent/activity.ts';
import { type Script, type Stage, stageFor } from '../relay/fakes.ts';

export interface Question {
  readonly method?: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
  readonly source?: string;
}

export interface Told {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly json: unknown;
}

export const OPEN: GateSettings = { adminKey: null, callerKeys: [], loopbackOnly: true };

export async function ask(app: App, { method, target, headers = {}, body = '', source }: Question): Promise<Told> {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const answer = await app.handle({
    method: method ?? (bytes.length === 0 ? 'GET' : 'POST'),
    target,
    headers: Object.entries(headers).flat(),
    source: source ?? '127.0.0.1',
    caller: { gone: false, onGone: () => () => undefined },
    readBody: () => Promise.resolve(bytes),
  });
  return told(answer);
}

async function told({ status, headers, body }: Answer): Promise<Told> {
  const chunks: Buffer[] = [];
  if (Buffer.isBuffer(body)) chunks.push(body);
  else if (body !== null) for await (const chunk of body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { status, headers: headersOf(headers), text, json: parsed(text) };
}

function headersOf(list: HeaderList): Map<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at < list.length; at += 2) headers.set((list[at] ?? '').toLowerCase(), list[at + 1] ?? '');
  return headers;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export interface AppStage extends Stage {
  readonly app: App;
  readonly appDeps: AppDeps;
  /** The deployment each request was sent to, in order. */
  readonly sentTo: () => string[];
}

/** For those who ask about other things. */
export const NO_LEDGERS = {
  keys: {} as KeyDesk,
  usage: { report: () => Promise.reject(new Error('there is no ledger here')) },
  quotas: { standing: () => Promise.resolve([]) },
};

/** The app over a manual clock and an upstream that does what it is told. */
export function appFor(
  config: RouterConfig,
  scripts: readonly Script[] = [],
  gate: Partial<GateSettings> = {},
  draw = () => 0.5,
  dashboard: Dashboard | null = null,
): AppStage {
  const stage = stageFor(config, scripts, { draw });
  const clock: Clock = stage.clock;
  let ids = 0;
  const appDeps: AppDeps = {
    config,
    relay: createRelay(stage.deps),
    state: stage.watched,
    operations: new SharedOperations({ state: stage.state, store: new MemoryStore(), now: () => clock.now() }),
    gate: createKeylessGate({ ...OPEN, ...gate }, clock),
    ...NO_LEDGERS,
    clock,
    journal: stage.deps.journal,
    newId: () => `id-${++ids}`,
    dashboard: { load: () => Promise.resolve(dashboard) },
    instance: { id: 'i1', startedAt: clock.now() },
    recent: createRecentActivity(() => clock.now()),
    prober: createProber({ ...stage.deps, state: stage.watched, prices: stage.deps.tallying.prices }),
  };
  const app = createApp(appDeps);
  const sentTo = () =>
    stage.upstream.sent.map(
      ({ endpoint, request }) => `${endpoint}/${/deployments\/([^/]+)\//.exec(request.path)?.[1] ?? '?'}`,
    );
  return { ...stage, app, appDeps, sentTo };
}
