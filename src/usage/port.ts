/** What was used: read from answers, priced, and summed in a ledger that all instances write to. */
import type { Deployment } from '../domain/deployment.ts';
import type { RequestRecord, Tokens } from '../domain/usage.ts';

export interface Prices {
  /** In billionths of a dollar; `null`: the model's price is not known. */
  costOf(deployment: Deployment, responseModel: string | null, tokens: Tokens): number | null;
  /** What a token costs at most: billionths of a dollar, 0 where no price is known. */
  rates(deployment: Deployment): { readonly prompt: number; readonly output: number };
}

export interface Ledger {
  enter(record: RequestRecord): void;
}

/** An answer, or what came of it, where nothing said what was used. */
export interface Unsaid {
  readonly deployment: Deployment;
  /** The request's body as far as it was kept; `null`: it was too large to keep, or there was none. */
  readonly request: Buffer | null;
  /** How long the request's body was. */
  readonly requestBytes: number;
  /** The beginning of the answer's bytes: JSON, or server-sent events. */
  readonly answer: Buffer;
  /** How long the answer was, or what came of it. */
  readonly answerBytes: number;
}

export interface Estimator {
  estimate(unsaid: Unsaid): Promise<Tokens>;
  /**
   * An answer that said what was used: the next estimates for its model are held to it. Only now and then is one looked at,
   * and only then `make` is called.
   */
  learn(deployment: Deployment, make: () => Unsaid, tokens: Tokens): void;
}

/** What usage may be summed by. */
export const GROUPS = ['creator', 'model', 'operation', 'account', 'agent', 'day'] as const;
export type Group = (typeof GROUPS)[number];

export interface UsageQuery {
  /** Days, `2026-11-21`, both included. */
  readonly from: string;
  readonly to: string;
  readonly by: readonly Group[];
}

export interface UsageSum {
  readonly requests: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
  readonly costUsd: number;
  readonly estimatedRequests: number;
  /** Requests whose price is not known; they cost nothing in `costUsd`. */
  readonly unpricedRequests: number;
}

export type UsageRow = UsageSum & Readonly<Partial<Record<Group, string>>>;

export interface UsageReport {
  readonly rows: readonly UsageRow[];
  readonly total: UsageSum;
}
