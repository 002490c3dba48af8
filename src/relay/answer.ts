import type { Clock } from '../domain/clock.ts';
import type { Deployment } from '../domain/deployment.ts';
import type { Answer, AnswerStream } from '../domain/message.ts';
import type { UsedTier } from '../routing/wanted.ts';
import type { Head } from './attempt.ts';
import type { Call } from './call.ts';
import { downwardHeaders } from './headers.ts';
import { headerSafe, routeText, type Trail } from './trail.ts';

export interface AnswerFacts {
  readonly call: Call;
  readonly head: Head;
  readonly deployment: Deployment;
  readonly trail: Trail;
  readonly tier: UsedTier | null;
  readonly upstreamMs: number;
  readonly events: boolean;
}

/** The deployment's answer with what the router has to say about it. */
export function answerWith(facts: AnswerFacts, body: Buffer | AnswerStream | null, clock: Clock): Answer {
  const { call, head, deployment, trail, tier } = facts;
  const headers = downwardHeaders(head.headers);
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
    `router;dur=${Math.max(0, routerMs).toFixed(2)}, upstream;dur=${facts.upstreamMs.toFixed(2)}`,
  );
  if (tier !== null) headers.push('x-router-tier', tierText(tier));
  // Without it nginx and others collect a stream until it is over.
  if (facts.events && head.headers['x-accel-buffering'] === undefined) headers.push('x-accel-buffering', 'no');
  return { status: head.status, headers, body: bodyless(call.method, head.status) ? null : body };
}

/** `standard`, or `standard;downgraded-from=premium;reason=plan`. */
function tierText({ tier, lowered }: UsedTier): string {
  return lowered === null ? tier : `${tier};downgraded-from=${lowered.from};reason=${lowered.reason}`;
}

/** RFC 9110, 6.4.1: these answers end behind their headers. */
function bodyless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304;
}
