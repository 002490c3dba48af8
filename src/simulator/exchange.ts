/** One request, from its arrival to its line in the books. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Outcome } from '../domain/outcome.ts';
import { type Answer, jsonAnswer, NO_USAGE, type Usage, type WholeAnswer } from './answer.ts';
import type { Received } from './books.ts';
import type { Deployment, Endpoint } from './call.ts';
import { type Fault, FaultSyntaxError, outcomeOfFault } from './faults.ts';
import { type Incoming, readIncoming } from './incoming.ts';
import { startJob } from './operations.ts';
import { type Performance, perform } from './perform.ts';
import { planAnswer, planWithoutModel, type Step } from './plan.ts';
import { badRequest, Refusal } from './refusal.ts';
import { makeHexId, makeUuid } from './seeded.ts';
import type { World } from './world.ts';

export interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

/** What will be sent, and what the books need to know of it. */
interface Act {
  readonly steps: Iterable<Step>;
  readonly outcome: Outcome;
  readonly usage: Usage;
  readonly stream: boolean;
  readonly deployment: Deployment | null;
  /** What the rate limit was charged. */
  readonly estimate: number;
}

export async function exchange(world: World, endpoint: Endpoint, { request, response, body }: Visit): Promise<void> {
  const at = world.clock.now();
  const id = makeUuid(world.draw);
  const received: Received = {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: request.headers,
    body,
  };
  const record = world.ledger.keep(id, received);
  const incoming = readIncoming(received);
  const act = decideAct(world, endpoint, incoming);
  const headers = {
    ...headersFor(world, endpoint, { id, received }),
    ...(act.deployment ? modelHeaders(world, act.deployment) : {}),
  };
  const performance = await perform(act.steps, { response, clock: world.clock, headers, record });
  const usage = usedBy(act, performance);
  act.deployment?.limits.settle(act.estimate, usage.promptTokens + usage.completionTokens);
  world.ledger.enter({
    ...usage,
    id,
    endpoint: endpoint.name,
    deployment: incoming.deployment ?? '',
    operation: incoming.route?.operation ?? 'other',
    at,
    status: performance.status,
    outcome: performance.ended === 'left' ? 'aborted' : act.outcome,
    stream: act.stream,
  });
}

function decideAct(world: World, endpoint: Endpoint, incoming: Incoming): Act {
  const deployment = (incoming.deployment === null ? undefined : endpoint.deployments.get(incoming.deployment)) ?? null;
  const latency = deployment?.latency ?? endpoint.latency;
  const nothing = { usage: NO_USAGE, stream: false, deployment, estimate: 0 };
  try {
    const fault = meetFault(world, endpoint, incoming);
    const instead = planWithoutModel(fault, latency);
    if (instead) return { ...nothing, ...instead };
    const { answer, estimate } = startJob(world, endpoint, incoming);
    return {
      steps: planAnswer(encoded(answer, world, incoming), fault, latency),
      outcome: (fault && outcomeOfFault(fault)) ?? (answer.kind === 'whole' ? answer.outcome : 'ok'),
      usage: answer.usage,
      stream: answer.kind === 'stream',
      deployment,
      estimate,
    };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const answer = refusalAnswer(error);
    return { ...nothing, steps: planAnswer(answer, null, latency), outcome: answer.outcome };
  }
}

function refusalAnswer(refusal: Refusal): WholeAnswer {
  const answer = jsonAnswer(refusal.body, NO_USAGE, refusal.status);
  return { ...answer, headers: { ...answer.headers, ...refusal.headers } };
}

function meetFault(world: World, endpoint: Endpoint, incoming: Incoming): Fault | null {
  const target = {
    endpoint: endpoint.name,
    deployment: incoming.deployment,
    operation: incoming.route?.operation ?? 'other',
  };
  try {
    return world.faults.meet(target, incoming.faultMarker);
  } catch (error) {
    if (error instanceof FaultSyntaxError) throw badRequest(error.message, 'x-simulator-fault', 'invalid_value');
    throw error;
  }
}

function encoded(answer: Answer, world: World, incoming: Incoming): Answer {
  if (answer.kind === 'stream' || !(world.compress || incoming.wantsCompression) || !incoming.acceptsGzip)
    return answer;
  return {
    ...answer,
    body: gzipSync(answer.body),
    headers: { ...answer.headers, 'content-encoding': 'gzip', vary: 'Accept-Encoding' },
  };
}

/** The prompt was read as soon as the answer began; of the completion counts what went out. */
function usedBy(act: Act, performance: Performance): Usage {
  if (act.usage === NO_USAGE) return NO_USAGE;
  const completionTokens = Math.min(performance.tokens, act.usage.completionTokens);
  return { ...act.usage, completionTokens, reasoningTokens: Math.min(act.usage.reasoningTokens, completionTokens) };
}

function headersFor(
  world: World,
  endpoint: Endpoint,
  { id, received }: { id: string; received: Received },
): Record<string, string> {
  const clientId = received.headers['x-ms-client-request-id'];
  return {
    'apim-request-id': id,
    'x-request-id': makeUuid(world.draw),
    'x-ms-client-request-id': typeof clientId === 'string' ? clientId : id,
    'x-ms-region': endpoint.region,
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    'x-content-type-options': 'nosniff',
  };
}

function modelHeaders(world: World, deployment: Deployment): Record<string, string> {
  const { headMs, firstTokenMs } = deployment.latency;
  return {
    ...deployment.limits.headers(),
    'azureml-model-session': makeHexId('d', world.draw, 3),
    'openai-processing-ms': String(Math.max(1, Math.round(headMs + firstTokenMs))),
    'x-accel-buffering': 'no',
    'x-ms-deployment-name': deployment.name,
    'x-ms-rai-invoked': 'true',
  };
}
