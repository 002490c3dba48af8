import type { Clock } from '../domain/clock.ts';
import type { Deployment } from '../domain/deployment.ts';
import type { Answer, AnswerStream, HeaderList } from '../domain/message.ts';
import type { UsedTier } from '../routing/wanted.ts';
import type { Head } from './attempt.ts';
import type { Call } from './call.ts';
import { downwardHeaders } from './headers.ts';
import type { Tally } from './tally.ts';
import { headerSafe, routeText, type Trail, timingText } from './trail.ts';
import { isWork } from './worked.ts';

export interface AnswerFacts {
  readonly call: Call;
  readonly head: Head;
  readonly deployment: Deployment;
  readonly trail: Trail;
  readonly tier: UsedTier | null;
  readonly upstreamMs: number;
  readonly events: boolean;
  readonly tally: Pick<Tally, 'known' | 'limits'>;
}

/** The deployment's answer with what the router has to say about it. */
export function answerWith(facts: AnswerFacts, body: Buffer | AnswerStream | null, clock: Clock): Answer {
  const { call, head, deployment, trail, tier, tally } = facts;
  const headers = limited(
    downwardHeaders(head.headers, { keepLength: lengthStays(call.method, head.status) }),
    tally.limits,
  );
  const routerMs = clock.monotonicMs() - call.arrivedAt - facts.upstreamMs;
  headers.push(
    'x-router-request-id',
    call.id,
    'x-router-deployment',
    headerSafe(deployment.id),
    'x-router-endpoint',
    headerSafe(deployment.endpoint),
    'x-router-attempts',
    String(trail.length),
    'x-router-route',
    routeText(trail),
    'x-router-cache',
    'off',
    'server-timing',
    timingText(routerMs, facts.upstreamMs),
  );
  pushUse(headers, facts);
  if (tier !== null) headers.push('x-router-tier', tierText(tier));
  // Without it nginx and others collect a stream until it is over.
  if (facts.events && head.headers['x-accel-buffering'] === undefined) headers.push('x-accel-buffering', 'no');
  return { status: head.status, headers, body: bodyless(call.method, head.status) ? null : body };
}

/** What a stream will come to nobody knows yet, and where no deployment has worked there is nothing to tell. */
function pushUse(headers: string[], { call, events, tally }: AnswerFacts): void {
  const known = events || !isWork(call) ? null : tally.known;
  if (known === null) return;
  headers.push('x-router-tokens', String(known.tokens));
  if (known.costNanoUsd !== null) headers.push('x-router-cost-usd', usdText(known.costNanoUsd));
}

/** `0.000021`: dollars, to the billionth. */
export function usdText(nanoUsd: number): string {
  const digits = String(nanoUsd).padStart(10, '0');
  const cents = digits.slice(-9).replace(/0+$/, '');
  return `${digits.slice(0, -9)}${cents === '' ? '' : `.${cents}`}`;
}

const RATE_LIMIT = 'x-ratelimit-';

/** The account's own limits in the place that clients read; the deployment's stay to be seen under another name. */
function limited(headers: string[], own: HeaderList): string[] {
  if (own.length === 0) return headers;
  const told = headers.map((text, at) =>
    at % 2 === 0 && text.startsWith(RATE_LIMIT)
      ? `x-router-deployment-ratelimit-${text.slice(RATE_LIMIT.length)}`
      : text,
  );
  return [...told, ...own];
}

/** `standard`, or `standard;downgraded-from=premium;reason=plan`. */
export function tierText({ tier, lowered }: UsedTier): string {
  return lowered === null ? tier : `${tier};downgraded-from=${lowered.from};reason=${lowered.reason}`;
}

/** RFC 9110, 8.6: these tell the length of a body that does not follow; 204 and 205 have none. */
function lengthStays(method: string, status: number): boolean {
  return status === 304 || (method === 'HEAD' && status !== 204 && status !== 205);
}

/** RFC 9110, 6.4.1: these answers end behind their headers. */
function bodyless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304;
}
