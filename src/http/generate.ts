/** `/router/generate/…`: for callers, with their own keys; what it asks the deployments for goes through the data plane. */
import type { Gate } from '../accounts/gate.ts';
import { scanBody } from '../body/fields.ts';
import type { Principal } from '../domain/account.ts';
import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import { type Answer, type HeaderList, headerValue, type IncomingRequest } from '../domain/message.ts';
import type { Generation, Kind } from '../generate/generation.ts';
import type { CacheWish, Line } from '../generate/port.ts';
import type { Call } from '../relay/call.ts';
import type { Relay } from '../relay/relay.ts';
import { errorAnswer } from './errors.ts';
import { readCall, refuseCompressed } from './read.ts';
import { timed } from './timed.ts';

export interface GenerateDeps {
  readonly config: RouterConfig;
  readonly relay: Relay;
  readonly gate: Pick<Gate, 'admitCaller'>;
  readonly clock: Clock;
}

/** A request as it arrived. */
export interface Arrival {
  readonly request: IncomingRequest;
  readonly id: string;
  /** On the monotonic clock. */
  readonly arrivedAt: number;
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['/router/generate/structured', 'structured'],
  ['/router/generate/text', 'text'],
]);

/** All of them take POST alone. */
export const GENERATE_ROUTES: readonly string[] = [...KINDS.keys()];

const CHAT = { kind: 'deployment', operation: 'chat/completions', namedBy: 'body', name: null } as const;
const CHAT_PATH = '/v1/chat/completions';

export class GenerateDoor {
  readonly #deps: GenerateDeps;
  /** The client and the validator take their time to load, so they come with the first request that needs them. */
  #generation: Promise<Generation> | null = null;

  constructor(deps: GenerateDeps) {
    this.#deps = deps;
  }

  /** `null`: no path of these. */
  kindOf(path: string): Kind | null {
    return KINDS.get(path) ?? null;
  }

  async handle(kind: Kind, arrival: Arrival): Promise<Answer> {
    const answer = await this.#answer(kind, arrival);
    return timed(answer, this.#deps.clock.monotonicMs() - arrival.arrivedAt);
  }

  async #answer(kind: Kind, arrival: Arrival): Promise<Answer> {
    const { request, id } = arrival;
    const principal = await this.#deps.gate.admitCaller(request.headers, request.source);
    if (request.method !== 'POST') throw postOnly();
    const json = await this.#read(request);
    const generation = await this.#loaded();
    const ended = await generation.generate(kind, json, this.#lineFor(arrival, principal));
    switch (ended.kind) {
      case 'done':
        return {
          status: 200,
          headers: ['content-type', 'application/json', ...ended.headers],
          body: Buffer.from(ended.json),
        };
      case 'passed':
        return ended.answer;
      case 'refused':
        return errorAnswer(ended.error, id, ended.beside);
      default:
        return ended satisfies never;
    }
  }

  #loaded(): Promise<Generation> {
    this.#generation ??= import('../generate/generation.ts').then(({ Generation }) => new Generation());
    return this.#generation;
  }

  async #read(request: IncomingRequest): Promise<unknown> {
    const { limits, timeouts } = this.#deps.config;
    refuseCompressed(request.headers);
    const bytes = await request.readBody({ maxBytes: limits.bodyMb * 1024 * 1024, withinMs: timeouts.deadlineMs });
    const scan = scanBody(bytes, limits.jsonDepth);
    if (!scan.ok)
      throw new RouterError('invalid_request', `The body is not valid JSON: at byte ${scan.at}, ${scan.problem}.`);
    return JSON.parse(bytes.toString('utf8')) as unknown;
  }

  #lineFor(arrival: Arrival, principal: Principal): Line {
    const { config, relay } = this.#deps;
    const callOf = (body: string, cache: CacheWish) => this.#callOf(arrival, principal, { body, cache });
    return {
      requestId: arrival.id,
      chat: async (body, cache) => {
        const call = await callOf(body, cache);
        if (call.caller.gone) throw new RouterError('internal', 'The caller left.', { status: 499 });
        return relay.serve(call);
      },
      candidates: async (model) => {
        const { candidates } = relay.route(await callOf(JSON.stringify({ model }), 'on'));
        return candidates.map(({ deployment }) => ({ id: deployment.id, model: deployment.model }));
      },
      modelOf: (id) => config.deployments.get(id as DeploymentId)?.model ?? null,
    };
  }

  /** A call of the data plane as this caller could have made it, with what is left of the time. */
  async #callOf({ request, id, arrivedAt }: Arrival, principal: Principal, chat: Chat): Promise<Call> {
    const { config, clock } = this.#deps;
    const body = Buffer.from(chat.body);
    const inner: IncomingRequest = {
      method: 'POST',
      target: CHAT_PATH,
      headers: innerHeaders(request.headers, chat.cache),
      source: request.source,
      caller: request.caller,
      readBody: () => Promise.resolve(body),
    };
    const now = clock.monotonicMs();
    const call = await readCall(inner, { config, id, arrivedAt: now, target: CHAT, query: '', principal });
    const deadlineMs = call.wishes.deadlineMs - (now - arrivedAt);
    if (deadlineMs <= 0)
      throw new RouterError('deadline_exceeded', `The deadline of ${call.wishes.deadlineMs} ms has passed.`);
    return { ...call, wishes: { ...call.wishes, deadlineMs } };
  }
}

interface Chat {
  readonly body: string;
  readonly cache: CacheWish;
}

/** RFC 9110, 8 and 12.5.3: what speaks of the outer body, and of how the answer may be packed. */
const OF_THE_OUTER_BODY = [
  'content-type',
  'content-length',
  'content-encoding',
  'accept-encoding',
  'accept',
  'transfer-encoding',
];
const CACHE = 'x-router-cache';

function innerHeaders(outer: HeaderList, cache: CacheWish): HeaderList {
  const wish = headerValue(outer, CACHE)?.trim().toLowerCase() ?? cache;
  const headers = ['content-type', 'application/json', 'accept-encoding', 'identity'];
  headers.push(CACHE, wish === 'on' ? cache : wish);
  for (let at = 0; at < outer.length; at += 2) {
    const name = (outer[at] as string).toLowerCase();
    if (name !== CACHE && !OF_THE_OUTER_BODY.includes(name)) headers.push(outer[at] as string, outer[at + 1] as string);
  }
  return headers;
}

function postOnly(): RouterError {
  return new RouterError('invalid_request', 'This path takes POST only.', { status: 405, headers: ['allow', 'POST'] });
}
