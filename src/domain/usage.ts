/** What a request used, and what that cost. */
import type { Tier } from './config.ts';
import type { DeploymentId } from './deployment.ts';
import type { Outcome } from './outcome.ts';

export interface Tokens {
  /** Cached and audio tokens among them. */
  readonly prompt: number;
  readonly cached: number;
  /** Reasoning and audio tokens among them. */
  readonly completion: number;
  readonly reasoning: number;
  readonly promptAudio: number;
  readonly completionAudio: number;
}

export const NO_TOKENS: Tokens = {
  prompt: 0,
  cached: 0,
  completion: 0,
  reasoning: 0,
  promptAudio: 0,
  completionAudio: 0,
};

export function addTokens(one: Tokens, other: Tokens): Tokens {
  return {
    prompt: one.prompt + other.prompt,
    cached: one.cached + other.cached,
    completion: one.completion + other.completion,
    reasoning: one.reasoning + other.reasoning,
    promptAudio: one.promptAudio + other.promptAudio,
    completionAudio: one.completionAudio + other.completionAudio,
  };
}

/** A billionth of a dollar, the unit all cost is counted in: whole numbers add up exactly. */
export const NANO_USD = 1e-9;

/** What usage is summed by, with the day. What a caller left unsaid is `unknown_…`. */
export interface UsageLabels {
  readonly account: string;
  readonly agent: string;
  readonly creator: string;
  readonly operation: string;
  readonly model: string;
}

/** How a request ended: as its answer's outcome says, or, where there was none, with an error of the router's own. */
export type RequestEnd = Outcome | 'broken' | 'error';

/** One request, whatever its end: told once, when it is over. */
export interface RequestRecord {
  readonly requestId: string;
  /** When it ended; decides the day it is counted on. */
  readonly at: number;
  readonly labels: UsageLabels;
  /** `chat/completions`, `embeddings`, …; `other` where it is none of the API's operations. */
  readonly api: string;
  /** The pool that was asked for; `null`: none by name, or none that exists. */
  readonly pool: string | null;
  readonly tier: Tier | null;
  /** Who served it; `null`: nobody. */
  readonly deployment: DeploymentId | null;
  readonly endpoint: string | null;
  /** The model as the answer names it. */
  readonly responseModel: string | null;
  readonly status: number;
  readonly end: RequestEnd;
  /** The router's own code where it refused. */
  readonly errorCode: string | null;
  readonly retryAfterMs: number | null;
  readonly stream: boolean;
  /** The deployments asked, in order, with what came of it. */
  readonly attempts: readonly { readonly deployment: DeploymentId; readonly outcome: Outcome }[];
  readonly tokens: Tokens;
  /** In billionths of a dollar; `null`: the model's price is not known. */
  readonly costNanoUsd: number | null;
  /** True where a part of the tokens is an estimate, as no answer said what was used. */
  readonly estimated: boolean;
  /** From its arrival to the end of its answer. */
  readonly durationMs: number;
  /** From its arrival to the first bytes for the caller; `null` where it was not streamed. */
  readonly firstChunkMs: number | null;
  /** What the response cache had of it; absent: it was not asked. */
  readonly cache?: 'hit' | 'miss';
}
