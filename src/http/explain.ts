import { credentialIn } from '../accounts/credential.ts';
import type { Gate } from '../accounts/gate.ts';
import { ofAccount, principalFor } from '../accounts/principal.ts';
import { DEFAULT_ACCOUNT } from '../domain/account.ts';
import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import { RouterError } from '../domain/errors.ts';
import type { HeaderList, IncomingRequest } from '../domain/message.ts';
import type { Call } from '../relay/call.ts';
import type { Relay } from '../relay/relay.ts';
import type { UsedTier } from '../routing/wanted.ts';
import type { State } from '../state/port.ts';
import { readTarget } from './dialect.ts';
import { readCall } from './read.ts';
import { standing } from './status.ts';

export interface ExplainDeps {
  readonly config: RouterConfig;
  readonly relay: Relay;
  readonly state: State;
  readonly clock: Clock;
  readonly gate: Pick<Gate, 'admitCaller'>;
}

/** `{path, headers, body}`: a request as the data plane takes it. */
interface Question {
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** The route a request would take now, decided by the very code that would send it, without sending it. */
export async function explain(deps: ExplainDeps, request: IncomingRequest, requestId: string) {
  const { config, relay, state, clock } = deps;
  const limits = { maxBytes: config.limits.bodyMb * 1024 * 1024, withinMs: config.timeouts.deadlineMs };
  const call = await callFor(deps, readQuestion(await request.readBody(limits)), requestId);
  const route = relay.route(call);
  const facts = { snapshot: state.snapshot(), now: clock.now() };
  /** Where a place further down a chain stands in another tier than the first, it says so. */
  const elsewhere = (tier: UsedTier | null) => (tier === route.tier ? {} : tierView(tier));
  return {
    name: call.name,
    agent: call.labels.agent,
    sticky: route.sticky,
    pool: route.pool,
    ...tierView(route.tier),
    failoverOn: [...route.failoverOn],
    candidates: route.candidates.map(({ deployment, probe, ramping, why, tier }) => ({
      deployment: deployment.id,
      why,
      probe,
      ramping,
      ...elsewhere(tier),
      ...standing(facts, deployment.id),
    })),
    skipped: route.skipped.map(({ deployment, reason: skippedFor, tier }) => ({
      deployment,
      ...elsewhere(tier),
      reason: skippedFor,
      ...standing(facts, deployment),
    })),
  };
}

/** In the words of the answer's `x-router-tier`. */
function tierView(used: UsedTier | null) {
  const { from = null, reason = null } = used?.lowered ?? {};
  return { tier: used?.tier ?? null, downgradedFrom: from, reason };
}

async function callFor({ config, clock, gate }: ExplainDeps, question: Question, id: string): Promise<Call> {
  const [path = '', query = ''] = question.path.split('?', 2);
  const target = readTarget('POST', path);
  if (target === null) throw wrong('path', 'a data-plane path, such as /openai/v1/chat/completions');
  const request: IncomingRequest = {
    method: 'POST',
    target: question.path,
    headers: question.headers,
    source: '',
    caller: { gone: false, onGone: () => () => undefined },
    readBody: () => Promise.resolve(question.body),
  };
  // Whose request it would be: of the credential among the headers in question, else of whoever needs none.
  const isAnybody = credentialIn(question.headers) === null;
  const principal = isAnybody
    ? principalFor(config, ofAccount(DEFAULT_ACCOUNT, null))
    : await gate.admitCaller(question.headers, '');
  return readCall(request, { config, id, arrivedAt: clock.monotonicMs(), target, query, principal });
}

function readQuestion(bytes: Buffer): Question {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new RouterError('invalid_request', 'The body is not valid JSON: send {"path", "headers", "body"}.', {
      cause,
    });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw wrong('body', 'an object {"path", "headers", "body"}');
  const { path, headers, body } = json as Record<string, unknown>;
  if (typeof path !== 'string') throw wrong('path', 'a string, such as "/openai/v1/chat/completions"');
  return {
    path,
    headers: headerList(headers ?? {}),
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body ?? {})),
  };
}

function headerList(headers: unknown): HeaderList {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    throw wrong('headers', 'an object of strings');
  return Object.entries(headers).flatMap(([name, value]) => {
    if (typeof value !== 'string') throw wrong(`headers.${name.slice(0, 60)}`, 'a string');
    return [name, value];
  });
}

function wrong(param: string, allowed: string): RouterError {
  return new RouterError('invalid_request', `${param} must be ${allowed}.`, { param });
}
