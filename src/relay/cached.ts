/** A relay that gives an answer again where exactly the same was asked a short while ago. */
import { hash } from 'node:crypto';
import { canonical } from '../cache/canonical.ts';
import type { Hit, KeptAnswer, ResponseCache } from '../cache/responseCache.ts';
import type { Clock } from '../domain/clock.ts';
import type { RouterConfig } from '../domain/config.ts';
import type { DeploymentId } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import { type Answer, type AnswerStream, type HeaderList, headerValue } from '../domain/message.ts';
import type { Route } from '../routing/decide.ts';
import { isWhole } from './cacheable.ts';
import type { Call } from './call.ts';
import type { Relay } from './relay.ts';
import { Tally, type TallyDeps } from './tally.ts';
import { headerSafe, timingText } from './trail.ts';
import { remainingMs } from './within.ts';

export interface CachedFacts {
  readonly config: RouterConfig;
  readonly cache: ResponseCache;
  readonly clock: Clock;
  readonly tallying: TallyDeps;
}

const OPERATIONS: ReadonlySet<string> = new Set(['chat/completions', 'completions', 'embeddings', 'responses']);

export class CachedRelay implements Relay {
  readonly #inner: Relay;
  readonly #facts: CachedFacts;

  constructor(inner: Relay, facts: CachedFacts) {
    this.#inner = inner;
    this.#facts = facts;
  }

  serve(call: Call): Promise<Answer> {
    const key = this.#isWanted(call) ? keyOf(call) : null;
    return key === null ? this.#inner.serve(call) : this.#serve(call, key);
  }

  route(call: Call): Route {
    return this.#inner.route(call);
  }

  async #serve(call: Call, key: string): Promise<Answer> {
    const { cache } = this.#facts;
    if (call.wishes.cache !== 'refresh') {
      const hit = cache.get(key) ?? (await this.#awaited(call, key));
      if (hit !== null) return this.#replay(call, hit);
    }
    const land = cache.flight(key) === null ? cache.depart(key) : () => undefined;
    try {
      const answer = await this.#inner.serve({ ...call, headers: uncompressed(call.headers), cache: 'miss' });
      return marked(this.#watched(key, answer, land), 'miss');
    } catch (error) {
      land();
      throw error instanceof RouterError ? error.with({ headers: ['x-router-cache', 'miss'] }) : error;
    }
  }

  #isWanted({ wishes, method, target, payload, name }: Call): boolean {
    const { cache, config } = this.#facts;
    if (wishes.cache === 'off' || !cache.isOn || method !== 'POST') return false;
    if (target.kind !== 'deployment' || payload.kind !== 'json' || !OPERATIONS.has(target.operation)) return false;
    // What is stored under an id of its own is made to be gone on from, by one caller.
    if (target.operation === 'responses' && payload.fields.store) return false;
    return wishes.cache !== null || config.pools.get(name ?? config.defaultPool)?.cache === true;
  }

  /** What an equal request that is on its way brings along, if it brings anything within this caller's time. */
  async #awaited(call: Call, key: string): Promise<Hit | null> {
    const { cache, clock } = this.#facts;
    const flight = cache.flight(key);
    if (flight === null) return null;
    await new Promise<void>((resolve) => {
      const stop = clock.after(Math.max(0, remainingMs(call, clock) / 2), resolve);
      const forget = call.caller.onGone(resolve);
      void flight.then(() => {
        stop();
        forget();
        resolve();
      });
    });
    return cache.get(key);
  }

  /** The answer, which is kept once it is known to be whole. */
  #watched(key: string, answer: Answer, land: () => void): Answer {
    const { body } = answer;
    if (answer.status !== 200 || body === null) {
      land();
      return answer;
    }
    if (Buffer.isBuffer(body)) {
      this.#keep(key, answer, body, false);
      land();
      return answer;
    }
    const keep = (whole: Buffer): void => this.#keep(key, answer, whole, true);
    return { ...answer, body: new Recording(body, this.#facts.cache.largestAnswer, keep, land) };
  }

  #keep(key: string, { headers, status }: Answer, body: Buffer, isStream: boolean): void {
    const deployment = headerValue(headers, 'x-router-deployment') as DeploymentId | null;
    if (deployment === null || !isWhole(body, headers, isStream)) return;
    const tier = headerValue(headers, 'x-router-tier');
    const kept: KeptAnswer = { status, headers: ofTheDeployment(headers), body, isStream, deployment, tier };
    this.#facts.cache.put(key, kept);
  }

  #replay(call: Call, { answer, ageMs }: Hit): Answer {
    const { tallying, config, clock } = this.#facts;
    const tally = new Tally(tallying, { ...call, cache: 'hit' });
    const deployment = config.deployments.get(answer.deployment);
    if (deployment !== undefined) tally.servedBy({ deployment, pool: null, tier: null });
    const own = [
      'x-router-request-id',
      call.id,
      'x-router-deployment',
      answer.deployment,
      'x-router-endpoint',
      headerSafe(deployment?.endpoint ?? ''),
      'x-router-attempts',
      '0',
      'x-router-cache',
      'hit',
      'x-router-tokens',
      '0',
      'x-router-cost-usd',
      '0',
      'age',
      String(Math.floor(ageMs / 1_000)),
      'server-timing',
      timingText(clock.monotonicMs() - call.arrivedAt, 0),
    ];
    if (answer.tier !== null) own.push('x-router-tier', answer.tier);
    tally.end({ end: 'ok', status: answer.status, errorCode: null, retryAfterMs: null });
    const body = answer.isStream ? once(answer.body) : answer.body;
    return { status: answer.status, headers: [...answer.headers, ...own], body };
  }
}

