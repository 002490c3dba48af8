/** One call as an operation sees it, and the state behind the call. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Clock, Draw } from '../domain/clock.ts';
import type { Answer } from './answer.ts';
import type { Model } from './catalog.ts';
import type { StoredFile } from './files.ts';
import type { Latency } from './fleet.ts';
import type { JsonObject } from './json.ts';
import type { Limits } from './limits.ts';
import type { Form } from './multipart.ts';
import type { StoredResponse } from './response-store.ts';
import type { OperationName } from './routes.ts';
import type { PrefixCache } from './tokens.ts';

export interface Deployment {
  readonly name: string;
  readonly model: Model;
  readonly kind: 'standard' | 'ptu';
  readonly limits: Limits;
  readonly cache: PrefixCache;
  readonly latency: Latency;
}

export interface Endpoint {
  readonly name: string;
  readonly apiKey: string;
  readonly region: string;
  readonly deployments: ReadonlyMap<string, Deployment>;
  readonly latency: Latency;
  /** What a real resource would hold, and no other resource knows. */
  readonly files: Map<string, StoredFile>;
  readonly responses: Map<string, StoredResponse>;
}

export interface Call {
  readonly endpoint: Endpoint;
  readonly operation: OperationName;
  /** The parts of the path that are ids. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Empty where the body is no JSON object. */
  readonly json: JsonObject;
  readonly form: Form;
  readonly clock: Clock;
  readonly draw: Draw;
}

/** A call of something that only a deployment can do. */
export interface ModelCall extends Call {
  readonly deployment: Deployment;
}

/** A call that was understood: what it is charged on arrival, and how to answer it. */
export interface Job {
  /** Prompt and the most that may be generated, in tokens. */
  readonly estimate: number;
  run(): Answer;
}

/** What a request that names no maximum is taken to generate, for the rate limit alone. */
export const ESTIMATED_OUTPUT_TOKENS = 256;

export function nowInSeconds(call: Call): number {
  return Math.floor(call.clock.now() / 1_000);
}
