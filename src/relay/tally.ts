/** What one request used, gathered from whoever worked on it, and told once when it is over. */
import type { QuotaUse, Reservation } from '../accounts/port.ts';
import type { Clock } from '../domain/clock.ts';
import type { Deployment } from '../domain/deployment.ts';
import { RouterError } from '../domain/errors.ts';
import type { HeaderList } from '../domain/message.ts';
import { addTokens, NO_TOKENS, type RequestEnd, type RequestRecord, type Tokens } from '../domain/usage.ts';
import type { UsedTier } from '../routing/wanted.ts';
import type { Journal } from '../telemetry/port.ts';
import type { Estimator, Ledger, Prices, Unsaid } from '../usage/port.ts';
import type { Call } from './call.ts';
import type { Trail } from './trail.ts';

export interface TallyDeps {
  readonly prices: Prices;
  readonly estimator: Estimator;
  readonly ledger: Ledger;
  readonly journal: Pick<Journal, 'requestEnded'>;
  readonly clock: Clock;
  /** Estimates that are still being made; whoever closes waits for them. */
  readonly unfinished: Set<Promise<void>>;
}

/** How a request ended, for its record. */
export interface Ended {
  readonly end: RequestEnd;
  readonly status: number;
  readonly errorCode: string | null;
  readonly retryAfterMs: number | null;
}

/** Who served it, and on which way. */
export interface Serving {
  readonly deployment: Deployment;
  readonly pool: string | null;
  readonly tier: UsedTier | null;
}

const UNKNOWN_MODEL = 'unknown_model';

export class Tally {
  readonly #deps: TallyDeps;
  readonly #call: Call;
  #reservation: Reservation | null = null;
  #tokens: Tokens = NO_TOKENS;
  #longestPrompt = 0;
  #costNanoUsd: number | null = 0;
  #estimated = false;
  readonly #estimates: Promise<void>[] = [];
  #serving: Serving | null = null;
  #trail: Trail = [];
  #responseModel: string | null = null;
  #firstChunkMs: number | null = null;
  #isOver = false;

  constructor(deps: TallyDeps, call: Call) {
    this.#deps = deps;
    this.#call = call;
  }

  hold(reservation: Reservation): void {
    this.#reservation = reservation;
  }

  /** The account's own rate limits as they stand now. */
  get limits(): HeaderList {
    return this.#reservation?.headers() ?? [];
  }

  /** The way it takes; its steps are yet to come. */
  took(trail: Trail): void {
    this.#trail = trail;
  }

  wentOn(trail: Trail): void {
    this.#trail = [...this.#trail, ...trail];
  }

  servedBy(serving: Serving): void {
    this.#serving = serving;
  }

  firstChunk(): void {
    this.#firstChunkMs = this.#deps.clock.monotonicMs() - this.#call.arrivedAt;
  }

  used(deployment: Deployment, model: string | null, tokens: Tokens): void {
    this.#responseModel = model ?? this.#responseModel;
    this.#tokens = addTokens(this.#tokens, tokens);
    this.#longestPrompt = Math.max(this.#longestPrompt, tokens.prompt);
    const cost = this.#deps.prices.costOf(deployment, model, tokens);
    this.#costNanoUsd = cost === null || this.#costNanoUsd === null ? null : this.#costNanoUsd + cost;
  }

  /** What was said here holds for estimates to come. */
  learn(deployment: Deployment, unsaid: () => Unsaid, tokens: Tokens): void {
    this.#deps.estimator.learn(deployment, unsaid, tokens);
  }

  /** Somebody worked, and did not say how much. */
  unsaid(unsaid: Unsaid, model: string | null): void {
    this.#estimated = true;
    this.#estimates.push(
      this.#deps.estimator.estimate(unsaid).then((tokens) => this.used(unsaid.deployment, model, tokens)),
    );
  }

  /** What is known before the answer goes out; `null` where a part of it is yet to be estimated. */
  get known(): { readonly tokens: number; readonly costNanoUsd: number | null } | null {
    if (this.#estimated) return null;
    return { tokens: this.#tokens.prompt + this.#tokens.completion, costNanoUsd: this.#costNanoUsd };
  }

  failed(error: unknown): void {
    const known = error instanceof RouterError ? error : null;
    const status = known?.status ?? 500;
    this.end({
      end: status === 499 ? 'aborted' : 'error',
      status,
      errorCode: known?.code ?? 'internal',
      retryAfterMs: known?.retryAfterMs ?? null,
    });
  }

  end(ended: Ended): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const durationMs = this.#deps.clock.monotonicMs() - this.#call.arrivedAt;
    if (this.#estimates.length === 0) return this.#tell(ended, durationMs);
    const { unfinished } = this.#deps;
    const telling = Promise.all(this.#estimates).then(() => {
      this.#tell(ended, durationMs);
      unfinished.delete(telling);
    });
    unfinished.add(telling);
  }

  #tell(ended: Ended, durationMs: number): void {
    const { ledger, journal } = this.#deps;
    this.#reservation?.settle(this.#use());
    const record = this.#record(ended, durationMs);
    ledger.enter(record);
    journal.requestEnded(record);
  }

  #use(): QuotaUse {
    const { prompt, completion } = this.#tokens;
    return {
      tokens: prompt + completion,
      promptTokens: this.#longestPrompt,
      outputTokens: completion,
      costNanoUsd: this.#costNanoUsd ?? 0,
    };
  }

  #record(ended: Ended, durationMs: number): RequestRecord {
    const { id, labels, principal, target, stream, cache } = this.#call;
    const { deployment = null, pool = null, tier = null } = this.#serving ?? {};
    return {
      requestId: id,
      at: this.#deps.clock.now(),
      labels: { ...labels, account: principal.account, model: this.#model() },
      api: target.kind === 'deployment' ? target.operation : 'other',
      pool,
      tier: tier?.tier ?? null,
      deployment: deployment?.id ?? null,
      endpoint: deployment?.endpoint ?? null,
      responseModel: this.#responseModel,
      ...ended,
      stream,
      attempts: this.#trail,
      tokens: this.#tokens,
      costNanoUsd: this.#costNanoUsd,
      estimated: this.#estimated,
      durationMs,
      firstChunkMs: this.#firstChunkMs,
      ...(cache === undefined ? {} : { cache }),
    };
  }

  /** The configured one above all: the answer names versions. */
  #model(): string {
    const deployment = this.#serving?.deployment;
    if (deployment === undefined) return UNKNOWN_MODEL;
    return deployment.model ?? this.#responseModel ?? deployment.name;
  }
}
