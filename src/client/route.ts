import type { Tier } from '../domain/config.ts';

/** Where an answer came from and what it took. What the router did not say is `null`: on streams nobody knows cost and tokens yet. */
export interface Route {
  readonly requestId: string;
  readonly deployment: string | null;
  readonly endpoint: string | null;
  /** 1: first try. 0: nothing was sent, the cache had it. */
  readonly attempts: number | null;
  readonly steps: readonly RouteStep[];
  readonly tier: Tier | null;
  /** `null`: served in the tier that was asked for. */
  readonly downgrade: Downgrade | null;
  readonly cache: 'hit' | 'miss' | 'off' | null;
  readonly tokens: number | null;
  readonly costUsd: number | null;
  readonly routerMs: number | null;
  readonly upstreamMs: number | null;
}

export interface RouteStep {
  readonly deployment: string;
  /** `ok`, `throttled`, `failing`, `misconfigured`, `filtered`, `refused` or `aborted`. */
  readonly outcome: string;
}

export interface Downgrade {
  readonly from: Tier;
  readonly reason: string;
}

/** A response, or an error of any OpenAI client: whatever has the headers of an answer. */
export interface WithHeaders {
  readonly headers?: { get(name: string): string | null } | null | undefined;
}

/** `null` where the router did not answer: no connection, or something else in between did. */
export function routeOf({ headers }: WithHeaders): Route | null {
  const requestId = headers?.get('x-router-request-id') ?? null;
  if (headers === null || headers === undefined || requestId === null) return null;
  const [tier, downgrade] = readTier(headers.get('x-router-tier'));
  const timing = headers.get('server-timing') ?? '';
  return {
    requestId,
    deployment: headers.get('x-router-deployment'),
    endpoint: headers.get('x-router-endpoint'),
    attempts: toNumber(headers.get('x-router-attempts')),
    steps: readSteps(headers.get('x-router-route')),
    tier,
    downgrade,
    cache: headers.get('x-router-cache') as Route['cache'],
    tokens: toNumber(headers.get('x-router-tokens')),
    costUsd: toNumber(headers.get('x-router-cost-usd')),
    routerMs: readTiming(timing, 'router'),
    upstreamMs: readTiming(timing, 'upstream'),
  };
}

/** `A/gpt-4.1:throttled,B/gpt-4.1:ok`; the outcome has no colon, a deployment's name might. */
function readSteps(text: string | null): RouteStep[] {
  return (text ?? '').split(',').flatMap((step) => {
    const colon = step.lastIndexOf(':');
    return colon < 1 ? [] : [{ deployment: step.slice(0, colon).trim(), outcome: step.slice(colon + 1) }];
  });
}

/** `standard;downgraded-from=premium;reason=plan` */
function readTier(text: string | null): readonly [Tier | null, Downgrade | null] {
  if (text === null) return [null, null];
  const [tier = '', ...rest] = text.split(';').map((part) => part.trim());
  const facts = new Map(rest.map((part) => part.split('=', 2) as [string, string]));
  const from = facts.get('downgraded-from');
  const downgrade = from === undefined ? null : { from: from as Tier, reason: facts.get('reason') ?? '' };
  return [tier as Tier, downgrade];
}

function readTiming(text: string, name: string): number | null {
  const entry = text.split(',').find((part) => part.trim().startsWith(`${name};`));
  return toNumber(/;\s*dur=([\d.]+)/.exec(entry ?? '')?.[1] ?? null);
}

function toNumber(text: string | null): number | null {
  const value = text === null || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** From where to where a stream went that was asked to begin again (`onBreak: 'restart'`). */
export interface Restart {
  readonly from: string;
  readonly to: string;
}

/** Of a stream's chunk or event: where this is not `null`, what came before is void and the text begins anew. */
export function restartIn(chunk: object): Restart | null {
  if (!('restart' in chunk)) return null;
  const { restart } = chunk;
  if (typeof restart !== 'object' || restart === null || !('from' in restart) || !('to' in restart)) return null;
  return { from: String(restart.from), to: String(restart.to) };
}
