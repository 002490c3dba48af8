/**
 * Text and structured data for callers that do not want to speak to a model by themselves: prompt and schema in, checked data
 * out. Every call it makes is one of the data plane, so that failover, quotas, usage and headers are the same as for any other.
 */
import type { DeploymentId } from '../domain/deployment.ts';
import type { RouterError } from '../domain/errors.ts';
import type { Answer, HeaderList } from '../domain/message.ts';

export type CacheWish = 'on' | 'refresh';

/** Who may come to answer. */
export interface Candidate {
  readonly id: DeploymentId;
  readonly model: string | null;
}

/** The router's own data plane, as one caller's; its errors are `RouterError`s. */
export interface Line {
  readonly requestId: string;
  /** A chat completion: its body as JSON in, whatever became of it out. The caller's own wish about the cache goes first. */
  chat(body: string, cache: CacheWish): Promise<Answer>;
  /** Where a chat for this name would go now. */
  candidates(model: string): Promise<readonly Candidate[]>;
  modelOf(deployment: string): string | null;
}

/** What is wrong at one place of a value. */
export interface Mismatch {
  /** A JSON pointer (RFC 6901); empty: the whole. */
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

export type Ended =
  | { readonly kind: 'done'; readonly json: string; readonly headers: HeaderList }
  /** Not what was hoped for, and not the router's to change. */
  | { readonly kind: 'passed'; readonly answer: Answer }
  /** `beside`: what stands beside the message in the error. */
  | { readonly kind: 'refused'; readonly error: RouterError; readonly beside: object };
