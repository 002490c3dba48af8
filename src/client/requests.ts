/** What the router's own endpoints take and answer, as docs/http.md has it. */
import type OpenAI from 'openai';
import type { Tier } from '../domain/config.ts';
import type { Route } from './route.ts';
import type { JsonSchema, StandardSchema } from './schema.ts';

export interface GenerationOptions {
  /** A pool, a tier, a deployment or `auto`; absent: `auto`. */
  readonly model?: string | undefined;
  /** The system message before all others. */
  readonly system?: string | undefined;
  readonly maxTokens?: number | undefined;
  /** Absent: what suits the model. */
  readonly temperature?: number | undefined;
  readonly reasoningEffort?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | undefined;
}

type Question =
  | { readonly prompt: string; readonly messages?: undefined }
  | { readonly messages: readonly OpenAI.Chat.ChatCompletionMessageParam[]; readonly prompt?: undefined };

export type TextRequest = Question & GenerationOptions;

export type StructuredRequest<Schema> = Question &
  GenerationOptions & {
    /** JSON Schema, or a schema of zod 4, Valibot, ArkType or any other library with the Standard Schema interface. */
    readonly schema: Schema;
    /** `schema` as JSON Schema, where it cannot say that by itself. */
    readonly jsonSchema?: JsonSchema | undefined;
    /** What the model is told the schema is called. */
    readonly name?: string | undefined;
    /** Whether the deployment is to enforce the schema; absent: where it can. */
    readonly strict?: boolean | undefined;
  };

export type AnySchema = StandardSchema | JsonSchema;

export interface Generated {
  readonly model: string;
  readonly deployment: string | null;
  /** Of all calls that the request came to; `null`: a deployment did not say. */
  readonly usage: TokenUsage | null;
  readonly requestId: string;
  /** Present where the answer comes from the cache. */
  readonly cached?: true;
  /** What the answer's headers say. */
  readonly route: Route | null;
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  readonly totalTokens: number;
  /** `null`: nobody knows the price. */
  readonly costUsd: number | null;
}

export interface GeneratedText extends Generated {
  readonly text: string;
  readonly finishReason: string;
  /** Present where the model refused, in its words. */
  readonly refusal?: string;
}

export interface Structured<Data> extends Generated {
  /** Fits the schema. */
  readonly data: Data;
  /** The model's first answer did not fit, its second did. */
  readonly repaired: boolean;
}

/** A request as the data plane would take it. */
export interface ExplainRequest {
  /** Absent: `/openai/v1/chat/completions`. */
  readonly path?: string | undefined;
  /** Added to those of this client: its agent, its labels, its wishes. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Explanation {
  /** What the request asked for: a pool, a tier, a deployment. */
  readonly name: string;
  readonly agent: string;
  /** Where the agent belongs, as far as that counts here. */
  readonly sticky: { readonly deployment: string; readonly why: string; readonly movedFrom: string | null } | null;
  readonly pool: string | null;
  readonly tier: Tier | null;
  readonly downgradedFrom: Tier | null;
  readonly reason: string | null;
  readonly failoverOn: readonly string[];
  /** In the order they would be tried. */
  readonly candidates: readonly (Standing & {
    readonly why: string;
    readonly probe: boolean;
    readonly ramping: boolean;
  })[];
  readonly skipped: readonly (Standing & { readonly reason: string })[];
}

export interface Standing {
  readonly deployment: string;
  readonly state: string;
  readonly since: string | null;
  readonly until: string | null;
  readonly cause: string | null;
  /** Only where it is another than that of the whole. */
  readonly tier?: Tier | null;
}