async function* once(body: Buffer): AsyncGenerator<Buffer, undefined> {
  yield await Promise.resolve(body);
  return undefined;
}

/** All that decides on the answer: who asks, under what plan, for what, in which words. */
function keyOf({ principal, name, labels, wishes, target, payload, query }: Call): string | null {
  if (payload.kind !== 'json' || target.kind !== 'deployment') return null;
  const body = canonical(payload.bytes);
  if (body === null) return null;
  const { account, plan, pools } = principal;
  // `auto` is another deployment for each agent.
  const agent = name === 'auto' ? labels.agent : '';
  const parts = [account, plan?.name ?? '', pools === null ? '' : [...pools].sort().join('\n'), name ?? '', agent];
  const asked = [...parts, wishes.tier ?? '', target.operation, query, body];
  return hash('sha256', JSON.stringify(asked), 'base64');
}

/** What is kept has to be looked into. */
function uncompressed(headers: HeaderList): HeaderList {
  const others = headers.filter((_, at) => headers[at - (at % 2)]?.toLowerCase() !== 'accept-encoding');
  return [...others, 'accept-encoding', 'identity'];
}

/** What speaks of one request, one connection, or the account's standing is told anew, or not at all. */
const OF_ONE_REQUEST =
  /^(x-router-|x-ratelimit-|server-timing$|set-cookie$|date$|age$|retry-after|x-request-id$|apim-request-id$|x-ms-client-request-id$)/i;

function ofTheDeployment(headers: HeaderList): string[] {
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] as string;
    if (!OF_ONE_REQUEST.test(name)) kept.push(name, headers[at + 1] as string);
  }
  return kept;
}

function marked(answer: Answer, word: 'miss'): Answer {
  const headers = [...answer.headers];
  const at = headers.indexOf('x-router-cache');
  if (at !== -1) headers[at + 1] = word;
  return { ...answer, headers };
}

/** A stream on its way to its caller, taken down as far as it may be kept. */
class Recording implements AsyncIterableIterator<Buffer, undefined> {
  readonly #inner: AsyncIterator<Buffer, undefined>;
  readonly #most: number;
  readonly #keep: (whole: Buffer) => void;
  readonly #land: () => void;
  #chunks: Buffer[] | null = [];
  #size = 0;

  constructor(inner: AnswerStream, most: number, keep: (whole: Buffer) => void, land: () => void) {
    this.#inner = inner[Symbol.asyncIterator]();
    this.#most = most;
    this.#keep = keep;
    this.#land = land;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    try {
      const result = await this.#inner.next();
      if (result.done === true) this.#end();
      else this.#add(result.value);
      return result;
    } catch (error) {
      this.#land();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#land();
    await this.#inner.return?.();
    return { done: true, value: undefined };
  }

  #add(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#most) this.#chunks = null;
    this.#chunks?.push(chunk);
  }

  #end(): void {
    if (this.#chunks !== null) this.#keep(Buffer.concat(this.#chunks));
    this.#chunks = null;
    this.#land();
  }
}
